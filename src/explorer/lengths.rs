//! How long the polls of a task took, and how long it was ready before them: bars over lengths of time.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    text::{Pen, brief, count, width},
    theme::{Role, Theme},
    view::View,
    work::Errand,
};
use crate::{
    analysis::query::Scope,
    recording::{Ns, PollIx, Recording, TaskIx},
};

/// Whether the bars are wanted where there is no room for them beside the list, and what they were made for.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) wanted: bool,
    asked: Option<Key>,
    made: Option<Arc<Lengths>>,
}

/// A task, and the range that is marked.
type Key = (TaskIx, Option<(Ns, Ns)>);

/// The lengths of both kinds.
#[derive(Debug)]
struct Lengths {
    key: Key,
    polls: Bars,
    delays: Bars,
}

/// Steps of a bar: 1, 2 and 5 times each power of ten, from 100 ns to 100 s.
const STEPS: usize = 28;

/// The shortest length that bar `step` counts; the first one counts everything below, too.
fn shortest(step: usize) -> Ns {
    let unit = 10_i64.pow(2 + (step / 3) as u32);
    unit * [1, 2, 5][step % 3]
}

fn step(length: Ns) -> usize {
    (1..STEPS)
        .rev()
        .find(|step| shortest(*step) <= length)
        .unwrap_or(0)
}

/// How many lengths there are in each step.
#[derive(Debug, Default)]
struct Bars {
    steps: [u64; STEPS],
    known: usize,
    median: Ns,
    p99: Ns,
    longest: Ns,
}

impl Bars {
    fn new(mut lengths: Vec<Ns>) -> Self {
        let mut bars = Self {
            known: lengths.len(),
            ..Self::default()
        };
        for length in &lengths {
            bars.steps[step(*length)] += 1;
        }
        let mut rank = |percent: usize| {
            let place = (bars.known * percent).div_ceil(100).checked_sub(1);
            place.map_or(0, |place| *lengths.select_nth_unstable(place).1)
        };
        (bars.median, bars.p99, bars.longest) = (rank(50), rank(99), rank(100));
        bars
    }

    /// At most `most` bars, ascending: what each of them counts from, and how many. Where the steps are too many, a bar
    /// is a power of ten; and where those are, the shortest are one.
    fn rows(&self, most: usize) -> Vec<(Ns, u64)> {
        let first = self.steps.iter().position(|n| *n > 0).unwrap_or(0);
        let last = self.steps.iter().rposition(|n| *n > 0).unwrap_or(0);
        if self.known == 0 || most == 0 {
            return Vec::new();
        }
        if last - first < most {
            let rows = (first..=last).map(|step| (shortest(step), self.steps[step]));
            return rows.collect();
        }
        let decades = first / 3..=last / 3;
        let skip = decades.clone().count().saturating_sub(most);
        let mut rows: Vec<(Ns, u64)> = Vec::new();
        for (number, decade) in decades.enumerate() {
            let steps = decade * 3..(decade * 3 + 3).min(STEPS);
            let sum: u64 = self.steps[steps].iter().sum();
            match rows.last_mut().filter(|_| number <= skip) {
                Some(row) => row.1 += sum,
                None => rows.push((shortest(decade * 3), sum)),
            }
        }
        rows
    }
}

impl Lengths {
    fn new(recording: &Recording, key: Key, asked: impl Fn() -> bool) -> Option<Self> {
        let (task, range) = key;
        let polls = match range {
            Some(range) => {
                let scope = Scope {
                    at: range.1,
                    range: Some(range),
                };
                scope.polls(recording, task)
            }
            None => recording.polls_of(task),
        };
        let collect = |get: &dyn Fn(PollIx) -> Option<Ns>| {
            let mut lengths = Vec::with_capacity(polls.len());
            for some in polls.chunks(10_000) {
                if asked() {
                    return None;
                }
                lengths.extend(some.iter().filter_map(|poll| get(*poll)));
            }
            Some(lengths)
        };
        Some(Self {
            key,
            polls: Bars::new(collect(&|poll| Some(recording.poll_duration(poll)))?),
            delays: Bars::new(collect(&|poll| recording.delay(poll))?),
        })
    }
}

