//! The Tasks pane: what was found, every task at the cursor, and the selected one's life where there is room.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    frame,
    layout::TasksLayout,
    life,
    table::Sort,
    text::{Pen, brief, count, keep_start, place, plural, width},
    theme::{Role, Theme},
    view::View,
    wording,
};
use crate::{
    analysis::Severity,
    recording::{TaskIx, time::instant_short},
};

pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let layout = TasksLayout::new(area);
    banner(buffer, layout.banner, theme, view);
    let columns = Columns::new(layout.rows.width);
    columns.head(buffer, layout.head, theme, view);
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
            format!("; {kinds} kinds of problems could not be checked (see the report)")
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
        "f goes there".to_owned()
    } else {
        format!("f goes there, and to {more} more")
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

/// `text` in at most `most` lines of `cells`; what does not fit ends in an ellipsis.
pub(super) fn wrap(text: &str, cells: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && lines.len() < most {
        if lines.len() + 1 == most || width(rest) <= cells {
            lines.push(keep_start(rest, cells));
            break;
        }
        let mut cut = None;
        for (index, _) in rest.match_indices(' ') {
            if width(&rest[..index]) > cells {
                break;
            }
            cut = Some(index);
        }
        match cut {
            Some(cut) => {
                lines.push(rest[..cut].to_owned());
                rest = rest[cut..].trim_start();
            }
            None => {
                lines.push(keep_start(rest, cells));
                break;
            }
        }
    }
    lines
}

/// Which columns are shown, and how wide each is.
struct Columns {
    shown: Vec<(Sort, usize)>,
}

/// Cells in front of a row: the selection's marker.
const MARGIN: usize = 2;

impl Columns {
    fn new(width: u16) -> Self {
        let room = usize::from(width).saturating_sub(MARGIN);
        // What is dropped first where there is no room stands last.
        let mut shown = vec![
            (Sort::Id, 6),
            (Sort::State, 8),
            (Sort::Name, 12),
            (Sort::Location, 8),
        ];
        let wanted = [
            (Sort::Longest, 7),
            (Sort::Delay, 9),
            (Sort::Polls, 6),
            (Sort::Busy, 7),
            (Sort::Wakes, 6),
            (Sort::Waiting, 12),
        ];
        let taken =
            |shown: &[(Sort, usize)]| shown.iter().map(|(_, cells)| cells + 1).sum::<usize>();
        for column in wanted {
            if taken(&shown) + column.1 < room {
                shown.push(column);
            }
        }
        // What is left goes to the names, half of it to the location.
        let mut left = room.saturating_sub(taken(&shown));
        for (column, most, share) in [
            (Sort::Location, 24, 1),
            (Sort::Name, 24, 1),
            (Sort::Waiting, 28, 1),
            (Sort::Location, 60, 2),
            (Sort::Name, 40, 1),
        ] {
            if let Some((_, cells)) = shown.iter_mut().find(|(shown, _)| *shown == column) {
                let grown = (*cells + left / share).min(most).max(*cells);
                left -= grown - *cells;
                *cells = grown;
            }
        }
        shown.sort_by_key(|(column, _)| super::table::SORTS.iter().position(|sort| sort == column));
        Self { shown }
    }

    fn head(&self, buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
        let wish = &view.table.wish;
        let mut pen = Pen::new(buffer, area, 0);
        pen.skip(MARGIN);
        for &(column, cells) in &self.shown {
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

    fn row(&self, pen: &mut Pen<'_>, theme: Theme, view: &View, task: TaskIx, selected: bool) {
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
        for &(column, cells) in &self.shown {
            match column {
                Sort::Id => pen.right(&facts.id.to_string(), cells, base),
                Sort::State => {
                    let (word, role) = wording::state(state);
                    pen.left(word, cells, on(theme, role, base, selected))
                }
                Sort::Name => pen.left(recording.name(task).unwrap_or("-"), cells, base),
                Sort::Location => {
                    pen.left_end(recording.location(task).map_or("-", place), cells, base)
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

fn flush_right(column: Sort) -> bool {
    matches!(
        column,
        Sort::Id | Sort::Polls | Sort::Busy | Sort::Longest | Sort::Delay | Sort::Wakes
    )
}

fn rows(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, columns: &Columns) {
    let tasks = view.table.rows();
    if tasks.is_empty() {
        let why = if !view.table.wish.find.is_empty() {
            "No task matches the search."
        } else if view.opened.recording.task_count() == 0 {
            "The recording holds no tasks."
        } else {
            "No task was alive at the cursor: a lists them all, h and l move the cursor."
        };
        Pen::new(buffer, area, 0)
            .skip(MARGIN)
            .fit(why, theme.style(Role::Dim));
        return;
    }
    let mut line = 0;
    for &task in tasks.iter().skip(view.place.tasks_top) {
        if line >= area.height {
            break;
        }
        let selected = Some(task) == view.place.task;
        columns.row(
            &mut Pen::new(buffer, area, line),
            theme,
            view,
            task,
            selected,
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
    Pen::new(buffer, area, 0)
        .skip(1)
        .fit(&parts.join("   "), theme.style(Role::Dim));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_between_words() {
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "three fo…"]);
        assert_eq!(wrap("one two", 20, 3), ["one two"]);
        assert_eq!(wrap("", 20, 3), [""; 0]);
        assert_eq!(wrap("unbreakable", 5, 3), ["unbr…"]);
    }

    #[test]
    fn columns_fit_their_width() {
        for width in 40..240 {
            let columns = Columns::new(width);
            let taken: usize = columns.shown.iter().map(|(_, cells)| cells + 1).sum();
            assert!(taken + MARGIN <= usize::from(width), "{width}: {taken}");
            assert!(columns.shown.len() >= 4);
        }
    }
}
