//! The Scheduler pane: what the workers did over time, lane by lane; or, lane by lane, what the tasks did.

mod axis;
mod cells;
mod detail;
mod doing;
mod growth;
mod lane;
mod layout;
mod listing;
mod piled;
mod series;
mod states;
mod tasks;
#[cfg(test)]
mod tests;
mod ticks;
mod workers;

use std::sync::Arc;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{
    actions::ActionId,
    place::scrolled,
    show::{Shown, choose, number, told},
    span::Span,
    steps::Kind,
    theme::Theme,
    view::View,
};
use crate::{
    analysis::label,
    recording::{Happening, LaneIx, Ns, PollIx, TaskIx},
};
use cells::Colouring;
use doing::Doing;
use layout::{Layout, Wanted};

/// What a step back restores of this pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// The lane that is selected, by its number in the recording.
    lane: usize,
    /// The first line of lanes that is shown.
    top: usize,
    /// The first lane of a task that is shown.
    tasks_top: usize,
    /// Lanes are those of tasks.
    by_task: bool,
    colouring: Colouring,
    sort: listing::Sort,
    /// The series that is shown first.
    series: usize,
    /// The selection and the cursor that the selected lane agrees with. Whoever changes them elsewhere comes back to
    /// the lane on which that task is polled there.
    agrees_with: Option<(TaskIx, Ns)>,
}

impl Spot {
    /// The first lanes that are shown, of workers and of tasks.
    pub(super) fn tops(self) -> [usize; 2] {
        [self.top, self.tasks_top]
    }
}

/// Colours of polls, and orders of lanes of tasks, by their names on the command line, the first ones first.
const COLOURS: [(Colouring, &str); 3] = [
    (Colouring::Length, "length"),
    (Colouring::Task, "task"),
    (Colouring::Location, "location"),
];
const ORDERS: [(listing::Sort, &str); 4] = [
    (listing::Sort::Runnable, "runnable"),
    (listing::Sort::Running, "running"),
    (listing::Sort::Waiting, "waiting"),
    (listing::Sort::Idle, "idle"),
];
const LANES: [(bool, &str); 2] = [(false, "workers"), (true, "tasks")];

impl Shown for Spot {
    fn tell(&self, shown: bool, say: &mut dyn FnMut(&str, &str)) {
        for (key, value) in [
            ("lanes", told(&LANES, &self.by_task)),
            ("colours", told(&COLOURS, &self.colouring)),
            ("sort", told(&ORDERS, &self.sort)),
        ] {
            if let Some(value) = value {
                say(key, value);
            }
        }
        if self.series > 0 {
            say("series", &self.series.to_string());
        }
        if shown {
            say("lane", &self.lane.to_string());
        }
    }

    fn hear(&mut self, key: &str, value: &str) -> bool {
        match key {
            "lanes" => choose(&mut self.by_task, &LANES, value),
            "colours" => choose(&mut self.colouring, &COLOURS, value),
            "sort" => choose(&mut self.sort, &ORDERS, value),
            "series" => number(&mut self.series, value),
            "lane" => number(&mut self.lane, value),
            _ => false,
        }
    }
}

/// What is kept for drawing.
#[derive(Debug, Default)]
pub(super) struct State {
    workers: workers::Cache,
    series: series::Cache,
    tasks: tasks::Cache,
    piled: piled::Cache,
}

/// Makes the selection valid and the cache agree with the place.
pub(super) fn settle(view: &mut View) {
    let Some(area) = view.area() else { return };
    let opened = Arc::clone(&view.opened);
    view.scheduler.workers.prepare(&opened);
    let lanes = opened.recording.lanes().len();
    let spot = &mut view.place.scheduler;
    spot.lane = spot.lane.min(lanes.saturating_sub(1));
    let here = view.place.task.map(|task| (task, view.place.cursor));
    if view.place.scheduler.agrees_with != here {
        if let Some(lane) = lane_of_selection(view) {
            view.place.scheduler.lane = lane.index();
        }
        view.place.scheduler.agrees_with = here;
    }
    if view.place.scheduler.by_task {
        tasks::settle(view, area);
    } else {
        workers::settle(view, area);
    }
}

