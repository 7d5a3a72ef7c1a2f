//! The recording: immutable, indexed, filled by every reader and read by everyone else.
//!
//! A reader fills [`Batch`]es and hands them, with the facts of the file, to a [`RecordingBuilder`]; panes, analyses and
//! reports ask the [`Recording`]. How rows are stored is nobody's business but this module's.

mod alive;
mod batch;
mod build;
mod columns;
mod curves;
mod customs;
mod extra;
#[cfg(test)]
mod extra_tests;
mod extras;
mod facts;
mod fields;
mod finish;
mod forest;
mod grid;
mod history;
mod ids;
mod index;
mod lookups;
mod merge;
mod number;
mod partial;
mod pyramid;
mod rows;
mod samples;
mod series;
mod small;
mod spans;
mod stacks;
mod steps;
mod stop;
mod strings;
mod sweep;
mod tally;
mod task;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod time;

pub use batch::{Batch, SeatKey, SpawnFacts, WakerKey};
pub use build::{FoldedFacts, OpenWaitFacts, RecordingBuilder, TaskFacts};
pub use curves::{Curve, GLOBAL_QUEUE, LOCAL_QUEUE};
pub use customs::CustomEvent;
pub use extras::{PointKey, PointScope, SpanFacts};
pub use facts::{
    Coverage, EventCounts, Format, Lane, LaneKind, LaneTotals, Level, Loss, LossKind, Process,
    Runtime, Source, Thread, Trigger, TriggerKind,
};
pub use fields::{Field, Value};
pub use forest::{Cover, Forest};
pub use history::{Happening, History, HistoryEvent, Lines};
pub use ids::{
    CustomIx, EntryIx, FrameIx, LaneIx, ParkIx, PollIx, RuntimeIx, SampleIx, SeriesIx, SiteIx,
    SpanIx, StackIx, TaskIx, ThreadIx, WaitIx, WakeIx,
};
pub use rows::{Cause, Outcome, Park, Poll, Wait, WaitState, Wake};
pub use samples::{Allocations, AwaitSite, Sample, SampleKind};
pub use series::{Band, Scope, Series};
pub use spans::{SpanEntry, TraceSpan};
pub use stacks::{Frame, SymbolFacts};
pub use strings::{MAX_CHARS, StrId, sanitise};
pub use tally::Tally;
pub use task::{End, Folded, LastPoll, LastWake, Task, TaskKind, Totals, Waker};
pub use time::{MILLISECOND, Ns, SECOND, Window};

use std::collections::HashMap;

use alive::Lives;
use batch::IdHashing;
use columns::{
    ParkColumns, PollColumns, Seat, UnwakeableColumns, WaitColumns, WakeColumns, WakerKind,
};
use curves::Curves;
use extra::ExtraColumns;
use index::ByOwner;
use lookups::Summaries;
use strings::Strings;

/// Everything loaded from one or more files: the only thing that panes and reports read.
///
/// It is never changed after it was built, and may be shared between threads.
#[derive(Debug)]
pub struct Recording {
    source: Source,
    process: Option<Process>,
    trigger: Option<Trigger>,
    window: Window,
    strings: Strings,
    runtimes: Vec<Runtime>,
    threads: Vec<Thread>,
    lanes: Vec<Lane>,
    seats: Vec<Seat>,
    tasks: Vec<Task>,
    by_id: HashMap<u64, TaskIx, IdHashing>,
    folded: HashMap<TaskIx, Folded, IdHashing>,
    totals: Vec<Totals>,
    /// Empty where it would say the same as `totals`.
    in_window: Vec<Totals>,
    polls: PollColumns,
    wakes: WakeColumns,
    parks: ParkColumns,
    waits: WaitColumns,
    unwakeables: UnwakeableColumns,
    polls_by_task: ByOwner<PollIx>,
    polls_by_lane: ByOwner<PollIx>,
    parks_by_lane: ByOwner<ParkIx>,
    wakes_by_task: ByOwner<WakeIx>,
    wakes_by_waker: ByOwner<WakeIx>,
    waits_by_task: ByOwner<WaitIx>,
    wait_ends_by_task: ByOwner<WaitIx>,
    unwakeables_by_task: ByOwner<u32>,
    children: ByOwner<TaskIx>,
    counts: EventCounts,
    coverage: Coverage,
    losses: Vec<Loss>,
    extra: ExtraColumns,
    summaries: Summaries,
    lives: Lives,
    curves: Curves,
}

