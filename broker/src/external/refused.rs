//! What Mosquitto has refused, read from its log: one line in, at most one refusal out. Pure.
//!
//! A denied publication is told there as such. A subscription is not denied: it is granted, and what may not be heard
//! is not delivered; a last will is refused when it would be sent. So of both it is judged here, by the same rules as in
//! `direct`, whether they reach beyond the client's own topics.

use crate::acl::{self, Who};
use crate::port::RefusedKind;

/// A refusal that the log tells of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) client: String,
    pub(super) what: RefusedKind,
    pub(super) detail: String,
}

/// Reads line after line; some belong together.
#[derive(Debug, Default)]
pub(super) struct Reader {
    gateway: String,
    /// Who has connected last: the lines of a CONNECT follow each other.
    client: String,
    /// The next line names the topic of its last will.
    will: bool,
}

impl Reader {
    /// `gateway` is our own client id: what it asks for is its right.
    pub(super) fn new(gateway: &str) -> Self {
        Self { gateway: gateway.to_owned(), ..Self::default() }
    }

    /// Reads a line, its time included.
    pub(super) fn line(&mut self, line: &str) -> Option<Refused> {
        let whole = line;
        let line = without_time(line);
        if std::mem::take(&mut self.will) {
            let topic = line.strip_prefix('\t')?;
            let mine = self.client == self.gateway || acl::may_leave_will(Who::Device(&self.client), topic);
            let refused = || refused(&self.client, RefusedKind::Will, format!("will on {topic:?}"));
            return (!mine).then(refused);
        }
        if let Some(client) = connected(whole) {
            self.client = client.to_owned();
            return None;
        }
        if line.starts_with("Will message specified (") {
            self.will = true;
            return None;
        }
        publication(line)
            .or_else(|| ending(line))
            .or_else(|| stranger(line))
            .or_else(|| self.subscription(line))
    }

    /// `CLIENT QOS FILTER`, and nothing else.
    fn subscription(&self, line: &str) -> Option<Refused> {
        let mut words = line.splitn(3, ' ');
        let (client, qos, filter) = (words.next()?, words.next()?, words.next()?);
        let told = matches!(qos, "0" | "1" | "2" | "128" | "135") && client != self.gateway;
        let foreign = told && !acl::may_subscribe(Who::Device(client), filter);
        foreign.then(|| refused(client, RefusedKind::Subscription, format!("subscribe to {filter:?}")))
    }
}

fn without_time(line: &str) -> &str {
    line.split_once(": ").map_or(line, |(_, rest)| rest)
}

/// Who has connected, where a line tells of that.
pub(super) fn connected(line: &str) -> Option<&str> {
    let rest = without_time(line).strip_prefix("New client connected from ")?;
    let who = rest.split_once(" as ").and_then(|(_, rest)| rest.rsplit_once(" (p"));
    Some(who.map_or("", |(client, _)| client))
}

fn refused(client: &str, what: RefusedKind, detail: String) -> Refused {
    let clip = |text: &str| text.chars().take(100).collect::<String>();
    Refused { client: clip(client), what, detail: clip(&detail) }
}

/// `Denied PUBLISH from CLIENT (d0, q1, r0, m1, 'TOPIC', ... (1 bytes))`, or one that is too large.
fn publication(line: &str) -> Option<Refused> {
    let (what, rest) = match line.strip_prefix("Denied PUBLISH from ") {
        Some(rest) => (RefusedKind::Topic, rest),
        None => (RefusedKind::Size, line.strip_prefix("Dropped too large PUBLISH from ")?),
    };
    let (client, rest) = rest.split_once(" (d")?;
    let topic =
        rest.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map_or("", |(topic, _)| topic);
    Some(refused(client, what, format!("publish on {topic:?}")))
}

/// How a client's connection was ended by the broker.
fn ending(line: &str) -> Option<Refused> {
    const ENDINGS: [(&str, RefusedKind); 7] = [
        (" disconnected due to oversize packet.", RefusedKind::Size),
        (" disconnected due to oversize payload.", RefusedKind::Size),
        (" disconnected due to malformed packet.", RefusedKind::Protocol),
        (" disconnected due to protocol error.", RefusedKind::Protocol),
        (" disconnected, not authorised.", RefusedKind::Identity),
        (" has exceeded timeout, disconnecting.", RefusedKind::Silence),
        (" connected with too large Will payload", RefusedKind::Will),
    ];
    let rest = line.strip_prefix("Client ")?;
    let (client, what) = ENDINGS.iter().find_map(|(end, what)| Some((rest.strip_suffix(end)?, *what)))?;
    // Whoever has not come as far as an id has none.
    let client = if client == "<unknown>" { "" } else { client };
    Some(refused(client, what, rest.to_owned()))
}

