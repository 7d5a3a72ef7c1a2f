//! Lanes of tasks: running, runnable, waiting on what, idle; those first that spent most time in a chosen state.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ratatui::{buffer::Buffer, layout::Rect};

use super::{layout::Layout, scroll};
use crate::{
    analysis::{State, StateCell, StateMap, Times, state::open_waits},
    explorer::{
        facts::Opened,
        frame::level,
        span::Span,
        text::{Pen, brief, count, width},
        theme::{Role, Theme},
        view::View,
        wording,
    },
    recording::{Cover, Ns, PollIx, Recording, TaskIx, time::duration},
};

/// The state by whose time the lanes are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Runnable,
    Running,
    Waiting,
    Idle,
}

/// Every order, as `s` walks them.
pub(super) const SORTS: &[Sort] = &[Sort::Runnable, Sort::Running, Sort::Waiting, Sort::Idle];

impl Sort {
    fn name(self) -> &'static str {
        match self {
            Self::Runnable => "runnable",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
        }
    }

    fn of(self, times: Times) -> Ns {
        match self {
            Self::Runnable => times.runnable,
            Self::Running => times.running,
            Self::Waiting => times.waiting,
            Self::Idle => times.idle,
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Runnable => Role::Runnable,
            Self::Running => Role::Running,
            Self::Waiting => Role::Waiting,
            Self::Idle => Role::Plain,
        }
    }
}

/// Tasks whose times are computed exactly; of more, those are that a sample of the polls saw most.
const EXACT: usize = 4_096;
/// Polls that a sample looks at.
const SAMPLE: usize = 65_536;

/// What is kept of the lanes for drawing.
#[derive(Debug, Default)]
pub(super) struct Cache {
    map: Option<StateMap>,
    listed_for: Option<(Span, Sort)>,
    listed: Vec<(TaskIx, Times)>,
    /// How many tasks were alive in the span, where not all of them are listed.
    of: Option<usize>,
    drawn_for: Option<(Span, Sort, usize, usize, u16)>,
    rows: Vec<Row>,
}

/// A lane as it is drawn.
#[derive(Debug)]
struct Row {
    task: TaskIx,
    cells: Vec<Show>,
    /// What the task waits on, and in which cells that has room.
    names: Vec<(usize, String)>,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Show {
    /// It does not exist, or nothing is known.
    Nothing,
    Unknown,
    Idle,
    Waiting,
    /// Idle or waiting while nobody asks the driver.
    Blind,
    Unwakeable,
    Runnable,
    /// Running for so many thousandths of the cell.
    Running(u16),
    /// The same, in a slow poll.
    Slow(u16),
}

impl Show {
    fn look(self) -> (&'static str, Role) {
        match self {
            Self::Nothing => (" ", Role::Plain),
            Self::Unknown => ("?", Role::Plain),
            Self::Idle => ("·", Role::Plain),
            Self::Waiting => ("─", Role::Waiting),
            Self::Blind => ("░", Role::Blind),
            Self::Unwakeable => ("!", Role::Critical),
            Self::Runnable => ("▒", Role::Runnable),
            Self::Running(share) => (level(share), Role::Running),
            Self::Slow(share) => (level(share), Role::Critical),
        }
    }
}

impl Cache {
    fn list(&mut self, opened: &Opened, span: Span, sort: Sort) {
        let recording = &opened.recording;
        let map = self.map.get_or_insert_with(|| StateMap::new(recording));
        if self.listed_for == Some((span, sort)) {
            return;
        }
        let (tasks, of) = candidates(opened, span, sort);
        let timed = tasks.into_iter().map(|task| {
            let times = map.times(recording, task, span.from()..span.to());
            (task, times)
        });
        // Whoever is seen for no time at all was not there.
        self.listed = timed.filter(|(_, times)| times.alive() > 0).collect();
        self.listed
            .sort_by_key(|(task, times)| (std::cmp::Reverse(sort.of(*times)), *task));
        self.of = of;
        self.listed_for = Some((span, sort));
    }