/// Where it comes from, and what it covers.
impl Recording {
    /// The files.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The process that was recorded, where the file says.
    #[must_use]
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }

    /// What made the recorder write, where the file says.
    #[must_use]
    pub fn trigger(&self) -> Option<Trigger> {
        self.trigger
    }

    /// The time span that is covered completely.
    #[must_use]
    pub fn window(&self) -> Window {
        self.window
    }

    /// How many events of which kind the files hold.
    #[must_use]
    pub fn counts(&self) -> &EventCounts {
        &self.counts
    }

    /// What was recorded for how many tasks.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// What is missing.
    #[must_use]
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Whether events of the window itself are missing.
    #[must_use]
    pub fn has_holes(&self) -> bool {
        self.losses.iter().any(|loss| loss.kind.is_hole())
    }

    /// A string, safe to print; [`StrId::NONE`] reads as the empty string.
    #[must_use]
    pub fn str(&self, id: StrId) -> &str {
        self.strings.get(id)
    }

    /// Every string by its [index](StrId::index), the empty one of [`StrId::NONE`] first.
    pub fn strings(&self) -> impl ExactSizeIterator<Item = &str> {
        self.strings.iter()
    }
}

/// Runtimes, threads, lanes.
impl Recording {
    /// The runtimes, ascending by number.
    #[must_use]
    pub fn runtimes(&self) -> &[Runtime] {
        &self.runtimes
    }

    /// A runtime.
    #[must_use]
    pub fn runtime(&self, runtime: RuntimeIx) -> &Runtime {
        &self.runtimes[runtime.index()]
    }

    /// Every thread that the recording names.
    #[must_use]
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// A thread.
    #[must_use]
    pub fn thread(&self, thread: ThreadIx) -> &Thread {
        &self.threads[thread.index()]
    }

    /// The lanes: workers by runtime and index, then the threads that polled without being workers.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// A lane.
    #[must_use]
    pub fn lane(&self, lane: LaneIx) -> &Lane {
        &self.lanes[lane.index()]
    }

    /// The number of the worker that a lane shows; `None` for a thread that is none.
    #[must_use]
    pub fn worker_of(&self, lane: LaneIx) -> Option<u32> {
        match self.lane(lane).kind {
            LaneKind::Worker { worker, .. } => Some(worker),
            LaneKind::Thread(_) => None,
        }
    }

    /// The runtime whose worker a lane shows.
    #[must_use]
    pub fn runtime_of(&self, lane: LaneIx) -> Option<RuntimeIx> {
        match self.lane(lane).kind {
            LaneKind::Worker { runtime, .. } => Some(runtime),
            LaneKind::Thread(_) => None,
        }
    }

    /// The polls of a lane, ascending by start.
    #[must_use]
    pub fn polls_on(&self, lane: LaneIx) -> &[PollIx] {
        self.polls_by_lane.of(lane.index())
    }

    /// The parks of a lane, ascending by start.
    #[must_use]
    pub fn parks_on(&self, lane: LaneIx) -> &[ParkIx] {
        self.parks_by_lane.of(lane.index())
    }
}

/// Tasks.
impl Recording {
    /// How many tasks there are.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// Every task.
    pub fn tasks(&self) -> impl ExactSizeIterator<Item = TaskIx> + use<> {
        (0..self.tasks.len()).map(TaskIx::new)
    }

    /// A task's facts.
    #[must_use]
    pub fn task(&self, task: TaskIx) -> &Task {
        &self.tasks[task.index()]
    }

    /// The task that the runtime gave this number.
    #[must_use]
    pub fn task_by_id(&self, id: u64) -> Option<TaskIx> {
        self.by_id.get(&id).copied()
    }

    /// A task's spawn location, `file:line:column`, where it was seen.
    #[must_use]
    pub fn location(&self, task: TaskIx) -> Option<&str> {
        let location = self.task(task).location;
        location.is_some().then(|| self.str(location))
    }

    /// A task's name, where it has one.
    #[must_use]
    pub fn name(&self, task: TaskIx) -> Option<&str> {
        let name = self.task(task).name;
        name.is_some().then(|| self.str(name))
    }