/// The lane on which the selected task is polled at the cursor.
fn lane_of_selection(view: &View) -> Option<LaneIx> {
    let recording = &view.opened.recording;
    let poll = recording.poll_at(view.place.task?, view.place.cursor)?;
    Some(recording.poll(poll).lane)
}

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    let Some(area) = view.area() else {
        return false;
    };
    let layout = layout(view, area);
    let cells = layout.cells;
    match action {
        ActionId::TaskLanes => {
            view.place.scheduler.by_task ^= true;
            // Whoever spent most time in the state is what a person wants to see first.
            view.place.scheduler.tasks_top = 0;
        }
        ActionId::LaneColors => colour(view),
        ActionId::LaneSeries => series::next(view),
        ActionId::SortNext => tasks::sort(view, 1),
        ActionId::SortPrevious => tasks::sort(view, listing::SORTS.len() - 1),
        ActionId::ZoomIn => {
            view.place.span = view.place.span.zoomed_in(view.place.cursor, cells);
        }
        ActionId::CursorLeft => move_cursor(view, cells, -1),
        ActionId::CursorRight => move_cursor(view, cells, 1),
        ActionId::CursorFarLeft => move_cursor(view, cells, -10),
        ActionId::CursorFarRight => move_cursor(view, cells, 10),
        ActionId::CursorStart => go_to(view, 0),
        ActionId::CursorEnd => go_to(view, view.opened.recording.window().end),
        ActionId::StepNext => return step(view, true),
        ActionId::StepPrevious => return step(view, false),
        ActionId::Up => select(view, layout, -1),
        ActionId::Down => select(view, layout, 1),
        ActionId::PageUp => select(view, layout, -page(layout)),
        ActionId::PageDown => select(view, layout, page(layout)),
        ActionId::First => select(view, layout, isize::MIN),
        ActionId::Last => select(view, layout, isize::MAX),
        ActionId::Open if !view.place.scheduler.by_task => open(view),
        _ => return false,
    }
    true
}

fn page(layout: Layout) -> isize {
    isize::try_from(layout.lanes.height.saturating_sub(1).max(1)).unwrap_or(1)
}

fn colour(view: &mut View) {
    let spot = &mut view.place.scheduler;
    if spot.by_task {
        view.note = Some(format!(
            "Lanes of tasks are coloured by state; {} shows workers.",
            view.key(ActionId::TaskLanes)
        ));
        return;
    }
    spot.colouring = spot.colouring.next();
    view.note = Some(format!("Polls are coloured {}.", spot.colouring.name()));
}

fn move_cursor(view: &mut View, cells: usize, by: i64) {
    let by = view.place.span.per_cell(cells).saturating_mul(by);
    go_to(view, view.place.cursor.saturating_add(by));
}

/// Puts the cursor there; what the selected lane polls there becomes the selection.
fn go_to(view: &mut View, at: Ns) {
    view.set_cursor(at);
    follow(view);
}

/// Selects the poll that goes on at the cursor on the selected lane, if there is one.
fn follow(view: &mut View) {
    let spot = view.place.scheduler;
    let opened = Arc::clone(&view.opened);
    let recording = &opened.recording;
    if !spot.by_task && spot.lane < recording.lanes().len() {
        let lane = LaneIx::new(spot.lane);
        if let Some(poll) = doing::poll_at(recording, lane, view.place.cursor) {
            select_poll(view, poll);
        }
    }
    view.place.scheduler.agrees_with = view.place.task.map(|task| (task, view.place.cursor));
}

fn select_poll(view: &mut View, poll: PollIx) {
    let row = view.opened.recording.poll(poll);
    let history = view.opened.recording.history(row.task);
    view.place.task = Some(row.task);
    if let Some(event) = history.find(row.start, Happening::Polled(poll)) {
        view.place.event = event;
    }
}

/// Selects another lane.
fn select(view: &mut View, layout: Layout, by: isize) {
    if view.place.scheduler.by_task {
        tasks::select(view, layout, by);
    } else {
        let lanes = view.opened.recording.lanes().len();
        let lane = view.place.scheduler.lane.saturating_add_signed(by);
        view.place.scheduler.lane = lane.min(lanes.saturating_sub(1));
    }
    follow(view);
}

