//! The frame around every pane: header, bar of panes, the strip of the whole window, the bottom line.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::{
    actions::{ActionId, Context, in_context},
    facts::Opened,
    keymap::Keymap,
    layout::{Frame, STRIP_LABEL, strip_cells},
    place::{PANES, Pane, PaneEntry},
    text::{Pen, count, keep_start, plural, width, wrap},
    theme::{Role, Theme},
    view::View,
};
use crate::recording::{
    Ns, TriggerKind,
    time::{duration, instant},
};

/// File, window, tasks, workers, trigger; what is missing stands at the right, where it is not overlooked.
pub(super) fn header(buffer: &mut Buffer, area: Rect, theme: Theme, opened: &Opened) {
    let recording = &opened.recording;
    let losses = recording.losses().len() as u64;
    let losses = match losses {
        0 => String::new(),
        1 => " !1 loss ".to_owned(),
        many => format!(" !{} losses ", count(many)),
    };
    let room = usize::from(area.width).saturating_sub(width(&losses));

    let source = recording.source();
    let mut pen = Pen::new(
        buffer,
        Rect {
            width: room as u16,
            ..area
        },
        0,
    );
    pen.skip(1);
    if source.sample {
        pen.put(" SAMPLE ", theme.style(Role::Banner)).skip(1);
    } else {
        pen.put(
            &keep_start(&source.title(), room / 2),
            theme.style(Role::Strong),
        )
        .skip(2);
    }
    let workers = (0..recording.lanes().len()).map(crate::recording::LaneIx::new);
    let workers = workers
        .filter(|lane| recording.worker_of(*lane).is_some())
        .count() as u64;
    let mut facts = vec![
        duration(recording.window().duration()),
        plural(recording.task_count() as u64, "task"),
        plural(workers, "worker"),
    ];
    if let Some(trigger) = recording.trigger() {
        let value = match trigger.kind {
            TriggerKind::SlowPoll(length)
            | TriggerKind::Stall(length)
            | TriggerKind::ScheduleDelay(length) => {
                format!(" {}", duration(length))
            }
            _ => String::new(),
        };
        let name = format!("trigger: {}", trigger.kind.name());
        // How much it was is worth less than the rest.
        let used = width(&facts.join("  ")) + width(&name) + 2;
        let fits = used + width(&value) <= pen.room();
        facts.push(if fits { name + &value } else { name });
    }
    pen.fit(&facts.join("  "), theme.style(Role::Plain));
    let right = Rect {
        x: area.right().saturating_sub(width(&losses) as u16),
        ..area
    };
    Pen::new(buffer, right.intersection(area), 0).put(&losses, theme.style(Role::Warning));
}

/// The panes, with the number that shows each.
pub(super) fn bar(
    buffer: &mut Buffer,
    area: Rect,
    theme: Theme,
    keymap: &Keymap,
    active: Option<Pane>,
) {
    let mut pen = Pen::new(buffer, area, 0);
    for entry in PANES {
        let role = if active == Some(entry.pane) {
            Role::Selected
        } else {
            Role::Dim
        };
        pen.skip(1).put(&tab(entry, keymap), theme.style(role));
    }
}

/// The name of a pane in the bar; the last of its keys is its number.
fn tab(entry: &PaneEntry, keymap: &Keymap) -> String {
    match keymap.of(entry.action).last() {
        Some(key) => format!("{key} {}", entry.title),
        None => entry.title.to_owned(),
    }
}

/// The pane whose name stands in this column of the bar.
pub(super) fn pane_at(column: u16, keymap: &Keymap) -> Option<&'static PaneEntry> {
    let mut left = 0;
    PANES.iter().find(|entry| {
        left += 1 + width(&tab(entry, keymap));
        usize::from(column) < left
    })
}

/// A rule across the screen.
pub(super) fn rule(buffer: &mut Buffer, area: Rect, theme: Theme) {
    Pen::new(buffer, area, 0).put(&"─".repeat(usize::from(area.width)), theme.style(Role::Dim));
}