    /// Its totals over its whole life: what the history knows and what it does not contain yet, nothing twice.
    #[must_use]
    pub fn totals(&self, task: TaskIx) -> Totals {
        self.totals.get(task.index()).copied().unwrap_or_default()
    }

    /// Its totals inside the window.
    #[must_use]
    pub fn totals_in_window(&self, task: TaskIx) -> Totals {
        match self.in_window.get(task.index()) {
            Some(totals) => *totals,
            // All rows lie in the window, and nothing is known from before.
            None => self.totals(task),
        }
    }

    /// The facts of a task that had been folded into the recorder's history, where it has one.
    #[must_use]
    pub fn folded(&self, task: TaskIx) -> Option<&Folded> {
        self.folded.get(&task)
    }

    /// The tasks that it spawned, ascending by spawn.
    #[must_use]
    pub fn children_of(&self, task: TaskIx) -> &[TaskIx] {
        self.children.of(task.index())
    }

    /// The latest instant up to `at` at which its last waker was dropped, older than every event or not.
    #[must_use]
    pub fn last_unwakeable(&self, task: TaskIx, at: Ns) -> Option<Ns> {
        let rows = self.unwakeable_rows_of(task);
        let until = rows.partition_point(|row| self.unwakeables.at[*row as usize] <= at);
        let in_rows = until
            .checked_sub(1)
            .map(|last| self.unwakeables.at[rows[last] as usize]);
        let folded = self
            .folded(task)
            .and_then(|folded| folded.unwakeable_at)
            .filter(|instant| *instant <= at);
        in_rows.max(folded)
    }

    fn unwakeable_rows_of(&self, task: TaskIx) -> &[u32] {
        self.unwakeables_by_task.of(task.index())
    }

    /// Everything that happened to a task, in the order of time.
    #[must_use]
    pub fn history(&self, task: TaskIx) -> History<'_> {
        History::new(self, task)
    }

    /// Its latest poll, older than every event of the recording or not.
    #[must_use]
    pub fn last_poll(&self, task: TaskIx) -> Option<LastPoll> {
        let row = self.polls_of(task).last().map(|poll| {
            let poll = self.poll(*poll);
            LastPoll {
                start: poll.start,
                end: poll.end(),
                outcome: poll.outcome,
            }
        });
        let folded = self.folded(task).and_then(|folded| folded.last_poll);
        [row, folded]
            .into_iter()
            .flatten()
            .max_by_key(|poll| (poll.start, poll.end))
    }

    /// Its latest wake, older than every event of the recording or not.
    #[must_use]
    pub fn last_wake(&self, task: TaskIx) -> Option<LastWake> {
        let row = self.wakes_of(task).last().map(|wake| {
            let wake = self.wake(*wake);
            LastWake {
                at: wake.at,
                waker: wake.waker,
            }
        });
        let folded = self.folded(task).and_then(|folded| folded.last_wake);
        // On a tie the row says more than the history.
        [folded, row]
            .into_iter()
            .flatten()
            .max_by_key(|wake| wake.at)
    }
}

/// Polls.
impl Recording {
    /// How many polls there are, those before the window and those still running among them.
    #[must_use]
    pub fn poll_count(&self) -> usize {
        self.polls.len()
    }

    /// Every poll, ascending by start.
    pub fn polls(&self) -> impl ExactSizeIterator<Item = PollIx> + use<> {
        (0..self.polls.len()).map(PollIx::new)
    }

    /// A poll.
    #[must_use]
    pub fn poll(&self, poll: PollIx) -> Poll {
        let row = poll.index();
        let seat = self.seats[usize::from(self.polls.seat[row])];
        Poll {
            start: self.polls.start[row],
            duration: self.polls.duration.get(row).unwrap_or(0),
            task: self.polls.task[row],
            thread: seat.thread,
            lane: seat.lane,
            outcome: Outcome::from_raw(self.polls.outcome[row]),
            delay: self.polls.delay.get(row),
            queue: self.polls.queue(row),
        }
    }

    /// When a poll began: cheaper than [`Recording::poll`] for searches.
    #[must_use]
    pub fn poll_start(&self, poll: PollIx) -> Ns {
        self.polls.start[poll.index()]
    }

    /// A poll's length: cheaper than [`Recording::poll`] for searches.
    #[must_use]
    pub fn poll_duration(&self, poll: PollIx) -> Ns {
        self.polls.duration.get(poll.index()).unwrap_or(0)
    }

