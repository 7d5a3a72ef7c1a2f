//! Findings: diagnosed problems, each a pure function of a recording. A healthy recording yields none above info.

mod blocked_worker;
mod evidence;
mod lifo;
mod slow_poll;
#[cfg(test)]
mod tests;
mod unwakeable;

pub use unwakeable::dropped_in;

use crate::recording::{LaneIx, MILLISECOND, Ns, Recording, StrId, TaskIx};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Somebody waited who should not have.
    Warning,
    /// Something stands still, or stood still for long.
    Critical,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Every kind of finding that the design names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each kind is explained by `Kind::meaning`")]
pub enum Kind {
    BlockedWorker,
    Unwakeable,
    SlowPoll,
    Deadlock,
    Stuck,
    FullChannel,
    Starved,
    LifoSlot,
    DriverStarved,
    Futurelock,
    BusyWake,
    RedundantWakes,
    TaskLeak,
    QueueGrowth,
    Imbalance,
    BlockingPoolFull,
    LargeFuture,
    NeverPolled,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::BlockedWorker,
        Self::Unwakeable,
        Self::SlowPoll,
        Self::Deadlock,
        Self::Stuck,
        Self::FullChannel,
        Self::Starved,
        Self::LifoSlot,
        Self::DriverStarved,
        Self::Futurelock,
        Self::BusyWake,
        Self::RedundantWakes,
        Self::TaskLeak,
        Self::QueueGrowth,
        Self::Imbalance,
        Self::BlockingPoolFull,
        Self::LargeFuture,
        Self::NeverPolled,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BlockedWorker => "blocked-worker",
            Self::Unwakeable => "unwakeable",
            Self::SlowPoll => "slow-poll",
            Self::Deadlock => "deadlock",
            Self::Stuck => "stuck",
            Self::FullChannel => "full-channel",
            Self::Starved => "starved",
            Self::LifoSlot => "lifo-slot",
            Self::DriverStarved => "driver-starved",
            Self::Futurelock => "futurelock",
            Self::BusyWake => "busy-wake",
            Self::RedundantWakes => "redundant-wakes",
            Self::TaskLeak => "task-leak",
            Self::QueueGrowth => "queue-growth",
            Self::Imbalance => "imbalance",
            Self::BlockingPoolFull => "blocking-pool-full",
            Self::LargeFuture => "large-future",
            Self::NeverPolled => "never-polled",
        }
    }

    /// What it means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::BlockedWorker => {
                "a worker was still inside a long poll when the recording was made"
            }
            Self::Unwakeable => "a task is pending, and no waker is left that could wake it",
            Self::SlowPoll => "a poll kept its worker for long",
            Self::Deadlock => "tasks wait for each other in a cycle",
            Self::Stuck => "a task is idle far beyond its own rhythm",
            Self::FullChannel => "senders wait on a receiver that itself waits",
            Self::Starved => "a task was runnable for long and nobody polled it",
            Self::LifoSlot => {
                "a woken task sat behind the very task that woke it, while other workers were parked"
            }
            Self::DriverStarved => {
                "nobody asked for I/O and timers, because the worker that should was inside a poll"
            }
            Self::Futurelock => {
                "a permit was granted to an operation that its own task no longer polls"
            }
            Self::BusyWake => "a task wakes itself without making progress",
            Self::RedundantWakes => "most wakes of a task find it runnable already",
            Self::TaskLeak => "the tasks of one spawn location keep growing in number",
            Self::QueueGrowth => "a run queue keeps growing",
            Self::Imbalance => "one worker has the work, others are parked",
            Self::BlockingPoolFull => "blocking jobs wait for a thread",
            Self::LargeFuture => "a future is so large that moving it costs",
            Self::NeverPolled => "a task was spawned and never polled",
        }
    }
}

/// What a task has to do with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It caused it.
    Culprit,
    /// It suffered.
    Victim,
}

impl Role {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Culprit => "culprit",
            Self::Victim => "victim",
        }
    }
}

/// An event that shows what a finding says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// When.
    pub at: Ns,
    /// The event's kind: `poll`, `wake`, `blind`, `unwakeable`, or `delay`: a task was ready and not polled.
    pub kind: &'static str,
    /// The task that it is about.
    pub task: Option<TaskIx>,
    /// The lane on which it happened.
    pub lane: Option<LaneIx>,
    /// One line about it.
    pub text: String,
}

/// A diagnosed problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of problem.
    pub kind: Kind,
    /// How bad.
    pub severity: Severity,
    /// The tasks concerned, culprits first.
    pub tasks: Vec<(TaskIx, Role)>,
    /// The lane concerned; of several, the first.
    pub lane: Option<LaneIx>,
    /// When it began: the moment of the crime.
    pub start: Ns,
    /// How long it lasted.
    pub duration: Ns,
    /// What happened, in one or two sentences.
    pub message: String,
    /// What to do about it.
    pub suggestion: String,
    /// The events that show it.
    pub evidence: Vec<Evidence>,
    /// Further findings that are like this one and not listed.
    pub alike: usize,
}

impl Finding {
    /// The first culprit.
    #[must_use]
    pub fn culprit(&self) -> Option<TaskIx> {
        self.tasks
            .iter()
            .find(|(_, role)| *role == Role::Culprit)
            .map(|(task, _)| *task)
    }
}

