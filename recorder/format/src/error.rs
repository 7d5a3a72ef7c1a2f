//! What can go wrong: while opening, while reading on, while writing.

use std::fmt;

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not a single byte.
    #[error("the file is empty")]
    Empty,
    /// It begins like something else, or like nothing.
    #[error("not a dial9 dump")]
    NotADump,
    /// It was cut off before its preamble ended.
    #[error("cut off after {bytes} bytes, before anything was recorded")]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// A later major version of the format.
    #[error("written in version {major}.{minor} of the dump format, which is newer than this program knows ({}.x)", crate::VERSION.0)]
    NewerMajor {
        /// Its major version.
        major: u16,
        /// Its minor version.
        minor: u16,
    },
}

/// Why an event chunk, its checksum right, makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index} of the chunk makes no sense")]
pub struct ChunkError {
    /// Which event.
    pub index: u64,
}

/// What a reader had to leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ReadLossKind {
    /// The file ends before its end frame.
    Truncated,
    /// A checksum is wrong, or there are bytes between two frames that belong to none.
    Damaged,
    /// The checksum is right, but the payload is not what its kind says.
    Malformed,
    /// A frame of a kind, version or compression that this version does not know.
    Unknown,
}

impl fmt::Display for ReadLossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "truncated",
            Self::Damaged => "damaged",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
        })
    }
}

/// A part of the file that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLoss {
    /// What happened.
    pub kind: ReadLossKind,
    /// Where, in bytes from the start of the file.
    pub offset: usize,
    /// How many bytes it concerns.
    pub bytes: usize,
    /// More about it, for a person.
    pub detail: String,
}

/// Why something cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("a frame of {bytes} bytes is larger than the format allows")]
    TooLarge { bytes: usize },
    #[error("{0}")]
    Postcard(#[from] postcard::Error),
}

impl From<WriteError> for std::io::Error {
    fn from(error: WriteError) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error.to_string())
    }
}