    fn position(&self, task: TaskIx) -> Option<usize> {
        self.listed.iter().position(|(listed, _)| *listed == task)
    }

    fn make_rows(&mut self, opened: &Opened, key: (Span, Sort, usize, usize, u16)) {
        let (Some(map), false) = (&self.map, self.drawn_for == Some(key)) else {
            return;
        };
        let (span, _, count, top, height) = key;
        let recording = &opened.recording;
        let shown = self.listed.iter().skip(top).take(usize::from(height));
        let mut blind: HashMap<_, Vec<Cover>> = HashMap::new();
        self.rows = shown
            .map(|(task, _)| {
                let edges = (0..=count).map(|cell| span.start_of(cell, count));
                let cells = map.cells(recording, *task, edges);
                let runtime = recording.task(*task).runtime;
                let blind = blind.entry(runtime).or_insert_with(|| {
                    let mut cover = vec![Cover::default(); count];
                    opened.facts.cover_blind(runtime, span, &mut cover);
                    cover
                });
                Row::new(opened, *task, span, &cells, blind)
            })
            .collect();
        self.drawn_for = Some(key);
    }
}

/// The tasks that may be listed; and how many there are, if that is only some of them.
fn candidates(opened: &Opened, span: Span, sort: Sort) -> (Vec<TaskIx>, Option<usize>) {
    let recording = &opened.recording;
    let born = recording.tasks_by_spawn();
    let (before, by_end) = (
        recording.spawned_by(span.from()),
        recording.spawned_by(span.to() - 1),
    );
    let all = recording.alive_count(span.from()) + by_end.saturating_sub(before);
    let later = &born[before.min(by_end)..by_end];
    if all <= EXACT {
        let mut tasks = recording.alive_at(span.from());
        tasks.extend_from_slice(later);
        return (tasks, None);
    }
    let mut tasks = sampled(recording, span, sort);
    tasks.truncate(EXACT);
    let known: HashSet<TaskIx> = tasks.iter().copied().collect();
    // The youngest of those alive from the start fill what room is left: they are looked at only so far back.
    let room = EXACT - tasks.len();
    let others = born[..by_end].iter().rev().take(SAMPLE);
    let others = others.filter(|task| {
        let gone = recording.gone_at(**task);
        gone.is_none_or(|gone| gone > span.from()) && !known.contains(task)
    });
    tasks.extend(others.take(room));
    (tasks, Some(all))
}

/// The tasks of a sample of the polls in `span`, those first that spent most of its time in the state.
fn sampled(recording: &Recording, span: Span, sort: Sort) -> Vec<TaskIx> {
    let from = recording.polls_from(span.from()).index();
    let to = recording.polls_from(span.to()).index();
    let step = (to - from).div_ceil(SAMPLE).max(1);
    let mut sums: HashMap<TaskIx, Ns> = HashMap::new();
    let mut add = |poll: PollIx| {
        let row = recording.poll(poll);
        let time = match sort {
            Sort::Runnable => row.delay.unwrap_or(0),
            Sort::Running => row.duration,
            // Who is idle is polled seldom: any of those seen will do.
            Sort::Waiting | Sort::Idle => 0,
        };
        let sum = sums.entry(row.task).or_default();
        *sum = sum.saturating_add(time);
    };
    (from..to).step_by(step).map(PollIx::new).for_each(&mut add);
    // Whoever was ready in the span may have been polled only after it.
    let after = to..recording.poll_count().min(to + SAMPLE / 16);
    after
        .map(PollIx::new)
        .filter(|poll| {
            let ready = recording.poll_start(*poll) - recording.delay(*poll).unwrap_or(0);
            ready < span.to()
        })
        .for_each(&mut add);
    let mut tasks: Vec<(TaskIx, Ns)> = sums.into_iter().collect();
    tasks.sort_unstable_by_key(|(task, sum)| (std::cmp::Reverse(*sum), *task));
    tasks.into_iter().map(|(task, _)| task).collect()
}

impl Row {
    fn new(
        opened: &Opened,
        task: TaskIx,
        span: Span,
        cells: &[StateCell],
        blind: &[Cover],
    ) -> Self {
        let recording = &opened.recording;
        let lost = recording.last_unwakeable(task, Ns::MAX).is_some();
        let count = cells.len();
        let cells: Vec<Show> = cells
            .iter()
            .zip(blind)
            .enumerate()
            .map(|(number, (cell, blind))| {
                let (from, to) = (
                    span.start_of(number, count),
                    span.start_of(number + 1, count),
                );
                let shown = show(cell, to - from, opened.facts.slow_poll);
                let idle = matches!(shown, Show::Idle | Show::Waiting);
                let last = (to - 1).max(from);
                if idle && lost && is_lost(opened, task, last) {
                    Show::Unwakeable
                } else if idle && blind.covered.saturating_mul(2) >= (to - from).max(1) {
                    Show::Blind
                } else {
                    shown
                }
            })
            .collect();
        let names = names(recording, task, span, &cells);
        Self { task, cells, names }
    }
}

fn is_lost(opened: &Opened, task: TaskIx, at: Ns) -> bool {
    matches!(
        opened.state(task, at),
        State::Idle {
            unwakeable: Some(_),
            ..
        }
    )
}

/// The state that took most of the cell; but running, and runnable, are not hidden by idleness.
fn show(cell: &StateCell, length: Ns, slow: Ns) -> Show {
    let times = cell.times;
    let length = length.max(1);
    let share = |part: Ns| {
        let share = i128::from(part) * 1_000 / i128::from(length);
        u16::try_from(share.clamp(0, 1_000)).unwrap_or(1_000)
    };
    let (running, runnable) = (share(times.running), share(times.runnable));
    // One slow poll stays visible however far out, and so does one long delay.
    if cell.longest_poll >= slow && (running >= runnable || cell.longest_delay < slow) {
        return Show::Slow(running.max(300));
    }
    if cell.longest_delay >= slow && times.runnable > 0 {
        return Show::Runnable;
    }
    if running + runnable >= 100 {
        return if running >= runnable {
            Show::Running(running)
        } else {
            Show::Runnable
        };
    }
    if times.waiting > times.idle.max(times.unknown) {
        Show::Waiting
    } else if cell.polled {
        Show::Running(running)
    } else if times.idle > times.unknown {
        Show::Idle
    } else if times.unknown > 0 {
        Show::Unknown
    } else if times.runnable > 0 {
        Show::Runnable
    } else {
        Show::Nothing
    }
}

/// Where a wait takes enough cells for the name of what is waited on.
fn names(recording: &Recording, task: TaskIx, span: Span, cells: &[Show]) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let mut number = 0;
    while number < cells.len() {
        let waits = |cell: &&Show| matches!(cell, Show::Waiting);
        let len = cells[number..].iter().take_while(waits).count();
        if len >= 5 {
            let middle = span.start_of(number + len / 2, cells.len());
            let marks = open_waits(recording, task, middle);
            let text: Vec<&str> = marks
                .map(|wait| recording.str(recording.wait(wait).name))
                .collect();
            let text = format!(" {} ", text.join(", "));
            if width(&text) + 2 <= len && text.trim() != "" {
                names.push((number + (len - width(&text)) / 2, text));
            }
        }
        number += len.max(1);
    }
    names
}