/// Somebody whose connection came to nothing.
fn stranger(line: &str) -> Option<Refused> {
    let told = line.strip_prefix("OpenSSL Error[0]: ");
    let failed = || line.strip_prefix("Client connection from ").filter(|rest| rest.contains(" failed: "));
    if let Some(why) = told.or_else(failed) {
        let certificate =
            ["certificate verify failed", "certificate revoked", "certificate expired", "unknown ca"];
        let identity = certificate.iter().any(|reason| why.contains(reason));
        let what = if identity { RefusedKind::Identity } else { RefusedKind::Handshake };
        return Some(refused("", what, why.to_owned()));
    }
    let most =
        line.strip_prefix("Client connection from ")?.strip_suffix(" denied: max_connections exceeded.")?;
    Some(refused("", RefusedKind::Connections, format!("from {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All refusals that a log tells of, as kind and client.
    fn read(log: &str) -> Vec<(RefusedKind, String)> {
        let mut reader = Reader::new("sanak-gateway");
        let refused = log.lines().filter_map(|line| reader.line(&format!("2026-11-22T07:47:36: {line}")));
        refused.map(|refused| (refused.what, refused.client)).collect()
    }

    fn one(log: &str) -> Option<(RefusedKind, String)> {
        let all = read(log);
        assert!(all.len() <= 1, "{all:?}");
        all.into_iter().next()
    }

    #[test]
    fn a_denied_publication_names_its_client_and_topic() {
        let line = "1795333638: Denied PUBLISH from urn-1 (d0, q1, r0, m1, 'sanak/1/e/1/it's/report', ... (1 bytes))";
        let detail = "publish on \"sanak/1/e/1/it's/report\"".to_owned();
        let expected = Refused { client: "urn-1".to_owned(), what: RefusedKind::Topic, detail };
        assert_eq!(Reader::new("sanak-gateway").line(line), Some(expected));
    }

    #[test]
    fn a_subscription_is_judged_by_the_rules_of_the_direct_link() {
        let refused = |line: &str| one(line).map(|(what, _)| what);
        assert_eq!(refused("urn-1 1 sanak/1/e/1/urn-1/receipt"), None);
        assert_eq!(refused("urn-1 1 #"), Some(RefusedKind::Subscription));
        assert_eq!(refused("urn-1 0 sanak/1/e/1/urn-2/receipt"), Some(RefusedKind::Subscription));
        assert_eq!(refused("sanak-gateway 1 sanak/1/e/+/+/report"), None);
        // Part of the same packet's account: not to be counted twice.
        assert_eq!(refused("\t# (QoS 1)"), None);
    }

    #[test]
    fn a_will_belongs_to_whoever_has_just_connected() {
        let connect = |topic: &str| {
            one(&format!(
                "New client connected from 127.0.0.1:48562 as urn-1 (p2, c1, k60, u'urn-1').\n\
                 Will message specified (3 bytes) (r0, q0).\n\t{topic}\nSending CONNACK to urn-1 (0, 0)"
            ))
        };
        assert_eq!(connect("sanak/1/e/1/urn-1/state"), None);
        for foreign in ["sanak/1/e/1/urn-2/state", "sanak/1/e/1/urn-1/report", "x"] {
            assert_eq!(connect(foreign), Some((RefusedKind::Will, "urn-1".to_owned())), "{foreign}");
        }
    }

    #[test]
    fn endings_and_strangers_have_their_kinds() {
        for (line, what, client) in [
            ("Client urn-1 disconnected due to oversize packet.", RefusedKind::Size, "urn-1"),
            ("Client urn-1 has exceeded timeout, disconnecting.", RefusedKind::Silence, "urn-1"),
            ("Client <unknown> disconnected due to protocol error.", RefusedKind::Protocol, ""),
            ("Client urn-1 disconnected due to malformed packet.", RefusedKind::Protocol, "urn-1"),
            (
                "Client connection from 10.0.0.9 denied: max_connections exceeded.",
                RefusedKind::Connections,
                "",
            ),
            (
                "OpenSSL Error[0]: error:0A0000C7:SSL routines::peer did not return a certificate",
                RefusedKind::Handshake,
                "",
            ),
            (
                "OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed",
                RefusedKind::Identity,
                "",
            ),
            (
                "Client connection from 127.0.0.1 failed: error:0A000102:SSL routines::unsupported protocol.",
                RefusedKind::Handshake,
                "",
            ),
            (
                "Dropped too large PUBLISH from urn-1 (d0, q1, r0, m1, 'x', ... (600000 bytes))",
                RefusedKind::Size,
                "urn-1",
            ),
        ] {
            assert_eq!(one(line), Some((what, client.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_is_usual_is_no_refusal() {
        let usual = "mosquitto version 2.0.11 running\nOpening ipv4 listen socket on port 8883.\n\
                     New connection from 127.0.0.1:42970 on port 8883.\nNo will message specified.\n\
                     Received PUBLISH from urn-1 (d0, q1, r0, m1, 'sanak/1/e/1/urn-1/report', ... (1 bytes))\n\
                     Sending PUBACK to urn-1 (m1, rc0)\nReceived SUBSCRIBE from urn-1\nClient urn-1 disconnected.\n\
                     Client urn-1 already connected, closing old connection.\nClient urn-1 closed its connection.\n\
                     Client <unknown> disconnected: Protocol error.\nSaving in-memory database to /var/x.db.\n\n: \nx";
        assert_eq!(read(usual), []);
    }
}
