//! Many intervals on few cells: a summary per 64 intervals, so that a timeline costs what its width costs.

use super::span::Span;
use crate::recording::Ns;

const BLOCK: usize = 64;

/// Summaries over intervals that ascend by start.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: Ns,
    /// The latest end of this block's intervals.
    end: Ns,
    /// The latest end of this and all earlier blocks: ascending, so that it can be searched.
    reached: Ns,
    covered: Ns,
    longest: Ns,
}

/// What the intervals do in one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cover {
    /// How much of the cell's time they cover, added up.
    pub(super) covered: Ns,
    /// The whole length of the longest that touches the cell; 0 where none has a length.
    pub(super) longest: Ns,
    /// Whether any touches it, be it of no length.
    pub(super) any: bool,
}

impl Blocks {
    /// Summarises `len` intervals; `get` gives start and end.
    pub(super) fn new(len: usize, get: impl Fn(usize) -> (Ns, Ns)) -> Self {
        let mut blocks = Vec::with_capacity(len.div_ceil(BLOCK));
        let mut reached = Ns::MIN;
        for first in (0..len).step_by(BLOCK) {
            let (start, _) = get(first);
            let mut block = Block {
                start,
                end: Ns::MIN,
                reached: 0,
                covered: 0,
                longest: 0,
            };
            for index in first..(first + BLOCK).min(len) {
                let (start, end) = get(index);
                let length = end.saturating_sub(start);
                block.end = block.end.max(end);
                block.covered = block.covered.saturating_add(length);
                block.longest = block.longest.max(length);
            }
            reached = reached.max(block.end);
            block.reached = reached;
            blocks.push(block);
        }
        Self { blocks, len }
    }

    /// Adds to each of `cells` what the intervals do in it. `get` is the one that the summaries were made with.
    pub(super) fn cover(&self, span: Span, cells: &mut [Cover], get: impl Fn(usize) -> (Ns, Ns)) {
        let count = cells.len();
        if count == 0 {
            return;
        }
        let first = self
            .blocks
            .partition_point(|block| block.reached < span.from());
        for (number, block) in self.blocks.iter().enumerate().skip(first) {
            if block.start >= span.to() {
                break;
            }
            let within = span.cell(block.start, count).filter(|cell| {
                block.end < span.to() && block.end <= span.start_of(cell + 1, count)
            });
            if let Some(cell) = within {
                let cell = &mut cells[cell];
                cell.any = true;
                cell.covered = cell.covered.saturating_add(block.covered);
                cell.longest = cell.longest.max(block.longest);
                continue;
            }
            for index in number * BLOCK..((number + 1) * BLOCK).min(self.len) {
                let (start, end) = get(index);
                if start >= span.to() {
                    return;
                }
                add(span, cells, start, end);
            }
        }
    }
}

fn add(span: Span, cells: &mut [Cover], start: Ns, end: Ns) {
    let count = cells.len();
    let visible = (start.max(span.from()), end.min(span.to()));
    if visible.1 < visible.0 || (end == span.from() && start < end) {
        return;
    }
    let Some(first) = span.cell(visible.0, count) else {
        return;
    };
    // The end is out of the interval, so one that ends where a cell begins does not touch it.
    let last = span
        .cell((visible.1 - 1).max(visible.0), count)
        .unwrap_or(count - 1);
    for (cell, cover) in cells.iter_mut().enumerate().take(last + 1).skip(first) {
        let from = visible.0.max(span.start_of(cell, count));
        let to = visible.1.min(span.start_of(cell + 1, count));
        cover.any = true;
        cover.covered = cover.covered.saturating_add((to - from).max(0));
        cover.longest = cover.longest.max(end.saturating_sub(start));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn summaries_say_what_the_intervals_say(
            mut intervals in prop::collection::vec((0i64..10_000, 0i64..700), 0..400),
            from in -500i64..9_000, length in 100i64..12_000, width in 1usize..100,
        ) {
            intervals.sort_unstable();
            let get = |index: usize| { let (start, length) = intervals[index]; (start, start + length) };
            let span = Span::new(from, from + length);
            let mut fast = vec![Cover::default(); width];
            Blocks::new(intervals.len(), get).cover(span, &mut fast, get);
            let mut slow = vec![Cover::default(); width];
            for index in 0..intervals.len() {
                let (start, end) = get(index);
                add(span, &mut slow, start, end);
            }
            prop_assert_eq!(fast, slow);
        }
    }

    #[test]
    fn one_long_interval_is_seen_from_afar() {
        // A million short polls, and one of 80 ms.
        let get = |index: usize| {
            let start = index as Ns * 10_000;
            (
                start,
                start + if index == 700_000 { 80_000_000 } else { 100 },
            )
        };
        let blocks = Blocks::new(1_000_000, get);
        let mut cells = [Cover::default(); 60];
        blocks.cover(Span::new(0, 10_000_000_000), &mut cells, get);
        assert_eq!(
            cells
                .iter()
                .filter(|cell| cell.longest == 80_000_000)
                .count(),
            1
        );
        assert!(cells.iter().all(|cell| cell.any));
    }
}
