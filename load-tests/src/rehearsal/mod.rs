//! Rehearsals: load on any running system, from a scenario in a file, and a verdict (`sanak fleet`).
//!
//! | module | what lives there |
//! | --- | --- |
//! | `scenario`, `span`, `keys` | a rehearsal as a file, and what is wrong with it |
//! | `timetable` | who says what when, from the scenario and the seed |
//! | `stage` | what all devices share |
//! | `voice`, `delayed`, `hostile` | one device; a slow line; devices that send what must be refused |
//! | `measure`, `machine` | latencies from intended moments; processor, memory, queues |
//! | `probe` | what one verification of a signature costs meanwhile |
//! | `run` | the whole of it, from the first connection to the comparison of totals |
//! | `outcome` | what was found, and the verdict |

mod delayed;
mod hostile;
mod keys;
mod machine;
mod measure;
mod outcome;
mod probe;
mod run;
mod scenario;
mod span;
mod stage;
mod timetable;
mod voice;

pub use machine::{GAUGES, Look, Machine, Watched};
pub(crate) use machine::{load, processor};
pub use measure::{Latency, Recorder, Step, Stretch};
pub use outcome::{Cost, Counts, FORM, Objective, Outcome, Totals, Viewers};
pub use run::{Act, Plan, RehearsalError, Tidings, run};
pub use scenario::{
    CARRIED, Carried, Chaos, Connected, Curve, Hostile, Load, Modem, Objectives, Scenario, ScenarioError,
    Storm, What,
};
pub use span::Span;