    /// The task that a poll ran: cheaper than [`Recording::poll`].
    #[must_use]
    pub fn task_of(&self, poll: PollIx) -> TaskIx {
        self.polls.task[poll.index()]
    }

    /// A poll's schedule delay: cheaper than [`Recording::poll`] for statistics.
    #[must_use]
    pub fn delay(&self, poll: PollIx) -> Option<Ns> {
        self.polls.delay.get(poll.index())
    }

    /// The polls of a task, ascending by start.
    #[must_use]
    pub fn polls_of(&self, task: TaskIx) -> &[PollIx] {
        self.polls_by_task.of(task.index())
    }

    /// The number of the first poll of all that starts at or after `at`.
    #[must_use]
    pub fn polls_from(&self, at: Ns) -> PollIx {
        PollIx::new(self.polls.start.partition_point(|start| *start < at))
    }

    /// The poll of a task that was going on at `at`, if it was being polled.
    #[must_use]
    pub fn poll_at(&self, task: TaskIx, at: Ns) -> Option<PollIx> {
        let before = self.last_poll_before(task, at)?;
        let poll = self.poll(before);
        let goes_on = poll.outcome == Outcome::StillRunning || at < poll.end();
        goes_on.then_some(before)
    }

    /// The latest poll of a task that started at or before `at`.
    #[must_use]
    pub fn last_poll_before(&self, task: TaskIx, at: Ns) -> Option<PollIx> {
        let polls = self.polls_of(task);
        let after = polls.partition_point(|poll| self.poll_start(*poll) <= at);
        after.checked_sub(1).map(|index| polls[index])
    }

    /// What made a poll happen; `None` where that was not recorded.
    #[must_use]
    pub fn cause(&self, poll: PollIx) -> Option<Cause> {
        self.polls.delay.get(poll.index())?;
        let task = self.polls.task[poll.index()];
        let start = self.poll_start(poll);
        let polls = self.polls_of(task);
        let place = polls.partition_point(|other| *other < poll);
        let previous = place
            .checked_sub(1)
            .map(|index| self.poll_start(polls[index]));
        let wakes = self.wakes_of(task);
        let first = match previous {
            Some(previous) => wakes.partition_point(|wake| self.wake_at(*wake) <= previous),
            None => 0,
        };
        let wake = wakes
            .get(first)
            .copied()
            .filter(|wake| self.wake_at(*wake) <= start);
        match wake {
            Some(wake) if !self.wakes.redundant.get(wake.index()) => Some(Cause::Wake(wake)),
            _ if previous.is_some() => None,
            _ => self.cause_before_rows(task),
        }
    }

    /// What had made a task runnable before its first row: its spawn, or a wake that only the history still holds.
    pub(crate) fn cause_before_rows(&self, task: TaskIx) -> Option<Cause> {
        let polls = self.polls_of(task);
        let first_poll = polls.first().map_or(Ns::MAX, |poll| self.poll_start(*poll));
        let never_before = self.totals(task).polls <= polls.len() as u64;
        let spawn = self
            .task(task)
            .spawned_at()
            .filter(|at| never_before && *at <= first_poll);
        if let Some(at) = spawn {
            return Some(Cause::Spawn { at });
        }
        let folded = self.folded(task)?;
        let wake = folded.last_wake?;
        let first_wake = self
            .wakes_of(task)
            .first()
            .map_or(Ns::MAX, |wake| self.wake_at(*wake));
        let since_last_poll = folded.last_poll.is_none_or(|poll| poll.start < wake.at);
        (since_last_poll && wake.at < first_wake && wake.at <= first_poll)
            .then_some(Cause::Folded(wake))
    }
}

/// Wakes.
impl Recording {
    /// How many wakes there are, those before the window among them.
    #[must_use]
    pub fn wake_count(&self) -> usize {
        self.wakes.len()
    }

