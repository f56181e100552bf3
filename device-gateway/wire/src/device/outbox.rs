//! The reports of a device from their making to their receipt.

use std::{
    mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ed25519_dalek::SigningKey;
use election::{
    Code, Effect, ElectionId, PrecinctId, Timestamp,
    report::{Body, DeviceState, Digest, Heartbeat, Order, Presence, Report, Seq, Verdict},
};

use super::{
    backoff,
    identity::{Identity, Vitals},
    log::{Log, LogError},
    pending::{Pending, Waiting},
    record::{Head, Record, place_of},
};
use crate::{
    cbor::Malformed,
    centre::{AuthenticCommand, AuthenticReceipt},
    envelope::{Content, SignedEnvelope},
    payload::{decode_report, encode_heartbeat, encode_state},
    topic::Channel,
};

/// Heartbeat counters are set aside on disk in blocks of so many: one write for all of them, and after a
/// power loss the rest of the block is left out, for a counter need only rise.
const COUNTERS_AT_ONCE: u64 = 100;

/// A file that has grown to this is written anew with what is still needed, in bytes.
const COMPACT_AT: u64 = 1 << 20;

/// Why an outbox does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The file.
    #[error(transparent)]
    Log(#[from] LogError),
    /// What is in the file is whole, but nothing that an outbox wrote.
    #[error("{path}: not an outbox of this version: {why}", path = .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The file is another device's, or holds reports signed for another place or election.
    #[error("{path}: made for {made_for}: open it as that, then mend it", path = .path.display())]
    MadeFor {
        /// The file.
        path: PathBuf,
        /// `election/precinct/device`.
        made_for: String,
    },
    /// A report that no centre takes.
    #[error("the report is over 256 KiB: leave out what is optional")]
    TooLarge,
    /// The centre has shut this device out (E07).
    #[error("this device is revoked or a spare: it makes no more reports until its operator lets it go on")]
    Stopped,
}

/// What a receipt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The centre has the report for good; it is forgotten here.
    Done {
        /// Which.
        seq: Seq,
        /// `accepted`, `duplicate` or `quarantined`.
        verdict: Verdict,
    },
    /// The centre has it but misses reports before it. Those that are here are sent again.
    Held {
        /// Which.
        seq: Seq,
        /// How many there are to send.
        missing: usize,
    },
    /// The centre has it and cannot use it (F): raise a local fault. It is forgotten here.
    Fault {
        /// Which.
        seq: Seq,
        /// Why.
        code: Option<Code>,
    },
    /// The centre has refused it (E01, E04, E05): neither it nor what comes after it is sent until
    /// [`Outbox::mend`].
    Mend {
        /// Which.
        seq: Seq,
        /// Why.
        code: Code,
    },
    /// The device is shut out (E07): nothing is sent any more, until [`Outbox::resume`].
    Stopped,
    /// Not about a report that is waiting here.
    Unknown,
}

/// What a command of the centre asks of the device itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Reports are due again; so many.
    Resend(usize),
    /// From now on a heartbeat every so often, and one now.
    Heartbeat(Duration),
    /// End the connection; connect again after the usual wait.
    Disconnect,
    /// An old command, or another device's: nothing.
    Nothing,
}

/// The numbered, chained reports of a device and the ones among them that have no receipt. Times are of any
/// clock of the caller's that never goes back; an outbox reads none.
#[derive(Debug)]
pub struct Outbox {
    identity: Identity,
    log: Option<Log>,
    next: Seq,
    prev: Digest,
    boot: u64,
    counter: u64,
    counters_set_aside: u64,
    stopped: bool,
    /// The number of the last command taken. Not kept over a restart: the worst that an old one can do is to
    /// have something sent again, or a connection made anew.
    commanded: u64,
    /// In the order of their numbers.
    pending: Vec<Pending>,
}

impl Outbox {
    /// An outbox that ends with the process: for devices that are simulated.
    pub fn in_memory(identity: Identity) -> Self {
        Self {
            identity,
            log: None,
            next: 1,
            prev: Digest::NONE,
            boot: 0,
            counter: 0,
            counters_set_aside: u64::MAX,
            stopped: false,
            commanded: 0,
            pending: Vec::new(),
        }
    }

    /// The outbox in a file, or a new one where there is none. Every report in it without a receipt is due; where the
    /// device has another key than they were signed with, they are signed anew ([`Outbox::rekey`]).
    pub fn open(path: &Path, identity: Identity) -> Result<Self, OutboxError> {
        let (bodies, locked) = Log::read(path)?;
        let mut outbox = Self::in_memory(identity);
        if locked.is_some() {
            let made_for = outbox
                .replay(&bodies)
                .map_err(|why| OutboxError::Foreign { path: path.to_owned(), why: why.to_string() })?;
            if made_for != place_of(&outbox.identity) {
                return Err(OutboxError::MadeFor { path: path.to_owned(), made_for });
            }
        }
        outbox.counters_set_aside = outbox.counter;
        outbox.log = Some(Log::replace(path, &outbox.records())?);
        if outbox.pending.iter().any(|pending| !outbox.is_signed(pending)) {
            outbox.rekey(outbox.identity.key.clone())?;
        }
        Ok(outbox)
    }

