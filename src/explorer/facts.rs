//! What the explorer computes once, right after loading and off the drawing thread, so that no frame has to.

use super::{figures::in_parallel, span::Span, steps::Lives};
use crate::{
    analysis::{
        Blind, Finding, Idle, NotChecked, State, Thresholds,
        blind::AFTERMATH,
        blind_intervals,
        delays::p99_in,
        findings, idle, label, not_checked,
        query::Vocabulary,
        ready::{self, Ready},
        state_at, trouble,
    },
    recording::{Cover, Forest, LaneIx, Ns, PollIx, Recording, RuntimeIx, TaskIx, WaitIx, WakeIx},
};

/// A recording and what was computed from it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) recording: Recording,
    pub(super) facts: Facts,
    pub(super) lives: Lives,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) findings: Vec<Finding>,
    pub(super) not_checked: Vec<NotChecked>,
    pub(super) slow_poll: Ns,
    delay_p99: Vec<Option<Ns>>,
    trouble: Vec<TaskIx>,
    trouble_rank: Vec<u32>,
    slow: Vec<PollIx>,
    /// Whether any worker is known: else nobody knows how busy they were.
    pub(super) workers_known: bool,
    /// The blind intervals, ascending by start, and who was polling in each.
    pub(super) blind_intervals: Vec<Blind>,
    blind: Vec<BlindOf>,
    activity: Vec<Activity>,
    earliest: Ns,
    /// Digits of the longest task id.
    pub(super) id_digits: usize,
    /// The words that a filter is completed with.
    pub(super) words: Vocabulary,
    /// Who was idle for longest at the end.
    pub(super) idle: Idle,
    pub(super) longest_poll: Option<PollIx>,
    /// Who was ready for longest at the end.
    pub(super) ready: Ready,
    /// The poll with the longest schedule delay.
    pub(super) latest_poll: Option<PollIx>,
    /// The longest that a task was ready, where a poll of that length would be critical.
    pub(super) ready_too_long: Option<Ns>,
}

/// Bins of the strip: more than any terminal is wide.
const BINS: usize = 2_048;

/// The most idle tasks that are worth listing beside the findings.
const MOST_IDLE: usize = 50;
/// And of those that were ready.
const MOST_READY: usize = 10;

/// Blind intervals shorter than this are of no interest to a person who looks for a delay.
const SHORTEST_BLIND: Ns = 1_000_000;

/// What the workers did in a part of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Activity {
    /// How much of the workers' time was spent in polls, in thousandths.
    pub(super) busy: u16,
    /// Whether all workers of a runtime were inside polls for a while that somebody would notice.
    pub(super) blind: bool,
}

impl Opened {
    /// Computes the facts of `recording`.
    pub(super) fn new(recording: Recording, thresholds: &Thresholds) -> Self {
        let facts = Facts::new(&recording, thresholds);
        let lives = Lives::new(&recording);
        Self {
            recording,
            facts,
            lives,
        }
    }

    pub(super) fn state(&self, task: TaskIx, at: Ns) -> State {
        state_at(&self.recording, task, at)
    }

    /// Whether `task` is neither unborn nor done at `at`.
    pub(super) fn alive(&self, task: TaskIx, at: Ns) -> bool {
        self.recording.is_alive(task, at)
    }

    /// Orders states from the busiest to the least alive.
    pub(super) fn state_rank(&self, task: TaskIx, at: Ns) -> (u8, Ns) {
        match self.state(task, at) {
            State::Running(poll) => (0, self.recording.poll_start(poll)),
            State::Runnable { since } => (1, since),
            State::Idle {
                since,
                unwakeable: Some(_),
                ..
            } => (2, since.unwrap_or(Ns::MIN)),
            State::Idle {
                since,
                wait: Some(_),
                ..
            } => (3, since.unwrap_or(Ns::MIN)),
            State::Idle { since, .. } => (4, since.unwrap_or(Ns::MIN)),
            State::Unknown => (5, 0),
            State::NotYetSpawned => (6, 0),
            State::Done => (7, 0),
        }
    }

    /// What the marks say that `task` waits on at `at`.
    pub(super) fn waiting_on(&self, task: TaskIx, at: Ns) -> Option<String> {
        match self.state(task, at) {
            State::Idle { .. } | State::Unknown => idle::waiting_on(&self.recording, task, at),
            _ => None,
        }
    }

