//! What a poll led to: whom it woke and spawned, whom it delayed, and who came late because the runtime was blind.

use std::collections::HashSet;

use crate::{
    analysis::blind::{Blind, Late, keeps_worker, late_after, workers},
    recording::{LaneIx, Ns, PollIx, Recording, RuntimeIx, TaskIx, WakeIx, Waker},
};

/// How many of each kind are told one by one.
const MOST_TOLD: usize = 64;
/// How many wakes, spawns and polls are looked at to find them.
const SCANNED: usize = 1 << 16;

/// What a poll led to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Onwards {
    /// Whom it woke or spawned, in the order of time.
    pub woke: Vec<Woke>,
    /// How many there are in all.
    pub woke_in_all: usize,
    /// Whom it delayed, by how much, the longest first.
    pub delayed: Vec<Delayed>,
    /// How many there are in all, at least.
    pub delayed_in_all: usize,
    /// Their times added up.
    pub delayed_for: Ns,
    /// Whether the polls about it were too many to look at each: there may be more.
    pub partial: bool,
    /// Who was woken right after the blind interval that it was part of, the one that may be latest first.
    pub late: Vec<Late>,
    /// How many there are in all.
    pub late_in_all: usize,
}

/// A task that was made runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woke {
    /// The task.
    pub task: TaskIx,
    /// By what.
    pub how: How,
    /// When.
    pub at: Ns,
    /// Its first poll after that, if there was one.
    pub poll: Option<PollIx>,
    /// How much later that poll began.
    pub after: Option<Ns>,
}

/// What made a task runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A wake that made it so.
    Wake(WakeIx),
    /// A wake of a task that was runnable already.
    Redundant(WakeIx),
    /// Its spawn.
    Spawn,
}

/// A task that was ready while the poll kept a worker from running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delayed {
    /// The task.
    pub task: TaskIx,
    /// The poll that it waited for; `None`: it had not come when the recording was made.
    pub poll: Option<PollIx>,
    /// Since when it was ready.
    pub ready: Ns,
    /// For how long of that time the delaying poll stood in the way.
    pub by: Ns,
    /// Whether it was queued behind the poll; if not, all workers were inside polls.
    pub queued: bool,
}

/// What `poll` led to. `blind` are the blind intervals of the recording.
#[must_use]
pub fn onwards(recording: &Recording, blind: &[Blind], poll: PollIx) -> Onwards {
    let mut onwards = Onwards::default();
    woke(recording, poll, &mut onwards);
    if keeps_worker(recording, poll) {
        delayed(recording, poll, &mut onwards);
    }
    let mut late: Vec<Late> = blind
        .iter()
        .filter(|blind| blind.polls.contains(&poll))
        .flat_map(|blind| late_after(recording, blind))
        .collect();
    late.sort_by_key(|late| (std::cmp::Reverse(late.at_most), late.wake));
    onwards.late_in_all = late.len();
    late.truncate(MOST_TOLD);
    onwards.late = late;
    onwards
}

/// The first poll of `task` at or after `at`, but after the poll `not` if that is one of its.
fn next_poll(recording: &Recording, task: TaskIx, at: Ns, not: PollIx) -> Option<PollIx> {
    let polls = recording.polls_of(task);
    let from = polls.partition_point(|poll| recording.poll_start(*poll) < at || *poll == not);
    polls.get(from).copied()
}