/// How many lanes there are to show.
pub(super) fn wanted(view: &View) -> usize {
    view.scheduler.tasks.listed.len().max(1)
}

/// Sorts the lanes by the time in another state.
pub(super) fn sort(view: &mut View, steps: usize) {
    let spot = &mut view.place.scheduler;
    if !spot.by_task {
        view.note = Some("Lanes of workers have their order; t shows those of tasks.".to_owned());
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
    let opened = Arc::clone(&view.opened);
    let (span, sort) = (view.place.span, view.place.scheduler.sort);
    view.scheduler.tasks.list(&opened, span, sort);
    let layout = super::layout(view, area);
    let cache = &mut view.scheduler.tasks;
    let spot = &mut view.place.scheduler;
    let height = layout.lanes.height;
    let len = cache.listed.len();
    spot.tasks_top = match view.place.task.and_then(|task| cache.position(task)) {
        Some(row) => scroll(spot.tasks_top, row, len, height),
        None => spot.tasks_top.min(len.saturating_sub(usize::from(height))),
    };
    cache.make_rows(&opened, (span, sort, layout.cells, spot.tasks_top, height));
    super::series::settle(view, layout);
}

/// Selects the task that is listed `by` lines further down.
pub(super) fn select(view: &mut View, _layout: Layout, by: isize) {
    let listed = &view.scheduler.tasks.listed;
    let row = view
        .place
        .task
        .and_then(|task| view.scheduler.tasks.position(task));
    let row = match row {
        Some(row) => row
            .saturating_add_signed(by)
            .min(listed.len().saturating_sub(1)),
        None => view.place.scheduler.tasks_top,
    };
    if let Some((task, _)) = listed.get(row) {
        view.place.task = Some(*task);
    }
}

/// Selects the task of that line of the screen.
pub(super) fn click(view: &mut View, line: usize) {
    let row = view.place.scheduler.tasks_top + line;
    if let Some((task, _)) = view.scheduler.tasks.listed.get(row) {
        view.place.task = Some(*task);
    }
}

pub(super) fn draw(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let cache = &view.scheduler.tasks;
    legend(buffer, layout.legend, theme, view);
    if cache.listed.is_empty() {
        Pen::new(buffer, layout.lanes, 0).skip(1).fit(
            "No task was alive in what is shown.",
            theme.style(Role::Dim),
        );
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
        let times = cache
            .listed
            .get(view.place.scheduler.tasks_top + usize::from(line));
        let spent = times.map_or(0, |(_, times)| sort.of(*times));
        let text = format!("{} {}", brief(spent), sort.name());
        let role = if spent > 0 { sort.role() } else { Role::Dim };
        Pen::new(buffer, layout.behind(area), 0).fit(&text, theme.style(role));
    }
}

fn draw_row(buffer: &mut Buffer, area: Rect, layout: Layout, theme: Theme, view: &View, row: &Row) {
    let selected = view.place.task == Some(row.task);
    let cells = usize::from(layout.label) - 2;
    let name = wording::task(&view.opened.recording, row.task);
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

fn legend(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let cache = &view.scheduler.tasks;
    let top = view.place.scheduler.tasks_top;
    let shown = cache.rows.len();
    let dim = theme.style(Role::Dim);
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    let pieces = [
        (Show::Running(999), "runs"),
        (Show::Runnable, "runnable"),
        (Show::Waiting, "waits"),
        (Show::Idle, "idle"),
        (Show::Blind, "blind"),
        (Show::Unwakeable, "unwakeable"),
    ];
    for (show, name) in pieces {
        let (glyph, role) = show.look();
        pen.put(glyph, theme.style(role))
            .put(&format!(" {name}  "), dim);
    }
    let of = match cache.of {
        Some(all) => format!(
            "{} of {}, sorted by a sample of {}",
            lines(top, shown),
            count(all as u64),
            count(cache.listed.len() as u64)
        ),
        None => format!(
            "{} of {}",
            lines(top, shown),
            count(cache.listed.len() as u64)
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
pub(super) fn spent(view: &View, task: TaskIx) -> Option<String> {
    let cache = &view.scheduler.tasks;
    let (_, times) = cache.listed.get(cache.position(task)?)?;
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
    Some(format!(
        "in the {} shown: {}",
        duration(length),
        parts.join(", ")
    ))
}
