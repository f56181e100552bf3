//! What one device will do and say on the day, moment by moment, and how the centre will answer.

use std::{collections::BTreeMap, time::Duration};

use election::{
    Code, Count, DeviceId, PrecinctId, Timestamp,
    definition::DeviceKind,
    report::{Body, Digest, Seq, Verdict},
};

use crate::{day::Day, faults::Flaw, scripted};

/// The day of one device.
#[derive(Debug, Clone)]
pub struct Script {
    /// Which device.
    pub device: DeviceId,
    /// Where it stands.
    pub precinct: PrecinctId,
    /// Urn or ID terminal.
    pub kind: DeviceKind,
    /// How far its clock is ahead.
    pub ahead: Duration,
    /// What it does, in order.
    pub moments: Vec<Moment>,
}

/// Something a device does, not before it is due and not before what stands above it is done.
#[derive(Debug, Clone)]
pub struct Moment {
    /// By the simulated clock.
    pub due: Timestamp,
    /// What it does.
    pub action: Action,
}

/// What a device does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Goes on line.
    Connect,
    /// Sends a report, until it holds a receipt for it.
    Say(Utterance),
    /// Loses its line, without goodbye.
    Cut,
    /// Says goodbye.
    Leave,
}

/// A report that a device will make.
#[derive(Debug, Clone)]
pub struct Utterance {
    /// Its number.
    pub seq: Seq,
    /// The device's clock when it was made.
    pub at: Timestamp,
    /// Whether it names the report before it; otherwise a wrong one.
    pub chained: bool,
    /// What it says.
    pub content: Content,
    /// What is wrong with it.
    pub flaw: Option<Flaw>,
    /// How often it is sent at once.
    pub copies: u8,
    /// How the centre will answer.
    pub expect: Expect,
}

/// What a report says, without the figures of urns: they are derived when they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A terminal's first report.
    OpeningTerminal,
    /// An urn's first report.
    OpeningUrn,
    /// People identified so far.
    Turnout(u64),
    /// People identified in all.
    Closing(u64),
    /// An urn's final report.
    Tally,
}

/// How the centre will answer a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expect {
    /// The final verdict.
    pub verdict: Verdict,
    /// Why, where it is not accepted.
    pub code: Option<Code>,
    /// The first answer is `held`.
    pub held_first: bool,
    /// The verdict holds only for what arrives before this moment; what comes later is accepted.
    pub before: Option<Timestamp>,
}

impl Expect {
    /// Counted.
    pub const ACCEPTED: Expect =
        Expect { verdict: Verdict::Accepted, code: None, held_first: false, before: None };

    /// Not counted, for this reason.
    pub const fn refused(verdict: Verdict, code: Code) -> Self {
        Expect { verdict, code: Some(code), held_first: false, before: None }
    }

    /// Whether an answer is the one expected. `flags` are those that the precinct will raise; `arrived` is a
    /// moment not before which the report did not arrive, as the receipt's own time is.
    pub fn is_met(&self, verdict: Verdict, code: Option<Code>, flags: &[Code], arrived: Timestamp) -> bool {
        let flagged = verdict == Verdict::Accepted && code.is_none_or(|code| flags.contains(&code));
        match self.verdict {
            Verdict::Accepted => flagged,
            expected => {
                let as_expected = verdict == expected && (code.is_none() || code == self.code);
                as_expected || (flagged && self.before.is_some_and(|before| arrived >= before))
            }
        }
    }
}

impl Script {
    /// Its reports in the order in which they are made: by number, and an other one of the same number after
    /// the first. The figures are positions in [`Script::moments`].
    pub fn in_line(&self) -> Vec<usize> {
        let mut line: Vec<(Seq, usize)> = self
            .moments
            .iter()
            .enumerate()
            .filter_map(|(at, moment)| Some((moment.utterance()?.seq, at)))
            .collect();
        line.sort_unstable();
        line.into_iter().map(|(_, at)| at).collect()
    }

    /// Its reports in the order in which they are sent.
    pub fn utterances(&self) -> impl Iterator<Item = (Timestamp, &Utterance)> {
        self.moments.iter().filter_map(|moment| Some((moment.due, moment.utterance()?)))
    }
}

impl Moment {
    /// The report that is sent at this moment.
    pub fn utterance(&self) -> Option<&Utterance> {
        match &self.action {
            Action::Say(utterance) => Some(utterance),
            Action::Connect | Action::Cut | Action::Leave => None,
        }
    }
}

/// The digests of a device's reports, by which each names the one before it.
#[derive(Debug, Clone, Default)]
pub struct Chain(BTreeMap<Seq, Digest>);

impl Chain {
    /// What a report names as the one before it.
    pub fn prev(&self, utterance: &Utterance) -> Digest {
        let before = utterance.seq.checked_sub(if utterance.chained { 1 } else { 2 });
        before.and_then(|before| self.0.get(&before)).copied().unwrap_or(Digest::NONE)
    }

    /// Notes a report that was made. The first of a number keeps its place.
    pub fn note(&mut self, seq: Seq, digest: Digest) {
        self.0.entry(seq).or_insert(digest);
    }
}

impl Day {
    /// What every device of the country will do that day, precinct by precinct.
    pub fn scripts(&self) -> impl Iterator<Item = Script> {
        self.definition()
            .precincts()
            .values()
            .flat_map(|precinct| self.terminals(precinct.id).iter().chain(self.urns(precinct.id)))
            .filter_map(|device| self.script(device))
    }

    /// What a device will do that day; `None` of one that stays in its box.
    pub fn script(&self, device: &DeviceId) -> Option<Script> {
        let precinct = self.definition().precincts().get(&self.place_of(device)?)?;
        let kind = self.definition().devices().get(device)?.kind;
        Some(match kind {
            DeviceKind::IdTerminal => scripted::terminal(self, precinct, device),
            DeviceKind::Urn => scripted::urn(self, precinct, device),
        })
    }

    /// The body of a report.
    pub fn body(&self, script: &Script, utterance: &Utterance) -> Option<Body> {
        let precinct = self.definition().precincts().get(&script.precinct)?;
        let device = &script.device;
        let mut body = match utterance.content {
            Content::OpeningTerminal => Body::OpeningTerminal { identified: Count::ZERO },
            Content::OpeningUrn => Body::OpeningUrn(self.empty_urn(precinct, device)),
            Content::Turnout(identified) => Body::Turnout(self.turnout(precinct, device, identified)),
            Content::Closing(identified) => Body::Closing(self.turnout(precinct, device, identified)),
            Content::Tally => Body::Tally(self.tally(precinct, device)),
        };
        if let Some(flaw) = utterance.flaw {
            flaw.spoil(&mut body, self.definition(), precinct);
        }
        Some(body)
    }
}
