//! Lanes of workers, grouped by runtime, then those of threads that polled without being workers.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    cells::{self, Colouring, Colours, LaneCells, hue},
    lane,
    layout::Layout,
    scroll,
};
use crate::{
    analysis::label,
    explorer::{
        actions::ActionId,
        facts::Opened,
        listing::Passing,
        span::Span,
        text::{Pen, brief, place},
        theme::{Role, Theme},
        traced,
        view::View,
        wording,
    },
    recording::{Cover, CustomIx, LaneIx, LaneKind, Ns, Recording, RuntimeIx, time::duration},
};

/// One line of the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// The name of a runtime, where there are several.
    Runtime(RuntimeIx),
    /// Above the threads that are no workers.
    Threads,
    Lane(LaneIx),
    /// When all workers of a runtime were inside polls.
    Blind(RuntimeIx),
    /// Where the code said something of itself, on whatever thread.
    Customs,
}

impl Line {
    /// How many rows of the screen it has.
    fn rows(self, layout: Layout) -> u16 {
        match self {
            Self::Lane(_) => layout.tall,
            _ => 1,
        }
    }
}

/// What is kept of the lanes for drawing.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// Every line, made when the lanes are first looked at.
    lines: Vec<Line>,
    made_for: Option<Key>,
    /// The answer of the filter that they were made with.
    passing: Option<Arc<Passing>>,
    rows: Vec<(LaneIx, LaneCells)>,
    blind: Vec<(RuntimeIx, Vec<bool>)>,
    customs: Vec<bool>,
    /// How long each lane that is shown was inside polls in the marked range.
    busy: Vec<(LaneIx, Ns)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    span: Span,
    cells: usize,
    top: usize,
    height: u16,
    colouring: Colouring,
    range: Option<(Ns, Ns)>,
}

impl Cache {
    pub(super) fn prepare(&mut self, opened: &Opened) {
        if self.lines.is_empty() {
            self.lines = lines(opened);
        }
    }

