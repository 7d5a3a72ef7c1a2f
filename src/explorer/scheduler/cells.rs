//! What a lane of a worker shows in each cell of time: how busy, parked, blocked, and by whom.

use super::doing::poll_at;
use crate::{
    explorer::{facts::Opened, listing::Passing, span::Span},
    recording::{Cover, CustomIx, LaneIx, Ns, PollIx, Recording, TaskIx, WakeIx},
};

/// What the colour of a poll says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Colouring {
    /// Whether it was slow.
    #[default]
    Length,
    /// Whose it was.
    Task,
    /// Where that task was spawned.
    Location,
}

impl Colouring {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Length => Self::Task,
            Self::Task => Self::Location,
            Self::Location => Self::Length,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Length => "by length",
            Self::Task => "by task",
            Self::Location => "by spawn location",
        }
    }
}

/// One cell of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    /// How much of the cell polls take, in thousandths; `None` where there is none.
    pub(super) busy: Option<u16>,
    /// Whether a slow poll touches it.
    pub(super) slow: bool,
    /// Whether the lane is parked in it, at least for a while.
    pub(super) parked: bool,
    /// Whether a wake was issued on it.
    pub(super) wakes: bool,
    /// Whether the code said something of itself on it.
    pub(super) custom: bool,
    /// Whose polls they are, as far as colours can say.
    pub(super) hue: u8,
    /// Whether none of them is a task's that the filter lists.
    pub(super) besides: bool,
}

/// A poll so long that its cells have room for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) poll: PollIx,
    /// The first of its cells, and the one behind the last.
    pub(super) cells: (usize, usize),
}

/// A lane as it is drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct LaneCells {
    pub(super) cells: Vec<Cell>,
    /// Slow polls, ascending.
    pub(super) stretches: Vec<Stretch>,
}

/// Cells that a stretch has at least.
const SHORTEST_STRETCH: usize = 4;

/// How the polls of lanes are coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colours<'a> {
    pub(super) by: Colouring,
    /// The answer of the filter, where there is one.
    pub(super) passing: Option<&'a Passing>,
    /// How often the colour of a lane may change.
    pub(super) changes: usize,
}

/// The cells of `lane` over `span`.
pub(super) fn cells(
    opened: &Opened,
    lane: LaneIx,
    span: Span,
    count: usize,
    colours: Colours<'_>,
) -> LaneCells {
    let recording = &opened.recording;
    let mut polls = vec![Cover::default(); count];
    let mut parks = vec![Cover::default(); count];
    recording.lane_cover(lane, span.from(), span.to(), &mut polls);
    recording.park_cover(lane, span.from(), span.to(), &mut parks);
    let slow = opened.facts.slow_poll;
    let mut cells: Vec<Cell> = polls
        .iter()
        .zip(&parks)
        .enumerate()
        .map(|(number, (polls, parks))| {
            let length = span.start_of(number + 1, count) - span.start_of(number, count);
            Cell {
                busy: polls.any.then(|| share(polls.covered, length)),
                slow: polls.longest >= slow,
                parked: parks.any,
                ..Cell::default()
            }
        })
        .collect();
    let stretches = stretches(opened, span, &polls);
    if colours.by != Colouring::Length || colours.passing.is_some() {
        colour(recording, lane, span, colours, &mut cells);
        // A slow one is what such a cell is about.
        for (cell, cover) in cells.iter_mut().zip(&polls).filter(|(cell, _)| cell.slow) {
            let slowest = recording.poll(PollIx::new(cover.longest_at as usize)).task;
            cell.besides = colours
                .passing
                .is_some_and(|passing| !passing.lists(slowest));
        }
        calm(&mut cells, colours.changes);
    }
    LaneCells { cells, stretches }
}

/// `part` of `whole` in thousandths.
fn share(part: Ns, whole: Ns) -> u16 {
    let share = i128::from(part) * 1_000 / i128::from(whole.max(1));
    u16::try_from(share.clamp(0, 1_000)).unwrap_or(1_000)
}

/// The slow polls that take enough cells to be named.
fn stretches(opened: &Opened, span: Span, covers: &[Cover]) -> Vec<Stretch> {
    let count = covers.len();
    let mut found = Vec::new();
    let mut first = 0;
    for cells in covers.chunk_by(|one, next| one.longest_at == next.longest_at) {
        let mut taken = (first, first + cells.len());
        first = taken.1;
        if cells[0].longest < opened.facts.slow_poll {
            continue;
        }
        let poll = PollIx::new(cells[0].longest_at as usize);
        let row = opened.recording.poll(poll);
        // A cell that it takes only in part is no place for its name.
        taken.0 += usize::from(span.start_of(taken.0, count) < row.start);
        taken.1 -= usize::from(row.end() < span.start_of(taken.1, count));
        if taken.1 >= taken.0 + SHORTEST_STRETCH {
            found.push(Stretch { poll, cells: taken });
        }
    }
    found
}

/// Polls that are looked at in one cell, to tell whose it is.
const LOOKED_AT: usize = 24;

