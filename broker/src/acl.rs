//! Who may publish and subscribe where (PROTOCOL §2). Pure: strings in, a decision out.
//!
//! A device lives under its own prefix `sanak/1/{election}/{precinct}/{device}/` and nowhere else. Which election
//! runs and in which precinct a device stands is for the gateway to judge (E04, E05 are answered, so they must
//! reach it); that no device speaks or listens in another's name is judged here.

/// Longest topic or filter that is looked at, in bytes.
pub const MAX_TOPIC_BYTES: usize = 192;

/// Every topic of the protocol begins so.
const ROOT: &str = "sanak/1/";

/// Whom a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who<'a> {
    /// A device with this id: its certificate's name, or its client id where a plain connection is allowed.
    Device(&'a str),
    /// An operator's tool on a plain loopback connection.
    Operator,
}

/// The last level of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// Signed, numbered reports, from a device.
    Report,
    /// Signed sign of life, from a device.
    Heartbeat,
    /// `online` and `offline`, from a device; the topic of its last will.
    State,
    /// The centre's answers, to a device.
    Receipt,
    /// The centre's orders, to a device.
    Command,
}

impl Channel {
    /// The channel of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "report" => Self::Report,
            "heartbeat" => Self::Heartbeat,
            "state" => Self::State,
            "receipt" => Self::Receipt,
            "command" => Self::Command,
            _ => return None,
        })
    }

    /// Whether messages on it travel from devices to the centre.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Report | Self::Heartbeat | Self::State)
    }
}

/// A topic of the protocol, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic<'a> {
    /// Election id.
    pub election: &'a str,
    /// Precinct number, as written.
    pub precinct: &'a str,
    /// Device id.
    pub device: &'a str,
    /// Last level.
    pub channel: Channel,
}

impl<'a> Topic<'a> {
    /// Takes a topic apart; `None` where it is not one of the protocol's.
    pub fn parse(topic: &'a str) -> Option<Self> {
        let (prefix, channel) = split(topic)?;
        let channel = Channel::parse(channel)?;
        Some(Self { election: prefix.election, precinct: prefix.precinct, device: prefix.device, channel })
    }
}

struct Prefix<'a> {
    election: &'a str,
    precinct: &'a str,
    device: &'a str,
}

/// `sanak/1/{election}/{precinct}/{device}` and the one level after it.
fn split(topic: &str) -> Option<(Prefix<'_>, &str)> {
    if topic.len() > MAX_TOPIC_BYTES {
        return None;
    }
    let mut levels = topic.strip_prefix(ROOT)?.split('/');
    let (election, precinct, device) = (levels.next()?, levels.next()?, levels.next()?);
    let last = levels.next()?;
    let whole =
        levels.next().is_none() && is_id(election, 32) && is_precinct(precinct) && is_device_id(device);
    whole.then_some((Prefix { election, precinct, device }, last))
}

fn is_id(text: &str, longest: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut bytes = text.bytes();
    text.len() <= longest && bytes.next().is_some_and(plain) && bytes.all(|byte| plain(byte) || byte == b'-')
}

/// Whether a name can be a device's: `[a-z0-9][a-z0-9-]{0,22}`.
pub fn is_device_id(text: &str) -> bool {
    is_id(text, 23)
}

