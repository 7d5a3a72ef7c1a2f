//! The Causes pane: what led to a poll, step by step back to the event that began it, and what the poll led to.

mod lines;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::ActionId,
    place::{Pane, scrolled},
    show::{Shown, number},
    text::{Pen, brief, keep_end, width, wrap},
    theme::{Role, Theme},
    view::View,
    wording,
    work::Errand,
};
use crate::{
    analysis::{self, causes, label},
    recording::{
        Happening, Ns, Outcome, PollIx, TaskIx,
        time::{duration, instant},
    },
};
pub(super) use lines::called;
use lines::{Line, Shape};

/// What the pane tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A poll.
    Poll(PollIx),
    /// A task that is ready, and not polled any more.
    NeverPolled(TaskIx),
}

/// What a step back restores of this pane: the selected line of the lines about one subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    of: Option<Subject>,
    line: usize,
    top: usize,
}

impl Shown for Spot {
    fn tell(&self, shown: bool, say: &mut dyn FnMut(&str, &str)) {
        if shown && self.line > 0 {
            say("line", &self.line.to_string());
        }
    }

    fn hear(&mut self, key: &str, value: &str) -> bool {
        key == "line" && number(&mut self.line, value)
    }
}

impl Spot {
    /// The first line that is shown.
    pub(super) fn top(self) -> usize {
        self.top
    }
}

/// What is kept for drawing: everything there is to say about one subject.
#[derive(Debug, Default)]
pub(super) struct State {
    of: Option<Subject>,
    /// Whether that was asked for.
    asked: bool,
    /// Where the time went, in a few sentences.
    summary: Vec<String>,
    /// What was going on at the cursor, where that is not in the poll.
    at_cursor: Vec<String>,
    lines: Vec<Line>,
    /// What a full bar stands for.
    whole: Ns,
}

/// The lines above the list, and the list.
struct Layout {
    head: Rect,
    list: Rect,
}

impl Layout {
    fn new(area: Rect, state: &State) -> Self {
        let sentences = state.summary.len() + state.at_cursor.len();
        let wanted = u16::try_from(sentences + 2).unwrap_or(u16::MAX);
        // On a low screen the steps are worth more than the sentences about them.
        let head = match area.height {
            0..=3 => 0,
            4..=9 => 2,
            10..=13 => wanted.min(4),
            _ => wanted,
        };
        Self {
            head: Rect {
                height: head,
                ..area
            },
            list: Rect {
                y: area.y + head,
                height: area.height - head,
                ..area
            },
        }
    }
}

/// What the pane tells of: the selected poll, the one that goes on at the cursor, the one that the selected wake led to,
/// or else the next one, which is the one that did not run yet.
fn subject(view: &View) -> Option<Subject> {
    let task = view.place.task?;
    let recording = &view.opened.recording;
    let cursor = view.place.cursor;
    let selected = recording.history(task).get(view.place.event);
    let polls = recording.polls_of(task);
    let next = |from: Ns| {
        let next = polls.partition_point(|poll| recording.poll_start(*poll) < from);
        polls.get(next).copied()
    };
    match selected
        .filter(|event| event.at == cursor)
        .map(|event| event.what)
    {
        Some(Happening::Polled(poll)) => return Some(Subject::Poll(poll)),
        Some(Happening::Woken(_) | Happening::Spawned) => {
            if let Some(poll) = next(cursor) {
                return Some(Subject::Poll(poll));
            }
        }
        // Marks and wakes inside a poll belong to it, up to its very end.
        Some(_) => {
            let last = recording.last_poll_before(task, cursor);
            if let Some(poll) = last.filter(|poll| cursor <= recording.poll(*poll).end()) {
                return Some(Subject::Poll(poll));
            }
        }
        None => {}
    }
    let end = recording.window().end;
    let waits_in_vain = || {
        matches!(
            view.opened.state(task, end),
            analysis::State::Runnable { .. }
        )
    };
    match recording.poll_at(task, cursor).or_else(|| next(cursor)) {
        Some(poll) => Some(Subject::Poll(poll)),
        None if waits_in_vain() => Some(Subject::NeverPolled(task)),
        None => view.selected_poll().map(Subject::Poll),
    }
}

