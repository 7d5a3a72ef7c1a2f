//! The Tasks pane: what was found, every task at the cursor, and the selected one's life where there is room.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{
    actions::ActionId,
    columns::{Columns, MARGIN, flush_right},
    filter,
    fuzzy::Fuzzy,
    layout::TasksLayout,
    life, overview,
    table::{Sort, Wish},
    text::{Pen, brief, coarse, count, keep_end, keep_start, place, plural, width, wrap},
    theme::{Role, Theme},
    view::View,
    wording,
    work::Errand,
};
use crate::{
    analysis::{Severity, label},
    recording::{TaskIx, time::duration},
};

/// What this pane makes of `action`; whether it has a use of its own for it.
pub(super) fn act(view: &mut View, action: ActionId) -> bool {
    let Wish { folded, only, .. } = &mut view.table.wish;
    match action {
        ActionId::Overview => {
            *folded ^= true;
            *only = None;
        }
        ActionId::Open if *folded => {
            let group = view.row.and_then(|row| view.table.groups().get(row));
            let Some(location) = group.map(|group| group.location) else {
                return false;
            };
            view.table.wish.only = Some(location);
            view.table.wish.folded = false;
            view.note = Some(format!(
                "The tasks of one location: {} folds them again.",
                view.key(ActionId::ClearFind)
            ));
        }
        ActionId::ClearFind if only.is_some() => {
            *only = None;
            *folded = true;
        }
        _ => return false,
    }
    true
}

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let layout = TasksLayout::new(area, view.found());
    banner(buffer, layout.banner, theme, view);
    let columns = Columns::new(layout.rows.width, view.opened.facts.id_digits);
    if view.table.wish.folded {
        overview::head(buffer, layout.head, theme, view);
    } else {
        head(buffer, layout.head, theme, view, &columns);
    }
    rows(buffer, layout.rows, theme, view, &columns);
    foot(buffer, layout.foot, theme, view);
    if let Some(details) = layout.details {
        life::draw_beside(buffer, area, details, theme, view);
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
            format!(
                "; {kinds} kinds of problems could not be checked ({} tells which)",
                view.key(ActionId::About)
            )
        };
        let mut pen = Pen::new(buffer, area, 0);
        pen.skip(1);
        match facts.ready_too_long {
            // What starves is no finding yet, and no sign of health either.
            Some(long) => pen
                .put("● ", theme.style(Role::Warning))
                .put(
                    &format!("a task was ready and not polled for {}", duration(long)),
                    theme.style(Role::Warning),
                )
                .fit(
                    &format!(": {} goes there", view.key(ActionId::NextFinding)),
                    theme.style(Role::Dim),
                ),
            None => pen
                .put("○ ", theme.style(Role::Dim))
                .fit(&format!("nothing found{unchecked}"), theme.style(Role::Dim)),
        };
        return;
    };
    let role = severity(worst.severity);
    let more = facts.findings.len() - 1;
    let key = view.key(ActionId::NextFinding);
    let more = if more == 0 {
        format!("{key} goes there")
    } else {
        format!("{key} goes there, and to {more} more")
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
            &format!("  at {}", coarse(&view.opened.recording, worst.start)),
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
        let title = format!(
            "{}{arrow}",
            keep_start(column.title(), cells - width(arrow))
        );
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
    let old = view.work.waits_for(Errand::Rows);
    let base = match (selected, alive && !old) {
        (true, _) => theme.style(Role::Selected),
        (false, true) => theme.style(Role::Plain),
        (false, false) => theme.style(Role::Dim),
    };
    let facts = recording.task(task);
    let figure = view.figures.of(opened, task);
    let counted = if view.figures_are_old() && !selected {
        theme.style(Role::Dim)
    } else {
        base
    };
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
            Sort::Polls => pen.right(&count(figure.polls), cells, counted),
            Sort::Busy => pen.right(&brief(figure.busy), cells, counted),
            Sort::Longest => {
                let slow = figure.longest >= opened.facts.slow_poll;
                let role = if slow { Role::Critical } else { Role::Plain };
                let style = on(theme, role, counted, selected);
                pen.right(&brief(figure.longest), cells, style)
            }
            Sort::Delay => {
                let none = if facts.wakes_recorded { "-" } else { "?" };
                let delay = figure.p99.map_or_else(|| none.to_owned(), brief);
                pen.right(&delay, cells, counted)
            }
            Sort::Wakes if facts.wakes_recorded => pen.right(&count(figure.wakes), cells, counted),
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

/// Why no task is listed, and what helps.
fn why_empty(view: &View) -> String {
    let wish = &view.table.wish;
    let clear = view.key(ActionId::ClearFind);
    let change = view.key(ActionId::Filter);
    if !wish.find.is_empty() {
        return match view.table.listing().found_only_by_search() {
            0 => format!("No task matches the search: {clear} gives it up."),
            1 => format!(
                "1 task matches the search, but not the filter: {change} changes that, {clear} clears both."
            ),
            many => format!(
                "{} tasks match the search, but none of them the filter: {change} changes that, {clear} clears both.",
                count(many as u64)
            ),
        };
    }
    if wish.filter.is_some() {
        return format!(
            "No task matches the filter: {change} changes it, {clear} clears it, {} asks all of them.",
            view.key(ActionId::ShowAll)
        );
    }
    let recording = &view.opened.recording;
    if recording.task_count() > 0 {
        format!(
            "No task was alive at the cursor: {} lists them all, {} and {} move the cursor.",
            view.key(ActionId::ShowAll),
            view.key(ActionId::CursorLeft),
            view.key(ActionId::CursorRight)
        )
    } else if recording.losses().is_empty() {
        "The recording holds no tasks.".to_owned()
    } else {
        format!(
            "No task could be read: {} tells what is missing.",
            view.key(ActionId::About)
        )
    }
}

fn rows(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, columns: &Columns) {
    let tasks = view.table.rows();
    if view.table.len() == 0 {
        let why = if view.work.waits_for(Errand::Rows) {
            "Looking at every task.".to_owned()
        } else {
            why_empty(view)
        };
        Pen::new(buffer, area, 0)
            .skip(MARGIN)
            .fit(&why, theme.style(Role::Dim));
        return;
    }
    if !view.table.groups().is_empty() {
        let old = view.work.waits_for(Errand::Rows);
        overview::rows(buffer, area, theme, view, old);
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
    let recording = &view.opened.recording;
    let mut parts = Vec::new();
    if let (Some(passing), Some(hidden)) = (
        view.table.passing(),
        filter::hidden(&view.table, &view.keymap),
    ) {
        parts.push(format!(
            "{} match, {hidden}",
            count(passing.matching as u64)
        ));
    }
    if wish.find.is_empty() {
        let reverse = if wish.reverse { ", reversed" } else { "" };
        parts.push(format!("sorted by {}{reverse}", wish.sort.title()));
    } else {
        parts.push(format!("find \"{}\"", wish.find));
    }
    let listed = view.table.len() as u64;
    let what = if wish.folded { "location" } else { "task" };
    parts.push(match view.row {
        Some(row) => format!("{} of {}", count(row as u64 + 1), plural(listed, what)),
        None => plural(listed, what),
    });
    parts.push(format!(
        "{} of {} alive at the cursor",
        count(recording.alive_count(view.place.cursor) as u64),
        count(recording.task_count() as u64)
    ));
    if wish.all {
        parts.push("all listed".to_owned());
    }
    parts.push(match view.marked() {
        Some((from, to)) => format!("totals over the {} marked", duration(to - from)),
        None => "totals over all that is known".to_owned(),
    });
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    // That something is hidden must not be overlooked.
    let hidden = match (wish.only, &wish.filter) {
        (Some(only), None) => Some(format!("only {}", place(recording.str(only)))),
        (Some(only), Some(filter)) => {
            Some(format!("only {}, {filter}", place(recording.str(only))))
        }
        (None, Some(filter)) => Some(format!("filter {filter}")),
        (None, None) => None,
    };
    if let Some(hidden) = hidden {
        let hidden = keep_start(&hidden, usize::from(area.width) / 2);
        pen.put(&hidden, theme.style(Role::Warning)).skip(3);
    }
    pen.fit(&parts.join("   "), theme.style(Role::Dim));
}
