//! What goes wrong on purpose. Each fault befalls one device of a few precincts, is answered with a code that
//! the script knows, and ends in an acceptable final report.

use election::{
    Code, Count, OptionId,
    definition::{ContestIx, Definition, Precinct},
    report::{Body, ContestTally, Tally},
};

/// A fault that befalls a precinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// An urn's figures do not add up: Q02, then right.
    SumsWrong,
    /// An urn sends everything three times.
    Threefold,
    /// An urn sends its tally before its opening: S02, then both are accepted.
    Gap,
    /// An urn sends another tally under the same number: S03.
    Equivocation,
    /// An urn names a wrong report before its tally: S04, then right.
    BrokenChain,
    /// An urn counts for an option that is on no ballot: F01, then right.
    UnknownOption,
    /// An urn sends a second final report: Q06.
    SecondFinal,
    /// An urn is on line before the close (W06) and sends its opening: Q01, then again after the close.
    EarlyUrn,
    /// An urn dies at mid-day; a spare takes its place.
    Replaced,
    /// An urn counts more preferences than votes: Q07, then right.
    TooManyPreferences,
    /// An urn sends no opening: W12.
    NoOpening,
    /// An urn counts more ballots than registered voters: Q03, then right.
    OverRegistered,
    /// An urn's opening is not zero: Q04, then right.
    OpeningNotZero,
    /// A few more ballots than identified voters: W01.
    MoreBallots,
    /// Many fewer ballots than identified voters: W02.
    FewerBallots,
    /// Every sixth ballot is invalid: W04.
    ManyInvalid,
    /// The urns together count more ballots than registered voters: W11, and so W01.
    UrnsOverRegistered,
    /// An urn comes on line after more than two hours: W10.
    LateUrn,
    /// A terminal's clock is ten minutes ahead: W03.
    ClockAhead,
    /// A terminal's turnout goes down once: Q05.
    TurnoutDown,
    /// A terminal's turnout jumps: W05.
    Jump,
    /// A terminal falls silent for two hours: W09.
    Silent,
    /// A terminal's women and men do not sum to its total: Q08, then right.
    BreakdownWrong,
    /// A terminal reports an age band too many: F02, then right.
    WrongLength,
    /// A terminal reports more than 10^9 people: F03, then right.
    TooLarge,
    /// A terminal's closing differs from its last turnout: W08.
    ClosingDiffers,
}

/// What is wrong with the body of one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A ballot more than votes.
    Sums,
    /// Votes for an option that does not exist.
    UnknownOption,
    /// A preference more than its list has votes.
    Preferences,
    /// A ballot more than registered voters.
    OverRegistered,
    /// Three ballots in an empty urn.
    NotZero,
    /// One ballot more, and a vote to it.
    OtherFigures,
    /// A woman more than people.
    Breakdown,
    /// An age band more than the definition has.
    ExtraBand,
    /// Two thousand million people.
    Huge,
}

impl Fault {
    /// Every fault, the plainest first: a small election has only those.
    pub const ALL: [Fault; 26] = [
        Self::SumsWrong,
        Self::Threefold,
        Self::TurnoutDown,
        Self::Gap,
        Self::Replaced,
        Self::EarlyUrn,
        Self::Silent,
        Self::ClockAhead,
        Self::Equivocation,
        Self::BrokenChain,
        Self::UnknownOption,
        Self::SecondFinal,
        Self::BreakdownWrong,
        Self::Jump,
        Self::NoOpening,
        Self::MoreBallots,
        Self::TooManyPreferences,
        Self::OverRegistered,
        Self::OpeningNotZero,
        Self::FewerBallots,
        Self::ManyInvalid,
        Self::ClosingDiffers,
        Self::WrongLength,
        Self::TooLarge,
        Self::UrnsOverRegistered,
        Self::LateUrn,
    ];

