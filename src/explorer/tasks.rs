//! The Tasks pane: what was found, every task at the cursor, and the selected one's life where there is room.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    columns::{Columns, MARGIN, flush_right},
    frame,
    fuzzy::Fuzzy,
    layout::TasksLayout,
    life,
    table::Sort,
    text::{Pen, brief, count, keep_end, keep_start, place, plural, width, wrap},
    theme::{Role, Theme},
    view::View,
    wording,
};
use crate::{
    analysis::{Severity, label},
    recording::{TaskIx, time::instant_short},
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let layout = TasksLayout::new(area, view.found());
    banner(buffer, layout.banner, theme, view);
    let columns = Columns::new(layout.rows.width, view.opened.facts.id_digits);
    head(buffer, layout.head, theme, view, &columns);
    rows(buffer, layout.rows, theme, view, &columns);
    foot(buffer, layout.foot, theme, view);
    if let Some(details) = layout.details {
        if details.y > area.y {
            let above = Rect {
                y: details.y - 1,
                height: 1,
                ..details
            };
            frame::rule(buffer, above, theme);
        }
        life::draw(buffer, details, theme, view);
    }
}

/// The worst finding, or that there is none; and how to get there.
fn banner(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let facts = &view.opened.facts;
    let Some(worst) = facts.findings.first() else {
        let kinds = facts.not_checked.len();
        let unchecked = if kinds == 0 {
            String::new()
        } else {
            format!("; {kinds} kinds of problems could not be checked (i tells which)")
        };
        Pen::new(buffer, area, 0)
            .skip(1)
            .put("○ ", theme.style(Role::Dim))
            .fit(&format!("nothing found{unchecked}"), theme.style(Role::Dim));
        return;
    };
    let role = severity(worst.severity);
    let more = facts.findings.len() - 1;
    let more = if more == 0 {
        "e goes there".to_owned()
    } else {
        format!("e goes there, and to {more} more")
    };
    let room = usize::from(area.width).saturating_sub(width(&more) + 3);
    let head = Rect {
        width: room as u16,
        ..area
    };
    Pen::new(buffer, head, 0)
        .skip(1)
        .put("● ", theme.style(role))
        .put(worst.kind.name(), theme.style(role))
        .put(
            &format!("  at {}", instant_short(worst.start)),
            theme.style(Role::Strong),
        );
    Pen::new(buffer, area, 0)
        .skip(room + 1)
        .put(&more, theme.style(Role::Dim));
    for (row, line) in wrap(
        &worst.message,
        usize::from(area.width).saturating_sub(5),
        usize::from(area.height.saturating_sub(1)),
    )
    .iter()
    .enumerate()
    {
        Pen::new(buffer, area, row as u16 + 1)
            .skip(3)
            .put(line, theme.style(Role::Plain));
    }
}

/// What a severity looks like.
pub(super) fn severity(severity: Severity) -> Role {
    match severity {
        Severity::Critical => Role::Critical,
        Severity::Warning => Role::Warning,
        Severity::Info => Role::Info,
    }
}

/// The names of the columns; the one that the rows are sorted by has an arrow.
fn head(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, columns: &Columns) {
    let wish = &view.table.wish;
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(MARGIN);
    for &(column, cells) in &columns.0 {
        let sorted = column == wish.sort;
        let style = theme.style(if sorted { Role::Strong } else { Role::Dim });
        let arrow = match (sorted, wish.reverse) {
            (false, _) => "",
            (true, false) => "▼",
            (true, true) => "▲",
        };
        let title = if column == Sort::Delay && cells < 9 {
            "p99"
        } else {
            column.title()
        };
        let title = format!("{}{arrow}", keep_start(title, cells - width(arrow)));
        if flush_right(column) {
            pen.right(&title, cells, style).skip(1);
        } else {
            pen.left(&title, cells, style).skip(1);
        }
    }
}

