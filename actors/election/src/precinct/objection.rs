//! Why a decision cannot be taken.

use crate::{
    document::MOST_DOCUMENTS,
    hand_count::{Refused, Unbalanced},
    ids::{ContestId, DeviceId},
    report::{Offset, Seq},
    rules::Code,
    seats::{DrawingError, Source},
    sequence::MAX_CLOSED,
};

/// Longest reason, in characters.
pub const LONGEST_REASON: usize = 2_000;
/// Longest signature of a person, in characters.
pub const LONGEST_SIGNATURE: usize = 8_000;

/// Longest name of who holds a copy, in characters.
pub const LONGEST_HOLDER: usize = 200;
/// Most copies of one protocol: parties, candidates and organisations have observers.
pub const MOST_COPIES: usize = 64;

/// Why a decision cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Nobody, or no reason, is named.
    #[error("name the person who decides and the reason")]
    Anonymous,
    /// The reason or the signature does not fit the public lists.
    #[error("a reason has at most {LONGEST_REASON} characters, a signature {LONGEST_SIGNATURE}")]
    TooLong,
    /// The device is not one of this precinct's, or its place is taken already.
    #[error("device {0} does not count in this precinct")]
    NotHere(DeviceId),
    /// The device was shut out before, or its place was taken.
    #[error("device {0} is shut out already: name another that takes its place (act replace)")]
    ShutOut(DeviceId),
    /// The device has counted: its figures would vanish.
    #[error("device {0} has sent its final report: its figures can only be corrected")]
    HasCounted(DeviceId),
    /// The device is not in reserve.
    #[error("device {0} is not a spare device of the same kind")]
    NotSpare(DeviceId),
    /// A protocol was entered before.
    #[error("the protocol of this precinct is already in: enter a correction (act correct)")]
    AlreadyIn,
    /// The entries of two people differ, and it is one of them.
    #[error("the two entries of this protocol differ: a third person enters what the paper says")]
    ThirdPerson,
    /// A control equation of the form does not hold.
    #[error("protocol of {contest}: {what}: enter what the paper says, or send it back to the commission")]
    Unbalanced {
        /// Which contest.
        contest: ContestId,
        /// Which equation.
        what: Unbalanced,
    },
    /// Nobody is named who holds the copy, or nothing stands on it, or something twice.
    #[error("a copy names who holds it, in at most {LONGEST_HOLDER} characters, and each contest once")]
    WrongCopy,
    /// More copies than anybody reads.
    #[error("{MOST_COPIES} copies of this protocol are recorded already")]
    TooManyCopies,
    /// It is there.
    #[error("this file is on record here as a document of this kind already")]
    SameDocument,
    /// More than anybody prints.
    #[error("{MOST_DOCUMENTS} documents of this precinct are on record already")]
    TooManyDocuments,
    /// The protocol's contests are not the precinct's.
    #[error("a protocol has one line for each contest that is voted in the precinct")]
    WrongContests,
    /// Nothing is missing there, or something else is by now.
    #[error("device {device} does not wait for {from} to {through}: look at its gap again")]
    NoSuchGap {
        /// Which device.
        device: DeviceId,
        /// The first number named.
        from: Seq,
        /// The last one.
        through: Seq,
    },
    /// No device leaves out so many.
    #[error("device {0} left out more than {MAX_CLOSED} numbers: put another in its place")]
    EndlessGap(DeviceId),
    /// Figures that do not add up, or do not fit the definition.
    #[error("figures of {contest}: {what}")]
    WrongSum {
        /// Which contest.
        contest: ContestId,
        /// What is wrong.
        what: &'static str,
    },
    /// No report is named.
    #[error("name the reports, by their places in the journal")]
    NoReports,
    /// A report that this precinct does not know, or that people need not decide about, or no longer.
    #[error("report {0} is not in quarantine here: it never was, or it is decided already")]
    NotInQuarantine(Offset),
    /// Nobody can make sense of it.
    #[error("report {0} can only be refused ({1}): set the figures by a correction")]
    OnlyRefused(Offset, Code),
    /// Another report of the same number counts.
    #[error("report {0} has the number of one that counts: refuse it, or correct the figures")]
    NumberTaken(Offset),
    /// Another device has taken the place of the one that sent it.
    #[error("report {0} is of a device whose place was taken: refuse it, or correct the figures")]
    PlaceTaken(Offset),
    /// What it counts was set by people since.
    #[error("report {0} counts what was corrected by decision: refuse it, or correct the figures again")]
    Corrected(Offset),
    /// People still vote here.
    #[error("polls are open here: votes count after they close")]
    PollsOpen,
    /// Nothing to correct.
    #[error("no {0} have counted {1} here: there is nothing to correct")]
    NothingCounted(Source, ContestId),
    /// No terminal stands here.
    #[error("no terminal identifies voters here: there is nothing to correct")]
    NoTerminal,
    /// A count of people that nobody can have identified.
    #[error("a count is at most 10^9")]
    TooMany,
    /// The figures are what they are to become.
    #[error("the figures are these already")]
    Unchanged,
    /// Final.
    #[error("the precinct is certified: lift the certification first (act uncertify)")]
    Certified,
    /// Void.
    #[error("the precinct is annulled: take the annulment back first (act reinstate)")]
    Annulled,
    /// There is nothing to lift.
    #[error("the precinct is not certified")]
    NotCertified,
    /// There is nothing to take back.
    #[error("the precinct is not annulled")]
    NotAnnulled,
    /// It cannot be final yet.
    #[error("the precinct has not reported: nothing can be certified yet")]
    NotReported,
    /// It cannot be final yet.
    #[error("{0} reports are in quarantine here: release or refuse them first")]
    Undecided(u32),
    /// It is about a contest, no precinct.
    #[error("lots are drawn in a contest: a precinct has no part in it")]
    NoPrecinct,
    /// What was drawn does not fit the contest.
    #[error(transparent)]
    WrongLots(#[from] DrawingError),
    /// There is no such discrepancy.
    #[error("{0} is not open here, for this device and contest")]
    NotOpen(Code),
}

impl Objection {
    /// Whether what was asked for can never be done as it stands, in whichever state the precinct is.
    pub fn is_unfit(&self) -> bool {
        matches!(
            self,
            Self::Anonymous
                | Self::TooLong
                | Self::WrongContests
                | Self::Unbalanced { .. }
                | Self::WrongCopy
                | Self::WrongSum { .. }
                | Self::NoReports
                | Self::TooMany
                | Self::NoPrecinct
                | Self::WrongLots(_)
        )
    }
}

impl From<Refused> for Objection {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Settled => Self::AlreadyIn,
            Refused::ThirdPerson => Self::ThirdPerson,
        }
    }
}
