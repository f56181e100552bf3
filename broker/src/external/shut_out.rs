//! Tells a Mosquitto who is shut out, by its dynamic-security plugin: connections end at once, and a device that comes
//! again may say and hear nothing until its connection is ended too.
//!
//! The plugin knows nobody but those: about all others it has no opinion, and the access list decides. Mosquitto asks it
//! nothing at CONNECT where users are the names of certificates, so whoever comes again is ended when the log tells of
//! it, and every half minute whatever the log tells.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::direct::{Register, Standing};

/// Where the plugin takes its commands, and answers them.
pub(super) const CONTROL: &str = "$CONTROL/dynamic-security/v1";
pub(super) const ANSWERS: &str = "$CONTROL/dynamic-security/v1/response";

/// The role that forbids everything. An entry that has it is ours.
const ROLE: &str = "sanak-shut-out";

/// How often everybody who is shut out is ended again.
const AGAIN: Duration = Duration::from_secs(30);

/// How often what was not answered is looked at.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// While an answer is waited for and is not this late, whoever comes again is told of once more when it is there.
const SOON: Duration = Duration::from_secs(1);

/// After which time without an answer people are told, and the command is repeated.
const PATIENCE: Duration = Duration::from_secs(10);

/// Devices in one command, and entries in one answer: both stay far below the largest packet.
const AT_ONCE: usize = 100;

/// Devices whose standing the broker is to know.
#[derive(Clone)]
pub struct Devices {
    /// All of them.
    pub names: Vec<String>,
    /// What each may do now; no certificate is shown to it.
    pub register: Register,
}

/// What is asked of the plugin, and what it has not answered yet.
pub(super) struct ShutOut {
    devices: Devices,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    /// Devices about which an answer is waited for.
    waiting: BTreeMap<String, Wait>,
    /// When everybody was ended last.
    all: Option<Instant>,
}

/// A wait for an answer.
struct Wait {
    /// Since when.
    since: Instant,
    /// When it was asked for last.
    sent: Instant,
    /// Whether the device came again in the meantime.
    again: bool,
}

impl Wait {
    fn from(now: Instant) -> Self {
        Self { since: now, sent: now, again: false }
    }
}

/// What an answer leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sequel {
    /// Further commands.
    pub(super) commands: Vec<Vec<u8>>,
    /// What the plugin could not do.
    pub(super) trouble: Vec<String>,
}

impl ShutOut {
    pub(super) fn new(devices: Devices) -> Self {
        Self { devices, asked: Mutex::default() }
    }

    pub(super) fn is_shut_out(&self, client: &str) -> bool {
        (self.devices.register)(client, None) == Standing::Revoked
    }

    /// Ends a client's connection; where it is shut out, whatever it does afterwards is denied.
    pub(super) fn end(&self, client: &str, now: Instant) -> Vec<u8> {
        self.asked().waiting.entry(client.to_owned()).or_insert_with(|| Wait::from(now)).sent = now;
        request(self.commands(client))
    }

    /// One that is shut out has come again: the command that ends it, unless one is on its way.
    pub(super) fn came(&self, client: &str, now: Instant) -> Option<Vec<u8>> {
        if let Some(wait) = self.asked().waiting.get_mut(client)
            && now.duration_since(wait.sent) < SOON
        {
            wait.again = true;
            return None;
        }
        Some(self.end(client, now))
    }

    /// A session has begun: what the plugin holds is brought to what the register says.
    pub(super) fn begin(&self, now: Instant) -> Vec<Vec<u8>> {
        let mut commands = vec![list_from(0)];
        commands.extend(self.everybody(now));
        commands
    }

    /// What is due: everybody once more, or what was not answered; and whom no answer came about.
    pub(super) fn due(&self, now: Instant) -> (Vec<Vec<u8>>, Vec<String>) {
        let mut asked = self.asked();
        if asked.all.is_none_or(|all| now.duration_since(all) >= AGAIN) {
            drop(asked);
            return (self.everybody(now), Vec::new());
        }
        let late = |wait: &Wait| now.duration_since(wait.since) >= PATIENCE;
        let names: Vec<String> =
            asked.waiting.iter().filter(|(_, wait)| late(wait)).map(|(name, _)| name.clone()).collect();
        for name in &names {
            asked.waiting.insert(name.clone(), Wait::from(now));
        }
        drop(asked);
        (self.about(&names), names)
    }

