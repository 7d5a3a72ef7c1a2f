//! Many intervals on few cells: summaries of 32 intervals, and summaries of those, so that a timeline costs what its
//! width costs, however many intervals it stands for.
//!
//! The intervals lie elsewhere and ascend by start; a forest takes some 1.1 bytes for each. An interval that is longer
//! than its neighbours is looked at by itself, so the answers are exact. Intervals that overlap without end, each longer
//! than a cell, are the one thing that costs more.

use std::ops::Range;

use super::Ns;

/// How many intervals the lowest summaries cover.
const BLOCK: usize = 32;
/// How many summaries one summary covers.
const FAN: usize = 16;
/// Lengths from here on are not told apart by a summary itself.
const TOO_LONG: Ns = u32::MAX as Ns;

/// What intervals do in one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// How much of the cell's time they cover, added up.
    pub covered: Ns,
    /// The whole length of the longest that touches the cell; 0 where none has a length.
    pub longest: Ns,
    /// Which one that is: of several, the first. [`u32::MAX`] where none touches the cell.
    pub longest_at: u32,
    /// How many begin in it.
    pub count: u32,
    /// Whether any touches it, be it of no length.
    pub any: bool,
}

impl Default for Cover {
    fn default() -> Self {
        Self {
            covered: 0,
            longest: 0,
            longest_at: u32::MAX,
            count: 0,
            any: false,
        }
    }
}

impl Cover {
    fn add(&mut self, covered: Ns, longest: Ns, longest_at: u32, count: u32) {
        if longest > self.longest || !self.any {
            (self.longest, self.longest_at) = (longest, longest_at);
        }
        self.any = true;
        self.covered = self.covered.saturating_add(covered);
        self.count = self.count.saturating_add(count);
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// When the first of its intervals begins.
    start: Ns,
    /// The latest end.
    end: Ns,
    covered: Ns,
    /// The length of the longest; what is longer than 4.29 s has [`u32::MAX`] here.
    longest: u32,
    /// The longest; of several that are too long for `longest`, the longest, too.
    longest_at: u32,
}

impl Node {
    /// Summarises the intervals of these numbers; there is at least one.
    fn over(numbers: Range<usize>, get: &impl Fn(usize) -> (Ns, Ns)) -> Self {
        let (start, mut latest) = get(numbers.start);
        let mut covered: Ns = 0;
        let mut longest = (-1, numbers.start);
        for number in numbers {
            let (start, end) = get(number);
            let length = end.saturating_sub(start);
            latest = latest.max(end);
            covered = covered.saturating_add(length);
            if length > longest.0 {
                longest = (length, number);
            }
        }
        Self {
            start,
            end: latest,
            covered,
            longest: u32::try_from(longest.0.max(0)).unwrap_or(u32::MAX),
            longest_at: longest.1 as u32,
        }
    }

    fn with(self, other: Self, get: &impl Fn(usize) -> (Ns, Ns)) -> Self {
        let longer = other.longest > self.longest
            || (other.longest == u32::MAX && other.longest_length(get) > self.longest_length(get));
        let (longest, longest_at) = if longer {
            (other.longest, other.longest_at)
        } else {
            (self.longest, self.longest_at)
        };
        Self {
            start: self.start,
            end: self.end.max(other.end),
            covered: self.covered.saturating_add(other.covered),
            longest,
            longest_at,
        }
    }

    fn longest_length(&self, get: &impl Fn(usize) -> (Ns, Ns)) -> Ns {
        if self.longest < u32::MAX {
            return Ns::from(self.longest);
        }
        let (start, end) = get(self.longest_at as usize);
        end.saturating_sub(start)
    }
}

/// Summaries over intervals that ascend by start. Every question gets the `get` that the summaries were made with: it
/// gives start and end of an interval.
#[derive(Debug, Default)]
pub struct Forest {
    /// Each level summarises [`FAN`] nodes of the one before; the first, [`BLOCK`] intervals.
    levels: Vec<Vec<Node>>,
    len: usize,
}

impl Forest {
    /// Summarises `len` intervals.
    #[must_use]
    pub fn new(len: usize, get: impl Fn(usize) -> (Ns, Ns)) -> Self {
        let mut levels: Vec<Vec<Node>> = Vec::new();
        let lowest: Vec<Node> = (0..len)
            .step_by(BLOCK)
            .map(|first| Node::over(first..(first + BLOCK).min(len), &get))
            .collect();
        let mut below = lowest.len();
        if below > 0 {
            levels.push(lowest);
        }
        while below > FAN {
            let lower = &levels[levels.len() - 1];
            let level: Vec<Node> = lower
                .chunks(FAN)
                .filter_map(|nodes| {
                    nodes
                        .iter()
                        .copied()
                        .reduce(|sum, node| sum.with(node, &get))
                })
                .collect();
            below = level.len();
            levels.push(level);
        }
        Self { levels, len }
    }

