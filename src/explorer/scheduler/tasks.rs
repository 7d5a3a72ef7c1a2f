//! Lanes of tasks: running, runnable, waiting on what, idle; those first that spent most time in a chosen state.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    layout::Layout,
    listing::{self, List, SORTS, Wish},
    scroll,
    states::{Row, Show},
};
use crate::{
    analysis::{StateMap, label},
    explorer::{
        actions::ActionId,
        facts::Opened,
        span::Span,
        text::{Pen, brief, count, keep_end, place, width},
        theme::{Role, Theme},
        view::View,
        wording,
        work::Errand,
    },
    recording::{Cover, RuntimeIx, TaskIx, time::duration},
};

/// What is kept of the lanes for drawing.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// Made when lanes of tasks are first looked at, by whoever lists them.
    map: Arc<OnceLock<StateMap>>,
    asked_for: Option<(Wish, Key)>,
    listed_for: Option<Wish>,
    list: Arc<List>,
    drawn_for: Option<Key>,
    rows: Vec<Row>,
}

/// Which lanes are drawn, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    span: Span,
    cells: usize,
    top: usize,
    height: u16,
    /// The selected task, which has a lane wherever it is in the order.
    selected: Option<TaskIx>,
}

impl Key {
    /// Whether a lane that was made for the other is right for this one.
    fn fits(self, other: Self) -> bool {
        (self.span, self.cells) == (other.span, other.cells)
    }
}

/// What is said while nobody knows yet.
const COUNTING: &str = "counting the time in each state";

/// Lanes that are made at once: as many as come into sight by a step.
const AT_ONCE: usize = 2;

impl Cache {
    fn position(&self, task: TaskIx) -> Option<usize> {
        self.list
            .rows
            .iter()
            .position(|(listed, _)| *listed == task)
    }

    /// Draws the lanes of `key` where the present ones are most of them; whether that could be done.
    fn reuse(&mut self, opened: &Opened, key: Key) -> bool {
        let (Some(map), Some(drawn)) = (self.map.get(), self.drawn_for) else {
            return false;
        };
        let tasks = shown(&self.list, key);
        let known = |task: &TaskIx| self.rows.iter().any(|row| row.task == *task);
        let missing = tasks.iter().filter(|task| !known(task)).count();
        if !drawn.fits(key) || missing > AT_ONCE {
            return false;
        }
        let mut old = std::mem::take(&mut self.rows);
        let mut blind = Blinds::default();
        self.rows = tasks
            .into_iter()
            .map(|task| match old.iter().position(|row| row.task == task) {
                Some(place) => old.swap_remove(place),
                None => make_row(opened, map, key, task, &mut blind),
            })
            .collect();
        self.drawn_for = Some(key);
        true
    }
}

/// The tasks that have a lane: the last place is the selected one's, where it has none among the others.
fn shown(list: &List, key: Key) -> Vec<TaskIx> {
    let height = usize::from(key.height);
    let rows = list.rows.iter().skip(key.top).take(height);
    let mut tasks: Vec<TaskIx> = rows.map(|(task, _)| *task).collect();
    if let Some(selected) = key.selected.filter(|task| !tasks.contains(task)) {
        tasks.truncate(height.saturating_sub(1));
        tasks.push(selected);
    }
    tasks
}

/// The blind intervals on the cells, by runtime.
type Blinds = HashMap<Option<RuntimeIx>, Vec<Cover>>;

fn make_row(opened: &Opened, map: &StateMap, key: Key, task: TaskIx, blinds: &mut Blinds) -> Row {
    let (span, count) = (key.span, key.cells);
    let recording = &opened.recording;
    let edges = (0..=count).map(|cell| span.start_of(cell, count));
    let cells = map.cells(recording, task, edges);
    let runtime = recording.task(task).runtime;
    let blind = blinds.entry(runtime).or_insert_with(|| {
        let mut cover = vec![Cover::default(); count];
        opened.facts.cover_blind(runtime, span, &mut cover);
        cover
    });
    let times = map.times(recording, task, span.from()..span.to());
    Row::new(opened, task, times, span, &cells, blind)
}

/// What shall be listed.
fn wish(view: &View) -> Wish {
    let filter = view.table.wish.filter.clone();
    Wish {
        span: view.place.span,
        sort: view.place.scheduler.sort,
        filter: filter.map(|query| {
            let mut scope = view.scope();
            // An answer that does not depend on the cursor is the same wherever that is.
            if !query.moves_with_cursor() && scope.range.is_none() {
                scope.at = 0;
            }
            (query, scope)
        }),
    }
}