    /// Flags that the precinct's reports raise because of it. Those that a heartbeat or the passing of time
    /// raises (W06, W09, W10) are not among them.
    pub fn flags(self) -> &'static [Code] {
        match self {
            Self::ClockAhead => &[Code::W03],
            Self::Jump => &[Code::W05],
            Self::NoOpening => &[Code::W12],
            Self::MoreBallots => &[Code::W01],
            Self::FewerBallots => &[Code::W02],
            Self::ManyInvalid => &[Code::W04],
            Self::ClosingDiffers => &[Code::W08],
            Self::UrnsOverRegistered => &[Code::W01, Code::W11],
            _ => &[],
        }
    }

    /// Whether it befalls an ID terminal; otherwise an urn, or the figures of the precinct.
    pub fn of_terminal(self) -> bool {
        matches!(
            self,
            Self::ClockAhead
                | Self::TurnoutDown
                | Self::Jump
                | Self::Silent
                | Self::BreakdownWrong
                | Self::WrongLength
                | Self::TooLarge
                | Self::ClosingDiffers
        )
    }
}

impl Flaw {
    /// Spoils a body.
    pub fn spoil(self, body: &mut Body, definition: &Definition, precinct: &Precinct) {
        match body {
            Body::OpeningUrn(tally) | Body::Tally(tally) => self.spoil_tally(tally, definition, precinct),
            Body::Turnout(turnout) | Body::Closing(turnout) => match self {
                Self::Breakdown => {
                    if let Some(sexes) = &mut turnout.by_sex {
                        sexes.f = plus(sexes.f, 1);
                    }
                }
                Self::ExtraBand => turnout.by_age.get_or_insert_default().push(Count::ZERO),
                Self::Huge => turnout.identified = Count::new(2_000_000_000),
                _ => {}
            },
            Body::OpeningTerminal { .. } => {}
        }
    }

    fn spoil_tally(self, tally: &mut Tally, definition: &Definition, precinct: &Precinct) {
        let Some(first) = tally.contests.first_mut() else { return };
        match self {
            Self::Sums => {
                first.ballots = plus(first.ballots, 1);
                tally.ballots = plus(tally.ballots, 1);
            }
            Self::UnknownOption => {
                if let Ok(nobody) = "no-such-option".parse::<OptionId>() {
                    first.votes.insert(nobody, Count::new(1));
                }
            }
            Self::Preferences => spoil_preferences(&mut tally.contests, definition),
            Self::OverRegistered => {
                let registered = definition
                    .contest_ix(&first.contest)
                    .and_then(|ix| precinct.registered_for(ix))
                    .unwrap_or_default();
                let more = (registered.get() + 1).saturating_sub(first.ballots.get());
                add_ballots(tally, definition, more);
            }
            Self::NotZero => add_ballots(tally, definition, 3),
            Self::OtherFigures => add_ballots(tally, definition, 1),
            Self::Breakdown | Self::ExtraBand | Self::Huge => {}
        }
    }
}

/// The contests of a tally whose options are lists of names, and the first such list with its first number.
pub fn first_list(definition: &Definition, contest: ContestIx) -> Option<(&OptionId, u32)> {
    definition
        .contest(contest)
        .options
        .iter()
        .find_map(|option| Some((&option.id, option.candidates.first()?.number)))
}

fn spoil_preferences(contests: &mut [ContestTally], definition: &Definition) {
    for of in contests {
        let list = definition.contest_ix(&of.contest).and_then(|ix| first_list(definition, ix));
        if let Some((option, number)) = list {
            let votes = of.votes.get(option).copied().unwrap_or_default();
            of.preferences.insert(option.clone(), [(number, plus(votes, 1))].into());
            return;
        }
    }
}

/// Adds ballots to the first contest, with a vote for its first option on each.
fn add_ballots(tally: &mut Tally, definition: &Definition, more: u64) {
    let Some(first) = tally.contests.first_mut() else { return };
    let Some(ix) = definition.contest_ix(&first.contest) else { return };
    first.ballots = plus(first.ballots, more);
    tally.ballots = plus(tally.ballots, more);
    if let Some(option) = definition.contest(ix).options.first() {
        let votes = first.votes.entry(option.id.clone()).or_default();
        *votes = plus(*votes, more);
    }
}

fn plus(count: Count, more: u64) -> Count {
    Count::new(count.get().saturating_add(more))
}
