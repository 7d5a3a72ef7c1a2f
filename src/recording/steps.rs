//! A number that goes up and down by steps, in blocks of 64 changes: what it was in every cell of a picture, without
//! keeping the steps.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    Band, Ns,
    grid::Grid,
    pyramid::{MinMax, Pyramid},
};

/// How many changes one block covers.
const BLOCK: u32 = 64;
/// With at most this many blocks for each cell, the changes themselves are looked at.
const EXACT: usize = 1;

#[derive(Clone, Copy, Debug)]
struct Block {
    /// The first instant that it covers.
    at: Ns,
    /// The value just before.
    before: i32,
    min: i32,
    max: i32,
}

/// The blocks of one number.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    blocks: Vec<Block>,
    pyramid: Pyramid,
    /// What it was before the first change.
    initial: i64,
    last: i64,
}

/// Follows a number while its changes come in the order of time. What it is at an instant is what all changes of that
/// instant together have made of it.
#[derive(Debug)]
pub(crate) struct Counter {
    blocks: Vec<Block>,
    /// Changes by one that were announced for later.
    later: BinaryHeap<Reverse<Ns>>,
    now: Ns,
    initial: i64,
    value: i64,
    seen: MinMax,
    changes: u32,
}

impl Counter {
    /// It is 0 until something changes it.
    pub(crate) fn new() -> Self {
        Self::from(0)
    }

    /// It is `initial` until something changes it.
    pub(crate) fn from(initial: i64) -> Self {
        Self {
            blocks: Vec::new(),
            later: BinaryHeap::new(),
            now: Ns::MIN,
            initial,
            value: initial,
            seen: MinMax::NONE,
            changes: 0,
        }
    }

    /// It grows by one at `at`, which may lie ahead.
    pub(crate) fn grow_later(&mut self, at: Ns) {
        self.later.push(Reverse(at));
    }

    /// It changes now; `at` is no earlier than any change before.
    pub(crate) fn change(&mut self, at: Ns, by: i64) {
        while let Some(&Reverse(due)) = self.later.peek()
            && due <= at
        {
            self.later.pop();
            self.apply(due, 1);
        }
        self.apply(at, by);
    }

    fn apply(&mut self, at: Ns, by: i64) {
        // What was announced for a time that has passed comes late, as it does for whoever looks at the changes.
        let at = at.max(self.now);
        if at > self.now || self.blocks.is_empty() {
            self.settle();
            if self.changes >= BLOCK || self.blocks.is_empty() {
                self.close();
                self.blocks.push(Block {
                    at,
                    before: narrow(self.value),
                    min: 0,
                    max: 0,
                });
            }
            self.now = at;
        }
        self.value = self.value.saturating_add(by);
        self.changes += 1;
    }

    /// The instant is over: what the value is now, it was.
    fn settle(&mut self) {
        if self.changes > 0 {
            self.seen = self.seen.with(MinMax::of(self.value));
        }
    }

    fn close(&mut self) {
        if let Some(block) = self.blocks.last_mut() {
            (block.min, block.max) = (narrow(self.seen.min), narrow(self.seen.max));
        }
        (self.seen, self.changes) = (MinMax::NONE, 0);
    }

    pub(crate) fn finish(mut self) -> Steps {
        while let Some(Reverse(due)) = self.later.pop() {
            self.apply(due, 1);
        }
        self.settle();
        self.close();
        let mut blocks = self.blocks;
        blocks.shrink_to_fit();
        let pyramid = Pyramid::new(blocks.len(), |block| minmax(&blocks[block]));
        Steps {
            blocks,
            pyramid,
            initial: self.initial,
            last: self.value,
        }
    }
}