    /// Follows the records of a file; returns what its reports are signed for.
    fn replay(&mut self, bodies: &[Vec<u8>]) -> Result<String, Malformed> {
        let mut records = bodies.iter().map(|body| Record::decode(body));
        let Some(Record::Head(head)) = records.next().transpose()? else {
            return Err(Malformed::new("does not begin with a head"));
        };
        (self.next, self.prev, self.boot, self.counter) = (head.next, head.prev, head.boot, head.counter);
        for record in records {
            match record? {
                Record::Head(_) => return Err(Malformed::new("a second head")),
                Record::Made(envelope) => {
                    let seq = decode_report(Content::read(&envelope)?.payload)?.seq;
                    let made = Pending::new(seq, envelope.into());
                    if seq >= self.next {
                        (self.next, self.prev) = (seq + 1, made.digest);
                    }
                    self.pending.push(made);
                }
                Record::Done(digest) => self.pending.retain(|pending| pending.digest != digest),
                Record::Boot(boot) => self.boot = boot,
                Record::Counter(counter) => self.counter = counter,
            }
        }
        Ok(head.place)
    }

    /// All that is still needed.
    fn records(&self) -> Vec<Vec<u8>> {
        let head = Record::Head(Head {
            place: place_of(&self.identity),
            next: self.next,
            prev: self.prev,
            boot: self.boot,
            // Those set aside may have been used by the time that this is read.
            counter: if self.log.is_some() { self.counters_set_aside } else { self.counter },
        });
        let made = self.pending.iter().map(|pending| Record::Made(pending.envelope.to_vec()));
        [head].into_iter().chain(made).map(|record| record.encode()).collect()
    }

    /// Puts a record on stable storage, having made room for it where the file has grown long.
    fn remember(&mut self, record: &Record) -> Result<(), LogError> {
        if self.log.as_ref().is_some_and(|log| log.length() > COMPACT_AT) {
            self.rewrite()?;
        }
        self.log.as_mut().map_or(Ok(()), |log| log.append(&record.encode()))
    }

    fn rewrite(&mut self) -> Result<(), LogError> {
        let records = self.records();
        self.log.as_mut().map_or(Ok(()), |log| log.rewrite(&records))
    }

    /// Who the device is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The number of the last report made; 0 before the first.
    pub fn last_seq(&self) -> Seq {
        self.next - 1
    }

    /// How many reports have no final receipt.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Makes the next report of the chain. It is on stable storage before this returns, and due at once.
    pub fn make(&mut self, body: Body, at: Timestamp) -> Result<Arc<[u8]>, OutboxError> {
        if self.stopped {
            return Err(OutboxError::Stopped);
        }
        let envelope = self.identity.envelope(&Report {
            election: self.identity.election.clone(),
            precinct: self.identity.precinct,
            device: self.identity.device.clone(),
            seq: self.next,
            prev: self.prev,
            at,
            body,
        })?;
        self.remember(&Record::Made(envelope.to_vec()))?;
        let made = Pending::new(self.next, Arc::clone(&envelope));
        (self.next, self.prev) = (self.next + 1, made.digest);
        self.pending.push(made);
        Ok(envelope)
    }

    /// The envelopes to publish now on the `report` topic, in the order of their numbers. Each is due again
    /// after 1 s, doubling to 60 s, ±20 % by `random`, until its receipt.
    pub fn due(&mut self, now: Duration, random: &mut impl FnMut() -> u32) -> Vec<Arc<[u8]>> {
        let mut due = Vec::new();
        for pending in self.sendable().filter(|pending| pending.due <= now) {
            pending.sendings = backoff::GROWS_UNTIL.min(pending.sendings + 1);
            pending.due = now + backoff::wait(pending.sendings, random());
            due.push(Arc::clone(&pending.envelope));
        }
        due
    }

    /// When [`Self::due`] has something next; `None` while nothing waits to be sent.
    pub fn next_due(&mut self) -> Option<Duration> {
        self.sendable().map(|pending| pending.due).min()
    }

    /// Goes on after E07: a spare that spoke before it was put in use, and has been by now. All that waits is due at once,
    /// with its numbers as they were; where the device stands elsewhere than its reports say, [`Outbox::mend`] comes
    /// first. It is an operator's act, for who is still shut out is told so again; a device that is switched on anew
    /// goes on by itself.
    pub fn resume(&mut self) {
        self.stopped = false;
        self.reconnected();
    }

