//! Reading a dump from a byte slice: frame by frame, past damage, never further than the checksums say.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::chunk::EventChunk;
use crate::error::{OpenError, ReadLoss, ReadLossKind};
use crate::frame::{
    FLAG_LZ4, HEAD_BYTES, Head, KIND_VERSION, Kind, MAGIC, MAX_PAYLOAD, PREAMBLE_BYTES, SYNC,
    VERSION,
};
use crate::records::{End, Header, Losses, Strings, Tasks, Workers};

/// A frame, decoded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Frame<'a> {
    /// Who recorded, when and why.
    Header(Box<Header>),
    /// Interned strings.
    Strings(Strings),
    /// A part of the history.
    Tasks(Tasks),
    /// Runtimes, workers and threads.
    Workers(Workers),
    /// Events.
    Events(EventChunk<'a>),
    /// What the recorder lost.
    Losses(Losses),
    /// The end of the file.
    End(End),
}

/// What reading on gives: a frame with its offset in the file, or a loss.
#[derive(Clone, Debug)]
pub enum Piece<'a> {
    /// A frame, and where it begins.
    Frame(usize, Frame<'a>),
    /// Something that could not be read.
    Loss(ReadLoss),
}

/// Reads a dump. Iterate over it; it ends after the end frame, or where the file does.
#[derive(Clone, Debug)]
pub struct DumpReader<'a> {
    bytes: &'a [u8],
    offset: usize,
    version: (u16, u16),
    frames: u64,
    events: u64,
    /// A loss found while opening, told first.
    pending: Option<ReadLoss>,
    done: bool,
}