/// Has the tasks listed and their lanes made, unless they are, or are being made already.
fn ask(view: &mut View, key: Key) {
    let wish = wish(view);
    let opened = Arc::clone(&view.opened);
    let cache = &mut view.scheduler.tasks;
    let listed = cache.listed_for.as_ref() == Some(&wish);
    if listed && (cache.drawn_for == Some(key) || cache.reuse(&opened, key)) {
        return;
    }
    let request = (wish, key);
    if cache.asked_for.as_ref() == Some(&request) && view.work.waits_for(Errand::Pane) {
        return;
    }
    cache.asked_for = Some(request.clone());
    let wish = request.0;
    let map = Arc::clone(&cache.map);
    let known = listed.then(|| Arc::clone(&cache.list));
    // The first list takes a walk over all polls.
    let first = map.get().is_none() && opened.recording.poll_count() > 500_000;
    let large = first || wish.is_large(&opened.recording);
    view.ask(Errand::Pane, large, move |stop| {
        let map = map.get_or_init(|| StateMap::new(&opened.recording));
        let list = match known {
            Some(list) => list,
            None => Arc::new(listing::list(&opened, map, &wish, stop)?),
        };
        let mut blinds = Blinds::default();
        let mut rows = Vec::new();
        for task in shown(&list, key) {
            if stop.asked() {
                return None;
            }
            rows.push(make_row(&opened, map, key, task, &mut blinds));
        }
        Some(Box::new(move |view: &mut View| {
            let cache = &mut view.scheduler.tasks;
            (cache.list, cache.listed_for) = (list, Some(wish));
            (cache.rows, cache.drawn_for) = (rows, Some(key));
        }))
    });
}

/// How many lanes there are to show: whichever is selected, so that nothing below them moves with the selection.
pub(super) fn wanted(view: &View) -> usize {
    let cache = &view.scheduler.tasks;
    if cache.listed_for.is_none() {
        // Most recordings have more tasks than the screen has lines.
        return usize::from(u16::MAX);
    }
    let listed = cache.list.rows.len();
    let besides = listed < view.opened.recording.task_count();
    (listed + usize::from(besides)).max(1)
}

/// Sorts the lanes by the time in another state.
pub(super) fn sort(view: &mut View, steps: usize) {
    let spot = &mut view.place.scheduler;
    if !spot.by_task {
        view.note = Some(format!(
            "Lanes of workers have their order; {} shows those of tasks.",
            view.key(ActionId::TaskLanes)
        ));
        return;
    }
    let here = SORTS
        .iter()
        .position(|sort| *sort == spot.sort)
        .unwrap_or(0);
    spot.sort = SORTS[(here + steps) % SORTS.len()];
    spot.tasks_top = 0;
    view.note = Some(format!(
        "Those first that were {} longest.",
        spot.sort.name()
    ));
}

pub(super) fn settle(view: &mut View, area: Rect) {
    // A new list may need more lines, or fewer, than the one before it.
    for _ in 0..3 {
        let key = key(view, area);
        ask(view, key);
        if view.work.waits_for(Errand::Pane) || self::key(view, area) == key {
            break;
        }
    }
    let layout = super::layout(view, area);
    super::series::settle(view, layout);
}

fn key(view: &mut View, area: Rect) -> Key {
    let layout = super::layout(view, area);
    let height = layout.lanes.height;
    let len = view.scheduler.tasks.list.rows.len();
    let spot = &mut view.place.scheduler;
    spot.tasks_top = spot.tasks_top.min(len.saturating_sub(usize::from(height)));
    Key {
        span: view.place.span,
        cells: layout.cells,
        top: spot.tasks_top,
        height,
        selected: view.place.task,
    }
}

/// Selects the task that is listed `by` lines further down; or the first, or last, of those shown, where the selected
/// one is elsewhere.
pub(super) fn select(view: &mut View, layout: Layout, by: isize) {
    let cache = &view.scheduler.tasks;
    let len = cache.list.rows.len();
    let height = usize::from(layout.lanes.height).max(1);
    let top = view.place.scheduler.tasks_top;
    let last = len.saturating_sub(1);
    let row = match view.place.task.and_then(|task| cache.position(task)) {
        _ if by == isize::MIN => 0,
        _ if by == isize::MAX => last,
        Some(row) if (top..top + height).contains(&row) => row.saturating_add_signed(by).min(last),
        _ if by < 0 => (top + height.saturating_sub(2)).min(last),
        _ => top,
    };
    if let Some((task, _)) = cache.list.rows.get(row) {
        view.place.task = Some(*task);
        view.place.scheduler.tasks_top = scroll(top, row, len, layout.lanes.height);
    }
}

/// Selects the task of that line of the screen.
pub(super) fn click(view: &mut View, line: usize) {
    if let Some(row) = view.scheduler.tasks.rows.get(line) {
        view.place.task = Some(row.task);
    }
}

pub(super) fn draw(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let cache = &view.scheduler.tasks;
    legend(buffer, layout, theme, view);
    let waits = view.work.waits_for(Errand::Pane);
    if cache.list.rows.is_empty() {
        let why = match (&cache.listed_for, waits) {
            (_, true) | (None, _) => COUNTING,
            (
                Some(Wish {
                    filter: Some(_), ..
                }),
                _,
            ) => "No task in what is shown matches the filter.",
            _ => "No task was alive in what is shown.",
        };
        Pen::new(buffer, layout.lanes, 0)
            .skip(1)
            .fit(why, theme.style(Role::Dim));
        return;
    }
    let sort = view.place.scheduler.sort;
    for (line, row) in (0..layout.lanes.height).zip(&cache.rows) {
        let area = Rect {
            y: layout.lanes.y + line,
            height: 1,
            ..layout.lanes
        };
        draw_row(buffer, area, layout, theme, view, row);
        let spent = sort.of(row.times);
        let text = format!("{} {}", brief(spent), sort.name());
        let role = if spent > 0 && !waits {
            sort.role()
        } else {
            Role::Dim
        };
        Pen::new(buffer, layout.behind(area), 0).fit(&text, theme.style(role));
    }
}

