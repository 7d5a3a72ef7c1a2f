//! How long a task spent in which state over a stretch of time: by sums that are kept every few polls, so that neither
//! a cell of a lane nor a place in an order costs a walk through its life.

use std::ops::Range;

use super::state::{State, state_at};
use crate::recording::{Ns, Outcome, PollIx, Recording, TaskIx};

/// Polls between two sums. A task with fewer has none and is walked.
const STRIDE: usize = 64;

/// Time by state. What is not in any of the fields is time in which the task did not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// A thread was inside a poll of it.
    pub running: Ns,
    /// It was ready, and nobody polled it.
    pub runnable: Ns,
    /// It was idle, and a mark says on what it waited.
    pub waiting: Ns,
    /// It was idle, on what no mark names.
    pub idle: Ns,
    /// Idle and runnable could not be told apart.
    pub unknown: Ns,
}

impl Times {
    /// How long it existed.
    #[must_use]
    pub fn alive(self) -> Ns {
        let waits = self.waiting.saturating_add(self.idle);
        waits
            .saturating_add(self.running)
            .saturating_add(self.runnable)
            .saturating_add(self.unknown)
    }

    fn plus(self, other: Self) -> Self {
        Self {
            running: self.running.saturating_add(other.running),
            runnable: self.runnable.saturating_add(other.runnable),
            waiting: self.waiting.saturating_add(other.waiting),
            idle: self.idle.saturating_add(other.idle),
            unknown: self.unknown.saturating_add(other.unknown),
        }
    }

    /// The same where nobody can tell idle from runnable.
    fn without_idle(self) -> Self {
        Self {
            waiting: 0,
            idle: 0,
            unknown: self
                .unknown
                .saturating_add(self.waiting)
                .saturating_add(self.idle),
            ..self
        }
    }

    fn since(self, earlier: Self) -> Self {
        // Polls of one task that overlap, as damaged data may tell, must not yield negative times.
        let span = |later: Ns, earlier: Ns| later.saturating_sub(earlier).max(0);
        Self {
            running: span(self.running, earlier.running),
            runnable: span(self.runnable, earlier.runnable),
            waiting: span(self.waiting, earlier.waiting),
            idle: span(self.idle, earlier.idle),
            unknown: span(self.unknown, earlier.unknown),
        }
    }
}

/// What a task did in one cell of its lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCell {
    /// Time in the cell by state.
    pub times: Times,
    /// The whole length of the longest poll that touches the cell; 0 where none does.
    pub longest_poll: Ns,
    /// The whole length of the longest runnable interval before a poll that touches the cell; 0 where none does.
    pub longest_delay: Ns,
    /// Whether a poll touches the cell, be it of no length.
    pub polled: bool,
}

/// Sums over the polls of tasks that have many.
#[derive(Debug, Default)]
pub struct StateMap {
    /// Where each task's sums begin; one more entry than tasks.
    firsts: Vec<u32>,
    sums: Vec<Sum>,
}

/// What had happened to a task before a poll whose number among its own is a multiple of [`STRIDE`]; and the longest
/// of the polls, and of the delays, from that one to the next sum.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    before: Past,
    longest_poll: Ns,
    longest_delay: Ns,
}

/// How far the walk over all polls has come with one task.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    past: Past,
    polls: usize,
}

/// Time by state, as far as polls and marks tell it.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    running: Ns,
    runnable: Ns,
    waiting: Ns,
}

/// What a task had done up to an instant.
#[derive(Clone, Copy, Debug)]
struct UpTo {
    times: Times,
    /// How many of its polls had started.
    started: usize,
    /// What it had done when the last of these had ended.
    past: Past,
}

