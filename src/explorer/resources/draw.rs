//! How the Resources pane looks.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Item, extra, item_at, more, position,
    rows::{Listed, Sort},
};
use crate::{
    analysis::{State, WaitOn, Waits},
    explorer::{
        text::{Pen, brief, count, keep_start, place, plural, width, wrap},
        theme::{Role, Theme},
        view::View,
        wording,
    },
    recording::{Format, Ns, Recording},
};

/// Cells of a count and of a length of time.
const COUNT: usize = 7;
const WAITING: usize = 8;
const TIME: usize = 8;

/// The list between the names of its columns and its foot.
pub(super) fn list(area: Rect) -> Rect {
    let head = u16::from(area.height > 2);
    let foot = foot_height(area);
    Rect {
        y: area.y + head,
        height: area.height.saturating_sub(head + foot),
        ..area
    }
}

fn foot_height(area: Rect) -> u16 {
    match area.height {
        ..4 => 0,
        4..12 => 1,
        _ => 3,
    }
}

/// How many lines of the list are seen at a time.
pub(super) fn capacity(area: Rect) -> usize {
    usize::from(list(area).height).max(1)
}

pub(in crate::explorer) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let Some(waits) = &view.resources.waits else {
        Pen::new(buffer, area, 0)
            .skip(1)
            .fit("Grouping the waits.", theme.style(Role::Dim));
        return;
    };
    if waits.groups().is_empty() {
        nothing(buffer, area, theme, &view.opened.recording);
        return;
    }
    let columns = Columns::new(area.width);
    head(buffer, area, theme, view, &columns);
    let list = list(area);
    let spot = view.place.resources;
    let open = position(view);
    for row in 0..list.height {
        let line = spot.top + usize::from(row);
        let mut pen = Pen::new(buffer, list, row);
        match item_at(view, line) {
            Some(item @ Item::Group(group)) => {
                let selected = item == spot.item;
                one_group(&mut pen, theme, view, waits, &columns, group, selected);
            }
            Some(item @ Item::Waiter(_, waiter)) => {
                one_waiter(&mut pen, theme, view, waiter, item == spot.item);
            }
            _ if line > open && line <= open + extra(view) => {
                let text = match more(view) {
                    0 => "nobody waits on it at the cursor".to_owned(),
                    more => format!("and {} more", count(more as u64)),
                };
                pen.skip(6).fit(&text, theme.style(Role::Dim));
            }
            _ => {}
        }
    }
    foot(buffer, area, theme, view, waits);
}

/// How wide the two columns of text are; the others are fixed.
struct Columns {
    name: usize,
    place: usize,
}

impl Columns {
    fn new(cells: u16) -> Self {
        let fixed = 2 + WAITING + 1 + TIME + 2 + 1 + COUNT + 1 + TIME + 1 + TIME;
        let room = usize::from(cells).saturating_sub(fixed);
        let name = (room * 2 / 5).clamp(6, 40);
        Self {
            name,
            place: room.saturating_sub(name).min(60),
        }
    }
}

fn head(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, columns: &Columns) {
    if area.height <= 2 {
        return;
    }
    let spot = view.place.resources;
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(2);
    let title = |sort: Sort, title: &str| {
        let arrow = match (spot.sort == sort, spot.reverse) {
            (false, _) => "",
            (true, false) => "▼",
            (true, true) => "▲",
        };
        let role = if arrow.is_empty() {
            Role::Dim
        } else {
            Role::Strong
        };
        (format!("{title}{arrow}"), theme.style(role))
    };
    let (text, style) = title(Sort::Now, "waiting");
    pen.right(&text, WAITING, style).skip(1);
    let (text, style) = title(Sort::Since, "for");
    pen.right(&text, TIME, style).skip(2);
    let (text, style) = title(Sort::On, "on");
    pen.left(&text, columns.name, style).skip(1);
    pen.left(
        "at",
        columns.place.saturating_sub(1),
        theme.style(Role::Dim),
    );
    let (text, style) = title(Sort::Waits, "waits");
    pen.right(&text, COUNT, style).skip(1);
    let (text, style) = title(Sort::Median, "median");
    pen.right(&text, TIME, style).skip(1);
    let (text, style) = title(Sort::Longest, "longest");
    pen.right(&text, TIME, style);
}