impl<'a> DumpReader<'a> {
    /// Looks at the preamble.
    ///
    /// # Errors
    ///
    /// When the bytes are no dump, or one of a newer major version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, OpenError> {
        if bytes.is_empty() {
            return Err(OpenError::Empty);
        }
        if !bytes.starts_with(&MAGIC[..MAGIC.len().min(bytes.len())]) {
            return Err(OpenError::NotADump);
        }
        let Some(preamble) = bytes.get(..PREAMBLE_BYTES) else {
            return Err(OpenError::TooShort { bytes: bytes.len() });
        };
        let half = |at: usize| u16::from_le_bytes([preamble[at], preamble[at + 1]]);
        let crc = u32::from_le_bytes([preamble[12], preamble[13], preamble[14], preamble[15]]);
        let intact = crc32fast::hash(&preamble[..12]) == crc;
        let version = if intact { (half(8), half(10)) } else { VERSION };
        if version.0 > VERSION.0 {
            return Err(OpenError::NewerMajor {
                major: version.0,
                minor: version.1,
            });
        }
        let pending = (!intact).then(|| ReadLoss {
            kind: ReadLossKind::Damaged,
            offset: 0,
            bytes: PREAMBLE_BYTES,
            detail: "the checksum of the preamble is wrong".to_owned(),
        });
        Ok(Self {
            bytes,
            offset: PREAMBLE_BYTES,
            version,
            frames: 0,
            events: 0,
            pending,
            done: false,
        })
    }

    /// Major and minor version of the file.
    #[must_use]
    pub fn version(&self) -> (u16, u16) {
        self.version
    }

    /// How far the file has been read, in bytes.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    fn lose(&mut self, kind: ReadLossKind, to: usize, detail: impl Into<String>) -> Piece<'a> {
        let offset = self.offset;
        self.offset = to;
        Piece::Loss(ReadLoss {
            kind,
            offset,
            bytes: to - offset,
            detail: detail.into(),
        })
    }

    /// The next sync word from `from` on, or the end of the file.
    fn next_sync(&self, from: usize) -> usize {
        let mut at = from.min(self.bytes.len());
        while let Some(skip) = self.bytes[at..].iter().position(|&byte| byte == SYNC[0]) {
            at += skip;
            if self.bytes[at..].starts_with(&SYNC) {
                return at;
            }
            at += 1;
        }
        self.bytes.len()
    }

    fn read(&mut self) -> Piece<'a> {
        let rest = &self.bytes[self.offset..];
        let Some(head) = Head::parse(rest) else {
            if rest.len() < HEAD_BYTES
                && (rest.is_empty() || SYNC.starts_with(&rest[..rest.len().min(4)]))
            {
                let end = self.bytes.len();
                return self.lose(
                    ReadLossKind::Truncated,
                    end,
                    "the file ends before its end frame",
                );
            }
            let to = self.next_sync(self.offset + 1);
            return self.lose(ReadLossKind::Damaged, to, "bytes that belong to no frame");
        };
        let (payload, raw) = (head.payload as usize, head.raw as usize);
        if payload > MAX_PAYLOAD || raw > MAX_PAYLOAD {
            let to = self.next_sync(self.offset + 1);
            return self.lose(
                ReadLossKind::Damaged,
                to,
                "a frame claims to be larger than any is",
            );
        }
        let Some(stored) = rest.get(HEAD_BYTES..HEAD_BYTES + payload) else {
            // Cut short, unless the length itself is what was damaged: then another frame follows.
            let to = self.next_sync(self.offset + 1);
            if to < self.bytes.len() {
                return self.lose(
                    ReadLossKind::Damaged,
                    to,
                    "a frame claims to reach beyond the end of the file",
                );
            }
            return self.lose(ReadLossKind::Truncated, to, "the file ends inside a frame");
        };
        if head.checksum(stored) != head.crc {
            let to = self.next_sync(self.offset + 1);
            return self.lose(
                ReadLossKind::Damaged,
                to,
                "the checksum of a frame is wrong",
            );
        }
        let next = self.offset + HEAD_BYTES + payload;
        self.frames += 1;
        let kind = match Kind::from_byte(head.kind) {
            Some(kind) if head.version == KIND_VERSION => kind,
            Some(_) => {
                let detail = format!("a frame of kind {} in version {}", head.kind, head.version);
                return self.lose(ReadLossKind::Unknown, next, detail);
            }
            None => {
                return self.lose(
                    ReadLossKind::Unknown,
                    next,
                    format!("a frame of the unknown kind {}", head.kind),
                );
            }
        };
        if head.flags & !FLAG_LZ4 != 0 {
            let detail = format!(
                "a frame packed in a way that is not known (flags {:#06x})",
                head.flags
            );
            return self.lose(ReadLossKind::Unknown, next, detail);
        }
        let payload = if head.flags & FLAG_LZ4 == 0 {
            (payload == raw).then_some(Cow::Borrowed(stored))
        } else {
            let mut unpacked = vec![0; raw];
            match lz4_flex::block::decompress_into(stored, &mut unpacked) {
                Ok(length) if length == raw => Some(Cow::Owned(unpacked)),
                _ => None,
            }
        };
        let frame = payload.and_then(|payload| decode(kind, payload));
        let Some(frame) = frame else {
            return self.lose(
                ReadLossKind::Malformed,
                next,
                format!("a frame of kind {} makes no sense", head.kind),
            );
        };
        let at = self.offset;
        self.offset = next;
        match &frame {
            Frame::Events(chunk) => self.events += chunk.len() as u64,
            Frame::End(end) => {
                self.done = true;
                self.pending = self.check_end(end);
            }
            _ => {}
        }
        Piece::Frame(at, frame)
    }

    /// What the end frame tells beside that the file is whole.
    fn check_end(&self, end: &End) -> Option<ReadLoss> {
        let behind = self.bytes.len() - self.offset;
        let loss = |kind, bytes, detail| {
            Some(ReadLoss {
                kind,
                offset: self.offset,
                bytes,
                detail,
            })
        };
        if behind > 0 {
            return loss(
                ReadLossKind::Damaged,
                behind,
                "bytes behind the end frame".to_owned(),
            );
        }
        if end.frames + 1 != self.frames || end.events < self.events {
            let detail = format!(
                "the end frame counts {} frames and {} events, of which {} and {} were read",
                end.frames,
                end.events,
                self.frames - 1,
                self.events
            );
            return loss(ReadLossKind::Damaged, 0, detail);
        }
        None
    }
}

impl<'a> Iterator for DumpReader<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        if let Some(loss) = self.pending.take() {
            return Some(Piece::Loss(loss));
        }
        if self.done {
            return None;
        }
        let piece = self.read();
        if let Piece::Loss(ReadLoss {
            kind: ReadLossKind::Truncated,
            ..
        }) = &piece
        {
            self.done = true;
        }
        Some(piece)
    }
}

fn decode(kind: Kind, payload: Cow<'_, [u8]>) -> Option<Frame<'_>> {
    Some(match kind {
        Kind::Header => Frame::Header(Box::new(whole(&payload)?)),
        Kind::Strings => {
            let strings: Strings = whole(&payload)?;
            let total: u64 = strings
                .lengths
                .iter()
                .map(|&length| u64::from(length))
                .sum();
            if total != strings.blob.len() as u64
                || strings.first_id == 0
                || strings.iter().is_none()
            {
                return None;
            }
            Frame::Strings(strings)
        }
        Kind::Tasks => Frame::Tasks(whole(&payload)?),
        Kind::Workers => Frame::Workers(whole(&payload)?),
        Kind::Events => Frame::Events(EventChunk::parse(payload)?),
        Kind::Losses => Frame::Losses(whole(&payload)?),
        Kind::End => Frame::End(whole(&payload)?),
    })
}

/// Decodes a record that takes up its payload to the last byte.
fn whole<T: DeserializeOwned>(payload: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(payload) {
        Ok((record, [])) => Some(record),
        _ => None,
    }
}