fn narrow(value: i64) -> i32 {
    value.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn minmax(block: &Block) -> MinMax {
    MinMax {
        min: i64::from(block.min),
        max: i64::from(block.max),
    }
}

impl Steps {
    /// Whether nothing ever changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// What the number was at an instant. `changes` gives all changes from one instant (in it) to another (out of it),
    /// in any order.
    pub(crate) fn at(&self, at: Ns, changes: impl Fn(Ns, Ns) -> Vec<(Ns, i64)>) -> i64 {
        let Some(block) = self.block_of(at).map(|block| self.blocks[block]) else {
            return self.initial;
        };
        let changes = changes(block.at, at.saturating_add(1));
        i64::from(block.before) + changes.iter().map(|(_, by)| by).sum::<i64>()
    }

    /// The block that covers an instant.
    fn block_of(&self, at: Ns) -> Option<usize> {
        self.blocks
            .partition_point(|block| block.at <= at)
            .checked_sub(1)
    }

    /// Fills `bands`: exactly where they cover few changes, otherwise with what the blocks say that begin in them.
    pub(crate) fn cover(
        &self,
        grid: Grid,
        bands: &mut [Band],
        changes: impl Fn(Ns, Ns) -> Vec<(Ns, i64)>,
    ) {
        let (from, to) = (grid.start_of(0), grid.start_of(bands.len()));
        let first = self.block_of(from);
        let end = self.blocks.partition_point(|block| block.at < to);
        if end - first.unwrap_or(0) <= bands.len() * EXACT {
            self.exact(first, grid, bands, &changes);
        } else {
            self.coarse(grid, bands);
        }
    }

    fn exact(
        &self,
        first: Option<usize>,
        grid: Grid,
        bands: &mut [Band],
        changes: &impl Fn(Ns, Ns) -> Vec<(Ns, i64)>,
    ) {
        let to = grid.start_of(bands.len());
        let (start, mut value) = first.map_or((Ns::MIN, self.initial), |block| {
            (self.blocks[block].at, i64::from(self.blocks[block].before))
        });
        let mut changes = changes(start, to);
        changes.sort_unstable_by_key(|(at, _)| *at);
        let mut next = 0;
        let step = |next: &mut usize, value: &mut i64| {
            let at = changes.get(*next)?.0;
            let same = changes[*next..]
                .iter()
                .take_while(|(other, _)| *other == at);
            let (count, by) = same.fold((0, 0), |(count, sum), (_, by)| (count + 1, sum + by));
            *next += count;
            *value += by;
            Some(())
        };
        for (cell, band) in bands.iter_mut().enumerate() {
            let (left, right) = (grid.start_of(cell), grid.start_of(cell + 1));
            while changes.get(next).is_some_and(|(at, _)| *at <= left)
                && step(&mut next, &mut value).is_some()
            {}
            let mut seen = MinMax::of(value);
            while changes.get(next).is_some_and(|(at, _)| *at < right)
                && step(&mut next, &mut value).is_some()
            {
                seen = seen.with(MinMax::of(value));
            }
            *band = Band {
                min: seen.min,
                max: seen.max,
                last: value,
                any: true,
            };
        }
    }

    fn coarse(&self, grid: Grid, bands: &mut [Band]) {
        let before = |block: usize| {
            self.blocks
                .get(block)
                .map_or(self.last, |block| i64::from(block.before))
        };
        let mut next = self
            .blocks
            .partition_point(|block| block.at < grid.start_of(0));
        for (cell, band) in bands.iter_mut().enumerate() {
            let right = grid.start_of(cell + 1);
            let end = next + self.blocks[next..].partition_point(|block| block.at < right);
            let get = |block: usize| minmax(&self.blocks[block]);
            let seen = match next.checked_sub(1) {
                // No block begins in it: it shares in the one that goes on.
                Some(around) if end == next => get(around),
                _ => self.pyramid.range(next, end, get),
            };
            let seen = seen.with(MinMax::of(before(next)));
            *band = Band {
                min: seen.min,
                max: seen.max,
                last: before(end),
                any: true,
            };
            next = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value_at(changes: &[(Ns, i64)], at: Ns) -> i64 {
        let by = changes.iter().filter(|(when, _)| *when <= at);
        by.map(|(_, by)| by).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_cell_is_what_its_instants_say(mut changes in prop::collection::vec((0i64..3_000, -2i64..4), 0..2_000), from in -50i64..3_000, length in 1i64..3_000, width in 1usize..60) {
            changes.sort_by_key(|(at, _)| *at);
            let mut counter = Counter::new();
            for (at, by) in &changes {
                counter.change(*at, *by);
            }
            let steps = counter.finish();
            let some = |from: Ns, to: Ns| changes.iter().copied().filter(|(at, _)| (from..to).contains(at)).collect::<Vec<_>>();
            prop_assert_eq!(steps.at(from, some), value_at(&changes, from));
            let grid = Grid::new(from, from + length, width).unwrap();
            let mut bands = vec![Band::default(); width];
            steps.cover(grid, &mut bands, some);
            let exact = steps.blocks.iter().filter(|block| block.at < from + length).count() <= width * EXACT;
            for (cell, band) in bands.iter().enumerate() {
                let (left, right) = (grid.start_of(cell), grid.start_of(cell + 1));
                if left == right { continue; }
                let values: Vec<i64> = (left..right).map(|at| value_at(&changes, at)).collect();
                let (min, max) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
                if exact {
                    prop_assert_eq!(*band, Band { min, max, last: values[values.len() - 1], any: true });
                }
            }
        }

        #[test]
        fn from_afar_nothing_is_missed(changes in prop::collection::vec((0i64..2_000, -2i64..4), 3_000..6_000)) {
            let mut changes = changes;
            changes.sort_by_key(|(at, _)| *at);
            let mut counter = Counter::new();
            for (at, by) in &changes {
                counter.change(*at, *by);
            }
            let steps = counter.finish();
            let grid = Grid::new(0, 2_000, 5).unwrap();
            let mut bands = [Band::default(); 5];
            steps.cover(grid, &mut bands, |_, _| panic!("the blocks say enough"));
            let values = || (0..2_000).map(|at| value_at(&changes, at));
            prop_assert_eq!(bands.iter().map(|band| band.max).max(), values().max());
            let least = values().min().unwrap().min(0);
            prop_assert_eq!(bands.iter().map(|band| band.min).min().map(|min| min.min(0)), Some(least));
            prop_assert_eq!(bands[4].last, value_at(&changes, 2_000));
        }
    }

    #[test]
    fn what_was_announced_comes_in_time() {
        let mut counter = Counter::new();
        counter.change(10, 1);
        counter.grow_later(30);
        counter.grow_later(20);
        counter.change(25, -1);
        let steps = counter.finish();
        let all = [(10, 1), (20, 1), (25, -1), (30, 1)];
        let some = |from: Ns, to: Ns| {
            all.into_iter()
                .filter(|(at, _)| (from..to).contains(at))
                .collect()
        };
        let values: Vec<i64> = [9, 10, 24, 25, 30].map(|at| steps.at(at, some)).to_vec();
        assert_eq!(values, [0, 1, 2, 1, 2]);
    }
}