    /// A wake.
    #[must_use]
    pub fn wake(&self, wake: WakeIx) -> Wake {
        let row = wake.index();
        let thread = self.seats[usize::from(self.wakes.seat[row])].thread;
        let waker = match self.wakes.kind(row) {
            WakerKind::Task => Waker::Task(self.wakes.waker[row]),
            WakerKind::Runtime => Waker::Runtime,
            WakerKind::Blocking => Waker::Blocking(thread),
            WakerKind::Outside => Waker::Outside(thread),
            WakerKind::Unknown => Waker::Unknown,
        };
        Wake {
            at: self.wakes.at[row],
            task: self.wakes.task[row],
            waker,
            thread,
            redundant: self.wakes.redundant.get(row),
        }
    }

    /// When a wake happened: cheaper than [`Recording::wake`] for searches.
    #[must_use]
    pub fn wake_at(&self, wake: WakeIx) -> Ns {
        self.wakes.at[wake.index()]
    }

    /// The worker on whose thread a wake was issued, if it was one's.
    #[must_use]
    pub fn wake_lane(&self, wake: WakeIx) -> Option<LaneIx> {
        self.seats[usize::from(self.wakes.seat[wake.index()])].lane()
    }

    /// The wakes of a task, ascending.
    #[must_use]
    pub fn wakes_of(&self, task: TaskIx) -> &[WakeIx] {
        self.wakes_by_task.of(task.index())
    }

    /// The wakes that a task issued to *other* tasks, ascending; those of its own are among [`Recording::wakes_of`].
    #[must_use]
    pub fn wakes_by(&self, task: TaskIx) -> &[WakeIx] {
        self.wakes_by_waker.of(task.index())
    }

    /// The number of the first wake of all at or after `at`.
    #[must_use]
    pub fn wakes_from(&self, at: Ns) -> WakeIx {
        WakeIx::new(self.wakes.at.partition_point(|wake| *wake < at))
    }

    /// The poll of the waking task from inside which a wake was issued, where it can be found.
    #[must_use]
    pub fn waker_poll(&self, wake: WakeIx) -> Option<PollIx> {
        let wake = self.wake(wake);
        let Waker::Task(waker) = wake.waker else {
            return None;
        };
        // The waker's poll may end in the very instant of the wake.
        let poll = self.last_poll_before(waker, wake.at)?;
        let row = self.poll(poll);
        (row.thread == wake.thread && wake.at <= row.end()).then_some(poll)
    }
}

/// Parks and marked waits.
impl Recording {
    /// A worker's park.
    #[must_use]
    pub fn park(&self, park: ParkIx) -> Park {
        let row = park.index();
        let seat = self.seats[usize::from(self.parks.seat[row])];
        Park {
            start: self.parks.start[row],
            duration: self.parks.duration.get(row).unwrap_or(0),
            lane: seat.lane,
            thread: seat.thread,
            open: self.parks.open[row],
        }
    }

    /// How many marked waits there are.
    #[must_use]
    pub fn wait_count(&self) -> usize {
        self.waits.begin.len()
    }

    /// A marked wait.
    #[must_use]
    pub fn wait(&self, wait: WaitIx) -> Wait {
        let row = wait.index();
        Wait {
            task: self.waits.task[row],
            name: self.waits.name[row],
            location: self.waits.location[row],
            begin: time::known(self.waits.begin[row]),
            end: time::known(self.waits.end[row]),
            state: self.waits.state[row],
        }
    }

    /// The marked waits of a task, ascending by begin; those whose begin is not known come first.
    #[must_use]
    pub fn waits_of(&self, task: TaskIx) -> &[WaitIx] {
        self.waits_by_task.of(task.index())
    }

    /// The marked waits of a task that are open at `at`, ascending by begin: a `select!` may hold several. One of which
    /// only the end is known is none of them.
    #[must_use]
    pub fn open_waits(&self, task: TaskIx, at: Ns) -> Vec<WaitIx> {
        let waits = self.waits_of(task);
        let begun = waits.partition_point(|wait| self.waits.begin[wait.index()] <= at);
        let mut open: Vec<WaitIx> = waits[..begun]
            .iter()
            .rev()
            .copied()
            .take_while(|wait| self.waits.reach[wait.index()] > at)
            .filter(|wait| {
                self.waits.begin[wait.index()] != time::UNKNOWN && self.wait(*wait).covers(at)
            })
            .collect();
        open.reverse();
        open
    }

    /// The marked waits of a task that ended, ascending by end.
    #[must_use]
    pub fn wait_ends_of(&self, task: TaskIx) -> &[WaitIx] {
        self.wait_ends_by_task.of(task.index())
    }
}
