//! One task's life on a row of cells: when it ran, was woken, waited, and when its runtime was blind.

use super::{
    blocks::{Blocks, Cover},
    facts::Opened,
    span::Span,
};
use crate::recording::{Ns, Recording, TaskIx};

/// One cell of the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LaneCell {
    pub(super) runs: Cover,
    /// Time between the moment at which it was ready and its poll.
    pub(super) ready: Cover,
    pub(super) waits: Cover,
    pub(super) blind: Cover,
    pub(super) wakes: usize,
}

/// The lanes of a task, kept until another task, stretch or width is asked for.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    made_for: Option<(TaskIx, Span, usize)>,
    cells: Vec<LaneCell>,
    summaries: Option<Summaries>,
}

/// Summaries of a task's intervals, made when it is first looked at.
#[derive(Debug)]
struct Summaries {
    task: TaskIx,
    polls: Blocks,
    ready: Blocks,
    waits: Blocks,
}

impl Lanes {
    /// The cells that were made last.
    pub(super) fn cells(&self) -> &[LaneCell] {
        &self.cells
    }

    /// Makes the cells of `task`, `span` and width `cells`, unless they are those that were made last.
    pub(super) fn refresh(&mut self, opened: &Opened, task: TaskIx, span: Span, cells: usize) {
        let key = (task, span, cells);
        if self.made_for == Some(key) {
            return;
        }
        let recording = &opened.recording;
        if self
            .summaries
            .as_ref()
            .is_none_or(|summaries| summaries.task != task)
        {
            self.summaries = Some(Summaries::new(recording, task));
        }
        self.cells = vec![LaneCell::default(); cells];
        if let Some(summaries) = &self.summaries {
            summaries.draw(opened, span, &mut self.cells);
        }
        self.made_for = Some(key);
    }
}

fn poll(recording: &Recording, task: TaskIx) -> impl Fn(usize) -> (Ns, Ns) + '_ {
    let polls = recording.polls_of(task);
    move |index| {
        let start = recording.poll_start(polls[index]);
        (
            start,
            start.saturating_add(recording.poll_duration(polls[index])),
        )
    }
}

/// From ready to polled; of no length where that is not known.
fn ready(recording: &Recording, task: TaskIx) -> impl Fn(usize) -> (Ns, Ns) + '_ {
    let polls = recording.polls_of(task);
    move |index| {
        let start = recording.poll_start(polls[index]);
        (
            start.saturating_sub(recording.delay(polls[index]).unwrap_or(0)),
            start,
        )
    }
}

fn wait(recording: &Recording, task: TaskIx) -> impl Fn(usize) -> (Ns, Ns) + '_ {
    let waits = recording.waits_of(task);
    let open_end = recording.window().end;
    move |index| {
        let wait = recording.wait(waits[index]);
        let end = wait.end.unwrap_or(open_end);
        (wait.begin.unwrap_or(end), end)
    }
}

impl Summaries {
    fn new(recording: &Recording, task: TaskIx) -> Self {
        let polls = recording.polls_of(task).len();
        // Waits of which only the end is known have no length to show.
        Self {
            task,
            polls: Blocks::new(polls, poll(recording, task)),
            ready: Blocks::new(polls, ready(recording, task)),
            waits: Blocks::new(recording.waits_of(task).len(), wait(recording, task)),
        }
    }

    fn draw(&self, opened: &Opened, span: Span, cells: &mut [LaneCell]) {
        let recording = &opened.recording;
        let mut row = vec![Cover::default(); cells.len()];
        let mut lane = |fill: &dyn Fn(&mut [Cover]), put: fn(&mut LaneCell, Cover)| {
            row.fill(Cover::default());
            fill(&mut row);
            cells
                .iter_mut()
                .zip(&row)
                .for_each(|(cell, cover)| put(cell, *cover));
        };
        lane(
            &|row| self.polls.cover(span, row, poll(recording, self.task)),
            |cell, cover| cell.runs = cover,
        );
        lane(
            &|row| self.ready.cover(span, row, ready(recording, self.task)),
            |cell, cover| cell.ready = cover,
        );
        lane(
            &|row| self.waits.cover(span, row, wait(recording, self.task)),
            |cell, cover| cell.waits = cover,
        );
        let runtime = recording.task(self.task).runtime;
        lane(
            &|row| opened.facts.cover_blind(runtime, span, row),
            |cell, cover| cell.blind = cover,
        );

        // Wakes are instants: each cell's number of them is the difference of two searches.
        let wakes = recording.wakes_of(self.task);
        let before = |at: Ns| wakes.partition_point(|wake| recording.wake_at(*wake) < at);
        let count = cells.len();
        let mut from = before(span.from());
        for (number, cell) in cells.iter_mut().enumerate() {
            let to = before(span.start_of(number + 1, count));
            cell.wakes = to - from;
            from = to;
        }
    }
}