    /// Takes an answer of the plugin.
    pub(super) fn answer(&self, payload: &[u8], now: Instant) -> Sequel {
        let mut sequel = Sequel::default();
        let answers = serde_json::from_slice::<Value>(payload).unwrap_or_default();
        let Some(answers) = answers["responses"].as_array() else {
            sequel.trouble.push("the answer of the plugin cannot be read".to_owned());
            return sequel;
        };
        for answer in answers {
            let command = answer["command"].as_str().unwrap_or_default();
            let about = answer["correlationData"].as_str().unwrap_or_default();
            match (command, answer["error"].as_str()) {
                // Entry and role are there from an earlier time.
                ("createRole", Some("Role already exists"))
                | ("createClient", Some("Client already exists")) => {}
                (_, Some(error)) => sequel.trouble.push(format!("{about}: {command}: {error}")),
                ("disableClient" | "deleteClient", None) => {
                    let wait = self.asked().waiting.remove(about);
                    if wait.is_some_and(|wait| wait.again) {
                        sequel.commands.push(self.end(about, now));
                    }
                }
                ("listClients", None) => {
                    sequel.commands.extend(self.listed(
                        &answer["data"],
                        about.parse().unwrap_or_default(),
                        now,
                    ));
                }
                _ => {}
            }
        }
        sequel
    }

