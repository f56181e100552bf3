//! Who may do what at somebody else's broker, in the broker's own words. One table, three formats: a device has its
//! own topics, the gateway hears all that comes up and says all that goes down.
//!
//! The user of a connection is the common name of its certificate; so is its client id.

use std::fmt::Write;

use super::shut_out::{ANSWERS, CONTROL};

/// What each device may publish and hear below its own prefix; for the gateway it is the other way round.
const UP: [&str; 3] = ["report", "heartbeat", "state"];
const DOWN: [&str; 2] = ["receipt", "command"];

/// For which the access lists are made.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    /// Common name of the gateway's certificate.
    pub gateway: &'a str,
    /// Devices that are shut out, whatever their certificate says.
    pub revoked: &'a [String],
}

/// `sanak/1/{election}/{precinct}/{user}/{channel}`: which election and precinct is for the gateway to judge (E04, E05).
fn topic(user: &str, channel: &str) -> String {
    format!("sanak/1/+/+/{user}/{channel}")
}

impl Access<'_> {
    /// An `acl_file` of Mosquitto 2. What it does not allow is forbidden. A subscription is granted there whatever it
    /// asks for; what may not be heard is not delivered.
    pub fn mosquitto(&self) -> String {
        let mut text = String::from("# Who may do what (mosquitto.conf: acl_file). Read again on SIGHUP.\n");
        let line = |text: &mut String, line: String| text.extend([line.as_str(), "\n"]);
        line(&mut text, format!("\nuser {}", self.gateway));
        UP.iter().for_each(|channel| line(&mut text, format!("topic read {}", topic("+", channel))));
        DOWN.iter().for_each(|channel| line(&mut text, format!("topic write {}", topic("+", channel))));
        // Who is shut out while it runs, the gateway tells the dynamic-security plugin.
        line(&mut text, format!("topic write {CONTROL}\ntopic read {ANSWERS}"));
        for device in self.revoked {
            line(&mut text, format!("\nuser {device}\ntopic deny #"));
        }
        text.push('\n');
        UP.iter().for_each(|channel| line(&mut text, format!("pattern write {}", topic("%u", channel))));
        DOWN.iter().for_each(|channel| line(&mut text, format!("pattern read {}", topic("%u", channel))));
        text
    }

    /// An `acl.conf` of EMQX 5 (`authorization.sources = [{type = file, path = …}]`, `no_match = deny`).
    pub fn emqx(&self) -> String {
        let list =
            |channels: &[&str], user: &str| quoted(channels.iter().map(|channel| topic(user, channel)));
        let mut text =
            String::from("%% Who may do what (EMQX: authorization source of type file; no_match = deny).\n");
        let mut rule = |rule: String| text.extend([rule.as_str(), "\n"]);
        for device in self.revoked {
            rule(format!("{{deny, {{user, \"{device}\"}}, all, [\"#\"]}}."));
        }
        let gateway = self.gateway;
        rule(format!("{{allow, {{user, \"{gateway}\"}}, subscribe, [{}]}}.", list(&UP, "+")));
        rule(format!("{{allow, {{user, \"{gateway}\"}}, publish, [{}]}}.", list(&DOWN, "+")));
        rule(format!("{{allow, all, publish, [{}]}}.", list(&UP, "${username}")));
        rule(format!("{{allow, all, subscribe, [{}]}}.", list(&DOWN, "${username}")));
        rule("{deny, all}.".to_owned());
        text
    }

    /// A `rmqtt-acl.toml` of RMQTT. The last rule but one lets those connect whose certificate the listener has
    /// verified.
    pub fn rmqtt(&self) -> String {
        let list =
            |channels: &[&str], user: &str| quoted(channels.iter().map(|channel| topic(user, channel)));
        let mut text = String::from("# Who may do what (RMQTT: plugins/rmqtt-acl.toml).\nrules = [\n");
        let mut rule = |rule: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {rule},");
        };
        for device in self.revoked {
            rule(format!("[\"deny\", {{ user = \"{device}\" }}]"));
        }
        let gateway = self.gateway;
        rule(format!("[\"allow\", {{ user = \"{gateway}\" }}, \"subscribe\", [{}]]", list(&UP, "+")));
        rule(format!("[\"allow\", {{ user = \"{gateway}\" }}, \"publish\", [{}]]", list(&DOWN, "+")));
        rule(format!("[\"allow\", \"all\", \"publish\", [{}]]", list(&UP, "%u")));
        rule(format!("[\"allow\", \"all\", \"subscribe\", [{}]]", list(&DOWN, "%u")));
        rule("[\"allow\", \"all\", \"connect\"]".to_owned());
        rule("[\"deny\", \"all\"]".to_owned());
        text.push_str("]\n");
        text
    }
}

fn quoted(topics: impl Iterator<Item = String>) -> String {
    topics.map(|topic| format!("\"{topic}\"")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVOKED: &[String] = &[];

    #[test]
    fn the_gateway_hears_what_devices_may_say_and_says_what_they_may_hear() {
        let access = Access { gateway: "sanak-gateway", revoked: REVOKED };
        let [mosquitto, emqx, rmqtt] = [access.mosquitto(), access.emqx(), access.rmqtt()];
        for (text, own) in [(&mosquitto, "%u"), (&emqx, "${username}"), (&rmqtt, "%u")] {
            for channel in UP.iter().chain(&DOWN) {
                for user in ["+", own] {
                    assert_eq!(text.matches(&topic(user, channel)).count(), 1, "{user}/{channel} in {text}");
                }
            }
        }
        assert!(mosquitto.contains("user sanak-gateway\ntopic read sanak/1/+/+/+/report\n"));
        assert!(mosquitto.contains("\npattern read sanak/1/+/+/%u/receipt\n"));
        assert!(emqx.ends_with("\n{deny, all}.\n"));
        assert!(rmqtt.ends_with("    [\"deny\", \"all\"],\n]\n"));
    }

    #[test]
    fn a_revoked_device_is_shut_out_before_anything_is_allowed_to_all() {
        let revoked = ["urn-1".to_owned()];
        let access = Access { gateway: "sanak-gateway", revoked: &revoked };
        for (text, denied, allowed) in [
            (access.mosquitto(), "user urn-1\ntopic deny #", "pattern"),
            (access.emqx(), "{deny, {user, \"urn-1\"}, all, [\"#\"]}.", "{allow"),
            (access.rmqtt(), "[\"deny\", { user = \"urn-1\" }]", "[\"allow\""),
        ] {
            let (denied, allowed) = (text.find(denied), text.find(allowed));
            assert!(denied.is_some() && denied < allowed, "{text}");
        }
    }
}