impl View {
    /// Has the bars of the selected task made, unless they are there or on their way.
    pub(super) fn refresh_lengths(&mut self) {
        let Some(task) = self.place.task else { return };
        let key = (task, self.marked());
        if self.lengths.asked == Some(key) {
            return;
        }
        self.lengths.asked = Some(key);
        let opened = Arc::clone(&self.opened);
        let large = opened.recording.polls_of(task).len() > 50_000;
        self.ask(Errand::Lengths, large, move |stop| {
            let made = Arc::new(Lengths::new(&opened.recording, key, || stop.asked())?);
            Some(Box::new(move |view| view.lengths.made = Some(made)))
        });
    }
}

/// Both kinds of bars, side by side where there is room, else one above the other.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, theme: Theme, view: &View, task: TaskIx) {
    let Some(lengths) = view.lengths.made.as_deref() else {
        Pen::new(buffer, area, 0)
            .skip(1)
            .put("looking at every poll", theme.style(Role::Dim));
        return;
    };
    let old = lengths.key != (task, view.marked());
    let (polls, delays) = if area.width >= 70 {
        let width = area.width / 2;
        let left = Rect { width, ..area };
        let right = Rect {
            x: area.x + width,
            width: area.width - width,
            ..area
        };
        (left, right)
    } else {
        let height = area.height / 2;
        let above = Rect { height, ..area };
        let below = Rect {
            y: area.y + height,
            height: area.height - height,
            ..area
        };
        (above, below)
    };
    let role = if old { Role::Dim } else { Role::Running };
    bars(buffer, polls, theme, "polls", &lengths.polls, role);
    let role = if old { Role::Dim } else { Role::Runnable };
    let what = "schedule delays";
    bars(buffer, delays, theme, what, &lengths.delays, role);
}

fn bars(buffer: &mut Buffer, area: Rect, theme: Theme, what: &str, bars: &Bars, role: Role) {
    /// Cells in front of a bar and behind it: what it counts from, and how many.
    const LABELS: usize = 18;
    let known = count(bars.known as u64);
    let [median, p99, longest] = [bars.median, bars.p99, bars.longest].map(brief);
    let mut title = if bars.known == 0 {
        format!("no {what} known")
    } else {
        format!("{what} {known}: p50 {median}, p99 {p99}, longest {longest}")
    };
    if width(&title) >= usize::from(area.width) {
        title = format!("{what} {known}: p99 {p99}");
    }
    Pen::new(buffer, area, 0)
        .skip(1)
        .fit(&title, theme.style(Role::Plain));
    let rows = bars.rows(usize::from(area.height).saturating_sub(1));
    let most = rows.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let room = usize::from(area.width).saturating_sub(LABELS + 1) as u64;
    for (row, (from, n)) in (1..area.height).zip(rows) {
        // What is there must be seen, however little.
        let eighths = (n * room * 8).div_ceil(most);
        let mut bar = "█".repeat((eighths / 8) as usize);
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        bar.push_str(PARTS[(eighths % 8) as usize]);
        Pen::new(buffer, area, row)
            .right(&brief(from), 8, theme.style(Role::Dim))
            .skip(1)
            .put(&bar, theme.style(role))
            .skip(usize::from(n > 0))
            .put(&count(n), theme.style(Role::Plain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_in_the_step_that_it_reaches() {
        for length in [
            0,
            99,
            100,
            199,
            200,
            499,
            500,
            999,
            1_000,
            77_000_000,
            Ns::MAX,
        ] {
            let step = step(length);
            assert!(step == 0 || shortest(step) <= length);
            assert!(step + 1 == STEPS || length < shortest(step + 1));
        }
    }

    #[test]
    fn no_length_is_left_out_however_few_the_rows() {
        let lengths: Vec<Ns> = (0..9).map(|power| 3 * 10_i64.pow(power)).collect();
        let bars = Bars::new(lengths);
        for most in 1..40 {
            let rows = bars.rows(most);
            assert!(!rows.is_empty() && rows.len() <= most, "{most}: {rows:?}");
            assert_eq!(rows.iter().map(|(_, n)| *n).sum::<u64>(), 9);
            assert!(rows.is_sorted_by_key(|(from, _)| *from));
        }
        assert_eq!((bars.median, bars.longest), (30_000, 300_000_000));
        assert!(Bars::new(Vec::new()).rows(5).is_empty());
    }
}
