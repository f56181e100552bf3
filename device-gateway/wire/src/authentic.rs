//! The checks of the centre on what a device sends, in their order (PROTOCOL §2, Checks).

use std::sync::Arc;

use ed25519_dalek::VerifyingKey;
use election::{
    Code, DeviceId, ElectionId, PrecinctId,
    report::{DeviceState, Digest, Heartbeat, Report},
};

use crate::{
    cbor::Malformed,
    envelope::SignedEnvelope,
    payload::{decode_heartbeat, decode_report, decode_state, seq_of},
    refusal::{Answerable, Refusal},
    topic::{Channel, Topic},
};

/// What arrived: anything, from anybody.
#[derive(Debug, Clone)]
pub struct RawMessage {
    /// The topic it was published on.
    pub topic: String,
    /// What should be an envelope.
    pub bytes: Arc<[u8]>,
}

/// Who may speak. Asked once a message.
pub trait Keyring {
    /// The entry of a device, whatever its standing; `None` where nobody has this name.
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry>;

    /// Whether a message is signed with a key. Who remembers what was found good need not compute it again.
    fn is_signed_by(&self, envelope: &SignedEnvelope<'_>, key: &VerifyingKey) -> bool {
        envelope.is_signed_by(key)
    }
}

/// What is known of a device before it says anything.
#[derive(Debug, Clone, Copy)]
pub struct DeviceEntry {
    /// Its public key now, decompressed once: a copy costs nothing beside a verification.
    pub key: VerifyingKey,
    /// Whether it may speak.
    pub standing: Standing,
}

/// Whether a device may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Active,
    /// Revoked, or a spare that was not put in use: E07.
    Shut,
    /// A decision about it is being recorded: refused without an answer, so that it repeats.
    Pending,
}

/// A message of a known device in use, signed with its key, for the topic it came on, in this election.
#[derive(Debug, Clone)]
pub enum Authentic {
    /// A report.
    Report(AuthenticReport),
    /// A heartbeat.
    Heartbeat(AuthenticHeartbeat),
    /// A state, or a Last Will.
    State(AuthenticState),
}

/// An authentic report, with the bytes that prove it.
#[derive(Debug, Clone)]
pub struct AuthenticReport {
    report: Arc<Report>,
    topic: Topic,
    digest: Digest,
    envelope: Arc<[u8]>,
}

/// An authentic heartbeat.
#[derive(Debug, Clone)]
pub struct AuthenticHeartbeat {
    heartbeat: Heartbeat,
    topic: Topic,
}

/// An authentic state.
#[derive(Debug, Clone)]
pub struct AuthenticState {
    state: DeviceState,
    topic: Topic,
}

impl RawMessage {
    /// [`authenticate`] of this message; the bytes are shared, not copied.
    pub fn authenticate(&self, running: &ElectionId, keyring: &impl Keyring) -> Result<Authentic, Refusal> {
        authenticate(&self.topic, Arc::clone(&self.bytes), running, keyring)
    }
}

/// All checks of a message from a device, in the order of PROTOCOL §2; the first that fails is the code.
/// The bytes are copied, where they must be, only once everything holds.
pub fn authenticate(
    topic: &str,
    bytes: impl AsRef<[u8]> + Into<Arc<[u8]>>,
    running: &ElectionId,
    keyring: &impl Keyring,
) -> Result<Authentic, Refusal> {
    let envelope = SignedEnvelope::open(topic, bytes.as_ref())?;
    let read = Message::reader(envelope.topic().channel)?;
    let signer = verify(&envelope, keyring)?;
    let message = read(envelope.payload())
        .map_err(malformed_payload)
        .and_then(|message| {
            agree(envelope.topic(), &signer, message.device(), message.place())?;
            is_of(running, envelope.topic())?;
            Ok(message)
        })
        .map_err(|refusal| refusal.answered(answerable(&envelope, &signer)))?;
    let (topic, digest) = (envelope.topic().clone(), envelope.digest());
    Ok(match message {
        Message::Report(report) => {
            let report = Arc::new(report);
            Authentic::Report(AuthenticReport { report, topic, digest, envelope: bytes.into() })
        }
        Message::Heartbeat(heartbeat) => Authentic::Heartbeat(AuthenticHeartbeat { heartbeat, topic }),
        Message::State(state) => Authentic::State(AuthenticState { state, topic }),
    })
}

/// Who signed: E02, E07, E03.
fn verify(envelope: &SignedEnvelope<'_>, keyring: &impl Keyring) -> Result<DeviceId, Refusal> {
    let unknown = || Refusal::silent(Code::E02, "kid names no device of this election");
    let kid = std::str::from_utf8(envelope.kid()).map_err(|_| unknown())?;
    let signer: DeviceId = kid.parse().map_err(|_| unknown())?;
    let entry = keyring.device(&signer).ok_or_else(unknown)?;
    let good = keyring.is_signed_by(envelope, &entry.key);
    match entry.standing {
        // The code comes before the signature, an answer only after it.
        Standing::Shut => {
            let refusal = Refusal::silent(Code::E07, "device is revoked or a spare");
            Err(if good { refusal.answered(answerable(envelope, &signer)) } else { refusal })
        }
        Standing::Pending => Err(Refusal::silent(Code::E07, "a decision about the device is being recorded")),
        Standing::Active if good => Ok(signer),
        Standing::Active => Err(Refusal::silent(Code::E03, "signature is not the device's for this topic")),
    }
}