    /// How long a lane that is shown was inside polls in the marked range.
    pub(super) fn busy(&self, lane: LaneIx) -> Ns {
        let busy = self.busy.iter().find(|(row, _)| *row == lane);
        busy.map_or(0, |(_, busy)| *busy)
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    fn refresh(&mut self, opened: &Opened, key: Key, passing: Option<Arc<Passing>>) {
        let same = match (&self.passing, &passing) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if same && self.made_for == Some(key) {
            return;
        }
        self.passing = passing;
        let shown = self
            .lines
            .iter()
            .skip(key.top)
            .take(usize::from(key.height));
        let lanes = shown
            .clone()
            .filter(|line| matches!(line, Line::Lane(_)))
            .count();
        // What the colours of all lanes together may cost on the line to the terminal.
        let changes = (CHANGES / lanes.max(1)).max(4);
        self.rows.clear();
        self.blind.clear();
        self.busy.clear();
        for line in shown {
            match *line {
                Line::Lane(lane) => {
                    let Key {
                        span,
                        cells,
                        colouring,
                        ..
                    } = key;
                    let colours = Colours {
                        by: colouring,
                        passing: self.passing.as_deref(),
                        changes,
                    };
                    let row = cells::cells(opened, lane, span, cells, colours);
                    self.rows.push((lane, row));
                    if let Some((from, to)) = key.range.filter(|(from, to)| from < to) {
                        let mut cover = [Cover::default()];
                        opened.recording.lane_cover(lane, from, to, &mut cover);
                        self.busy.push((lane, cover[0].covered));
                    }
                }
                Line::Blind(runtime) => {
                    let mut cover = vec![Cover::default(); key.cells];
                    opened
                        .facts
                        .cover_blind(Some(runtime), key.span, &mut cover);
                    let cells = cover.iter().map(|cover| cover.any).collect();
                    self.blind.push((runtime, cells));
                }
                Line::Customs => self.customs = customs(&opened.recording, key.span, key.cells),
                Line::Runtime(_) | Line::Threads => {}
            }
        }
        cells::mark(&opened.recording, key.span, &mut self.rows);
        self.made_for = Some(key);
    }
}

/// Changes of colour that a screen of lanes may have: at a dozen bytes each they stay well inside the budget of a zoom.
const CHANGES: usize = 500;

fn lines(opened: &Opened) -> Vec<Line> {
    let recording = &opened.recording;
    let kinds = |kind: LaneKind| match kind {
        LaneKind::Worker { runtime, .. } => Some(runtime),
        LaneKind::Thread(_) => None,
    };
    let mut lines = Vec::new();
    let mut group: Option<Option<RuntimeIx>> = None;
    let all = recording.lanes();
    let titled = all
        .iter()
        .any(|lane| kinds(lane.kind) != all.first().and_then(|lane| kinds(lane.kind)));
    let ends = |lines: &mut Vec<Line>, group: Option<Option<RuntimeIx>>| {
        if let Some(Some(runtime)) = group
            && ever_blind(opened, runtime)
        {
            lines.push(Line::Blind(runtime));
        }
    };
    for (number, lane) in all.iter().enumerate() {
        let kind = kinds(lane.kind);
        if group != Some(kind) {
            ends(&mut lines, group);
            group = Some(kind);
            match kind {
                Some(runtime) if titled => lines.push(Line::Runtime(runtime)),
                None if titled => lines.push(Line::Threads),
                _ => {}
            }
        }
        lines.push(Line::Lane(LaneIx::new(number)));
    }
    ends(&mut lines, group);
    if recording.custom_count() > 0 {
        lines.push(Line::Customs);
    }
    lines
}

/// The cells in which custom events were written.
fn customs(recording: &Recording, span: Span, count: usize) -> Vec<bool> {
    let before = |cell| recording.customs_from(span.start_of(cell, count)).index();
    let edges: Vec<usize> = (0..=count).map(before).collect();
    edges.windows(2).map(|edges| edges[0] < edges[1]).collect()
}

fn ever_blind(opened: &Opened, runtime: RuntimeIx) -> bool {
    let mut cover = [Cover::default()];
    opened
        .facts
        .cover_blind(Some(runtime), opened.window(), &mut cover);
    cover[0].any
}

/// Makes the scroll show the selected lane, and the cells be those of the place.
pub(super) fn settle(view: &mut View, area: Rect) {
    let layout = super::layout(view, area);
    let selected = Line::Lane(LaneIx::new(view.place.scheduler.lane));
    let lines = view.scheduler.workers.lines();
    let line = lines.iter().position(|line| *line == selected).unwrap_or(0);
    let spot = &mut view.place.scheduler;
    spot.top = scroll(spot.top, line, lines.len(), layout.lanes.height);
    let key = Key {
        span: view.place.span,
        cells: layout.cells,
        top: spot.top,
        height: layout.lanes.height,
        colouring: spot.colouring,
        range: view.marked(),
    };
    let opened = Arc::clone(&view.opened);
    let passing = view.table.passing_shared();
    view.scheduler.workers.refresh(&opened, key, passing);
    super::piled::settle(view, LaneIx::new(view.place.scheduler.lane));
    super::series::settle(view, layout);
}

/// Selects the lane of that row of the lanes.
pub(super) fn click(view: &mut View, layout: Layout, row: usize) {
    let lines = view.scheduler.workers.lines().iter();
    let mut rows = lines
        .skip(view.place.scheduler.top)
        .flat_map(|line| std::iter::repeat_n(*line, usize::from(line.rows(layout))));
    if let Some(Line::Lane(lane)) = rows.nth(row) {
        view.place.scheduler.lane = lane.index();
    }
}

pub(super) fn draw(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let cache = &view.scheduler.workers;
    if cache.lines.is_empty() {
        Pen::new(buffer, layout.lanes, 0).skip(1).fit(
            "No worker and no thread polled anything.",
            theme.style(Role::Dim),
        );
        return;
    }
    let shown = cache.lines.iter().skip(view.place.scheduler.top);
    let mut y = layout.lanes.y;
    for line in shown {
        let area = Rect {
            y,
            height: line.rows(layout),
            ..layout.lanes
        }
        .intersection(layout.lanes);
        y += line.rows(layout);
        match *line {
            Line::Runtime(runtime) => {
                let recording = &view.opened.recording;
                Pen::new(buffer, area, 0).skip(1).fit(
                    &label::runtime(recording, runtime),
                    theme.style(Role::Strong),
                );
            }
            Line::Threads => {
                Pen::new(buffer, area, 0)
                    .skip(1)
                    .fit("threads that are no workers", theme.style(Role::Strong));
            }
            Line::Lane(of) => {
                if let Some((_, cells)) = cache.rows.iter().find(|(row, _)| *row == of) {
                    lane::draw(buffer, area, layout, theme, view, of, cells);
                }
            }
            Line::Blind(runtime) => {
                if let Some((_, cells)) = cache.blind.iter().find(|(row, _)| *row == runtime) {
                    marks_row(
                        buffer,
                        area,
                        layout,
                        theme,
                        view,
                        ("blind", "░", Role::Blind),
                        cells,
                    );
                    let since = view.opened.facts.blind_at(Some(runtime), view.place.cursor);
                    if let Some(since) = since {
                        let length = duration(view.place.cursor.saturating_sub(since));
                        Pen::new(buffer, layout.behind(area), 0)
                            .fit(&format!("for {length}"), theme.style(Role::Blind));
                    }
                }
            }
            Line::Customs => {
                let look = ("events", "◆", Role::Info);
                marks_row(buffer, area, layout, theme, view, look, &cache.customs);
                let recording = &view.opened.recording;
                let after = recording.customs_from(view.place.cursor.saturating_add(1));
                if let Some(last) = after.index().checked_sub(1).map(CustomIx::new) {
                    Pen::new(buffer, layout.behind(area), 0)
                        .fit(&traced::custom(recording, last), theme.style(Role::Info));
                }
            }
        }
    }
    legend(buffer, layout.legend, theme, view);
}

/// A line that shows where something was, by one glyph.
fn marks_row(
    buffer: &mut Buffer,
    area: Rect,
    layout: Layout,
    theme: Theme,
    view: &View,
    (name, glyph, role): (&str, &str, Role),
    cells: &[bool],
) {
    Pen::new(buffer, area, 0).skip(1).left(
        name,
        usize::from(layout.label) - 1,
        theme.style(Role::Dim),
    );
    let timeline = layout.timeline(area);
    let mut pen = Pen::new(buffer, timeline, 0);
    for there in cells {
        pen.put(if *there { glyph } else { " " }, theme.style(role));
    }
    super::axis::mark(buffer, timeline, view);
}

fn legend(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View) {
    let dim = theme.style(Role::Dim);
    let colouring = view.place.scheduler.colouring;
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1);
    match colouring {
        Colouring::Length => {
            pen.put("▃", theme.style(Role::Running))
                .put(" polls  ", dim)
                .put("█", theme.style(Role::Critical))
                .put(
                    &format!(" {} or longer  ", brief(view.opened.facts.slow_poll)),
                    dim,
                );
        }
        by => {
            pen.put(&format!("▃ polls {}  ", by.name()), dim);
            // The selected task is the key to its own colour.
            if let Some(task) = view.place.task {
                let recording = &view.opened.recording;
                let name = match by {
                    Colouring::Location => recording.location(task).map_or("?", place).to_owned(),
                    _ => wording::task(recording, task),
                };
                pen.put(&format!("█ {name}  "), theme.hue(hue(recording, task, by)));
            }
        }
    }
    pen.put("· parked  ↑ wakes", dim);
    if view.table.wish.filter.is_some() {
        pen.put("  ", dim)
            .put("▃", theme.style(Role::Dim))
            .put(" not in the filter", dim);
    }
    if view.opened.facts.slow().is_empty() {
        return;
    }
    let key = view.key(ActionId::NextSlow);
    pen.fit(&format!("  {key}: next slow poll"), dim);
}
