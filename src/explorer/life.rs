//! One task's life: who it is, its timeline, its totals, and the list of everything that happened to it.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{
    actions::ActionId,
    figures::Figure,
    frame::{level, rule},
    lanes::LaneCell,
    layout::{LABEL, LifeLayout},
    lengths,
    place::{Pane, scrolled},
    text::{Pen, brief, count, place, width, wrap},
    theme::{Role, Theme},
    view::View,
    wording,
};
use crate::{
    analysis::{delays::spawn_delay, label},
    recording::{
        Cover, Ns, TaskIx,
        time::{duration, instant},
    },
};

/// From this width of the list on there is room for bars at its right.
const WIDE: u16 = 150;
/// How wide they are there.
const BARS: u16 = 66;

/// What the Task pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    if action != ActionId::Lengths {
        return false;
    }
    if is_wide(view) {
        view.note = Some("The bars stand at the right of the list.".to_owned());
    } else {
        view.lengths.wanted ^= true;
    }
    true
}

fn is_wide(view: &View) -> bool {
    view.area().is_some_and(|area| area.width >= WIDE)
}

/// Whether bars of the lengths of polls and delays are drawn.
pub(super) fn shows_lengths(view: &View) -> bool {
    view.place.pane == Pane::Task && (view.lengths.wanted || is_wide(view))
}

/// Draws the life in `area`, beside `main`; below it, a rule stands between the two.
pub(super) fn draw_beside(buffer: &mut Buffer, main: Rect, area: Rect, theme: Theme, view: &View) {
    if area.y > main.y {
        let above = Rect {
            y: area.y - 1,
            height: 1,
            ..area
        };
        rule(buffer, above, theme);
    }
    draw(buffer, area, theme, view);
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let Some(task) = view.place.task else {
        Pen::new(buffer, area, 0)
            .skip(1)
            .fit("The recording holds no tasks.", theme.style(Role::Dim));
        return;
    };
    let layout = LifeLayout::new(area);
    title(buffer, layout.title, theme, view, task);
    state(buffer, layout.state, theme, view, task);
    axis(buffer, layout.axis, theme, view, layout.cells());
    lanes(buffer, layout.lanes, theme, view, layout.cells());
    legend(buffer, layout.legend, theme, view);
    totals(buffer, layout.totals, theme, view, task);
    if !shows_lengths(view) {
        list(buffer, layout.list, theme, view, task);
    } else if layout.list.width >= WIDE {
        let width = layout.list.width - BARS;
        let left = Rect {
            width: width - 2,
            ..layout.list
        };
        let right = Rect {
            x: layout.list.x + width,
            width: BARS,
            ..layout.list
        };
        list(buffer, left, theme, view, task);
        // One above the other: side by side they would be too narrow to be read.
        lengths::draw(buffer, right, theme, view, task);
    } else {
        lengths::draw(buffer, layout.list, theme, view, task);
    }
    event(buffer, layout.event, theme, view, task);
}

fn title(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    let recording = &view.opened.recording;
    let facts = recording.task(task);
    let name = recording
        .name(task)
        .map_or_else(String::new, |name| format!(" {name}"));
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1)
        .put(
            &format!("task {}{name}", label::id(facts.id)),
            theme.style(Role::Strong),
        )
        .skip(2);
    let location = recording
        .location(task)
        .map_or("spawn location not recorded", place);
    let spawn = wording::spawn(recording, task);
    // The end of a path tells most, and who spawned it is worth more than the path's beginning.
    let room = pen.room().saturating_sub(width(&spawn) + 2).max(16);
    pen.left_end(location, width(location).min(room), theme.style(Role::Info))
        .skip(2);
    pen.fit(&spawn, theme.style(Role::Dim));
}

