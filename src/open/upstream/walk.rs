//! One batch of a trace, event by event, whatever is wrong with its bytes.

use dial9_trace_format::decoder::{Decoder, RawEvent};

use super::slices::TraceFile;

/// How often a batch is begun anew because a header inside it turned out to be none.
const MOST_RETRIES: u32 = 16;
/// The most bytes that are looked through to find out whether a frame is broken or merely cut.
const MOST_FRAME: usize = 64 << 20;

/// Bytes that could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The first byte of the frame that breaks off.
    pub(super) at: usize,
    pub(super) bytes: usize,
    /// Whether the file ends within it.
    pub(super) cut: bool,
}

/// Calls `take` for every event of the batch that begins at the candidate `from`. Returns where the next one begins, and
/// what could not be decoded before it.
pub(super) fn walk(
    file: &TraceFile,
    from: usize,
    mut take: impl for<'a, 'f> FnMut(&RawEvent<'a, 'f>),
) -> (usize, Option<Broken>) {
    let mut to = file.candidate_from(from + 1);
    let first_to = to;
    let mut taken = 0u64;
    for _ in 0..MOST_RETRIES {
        let Some(mut decoder) = Decoder::new(&file.bytes[from..to]) else {
            break;
        };
        let mut seen = 0u64;
        let outcome = decoder.for_each_event(|event| {
            seen += 1;
            if seen > taken {
                take(&event);
            }
        });
        taken = taken.max(seen);
        if outcome.is_ok() {
            return (to, None);
        }
        let at = from + decoder.position();
        // Only a header that is none can have cut the frame.
        match (to < file.bytes.len())
            .then(|| frame_end(file, from, at))
            .flatten()
        {
            Some(end) if end > to => to = file.candidate_from(end),
            _ => {
                let broken = Broken {
                    at,
                    bytes: to - at,
                    cut: to == file.bytes.len(),
                };
                return (to, Some(broken));
            }
        }
    }
    let broken = Broken {
        at: from,
        bytes: first_to - from,
        cut: false,
    };
    (to.max(first_to), Some(broken))
}

/// Where the frame at `at` ends, if it can be decoded once it is not cut.
fn frame_end(file: &TraceFile, from: usize, at: usize) -> Option<usize> {
    let limit = file.bytes.len().min(at.saturating_add(MOST_FRAME));
    let mut decoder = Decoder::new(&file.bytes[from..limit])?;
    while from + decoder.position() < at {
        decoder.next_frame_ref().ok()??;
    }
    if from + decoder.position() != at {
        return None;
    }
    decoder.next_frame_ref().ok()??;
    Some(from + decoder.position())
}
