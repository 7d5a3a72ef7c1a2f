//! A trace cut, while it is read, into units that can be decoded independently: no more of it is in memory as bytes than
//! what is being decoded.
//!
//! A trace is a concatenation of batches, each with a header and schemas of its own. Nothing but the header marks where a
//! batch begins, so every place that looks like one is a *candidate*; [`super::walk`] finds out which are real.

use std::io::Read;

use memchr::memmem;

use super::super::{OpenError, Progress};

/// How a batch of the version that this program reads begins.
const HEADER: &[u8; 5] = b"TRC\0\x01";
/// Bytes of consecutive batches that are decoded together, so that many tiny ones cost no more than a large one.
const UNIT: usize = 512 << 10;
/// Bytes that are read at once.
const STEP: usize = 256 << 10;

/// Consecutive batches: their bytes, and where in the file those are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) bytes: Vec<u8>,
    /// The place of the first byte.
    pub(super) from: usize,
    /// Whether the file ends with it.
    pub(super) last: bool,
}

impl Unit {
    /// Where batches may begin, ascending.
    pub(super) fn candidates(&self) -> Vec<usize> {
        memmem::find_iter(&self.bytes, HEADER).collect()
    }

    /// The place behind the last byte.
    pub(super) fn to(&self) -> usize {
        self.from + self.bytes.len()
    }
}

/// How reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Whole,
    /// What cannot be read, or decompressed, any further.
    Broken(String),
    /// It would be more than this many bytes.
    OverCap(u64),
}

/// Cuts what it reads.
pub(super) struct Cutter<'p> {
    reader: Box<dyn Read + Send + 'p>,
    /// The most bytes that are read.
    cap: u64,
    /// What was read beyond the last unit, and its place.
    rest: Vec<u8>,
    at: usize,
    ended: Option<Ended>,
}

impl<'p> Cutter<'p> {
    pub(super) fn new(reader: Box<dyn Read + Send + 'p>, cap: u64) -> Self {
        Self {
            reader,
            cap,
            rest: Vec::new(),
            at: 0,
            ended: None,
        }
    }

    /// How reading ended, if it has.
    pub(super) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// How many bytes were read, decompressed.
    pub(super) fn read(&self) -> usize {
        self.at + self.rest.len()
    }

    /// Makes `unit` the next one; its memory is used again. Returns whether there is one.
    pub(super) fn next(&mut self, unit: &mut Unit, progress: &Progress) -> Result<bool, OpenError> {
        unit.bytes.clear();
        std::mem::swap(&mut unit.bytes, &mut self.rest);
        unit.from = self.at;
        let mut looked = UNIT;
        loop {
            if let Some(header) = next_header(&unit.bytes, looked) {
                self.rest.clear();
                self.rest.extend_from_slice(&unit.bytes[header..]);
                unit.bytes.truncate(header);
                break;
            }
            looked = looked.max((unit.bytes.len() + 1).saturating_sub(HEADER.len()));
            if self.ended.is_some() {
                break;
            }
            progress.check()?;
            self.fill(&mut unit.bytes);
        }
        self.at = unit.to();
        unit.last = self.ended.is_some() && self.rest.is_empty();
        Ok(!unit.bytes.is_empty())
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) {
        let read = self.at + bytes.len();
        let room = self.cap.saturating_sub(read as u64);
        if room == 0 {
            let more = self.reader.read(&mut [0]).is_ok_and(|more| more > 0);
            self.ended = Some(if more {
                Ended::OverCap(self.cap)
            } else {
                Ended::Whole
            });
            return;
        }
        let most = room.min(STEP as u64);
        self.ended = match self.reader.by_ref().take(most).read_to_end(bytes) {
            Ok(0) => Some(Ended::Whole),
            Ok(_) => None,
            Err(error) => Some(Ended::Broken(crate::recording::sanitise(
                &error.to_string(),
            ))),
        };
    }
}

/// The first candidate at `from` or behind it.
fn next_header(bytes: &[u8], from: usize) -> Option<usize> {
    let place = memmem::find(bytes.get(from..)?, HEADER)?;
    Some(from + place)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write as _};

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn units(mut cutter: Cutter<'_>) -> (Vec<Unit>, Ended) {
        let mut units = Vec::new();
        let mut unit = Unit::default();
        while cutter.next(&mut unit, &Progress::default()).unwrap() {
            units.push(unit.clone());
        }
        (units, cutter.ended().cloned().unwrap())
    }

    fn plain(bytes: &[u8]) -> Cutter<'static> {
        Cutter::new(Box::new(io::Cursor::new(bytes.to_vec())), u64::MAX)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn packed(bytes: Vec<u8>, cap: u64) -> Cutter<'static> {
        let reader = MultiGzDecoder::new(io::Cursor::new(bytes));
        Cutter::new(Box::new(reader), cap)
    }

    #[test]
    fn units_hold_every_byte_once_and_begin_at_headers() {
        let mut bytes = Vec::new();
        for size in [10usize, 600 << 10, 0, 0, 100, 700 << 10, 256 << 10, 3] {
            bytes.extend_from_slice(HEADER);
            bytes.extend(std::iter::repeat_n(b'T', size));
        }
        // Headers anywhere around the places at which reading pauses.
        for shift in 0..12 {
            let mut bytes = bytes.clone();
            let tail = [vec![b'T'; shift], HEADER.to_vec(), vec![b'T'; 512 << 10]].concat();
            bytes.extend(tail);
            bytes.extend_from_slice(HEADER);
            let (units, ended) = units(plain(&bytes));
            assert_eq!(ended, Ended::Whole);
            assert!(units.len() > 2, "{}", units.len());
            assert!(units.iter().all(|unit| unit.bytes.starts_with(HEADER)));
            let whole: Vec<u8> = units.iter().flat_map(|unit| unit.bytes.clone()).collect();
            assert_eq!(whole, bytes);
            assert!(units.windows(2).all(|pair| pair[0].to() == pair[1].from));
            let last: Vec<bool> = units.iter().map(|unit| unit.last).collect();
            assert_eq!(last.iter().filter(|last| **last).count(), 1);
            assert!(last[last.len() - 1]);
        }
    }

    #[test]
    fn a_file_that_cannot_be_unpacked_any_further_keeps_what_came_before() {
        let mut bytes = gzip(b"one ");
        bytes.extend(gzip(b"two"));
        for cut in 0..=bytes.len() {
            let (units, ended) = units(packed(bytes[..cut].to_vec(), u64::MAX));
            let whole: Vec<u8> = units.into_iter().flat_map(|unit| unit.bytes).collect();
            assert!(b"one two".starts_with(&whole[..]), "{cut}");
            assert!(cut < bytes.len() || (whole.len(), ended) == (7, Ended::Whole));
        }
        let (_, ended) = units(packed(bytes[..bytes.len() - 3].to_vec(), u64::MAX));
        assert!(matches!(ended, Ended::Broken(_)));
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bytes = gzip(&vec![0; 1 << 20]);
        let (part, ended) = units(packed(bytes.clone(), 5_000));
        assert_eq!((part[0].bytes.len(), ended), (5_000, Ended::OverCap(5_000)));
        let (whole, ended) = units(packed(bytes, 1 << 20));
        assert_eq!((whole[0].bytes.len(), ended), (1 << 20, Ended::Whole));
    }

    #[test]
    fn reading_stops_when_nobody_waits_any_more() {
        let progress = Progress::default();
        progress.cancel();
        let cancelled = plain(b"TRC").next(&mut Unit::default(), &progress);
        assert!(matches!(cancelled, Err(OpenError::Cancelled)));
    }
}