fn axis(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, cells: usize) {
    if area.is_empty() {
        return;
    }
    let span = view.place.span;
    let (from, to) = (instant(span.from()), instant(span.to()));
    let timeline = Rect {
        x: area.x + LABEL,
        width: cells as u16,
        ..area
    };
    Pen::new(buffer, area, 0)
        .skip(1)
        .put("time", theme.style(Role::Dim));
    let per_cell = format!("{} a cell", brief(span.per_cell(cells)));
    let cursor = span.cell(view.place.cursor, cells);
    // The cursor's mark hides no digit: the times at the ends make way for it, the scale is left out.
    let left = match cursor {
        Some(cell) if cell < width(&from) => cell + 2,
        _ => 0,
    };
    let right = match cursor {
        Some(cell) if cell + width(&to) >= cells => cell.saturating_sub(width(&to) + 1),
        _ => cells.saturating_sub(width(&to)),
    };
    let middle = left + width(&from) + 1..right.saturating_sub(1);
    let scale = (cells.saturating_sub(width(&per_cell))) / 2;
    let scale = scale..scale + width(&per_cell);
    let hidden = cursor.is_some_and(|cell| scale.contains(&cell));
    let mut put = |cell: usize, text: &str, role: Role| {
        Pen::new(buffer, timeline, 0)
            .skip(cell)
            .put(text, theme.style(role));
    };
    if left + width(&from) < right {
        put(left, &from, Role::Dim);
    }
    put(right, &to, Role::Dim);
    if middle.start < scale.start && scale.end < middle.end && !hidden {
        put(scale.start, &per_cell, Role::Dim);
    }
    if let Some(cell) = cursor {
        put(cell, "▼", Role::Cursor);
    }
}

fn lanes(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, cells: usize) {
    let spans = view.lanes.spans;
    let third = if spans { "spans" } else { "waits" };
    let lanes = ["runs", "woken", third, "blind"];
    let cursor = view.place.span.cell(view.place.cursor, cells);
    let per_cell = view.place.span.per_cell(cells);
    for (row, name) in lanes.iter().enumerate().take(usize::from(area.height)) {
        let mut pen = Pen::new(buffer, area, row as u16);
        pen.skip(1)
            .left(name, usize::from(LABEL) - 1, theme.style(Role::Dim));
        for (number, cell) in view.lanes.cells().iter().enumerate().take(cells) {
            let (glyph, role) = if spans && row == 2 {
                (depth(cell.waits, per_cell), Role::Info)
            } else {
                glyph(row, cell, per_cell, view.opened.facts.slow_poll)
            };
            let mut style = theme.style(role);
            if cursor == Some(number) {
                style = style.add_modifier(Modifier::REVERSED);
            }
            pen.put(glyph, style);
        }
    }
}

/// What the glyphs of the lanes mean.
fn legend(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let dim = theme.style(Role::Dim);
    let third = if view.lanes.spans {
        ("═", Role::Info, "in spans")
    } else {
        ("─", Role::Waiting, "waits")
    };
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(usize::from(LABEL));
    for (glyph, role, word) in [
        ("▃", Role::Running, "runs"),
        ("▒", Role::Runnable, "runnable"),
        ("↑", Role::Runnable, "woken"),
        third,
        ("░", Role::Blind, "blind"),
    ] {
        pen.put(glyph, theme.style(role))
            .put(&format!(" {word}  "), dim);
    }
}

/// A cell of spans: the more lie in each other there, the more lines.
fn depth(spans: Cover, per_cell: Ns) -> &'static str {
    match (spans.any, spans.covered / per_cell.max(1)) {
        (false, _) => " ",
        (true, ..=1) => "─",
        (true, 2) => "═",
        (true, _) => "≡",
    }
}

/// What a cell of a lane shows.
fn glyph(lane: usize, cell: &LaneCell, per_cell: Ns, slow: Ns) -> (&'static str, Role) {
    let share = |cover: Cover| {
        let share = i128::from(cover.covered) * 1_000 / i128::from(per_cell);
        u16::try_from(share.clamp(0, 1_000)).unwrap_or(1_000)
    };
    match lane {
        0 if cell.runs.any => {
            // One slow poll stays visible however far out: in colour, and never as the lowest bar.
            let is_slow = cell.runs.longest >= slow;
            let share = if is_slow {
                share(cell.runs).max(300)
            } else {
                share(cell.runs)
            };
            (
                level(share),
                if is_slow {
                    Role::Critical
                } else {
                    Role::Running
                },
            )
        }
        0 if cell.ready.covered > 0 => ("▒", Role::Runnable),
        1 if cell.wakes > 0 => ("↑", Role::Runnable),
        2 if cell.waits.any => ("─", Role::Waiting),
        3 if cell.blind.any => ("░", Role::Blind),
        _ => (" ", Role::Plain),
    }
}

/// What it was doing at the cursor.
fn state(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    let look = wording::look_of_state(view.opened.state(task, view.place.cursor));
    let doing = wording::doing(&view.opened, task, view.place.cursor);
    Pen::new(buffer, area, 0)
        .skip(1)
        .fit(&doing, theme.style(look));
}