fn woke(recording: &Recording, poll: PollIx, onwards: &mut Onwards) {
    let row = recording.poll(poll);
    let within = |wakes: &[WakeIx]| {
        let from = wakes.partition_point(|wake| recording.wake_at(*wake) < row.start);
        let to = wakes.partition_point(|wake| recording.wake_at(*wake) <= row.end());
        from..to
    };
    let issued = recording.wakes_by(row.task);
    let issued = &issued[within(issued)];
    let own = recording.wakes_of(row.task);
    let own = &own[within(own)];
    let by_it = |wake: &&WakeIx| {
        recording.wake(**wake).waker == Waker::Task(row.task)
            && recording.waker_poll(**wake) == Some(poll)
    };
    let looked_at = issued.iter().take(SCANNED).filter(by_it);
    let mut wakes: Vec<WakeIx> = looked_at.copied().collect();
    wakes.extend(own.iter().take(SCANNED).filter(by_it));
    wakes.sort_unstable();
    let unseen = issued.len().saturating_sub(SCANNED);
    let children = recording.children_of(row.task);
    let spawned_at = |task: &TaskIx| recording.task(*task).spawned_at().unwrap_or(Ns::MIN);
    let from = children.partition_point(|child| spawned_at(child) < row.start);
    let to = children.partition_point(|child| spawned_at(child) <= row.end());
    let spawned = children.get(from..to).unwrap_or_default();

    onwards.woke_in_all = wakes.len() + unseen + spawned.len();
    let made = |task: TaskIx, how: How, at: Ns| {
        let next = next_poll(recording, task, at, poll);
        Woke {
            task,
            how,
            at,
            poll: next,
            after: next.map(|next| recording.poll_start(next) - at),
        }
    };
    let mut woke: Vec<Woke> = wakes
        .iter()
        .take(MOST_TOLD)
        .map(|wake| {
            let row = recording.wake(*wake);
            let how = if row.redundant {
                How::Redundant(*wake)
            } else {
                How::Wake(*wake)
            };
            made(row.task, how, row.at)
        })
        .collect();
    woke.extend(
        spawned
            .iter()
            .take(MOST_TOLD)
            .map(|child| made(*child, How::Spawn, spawned_at(child))),
    );
    woke.sort_by_key(|woke| (woke.at, woke.task));
    woke.truncate(MOST_TOLD);
    onwards.woke = woke;
}

fn delayed(recording: &Recording, poll: PollIx, onwards: &mut Onwards) {
    let row = recording.poll(poll);
    let Some(runtime) = recording.runtime_of(row.lane) else {
        return;
    };
    let all_busy = AllPolling::new(recording, runtime, poll);
    onwards.partial = all_busy.is_none();
    let all_busy = all_busy.unwrap_or_default();
    let mut found: Vec<Delayed> = Vec::new();
    let mut offer =
        |task: TaskIx, next: Option<PollIx>, lane: Option<LaneIx>, ready: Ns, to: Ns| {
            let (from, to) = (ready.max(row.start), to.min(row.end()));
            if to <= from
                || recording
                    .task(task)
                    .runtime
                    .is_some_and(|other| other != runtime)
            {
                return;
            }
            let queued = lane == Some(row.lane);
            let by = if queued {
                to - from
            } else {
                all_busy.until(to) - all_busy.until(from)
            };
            if by > 0 {
                found.push(Delayed {
                    task,
                    poll: next,
                    ready,
                    by,
                    queued,
                });
            }
        };
    // Whoever was ready meanwhile is polled after the start of this poll: the nearest come first.
    let first = recording.polls_from(row.start).index();
    let last = recording.poll_count().min(first.saturating_add(SCANNED));
    for next in (first..last).map(PollIx::new) {
        let Some(delay) = recording.delay(next).filter(|delay| *delay > 0) else {
            continue;
        };
        let start = recording.poll_start(next);
        let ready = start.saturating_sub(delay);
        if ready < row.end() && next != poll {
            let after = recording.poll(next);
            offer(after.task, Some(next), Some(after.lane), ready, start);
        }
    }
    onwards.partial |=
        last < recording.poll_count() && recording.poll_start(PollIx::new(last)) < row.end();
    never_polled(recording, poll, &mut onwards.partial, &mut offer);
    found.sort_by_key(|delayed| (std::cmp::Reverse(delayed.by), delayed.ready, delayed.task));
    onwards.delayed_in_all = found.len();
    onwards.delayed_for = found
        .iter()
        .fold(0, |sum: Ns, delayed| sum.saturating_add(delayed.by));
    found.truncate(MOST_TOLD);
    onwards.delayed = found;
}