impl StateMap {
    /// Walks once over all polls, in the order of time: that is the order in which they lie in memory.
    #[must_use]
    pub fn new(recording: &Recording) -> Self {
        let mut firsts = Vec::with_capacity(recording.task_count() + 1);
        let mut len = 0;
        for task in recording.tasks() {
            firsts.push(u32::try_from(len).unwrap_or(u32::MAX));
            let polls = recording.polls_of(task).len();
            if polls > STRIDE {
                len += polls.div_ceil(STRIDE);
            }
        }
        firsts.push(u32::try_from(len).unwrap_or(u32::MAX));
        let mut map = Self {
            firsts,
            sums: vec![Sum::default(); len],
        };
        let mut passed: Vec<Passed> = recording.tasks().map(|_| Passed::default()).collect();
        for poll in (0..recording.poll_count()).map(PollIx::new) {
            let task = recording.poll(poll).task;
            map.pass(recording, task, &mut passed[task.index()]);
        }
        map
    }

    /// Adds the next poll of `task`, if it has sums.
    fn pass(&mut self, recording: &Recording, task: TaskIx, passed: &mut Passed) {
        let (first, end) = (self.firsts[task.index()], self.firsts[task.index() + 1]);
        let place = first as usize + passed.polls / STRIDE;
        if first == end || place >= self.sums.len() {
            return;
        }
        let life = Life::new(recording, task);
        let (number, sum) = (passed.polls, &mut self.sums[place]);
        if number.is_multiple_of(STRIDE) {
            sum.before = passed.past;
        }
        sum.longest_poll = sum.longest_poll.max(life.length(number));
        sum.longest_delay = sum.longest_delay.max(life.delay(number));
        life.pass(&mut passed.past, number);
        passed.polls += 1;
    }

    /// How long `task` was in which state in `range`.
    #[must_use]
    pub fn times(&self, recording: &Recording, task: TaskIx, range: Range<Ns>) -> Times {
        let life = Life::new(recording, task);
        let sums = self.sums_of(task);
        Walk::new(&life, sums, range.start).step(range.end).0
    }

    /// What `task` did in each of the cells between the instants `edges`, which ascend.
    #[must_use]
    pub fn cells(
        &self,
        recording: &Recording,
        task: TaskIx,
        edges: impl IntoIterator<Item = Ns>,
    ) -> Vec<StateCell> {
        let mut edges = edges.into_iter();
        let Some(first) = edges.next() else {
            return Vec::new();
        };
        let life = Life::new(recording, task);
        let sums = self.sums_of(task);
        let mut walk = Walk::new(&life, sums, first);
        let mut from = first;
        edges
            .map(|to| {
                let (times, started) = walk.step(to);
                let cell = life.cell(sums, times, started, from..to);
                from = to;
                cell
            })
            .collect()
    }

    fn sums_of(&self, task: TaskIx) -> &[Sum] {
        match (
            self.firsts.get(task.index()),
            self.firsts.get(task.index() + 1),
        ) {
            (Some(&from), Some(&to)) => &self.sums[from as usize..to as usize],
            _ => &[],
        }
    }
}

/// From edge to edge along a life.
struct Walk<'a> {
    life: &'a Life<'a>,
    sums: &'a [Sum],
    at: Ns,
    here: UpTo,
}

impl<'a> Walk<'a> {
    fn new(life: &'a Life<'a>, sums: &'a [Sum], at: Ns) -> Self {
        let here = life.up_to(sums, at, None);
        Self {
            life,
            sums,
            at,
            here,
        }
    }

    /// The times from the last edge to `to`, and the numbers of the polls that had started by both.
    fn step(&mut self, to: Ns) -> (Times, Range<usize>) {
        let known = self.life.idle_known_from();
        let before = self.here;
        let mut times = Times::default();
        if self.at < known && known < to {
            let there = self.life.up_to(self.sums, known, Some(self.here));
            times = there.times.since(before.times).without_idle();
            self.here = there;
        }
        let after = self.life.up_to(self.sums, to, Some(self.here));
        let rest = after.times.since(self.here.times);
        times = times.plus(if to <= known {
            rest.without_idle()
        } else {
            rest
        });
        (self.here, self.at) = (after, to);
        (times, before.started..after.started)
    }
}

/// What has to be looked up again and again about one task.
struct Life<'a> {
    recording: &'a Recording,
    task: TaskIx,
    polls: &'a [PollIx],
    born: Ns,
    /// When it ended, or far away. The last poll ends shortly after the task does.
    ended: Ns,
    has_waits: bool,
}

