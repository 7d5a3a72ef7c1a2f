//! Blind intervals: while every worker of a runtime is inside a poll, nobody asks the driver, and I/O and timers that
//! are due are not even woken.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::recording::{
    LaneIx, LaneKind, Ns, Outcome, PollIx, Recording, RuntimeIx, TaskIx, WakeIx, Waker,
};

/// How long after a blind interval the first wake of the runtime still counts as its consequence. The worker that
/// returns first may poll the tasks of its queue before it asks the driver; measured, it took up to 0.8 ms.
pub const AFTERMATH: Ns = 10_000_000;
/// How long after the first the others come: one turn of the driver wakes all that are due.
pub const BURST: Ns = 2_000_000;

/// An interval in which every worker of a runtime was inside a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blind {
    /// The runtime.
    pub runtime: RuntimeIx,
    /// When the last of its workers entered its poll.
    pub start: Ns,
    /// When the first of them left it; the end of the recording where none had.
    pub end: Ns,
    /// Whether it had not ended when the recording was made.
    pub open: bool,
    /// The polls, one per worker, ascending by worker.
    pub polls: Vec<PollIx>,
}

impl Blind {
    /// Its length.
    #[must_use]
    pub fn duration(&self) -> Ns {
        self.end - self.start
    }
}

/// A task that the runtime woke right after a blind interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// The wake.
    pub wake: WakeIx,
    /// The task.
    pub task: TaskIx,
    /// By how much it may have come late, at most. It is not schedule delay.
    pub at_most: Ns,
}

/// The proved blind intervals of at least `shortest`, ascending by start.
///
/// A poll inside `block_in_place` does not keep its worker: the worker goes on, on another thread.
#[must_use]
pub fn blind_intervals(recording: &Recording, shortest: Ns) -> Vec<Blind> {
    let mut long: HashMap<RuntimeIx, Vec<PollIx>> = HashMap::new();
    for lane in 0..recording.lanes().len() {
        let lane = LaneIx::new(lane);
        let Some(runtime) = recording.runtime_of(lane) else {
            continue;
        };
        let polls = recording.polls_on(lane).iter().copied();
        let keeps = |poll: &PollIx| {
            recording.poll_duration(*poll) >= shortest && keeps_worker(recording, *poll)
        };
        let polls: Vec<PollIx> = polls.filter(keeps).collect();
        if !polls.is_empty() {
            long.entry(runtime).or_default().extend(polls);
        }
    }
    let workers = workers(recording);
    let mut intervals: Vec<Blind> = long
        .into_iter()
        .flat_map(|(runtime, polls)| {
            let workers = workers.get(&runtime).copied().unwrap_or(usize::MAX);
            of_runtime(recording, runtime, &polls, workers, shortest)
        })
        .collect();
    intervals.sort_by_key(|blind| (blind.start, blind.runtime));
    intervals
}

/// Whether a poll kept its worker busy: nothing else happened on the lane, by another thread, while it went on.
#[must_use]
pub fn keeps_worker(recording: &Recording, poll: PollIx) -> bool {
    // The worker goes on at once, so that is among the first rows; nested polls of the same thread are few.
    const FIRST: usize = 64;
    let row = recording.poll(poll);
    let inside = |start: Ns| row.start <= start && start < row.end();
    let polls = recording.polls_on(row.lane);
    let from = polls.partition_point(|other| recording.poll_start(*other) < row.start);
    let handed_over = polls[from..]
        .iter()
        .take(FIRST)
        .take_while(|other| inside(recording.poll_start(**other)))
        .any(|other| recording.poll(*other).thread != row.thread);
    let parks = recording.parks_on(row.lane);
    let from = parks.partition_point(|park| recording.park(*park).start < row.start);
    let parked = parks[from..]
        .iter()
        .take(FIRST)
        .map(|park| recording.park(*park))
        .take_while(|park| inside(park.start))
        .any(|park| park.thread != row.thread);
    !handed_over && !parked
}

