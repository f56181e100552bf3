//! A way to a database on which everything takes longer, and which can be cut.
#![allow(clippy::unwrap_used, missing_docs, dead_code)] // a test that cannot go on says so, and uses a part of this

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// A way to a port on this machine, as long as the test lives.
pub struct Delay {
    pub port: u16,
    pub passed: Arc<AtomicU64>,
    by: Arc<AtomicU64>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Delay {
    /// On which every part takes so much longer, in both directions.
    pub fn towards(port: u16, by: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let way = Self { port: own, passed: Arc::default(), by: Arc::default(), open: Arc::default() };
        way.set(by);
        let (passed, by, open) = (Arc::clone(&way.passed), Arc::clone(&way.by), Arc::clone(&way.open));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                open.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                let ways = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
                for (from, to) in ways {
                    let (from, to) = (from.unwrap(), to.unwrap());
                    let (passed, by) = (Arc::clone(&passed), Arc::clone(&by));
                    std::thread::spawn(move || pass(from, to, &by, &passed));
                }
            }
        });
        way
    }

    /// From now on every part takes so much longer.
    pub fn set(&self, by: Duration) {
        self.by.store(u64::try_from(by.as_millis()).unwrap(), Relaxed);
    }

    /// Cuts every connection; new ones can be made.
    pub fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, by: &AtomicU64, passed: &AtomicU64) {
    let mut part = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut part) {
        std::thread::sleep(Duration::from_millis(by.load(Relaxed)));
        passed.fetch_add(read as u64, Relaxed);
        if to.write_all(&part[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