fn is_precinct(text: &str) -> bool {
    (1..=9).contains(&text.len()) && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a message may be published to `topic`. The topic holds no wildcards (the server refuses those before).
pub fn may_publish(who: Who<'_>, topic: &str) -> bool {
    match who {
        Who::Device(id) => {
            Topic::parse(topic).is_some_and(|topic| topic.device == id && topic.channel.is_up())
        }
        Who::Operator => is_operators(topic),
    }
}

/// Whether `filter` may be subscribed to. A device names its own down channels, or all of its own prefix at once.
pub fn may_subscribe(who: Who<'_>, filter: &str) -> bool {
    match who {
        Who::Device(id) => split(filter).is_some_and(|(prefix, last)| {
            prefix.device == id
                && (matches!(last, "#" | "+") || Channel::parse(last).is_some_and(|channel| !channel.is_up()))
        }),
        Who::Operator => is_operators(filter),
    }
}

/// Whether a last will may be left on `topic`: a device's only on its own `state`.
pub fn may_leave_will(who: Who<'_>, topic: &str) -> bool {
    match who {
        Who::Device(id) => {
            Topic::parse(topic).is_some_and(|topic| topic.device == id && topic.channel == Channel::State)
        }
        Who::Operator => is_operators(topic) && !topic.contains(['#', '+']),
    }
}

fn is_operators(topic: &str) -> bool {
    topic.len() <= MAX_TOPIC_BYTES && topic.starts_with(ROOT) && topic.len() > ROOT.len()
}

/// MQTT 3.1.1 §4.7: whether `filter` covers `topic`. Both are known to be well formed.
pub fn matches(filter: &str, topic: &str) -> bool {
    let mut topics = topic.split('/');
    for level in filter.split('/') {
        match (level, topics.next()) {
            ("#", _) => return true,
            (_, None) => return false,
            ("+", Some(_)) => {}
            (level, Some(name)) if level == name => {}
            _ => return false,
        }
    }
    topics.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "sanak/1/kg-demo/5123/urn-5123-1/";

    fn own(last: &str) -> String {
        format!("{OWN}{last}")
    }

    const DEVICE: Who<'static> = Who::Device("urn-5123-1");

    #[test]
    fn a_device_publishes_on_its_three_up_channels_only() {
        for (last, may) in [
            ("report", true),
            ("heartbeat", true),
            ("state", true),
            ("receipt", false),
            ("command", false),
            ("log", false),
        ] {
            assert_eq!(may_publish(DEVICE, &own(last)), may, "{last}");
        }
    }

    #[test]
    fn a_device_subscribes_to_its_two_down_channels_or_its_whole_prefix() {
        for (last, may) in [
            ("receipt", true),
            ("command", true),
            ("#", true),
            ("+", true),
            ("report", false),
            ("+/#", false),
            ("", false),
        ] {
            assert_eq!(may_subscribe(DEVICE, &own(last)), may, "{last}");
        }
    }

    #[test]
    fn nothing_outside_the_own_prefix_is_a_devices() {
        for topic in [
            "sanak/1/kg-demo/5123/urn-5123-2/report",
            "sanak/1/kg-demo/5123/urn-5123-1/report/x",
            "sanak/1/kg-demo/5123/urn-5123-1",
            "sanak/2/kg-demo/5123/urn-5123-1/report",
            "sanak/1/kg-demo/05123/urn-5123-1/report",
            "sanak/1/kg-demo//urn-5123-1/report",
            "sanak/1/KG/5123/urn-5123-1/report",
            "/sanak/1/kg-demo/5123/urn-5123-1/report",
            "",
        ] {
            assert!(!may_publish(DEVICE, topic), "{topic}");
        }
        for filter in [
            "#",
            "sanak/#",
            "sanak/1/+/+/urn-5123-1/receipt",
            "sanak/1/kg-demo/+/urn-5123-1/#",
            "sanak/1/kg-demo/5123/+/receipt",
            "$SYS/#",
        ] {
            assert!(!may_subscribe(DEVICE, filter), "{filter}");
        }
    }

    #[test]
    fn a_will_stands_on_the_own_state_topic_only() {
        assert!(may_leave_will(DEVICE, &own("state")));
        assert!(!may_leave_will(DEVICE, &own("report")));
        assert!(!may_leave_will(DEVICE, "sanak/1/kg-demo/5123/urn-5123-2/state"));
        assert!(!may_leave_will(Who::Operator, "sanak/1/kg-demo/5123/+/state"));
    }

    #[test]
    fn an_operators_tool_reaches_everything_under_the_root_and_nothing_else() {
        assert!(may_publish(Who::Operator, "sanak/1/kg-demo/5123/urn-5123-2/report"));
        assert!(may_subscribe(Who::Operator, "sanak/1/kg-demo/#"));
        for filter in ["#", "$SYS/#", "sanak/1/", "sanak/+/kg-demo/#"] {
            assert!(!may_subscribe(Who::Operator, filter), "{filter}");
        }
        assert!(!may_publish(Who::Operator, &format!("sanak/1/{}", "x".repeat(MAX_TOPIC_BYTES))));
    }

    #[test]
    fn filters_cover_topics_as_the_standard_says() {
        for (filter, topic, covers) in [
            ("a/b", "a/b", true),
            ("a/+", "a/b", true),
            ("a/+", "a/b/c", false),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/+/c", "a/b/c", true),
            ("a/b/c", "a/b", false),
            ("a", "a/b", false),
        ] {
            assert_eq!(matches(filter, topic), covers, "{filter} {topic}");
        }
    }
}
