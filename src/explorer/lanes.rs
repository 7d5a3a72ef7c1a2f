//! One task's life on a row of cells: when it ran, was woken, waited, and when its runtime was blind.

use super::{facts::Opened, span::Span};
use crate::recording::{Cover, Forest, Ns, Recording, TaskIx};

/// One cell of the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LaneCell {
    pub(super) runs: Cover,
    /// Time between the moment at which it was ready and its poll.
    pub(super) ready: Cover,
    /// Waits that marks name, or, where there is none, spans.
    pub(super) waits: Cover,
    pub(super) blind: Cover,
    pub(super) wakes: usize,
}

/// The lanes of a task, kept until another task, stretch or width is asked for.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    made_for: Option<(TaskIx, Span, usize)>,
    cells: Vec<LaneCell>,
    /// The third lane shows spans.
    pub(super) spans: bool,
    summaries: Option<Summaries>,
}

/// Summaries of a task's waits or spans, made when it is first looked at.
#[derive(Debug)]
struct Summaries {
    task: TaskIx,
    spans: bool,
    waits: Forest,
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
            self.spans = summaries.spans;
            summaries.draw(opened, span, &mut self.cells);
        }
        self.made_for = Some(key);
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

fn traced(recording: &Recording, task: TaskIx) -> impl Fn(usize) -> (Ns, Ns) + '_ {
    let spans = recording.spans_of(task);
    let open_end = recording.window().end;
    move |index| {
        let span = recording.span(spans[index]);
        let end = span.closed.unwrap_or(open_end);
        (span.opened.min(end), end)
    }
}

impl Summaries {
    fn new(recording: &Recording, task: TaskIx) -> Self {
        // Waits of which only the end is known have no length to show.
        let waits = recording.waits_of(task).len();
        let spans = recording.spans_of(task).len();
        if waits == 0 && spans > 0 {
            return Self {
                task,
                spans: true,
                waits: Forest::new(spans, traced(recording, task)),
            };
        }
        Self {
            task,
            spans: false,
            waits: Forest::new(waits, wait(recording, task)),
        }
    }

    fn draw(&self, opened: &Opened, span: Span, cells: &mut [LaneCell]) {
        let recording = &opened.recording;
        let (from, to) = (span.from(), span.to());
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
            &|row| recording.task_cover(self.task, from, to, row),
            |cell, cover| cell.runs = cover,
        );
        lane(
            &|row| recording.ready_cover(self.task, from, to, row),
            |cell, cover| cell.ready = cover,
        );
        lane(
            &|row| {
                if self.spans {
                    let get = traced(recording, self.task);
                    self.waits.cover(from, to, row, get);
                } else {
                    let get = wait(recording, self.task);
                    self.waits.cover(from, to, row, get);
                }
            },
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