fn one_group(
    pen: &mut Pen<'_>,
    theme: Theme,
    view: &View,
    waits: &Waits,
    columns: &Columns,
    group: usize,
    selected: bool,
) {
    let recording = &view.opened.recording;
    let state = &view.resources;
    let row = state.rows.iter().find(|row| row.group == group);
    let (now, since) = row.map_or((0, None), |row| (row.now, row.since));
    let base = if selected {
        Role::Selected
    } else {
        Role::Plain
    };
    let look = |role: Role| {
        let style = theme.style(role);
        if selected {
            style.patch(theme.style(Role::Selected))
        } else {
            style
        }
    };
    let fresh = state.figures.as_ref();
    let is_fresh = fresh.is_some_and(|(of, _)| *of == view.marked());
    let figures = fresh
        .and_then(|(_, figures)| figures.get(group))
        .copied()
        .unwrap_or_default();
    let figure = if is_fresh {
        look(Role::Plain)
    } else {
        look(Role::Dim)
    };
    let time = |ns: Option<i64>| ns.map_or_else(|| "-".to_owned(), brief);
    pen.put(if selected { "▸ " } else { "  " }, theme.style(base));
    let waiting = if now == 0 { Role::Dim } else { Role::Waiting };
    let (name, at) = words(recording, &waits.groups()[group].on);
    let lasted = since.map(|since| view.place.cursor.saturating_sub(since));
    pen.right(&count(now as u64), WAITING, look(waiting))
        .put(" ", look(Role::Plain))
        .right(&time(lasted), TIME, look(waiting))
        .put("  ", look(Role::Plain))
        .left(&name, columns.name, look(Role::Strong))
        .put(" ", look(Role::Plain))
        .left_end(&at, columns.place.saturating_sub(1), look(Role::Plain))
        .right(&count(figures.count as u64), COUNT, figure)
        .put(" ", look(Role::Plain))
        .right(&time(figures.median), TIME, figure)
        .put(" ", look(Role::Plain))
        .right(&time(figures.longest), TIME, figure);
    if selected {
        let rest = " ".repeat(pen.room());
        pen.put(&rest, look(Role::Plain));
    }
}

/// What a group is called, and its place in the code.
fn words(recording: &Recording, on: &WaitOn) -> (String, String) {
    match on {
        WaitOn::Mark(name, location) => {
            let name = match recording.str(*name) {
                "" => "something unnamed",
                name => name,
            };
            (name.to_owned(), place(recording.str(*location)).to_owned())
        }
        WaitOn::Site(site) => (site.what.clone(), site.place.clone()),
    }
}

fn one_waiter(pen: &mut Pen<'_>, theme: Theme, view: &View, waiter: usize, selected: bool) {
    let Some(waiter) = view.resources.waiters.get(waiter) else {
        return;
    };
    let recording = &view.opened.recording;
    let base = theme.style(if selected {
        Role::Selected
    } else {
        Role::Plain
    });
    let cursor = view.place.cursor;
    let (lasted, since) = lasted(recording, waiter, cursor);
    let task = waiter.waiter.task;
    let who = wording::task(recording, task);
    let location = match (recording.name(task), recording.location(task)) {
        (Some(_), Some(location)) => format!("  {}", place(location)),
        _ => String::new(),
    };
    pen.put(if selected { "▸ " } else { "  " }, base)
        .right(&brief(lasted), WAITING + 1 + TIME, base)
        .put("  ", base);
    if let Some((since, what)) = since {
        let text = format!("then {} {what}  ", brief(since));
        let style = theme.style(Role::Info);
        pen.fit(&text, if selected { style.patch(base) } else { style });
    }
    pen.fit(&format!("{who}{location}"), base);
    if selected {
        let rest = " ".repeat(pen.room());
        pen.put(&rest, base);
    }
}