/// Puts the cursor on the start of the next, or previous, poll or park of the selected lane; whether that is what is
/// stepped through.
fn step(view: &mut View, next: bool) -> bool {
    let lane = view.place.scheduler.lane;
    let recording = &view.opened.recording;
    if view.place.scheduler.by_task || lane >= recording.lanes().len() {
        return false;
    }
    let lane = LaneIx::new(lane);
    let cursor = view.place.cursor;
    let (polls, parks) = match view.step_kind {
        Kind::Anything => (recording.polls_on(lane), recording.parks_on(lane)),
        Kind::Polls => (recording.polls_on(lane), &[][..]),
        Kind::Parks => (&[][..], recording.parks_on(lane)),
        _ => return false,
    };
    let Some(moment) = doing::step(recording, polls, parks, cursor, next) else {
        let direction = if next { "after" } else { "before" };
        let name = label::lane(recording, lane);
        view.note = Some(format!("Nothing begins on {name} {direction} the cursor."));
        return true;
    };
    let sentence = moment.sentence(recording);
    go_to(view, moment.at);
    view.note = Some(sentence);
    true
}

/// Opens the poll that the selected lane is in.
fn open(view: &mut View) {
    let recording = &view.opened.recording;
    if view.place.scheduler.lane >= recording.lanes().len() {
        return;
    }
    let lane = LaneIx::new(view.place.scheduler.lane);
    match doing::doing(recording, lane, view.place.cursor) {
        Doing::Polls(poll) => {
            let row = recording.poll(poll);
            view.jump_to(row.task, row.start, Happening::Polled(poll));
        }
        _ => {
            view.note = Some(format!(
                "No poll goes on here at the cursor: {} and {} go to one.",
                view.key(ActionId::StepNext),
                view.key(ActionId::StepPrevious)
            ));
        }
    }
}

/// Where everything is at present.
fn layout(view: &View, area: Rect) -> Layout {
    let wanted = if view.place.scheduler.by_task {
        Wanted {
            lanes: tasks::wanted(view),
            tall: 0,
            series: 1,
            tasks: true,
        }
    } else {
        Wanted {
            lanes: view.scheduler.workers.lines().len(),
            tall: view.opened.recording.lanes().len(),
            series: series::wanted(&view.opened),
            tasks: false,
        }
    };
    Layout::new(area, wanted)
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let layout = layout(view, area);
    axis::draw(buffer, layout, theme, view);
    if view.place.scheduler.by_task {
        tasks::draw(buffer, layout, theme, view);
    } else {
        workers::draw(buffer, layout, theme, view);
    }
    series::draw(buffer, layout, theme, view);
    detail::draw(buffer, layout, theme, view);
}

/// What a click at `column` and `row` of the screen does: it puts the cursor there, and selects that lane.
pub(super) fn click(view: &mut View, area: Rect, column: u16, row: u16) {
    let layout = layout(view, area);
    let at = Position::new(column, row);
    if layout.lanes.contains(at) {
        let line = usize::from(row - layout.lanes.y);
        if view.place.scheduler.by_task {
            tasks::click(view, line);
        } else {
            workers::click(view, layout, line);
        }
    }
    let parts = [layout.ticks, layout.lanes, layout.series];
    if let Some(part) = parts.into_iter().find(|part| part.contains(at)) {
        let timeline = layout.timeline(part);
        if timeline.contains(at) {
            let cell = usize::from(column - timeline.x);
            let instant = pointed_at(view, layout, cell);
            view.set_cursor(instant);
        }
    }
    follow(view);
}

/// The instant that is meant by a cell: inside the longest poll of the selected lane that touches it, if one does.
fn pointed_at(view: &View, layout: Layout, cell: usize) -> Ns {
    let span: Span = view.place.span;
    let (from, to) = (
        span.start_of(cell, layout.cells),
        span.start_of(cell + 1, layout.cells),
    );
    let recording = &view.opened.recording;
    let lane = view.place.scheduler.lane;
    if view.place.scheduler.by_task || lane >= recording.lanes().len() {
        return from;
    }
    let polls = recording.polls_on(LaneIx::new(lane));
    let first = polls.partition_point(|poll| recording.poll_start(*poll) < from);
    let last = polls.partition_point(|poll| recording.poll_start(*poll) < to);
    // A cell far out may hold a million of them, of which any will do.
    let looked_at = polls[first..last].iter().take(1_000).copied();
    doing::poll_at(recording, LaneIx::new(lane), from)
        .into_iter()
        .chain(looked_at)
        .max_by_key(|poll| recording.poll_duration(*poll))
        .map_or(from, |poll| recording.poll_start(poll).max(from))
}

/// The lines shown, moved as little as possible so that `selected` is among them.
fn scroll(top: usize, selected: usize, len: usize, height: u16) -> usize {
    scrolled(top, selected, len, usize::from(height).max(1))
}