    /// Nothing from a refused report on: what comes after it is chained to it.
    fn sendable(&mut self) -> impl Iterator<Item = &mut Pending> {
        let all = if self.stopped { &mut [] } else { self.pending.as_mut_slice() };
        all.iter_mut().take_while(|pending| pending.standing != Waiting::Refused)
    }

    /// A new connection: everything without a receipt is due again, from the shortest wait.
    pub fn reconnected(&mut self) {
        for pending in &mut self.pending {
            (pending.due, pending.sendings) = (Duration::ZERO, 0);
        }
    }

    /// The centre's command to send again from a number on; what is forgotten here, it has receipted.
    pub fn resend(&mut self, from: Seq, now: Duration) {
        self.pending.iter_mut().filter(|pending| pending.seq >= from).for_each(|pending| pending.hasten(now));
    }

    /// Acts on a command. One whose number is not above that of the last is passed over: it was recorded and
    /// played again, or overtook another.
    pub fn on_command(&mut self, command: &AuthenticCommand, now: Duration) -> Told {
        let command = command.command();
        if command.device != self.identity.device || command.id <= self.commanded {
            return Told::Nothing;
        }
        self.commanded = command.id;
        match command.order {
            Order::Resend { from } => {
                self.resend(from, now);
                Told::Resend(self.pending.iter().filter(|pending| pending.seq >= from).count())
            }
            Order::Heartbeat { interval } => Told::Heartbeat(Duration::from_secs(interval)),
            Order::Disconnect => Told::Disconnect,
        }
    }

    /// Acts on a receipt, which names its report by the digest (PROTOCOL §2, verdicts).
    pub fn on_receipt(&mut self, receipt: &AuthenticReceipt, now: Duration) -> Result<Outcome, OutboxError> {
        let receipt = receipt.receipt();
        let known = |pending: &Pending| pending.digest == receipt.digest;
        let Some(at) = self.pending.iter().position(known) else { return Ok(Outcome::Unknown) };
        if receipt.device != self.identity.device {
            return Ok(Outcome::Unknown);
        }
        let seq = self.pending[at].seq;
        match (receipt.verdict, receipt.code) {
            (Verdict::Accepted | Verdict::Duplicate | Verdict::Quarantined, _) => {
                self.forget(at)?;
                Ok(Outcome::Done { seq, verdict: receipt.verdict })
            }
            (Verdict::Held, _) => Ok(Outcome::Held { seq, missing: self.hold(at, now) }),
            (Verdict::Rejected, Some(Code::E07)) => {
                self.stopped = true;
                Ok(Outcome::Stopped)
            }
            (Verdict::Rejected, Some(code)) if code.effect() == Effect::Refused => {
                self.pending[at].standing = Waiting::Refused;
                Ok(Outcome::Mend { seq, code })
            }
            (Verdict::Rejected, code) => {
                self.forget(at)?;
                Ok(Outcome::Fault { seq, code })
            }
        }
    }

    fn forget(&mut self, at: usize) -> Result<(), LogError> {
        self.remember(&Record::Done(self.pending[at].digest))?;
        self.pending.remove(at);
        Ok(())
    }

    /// The centre has this one; it waits for those before it. Asking again once a minute is enough.
    fn hold(&mut self, at: usize, now: Duration) -> usize {
        let (before, held) = self.pending.split_at_mut(at);
        held[0].standing = Waiting::Held;
        (held[0].due, held[0].sendings) = (now + backoff::LONGEST, backoff::GROWS_UNTIL);
        let missing = before.iter_mut().filter(|pending| pending.standing == Waiting::Unheard);
        missing.map(|pending| pending.hasten(now)).count()
    }

    /// Makes the refused report again with its number and its `prev`, and after it all that the centre does
    /// not have, for the election and precinct given. `mend` puts right what their bodies say.
    ///
    /// Where the place is another than before, everything that waits is made again for it. A new election is
    /// no mending: it begins with a new file.
    pub fn mend(
        &mut self,
        election: ElectionId,
        precinct: PrecinctId,
        mut mend: impl FnMut(Body) -> Body,
    ) -> Result<(), OutboxError> {
        let identity = Identity { election, precinct, ..self.identity.clone() };
        let moved = place_of(&identity) != place_of(&self.identity);
        let mut pending = self.pending.clone();
        // The centre has these under the old place, where their last receipt went too.
        pending.retain(|waiting| !(moved && waiting.standing == Waiting::Held));
        let first = |waiting: &Pending| moved || waiting.standing == Waiting::Refused;
        self.remake(identity, pending, first, &mut mend)
    }

