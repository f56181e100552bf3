//! Frames in a file: each after its length in four bytes.

use std::{fs, io, path::Path, sync::Arc};

use super::unframe::{HEAD, version};

/// Frames of the live feed, in the order of their versions.
#[derive(Debug, Clone)]
pub struct Frames(Vec<(u64, Arc<[u8]>)>);

impl Frames {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or has something else in it.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = fs::read(path)?;
        Self::parse(&bytes).ok_or_else(|| {
            io::Error::other(format!(
                "{}: not frames, each with its version after its length",
                path.display()
            ))
        })
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut frames = Vec::new();
        while let Some((length, rest)) = bytes.split_first_chunk() {
            let (frame, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            frames.push((version(&frame[..frame.len().min(HEAD)])?, frame.into()));
            bytes = rest;
        }
        let rising = frames.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0);
        (bytes.is_empty() && !frames.is_empty() && rising).then_some(Self(frames))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: never, as they are read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of all of them.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(_, frame)| frame.len()).sum()
    }

    /// The version of the first.
    pub fn first(&self) -> u64 {
        self.0.first().map_or(0, |(version, _)| *version)
    }

    /// Version and bytes of each.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Arc<[u8]>)> {
        self.0.iter().map(|(version, frame)| (*version, frame))
    }

    /// The length of the frame of a version.
    pub(super) fn length(&self, version: u64) -> Option<usize> {
        let at = usize::try_from(version.checked_sub(self.first())?).ok()?;
        self.0.get(at).map(|(_, frame)| frame.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(frames: &[&str]) -> Vec<u8> {
        let framed = |frame: &&str| {
            let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
            [&length, frame.as_bytes()].concat()
        };
        frames.iter().flat_map(framed).collect()
    }

    #[test]
    fn frames_are_read_back_and_what_is_cut_short_or_out_of_order_is_refused() {
        let (second, third) = ("{\"version\":2}", "{\"version\":3,\"units\":[]}");
        let frames = Frames::parse(&file(&[second, third])).unwrap();
        assert_eq!((frames.len(), frames.first(), frames.bytes()), (2, 2, second.len() + third.len()));
        assert_eq!((frames.length(3), frames.length(4), frames.length(1)), (Some(third.len()), None, None));
        let whole = file(&[second, third]);
        for wrong in [&whole[..whole.len() - 1], &[], &file(&[third, second]), &file(&["{}"])] {
            assert!(Frames::parse(wrong).is_none());
        }
    }
}