    /// Entries of ours for devices that may speak: of another election's night, or a rehearsal's.
    fn listed(&self, data: &Value, from: usize, now: Instant) -> Vec<Vec<u8>> {
        let clients = data["clients"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours = |client: &Value| {
            client["roles"].as_array().is_some_and(|roles| roles.iter().any(|role| role["rolename"] == ROLE))
        };
        let names =
            clients.iter().filter(|client| ours(client)).filter_map(|client| client["username"].as_str());
        let wrongly: Vec<&str> = names.filter(|name| !self.is_shut_out(name)).collect();
        if wrongly.is_empty() {
            let next = from + clients.len();
            let more =
                !clients.is_empty() && data["totalCount"].as_u64().is_some_and(|total| total > next as u64);
            return if more { vec![list_from(next)] } else { Vec::new() };
        }
        // What is left moves up: it is listed from the beginning again.
        let mut commands: Vec<Vec<u8>> = wrongly.iter().map(|name| self.end(name, now)).collect();
        commands.push(list_from(0));
        commands
    }

    /// Everybody who is shut out, and who waits for an end from an earlier session.
    fn everybody(&self, now: Instant) -> Vec<Vec<u8>> {
        let mut names: Vec<String> =
            self.devices.names.iter().filter(|name| self.is_shut_out(name)).cloned().collect();
        let mut asked = self.asked();
        asked.all = Some(now);
        names.extend(asked.waiting.keys().filter(|name| !self.is_shut_out(name)).cloned());
        for name in &names {
            asked.waiting.entry(name.clone()).or_insert_with(|| Wait::from(now)).sent = now;
        }
        drop(asked);
        self.about(&names)
    }

    fn about(&self, names: &[String]) -> Vec<Vec<u8>> {
        names
            .chunks(AT_ONCE)
            .map(|names| request(names.iter().flat_map(|name| self.commands(name)).collect()))
            .collect()
    }

    fn commands(&self, name: &str) -> Vec<Value> {
        let told = |command: &str, rest: Value| {
            let mut whole = json!({"command": command, "username": name, "correlationData": name});
            if let (Some(whole), Value::Object(rest)) = (whole.as_object_mut(), rest) {
                whole.extend(rest);
            }
            whole
        };
        if self.is_shut_out(name) {
            // An entry that is disabled: each time it is, its connection ends.
            let role = told("createRole", json!({"rolename": ROLE, "acls": forbidden()}));
            let entry = told("createClient", json!({"roles": [{"rolename": ROLE}]}));
            vec![role, entry, told("disableClient", json!({}))]
        } else {
            // An entry that comes and goes: when it goes, its connection ends.
            vec![told("createClient", json!({})), told("deleteClient", json!({}))]
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forbidden() -> Value {
    let acl = |kind: &str| json!({"acltype": kind, "topic": "#", "priority": 1, "allow": false});
    ["publishClientSend", "publishClientReceive", "subscribePattern"].map(acl).into_iter().collect()
}

fn list_from(offset: usize) -> Vec<u8> {
    request(vec![json!({
        "command": "listClients", "verbose": true, "count": AT_ONCE, "offset": offset,
        "correlationData": offset.to_string(),
    })])
}

fn request(commands: Vec<Value>) -> Vec<u8> {
    json!({ "commands": commands }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn shut_out(revoked: &'static [&'static str]) -> ShutOut {
        let register: Register =
            Arc::new(
                move |name, _| {
                    if revoked.contains(&name) { Standing::Revoked } else { Standing::Device }
                },
            );
        let names = ["u-1", "u-2", "u-3"].map(str::to_owned).to_vec();
        ShutOut::new(Devices { names, register })
    }

    fn told(messages: &[Vec<u8>]) -> Vec<String> {
        let commands = messages.iter().flat_map(|message| {
            let message: Value = serde_json::from_slice(message).unwrap();
            message["commands"].as_array().unwrap().clone()
        });
        let words = |command: Value| {
            format!(
                "{} {}",
                command["command"].as_str().unwrap(),
                command["correlationData"].as_str().unwrap()
            )
        };
        commands.map(words).collect()
    }

    fn answered(shut_out: &ShutOut, answers: Value) -> Sequel {
        shut_out.answer(json!({ "responses": answers }).to_string().as_bytes(), Instant::now())
    }

    #[test]
    fn a_session_begins_with_everybody_who_is_shut_out_and_they_are_ended_again_every_half_minute() {
        let shut_out = shut_out(&["u-2"]);
        let begun = Instant::now();
        let expected = ["createRole u-2", "createClient u-2", "disableClient u-2"];
        assert_eq!(told(&shut_out.begin(begun))[1..], expected);
        answered(&shut_out, json!([{"command": "disableClient", "correlationData": "u-2"}]));
        assert_eq!(shut_out.due(begun + AGAIN / 2), (Vec::new(), Vec::new()));
        assert_eq!(told(&shut_out.due(begun + AGAIN).0), expected);
    }

    #[test]
    fn what_is_not_answered_is_repeated_and_told_and_outlives_the_session() {
        let shut_out = shut_out(&[]);
        let begun = Instant::now();
        shut_out.begin(begun);
        assert_eq!(told(&[shut_out.end("u-1", begun)]), ["createClient u-1", "deleteClient u-1"]);
        assert_eq!(shut_out.due(begun + PATIENCE / 2), (Vec::new(), Vec::new()));
        let (again, late) = shut_out.due(begun + PATIENCE);
        assert_eq!((told(&again).len(), late), (2, vec!["u-1".to_owned()]));
        assert_eq!(told(&shut_out.begin(begun + PATIENCE))[1..], ["createClient u-1", "deleteClient u-1"]);
        answered(&shut_out, json!([{"command": "deleteClient", "correlationData": "u-1"}]));
        assert_eq!(told(&shut_out.begin(begun + PATIENCE)), ["listClients 0"]);
    }

    #[test]
    fn entries_of_ours_for_devices_that_may_speak_are_taken_out_page_by_page() {
        let shut_out = shut_out(&["u-2"]);
        let entry = |name: &str, role: &str| json!({"username": name, "roles": [{"rolename": role}]});
        let page = |clients: Value| {
            let data = json!({"totalCount": 4, "clients": clients});
            told(
                &answered(
                    &shut_out,
                    json!([{"command": "listClients", "correlationData": "0", "data": data}]),
                )
                .commands,
            )
        };
        assert_eq!(page(json!([entry("u-2", ROLE), entry("admin", "admin")])), ["listClients 2"]);
        let expected = ["createClient u-1", "deleteClient u-1", "listClients 0"];
        assert_eq!(page(json!([entry("u-1", ROLE), entry("u-2", ROLE)])), expected);
        assert_eq!(page(json!([])), [""; 0]);
    }

    #[test]
    fn one_that_comes_again_and_again_is_ended_once_an_answer_or_once_a_second() {
        let shut_out = shut_out(&["u-2"]);
        let begun = Instant::now();
        let ended = |answered: &Sequel| told(&answered.commands).len();
        let done = || answered(&shut_out, json!([{"command": "disableClient", "correlationData": "u-2"}]));
        assert!(shut_out.came("u-2", begun).is_some());
        for _ in 0..1_000 {
            assert!(shut_out.came("u-2", begun + SOON / 2).is_none());
        }
        // It may have come after the broker had ended what it found.
        assert_eq!(ended(&done()), 3, "once more");
        assert_eq!(ended(&done()), 0, "and that is answered");
        assert!(shut_out.came("u-2", begun).is_some());
        assert!(shut_out.came("u-2", begun + SOON).is_some(), "no answer in a second");
        assert!(shut_out.came("u-2", begun + SOON + SOON / 2).is_none());
    }

    #[test]
    fn what_the_plugin_cannot_do_is_told() {
        let shut_out = shut_out(&["u-2"]);
        let there = json!([{"command": "createRole", "error": "Role already exists"},
            {"command": "createClient", "error": "Client already exists"}]);
        assert_eq!(answered(&shut_out, there), Sequel::default());
        let failed =
            json!([{"command": "disableClient", "error": "Client not found", "correlationData": "u-2"}]);
        assert_eq!(answered(&shut_out, failed).trouble, ["u-2: disableClient: Client not found"]);
        assert_eq!(shut_out.answer(b"no json", Instant::now()).trouble.len(), 1);
    }
}
