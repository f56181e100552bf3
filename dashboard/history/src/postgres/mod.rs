//! The store for those who run a database: PostgreSQL, with TimescaleDB or without.

mod connect;
mod prepare;
mod read;
mod ship;
mod values;

pub use connect::{AddressError, Connected, Database};
pub use prepare::{PrepareError, Prepared, prepare};
pub use read::PostgresStore;
pub use ship::{Shipper, Shipping};
pub(crate) use ship::{copy, taken_in};

/// What a database said, with the server's own words where it has any.
pub(crate) fn plain(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => {
            let detail = said.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("{} {}{detail}", said.code().code(), said.message())
        }
        None => {
            let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        }
    }
}
