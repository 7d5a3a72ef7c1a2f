//! What a task was doing at an instant.

use crate::recording::{Cause, Ns, Outcome, PollIx, Recording, TaskIx, WaitIx};

/// The state of a task at an instant. Running outranks runnable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It did not exist yet.
    NotYetSpawned,
    /// A thread was inside this poll of it.
    Running(PollIx),
    /// It was ready, and nobody polled it.
    Runnable {
        /// Since when it was ready: since its cause, or since its previous poll ended, whichever came later.
        since: Ns,
    },
    /// It waited to be woken.
    Idle {
        /// Since when, where that is known: since its latest poll ended.
        since: Option<Ns>,
        /// The marked wait that it had begun last and not ended.
        wait: Option<WaitIx>,
        /// Since when nothing was left that could have woken it; `None` while something was.
        unwakeable: Option<Ns>,
    },
    /// It had ended.
    Done,
    /// Its wakes were not recorded, so idle and runnable cannot be told apart.
    Unknown,
}

impl State {
    /// The word for it, as the design spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotYetSpawned => "not yet spawned",
            Self::Running(_) => "running",
            Self::Runnable { .. } => "runnable",
            Self::Idle {
                unwakeable: Some(_),
                ..
            } => "unwakeable",
            Self::Idle { wait: Some(_), .. } => "waiting",
            Self::Idle { .. } => "idle",
            Self::Done => "done",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the task existed: neither unborn nor done.
    #[must_use]
    pub fn is_alive(self) -> bool {
        !matches!(self, Self::NotYetSpawned | Self::Done)
    }
}

/// Whether `task` is neither unborn nor done at `at`: cheaper than [`state_at`].
#[must_use]
pub fn alive_at(recording: &Recording, task: TaskIx, at: Ns) -> bool {
    let facts = recording.task(task);
    let born = facts.spawned_at().is_none_or(|spawned| spawned <= at);
    // The runtime says that a task ended just before its last poll does, so that poll has to be asked.
    (born && facts.ended_at().is_none_or(|ended| at < ended))
        || recording.poll_at(task, at).is_some()
}

/// The latest poll before an instant, whether a row shows it or only the history.
#[derive(Clone, Copy)]
struct Previous {
    start: Ns,
    end: Ns,
    in_rows: bool,
}

/// The state of `task` at `at`.
#[must_use]
pub fn state_at(recording: &Recording, task: TaskIx, at: Ns) -> State {
    if let Some(poll) = recording.poll_at(task, at) {
        return State::Running(poll);
    }
    let facts = recording.task(task);
    if facts.ended_at().is_some_and(|ended| ended <= at) {
        return State::Done;
    }
    if facts.spawned_at().is_some_and(|spawned| at < spawned) {
        return State::NotYetSpawned;
    }
    let previous = previous_poll(recording, task, at);
    if let Some(cause) = cause_since(recording, task, previous, at) {
        let since = previous.map_or(cause, |poll| cause.max(poll.end));
        return State::Runnable { since };
    }
    if !facts.wakes_recorded || at < recording.window().others_start {
        return State::Unknown;
    }
    State::Idle {
        since: previous.map(|poll| poll.end),
        wait: recording.open_waits(task, at).last().copied(),
        unwakeable: unwakeable_since(recording, task, previous, at),
    }
}

/// The marked waits of a task that are open at `at`, ascending by begin; see [`Recording::open_waits`].
pub fn open_waits(
    recording: &Recording,
    task: TaskIx,
    at: Ns,
) -> impl DoubleEndedIterator<Item = WaitIx> + use<> {
    recording.open_waits(task, at).into_iter()
}

fn previous_poll(recording: &Recording, task: TaskIx, at: Ns) -> Option<Previous> {
    if let Some(poll) = recording.last_poll_before(task, at) {
        let poll = recording.poll(poll);
        return Some(Previous {
            start: poll.start,
            end: poll.end(),
            in_rows: true,
        });
    }
    let folded = recording.folded(task)?.last_poll?;
    (folded.start <= at && folded.outcome != Outcome::StillRunning).then_some(Previous {
        start: folded.start,
        end: folded.end,
        in_rows: false,
    })
}

/// When the task became runnable after its `previous` poll started, if it did so by `at`.
fn cause_since(
    recording: &Recording,
    task: TaskIx,
    previous: Option<Previous>,
    at: Ns,
) -> Option<Ns> {
    let in_rows = previous.filter(|poll| poll.in_rows);
    if in_rows.is_none() {
        let before = recording
            .cause_before_rows(task)
            .map(|cause: Cause| cause.at(recording));
        if let Some(cause) = before.filter(|cause| *cause <= at) {
            return Some(cause);
        }
    }
    let wakes = recording.wakes_of(task);
    let first = previous.map_or(0, |poll| {
        wakes.partition_point(|wake| recording.wake_at(*wake) <= poll.start)
    });
    // A poll that reaches into the window may have been woken again before the window began.
    let folded = recording.folded(task).and_then(|folded| folded.last_wake);
    let folded = folded
        .map(|wake| wake.at)
        .filter(|wake| first == 0 && in_rows.is_some_and(|poll| poll.start < *wake));
    let row = wakes.get(first).map(|wake| recording.wake_at(*wake));
    [folded, row]
        .into_iter()
        .flatten()
        .min()
        .filter(|wake| *wake <= at)
}

/// Since when the task has had no waker; to be asked only of a task that has not been woken since `previous`.
fn unwakeable_since(
    recording: &Recording,
    task: TaskIx,
    previous: Option<Previous>,
    at: Ns,
) -> Option<Ns> {
    let from = previous.map_or(Ns::MIN, |poll| poll.start);
    recording
        .last_unwakeable(task, at)
        .filter(|instant| *instant >= from)
}