fn draw_row(buffer: &mut Buffer, area: Rect, layout: Layout, theme: Theme, view: &View, row: &Row) {
    let selected = view.place.task == Some(row.task);
    let cells = usize::from(layout.label) - 2;
    let recording = &view.opened.recording;
    let name = match (recording.name(row.task), recording.location(row.task)) {
        (None, Some(location)) => {
            // The end of a path tells most.
            let id = label::id(recording.task(row.task).id);
            let room = cells.saturating_sub(width(&id) + 1);
            format!("{id} {}", keep_end(place(location), room))
        }
        _ => wording::task(recording, row.task),
    };
    let role = if selected {
        Role::Selected
    } else {
        Role::Plain
    };
    Pen::new(buffer, area, 0)
        .put(if selected { "▸" } else { " " }, theme.style(Role::Plain))
        .left(&name, cells, theme.style(role));
    let timeline = layout.timeline(area);
    let mut pen = Pen::new(buffer, timeline, 0);
    let mut before = theme.style(Role::Plain);
    let drawn = view.scheduler.tasks.drawn_for;
    if !drawn.is_some_and(|key| (key.span, key.cells) == (view.place.span, layout.cells)) {
        // What is known is about another stretch of time.
        pen.put("counting", theme.style(Role::Dim));
        return;
    }
    for cell in &row.cells {
        let (glyph, role) = cell.look();
        // Nothing has no colour: to change it would cost bytes.
        if *cell != Show::Nothing {
            before = theme.style(role);
        }
        pen.put(glyph, before);
    }
    for (cell, name) in &row.names {
        Pen::new(buffer, timeline, 0)
            .skip(*cell)
            .put(name, theme.style(Role::Waiting));
    }
    super::axis::mark(buffer, timeline, view);
}

fn legend(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let cache = &view.scheduler.tasks;
    let top = view.place.scheduler.tasks_top;
    let shown = usize::from(layout.lanes.height)
        .min(cache.list.rows.len() - top.min(cache.list.rows.len()));
    let dim = theme.style(Role::Dim);
    let mut pen = Pen::new(buffer, layout.legend, 0);
    pen.skip(1);
    let mut pieces = vec![
        (Show::Running(999), "runs"),
        (Show::Runnable, "runnable"),
        (Show::Waiting, "waits"),
        (Show::Idle, "idle"),
        (Show::Blind, "blind"),
    ];
    // Few recordings have any of these.
    for (show, name) in [(Show::Unwakeable, "unwakeable"), (Show::Unknown, "unknown")] {
        if cache.rows.iter().any(|row| row.cells.contains(&show)) {
            pieces.push((show, name));
        }
    }
    for (show, name) in pieces {
        let (glyph, role) = show.look();
        pen.put(glyph, theme.style(role))
            .put(&format!(" {name}  "), dim);
    }
    if cache.listed_for.is_none() {
        return;
    }
    let of = match cache.list.of {
        Some(all) => format!(
            "{} of {}, sorted among a sample of {}",
            lines(top, shown),
            count(all as u64),
            count(cache.list.rows.len() as u64)
        ),
        None => format!(
            "{} of {}",
            lines(top, shown),
            count(cache.list.rows.len() as u64)
        ),
    };
    pen.fit(&of, theme.style(Role::Strong));
}

fn lines(top: usize, shown: usize) -> String {
    if shown == 0 {
        return "0".to_owned();
    }
    format!("{}-{}", count(top as u64 + 1), count((top + shown) as u64))
}

/// How long the selected task was in which state in what is shown.
pub(super) fn spent(view: &View, task: TaskIx) -> String {
    let cache = &view.scheduler.tasks;
    let row = cache.rows.iter().find(|row| row.task == task);
    // What is known of another stretch of time says nothing of this one.
    let drawn = cache.drawn_for.map(|key| key.span);
    let Some(row) = row.filter(|_| drawn == Some(view.place.span)) else {
        return COUNTING.to_owned();
    };
    let times = row.times;
    if times.alive() == 0 {
        return "it was not alive in what is shown".to_owned();
    }
    let length = view.place.span.length();
    let parts = [
        ("running", times.running),
        ("runnable", times.runnable),
        ("waiting", times.waiting),
        ("idle", times.idle),
        ("unknown", times.unknown),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, time)| *time > 0)
        .map(|(name, time)| {
            let percent = i128::from(*time) * 100 / i128::from(length.max(1));
            format!("{name} {} ({percent} %)", duration(*time))
        })
        .collect();
    format!("in the {} shown: {}", duration(length), parts.join(", "))
}