/// How full a cell of a bar is, from nothing to all, in thousandths.
pub(super) fn level(thousandths: u16) -> &'static str {
    const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    LEVELS[(usize::from(thousandths.min(999)) * LEVELS.len()) / 1_000]
}

/// The whole window: how busy the workers were, where they were blind, the cursor in it, and the range.
pub(super) fn strip(buffer: &mut Buffer, frame: &Frame, theme: Theme, view: &View) {
    let area = frame.strip;
    let cells = strip_cells(area.width);
    let (opened, cursor) = (&view.opened, view.place.cursor);
    let window = opened.window();
    let marked = view.marked().map(|(from, to)| {
        let inside = |at: Ns| at.clamp(window.from(), window.to() - 1);
        window.cell(inside(from), cells)..=window.cell(inside(to), cells)
    });
    let here = window.cell(cursor, cells);
    // Who polls on no known worker leaves every worker idle, as far as one can see.
    let unknown = (!opened.facts.workers_known).then_some(" busy: not recorded");
    let mut pen = Pen::new(buffer, area, 0);
    match here {
        None if cursor < window.from() => pen.put("◂", theme.style(Role::Cursor)),
        _ => pen.skip(1),
    };
    for cell in 0..cells {
        let activity = opened.facts.activity(cell, cells);
        let role = match activity {
            _ if here == Some(cell) => Role::Cursor,
            activity if activity.blind => Role::Blind,
            activity if activity.busy > 0 => Role::Running,
            _ => Role::Dim,
        };
        let mut style = theme.style(role);
        if marked
            .as_ref()
            .is_some_and(|range| range.contains(&Some(cell)))
        {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let glyph = match unknown {
            Some(text) if here != Some(cell) => text.get(cell..=cell).unwrap_or(" "),
            _ => level(activity.busy),
        };
        pen.put(glyph, style);
    }
    let what = if unknown.is_some() { "    " } else { "busy" };
    pen.skip(1).put(what, theme.style(Role::Dim));
    let mut label = format!("cursor {}", instant(cursor));
    if let Some(words) = view.range_in_words() {
        let [_, rule] = frame.rules;
        if rule.is_empty() {
            label = words;
        } else {
            let words = format!(" {words} ");
            let left = usize::from(rule.width).saturating_sub(width(&words) + 1);
            Pen::new(buffer, rule, 0)
                .skip(left)
                .put(&words, theme.style(Role::Strong));
        }
    }
    let right = Rect {
        x: area.right().saturating_sub(STRIP_LABEL - 4),
        ..area
    }
    .intersection(area);
    Pen::new(buffer, right, 0).right(
        &label,
        usize::from(STRIP_LABEL - 5),
        theme.style(Role::Strong),
    );
}

/// What the last action has to say: on the rule above the strip, so that the keys stay, or in their place where there
/// is none. What has several lines takes more from above.
pub(super) fn note(buffer: &mut Buffer, frame: &Frame, theme: Theme, note: &str) {
    let [_, rule] = frame.rules;
    let last = if rule.is_empty() { frame.keys } else { rule };
    let room = usize::from(last.width).saturating_sub(2);
    if !rule.is_empty() && !note.contains('\n') {
        let text = format!(" {} ", keep_start(note, room.saturating_sub(2)));
        Pen::new(buffer, last, 0)
            .skip(1)
            .put(&text, theme.style(Role::Strong));
        return;
    }
    let most = usize::from(last.bottom() - frame.pane.y);
    let each = if note.contains('\n') { most } else { 1 };
    let lines: Vec<String> = note
        .lines()
        .flat_map(|line| wrap(line, room, each))
        .take(most)
        .collect();
    let height = u16::try_from(lines.len()).unwrap_or(1);
    for (row, line) in (last.bottom() - height..last.bottom()).zip(&lines) {
        let blank = " ".repeat(usize::from(last.width));
        let area = Rect { y: row, ..last };
        Pen::new(buffer, area, 0).put(&blank, theme.style(Role::Plain));
        Pen::new(buffer, area, 0)
            .skip(1)
            .fit(line, theme.style(Role::Strong));
    }
}

/// How far the loading is, in the strip's place.
pub(super) fn gauge(
    buffer: &mut Buffer,
    area: Rect,
    theme: Theme,
    keymap: &Keymap,
    done: Option<u64>,
    events: u64,
) {
    let percent = done.map_or_else(String::new, |thousandths| {
        format!("{} %  ", thousandths / 10)
    });
    let key = keymap.shown(ActionId::StopLoading);
    let label = format!(" {percent}{} events  {key} stops here ", count(events));
    let cells = usize::from(area.width).saturating_sub(width(&label) + 2);
    let full = cells * usize::try_from(done.unwrap_or(0).min(1_000)).unwrap_or(0) / 1_000;
    Pen::new(buffer, area, 0)
        .skip(1)
        .put(&"█".repeat(full), theme.style(Role::Running))
        .put(&"░".repeat(cells - full), theme.style(Role::Dim))
        .put(&label, theme.style(Role::Plain));
}

/// What a person most likely does next in a pane, the likeliest first. The rest follows in the table's order.
fn useful(context: Context) -> &'static [ActionId] {
    use ActionId as Id;
    match context {
        Context::Findings => &[
            Id::Open,
            Id::CausesPane,
            Id::NextFinding,
            Id::GoToTime,
            Id::Filter,
        ],
        Context::Tasks => &[
            Id::Open,
            Id::SortNext,
            Id::Find,
            Id::Filter,
            Id::CausesPane,
            Id::ShowAll,
        ],
        Context::Task => &[
            Id::Follow,
            Id::WhoWoke,
            Id::CausesPane,
            Id::StepNext,
            Id::ZoomIn,
            Id::NextSlow,
        ],
        Context::Wakers => &[
            Id::Open,
            Id::NextView,
            Id::Fold,
            Id::Back,
            Id::SortNext,
            Id::CausesPane,
        ],
        Context::Scheduler => &[
            Id::ZoomIn,
            Id::TaskLanes,
            Id::NextSlow,
            Id::StepNext,
            Id::CausesPane,
            Id::LaneColors,
        ],
        Context::Resources => &[Id::Open, Id::CausesPane, Id::StepNext, Id::Filter],
        Context::Causes => &[
            Id::Open,
            Id::WhoWoke,
            Id::Back,
            Id::NextSlow,
            Id::NextFinding,
        ],
        _ => &[],
    }
}