/// The poll whose causes are on the screen.
pub(super) fn shown_poll(view: &View) -> Option<PollIx> {
    match view.causes.of.filter(|_| view.place.pane == Pane::Causes)? {
        Subject::Poll(poll) => Some(poll),
        Subject::NeverPolled(_) => None,
    }
}

/// Makes the selection valid and the cache agree with the place.
pub(super) fn settle(view: &mut View) {
    let of = subject(view);
    if view.causes.of != of {
        view.causes = State {
            of,
            ..State::default()
        };
    }
    if let Some(of) = of {
        follow(view, of);
    }
    let at_cursor = of.and_then(|of| at_cursor(view, of));
    view.causes.at_cursor = match (at_cursor, view.area()) {
        (Some(told), Some(area)) => {
            let most = if area.height < 14 { 1 } else { 2 };
            wrap(&told, usize::from(area.width).saturating_sub(2), most)
        }
        _ => Vec::new(),
    };
    let spot = &mut view.place.causes;
    if spot.of != of {
        *spot = Spot {
            of,
            ..Spot::default()
        };
    }
    let lines = &view.causes.lines;
    spot.line = selectable(lines, spot.line, 0);
    if let Some(area) = view.area() {
        let capacity = usize::from(Layout::new(area, &view.causes).list.height).max(1);
        let spot = &mut view.place.causes;
        spot.top = scrolled(spot.top, spot.line, view.causes.lines.len(), capacity);
    }
}

/// What the task was doing at the cursor, where that lies outside of the poll.
fn at_cursor(view: &View, of: Subject) -> Option<String> {
    let cursor = view.place.cursor;
    let (task, apart) = match of {
        Subject::NeverPolled(task) => (task, String::new()),
        Subject::Poll(poll) => {
            let row = view.opened.recording.poll(poll);
            let apart = if cursor < row.start {
                format!(", {} before it", duration(row.start - cursor))
            } else if row.end() < cursor {
                format!(", {} after it", duration(cursor - row.end()))
            } else {
                return None;
            };
            (row.task, apart)
        }
    };
    let doing = wording::doing(&view.opened, task, cursor);
    Some(format!("at the cursor{apart}: {doing}"))
}

/// The line `by` lines from `line`, or the nearest one there that can be selected.
fn selectable(lines: &[Line], line: usize, by: isize) -> usize {
    let last = lines.len().saturating_sub(1);
    let wanted = line.saturating_add_signed(by).min(last);
    let fits = |line: &usize| {
        lines
            .get(*line)
            .is_some_and(|line| line.shape != Shape::Heading)
    };
    let (after, before) = ((wanted..=last).find(fits), (0..=wanted).rev().find(fits));
    let first = if by < 0 { before } else { after };
    first.or(before).or(after).unwrap_or(0)
}

