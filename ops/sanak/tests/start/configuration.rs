//! What a configuration may say, and what is told where it says anything else.

use std::net::SocketAddr;

use crate::{authority, scene::Scene};
use sanak::config::{Checked, Mqtt, Problems, load};

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn sound(scene: &Scene, variables: &[(&str, &str)]) -> Checked {
    load(&scene.config(), environment(variables)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn mistakes(scene: &Scene, variables: &[(&str, &str)]) -> Vec<String> {
    let Problems { mistakes, .. } = *load(&scene.config(), environment(variables)).unwrap_err();
    mistakes.iter().map(|mistake| scene.relative(&mistake.to_string())).collect()
}

#[test]
fn what_is_not_given_has_its_default() {
    let scene = Scene::new();
    scene.edit("sanak.toml", "[http]\nlisten = \"127.0.0.1:0\"\n", "");
    let found = load(&scene.config(), environment(&[]));
    // Port 8080 may be in use where this runs; then it is the default that is told of.
    match found {
        Ok(checked) => assert_eq!(checked.config.http, SocketAddr::from(([127, 0, 0, 1], 8080))),
        Err(problems) => assert!(problems.mistakes[0].what.starts_with("port 8080 of 127.0.0.1 is in use")),
    }
    let checked = sound(&Scene::new(), &[]);
    assert_eq!(checked.config.centre.kid, "centre");
    assert!(checked.config.room.is_empty() && checked.config.centre.old_keys.is_empty());
    assert!(
        matches!(checked.config.mqtt, Mqtt::Direct { plain: Some(address), tls: None } if address.port() == 0)
    );
}

#[test]
fn a_synchronised_clock_is_required_only_where_that_is_said() {
    let scene = Scene::new();
    assert!(!sound(&scene, &[]).config.centre.require_synchronised_clock);
    let variable = "SANAK_CENTRE__REQUIRE_SYNCHRONISED_CLOCK";
    assert!(sound(&scene, &[(variable, "true")]).config.centre.require_synchronised_clock);
    let told = mistakes(&scene, &[(variable, "yes")]);
    assert_eq!(told, [format!("{variable}: centre.require_synchronised_clock: must be true or false")]);
    let key = "key_file = \"centre.key\"";
    scene.edit("sanak.toml", key, &format!("{key}\nrequire_synchronised_clock = true"));
    assert!(sound(&scene, &[]).config.centre.require_synchronised_clock);
    scene.edit("sanak.toml", "= true", "= \"true\"");
    let told =
        "sanak.toml:13: centre.require_synchronised_clock: must be true or false, without quotation marks";
    assert_eq!(mistakes(&scene, &[]), [told]);
}

#[test]
fn the_quota_of_a_device_and_the_number_of_readers_have_defaults_and_are_whole_numbers() {
    let scene = Scene::new();
    let usual = sound(&scene, &[]).config;
    assert_eq!(usual.live_readers, 20_000);
    let quota = usual.quota;
    assert_eq!((quota.reports, quota.bytes, quota.equivocations), (20_000, 16 << 20, 16));
    let raised = [
        ("SANAK_LIMITS__DEVICE_REPORTS", "5000"),
        ("SANAK_LIMITS__DEVICE_MEBIBYTES", "64"),
        ("SANAK_LIMITS__LIVE_READERS", "300"),
    ];
    let config = sound(&scene, &raised).config;
    assert_eq!(config.live_readers, 300);
    let quota = config.quota;
    assert_eq!((quota.reports, quota.bytes, quota.equivocations), (5_000, 64 << 20, 16));
    let limits = "[limits]\ndevice_reports = 0\ndevice_mebibytes = \"16\"\ndevice_equivocations = -1\nlive_readers = 0\n[http]";
    scene.edit("sanak.toml", "[http]", limits);
    let told = mistakes(&scene, &[]).join("\n");
    for wrong in [
        "limits.device_reports: must be a whole number from 1 to 1000000",
        "limits.device_mebibytes: must be a whole number, without quotation marks",
        "limits.device_equivocations: must be a whole number from 0 to 1000000",
        "limits.live_readers: must be a whole number from 1 to 1000000",
    ] {
        assert!(told.contains(wrong), "{told}");
    }
}

#[test]
fn paths_in_the_file_start_at_its_directory() {
    let scene = Scene::new();
    let checked = sound(&scene, &[]);
    assert_eq!(checked.config.data_dir, scene.path("data"));
    assert_eq!(checked.config.election.definition.about().id.as_str(), "vec-1");
}

#[test]
fn a_variable_has_the_last_word() {
    let scene = Scene::new();
    let data = scene.path("elsewhere");
    let public = "d66a146b207d7839febaa2a5a6ea38c9ca1ff68f6e9260f24909ca11a7fc9701";
    let old_keys = format!("[{{ kid = \"centre-1\", public_key = \"{public}\" }}]");
    let checked = sound(
        &scene,
        &[
            ("SANAK_DATA__DIR", data.to_str().unwrap()),
            ("SANAK_CENTRE__KID", "centre-2"),
            ("SANAK_CENTRE__OLD_KEYS", &old_keys),
            ("SANAK_MQTT__MODE", "embedded"),
            ("SANAK_LOG", "info"),
            ("PATH", "/bin"),
        ],
    );
    assert_eq!(checked.config.data_dir, data);
    assert_eq!(checked.config.centre.kid, "centre-2");
    assert_eq!(checked.config.centre.old_keys[0].0, "centre-1");
    assert!(matches!(checked.config.mqtt, Mqtt::Embedded(_)));
}

#[test]
fn an_unknown_key_section_or_variable_is_told_with_the_one_probably_meant() {
    let scene = Scene::new();
    scene.edit("sanak.toml", "plain_listen", "plain_listn");
    scene.edit("sanak.toml", "[metrics]", "[metric]");
    let variables = [("SANAK_HTPP__LISTEN", "127.0.0.1:1"), ("SANAK_MQTT__TEMPERATURE", "red")];
    assert_eq!(
        mistakes(&scene, &variables),
        [
            "sanak.toml:6: mqtt.plain_listn: unknown key, did you mean plain_listen?",
            "sanak.toml:9: metric: unknown section, did you mean metrics?",
            "SANAK_HTPP__LISTEN: unknown setting, did you mean SANAK_HTTP__LISTEN?",
            "SANAK_MQTT__TEMPERATURE: unknown setting",
            "sanak.toml:5: mqtt.listen: is missing: give an address for devices over TLS, such as 0.0.0.0:8883, or \
             mqtt.plain_listen on loopback",
        ]
    );
}

#[test]
fn a_mistake_in_a_variable_names_the_variable() {
    let scene = Scene::new();
    let variables = [("SANAK_MQTT__MODE", "dirct"), ("SANAK_CENTRE__OLD_KEYS", "[1]")];
    let list = "must be a list such as [{ kid = \"centre-1\", public_key = \"64 hex digits\" }], and nothing else in it";
    assert_eq!(
        mistakes(&scene, &variables),
        [
            format!("SANAK_CENTRE__OLD_KEYS: {list}"),
            "SANAK_MQTT__MODE: mqtt.mode: \"dirct\" is not direct, external or embedded, did you mean direct?"
                .to_owned(),
        ]
    );
}

#[test]
fn what_is_not_toml_or_of_another_type_is_told_by_line() {
    let scene = Scene::new();
    scene.write("sanak.toml", "http = 3\n[data]\ndir = 5\n[election]\ndir = \"\"\n");
    let told = mistakes(&scene, &[]);
    assert!(told.contains(&"sanak.toml:1: http: must be a section: write [http]".to_owned()), "{told:#?}");
    assert!(
        told.contains(&"sanak.toml:3: data.dir: must be a text in quotation marks, not integer".to_owned())
    );
    let empty = "sanak.toml:5: election.dir: is empty: give the directory that election.toml is in";
    assert!(told.contains(&empty.to_owned()), "{told:#?}");

    scene.write("sanak.toml", "[http]\nlisten = \n[data\n");
    let told = mistakes(&scene, &[]);
    assert!(told[0].starts_with("sanak.toml:2: this is not TOML: "), "{told:#?}");
    assert!(told[1].starts_with("sanak.toml:3: this is not TOML: "), "{told:#?}");

    scene.write("sanak.toml", &"#".repeat(2 << 20));
    assert!(mistakes(&scene, &[])[0].contains("larger than"));
    let absent = load(&scene.path("none.toml"), environment(&[])).unwrap_err();
    assert!(absent.mistakes[0].to_string().contains("none.toml: cannot be read"));
    assert_eq!(absent.mistakes.len(), 1, "what only follows from it is not told");
}

#[test]
fn mqtt_without_tls_stays_on_this_machine() {
    let scene = Scene::new();
    scene.edit("sanak.toml", "127.0.0.1:0", "0.0.0.0:0");
    let told = mistakes(&scene, &[]);
    assert!(told[0].starts_with("sanak.toml:6: mqtt.plain_listen: 0.0.0.0:0 is not loopback"), "{told:#?}");

    let scene = Scene::new();
    let checked = sound(&scene, &[("SANAK_MQTT__MODE", "external"), ("SANAK_MQTT__URL", "mqtt://localhost")]);
    let Mqtt::External { host, port, tls, .. } = checked.config.mqtt else {
        panic!("{:?}", checked.config.mqtt)
    };
    assert_eq!((host.as_str(), port, tls.is_none()), ("localhost", 1883, true));
    let unused = "sanak.toml:6: mqtt.plain_listen: is not used with mqtt.mode external";
    assert_eq!(scene.relative(&checked.warnings.last().unwrap().to_string()), unused);
    let told =
        mistakes(&scene, &[("SANAK_MQTT__MODE", "external"), ("SANAK_MQTT__URL", "mqtt://far.example")]);
    assert!(told[0].contains("is not this machine"), "{told:#?}");
}

#[test]
fn devices_over_tls_need_a_certificate_a_key_and_an_authority_that_are_sound() {
    let scene = Scene::new();
    authority::write(&scene);
    let door = "[mqtt]\nlisten = \"127.0.0.1:0\"\ncert = \"server.crt\"\nkey = \"server.key\"\ndevice_ca = \"ca.crt\"";
    scene.edit("sanak.toml", "[mqtt]\nplain_listen = \"127.0.0.1:0\"", door);
    assert!(matches!(sound(&scene, &[]).config.mqtt, Mqtt::Direct { plain: None, tls: Some(_) }));

    scene.permit("server.key", 0o644);
    let warning = "sanak.toml:8: mqtt.key: others can read server.key: chmod 600 it";
    let warnings = sound(&scene, &[]).warnings;
    assert!(warnings.iter().any(|told| scene.relative(&told.to_string()) == warning), "{warnings:#?}");

    scene.write("server.key", "no key");
    assert!(mistakes(&scene, &[])[0].starts_with("sanak.toml:8: mqtt.key: server.key: "));
    scene.write("ca.crt", "no certificate");
    assert!(mistakes(&scene, &[])[0].starts_with("sanak.toml:9: mqtt.device_ca: ca.crt: "));
    scene.edit("sanak.toml", "cert = \"server.crt\"\n", "");
    assert_eq!(
        mistakes(&scene, &[]),
        ["sanak.toml:5: mqtt.cert: is missing: give the server's certificate, in PEM"]
    );
}

#[test]
fn a_broker_elsewhere_needs_the_authority_that_signed_it() {
    let scene = Scene::new();
    authority::write(&scene);
    let far = [("SANAK_MQTT__MODE", "external"), ("SANAK_MQTT__URL", "mqtts://far.example")];
    let told = mistakes(&scene, &far);
    assert!(told[0].starts_with("sanak.toml:5: mqtt.ca: is missing: give the certificate"), "{told:#?}");
    scene.edit("sanak.toml", "plain_listen = \"127.0.0.1:0\"", "ca = \"ca.crt\"");
    let checked = sound(&scene, &far);
    let Mqtt::External { port, tls, .. } = checked.config.mqtt else { panic!("{:?}", checked.config.mqtt) };
    assert_eq!(
        (port, tls.map(|(ca, ours)| (ca, ours.is_none()))),
        (8883, Some((scene.path("ca.crt"), true)))
    );
    scene.edit("sanak.toml", "ca = \"ca.crt\"", "ca = \"ca.crt\"\ncert = \"server.crt\"");
    let told = mistakes(&scene, &far);
    assert!(told[0].starts_with("sanak.toml:5: mqtt.key: is missing: give our own private key"), "{told:#?}");
}

#[test]
fn a_brokers_log_may_come_later_and_must_be_readable_when_it_is_there() {
    let scene = Scene::new();
    let log = scene.path("mosquitto.log");
    let external = [
        ("SANAK_MQTT__MODE", "external"),
        ("SANAK_MQTT__URL", "mqtt://localhost"),
        ("SANAK_MQTT__LOG_FILE", log.to_str().unwrap()),
    ];
    let warns =
        |checked: &Checked| checked.warnings.iter().any(|told| told.to_string().contains("is not there"));
    let checked = sound(&scene, &external);
    assert!(warns(&checked), "{:#?}", checked.warnings);
    scene.write("mosquitto.log", "");
    let checked = sound(&scene, &external);
    assert!(!warns(&checked), "{:#?}", checked.warnings);
    assert!(matches!(checked.config.mqtt, Mqtt::External { log_file: Some(file), .. } if file == log));
    let directory = [external[0], external[1], ("SANAK_MQTT__LOG_FILE", "/proc/1/mem/log")];
    let told = mistakes(&scene, &directory);
    assert!(
        told[0].starts_with("SANAK_MQTT__LOG_FILE: mqtt.log_file: /proc/1/mem/log cannot be read: "),
        "{told:#?}"
    );
    let told_of = |checked: Checked| matches!(checked.config.mqtt, Mqtt::External { mosquitto: true, .. });
    assert!(told_of(sound(&scene, &external)), "a Mosquitto is told who is shut out");
    let other = [external[0], external[1], ("SANAK_MQTT__BROKER", "other")];
    assert!(!told_of(sound(&scene, &other)));
    let unknown = [external[0], external[1], ("SANAK_MQTT__BROKER", "kafka")];
    let told = mistakes(&scene, &unknown);
    assert_eq!(told[0], "SANAK_MQTT__BROKER: mqtt.broker: \"kafka\" is not mosquitto or other");
    let unused = sound(&scene, &[("SANAK_MQTT__LOG_FILE", "x")]);
    assert!(
        unused.warnings.iter().any(|told| told.to_string().contains("is not used with mqtt.mode direct"))
    );
}

#[test]
fn addresses_that_overlap_or_are_not_ours_are_told() {
    let scene = Scene::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = free.to_string();
    let told = mistakes(&scene, &[("SANAK_HTTP__LISTEN", &listen), ("SANAK_METRICS__LISTEN", &listen)]);
    let line = format!(
        "SANAK_METRICS__LISTEN: metrics.listen: {listen} is taken by http.listen already: choose another port"
    );
    assert_eq!(told, [line]);

    let told = mistakes(&scene, &[("SANAK_HTTP__LISTEN", "192.0.2.1:8080")]);
    assert_eq!(told, ["SANAK_HTTP__LISTEN: http.listen: 192.0.2.1 is no address of this machine"]);
}

#[test]
fn a_key_that_is_none_is_a_mistake_and_one_that_others_can_read_a_warning() {
    let scene = Scene::new();
    scene.permit("centre.key", 0o640);
    let warnings = sound(&scene, &[]).warnings;
    let line = "sanak.toml:12: centre.key_file: others can read centre.key: chmod 600 it";
    assert!(warnings.iter().any(|warning| scene.relative(&warning.to_string()) == line), "{warnings:#?}");

    scene.write("centre.key", "secret");
    let told = mistakes(&scene, &[("SANAK_CENTRE__KID", "Centre")]);
    assert!(
        told[0].starts_with("sanak.toml:12: centre.key_file: centre.key: not an Ed25519 private key"),
        "{told:#?}"
    );
    assert!(told[1].starts_with("SANAK_CENTRE__KID: kid: \"Centre\" is no name of a key"), "{told:#?}");
}

#[test]
fn old_keys_have_names_of_their_own_and_are_keys() {
    let scene = Scene::new();
    let public = "d66a146b207d7839febaa2a5a6ea38c9ca1ff68f6e9260f24909ca11a7fc9701";
    let list = format!(
        "old_keys = [\n  {{ kid = \"centre\", public_key = \"{public}\" }},\n  {{ kid = \"older\", public_key = \"{}\" }},\n]",
        "00".repeat(32)
    );
    scene.edit("sanak.toml", "key_file", &format!("{list}\nkey_file"));
    let told = mistakes(&scene, &[]);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with("sanak.toml:13: centre.old_keys: \"centre\" names two keys"), "{told:#?}");
    assert!(
        told[1].starts_with("sanak.toml:14: centre.old_keys: \"older\": not an Ed25519 public key"),
        "{told:#?}"
    );
}

#[test]
fn the_list_of_tokens_is_read_line_by_line() {
    let scene = Scene::new();
    let sha = "ab".repeat(32);
    scene.write("tokens", &format!("# who may enter\n\nAigul Asanova {sha}\nBakyt {sha}\n"));
    scene.edit("sanak.toml", "[centre]", "[room]\ntokens_file = \"tokens\"\n[centre]");
    let room = sound(&scene, &[]).config.room;
    assert_eq!(room[0].name, "Aigul Asanova");
    assert_eq!(room[1].sha256, [0xab; 32]);

    scene.write("tokens", &format!("Aigul {sha}\nBakyt\nAigul {sha}\n"));
    assert_eq!(
        mistakes(&scene, &[]),
        [
            "tokens:2: write a name, a space, and the SHA-256 of the token in 64 hex digits",
            "tokens:3: \"Aigul\" has a token already",
        ]
    );
    let told = mistakes(&scene, &[("SANAK_ROOM__TOKENS_FILE", "/nowhere/tokens")]);
    assert!(told[0].starts_with("SANAK_ROOM__TOKENS_FILE: room.tokens_file: /nowhere/tokens cannot be read"));
}