/// Further than any time of a recording, and far enough from the ends of its type for sums.
const FAR: Ns = Ns::MAX / 4;

impl<'a> Life<'a> {
    fn new(recording: &'a Recording, task: TaskIx) -> Self {
        let facts = recording.task(task);
        Self {
            recording,
            task,
            polls: recording.polls_of(task),
            born: facts.spawned_at().unwrap_or(-FAR).clamp(-FAR, FAR),
            ended: facts.ended_at().unwrap_or(FAR).clamp(-FAR, FAR),
            has_waits: !recording.waits_of(task).is_empty(),
        }
    }

    /// From when on idle and runnable can be told apart.
    fn idle_known_from(&self) -> Ns {
        if self.recording.task(self.task).wakes_recorded {
            self.recording.window().others_start
        } else {
            FAR
        }
    }

    fn start(&self, number: usize) -> Ns {
        self.recording.poll_start(self.polls[number])
    }

    fn length(&self, number: usize) -> Ns {
        self.recording.poll_duration(self.polls[number])
    }

    fn delay(&self, number: usize) -> Ns {
        self.recording.delay(self.polls[number]).unwrap_or(0)
    }

    /// When a poll ended; one that has not goes on beyond the recording.
    fn end(&self, number: usize) -> Ns {
        let poll = self.recording.poll(self.polls[number]);
        match poll.outcome {
            Outcome::StillRunning => FAR,
            _ => poll.end(),
        }
    }

    /// Adds the time from the end of the poll before `number` to its own end.
    fn pass(&self, past: &mut Past, number: usize) {
        let piece = self.piece(number);
        past.waiting = past.waiting.saturating_add(piece.waiting);
        past.running = past.running.saturating_add(piece.running);
        past.runnable = past.runnable.saturating_add(piece.runnable);
    }

    /// Takes that time away again.
    fn unpass(&self, past: &mut Past, number: usize) {
        let piece = self.piece(number);
        past.waiting = past.waiting.saturating_sub(piece.waiting);
        past.running = past.running.saturating_sub(piece.running);
        past.runnable = past.runnable.saturating_sub(piece.runnable);
    }

    /// What it did from the end of the poll before `number` to the end of this one.
    fn piece(&self, number: usize) -> Past {
        let (start, delay) = (self.start(number), self.delay(number));
        let waiting = if self.has_waits {
            let from = number.checked_sub(1).map_or(self.born, |previous| {
                self.start(previous).saturating_add(self.length(previous))
            });
            self.waited(from..start.saturating_sub(delay))
        } else {
            0
        };
        Past {
            running: self.length(number),
            runnable: delay,
            waiting,
        }
    }

    /// What it had done when its first `started` polls had ended: from the sum that is nearest, or on from `known`.
    fn past(&self, sums: &[Sum], started: usize, known: Option<UpTo>) -> Past {
        let below = (started / STRIDE).min(sums.len().saturating_sub(1));
        let (mut past, first) = match (known, sums.get(below)) {
            (Some(known), _) if (below * STRIDE..=started).contains(&known.started) => {
                (known.past, known.started)
            }
            (_, Some(sum)) => (sum.before, below * STRIDE),
            (_, None) => (Past::default(), 0),
        };
        let above = (below + 1) * STRIDE;
        if let Some(sum) = sums.get(below + 1)
            && above - started < started - first
        {
            past = sum.before;
            for number in started..above {
                self.unpass(&mut past, number);
            }
            return past;
        }
        for number in first..started {
            self.pass(&mut past, number);
        }
        past
    }