fn row(
    pen: &mut Pen<'_>,
    theme: Theme,
    view: &View,
    columns: &Columns,
    finder: &Fuzzy,
    task: TaskIx,
) {
    let selected = Some(task) == view.place.task;
    let opened = &view.opened;
    let recording = &opened.recording;
    let cursor = view.place.cursor;
    let state = opened.state(task, cursor);
    let alive = state.is_alive();
    let base = match (selected, alive) {
        (true, _) => theme.style(Role::Selected),
        (false, true) => theme.style(Role::Plain),
        (false, false) => theme.style(Role::Dim),
    };
    let facts = recording.task(task);
    let totals = recording.totals(task);
    pen.put(if selected { "▸ " } else { "  " }, base);
    for &(column, cells) in &columns.0 {
        match column {
            Sort::Id => pen.right(&label::id(facts.id), cells, base),
            Sort::State => {
                let role = wording::look_of_state(state);
                pen.left(state.name(), cells, on(theme, role, base, selected))
            }
            Sort::Name => {
                let name = recording.name(task).unwrap_or("-");
                let text = keep_start(name, cells);
                found(pen, &text, &finder.matched(name), cells, base)
            }
            Sort::Location => {
                let location = recording.location(task).unwrap_or("-");
                let text = keep_end(place(location), cells);
                let gone = place(location).chars().count() - text.chars().count();
                let matched = finder.matched(location).into_iter();
                // What fell off its start counts in the numbers of the rest.
                let matched: Vec<usize> = matched.filter_map(|at| at.checked_sub(gone)).collect();
                found(pen, &text, &matched, cells, base)
            }
            Sort::Polls => pen.right(&count(totals.polls), cells, base),
            Sort::Busy => pen.right(&brief(totals.busy_ns), cells, base),
            Sort::Longest => {
                let slow = totals.longest_ns >= opened.facts.slow_poll;
                let role = if slow { Role::Critical } else { Role::Plain };
                pen.right(
                    &brief(totals.longest_ns),
                    cells,
                    on(theme, role, base, selected),
                )
            }
            Sort::Delay => {
                let delay = opened
                    .facts
                    .delay_p99(task)
                    .map_or_else(|| "-".to_owned(), brief);
                pen.right(&delay, cells, base)
            }
            Sort::Wakes if facts.wakes_recorded => pen.right(&count(totals.wakes), cells, base),
            Sort::Wakes => pen.right("?", cells, base),
            Sort::Waiting => {
                let marks = if alive {
                    wording::marks(recording, task, cursor)
                } else {
                    String::new()
                };
                pen.left(&marks, cells, base)
            }
            Sort::Trouble => pen,
        };
        pen.put(" ", base);
    }
    if selected {
        let rest = " ".repeat(pen.room());
        pen.put(&rest, base);
    }
}

/// A text whose characters of these numbers match the search.
fn found<'p, 'a>(
    pen: &'p mut Pen<'a>,
    text: &str,
    matched: &[usize],
    cells: usize,
    base: Style,
) -> &'p mut Pen<'a> {
    if matched.is_empty() {
        return pen.left(text, cells, base);
    }
    let mark = base.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let mut run = String::new();
    let mut marked = false;
    for (number, c) in text.chars().enumerate() {
        let here = matched.contains(&number);
        if here != marked {
            pen.put(&run, if marked { mark } else { base });
            run.clear();
            marked = here;
        }
        run.push(c);
    }
    pen.put(&run, if marked { mark } else { base });
    pen.put(&" ".repeat(cells.saturating_sub(width(text))), base)
}

/// A role's colour where it does not fight with the selection.
fn on(theme: Theme, role: Role, base: Style, selected: bool) -> Style {
    if selected {
        base.patch(theme.style(role))
            .patch(theme.style(Role::Selected))
    } else {
        base.patch(theme.style(role))
    }
}

fn rows(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, columns: &Columns) {
    let tasks = view.table.rows();
    if tasks.is_empty() {
        let why = if !view.table.wish.find.is_empty() {
            "No task matches the search: esc gives it up."
        } else if view.table.wish.filter.is_some() {
            "No task matches the filter: f changes it, esc clears it, a asks all of them."
        } else if view.opened.recording.task_count() > 0 {
            "No task was alive at the cursor: a lists them all, h and l move the cursor."
        } else if view.opened.recording.losses().is_empty() {
            "The recording holds no tasks."
        } else {
            "No task could be read: i tells what is missing."
        };
        Pen::new(buffer, area, 0)
            .skip(MARGIN)
            .fit(why, theme.style(Role::Dim));
        return;
    }
    let finder = Fuzzy::new(&view.table.wish.find);
    let mut line = 0;
    for &task in tasks.iter().skip(view.place.tasks_top) {
        if line >= area.height {
            break;
        }
        let selected = Some(task) == view.place.task;
        row(
            &mut Pen::new(buffer, area, line),
            theme,
            view,
            columns,
            &finder,
            task,
        );
        line += 1;
        if selected && line < area.height && area.height > 2 {
            let doing = wording::doing(&view.opened, task, view.place.cursor);
            Pen::new(buffer, area, line)
                .skip(MARGIN + 3)
                .fit(&doing, theme.style(Role::Info));
            line += 1;
        }
    }
}

fn foot(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let wish = &view.table.wish;
    let mut parts = Vec::new();
    if wish.find.is_empty() {
        let reverse = if wish.reverse { ", reversed" } else { "" };
        parts.push(format!("sorted by {}{reverse}", wish.sort.title()));
    } else {
        parts.push(format!("find \"{}\"", wish.find));
    }
    let listed = view.table.rows().len() as u64;
    parts.push(match (&view.row, wish.all) {
        (Some(row), _) => format!("{} of {}", count(*row as u64 + 1), count(listed)),
        (None, _) => plural(listed, "task"),
    });
    let all = view.opened.recording.task_count() as u64;
    parts.push(format!(
        "{} of {} alive at the cursor",
        count(view.table.alive() as u64),
        count(all)
    ));
    parts.push(
        if wish.all {
            "all listed"
        } else {
            "a lists all"
        }
        .to_owned(),
    );
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    if let Some(filter) = &wish.filter {
        // That something is hidden must not be overlooked.
        let filter = format!("filter {filter}");
        let filter = keep_start(&filter, usize::from(area.width) / 2);
        pen.put(&filter, theme.style(Role::Warning)).skip(3);
    }
    pen.fit(&parts.join("   "), theme.style(Role::Dim));
}
