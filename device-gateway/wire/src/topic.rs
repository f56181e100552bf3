//! Topics: `sanak/1/{election}/{precinct}/{device}/{channel}`.

use std::{fmt, str::FromStr};

use election::{Code, DeviceId, ElectionId, PrecinctId};

use crate::refusal::Refusal;

/// Where a message is published. Reading and writing are inverse: a topic has one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// Which election.
    pub election: ElectionId,
    /// Where the device stands.
    pub precinct: PrecinctId,
    /// Whose prefix it is.
    pub device: DeviceId,
    /// What kind of message.
    pub channel: Channel,
}

/// The last part of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Up: signed, numbered, durable.
    Report,
    /// Up: a sign of life with the latest counts.
    Heartbeat,
    /// Up: on line or off line; the Last Will.
    State,
    /// Down: the centre's answer to a report.
    Receipt,
    /// Down: what the centre asks.
    Command,
}

impl Channel {
    const ALL: [Channel; 5] = [Self::Report, Self::Heartbeat, Self::State, Self::Receipt, Self::Command];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Heartbeat => "heartbeat",
            Self::State => "state",
            Self::Receipt => "receipt",
            Self::Command => "command",
        }
    }
}

impl Topic {
    /// Reads a topic; E01 where it is none.
    pub fn parse(text: &str) -> Result<Topic, Refusal> {
        let malformed = |why: &'static str| Refusal::silent(Code::E01, why);
        let mut parts = text.split('/');
        if (parts.next(), parts.next()) != (Some("sanak"), Some("1")) {
            return Err(malformed("topic does not begin with sanak/1/"));
        }
        let mut next = || parts.next().ok_or(malformed("topic has fewer than six parts"));
        let (election, precinct, device, channel) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(malformed("topic has more than six parts"));
        }
        Ok(Topic {
            election: election.parse().map_err(|_| malformed("topic names no election id"))?,
            precinct: precinct.parse().map_err(|_| malformed("topic names no precinct number"))?,
            device: device.parse().map_err(|_| malformed("topic names no device id"))?,
            channel: Channel::ALL
                .into_iter()
                .find(|known| known.as_str() == channel)
                .ok_or(malformed("topic names no channel"))?,
        })
    }

    /// The same device's topic of another channel.
    pub fn on(&self, channel: Channel) -> Topic {
        Topic { channel, ..self.clone() }
    }
}

impl FromStr for Topic {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sanak/1/{}/{}/{}/{}", self.election, self.precinct, self.device, self.channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_reads_back_as_written() {
        for channel in Channel::ALL {
            let text = format!("sanak/1/kg-2025/5123/u-5123-1/{channel}");
            assert_eq!(Topic::parse(&text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_e01_without_answer() {
        for text in [
            "",
            "/",
            "sanak",
            "sanak/1/e/1/d",
            "sanak/1/e/1/d/report/",
            "/sanak/1/e/1/d/report",
            "sanak/2/e/1/d/report",
            "Sanak/1/e/1/d/report",
            "sanak/1//1/d/report",
            "sanak/1/e/01/d/report",
            "sanak/1/e/0/d/report",
            "sanak/1/e/+/d/report",
            "sanak/1/e/1/#/report",
            "sanak/1/e/1/d/Report",
            "sanak/1/e/1/d/report ",
            "sanak/1/e/1/a-device-id-of-24-letters/report",
        ] {
            let refusal = Topic::parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.answer), (Code::E01, None), "{text}");
        }
    }
}
