//! The Causes pane: what led to a poll, step by step back to the event that began it, and what the poll led to.

mod lines;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::ActionId,
    place::scrolled,
    text::{Pen, brief, keep_end, width, wrap},
    theme::{Role, Theme},
    view::View,
    wording,
    work::Errand,
};
use crate::{
    analysis::causes::{chain, onwards},
    recording::{
        Happening, Ns, Outcome, PollIx,
        time::{duration, instant},
    },
};
use lines::{Line, Shape};

/// What a step back restores of this pane: the selected line of the lines about one poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    poll: Option<PollIx>,
    line: usize,
    top: usize,
}

/// What is kept for drawing: everything there is to say about one poll.
#[derive(Debug, Default)]
pub(super) struct State {
    poll: Option<PollIx>,
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

/// The poll that the pane tells of: the selected one, the one that goes on at the cursor, the one that the selected
/// wake led to, or else the next one: that is the one that did not run yet.
fn subject(view: &View) -> Option<PollIx> {
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
        Some(Happening::Polled(poll)) => return Some(poll),
        Some(Happening::Woken(_) | Happening::Spawned) => {
            if let Some(poll) = next(cursor) {
                return Some(poll);
            }
        }
        // Marks and wakes inside a poll belong to it, up to its very end.
        Some(_) => {
            let last = recording.last_poll_before(task, cursor);
            if let Some(poll) = last.filter(|poll| cursor <= recording.poll(*poll).end()) {
                return Some(poll);
            }
        }
        None => {}
    }
    recording
        .poll_at(task, cursor)
        .or_else(|| next(cursor))
        .or_else(|| view.selected_poll())
}

/// Makes the selection valid and the cache agree with the place.
pub(super) fn settle(view: &mut View) {
    let poll = subject(view);
    if view.causes.poll != poll {
        view.causes = State {
            poll,
            ..State::default()
        };
    }
    if let Some(poll) = poll {
        follow(view, poll);
    }
    let at_cursor = poll.and_then(|poll| at_cursor(view, poll));
    if let (Some(told), Some(area)) = (at_cursor, view.area()) {
        let most = if area.height < 14 { 1 } else { 2 };
        view.causes.at_cursor = wrap(&told, usize::from(area.width).saturating_sub(2), most);
    } else {
        view.causes.at_cursor = Vec::new();
    }
    let spot = &mut view.place.causes;
    if spot.poll != poll {
        *spot = Spot {
            poll,
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

/// What the task was doing at the cursor, where that lies outside of `poll`.
fn at_cursor(view: &View, poll: PollIx) -> Option<String> {
    let row = view.opened.recording.poll(poll);
    let cursor = view.place.cursor;
    let apart = if cursor < row.start {
        format!("{} before it", duration(row.start - cursor))
    } else if row.end() < cursor {
        format!("{} after it", duration(cursor - row.end()))
    } else {
        return None;
    };
    let doing = wording::doing(&view.opened, row.task, cursor);
    Some(format!("at the cursor, {apart}: {doing}"))
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

/// Has the wakes followed back from `poll`, unless they were, or are about to be.
fn follow(view: &mut View, poll: PollIx) {
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
        let chain = chain(recording, blind, poll);
        let onwards = onwards(recording, blind, poll);
        let summary = lines::summary(&opened, &chain);
        let lines = lines::lines(&opened, &chain, &onwards);
        let whole = lines::whole(recording, &chain);
        Some(Box::new(move |view| {
            let state = &mut view.causes;
            if state.poll == Some(poll) {
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
    let Some(poll) = view.causes.poll else {
        nothing(buffer, area, theme, view);
        return;
    };
    head(buffer, layout.head, theme, view, poll);
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

fn head(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, poll: PollIx) {
    let recording = &view.opened.recording;
    let row = recording.poll(poll);
    let cursor = view.place.cursor;
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
    Pen::new(buffer, area, 0)
        .skip(1)
        .put(
            &format!("{which} of {}", wording::task(recording, row.task)),
            theme.style(Role::Strong),
        )
        .fit(
            &format!(
                "  at {}, {length} on {}",
                instant(row.start),
                crate::analysis::label::lane(recording, row.lane)
            ),
            theme.style(Role::Plain),
        );
    let verdict = view.causes.summary.iter().map(|told| (told, Role::Plain));
    let at_cursor = view.causes.at_cursor.iter().map(|told| (told, Role::Info));
    // After the last poll it is the state that tells why the task did not run; the rest is the past.
    let sentences: Vec<(&String, Role)> = if row.end() < cursor {
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
