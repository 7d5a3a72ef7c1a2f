//! The lane of a worker, on one row or on several: its bars, the names of slow polls on them, and beside them what it
//! does at the cursor.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    cells::{Cell, Colouring, LaneCells, Stretch, hue},
    doing::{Doing, doing},
    layout::Layout,
};
use crate::{
    analysis::label,
    explorer::{
        frame::level,
        text::{Pen, brief, keep_start, place, width},
        theme::{Role, Theme},
        view::View,
        wording,
    },
    recording::{LaneIx, LaneKind, Recording, time::duration},
};

/// `w0`, or as much of a thread's name as there is room for.
pub(super) fn short(recording: &Recording, lane: LaneIx) -> String {
    match recording.lane(lane).kind {
        LaneKind::Worker { worker, .. } => format!("w{worker}"),
        LaneKind::Thread(thread) => {
            let facts = recording.thread(thread);
            match recording.str(facts.name) {
                "" => format!("t{}", facts.id),
                name => name.to_owned(),
            }
        }
    }
}

/// Draws a lane; `area` may have several rows.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    layout: Layout,
    theme: Theme,
    view: &View,
    lane: LaneIx,
    row: &LaneCells,
) {
    let recording = &view.opened.recording;
    let selected = view.place.scheduler.lane == lane.index();
    let name = if selected { Role::Selected } else { Role::Dim };
    Pen::new(buffer, area, 0)
        .put(if selected { "▸" } else { " " }, theme.style(Role::Plain))
        .left(
            &keep_start(&short(recording, lane), usize::from(layout.label) - 2),
            usize::from(layout.label) - 2,
            theme.style(name),
        );

    let colouring = view.place.scheduler.colouring;
    let rows = area.height;
    for number in 0..rows {
        let line = Rect {
            y: area.y + number,
            height: 1,
            ..area
        };
        let timeline = layout.timeline(line);
        let mut pen = Pen::new(buffer, timeline, 0);
        let mut before = theme.style(Role::Running);
        for cell in &row.cells {
            let (glyph, style) = look(*cell, colouring, theme, before, (number, rows));
            pen.put(glyph, style);
            before = style;
        }
        for stretch in &row.stretches {
            let named = number == (rows - 1) / 2;
            fill(buffer, timeline, theme, view, *stretch, named);
        }
        super::axis::mark(buffer, timeline, view);
    }

    let behind = layout.behind(area);
    let said = at_cursor(view, lane);
    for (number, (text, role)) in (0..rows).zip(&said) {
        Pen::new(buffer, behind, number).fit(text, theme.style(*role));
    }
}

/// Fills the cells of a slow poll, and names its task where that is wanted and has room.
fn fill(
    buffer: &mut Buffer,
    timeline: Rect,
    theme: Theme,
    view: &View,
    stretch: Stretch,
    named: bool,
) {
    let recording = &view.opened.recording;
    let (from, to) = stretch.cells;
    let task = recording.poll(stretch.poll).task;
    let listed = view.table.passing();
    let style = match view.place.scheduler.colouring {
        _ if listed.is_some_and(|passing| !passing.lists(task)) => theme.style(Role::Dim),
        Colouring::Length => theme.style(Role::Critical),
        by => theme.hue(hue(recording, task, by)),
    };
    let room = to - from - 1;
    let text = match wording::task(recording, task) {
        _ if !named => String::new(),
        text if width(&text) <= room => text,
        _ => keep_start(&label::id(recording.task(task).id), room),
    };
    Pen::new(buffer, timeline, 0).skip(from).left(
        &format!(" {text}"),
        to - from,
        style.add_modifier(Modifier::REVERSED),
    );
}

/// What a cell shows. One that says nothing by its colour has that of the cell before it: a change costs bytes.
fn look(
    cell: Cell,
    colouring: Colouring,
    theme: Theme,
    before: Style,
    (row, rows): (u16, u16),
) -> (&'static str, Style) {
    let lowest = row + 1 == rows;
    if cell.custom && lowest {
        return ("◆", theme.style(Role::Info));
    }
    let Some(busy) = cell.busy else {
        return match cell {
            Cell { wakes: true, .. } if lowest => ("↑", before),
            Cell { parked: true, .. } if lowest => ("·", before),
            _ => (" ", before),
        };
    };
    // One slow poll stays visible however far out: never as the lowest bar.
    let busy = if cell.slow { busy.max(300) } else { busy };
    // The rows below this one are full before anything is seen in it.
    let below = i32::from(rows - 1 - row) * 1_000;
    let here = i32::from(busy) * i32::from(rows) - below;
    if here <= 0 && !lowest {
        return (" ", before);
    }
    let style = match colouring {
        _ if cell.besides => theme.style(Role::Dim),
        Colouring::Length if cell.slow => theme.style(Role::Critical),
        Colouring::Length => theme.style(Role::Running),
        _ if cell.slow => theme.hue(cell.hue).add_modifier(Modifier::BOLD),
        _ => theme.hue(cell.hue),
    };
    (level(here.clamp(0, 1_000) as u16), style)
}

/// What a lane does at the cursor, line by line; or how busy it was in the marked range.
fn at_cursor(view: &View, lane: LaneIx) -> Vec<(String, Role)> {
    if let Some((from, to)) = view.marked().filter(|(from, to)| from < to) {
        let busy = view.scheduler.workers.busy(lane);
        let percent = i128::from(busy) * 100 / i128::from(to - from);
        let text = format!("busy {} {percent} %", brief(busy));
        return vec![(text, Role::Plain)];
    }
    let recording = &view.opened.recording;
    let cursor = view.place.cursor;
    match doing(recording, lane, cursor) {
        Doing::Polls(poll) => {
            let row = recording.poll(poll);
            let slow = row.duration >= view.opened.facts.slow_poll;
            let role = if slow { Role::Critical } else { Role::Running };
            let so_far = duration(cursor.saturating_sub(row.start));
            let location = recording.location(row.task).map_or("", place);
            vec![
                (wording::task(recording, row.task), role),
                (location.to_owned(), Role::Dim),
                (format!("{so_far} of {}", duration(row.duration)), Role::Dim),
            ]
        }
        Doing::Parked(park) => {
            let since = recording.park(park).start;
            let text = format!("parked {}", duration(cursor.saturating_sub(since)));
            vec![(text, Role::Dim)]
        }
        Doing::Nothing => vec![("-".to_owned(), Role::Dim)],
    }
}
