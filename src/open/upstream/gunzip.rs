//! Gzip to bytes, with a cap that a bomb cannot pass.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use super::super::{OpenError, Progress};

/// Traces shrink to a third or a tenth. What grows further than this is no trace.
const MOST_GROWTH: u64 = 100;
/// Small files may grow to this whatever their size: they are no danger.
const ALWAYS: u64 = 256 << 20;
/// The most bytes of one file after decompression.
const CAP: u64 = 16 << 30;
const STEP: u64 = 1 << 20;

/// What came out of a compressed file.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// Why it is not all: the compressed file broke off, or it would be too much.
    pub(super) ended: Ended,
}

/// How decompression ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    Broken(String),
    OverCap(u64),
}

/// Decompresses `packed`.
pub(super) fn gunzip(packed: &[u8], progress: &Progress) -> Result<Unpacked, OpenError> {
    let cap = (packed.len() as u64)
        .saturating_mul(MOST_GROWTH)
        .clamp(ALWAYS, CAP);
    unpack(packed, cap, progress)
}

/// The first bytes of what `packed` holds, to see what it is.
pub(super) fn peek(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What cannot be decompressed shows nothing, and nothing is no trace.
    let _ = MultiGzDecoder::new(packed).take(64).read_to_end(&mut bytes);
    bytes
}

fn unpack(packed: &[u8], cap: u64, progress: &Progress) -> Result<Unpacked, OpenError> {
    let mut decoder = MultiGzDecoder::new(packed);
    let mut bytes = Vec::new();
    loop {
        progress.check()?;
        let room = cap.saturating_sub(bytes.len() as u64);
        if room == 0 {
            let more = decoder.read(&mut [0]).is_ok_and(|more| more > 0);
            let ended = if more {
                Ended::OverCap(cap)
            } else {
                Ended::Whole
            };
            return Ok(Unpacked { bytes, ended });
        }
        match decoder
            .by_ref()
            .take(room.min(STEP))
            .read_to_end(&mut bytes)
        {
            Ok(0) => {
                let ended = Ended::Whole;
                return Ok(Unpacked { bytes, ended });
            }
            Ok(_) => {}
            Err(error) => {
                let ended = Ended::Broken(crate::recording::sanitise(&error.to_string()));
                return Ok(Unpacked { bytes, ended });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_follow_each_other_and_a_cut_keeps_what_came_before() {
        let mut packed = gzip(b"one ");
        packed.extend(gzip(b"two"));
        let progress = Progress::default();
        let whole = gunzip(&packed, &progress).unwrap();
        assert_eq!(
            (&whole.bytes[..], whole.ended),
            (&b"one two"[..], Ended::Whole)
        );
        for cut in 0..packed.len() {
            let part = gunzip(&packed[..cut], &progress).unwrap();
            assert!(b"one two".starts_with(&part.bytes), "{cut}");
        }
        let cut = gunzip(&packed[..packed.len() - 3], &progress).unwrap();
        assert!(matches!(cut.ended, Ended::Broken(_)));
        assert_eq!(peek(&packed), b"one two");
        assert!(peek(b"\x1f\x8bnonsense").is_empty());
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let packed = gzip(&vec![0; 1 << 20]);
        let part = unpack(&packed, 5_000, &Progress::default()).unwrap();
        assert_eq!(
            (part.bytes.len(), part.ended),
            (5_000, Ended::OverCap(5_000))
        );
        let exact = unpack(&packed, 1 << 20, &Progress::default()).unwrap();
        assert_eq!(exact.ended, Ended::Whole);
    }
}
