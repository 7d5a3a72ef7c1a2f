//! Which chunk of which file to take what from: dumps of one process overlap, and an event must not appear twice.
//!
//! An event's identity is its stream and its sequence number. Of two chunks that hold the same event the one of the
//! newer dump is taken: it is at least as long, and its folded mark belongs to the history that is shown.

/// What selecting needs to know of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) stream: u32,
    pub(super) first_seq: u64,
    pub(super) len: u64,
    /// How many of its first events the history of its file contains.
    pub(super) folded: u64,
    /// Higher is newer.
    pub(super) file: usize,
    /// Where the caller keeps it.
    pub(super) index: usize,
}

/// A part of a chunk to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) stream: u32,
    pub(super) index: usize,
    /// Events at the front that another chunk has delivered.
    pub(super) skip: u64,
    /// Events to take after them.
    pub(super) take: u64,
    /// The event, counted from the chunk's first, from which on the shown history does not contain them.
    pub(super) mark: u64,
    /// Events of the stream that are missing right before it.
    pub(super) gap: u64,
}

/// The parts that together hold every event once, by stream, each stream in order.
pub(super) fn select(mut chunks: Vec<Chunk>, newest: usize) -> Vec<Part> {
    chunks.retain(|chunk| chunk.len > 0);
    chunks.sort_by_key(|chunk| {
        (
            chunk.stream,
            chunk.first_seq,
            std::cmp::Reverse(chunk.file),
            std::cmp::Reverse(chunk.len),
            chunk.index,
        )
    });
    let mut parts: Vec<Part> = Vec::with_capacity(chunks.len());
    let mut stream = None;
    let mut next = 0u64;
    for chunk in chunks {
        if stream != Some(chunk.stream) {
            stream = Some(chunk.stream);
            next = chunk.first_seq;
        }
        let end = chunk.first_seq.saturating_add(chunk.len);
        if end <= next {
            continue;
        }
        let skip = next.saturating_sub(chunk.first_seq);
        // What only an older dump holds had been folded by the time of the newest, or its chunk would be there.
        let mark = if chunk.file == newest {
            chunk.folded
        } else {
            chunk.len
        };
        parts.push(Part {
            stream: chunk.stream,
            index: chunk.index,
            skip,
            take: chunk.len - skip,
            mark,
            gap: chunk.first_seq.saturating_sub(next),
        });
        next = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(stream: u32, first_seq: u64, len: u64, file: usize, index: usize) -> Chunk {
        Chunk {
            stream,
            first_seq,
            len,
            folded: 0,
            file,
            index,
        }
    }

    /// The sequence numbers that parts deliver, per stream.
    fn delivered(chunks: &[Chunk], parts: &[Part]) -> Vec<(u32, u64)> {
        let of = |part: &Part| {
            chunks
                .iter()
                .find(|chunk| chunk.index == part.index)
                .copied()
                .unwrap()
        };
        parts
            .iter()
            .flat_map(|part| {
                let first = of(part).first_seq + part.skip;
                (first..first + part.take)
                    .map(|seq| (part.stream, seq))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn overlapping_dumps_deliver_every_event_once() {
        let chunks = [
            chunk(0, 0, 10, 0, 0),
            chunk(0, 10, 5, 0, 1),  // open when the older dump was made
            chunk(0, 10, 10, 1, 2), // full in the newer one
            chunk(0, 20, 3, 1, 3),
            chunk(1, 7, 4, 1, 4),
            chunk(1, 7, 4, 0, 5),
        ];
        let parts = select(chunks.to_vec(), 1);
        let mut expected: Vec<(u32, u64)> = (0..23).map(|seq| (0, seq)).collect();
        expected.extend((7..11).map(|seq| (1, seq)));
        assert_eq!(delivered(&chunks, &parts), expected);
        assert_eq!(
            parts.iter().map(|part| part.index).collect::<Vec<_>>(),
            [0, 2, 3, 4]
        );
        assert!(parts.iter().all(|part| part.gap == 0));
    }

    #[test]
    fn a_chunk_that_begins_inside_another_is_trimmed_and_a_hole_is_seen() {
        let chunks = [
            chunk(0, 0, 10, 0, 0),
            chunk(0, 6, 10, 1, 1),
            chunk(0, 20, 2, 1, 2),
        ];
        let parts = select(chunks.to_vec(), 1);
        assert_eq!(
            parts
                .iter()
                .map(|part| (part.skip, part.take, part.gap))
                .collect::<Vec<_>>(),
            [(0, 10, 0), (4, 6, 0), (0, 2, 4)]
        );
    }

    #[test]
    fn only_the_newest_dump_has_events_behind_the_mark() {
        let mut old = chunk(0, 0, 10, 0, 0);
        old.folded = 3;
        let mut new = chunk(0, 10, 10, 1, 1);
        new.folded = 4;
        let marks: Vec<u64> = select(vec![old, new], 1)
            .iter()
            .map(|part| part.mark)
            .collect();
        assert_eq!(marks, [10, 4]);
    }

    #[test]
    fn hostile_numbers_do_not_overflow() {
        let parts = select(
            vec![
                chunk(0, u64::MAX - 1, u64::MAX, 0, 0),
                chunk(0, u64::MAX, 5, 0, 1),
            ],
            0,
        );
        assert_eq!(parts.len(), 1);
    }
}
