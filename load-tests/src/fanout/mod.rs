//! The same frames to the same number of readers, through what a user might pick instead: a bare TCP broadcast, Sanak's
//! feed, Mosquitto's and NATS' WebSocket listeners.
//!
//! | module | what lives there |
//! | --- | --- |
//! | `unframe` | messages in a stream of bytes, without keeping them |
//! | `frames` | frames in a file |
//! | `readers` | readers by the thousand in one thread, and what a frame cost its server |
//! | `publisher` | a frame into each server |
//! | `broadcast` | the bare TCP broadcast |
//! | `verdict` | the four side by side |

mod broadcast;
mod frames;
mod publisher;
mod readers;
mod unframe;
mod verdict;

pub use broadcast::broadcast;
pub use frames::Frames;
pub use readers::{FanOut, Found, read};
pub use verdict::{Verdict, judge};

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What distributes frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// [`broadcast`].
    Tcp,
    /// Sanak's live feed, over WebSocket.
    Sanak,
    /// Mosquitto's WebSocket listener, MQTT 3.1.1, QoS 0.
    Mosquitto,
    /// NATS' WebSocket listener.
    Nats,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tcp" => Ok(Self::Tcp),
            "sanak" => Ok(Self::Sanak),
            "mosquitto" => Ok(Self::Mosquitto),
            "nats" => Ok(Self::Nats),
            _ => Err(format!("\"{text}\" is none of tcp, sanak, mosquitto, nats")),
        }
    }
}