    /// For how long of an idle interval a mark says on what it waited.
    fn waited(&self, idle: Range<Ns>) -> Ns {
        if idle.end <= idle.start || !self.has_waits {
            return 0;
        }
        let recording = self.recording;
        let waits = recording.waits_of(self.task);
        let begin = |wait| recording.wait(wait).begin.unwrap_or(Ns::MAX);
        let end = |wait| recording.wait(wait).end.unwrap_or(FAR);
        let unknown = waits.partition_point(|wait| recording.wait(*wait).begin.is_none());
        let waits = &waits[unknown..];
        let begun = waits.partition_point(|wait| begin(*wait) <= idle.start);
        // Most often the latest one lasts as long as the task is idle.
        let latest = begun
            .checked_sub(1)
            .map_or(Ns::MIN, |last| end(waits[last]));
        let mut reach = if latest >= idle.end {
            latest
        } else {
            let open = recording.open_waits(self.task, idle.start);
            open.into_iter().map(end).max().unwrap_or(idle.start)
        };
        let mut waited = reach.min(idle.end) - idle.start;
        for wait in &waits[begun..] {
            if begin(*wait) >= idle.end || reach >= idle.end {
                break;
            }
            let from = begin(*wait).max(reach);
            reach = reach.max(end(*wait));
            waited += (reach.min(idle.end) - from).max(0);
        }
        waited
    }

    /// What it had done before `at`.
    fn up_to(&self, sums: &[Sum], at: Ns, known: Option<UpTo>) -> UpTo {
        let at = at.clamp(-FAR, FAR);
        let started = self
            .polls
            .partition_point(|poll| self.recording.poll_start(*poll) < at);
        let passed = self.past(sums, started, known);
        let mut past = passed;
        let mut since = self.born;
        if let Some(last) = started.checked_sub(1) {
            since = self.end(last);
            let inside = since.min(at) - self.start(last);
            past.running = past.running - self.length(last) + inside;
        }
        let ready = self.ready_after(started, since).min(at).max(since.min(at));
        past.runnable += (at.min(self.ended) - ready).max(0);
        past.waiting += self.waited(since..ready.min(self.ended));

        let gone = if started == self.polls.len() {
            self.ended.max(since.min(at).max(self.born))
        } else {
            FAR
        };
        let alive = (at.min(gone) - self.born).max(0);
        let idle = alive - past.running - past.runnable - past.waiting;
        let times = Times {
            running: past.running,
            runnable: past.runnable,
            waiting: past.waiting,
            idle,
            unknown: 0,
        };
        UpTo {
            times,
            started,
            past: passed,
        }
    }

    /// Since when it was runnable after its first `started` polls, the last of which ended at `since`; or far away.
    fn ready_after(&self, started: usize, since: Ns) -> Ns {
        if started < self.polls.len() {
            return self.start(started) - self.delay(started);
        }
        let last = if self.ended < FAR {
            self.ended - 1
        } else {
            FAR
        };
        match state_at(self.recording, self.task, last.max(since)) {
            State::Runnable { since } => since,
            _ => FAR,
        }
    }

    fn cell(
        &self,
        sums: &[Sum],
        times: Times,
        started: Range<usize>,
        cell: Range<Ns>,
    ) -> StateCell {
        // The poll that goes on when the cell begins belongs to it.
        let goes_on = |number: &usize| self.end(*number) > cell.start;
        let first = started.start.checked_sub(1).filter(goes_on);
        let polls = first.unwrap_or(started.start)..started.end;
        let mut found = StateCell {
            times,
            polled: !polls.is_empty(),
            ..StateCell::default()
        };
        self.longest(sums, polls, &mut found);
        // The poll after the cell may have been awaited in it.
        let next = started.end;
        if next < self.polls.len() && self.start(next) - self.delay(next) < cell.end {
            found.longest_delay = found.longest_delay.max(self.delay(next));
        }
        found
    }

    fn longest(&self, sums: &[Sum], polls: Range<usize>, cell: &mut StateCell) {
        let mut number = polls.start;
        while number < polls.end {
            let whole = number.is_multiple_of(STRIDE) && number + STRIDE <= polls.end;
            if let Some(sum) = sums.get(number / STRIDE).filter(|_| whole) {
                cell.longest_poll = cell.longest_poll.max(sum.longest_poll);
                cell.longest_delay = cell.longest_delay.max(sum.longest_delay);
                number += STRIDE;
            } else {
                cell.longest_poll = cell.longest_poll.max(self.length(number));
                cell.longest_delay = cell.longest_delay.max(self.delay(number));
                number += 1;
            }
        }
    }
}
