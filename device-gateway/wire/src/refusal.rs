//! What becomes of a message that fails a check.

use std::borrow::Cow;

use election::{
    Code, DeviceId,
    report::{Digest, Seq},
};

use crate::topic::Topic;

/// A message that is not taken, and never journaled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {why}")]
pub struct Refusal {
    /// The first check that failed: E01 to E07.
    pub code: Code,
    /// What is wrong, for the log; bounded, and nothing of it is quoted from the message.
    pub why: Cow<'static, str>,
    /// To whom a `rejected` receipt may go. Only a report with a good signature has one: whoever sent
    /// anything else gets no answer. Boxed, because most refusals have none.
    pub answer: Option<Box<Answerable>>,
}

/// What a receipt of a refused report says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerable {
    /// The receipt topic of the device that signed, under the election and precinct it signed for.
    pub topic: Topic,
    /// The device that signed.
    pub device: DeviceId,
    /// The report's number. `None` where the payload is so malformed that it has none; the receipt then
    /// says 0, which numbers no report, and the device knows its report by the digest.
    pub seq: Option<Seq>,
    /// Of the envelope.
    pub digest: Digest,
}

impl Refusal {
    /// A refusal that nobody is told of.
    pub(crate) fn silent(code: Code, why: impl Into<Cow<'static, str>>) -> Self {
        Self { code, why: why.into(), answer: None }
    }

    /// A refusal whose sender is known by a good signature.
    pub(crate) fn answered(self, answer: Option<Answerable>) -> Self {
        Self { answer: answer.map(Box::new), ..self }
    }
}