    /// The whole window, which the strip shows.
    pub(super) fn window(&self) -> Span {
        // The last instant belongs to it.
        Span::new(0, self.recording.window().end.saturating_add(1))
    }

    /// The instants between which the cursor moves: the window, and older facts.
    pub(super) fn bounds(&self) -> (Ns, Ns) {
        (
            self.facts.earliest,
            self.recording.window().end.max(self.facts.earliest),
        )
    }
}

impl Facts {
    fn new(recording: &Recording, thresholds: &Thresholds) -> Self {
        let findings = findings(recording, thresholds);
        let window = recording.window();
        let tally = recording.tally(0, window.end, &|| false);
        let tally = tally.unwrap_or_default();
        let delay_p99 = in_parallel(recording, |task| {
            p99_in(&tally, recording, task, &mut Vec::new())
        });
        drop(tally);
        let slow_poll = thresholds.slow_poll_info;
        let slow = recording
            .polls()
            .filter(|poll| recording.poll_duration(*poll) >= slow_poll)
            .collect();
        let blind_intervals = blind_intervals(recording, SHORTEST_BLIND);
        let blind = BlindOf::group(recording, &blind_intervals);
        let mut ready = ready::ready_at(recording, window.end, usize::MAX, |_| true);
        let trouble = trouble::trouble(recording, &findings, &ready.longest, thresholds);
        ready.longest.truncate(MOST_READY);
        let mut trouble_rank = vec![0; trouble.len()];
        for (task, rank) in trouble.iter().zip(0u32..) {
            trouble_rank[task.index()] = rank;
        }
        let extremes = ready::extremes(recording, |_| true);
        Self {
            ready_too_long: ready::too_long(recording, &ready, &extremes, thresholds),
            trouble,
            trouble_rank,
            not_checked: not_checked(recording),
            findings,
            slow_poll,
            delay_p99,
            slow,
            activity: activity(recording, &blind),
            workers_known: workers(recording).next().is_some(),
            blind,
            blind_intervals,
            earliest: earliest(recording),
            id_digits: recording
                .tasks()
                .map(|task| label::id(recording.task(task).id).len())
                .max()
                .unwrap_or(1),
            words: Vocabulary::new(recording),
            idle: idle::idle_at(recording, window.end, MOST_IDLE, |_| true),
            ready,
            latest_poll: extremes.latest,
            longest_poll: extremes.longest,
        }
    }

    /// The 99th percentile of the task's schedule delays in the window.
    pub(super) fn delay_p99(&self, task: TaskIx) -> Option<Ns> {
        self.delay_p99.get(task.index()).copied().flatten()
    }

    /// Every task, those first that a person should look at first.
    pub(super) fn trouble(&self) -> &[TaskIx] {
        &self.trouble
    }

    /// Where `task` stands among [`Facts::trouble`].
    pub(super) fn trouble_rank(&self, task: TaskIx) -> u32 {
        self.trouble_rank
            .get(task.index())
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// The slow polls of all tasks, ascending by start.
    pub(super) fn slow(&self) -> &[PollIx] {
        &self.slow
    }

    /// Adds to `cells` what the blind intervals of `runtime` do in them.
    pub(super) fn cover_blind(&self, runtime: Option<RuntimeIx>, span: Span, cells: &mut [Cover]) {
        if let Some(blind) = runtime.and_then(|runtime| self.blind.get(runtime.index())) {
            blind.cover(span, cells);
        }
    }

    /// Since when the workers of `runtime` have all been inside polls at `at`, if they were.
    pub(super) fn blind_at(&self, runtime: Option<RuntimeIx>, at: Ns) -> Option<Ns> {
        self.blind_interval(runtime, at).map(|(start, _)| start)
    }

    /// From when to when the workers of `runtime` were all inside polls, if they were at `at`.
    pub(super) fn blind_interval(&self, runtime: Option<RuntimeIx>, at: Ns) -> Option<(Ns, Ns)> {
        self.latest_blind(runtime, at).filter(|(_, end)| at < *end)
    }

    /// The blind interval that ended right before `at`: a wake by the runtime that comes so soon after it may be late
    /// by its length.
    pub(super) fn blind_before(&self, runtime: Option<RuntimeIx>, at: Ns) -> Option<(Ns, Ns)> {
        let (start, end) = self.latest_blind(runtime, at)?;
        (end..=end.saturating_add(AFTERMATH))
            .contains(&at)
            .then_some((start, end))
    }

    fn latest_blind(&self, runtime: Option<RuntimeIx>, at: Ns) -> Option<(Ns, Ns)> {
        let intervals = &self.blind.get(runtime?.index())?.intervals;
        let after = intervals.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1).map(|index| intervals[index])
    }