/// How many workers each runtime has. Every one counts, also one that never wrote an event: if it was parked all the
/// time, nobody was blind.
#[must_use]
pub fn workers(recording: &Recording) -> HashMap<RuntimeIx, usize> {
    let mut workers: HashMap<RuntimeIx, usize> = HashMap::new();
    for lane in recording.lanes() {
        if let LaneKind::Worker { runtime, .. } = lane.kind {
            *workers.entry(runtime).or_default() += 1;
        }
    }
    for (runtime, seen) in &mut workers {
        *seen = (*seen).max(recording.runtime(*runtime).workers as usize);
    }
    workers
}

fn of_runtime(
    recording: &Recording,
    runtime: RuntimeIx,
    polls: &[PollIx],
    workers: usize,
    shortest: Ns,
) -> Vec<Blind> {
    let mut edges: Vec<(Ns, bool, PollIx)> = Vec::with_capacity(polls.len() * 2);
    for &poll in polls {
        let row = recording.poll(poll);
        edges.push((row.start, true, poll));
        edges.push((row.end(), false, poll));
    }
    // At one instant, ends come first: polls that only touch do not overlap.
    edges.sort_unstable_by_key(|(at, begins, poll)| (*at, *begins, *poll));
    let mut inside: BTreeMap<LaneIx, BTreeSet<PollIx>> = BTreeMap::new();
    let mut blind = Vec::new();
    for (at, begins, poll) in edges {
        let lane = recording.poll(poll).lane;
        if begins {
            inside.entry(lane).or_default().insert(poll);
            continue;
        }
        let was_blind = inside.len() >= workers;
        // Of nested polls on one worker the outermost is the one that keeps it.
        let outermost: Option<Vec<PollIx>> = was_blind.then(|| {
            inside
                .values()
                .filter_map(|polls| polls.first().copied())
                .collect()
        });
        if let Some(polls) = inside.get_mut(&lane) {
            polls.remove(&poll);
            if polls.is_empty() {
                inside.remove(&lane);
            }
        }
        if let Some(polls) = outermost.filter(|_| inside.len() < workers) {
            let start = polls
                .iter()
                .map(|poll| recording.poll_start(*poll))
                .max()
                .unwrap_or(at);
            let open = polls
                .iter()
                .all(|poll| recording.poll(*poll).outcome == Outcome::StillRunning);
            if at - start >= shortest {
                blind.push(Blind {
                    runtime,
                    start,
                    end: at,
                    open,
                    polls,
                });
            }
        }
    }
    blind
}

/// The tasks that the runtime woke right after `blind`, each once, the one that may be latest first.
#[must_use]
pub fn late_after(recording: &Recording, blind: &Blind) -> Vec<Late> {
    let mut late: Vec<Late> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    if blind.open {
        return late;
    }
    let mut last = blind.end.saturating_add(AFTERMATH);
    for number in recording.wakes_from(blind.end).index()..recording.wake_count() {
        let number = WakeIx::new(number);
        if recording.wake_at(number) > last {
            break;
        }
        let wake = recording.wake(number);
        let here = recording
            .wake_lane(number)
            .and_then(|lane| recording.runtime_of(lane))
            == Some(blind.runtime);
        if wake.waker != Waker::Runtime || wake.redundant || !here || !seen.insert(wake.task) {
            continue;
        }
        if seen.len() == 1 {
            last = wake.at.saturating_add(BURST).min(last);
        }
        // Nothing was due before the task began to wait for it.
        let idle_since = recording
            .last_poll_before(wake.task, wake.at)
            .map(|poll| recording.poll(poll).end())
            .or(recording.task(wake.task).spawned_at());
        let from = idle_since.map_or(blind.start, |since| since.max(blind.start));
        if from < blind.end {
            late.push(Late {
                wake: number,
                task: wake.task,
                at_most: wake.at - from,
            });
        }
    }
    late.sort_by_key(|late| (std::cmp::Reverse(late.at_most), late.wake));
    late
}