/// How long somebody waited; and for how long they have been ready or in a poll since, if they are.
fn lasted(recording: &Recording, waiter: &Listed, cursor: Ns) -> (Ns, Option<(Ns, &'static str)>) {
    let begin = waiter.waiter.since;
    let (until, what) = match waiter.state {
        State::Runnable { since } => (since, Some("ready")),
        State::Running(poll) => {
            let start = recording.poll_start(poll);
            // Of the poll that it is in only what follows the wait's begin is new.
            let woken = start.saturating_sub(recording.delay(poll).unwrap_or(0));
            return (
                woken.saturating_sub(begin).max(0),
                Some((cursor.saturating_sub(start.max(begin)), "in a poll")),
            );
        }
        _ => (cursor, None),
    };
    let until = until.max(begin);
    (
        until.saturating_sub(begin),
        what.map(|what| (cursor.saturating_sub(until), what)),
    )
}

fn foot(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, waits: &Waits) {
    let height = foot_height(area);
    if height == 0 {
        return;
    }
    let foot = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    let state = &view.resources;
    let waiting: usize = state.rows.iter().map(|row| row.now).sum();
    let woken: usize = state.rows.iter().map(|row| row.woken).sum();
    let groups = state.rows.iter().filter(|row| row.now > 0).count();
    let over = if view.marked().is_some() {
        "begun in the range"
    } else {
        "of the whole recording"
    };
    let woken = match woken {
        0 => String::new(),
        woken => format!(" ({} more ready or in a poll)", count(woken as u64)),
    };
    let text = format!(
        "{} at the cursor{woken}, in {} of {} groups; median and longest {over}",
        plural(waiting as u64, "wait"),
        groups,
        waits.groups().len()
    );
    Pen::new(buffer, foot, 0)
        .skip(1)
        .fit(&text, theme.style(Role::Dim));
    let room = usize::from(foot.width).saturating_sub(2);
    let group = view.place.resources.item.group();
    let abandoned = group.and_then(|group| waits.groups().get(group));
    let abandoned = match abandoned.map_or(0, crate::analysis::WaitGroup::abandoned) {
        0 => String::new(),
        many => format!(
            "{} of the selected {} abandoned: dropped before the future was ready. ",
            count(many as u64),
            if many == 1 { "was" } else { "were" }
        ),
    };
    let text = format!("{abandoned}{}", unrecorded(&view.opened.recording));
    for (row, line) in (1..foot.height).zip(wrap(&text, room, 2)) {
        Pen::new(buffer, foot, row)
            .skip(1)
            .fit(&line, theme.style(Role::Dim));
    }
}

/// What these waits are not.
fn unrecorded(recording: &Recording) -> &'static str {
    if recording.coverage().resources {
        ""
    } else {
        "Mutexes, semaphores, channels and timers themselves were not recorded: who holds what is not known."
    }
}

/// Why there is nothing to show, and what would change that.
fn nothing(buffer: &mut Buffer, area: Rect, theme: Theme, recording: &Recording) {
    let how = match recording.source().format {
        Format::Dial9Dump => {
            "A mark names any wait: rx.recv().awaiting(\"orders\").await says here who waits for orders, since when, and how long that usually takes."
        }
        Format::Dial9Trace => {
            "Traces of upstream dial9 have no marks; with task dumps they say where in the code tasks were suspended, but this one has none."
        }
        Format::TokioConsole => {
            "Recordings of console-subscriber are read without their resources."
        }
    };
    let texts = [
        ("What tasks wait on was not recorded.", Role::Strong),
        (how, Role::Plain),
        (unrecorded(recording), Role::Dim),
        (
            "Findings (1) lists who was idle for longest; Wakers (4) tells who usually wakes a task.",
            Role::Dim,
        ),
    ];
    let room = usize::from(area.width).saturating_sub(2);
    let mut row = 0;
    for (text, role) in texts {
        for line in wrap(text, room, 5) {
            let line = keep_start(&line, room);
            debug_assert!(width(&line) <= room);
            Pen::new(buffer, area, row)
                .skip(1)
                .put(&line, theme.style(role));
            row += 1;
        }
    }
}
