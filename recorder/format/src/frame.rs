//! The framing: preamble, sync word, lengths, checksum, compression.

use crate::error::WriteError;

/// The first eight bytes of every dump. The line ends show a file that was copied as text.
pub(crate) const MAGIC: [u8; 8] = *b"DIAL9\r\n\x1a";
/// The version that this crate writes.
pub const VERSION: (u16, u16) = (1, 0);
/// Magic, major, minor, crc32 of these twelve bytes.
pub(crate) const PREAMBLE_BYTES: usize = 16;
/// Begins every frame; no byte of it is likely in a payload, and the checksum decides.
pub(crate) const SYNC: [u8; 4] = [0xD9, 0xF7, 0x1E, 0x9C];
/// Bytes of a frame's head: sync, kind, version, flags (2), payload length, raw length, crc32.
pub(crate) const HEAD_BYTES: usize = 20;
/// No payload is larger, neither as stored nor unpacked.
pub const MAX_PAYLOAD: usize = 4 << 20;
/// The payload is a zstd frame.
pub(crate) const FLAG_ZSTD: u16 = 1;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Header = 1,
    Strings = 2,
    Tasks = 3,
    Workers = 4,
    Events = 6,
    Losses = 8,
    End = 9,
}

impl Kind {
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Header,
            2 => Self::Strings,
            3 => Self::Tasks,
            4 => Self::Workers,
            6 => Self::Events,
            8 => Self::Losses,
            9 => Self::End,
            _ => return None,
        })
    }
}

/// The version of every kind so far. An event chunk's does not change within a major version.
pub(crate) const KIND_VERSION: u8 = 1;

/// The preamble of a file of this version.
pub(crate) fn preamble() -> [u8; PREAMBLE_BYTES] {
    let mut bytes = [0; PREAMBLE_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.0.to_le_bytes());
    bytes[10..12].copy_from_slice(&VERSION.1.to_le_bytes());
    let crc = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// A frame's head, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: u8,
    pub(crate) version: u8,
    pub(crate) flags: u16,
    pub(crate) payload: u32,
    pub(crate) raw: u32,
    pub(crate) crc: u32,
}

impl Head {
    /// Reads the head behind a sync word. `bytes` holds at least [`HEAD_BYTES`].
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD_BYTES)?;
        if head[..4] != SYNC {
            return None;
        }
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        Some(Self {
            kind: head[4],
            version: head[5],
            flags: u16::from_le_bytes([head[6], head[7]]),
            payload: word(8),
            raw: word(12),
            crc: word(16),
        })
    }

    fn bytes(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..4].copy_from_slice(&SYNC);
        bytes[4] = self.kind;
        bytes[5] = self.version;
        bytes[6..8].copy_from_slice(&self.flags.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.payload.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.raw.to_le_bytes());
        bytes[16..].copy_from_slice(&self.crc.to_le_bytes());
        bytes
    }

    /// The checksum of this head, its crc field left out, and `payload`.
    pub(crate) fn checksum(&self, payload: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.bytes()[..16]);
        hasher.update(payload);
        hasher.finalize()
    }
}

/// Builds a whole frame in `out`, which is cleared, around a payload that unpacks to `raw` bytes.
pub(crate) fn build(
    kind: Kind,
    flags: u16,
    payload: &[u8],
    raw: usize,
    out: &mut Vec<u8>,
) -> Result<(), WriteError> {
    let bytes = raw.max(payload.len());
    if bytes > MAX_PAYLOAD {
        return Err(WriteError::TooLarge { bytes });
    }
    let mut head = Head {
        kind: kind as u8,
        version: KIND_VERSION,
        flags,
        payload: payload.len() as u32,
        raw: raw as u32,
        crc: 0,
    };
    head.crc = head.checksum(payload);
    out.clear();
    out.extend_from_slice(&head.bytes());
    out.extend_from_slice(payload);
    Ok(())
}