/// Offers the tasks that were woken during `poll` and not polled before the recording was made.
fn never_polled(
    recording: &Recording,
    poll: PollIx,
    partial: &mut bool,
    offer: &mut impl FnMut(TaskIx, Option<PollIx>, Option<LaneIx>, Ns, Ns),
) {
    let row = recording.poll(poll);
    let end = recording.window().end;
    let first = recording.wakes_from(row.start).index();
    let last = recording.wake_count().min(first.saturating_add(SCANNED));
    let mut seen = HashSet::new();
    for wake in (first..last).map(WakeIx::new) {
        if recording.wake_at(wake) > row.end() {
            return;
        }
        let woken = recording.wake(wake);
        let latest = recording.polls_of(woken.task).last();
        let ready = match latest {
            _ if woken.redundant => continue,
            // In one instant a wake comes before the poll that it causes.
            Some(latest) if recording.poll_start(*latest) >= woken.at => continue,
            Some(latest) => recording.poll(*latest).end().max(woken.at),
            None => woken.at,
        };
        let ended = recording.task(woken.task).ended_at();
        if ended.is_none() && seen.insert(woken.task) {
            offer(woken.task, None, recording.wake_lane(wake), ready, end);
        }
    }
    *partial |= last < recording.wake_count();
}

/// The parts of a poll in which all workers of its runtime were inside polls.
#[derive(Debug, Default)]
struct AllPolling {
    /// Start, end, and how much of such time lies before the start.
    parts: Vec<(Ns, Ns, Ns)>,
}

impl AllPolling {
    /// `None` where the others polled too often meanwhile to look at each.
    fn new(recording: &Recording, runtime: RuntimeIx, poll: PollIx) -> Option<Self> {
        let row = recording.poll(poll);
        let lanes: Vec<LaneIx> = (0..recording.lanes().len())
            .map(LaneIx::new)
            .filter(|lane| recording.runtime_of(*lane) == Some(runtime))
            .collect();
        if lanes.len()
            < workers(recording)
                .get(&runtime)
                .copied()
                .unwrap_or(usize::MAX)
        {
            return Some(Self::default());
        }
        let mut parts = vec![(row.start, row.end())];
        let mut budget = SCANNED;
        for lane in lanes.into_iter().filter(|lane| *lane != row.lane) {
            parts = common(
                &parts,
                &busy(recording, lane, row.start, row.end(), &mut budget)?,
            );
            budget = budget.checked_sub(parts.len())?;
        }
        let mut before = 0;
        let parts = parts
            .into_iter()
            .map(|(start, end)| {
                let part = (start, end, before);
                before += end - start;
                part
            })
            .collect();
        Some(Self { parts })
    }

    /// How much of it lies before `at`.
    fn until(&self, at: Ns) -> Ns {
        let begun = self.parts.partition_point(|(start, ..)| *start < at);
        begun.checked_sub(1).map_or(0, |index| {
            let (start, end, before) = self.parts[index];
            before + at.min(end) - start
        })
    }
}

/// The stretches of `from..to` in which `lane` was inside polls, ascending; touching ones are one.
fn busy(
    recording: &Recording,
    lane: LaneIx,
    from: Ns,
    to: Ns,
    budget: &mut usize,
) -> Option<Vec<(Ns, Ns)>> {
    const NESTED: usize = 8;
    let polls = recording.polls_on(lane);
    let first = polls.partition_point(|poll| recording.poll_start(*poll) < from);
    let last = polls.partition_point(|poll| recording.poll_start(*poll) < to);
    *budget = budget.checked_sub(last - first)?;
    let mut stretches: Vec<(Ns, Ns)> = Vec::new();
    for poll in &polls[first.saturating_sub(NESTED)..last] {
        let start = recording.poll_start(*poll);
        let end = start.saturating_add(recording.poll_duration(*poll)).min(to);
        let start = start.max(from);
        match stretches.last_mut() {
            Some((_, reached)) if start <= *reached => *reached = end.max(*reached),
            _ if start < end => stretches.push((start, end)),
            _ => {}
        }
    }
    Some(stretches)
}

/// What two ascending lists of stretches have in common.
fn common(one: &[(Ns, Ns)], other: &[(Ns, Ns)]) -> Vec<(Ns, Ns)> {
    let mut both = Vec::new();
    let (mut left, mut right) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
        if a.max(c) < b.min(d) {
            both.push((a.max(c), b.min(d)));
        }
        if b < d {
            left.next();
        } else {
            right.next();
        }
    }
    both
}