    /// Signs with another key from now on; the centre must have decided so (`reissue`). Numbers and chain go on. What
    /// waits is made again with its number.
    ///
    /// Where the centre has a report and its receipt was lost, the report made again has another digest: it is
    /// quarantined (S03) and those after it too (S04), until people decide. So a device whose key is changed as a
    /// precaution waits for its receipts first.
    ///
    /// # Errors
    /// The file cannot be written; the old key stays then.
    pub fn rekey(&mut self, key: SigningKey) -> Result<(), OutboxError> {
        let identity = Identity { key, ..self.identity.clone() };
        self.remake(identity, self.pending.clone(), |_| true, &mut |body| body)
    }

    /// Whether a report is signed with the device's key of now.
    fn is_signed(&self, pending: &Pending) -> bool {
        let topic = self.identity.topic(Channel::Report).to_string();
        let opened = SignedEnvelope::open(&topic, &pending.envelope);
        opened.is_ok_and(|envelope| envelope.is_signed_by(&self.identity.key.verifying_key()))
    }

    /// Makes again what waits, from the `first` such one on, but for what the centre holds already.
    fn remake(
        &mut self,
        identity: Identity,
        mut pending: Vec<Pending>,
        first: impl Fn(&Pending) -> bool,
        mend: &mut impl FnMut(Body) -> Body,
    ) -> Result<(), OutboxError> {
        let mut prev = self.prev;
        let mut before: Option<(Seq, Digest)> = None;
        for waiting in pending.iter_mut().skip_while(|waiting| !first(waiting)) {
            if waiting.standing != Waiting::Held {
                let mut report = self.report_in(waiting)?;
                (report.election, report.precinct) = (identity.election.clone(), identity.precinct);
                report.body = mend(report.body);
                report.prev = match before {
                    Some((seq, digest)) if seq + 1 == report.seq => digest,
                    _ => report.prev,
                };
                *waiting = Pending::new(report.seq, identity.envelope(&report)?);
            }
            before = Some((waiting.seq, waiting.digest));
            if waiting.seq == self.last_seq() {
                prev = waiting.digest;
            }
        }
        let old = self.swap((identity, pending, prev));
        if let Err(error) = self.rewrite() {
            self.swap(old);
            return Err(error.into());
        }
        Ok(())
    }

    /// Puts other reports in place of those that wait; returns what was there.
    fn swap(&mut self, new: (Identity, Vec<Pending>, Digest)) -> (Identity, Vec<Pending>, Digest) {
        let (identity, pending, prev) = new;
        (
            mem::replace(&mut self.identity, identity),
            mem::replace(&mut self.pending, pending),
            mem::replace(&mut self.prev, prev),
        )
    }

    fn report_in(&self, pending: &Pending) -> Result<Report, OutboxError> {
        let read = Content::read(&pending.envelope).and_then(|content| decode_report(content.payload));
        read.map_err(|why| OutboxError::Foreign {
            path: self.log.as_ref().map(|log| log.path().to_owned()).unwrap_or_default(),
            why: why.to_string(),
        })
    }

    /// A new CONNECT: raises `boot`, and gives the `online` message and the Last Will for it.
    pub fn connect(&mut self, at: Timestamp) -> Result<(Vec<u8>, Vec<u8>), OutboxError> {
        self.remember(&Record::Boot(self.boot + 1))?;
        self.boot += 1;
        Ok((self.state(Presence::Online, at), self.state(Presence::Offline, at)))
    }

    /// The state message of the present connection.
    pub fn state(&self, state: Presence, at: Timestamp) -> Vec<u8> {
        let device = self.identity.device.clone();
        let payload = encode_state(&DeviceState { device, state, boot: self.boot, at });
        self.identity.sign(Channel::State, &payload)
    }

    /// The next heartbeat.
    pub fn heartbeat(&mut self, vitals: Vitals, at: Timestamp) -> Result<Vec<u8>, OutboxError> {
        let counter = self.counter + 1;
        if counter > self.counters_set_aside {
            let last = self.counter + COUNTERS_AT_ONCE;
            self.remember(&Record::Counter(last))?;
            self.counters_set_aside = last;
        }
        self.counter = counter;
        let payload = encode_heartbeat(&Heartbeat {
            election: self.identity.election.clone(),
            precinct: self.identity.precinct,
            device: self.identity.device.clone(),
            at,
            uptime: vitals.uptime,
            counter,
            last_seq: self.last_seq(),
            battery: vitals.battery,
            mains: vitals.mains,
            signal: vitals.signal,
            paper: vitals.paper,
            firmware: vitals.firmware,
            errors: vitals.errors,
            shown: vitals.shown,
        });
        Ok(self.identity.sign(Channel::Heartbeat, &payload))
    }
}