/// The most victims that a finding names.
pub(crate) const MOST_VICTIMS: usize = 16;
/// The most culprits that a finding names.
pub(crate) const MOST_CULPRITS: usize = 16;

/// From which length on something is worth a finding. One table for all kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// A poll that is worth knowing.
    pub slow_poll_info: Ns,
    /// A poll that is too long. A machine that is short of CPUs makes innocent polls look like 10 ms.
    pub slow_poll_warning: Ns,
    /// A poll that is far too long.
    pub slow_poll_critical: Ns,
    /// A blind interval that is far too long.
    pub blind_critical: Ns,
    /// A poll still going on at the end that is worth a warning.
    pub blocked_worker_warning: Ns,
    /// A poll still going on at the end that is critical.
    pub blocked_worker_critical: Ns,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            slow_poll_info: 10 * MILLISECOND,
            slow_poll_warning: 30 * MILLISECOND,
            slow_poll_critical: 100 * MILLISECOND,
            blind_critical: 50 * MILLISECOND,
            // What has not ended is no better than what has.
            blocked_worker_warning: 30 * MILLISECOND,
            blocked_worker_critical: 100 * MILLISECOND,
        }
    }
}

/// What tasks have in common that one finding tells of.
type Kin = (StrId, Option<TaskIx>);

/// Tasks of one spawn location are kin; one whose location is not recorded has none.
fn kin(recording: &Recording, task: TaskIx) -> Kin {
    let location = recording.task(task).location;
    (location, (!location.is_some()).then_some(task))
}

/// A threshold's name for flags, and where it lies in the table.
type Entry = (&'static str, fn(&mut Thresholds) -> &mut Ns);

const ENTRIES: [Entry; 6] = [
    ("slow-poll.info", |table| &mut table.slow_poll_info),
    ("slow-poll.warning", |table| &mut table.slow_poll_warning),
    ("slow-poll.critical", |table| &mut table.slow_poll_critical),
    ("slow-poll.blind-critical", |table| {
        &mut table.blind_critical
    }),
    ("blocked-worker.warning", |table| {
        &mut table.blocked_worker_warning
    }),
    ("blocked-worker.critical", |table| {
        &mut table.blocked_worker_critical
    }),
];

impl Thresholds {
    /// The names that [`Thresholds::set`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ENTRIES.iter().map(|(name, _)| *name)
    }

    /// Every threshold with its name.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, Ns)> + use<> {
        let mut table = *self;
        ENTRIES
            .iter()
            .map(move |(name, place)| (*name, *place(&mut table)))
    }

    /// Sets the threshold called `name`; `false` if there is none of that name.
    #[must_use]
    pub fn set(&mut self, name: &str, value: Ns) -> bool {
        let entry = ENTRIES.iter().find(|(known, _)| *known == name);
        entry.map(|(_, place)| *place(self) = value).is_some()
    }
}

/// Every problem of a recording that this version looks for: the worst first.
#[must_use]
pub fn findings(recording: &Recording, thresholds: &Thresholds) -> Vec<Finding> {
    let mut all = blocked_worker::find(recording, thresholds);
    all.extend(unwakeable::find(recording));
    all.extend(slow_poll::find(recording, thresholds));
    all.sort_by(|a, b| {
        (b.severity.cmp(&a.severity))
            .then(a.kind.cmp(&b.kind))
            .then(b.duration.cmp(&a.duration))
            .then(a.start.cmp(&b.start))
    });
    all
}

/// A kind of finding that could not be looked for, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// The kind.
    pub kind: Kind,
    /// Why.
    pub because: String,
}

/// The kinds that `not_checked` does not name: those that were looked for everywhere.
#[must_use]
pub fn looked_for(not_checked: &[NotChecked]) -> Vec<Kind> {
    let unchecked = |kind: &Kind| not_checked.iter().any(|not| not.kind == *kind);
    Kind::ALL
        .into_iter()
        .filter(|kind| !unchecked(kind))
        .collect()
}

/// Whether nothing at all that happened could be read of a file that is damaged: then nothing can be checked, and what
/// the recorder's history says of tasks may be long out of date.
#[must_use]
pub fn is_unread(recording: &Recording) -> bool {
    recording.counts().total == 0 && !recording.losses().is_empty()
}

/// What [`findings`] could not check: silence about these kinds does not mean that all is well.
#[must_use]
pub fn not_checked(recording: &Recording) -> Vec<NotChecked> {
    let coverage = recording.coverage();
    let unread = is_unread(recording);
    let partly = |what: &str, covered: usize| match covered {
        _ if unread => Some("no event could be read".to_owned()),
        _ if covered >= coverage.tasks => None,
        0 => Some(format!("no {what} are recorded")),
        _ => Some(format!(
            "{what} are recorded for {covered} of {} tasks only",
            coverage.tasks
        )),
    };
    Kind::ALL
        .into_iter()
        .filter_map(|kind| {
            let because = match kind {
                Kind::SlowPoll | Kind::BlockedWorker => partly("polls", coverage.polls)?,
                Kind::Unwakeable => partly("wakes", coverage.wakes)?,
                _ => "this version does not look for it yet".to_owned(),
            };
            Some(NotChecked { kind, because })
        })
        .collect()
}
