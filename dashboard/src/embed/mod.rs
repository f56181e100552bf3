//! Parts of the results on other people's pages: frames, and what says that there are any (oEmbed).

mod frame;
mod oembed;

pub(crate) use frame::{Kind, frame};
pub(crate) use oembed::{discovery, oembed};