    /// What happened in `cell` of `cells` of the whole window.
    pub(super) fn activity(&self, cell: usize, cells: usize) -> Activity {
        let cells = cells.max(1);
        let from = cell * BINS / cells;
        let to = ((cell + 1) * BINS / cells).clamp(from + 1, BINS.max(from + 1));
        let bins = self.activity.get(from..to.min(BINS)).unwrap_or_default();
        let sum: usize = bins.iter().map(|bin| usize::from(bin.busy)).sum();
        Activity {
            busy: u16::try_from(sum / bins.len().max(1)).unwrap_or(u16::MAX),
            blind: bins.iter().any(|bin| bin.blind),
        }
    }
}

/// The blind intervals of one runtime.
#[derive(Debug)]
struct BlindOf {
    intervals: Vec<(Ns, Ns)>,
    forest: Forest,
}

impl BlindOf {
    /// One entry per runtime.
    fn group(recording: &Recording, blind: &[Blind]) -> Vec<Self> {
        let runtimes = (0..recording.runtimes().len()).map(RuntimeIx::new);
        runtimes
            .map(|runtime| {
                let of_it = blind.iter().filter(|blind| blind.runtime == runtime);
                let intervals: Vec<_> = of_it.map(|blind| (blind.start, blind.end)).collect();
                let forest = Forest::new(intervals.len(), |index| intervals[index]);
                Self { intervals, forest }
            })
            .collect()
    }

    fn cover(&self, span: Span, cells: &mut [Cover]) {
        self.forest
            .cover(span.from(), span.to(), cells, |index| self.intervals[index]);
    }
}

/// The time of the oldest event that a history can show, or 0.
fn earliest(recording: &Recording) -> Ns {
    let facts = recording.tasks().map(|task| recording.task(task));
    let facts = facts.flat_map(|facts| [facts.spawned_at(), facts.ended_at()]);
    let waits = (0..recording.wait_count()).map(|wait| recording.wait(WaitIx::new(wait)));
    let waits = waits.flat_map(|wait| [wait.begin, wait.end]);
    let poll = (recording.poll_count() > 0).then(|| recording.poll_start(PollIx::new(0)));
    let wake = (recording.wake_count() > 0).then(|| recording.wake_at(WakeIx::new(0)));
    facts
        .chain(waits)
        .chain([poll, wake])
        .flatten()
        .fold(0, Ns::min)
}

fn workers(recording: &Recording) -> impl Iterator<Item = LaneIx> {
    let lanes = (0..recording.lanes().len()).map(LaneIx::new);
    lanes.filter(|lane| recording.worker_of(*lane).is_some())
}

fn activity(recording: &Recording, blind: &[BlindOf]) -> Vec<Activity> {
    let window = Span::new(0, recording.window().end.saturating_add(1));
    let mut busy = vec![Cover::default(); BINS];
    let workers: Vec<_> = workers(recording).collect();
    let mut of_lane = vec![Cover::default(); BINS];
    for lane in &workers {
        recording.lane_cover(*lane, window.from(), window.to(), &mut of_lane);
        for (sum, cover) in busy.iter_mut().zip(&of_lane) {
            sum.covered = sum.covered.saturating_add(cover.covered);
            sum.any |= cover.any;
        }
    }
    let mut blinds = vec![Cover::default(); BINS];
    blind
        .iter()
        .for_each(|blind| blind.cover(window, &mut blinds));
    let capacity = i128::from(window.per_cell(BINS)) * workers.len().max(1) as i128;
    busy.iter()
        .zip(&blinds)
        .map(|(busy, blind)| {
            let share = i128::from(busy.covered) * 1_000 / capacity.max(1);
            // What is there must be seen, however short.
            let share = share.clamp(i128::from(busy.any), 1_000);
            Activity {
                busy: u16::try_from(share).unwrap_or(1_000),
                blind: blind.any,
            }
        })
        .collect()
}