/// To whom a refused message with a good signature is answered. Receipts answer reports, nothing else.
fn answerable(envelope: &SignedEnvelope<'_>, signer: &DeviceId) -> Option<Answerable> {
    (envelope.topic().channel == Channel::Report).then(|| Answerable {
        topic: Topic { device: signer.clone(), ..envelope.topic().on(Channel::Receipt) },
        device: signer.clone(),
        seq: seq_of(envelope.payload()),
        digest: envelope.digest(),
    })
}

/// E01 of the payload.
fn malformed_payload(malformed: Malformed) -> Refusal {
    Refusal::silent(Code::E01, format!("payload: {malformed}"))
}

/// E04: topic, kid and payload must name the same device, and the same place where the payload names one.
fn agree(
    topic: &Topic,
    signer: &DeviceId,
    device: &DeviceId,
    place: Option<(&ElectionId, PrecinctId)>,
) -> Result<(), Refusal> {
    let disagree = |why: &'static str| Err(Refusal::silent(Code::E04, why));
    if topic.device != *signer {
        return disagree("topic is of another device than kid");
    }
    if device != signer {
        return disagree("payload is of another device than kid");
    }
    match place {
        Some((election, _)) if *election != topic.election => {
            disagree("payload is of another election than the topic")
        }
        Some((_, precinct)) if precinct != topic.precinct => {
            disagree("payload is of another precinct than the topic")
        }
        _ => Ok(()),
    }
}

/// E05.
fn is_of(running: &ElectionId, topic: &Topic) -> Result<(), Refusal> {
    if topic.election == *running {
        Ok(())
    } else {
        Err(Refusal::silent(Code::E05, "another election than the one running"))
    }
}

/// How payloads of a channel are read.
type ReadMessage = fn(&[u8]) -> Result<Message, Malformed>;

/// A decoded payload, by the channel it came on.
enum Message {
    Report(Report),
    Heartbeat(Heartbeat),
    State(DeviceState),
}

impl Message {
    /// The reader of a channel; E01 of the topic where devices publish none.
    fn reader(channel: Channel) -> Result<ReadMessage, Refusal> {
        match channel {
            Channel::Report => Ok(|payload| decode_report(payload).map(Self::Report)),
            Channel::Heartbeat => Ok(|payload| decode_heartbeat(payload).map(Self::Heartbeat)),
            Channel::State => Ok(|payload| decode_state(payload).map(Self::State)),
            Channel::Receipt | Channel::Command => {
                Err(Refusal::silent(Code::E01, "topic is one that only the centre publishes on"))
            }
        }
    }

    fn device(&self) -> &DeviceId {
        match self {
            Self::Report(report) => &report.device,
            Self::Heartbeat(heartbeat) => &heartbeat.device,
            Self::State(state) => &state.device,
        }
    }

    fn place(&self) -> Option<(&ElectionId, PrecinctId)> {
        match self {
            Self::Report(report) => Some((&report.election, report.precinct)),
            Self::Heartbeat(heartbeat) => Some((&heartbeat.election, heartbeat.precinct)),
            Self::State(_) => None,
        }
    }
}

impl AuthenticReport {
    /// A report read back from a record of the journal, which was verified when it was written and whose
    /// checksum was checked now. Everything but the key is checked again.
    pub fn from_journal(topic: &str, envelope: Arc<[u8]>) -> Result<Self, Refusal> {
        let opened = SignedEnvelope::open(topic, &envelope)?;
        if opened.topic().channel != Channel::Report {
            return Err(Refusal::silent(Code::E01, "topic is not of a report"));
        }
        let report = decode_report(opened.payload()).map_err(malformed_payload)?;
        if opened.kid() != report.device.as_str().as_bytes() {
            return Err(Refusal::silent(Code::E04, "payload is of another device than kid"));
        }
        agree(opened.topic(), &report.device, &report.device, Some((&report.election, report.precinct)))?;
        let (topic, digest) = (opened.topic().clone(), opened.digest());
        Ok(Self { report: Arc::new(report), topic, digest, envelope })
    }

    /// What it says.
    pub fn report(&self) -> &Arc<Report> {
        &self.report
    }

    /// Who says it.
    pub fn device(&self) -> &DeviceId {
        &self.report.device
    }

    /// Where it was published.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// SHA-256 of the envelope.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The signed bytes.
    pub fn envelope(&self) -> &Arc<[u8]> {
        &self.envelope
    }
}

impl AuthenticHeartbeat {
    /// What it says.
    pub fn heartbeat(&self) -> &Heartbeat {
        &self.heartbeat
    }

    /// Who says it.
    pub fn device(&self) -> &DeviceId {
        &self.heartbeat.device
    }

    /// Where it was published.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }
}

impl AuthenticState {
    /// What it says.
    pub fn state(&self) -> &DeviceState {
        &self.state
    }

    /// Who says it.
    pub fn device(&self) -> &DeviceId {
        &self.state.device
    }

    /// Where it was published.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }
}
