//! One batch of a trace, event by event, whatever is wrong with its bytes.

use dial9_trace_format::decoder::{Decoder, RawEvent, TryForEachError};

use super::{super::Progress, bind, cut::Unit};

/// How often a batch is begun anew because a header inside it turned out to be none.
const MOST_RETRIES: u32 = 16;
/// The most bytes that are looked through to find out whether a frame is broken or merely cut.
const MOST_FRAME: usize = 64 << 20;
/// Events between two looks at whether anybody still waits.
const LOOK: u64 = 1 << 13;
/// Decoding a batch takes a table with a place for every number of a kind up to its highest. Upstream counts from 256 on;
/// this is where a batch counts as wasteful, and so many of one unit are decoded.
const WASTEFUL: u16 = 1 << 12;
const MOST_WASTEFUL: u32 = 4;
/// Tags of frames.
const FRAMES: std::ops::RangeInclusive<u8> = 1..=6;

/// Bytes that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The first byte of the frame that breaks off.
    pub(super) at: usize,
    pub(super) bytes: usize,
    /// Whether the file ends within it.
    pub(super) cut: bool,
    /// Whether it might go on in the next unit, if the header there is none.
    pub(super) may_go_on: bool,
}

/// A unit with what finding its batches takes.
pub(super) struct Walk<'u> {
    unit: &'u Unit,
    candidates: Vec<usize>,
    /// Where the next batch begins.
    at: usize,
    wasteful: u32,
    progress: &'u Progress,
}

impl<'u> Walk<'u> {
    pub(super) fn new(unit: &'u Unit, progress: &'u Progress) -> Self {
        Self {
            unit,
            candidates: unit.candidates(),
            at: 0,
            wasteful: 0,
            progress,
        }
    }

    /// Whether there is another batch, and somebody to read it for.
    pub(super) fn goes_on(&self) -> bool {
        self.at < self.unit.bytes.len() && self.progress.check().is_ok()
    }

    /// The worker whose thread wrote the next batch, where an event of it says so.
    pub(super) fn writer(&self) -> Option<u64> {
        let to = self.candidate_from(self.at + 1);
        let mut decoder = Decoder::new(&self.unit.bytes[self.at..to])?;
        let mut writer = None;
        let mut seen = 0u64;
        let _ = decoder.try_for_each_event(|event| {
            seen += 1;
            let stop = seen.is_multiple_of(LOOK) && self.progress.check().is_err();
            writer = bind::worker_of(&event);
            if writer.is_some() || stop {
                Err(())
            } else {
                Ok(())
            }
        });
        writer
    }

    /// Calls `take` for every event of the next batch. Returns what of it could not be decoded.
    pub(super) fn batch(
        &mut self,
        mut take: impl for<'a, 'f> FnMut(&RawEvent<'a, 'f>),
    ) -> Option<Broken> {
        let bytes = &self.unit.bytes;
        let from = self.at;
        if self.wasteful > MOST_WASTEFUL {
            self.at = bytes.len();
            return Some(self.broken(from, bytes.len(), false));
        }
        let mut to = self.candidate_from(from + 1);
        let first_to = to;
        let mut taken = 0u64;
        for _ in 0..MOST_RETRIES {
            let Some(mut decoder) = Decoder::new(&bytes[from..to]) else {
                break;
            };
            let mut seen = 0u64;
            let outcome = decoder.try_for_each_event(|event| {
                seen += 1;
                if seen.is_multiple_of(LOOK) && self.progress.check().is_err() {
                    return Err(());
                }
                if seen > taken {
                    take(&event);
                }
                Ok(())
            });
            taken = taken.max(seen);
            let ids = decoder.registry().entries().map(|(id, _)| id.0);
            self.wasteful += u32::from(ids.max() > Some(WASTEFUL));
            if matches!(outcome, Ok(()) | Err(TryForEachError::User(()))) {
                self.at = to;
                return None;
            }
            let at = from + decoder.position();
            // Only a header that is none can have cut the frame.
            match (to < bytes.len())
                .then(|| self.frame_end(from, at))
                .flatten()
            {
                Some(end) if end > to => to = self.candidate_from(end),
                _ => {
                    self.at = to;
                    return Some(self.broken(at, to, true));
                }
            }
        }
        self.at = to.max(first_to);
        Some(self.broken(from, first_to, false))
    }

    /// The first candidate at `at` or behind it; the end of the unit where there is none.
    fn candidate_from(&self, at: usize) -> usize {
        let next = self.candidates.partition_point(|candidate| *candidate < at);
        self.candidates
            .get(next)
            .copied()
            .unwrap_or(self.unit.bytes.len())
    }

    fn broken(&self, at: usize, to: usize, within_frame: bool) -> Broken {
        let bytes = &self.unit.bytes;
        let at_end = within_frame && to == bytes.len();
        Broken {
            at: self.unit.from + at,
            bytes: to - at,
            cut: at_end && self.unit.last,
            may_go_on: at_end
                && !self.unit.last
                && bytes.get(at).is_some_and(|tag| FRAMES.contains(tag)),
        }
    }

    /// Where the frame at `at` ends, if it can be decoded once it is not cut.
    fn frame_end(&self, from: usize, at: usize) -> Option<usize> {
        let bytes = &self.unit.bytes;
        let limit = bytes.len().min(at.saturating_add(MOST_FRAME));
        let mut decoder = Decoder::new(&bytes[from..limit])?;
        while from + decoder.position() < at {
            decoder.next_frame_ref().ok()??;
        }
        if from + decoder.position() != at {
            return None;
        }
        decoder.next_frame_ref().ok()??;
        Some(from + decoder.position())
    }
}
