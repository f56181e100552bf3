//! The runtime that everything but the device link's own thread runs on: actix's system over tokio's threads.

use std::io;

/// Runs a future to its end.
///
/// # Errors
/// The future's own, or where the system gives no threads.
pub fn block_on<T>(future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("sanak").build()?;
    actix::System::with_tokio_rt(|| tokio).block_on(future)
}
