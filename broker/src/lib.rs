//! How device messages reach us, behind one port.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`port`] | what the gateway sees: [`DeviceLink`], [`LinkEvent`], [`Message`], [`Ack`], [`Downlink`] |
//! | [`acl`] | who may publish and subscribe where; pure |
//! | [`limits`] | sizes, counts, rates and times, in one place |
//! | [`direct`] | ends device connections itself (the default) |
//! | [`tls`] | certificates and keys from files |
//! | [`external`] | one supervised session with a broker or cluster |
//! | [`embedded`] | a broker in this process, on loopback, served through the same session |

pub mod acl;
pub mod direct;
pub mod embedded;
pub mod external;
pub mod limits;
pub mod port;
pub mod tls;

pub use limits::Limits;
pub use port::{
    Ack, AlarmKind, Counters, DeviceLink, Down, Downlink, Error, LinkEvent, Message, Peer, RefusedKind,
    Reloader,
};
