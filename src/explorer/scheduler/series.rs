//! Series below the lanes: how many tasks were ready, queued, alive, woken; and whatever else was recorded.

use std::{collections::HashMap, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    growth::{self, Counts},
    lane::short,
    layout::Layout,
};
use crate::{
    analysis::label,
    explorer::{
        facts::Opened,
        frame::level,
        span::Span,
        text::{Pen, brief, count},
        theme::{Role, Theme},
        view::View,
    },
    recording::{
        Band, Curve, GLOBAL_QUEUE, LOCAL_QUEUE, LaneKind, Ns, Recording, Scope, SeriesIx,
        time::instant_short,
    },
};

/// What a line shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Curve(Curve),
    Recorded(SeriesIx),
    /// How fast a counter grows.
    Growth(SeriesIx, Counts),
}

/// The computed ones, in the order in which they are shown.
const CURVES: [Curve; 4] = [Curve::Runnable, Curve::Queue, Curve::Alive, Curve::Wakes];

/// What is kept of the series for drawing.
#[derive(Debug, Default)]
pub(super) struct Cache {
    made_for: Option<Key>,
    rows: Vec<(Line, Vec<Band>)>,
    /// What each recorded series counts, once somebody has looked at it.
    counts: HashMap<SeriesIx, Option<Counts>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    span: Span,
    cells: usize,
    first: usize,
    height: u16,
}

/// How many series there are.
pub(super) fn wanted(opened: &Opened) -> usize {
    let recording = &opened.recording;
    let curves = CURVES
        .iter()
        .filter(|curve| recording.knows(**curve))
        .count();
    curves + recording.all_series().len()
}

/// The series in their order, from number `first` on, each once: what concerns the whole process first, and last what
/// the queue's curve adds up.
fn lines(recording: &Recording, first: usize) -> impl Iterator<Item = Line> {
    let curves = CURVES.into_iter().filter(|curve| recording.knows(*curve));
    let mut recorded: Vec<SeriesIx> = recording.all_series().collect();
    recorded.sort_by_key(|series| {
        let series = recording.series(*series);
        let queue = [LOCAL_QUEUE, GLOBAL_QUEUE].contains(&recording.str(series.name));
        (queue, series.scope != Scope::Process)
    });
    let lines: Vec<Line> = curves
        .map(Line::Curve)
        .chain(recorded.into_iter().map(Line::Recorded))
        .collect();
    let len = lines.len();
    lines.into_iter().cycle().skip(first % len.max(1)).take(len)
}

/// Shows the next series first.
pub(super) fn next(view: &mut View) {
    let all = wanted(&view.opened);
    if all == 0 {
        view.note = Some("No series was recorded.".to_owned());
        return;
    }
    let spot = &mut view.place.scheduler;
    spot.series = (spot.series + 1) % all;
    let recording = &view.opened.recording;
    let name = lines(recording, spot.series)
        .next()
        .map(|line| line.name(recording));
    view.note = Some(format!(
        "Series {} of {all} first: {}.",
        spot.series + 1,
        name.unwrap_or_default()
    ));
}

/// Makes the cells be those of the place.
pub(super) fn settle(view: &mut View, layout: Layout) {
    let key = Key {
        span: view.place.span,
        cells: layout.cells,
        first: view.place.scheduler.series,
        height: layout.series.height,
    };
    if view.scheduler.series.made_for == Some(key) {
        return;
    }
    let opened = Arc::clone(&view.opened);
    let recording = &opened.recording;
    let (from, to) = (key.span.from(), key.span.to());
    let shown = lines(recording, key.first).take(usize::from(key.height));
    let known = &mut view.scheduler.series.counts;
    let rows = shown
        .map(|line| {
            let line = match line {
                Line::Recorded(series) => known
                    .entry(series)
                    .or_insert_with(|| growth::counts(recording, series))
                    .map_or(line, |counts| Line::Growth(series, counts)),
                line => line,
            };
            let mut bands = vec![Band::default(); key.cells];
            match line {
                Line::Curve(curve) => recording.cover_curve(curve, from, to, &mut bands),
                Line::Recorded(series) => recording.cover_series(series, from, to, &mut bands),
                Line::Growth(series, counts) => {
                    let edge = |cell| key.span.start_of(cell, key.cells);
                    let edges: Vec<Ns> = (0..=key.cells).map(edge).collect();
                    bands = growth::cover(recording, series, counts, &edges);
                }
            }
            (line, bands)
        })
        .collect();
    view.scheduler.series.rows = rows;
    view.scheduler.series.made_for = Some(key);
}

