//! Reading a dump from a byte slice: frame by frame, past damage, never further than the checksums say.

use std::borrow::Cow;
use std::mem::size_of;

use serde::de::DeserializeOwned;

use crate::error::{OpenError, ReadLoss, ReadLossKind};
use crate::events::EventChunk;
use crate::frame::{
    FLAG_ZSTD, HEAD_BYTES, Head, KIND_VERSION, Kind, MAGIC, MAX_PAYLOAD, PREAMBLE_BYTES, SYNC,
    VERSION,
};
use crate::pack::Unpacker;
use crate::records::{
    End, Header, LossRow, Losses, OpenWait, Running, RuntimeRow, Strings, TaskRow, Tasks,
    ThreadRow, WorkerRow, Workers,
};

/// What may be spent on frames that turn out to be broken, beyond a few times the file: sync words are
/// short, and a file full of them would otherwise be checksummed once for each.
const SEARCH_BYTES: u64 = 64 << 20;
/// The most memory that the records of one file take, unless [`DumpReader::record_limit`] says otherwise.
const RECORD_BYTES: usize = 1 << 30;

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
    headed: bool,
    /// Bytes of broken frames that may still be looked at.
    search: u64,
    /// Memory that records may still take.
    room: usize,
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
            headed: false,
            search: SEARCH_BYTES.saturating_add(4 * bytes.len() as u64),
            room: RECORD_BYTES,
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

    /// Says how much memory the records of the file may take, events aside; what is beyond is a loss.
    /// 1 GiB unless told. A few bytes may unpack to megabytes of rows, so a limit there must be.
    #[must_use]
    pub fn record_limit(mut self, bytes: usize) -> Self {
        self.room = bytes;
        self
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

    /// The intact frame at `offset`: its head, and its payload as stored.
    fn frame_at(&mut self, offset: usize) -> Result<(Head, &'a [u8]), Broken> {
        let rest = &self.bytes[offset..];
        let Some(head) = Head::parse(rest) else {
            let cut = rest.len() < HEAD_BYTES && SYNC.starts_with(&rest[..rest.len().min(4)]);
            return Err(if cut { Broken::NoEnd } else { Broken::NoSync });
        };
        let (payload, raw) = (head.payload as usize, head.raw as usize);
        if payload > MAX_PAYLOAD || raw > MAX_PAYLOAD {
            return Err(Broken::TooLarge);
        }
        let Some(stored) = rest.get(HEAD_BYTES..HEAD_BYTES + payload) else {
            return Err(Broken::Cut);
        };
        if head.checksum(stored) == head.crc {
            return Ok((head, stored));
        }
        self.search = self.search.saturating_sub((HEAD_BYTES + payload) as u64);
        Err(Broken::Checksum)
    }

    /// Goes to the next intact frame, wherever it may be.
    fn skip(&mut self, broken: Broken) -> Piece<'a> {
        let mut to = self.offset;
        loop {
            to = self.next_sync(to + 1);
            if to == self.bytes.len() || self.frame_at(to).is_ok() {
                break;
            }
            if self.search == 0 {
                let end = self.bytes.len();
                let detail = "too much that looks like broken frames; the rest was not searched";
                return self.lose(ReadLossKind::Damaged, end, detail);
            }
        }
        let ends = to == self.bytes.len();
        match broken {
            Broken::NoEnd if ends => self.lose(
                ReadLossKind::Truncated,
                to,
                "the file ends before its end frame",
            ),
            // Unless the length is what was damaged: then another frame follows.
            Broken::Cut if ends => {
                self.lose(ReadLossKind::Truncated, to, "the file ends inside a frame")
            }
            Broken::NoEnd | Broken::NoSync => {
                self.lose(ReadLossKind::Damaged, to, "bytes that belong to no frame")
            }
            Broken::TooLarge => {
                let detail = "a frame claims to be larger than any is";
                self.lose(ReadLossKind::Damaged, to, detail)
            }
            Broken::Cut => {
                let detail = "a frame claims to reach beyond the end of the file";
                self.lose(ReadLossKind::Damaged, to, detail)
            }
            Broken::Checksum => self.lose(
                ReadLossKind::Damaged,
                to,
                "the checksum of a frame is wrong",
            ),
        }
    }

    fn read(&mut self) -> Piece<'a> {
        let (head, stored) = match self.frame_at(self.offset) {
            Ok(found) => found,
            Err(broken) => return self.skip(broken),
        };
        let next = self.offset + HEAD_BYTES + stored.len();
        self.frames += 1;
        let kind = match Kind::from_byte(head.kind) {
            Some(kind) if head.version == KIND_VERSION => kind,
            Some(_) => {
                let detail = format!("a frame of kind {} in version {}", head.kind, head.version);
                return self.lose(ReadLossKind::Unknown, next, detail);
            }
            None => {
                let detail = format!("a frame of the unknown kind {}", head.kind);
                return self.lose(ReadLossKind::Unknown, next, detail);
            }
        };
        // Event chunks pack their columns themselves.
        let known = if kind == Kind::Events { 0 } else { FLAG_ZSTD };
        if head.flags & !known != 0 {
            let detail = format!(
                "a frame packed in a way that is not known (flags {:#06x})",
                head.flags
            );
            return self.lose(ReadLossKind::Unknown, next, detail);
        }
        let Some(frame) = decode(kind, &head, stored) else {
            let detail = format!("a frame of kind {} makes no sense", head.kind);
            return self.lose(ReadLossKind::Malformed, next, detail);
        };
        match &frame {
            Frame::Header(_) if self.headed => {
                return self.lose(ReadLossKind::Malformed, next, "a second header");
            }
            Frame::Header(_) => self.headed = true,
            Frame::Events(chunk) => self.events += chunk.len() as u64,
            _ => {}
        }
        let memory = memory(&frame);
        if memory > self.room {
            let detail = "more tasks, strings or threads than a dump may hold";
            return self.lose(ReadLossKind::Malformed, next, detail);
        }
        self.room -= memory;
        let at = self.offset;
        self.offset = next;
        if let Frame::End(end) = &frame {
            self.done = true;
            self.pending = self.check_end(end);
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
        if end.frames != self.frames - 1 || end.events < self.events {
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

/// Why there is no intact frame at some place.
#[derive(Clone, Copy, Debug)]
enum Broken {
    /// Nothing more, or the beginning of a head.
    NoEnd,
    /// No sync word.
    NoSync,
    /// Lengths above the limit.
    TooLarge,
    /// The payload would end behind the file.
    Cut,
    /// The checksum is wrong.
    Checksum,
}

fn decode<'a>(kind: Kind, head: &Head, stored: &'a [u8]) -> Option<Frame<'a>> {
    let raw = head.raw as usize;
    let payload = if head.flags & FLAG_ZSTD != 0 {
        Cow::Owned(Unpacker::default().unpack(stored, raw, 0)?)
    } else if stored.len() == raw {
        Cow::Borrowed(stored)
    } else {
        return None;
    };
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
        Kind::Events => Frame::Events(EventChunk::parse(stored)?),
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

/// The memory that a frame's rows take, near enough. Event chunks borrow theirs.
fn memory(frame: &Frame<'_>) -> usize {
    match frame {
        Frame::Strings(strings) => 4 * strings.lengths.len() + strings.blob.len(),
        Frame::Tasks(tasks) => {
            tasks.rows.len() * size_of::<TaskRow>() + tasks.open_waits.len() * size_of::<OpenWait>()
        }
        Frame::Workers(workers) => {
            workers.runtimes.len() * size_of::<RuntimeRow>()
                + workers.threads.len() * size_of::<ThreadRow>()
                + workers.workers.len() * size_of::<WorkerRow>()
                + workers.running.len() * size_of::<Running>()
        }
        Frame::Losses(losses) => losses.rows.len() * size_of::<LossRow>(),
        Frame::Header(_) | Frame::Events(_) | Frame::End(_) => 0,
    }
}