/// Has the wakes followed back, unless they were, or are about to be.
fn follow(view: &mut View, of: Subject) {
    // What only touches so few polls is done within a frame.
    const FEW: usize = 20_000;
    // There is always a line about what began it.
    if !view.causes.lines.is_empty() || view.causes.asked && view.work.waits_for(Errand::Pane) {
        return;
    }
    view.causes.asked = true;
    let opened = Arc::clone(&view.opened);
    let large = opened.recording.poll_count() > FEW;
    view.ask(Errand::Pane, large, move |_| {
        let recording = &opened.recording;
        let blind = &opened.facts.blind_intervals;
        let (chain, onwards) = match of {
            Subject::Poll(poll) => (
                Some(causes::chain(recording, blind, poll)),
                Some(causes::onwards(recording, blind, poll)),
            ),
            Subject::NeverPolled(task) => (causes::never_polled(recording, blind, task), None),
        };
        let (summary, lines, whole) = match chain {
            Some(chain) => (
                verdict::summary(&opened, &chain),
                lines::lines(&opened, &chain, onwards.as_ref()),
                lines::whole(&chain),
            ),
            None => (Vec::new(), vec![lines::unknown()], 0),
        };
        Some(Box::new(move |view| {
            let state = &mut view.causes;
            if state.of == Some(of) {
                (state.summary, state.lines, state.whole) = (summary, lines, whole);
            }
        }))
    });
}

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    let page = view
        .area()
        .map_or(1, |area| Layout::new(area, &view.causes).list.height);
    let page = isize::try_from(page.saturating_sub(1).max(1)).unwrap_or(1);
    let by = match action {
        ActionId::Up => -1,
        ActionId::Down => 1,
        ActionId::PageUp => -page,
        ActionId::PageDown => page,
        ActionId::First => isize::MIN,
        ActionId::Last => isize::MAX,
        ActionId::Open => {
            open(view);
            return true;
        }
        _ => return false,
    };
    view.place.causes.line = selectable(&view.causes.lines, view.place.causes.line, by);
    true
}

/// Goes to the event that the selected line tells of.
fn open(view: &mut View) {
    let line = view.causes.lines.get(view.place.causes.line);
    match line.and_then(|line| line.target) {
        Some((task, at, what)) => view.jump_to(task, at, what),
        None => view.note = Some("This leads nowhere else.".to_owned()),
    }
}

/// Selects the line that was clicked; on the selected one, goes there.
pub(super) fn click(view: &mut View, area: Rect, _column: u16, row: u16) {
    let list = Layout::new(area, &view.causes).list;
    let Some(offset) = row.checked_sub(list.y) else {
        return;
    };
    let line = view.place.causes.top + usize::from(offset);
    match view.causes.lines.get(line) {
        Some(clicked) if clicked.shape != Shape::Heading => {
            if line == view.place.causes.line {
                open(view);
            } else {
                view.place.causes.line = line;
            }
        }
        _ => {}
    }
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let layout = Layout::new(area, &view.causes);
    let Some(of) = view.causes.of else {
        nothing(buffer, area, theme, view);
        return;
    };
    head(buffer, layout.head, theme, view, of);
    list(buffer, layout.list, theme, view);
}

/// Where no poll of the task is known there is still something to say.
fn nothing(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let Some(task) = view.place.task else {
        Pen::new(buffer, area, 0)
            .skip(1)
            .fit("The recording holds no tasks.", theme.style(Role::Dim));
        return;
    };
    let name = wording::task(&view.opened.recording, task);
    Pen::new(buffer, area, 0)
        .skip(1)
        .fit(&format!("task {name}"), theme.style(Role::Strong));
    let doing = wording::doing(&view.opened, task, view.place.cursor);
    let text = format!(
        "The recording holds none of its polls, so nothing led to one. At the cursor: {doing}."
    );
    let cells = usize::from(area.width).saturating_sub(2);
    for (row, line) in (1..area.height).zip(wrap(&text, cells, 4)) {
        Pen::new(buffer, area, row)
            .skip(1)
            .fit(&line, theme.style(Role::Plain));
    }
}