/// Gives each cell the hue of the task, or location, that takes most of it, among those that the filter lists if there
/// are any.
fn colour(
    recording: &Recording,
    lane: LaneIx,
    span: Span,
    colours: Colours<'_>,
    cells: &mut [Cell],
) {
    let count = cells.len();
    let polls = recording.polls_on(lane);
    let upto = |at: Ns| polls.partition_point(|poll| recording.poll_start(*poll) < at);
    let mut first = upto(span.from());
    for (number, cell) in cells.iter_mut().enumerate() {
        let (from, to) = (
            span.start_of(number, count),
            span.start_of(number + 1, count),
        );
        let after = upto(to);
        if cell.busy.is_some() {
            let going_on = poll_at(recording, lane, from);
            let begun = &polls[first..after];
            // Where there are too many, some of them, evenly spread, stand for all.
            let step = begun.len().div_ceil(LOOKED_AT).max(1);
            let looked_at = going_on
                .into_iter()
                .chain(begun.iter().copied().step_by(step));
            let listed = |poll: &PollIx| {
                let task = recording.poll(*poll).task;
                colours.passing.is_none_or(|passing| passing.lists(task))
            };
            let most = dominant(recording, looked_at.clone().filter(listed), from, to);
            cell.besides = most.is_none();
            cell.hue = most
                .or_else(|| dominant(recording, looked_at, from, to))
                .map_or(0, |task| hue(recording, task, colours.by));
        }
        first = after;
    }
}

/// The task that takes most of the time between `from` and `to`.
fn dominant(
    recording: &Recording,
    polls: impl Iterator<Item = PollIx>,
    from: Ns,
    to: Ns,
) -> Option<TaskIx> {
    let mut sums: Vec<(TaskIx, Ns)> = Vec::with_capacity(LOOKED_AT + 1);
    for poll in polls {
        let row = recording.poll(poll);
        let length = (row.end().min(to) - row.start.max(from)).max(0);
        match sums.iter_mut().find(|(task, _)| *task == row.task) {
            Some((_, sum)) => *sum += length,
            None => sums.push((row.task, length)),
        }
    }
    let most = sums
        .into_iter()
        .max_by_key(|(task, sum)| (*sum, std::cmp::Reverse(*task)));
    most.map(|(task, _)| task)
}

/// The same number for the same task, or location, in every recording of a process.
pub(super) fn hue(recording: &Recording, task: TaskIx, colouring: Colouring) -> u8 {
    let hashed = match colouring {
        Colouring::Length => return 0,
        Colouring::Task => fnv(&recording.task(task).id.to_le_bytes()),
        Colouring::Location => fnv(recording.location(task).unwrap_or_default().as_bytes()),
    };
    // Its upper half is mixed best.
    (hashed >> 56) as u8
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Lets neighbouring cells share the hue of those of them that are busiest until the hue changes at most `most` times:
/// each change costs a dozen bytes on the line to the terminal.
fn calm(cells: &mut [Cell], most: usize) {
    let mut group = 1;
    loop {
        for chunk in cells.chunks_mut(group) {
            let busiest = chunk.iter().max_by_key(|cell| cell.busy);
            let Some((hue, besides)) = busiest.map(|cell| (cell.hue, cell.besides)) else {
                continue;
            };
            for cell in chunk {
                (cell.hue, cell.besides) = (hue, besides);
            }
        }
        let changes = cells
            .windows(2)
            .filter(|pair| (pair[0].hue, pair[0].besides) != (pair[1].hue, pair[1].besides))
            .count();
        if changes <= most || group >= cells.len() {
            return;
        }
        group += 1;
    }
}

/// More wakes, or custom events, than this are not looked at one by one: lines of their own show how many there are.
const MOST_MARKS: usize = 20_000;

/// Marks the cells in which wakes were issued, and custom events written, lane by lane.
pub(super) fn mark(recording: &Recording, span: Span, lanes: &mut [(LaneIx, LaneCells)]) {
    let mut set = |lane: Option<LaneIx>, at: Ns, set: fn(&mut Cell)| {
        let row = lanes.iter_mut().find(|(row, _)| Some(*row) == lane);
        if let Some((_, row)) = row {
            let count = row.cells.len();
            if let Some(cell) = span.cell(at, count) {
                set(&mut row.cells[cell]);
            }
        }
    };
    let from = recording.wakes_from(span.from()).index();
    let to = recording.wakes_from(span.to()).index();
    if to - from <= MOST_MARKS {
        for wake in (from..to).map(WakeIx::new) {
            let lane = recording.wake_lane(wake);
            set(lane, recording.wake_at(wake), |cell| cell.wakes = true);
        }
    }
    let from = recording.customs_from(span.from()).index();
    let to = recording.customs_from(span.to()).index();
    if to - from <= MOST_MARKS {
        for custom in (from..to).map(CustomIx::new) {
            let custom = recording.custom(custom);
            set(custom.lane, custom.at, |cell| cell.custom = true);
        }
    }
    // Where there are so many that they would hide the polls, they are left out.
    for (_, row) in lanes {
        let marked = row.cells.iter().filter(|cell| cell.custom).count();
        if marked * 4 > row.cells.len() {
            row.cells.iter_mut().for_each(|cell| cell.custom = false);
        }
    }
}