/// The most useful keys of a context: as many as there is room for, and always the way to the rest.
pub(super) fn keys(
    buffer: &mut Buffer,
    area: Rect,
    theme: Theme,
    keymap: &Keymap,
    context: Context,
) {
    let mut actions: Vec<_> = in_context(context).collect();
    actions.sort_by_key(|action| {
        let place = useful(context).iter().position(|id| *id == action.id);
        place.unwrap_or(usize::MAX)
    });
    let hints: Vec<(String, &str, bool)> = actions
        .into_iter()
        .filter_map(|action| {
            let hint = action.hint?;
            let last = matches!(
                action.id,
                ActionId::Palette | ActionId::Help | ActionId::EntryAccept
            );
            Some((keymap.of(action.id).first()?.to_string(), hint, last))
        })
        .collect();
    let cells = |(key, hint, _): &(String, &str, bool)| width(key) + 1 + width(hint) + 2;
    let reserved: usize = hints.iter().filter(|hint| hint.2).map(cells).sum();
    let mut room = usize::from(area.width).saturating_sub(reserved);
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    for hint in &hints {
        if !hint.2 {
            let Some(rest) = room.checked_sub(cells(hint)) else {
                continue;
            };
            room = rest;
        }
        pen.put(&hint.0, theme.style(Role::Key))
            .skip(1)
            .put(hint.1, theme.style(Role::Plain))
            .skip(2);
    }
}