    /// How many intervals there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds to each of `cells`, which share the time from `from` to `to`, what the intervals do in it.
    pub fn cover(&self, from: Ns, to: Ns, cells: &mut [Cover], get: impl Fn(usize) -> (Ns, Ns)) {
        let Some(grid) = super::grid::Grid::new(from, to, cells.len()) else {
            return;
        };
        let bounds: Vec<Ns> = (0..=cells.len()).map(|cell| grid.start_of(cell)).collect();
        let mut sheet = Sheet {
            bounds: &bounds,
            cells,
            cell: 0,
        };
        if let Some(top) = self.levels.len().checked_sub(1) {
            self.draw(top, 0..self.levels[top].len(), &mut sheet, &get);
        }
    }

    /// Draws some nodes of a level.
    fn draw(
        &self,
        level: usize,
        nodes: Range<usize>,
        sheet: &mut Sheet<'_>,
        get: &impl Fn(usize) -> (Ns, Ns),
    ) {
        for number in nodes {
            let node = &self.levels[level][number];
            if node.start >= sheet.to() {
                return;
            }
            if node.end < sheet.from() {
                continue;
            }
            if let Some(cell) = sheet.cell_of(node.start, node.end) {
                let longest = node.longest_length(get);
                let count = self.intervals_of(level, number);
                cell.add(node.covered, longest, node.longest_at, count);
            } else if level > 0 {
                self.draw(level - 1, self.below(level, number), sheet, get);
            } else {
                // They lie far apart in memory: all are fetched before the first is looked at.
                let indexes = self.below(0, number);
                let mut intervals = [(0, 0); BLOCK];
                for (interval, index) in intervals.iter_mut().zip(indexes.clone()) {
                    *interval = get(index);
                }
                for ((start, end), index) in intervals.into_iter().zip(indexes) {
                    if start >= sheet.to() {
                        return;
                    }
                    sheet.add(start, end, index as u32);
                }
            }
        }
    }

    /// What a node summarises: nodes of the level below, or intervals.
    fn below(&self, level: usize, node: usize) -> Range<usize> {
        let (width, len) = match level.checked_sub(1) {
            Some(lower) => (FAN, self.levels[lower].len()),
            None => (BLOCK, self.len),
        };
        node * width..((node + 1) * width).min(len)
    }

    /// How many intervals a node summarises.
    fn intervals_of(&self, level: usize, node: usize) -> u32 {
        let span = span(level);
        (((node + 1) * span).min(self.len) - node * span) as u32
    }

    /// Calls `found` with every interval that has begun by `at` and ends after it, ascending.
    pub fn over(&self, at: Ns, get: impl Fn(usize) -> (Ns, Ns), mut found: impl FnMut(usize)) {
        if let Some(top) = self.levels.len().checked_sub(1) {
            self.stab(top, 0..self.levels[top].len(), at, &get, &mut found);
        }
    }

    fn stab(
        &self,
        level: usize,
        nodes: Range<usize>,
        at: Ns,
        get: &impl Fn(usize) -> (Ns, Ns),
        found: &mut impl FnMut(usize),
    ) {
        for number in nodes {
            let node = &self.levels[level][number];
            if node.start > at {
                return;
            }
            if node.end <= at {
                continue;
            }
            if level > 0 {
                self.stab(level - 1, self.below(level, number), at, get, found);
                continue;
            }
            for index in self.below(0, number) {
                let (start, end) = get(index);
                if start > at {
                    return;
                }
                if end > at {
                    found(index);
                }
            }
        }
    }

    /// The last of the intervals before number `before` that ends at `at` or later and that `wanted` takes.
    #[must_use]
    pub fn last_reaching(
        &self,
        before: usize,
        at: Ns,
        get: impl Fn(usize) -> (Ns, Ns),
        wanted: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.last(before, &|node| node.end >= at, &|index| {
            get(index).1 >= at && wanted(index)
        })
    }

    /// The first interval from number `from` on that is at least this long.
    #[must_use]
    pub fn next_long(
        &self,
        from: usize,
        least: Ns,
        get: impl Fn(usize) -> (Ns, Ns),
    ) -> Option<usize> {
        let long = |index: usize| {
            let (start, end) = get(index);
            end.saturating_sub(start) >= least
        };
        let top = self.levels.len().checked_sub(1)?;
        self.first(top, 0..self.levels[top].len(), from, least, &long)
    }

