//! Why a file is not taken.

/// Why a file is not taken, and what to send in its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More bytes than are taken.
    #[error("the file has more than {0} bytes: scan with a lower resolution, or send the pages one by one")]
    TooLarge(usize),
    /// None of the four kinds.
    #[error("the file is {0}: send a PDF, JPEG, PNG or WebP")]
    Kind(&'static str),
    /// One thing to one reader, another to the next.
    #[error("the file is {0} and holds {1} as well: scan the paper again and send the new file")]
    Polyglot(&'static str, &'static str),
    /// It does not decode.
    #[error("the picture cannot be read: {0}")]
    Picture(String),
    /// Something follows the end of the picture.
    #[error("{0} bytes follow the end of the picture: open it, save it again, and send the new file")]
    Trailing(usize),
    /// More points than anybody's scanner makes.
    #[error(
        "the picture has {0} × {1} points, and at most {2} on a side are taken: scan with a lower resolution"
    )]
    Dimensions(u32, u32, u32),
    /// Not whole.
    #[error("the PDF is not whole ({0}): send the file as the scanner wrote it")]
    Broken(&'static str),
    /// A PDF that can do something, or may hide that it can.
    #[error("the PDF holds {0}: print it to a new PDF, or scan the paper, and send that")]
    Active(String),
    /// Small to send and huge to open.
    #[error("the PDF opens to more than {0} MiB: scan with a lower resolution")]
    Bomb(u64),
}