impl Line {
    fn name(self, recording: &Recording) -> String {
        match self {
            Self::Curve(Curve::Runnable) => "ready".to_owned(),
            Self::Curve(Curve::Queue) => "queue".to_owned(),
            Self::Curve(Curve::Alive) => "alive".to_owned(),
            Self::Curve(Curve::Wakes) => "wakes".to_owned(),
            Self::Recorded(series) | Self::Growth(series, _) => {
                let series = recording.series(series);
                let name = recording.str(series.name);
                // Whose it is comes first: names are cut at their end.
                match series.scope {
                    Scope::Process => name.to_owned(),
                    Scope::Runtime(_) if recording.runtimes().len() == 1 => name.to_owned(),
                    Scope::Runtime(runtime) => {
                        format!("r{} {name}", recording.runtime(runtime).id)
                    }
                    Scope::Lane(lane) => match recording.lane(lane).kind {
                        LaneKind::Worker { runtime, worker } if recording.runtimes().len() > 1 => {
                            format!("r{}w{worker} {name}", recording.runtime(runtime).id)
                        }
                        _ => format!("{} {name}", short(recording, lane)),
                    },
                    Scope::Thread(thread) => {
                        format!("{} {name}", label::thread(recording, thread))
                    }
                }
            }
        }
    }

    /// A value in its unit.
    fn value(self, recording: &Recording, value: i64) -> String {
        let unit = match self {
            Self::Growth(_, Counts::Time(_)) => return format!("{value} %"),
            Self::Growth(_, Counts::Events) => {
                return format!("{}/s", count(value.unsigned_abs()));
            }
            Self::Curve(_) => "",
            Self::Recorded(series) => recording.str(recording.series(series).unit),
        };
        let sign = if value < 0 { "-" } else { "" };
        match unit {
            "" | "1" | "count" => format!("{sign}{}", count(value.unsigned_abs())),
            "ns" => brief(value),
            "us" | "µs" => brief(value.saturating_mul(1_000)),
            "ms" => brief(value.saturating_mul(1_000_000)),
            "bytes" | "By" | "B" => format!("{sign}{}", bytes(value.unsigned_abs())),
            "%" => format!("{value} %"),
            unit => format!("{sign}{} {unit}", count(value.unsigned_abs())),
        }
    }

    /// What it was at the cursor; wakes are counted in its cell.
    fn at(self, recording: &Recording, at: Ns, cell: Option<&Band>) -> Option<i64> {
        match self {
            Self::Curve(Curve::Wakes) => cell.filter(|band| band.any).map(|band| band.max),
            Self::Curve(curve) => recording.curve_at(curve, at),
            Self::Recorded(series) => recording.value_at(series, at),
            Self::Growth(series, counts) => growth::rate_at(recording, series, counts, at),
        }
    }

    /// When what was recorded of it begins: before the first point nobody knows what it was.
    fn first(self, recording: &Recording) -> Option<Ns> {
        let first = |series| recording.first_point(series).map(|(at, _)| at);
        match self {
            Self::Curve(Curve::Queue) => global(recording).filter_map(first).min(),
            Self::Curve(_) => None,
            Self::Recorded(series) | Self::Growth(series, _) => first(series),
        }
    }

    fn role(self) -> Role {
        match self {
            Self::Curve(Curve::Runnable | Curve::Queue) => Role::Runnable,
            _ => Role::Info,
        }
    }
}