    /// The last interval before number `before` that is at least this long.
    #[must_use]
    pub fn previous_long(
        &self,
        before: usize,
        least: Ns,
        get: impl Fn(usize) -> (Ns, Ns),
    ) -> Option<usize> {
        let may = |node: &Node| Ns::from(node.longest) >= least.min(TOO_LONG);
        self.last(before, &may, &|index| {
            let (start, end) = get(index);
            end.saturating_sub(start) >= least
        })
    }

    fn first(
        &self,
        level: usize,
        nodes: Range<usize>,
        from: usize,
        least: Ns,
        wanted: &impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let span = span(level);
        let nodes = nodes.start.max(from / span)..nodes.end;
        for number in nodes {
            if Ns::from(self.levels[level][number].longest) < least.min(TOO_LONG) {
                continue;
            }
            let below = self.below(level, number);
            let found = match level {
                0 => (below.start.max(from)..below.end).find(|index| wanted(*index)),
                _ => self.first(level - 1, below, from, least, wanted),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn last(
        &self,
        before: usize,
        may: &impl Fn(&Node) -> bool,
        wanted: &impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let top = self.levels.len().checked_sub(1)?;
        self.last_in(top, 0..self.levels[top].len(), before, may, wanted)
    }

    fn last_in(
        &self,
        level: usize,
        nodes: Range<usize>,
        before: usize,
        may: &impl Fn(&Node) -> bool,
        wanted: &impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let span = span(level);
        let nodes = nodes.start..nodes.end.min(before.div_ceil(span));
        for number in nodes.rev() {
            if !may(&self.levels[level][number]) {
                continue;
            }
            let below = self.below(level, number);
            let found = match level {
                0 => (below.start..below.end.min(before))
                    .rev()
                    .find(|index| wanted(*index)),
                _ => self.last_in(level - 1, below, before, may, wanted),
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// How many intervals a node of a level summarises, at most.
fn span(level: usize) -> usize {
    BLOCK * FAN.pow(level as u32)
}

/// The cells while intervals are drawn on them, from left to right.
struct Sheet<'a> {
    /// Where each cell begins, and where the last one ends.
    bounds: &'a [Ns],
    cells: &'a mut [Cover],
    /// The cell in which the latest start was found.
    cell: usize,
}

impl Sheet<'_> {
    fn from(&self) -> Ns {
        self.bounds[0]
    }

    fn to(&self) -> Ns {
        self.bounds[self.cells.len()]
    }

    /// The cell that an instant inside the sheet falls into; instants come ascending.
    fn at(&mut self, instant: Ns) -> usize {
        let rest = &self.bounds[self.cell + 1..];
        if rest[0] <= instant {
            // Mostly the next one; after a gap, far away.
            self.cell += match rest.get(1) {
                Some(next) if instant < *next => 1,
                _ => rest.partition_point(|bound| *bound <= instant),
            };
        }
        self.cell
    }

    /// The cell that holds everything from `start` to `end`, if one does.
    fn cell_of(&mut self, start: Ns, end: Ns) -> Option<&mut Cover> {
        if start < self.from() || end >= self.to() {
            return None;
        }
        let cell = self.at(start);
        (end < self.bounds[cell + 1]).then(|| &mut self.cells[cell])
    }

    fn add(&mut self, start: Ns, end: Ns, index: u32) {
        let (from, to) = (self.from(), self.to());
        if end < from || (end == from && start < end) {
            return;
        }
        let length = end.saturating_sub(start);
        let (seen_from, seen_to) = (start.max(from), end.min(to));
        let first = self.at(seen_from);
        let mut cell = first;
        loop {
            let (left, right) = (self.bounds[cell], self.bounds[cell + 1]);
            let covered = seen_to.min(right) - seen_from.max(left);
            let begins = cell == first && start >= from;
            self.cells[cell].add(covered.max(0), length, index, u32::from(begins));
            cell += 1;
            // The end is out of the interval, so one that ends where a cell begins does not touch it.
            if cell == self.cells.len() || seen_to <= self.bounds[cell] {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::grid::Grid;

    /// The obvious way: every interval on every cell.
    fn scan(intervals: &[(Ns, Ns)], from: Ns, to: Ns, cells: &mut [Cover]) {
        let grid = Grid::new(from, to, cells.len()).unwrap();
        for (cell, cover) in cells.iter_mut().enumerate() {
            let (left, right) = (grid.start_of(cell), grid.start_of(cell + 1));
            if left == right {
                continue;
            }
            for (index, (start, end)) in intervals.iter().enumerate() {
                let inside = if start == end {
                    (left..right).contains(start)
                } else {
                    *start < right && left < *end
                };
                if inside {
                    let covered = (*end).min(right) - (*start).max(left);
                    let begins = (left..right).contains(start);
                    cover.add(covered, end - start, index as u32, u32::from(begins));
                }
            }
        }
    }

    fn intervals() -> impl Strategy<Value = Vec<(Ns, Ns)>> {
        let length = prop_oneof![8 => 0i64..20, 2 => 0i64..700, 1 => 0i64..20_000, 1 => TOO_LONG - 2..TOO_LONG + 3];
        prop::collection::vec((0i64..10_000, length), 0..2_500).prop_map(|mut intervals| {
            intervals.sort_unstable();
            intervals
                .into_iter()
                .map(|(start, length)| (start, start + length))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn summaries_say_what_the_intervals_say(intervals in intervals(), from in -500i64..9_000, length in 1i64..12_000, width in 1usize..100) {
            let get = |index: usize| intervals[index];
            let forest = Forest::new(intervals.len(), get);
            let mut fast = vec![Cover::default(); width];
            forest.cover(from, from + length, &mut fast, get);
            let mut slow = vec![Cover::default(); width];
            scan(&intervals, from, from + length, &mut slow);
            // A cell of no time draws nothing by the scan.
            let grid = Grid::new(from, from + length, width).unwrap();
            for (cell, (fast, slow)) in fast.iter().zip(&slow).enumerate() {
                if grid.start_of(cell) < grid.start_of(cell + 1) {
                    prop_assert_eq!(fast, slow, "cell {}", cell);
                }
            }
        }

        #[test]
        fn searches_find_what_a_scan_finds(intervals in intervals(), at in -10i64..11_000, number in 0usize..2_600, least in prop_oneof![0i64..800, TOO_LONG - 2..TOO_LONG + 3]) {
            let get = |index: usize| intervals[index];
            let forest = Forest::new(intervals.len(), get);
            let mut over = Vec::new();
            forest.over(at, get, |index| over.push(index));
            let all = || 0..intervals.len();
            let expected: Vec<usize> = all().filter(|index| intervals[*index].0 <= at && at < intervals[*index].1).collect();
            prop_assert_eq!(over, expected);
            let before = number.min(intervals.len());
            let even = |index: usize| index.is_multiple_of(2);
            prop_assert_eq!(
                forest.last_reaching(before, at, get, even),
                (0..before).rev().find(|index| intervals[*index].1 >= at && even(*index))
            );
            let long = |index: &usize| intervals[*index].1 - intervals[*index].0 >= least;
            prop_assert_eq!(forest.next_long(number, least, get), all().skip(number).find(long));
            prop_assert_eq!(forest.previous_long(before, least, get), (0..before).rev().find(long));
        }
    }

    #[test]
    fn one_long_interval_is_seen_from_afar() {
        // A million short polls, and one of 80 ms.
        let get = |index: usize| {
            let start = index as Ns * 10_000;
            let length = if index == 700_000 { 80_000_000 } else { 100 };
            (start, start + length)
        };
        let forest = Forest::new(1_000_000, get);
        let mut cells = [Cover::default(); 60];
        forest.cover(0, 10_000_000_000, &mut cells, get);
        let long = cells.iter().filter(|cell| cell.longest == 80_000_000);
        assert_eq!(
            long.map(|cell| cell.longest_at).collect::<Vec<_>>(),
            [700_000]
        );
        assert_eq!(cells.iter().map(|cell| cell.count).sum::<u32>(), 1_000_000);
    }

    #[test]
    fn a_frame_looks_at_few_of_many_intervals() {
        let looked = std::cell::Cell::new(0usize);
        let get = |index: usize| {
            looked.set(looked.get() + 1);
            (index as Ns * 10, index as Ns * 10 + 9)
        };
        let forest = Forest::new(3_000_000, get);
        for zoom in 0..24 {
            looked.set(0);
            let mut cells = [Cover::default(); 200];
            forest.cover(7, (30_000_000 >> zoom) + 8, &mut cells, get);
            assert!(
                looked.get() <= 201 * 2 * BLOCK,
                "zoom {zoom}: {}",
                looked.get()
            );
        }
    }
}