fn head(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, of: Subject) {
    let recording = &view.opened.recording;
    let cursor = view.place.cursor;
    let (title, facts, past) = match of {
        Subject::NeverPolled(task) => {
            let title = format!("{} is ready, and not polled", called(recording, task));
            (title, String::new(), false)
        }
        Subject::Poll(poll) => {
            let row = recording.poll(poll);
            let which = if cursor < row.start {
                "next poll"
            } else if cursor <= row.end() {
                "poll"
            } else {
                "last poll"
            };
            let length = match row.outcome {
                Outcome::StillRunning => format!("{} so far", duration(row.duration)),
                _ => duration(row.duration),
            };
            let lane = label::lane(recording, row.lane);
            (
                format!("{which} of {}", called(recording, row.task)),
                format!("  at {}, {length} on {lane}", instant(row.start)),
                row.end() < cursor,
            )
        }
    };
    Pen::new(buffer, area, 0)
        .skip(1)
        .put(&title, theme.style(Role::Strong))
        .fit(&facts, theme.style(Role::Plain));
    let verdict = view.causes.summary.iter().map(|told| (told, Role::Plain));
    let at_cursor = view.causes.at_cursor.iter().map(|told| (told, Role::Info));
    // After the last poll it is the state that tells why the task did not run; the rest is the past.
    let sentences: Vec<(&String, Role)> = if past {
        at_cursor.chain(verdict).collect()
    } else {
        verdict.chain(at_cursor).collect()
    };
    for (number, (sentence, role)) in (1..area.height).zip(sentences) {
        Pen::new(buffer, area, number)
            .skip(1)
            .fit(sentence, theme.style(role));
    }
}

/// Cells of a bar.
fn bar_cells(width: u16) -> usize {
    usize::from(width / 8).clamp(4, 24)
}

/// Cells of what a step is.
const WORD: usize = 8;
/// Cells of a length: `≤ 80.3ms`.
const LENGTH: usize = 9;

fn list(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let spot = view.place.causes;
    if view.causes.lines.is_empty() {
        Pen::new(buffer, area, 0)
            .skip(1)
            .fit("Following the wakes back…", theme.style(Role::Dim));
        return;
    }
    let cells = bar_cells(area.width);
    let shown = view.causes.lines.iter().enumerate().skip(spot.top);
    for (row, (number, line)) in (0..area.height).zip(shown) {
        let mut pen = Pen::new(buffer, area, row);
        if line.shape == Shape::Heading {
            pen.skip(1).fit(&line.text, theme.style(Role::Strong));
            continue;
        }
        let selected = number == spot.line;
        let base = theme.style(if selected {
            Role::Selected
        } else {
            Role::Plain
        });
        let look = |role: Role| {
            if selected {
                theme.style(role).patch(base)
            } else {
                theme.style(role)
            }
        };
        let bound = if line.at_most { "≤ " } else { "" };
        let length = line
            .length
            .map_or_else(String::new, |length| format!("{bound}{}", brief(length)));
        let full = match (line.shape, line.length) {
            (Shape::Step, Some(length)) => bar(length, view.causes.whole, cells),
            _ => String::new(),
        };
        pen.put(if selected { "▸" } else { " " }, base)
            .right(&length, LENGTH, base)
            .put(" ", base)
            .left(&full, cells, look(line.role))
            .put(" ", base);
        match line.shape {
            Shape::Part => pen
                .put("  ", base)
                .put(line.word, look(line.role))
                .put(" ", base),
            _ => pen.left(line.word, WORD, look(line.role)).put(" ", base),
        };
        let text = width(&line.text);
        if text + 12 < pen.room() {
            let room = pen.room() - text - 2;
            pen.put(&line.text, base).put("  ", base);
            pen.put(&keep_end(&line.place, room), look(Role::Info));
        } else {
            pen.fit(&line.text, base);
        }
        if selected {
            let rest = " ".repeat(pen.room());
            pen.put(&rest, base);
        }
    }
}

/// A bar for `length` of `whole`; whatever takes time is seen.
fn bar(length: Ns, whole: Ns, cells: usize) -> String {
    let share = i128::from(length.max(0)) * cells as i128 * 2 / i128::from(whole.max(1));
    let halves = usize::try_from(share).unwrap_or(0).min(cells * 2);
    match (halves, length) {
        (0, 0) => String::new(),
        (0, _) => "▏".to_owned(),
        _ => "█".repeat(halves / 2) + if halves % 2 == 1 { "▌" } else { "" },
    }
}