/// The series of global queues.
fn global(recording: &Recording) -> impl Iterator<Item = SeriesIx> {
    let named = |series: &SeriesIx| recording.str(recording.series(*series).name) == GLOBAL_QUEUE;
    recording.all_series().filter(named)
}

/// How long ago the global queues were sampled, the one that was seen longest ago; of polls, each tells its worker's.
fn age(recording: &Recording, at: Ns) -> Option<Ns> {
    let last = global(recording).filter_map(|series| recording.last_point(series, at));
    last.map(|(seen, _)| at.saturating_sub(seen)).max()
}

/// A size in at most 6 cells: `812`, `9.3K`, `80M`.
fn bytes(value: u64) -> String {
    let mut scaled = (value, 0);
    let mut unit = "";
    for next in ["K", "M", "G", "T", "P"] {
        if scaled.0 < 1_024 {
            break;
        }
        scaled = (scaled.0 / 1_024, scaled.0 % 1_024 * 10 / 1_024);
        unit = next;
    }
    if scaled.0 < 10 && !unit.is_empty() {
        format!("{}.{}{unit}", scaled.0, scaled.1)
    } else {
        format!("{}{unit}", scaled.0)
    }
}

pub(super) fn draw(buffer: &mut Buffer, layout: Layout, theme: Theme, view: &View) {
    let rows = &view.scheduler.series.rows;
    for (number, (line, bands)) in (0..layout.series.height).zip(rows) {
        let area = Rect {
            y: layout.series.y + number,
            height: 1,
            ..layout.series
        };
        row(buffer, area, layout, theme, view, *line, bands);
    }
}

fn row(
    buffer: &mut Buffer,
    area: Rect,
    layout: Layout,
    theme: Theme,
    view: &View,
    line: Line,
    bands: &[Band],
) {
    let recording = &view.opened.recording;
    let name = line.name(recording);
    Pen::new(buffer, area, 0).skip(1).left(
        &name,
        usize::from(layout.label) - 2,
        theme.style(Role::Dim),
    );
    let timeline = layout.timeline(area);
    let max = bands
        .iter()
        .filter(|band| band.any)
        .map(|band| band.max)
        .max();
    let mut pen = Pen::new(buffer, timeline, 0);
    let style = theme.style(line.role());
    for band in bands {
        let glyph = match max {
            Some(max) if band.any && band.max > 0 => {
                let share = i128::from(band.max) * 1_000 / i128::from(max.max(1));
                level(u16::try_from(share).unwrap_or(1_000))
            }
            _ => " ",
        };
        pen.put(glyph, style);
    }
    super::axis::mark(buffer, timeline, view);

    let cursor = view.place.cursor;
    let cell = view.place.span.cell(cursor, bands.len());
    let here = line.at(recording, cursor, cell.map(|cell| &bands[cell]));
    let first = line.first(recording).filter(|first| cursor < *first);
    let mut text = match (first, here) {
        (Some(first), _) => format!("first at {}", instant_short(first)),
        (None, Some(value)) => line.value(recording, value),
        (None, None) => "?".to_owned(),
    };
    if let Some(max) = max.filter(|_| first.is_none()) {
        text.push_str(&format!("  max {}", line.value(recording, max)));
    }
    if line == Line::Curve(Curve::Queue) {
        // Each queue is as it was seen last: whoever moved since is in two of them.
        text.push_str("  sampled");
        if let Some(age) = age(recording, cursor) {
            text.push_str(&format!(" {} ago", brief(age)));
        }
    }
    if matches!(line, Line::Recorded(_) | Line::Growth(..)) {
        // Its name has little room in front of the cells.
        text.push_str(&format!("  {name}"));
    }
    Pen::new(buffer, layout.behind(area), 0).fit(&text, theme.style(Role::Plain));
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_are_short() {
        let sizes = [812, 1_023, 9_523, 83_886_080, u64::MAX].map(bytes);
        assert_eq!(sizes, ["812", "1023", "9.2K", "80M", "16383P"]);
    }
}