fn totals(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    let recording = &view.opened.recording;
    let totals = recording.totals(task);
    let after_spawn = spawn_delay(recording, task);
    let delay = |p99: Option<Ns>| match p99.map(duration) {
        // No waker has it among its own.
        Some(text) if p99 == after_spawn => format!("{text}, after the spawn"),
        Some(text) => text,
        None => "unknown".to_owned(),
    };
    let spawned = match recording.children_of(task).len() as u64 {
        0 => String::new(),
        1 => "  spawned 1 task".to_owned(),
        many => format!("  spawned {} tasks", count(many)),
    };
    let mut lines = vec![
        format!(
            "{}  busy {}  longest {}",
            wording::polls(recording, task),
            duration(totals.busy_ns),
            duration(totals.longest_ns),
        ),
        format!(
            "{}  p99 delay {}{spawned}",
            wording::wakes(recording, task),
            delay(view.opened.facts.delay_p99(task)),
        ),
    ];
    let mut old = false;
    if let Some((from, to)) = view.marked() {
        old = view.figures_are_old();
        let Figure {
            polls,
            busy,
            longest,
            p99,
            wakes,
        } = view.figures.of(&view.opened, task);
        let marked = format!(
            "in the {} marked: polls {}  busy {}  longest {}  p99 delay {}  wakes {}",
            duration(to - from),
            count(polls),
            duration(busy),
            duration(longest),
            delay(p99),
            count(wakes)
        );
        lines.insert(0, marked);
    }
    for (row, line) in (0..area.height).zip(lines) {
        // What is about the range is what the person has asked for, once it is known.
        let marked = row == 0 && view.marked().is_some() && !old;
        let role = if marked { Role::Strong } else { Role::Dim };
        Pen::new(buffer, area, row)
            .skip(1)
            .fit(&line, theme.style(role));
    }
}

pub(super) fn list(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    let history = view.opened.recording.history(task);
    let capacity = usize::from(area.height);
    if capacity == 0 {
        return;
    }
    if history.is_empty() {
        Pen::new(buffer, area, 0).skip(2).fit(
            "The window holds none of its events.",
            theme.style(Role::Dim),
        );
        return;
    }
    let selected = view.place.event;
    let top = first_line(view, history.len(), capacity);
    for (row, line) in history.lines(top).take(capacity).enumerate() {
        let is_selected = top + row == selected;
        let (word, text, role) = wording::event(&view.opened, task, &line);
        let (mut plain, mut word_style) = (theme.style(Role::Plain), theme.style(role));
        if is_selected {
            // No more of the line, which would have to be written again with each step.
            plain = theme.style(Role::Selected);
            word_style = word_style.patch(plain);
        }
        Pen::new(buffer, area, row as u16)
            .put(if is_selected { "▸ " } else { "  " }, plain)
            .right(&instant(line.at), 14, plain)
            .put("  ", plain)
            .put(&format!("{word:<8}"), word_style)
            .fit(&text, theme.style(Role::Plain));
    }
}

/// Cells of text of the list where it has so many lines of that width.
pub(super) fn list_cells(view: &View, task: TaskIx, lines: usize, width: usize) -> usize {
    let history = view.opened.recording.history(task);
    let top = first_line(view, history.len(), lines);
    let cells = |line| {
        let (_, text, _) = wording::event(&view.opened, task, &line);
        (18 + 8 + self::width(&text)).min(width)
    };
    history.lines(top).take(lines).map(cells).sum()
}

/// The first of `len` lines that is shown where there is room for `capacity`. Beside the Tasks nobody scrolls the list:
/// it stays about the cursor.
pub(super) fn first_line(view: &View, len: usize, capacity: usize) -> usize {
    let selected = view.place.event;
    match view.place.pane {
        Pane::Task => view.place.events_top,
        _ => scrolled(
            selected.saturating_sub(capacity / 2),
            selected,
            len,
            capacity,
        ),
    }
}

fn event(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    if area.is_empty() {
        return;
    }
    let Some(selected) = view.opened.recording.history(task).get(view.place.event) else {
        return;
    };
    let lines = wording::event_in_full(view, task, &selected);
    let cells = usize::from(area.width).saturating_sub(2);
    let room = usize::from(area.height - u16::from(area.height > 2));
    let mut shown: Vec<String> = lines
        .iter()
        .flat_map(|line| wrap(line, cells, room))
        .collect();
    if shown.len() > room {
        shown = lines;
        // On one line, who woke it is what a person asks.
        shown.drain(..shown.len().saturating_sub(room));
    }
    for (row, line) in (u16::from(area.height > 2)..area.height).zip(&shown) {
        Pen::new(buffer, area, row)
            .skip(1)
            .fit(line, theme.style(Role::Info));
    }
}
