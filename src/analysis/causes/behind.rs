//! What a runnable task was queued behind: the polls of the worker in whose queue it stood.

use crate::recording::{LaneIx, Ns, PollIx, Recording, RuntimeIx, TaskIx};

/// Polls that are told by name.
const TOLD: usize = 3;
/// How many polls, or parks, of a lane may have begun before an instant and still go on: nested ones.
const NESTED: usize = 8;

/// What a worker did while a task was ready and not polled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// The worker in whose queue the task probably stood: the one on which it was woken, else the one that ran it.
    /// `None`: it stood in the queue of all, and nobody took it.
    pub lane: Option<LaneIx>,
    /// Whether another worker ran it in the end.
    pub moved: bool,
    /// How many polls that worker was in meanwhile.
    pub polls: usize,
    /// For how long of the time.
    pub busy: Ns,
    /// For how long of the time it was parked.
    pub parked: Ns,
    /// Those of the polls that took most of the time, and how much; the longest first.
    pub most: Vec<(PollIx, Ns)>,
    /// How many polls the other workers of its runtime began meanwhile.
    pub elsewhere: usize,
    /// Whether the polls were too many to look at each: then `busy`, `parked` and `most` are of the latest of them.
    pub sampled: bool,
}

/// A task's wait for its poll.
pub(super) struct Wait {
    pub(super) task: TaskIx,
    /// The poll; `None` where it never came.
    pub(super) poll: Option<PollIx>,
    /// The worker on which the task was woken, if it was on one.
    pub(super) queue: Option<LaneIx>,
    pub(super) ready: Ns,
    pub(super) until: Ns,
}

/// What the worker in whose queue the task stood did meanwhile; where that is not known, what all of them did. Looks at
/// no more than `budget` polls, and takes those that it looked at from it.
pub(super) fn behind(recording: &Recording, wait: &Wait, budget: &mut usize) -> Behind {
    let ran = wait.poll.map(|poll| recording.poll(poll).lane);
    let runtime = match ran {
        Some(lane) => recording.runtime_of(lane),
        None => recording.task(wait.task).runtime,
    };
    // A wake on a worker of another runtime goes into a queue that all workers share.
    let own_queue = wait.queue.filter(|lane| {
        recording.runtime_of(*lane) == runtime && (ran.is_some() || runtime.is_some())
    });
    let lane = own_queue.or(ran);
    let mut behind = Behind {
        lane,
        moved: ran.is_some_and(|ran| lane != Some(ran)),
        ..Behind::default()
    };
    let others = others(recording, runtime, lane);
    match lane {
        Some(lane) => {
            on_lane(recording, wait, lane, &mut behind, budget);
            let begun = |other: &LaneIx| {
                let polls = recording.polls_on(*other);
                let before =
                    |at: Ns| polls.partition_point(|poll| recording.poll_start(*poll) < at);
                before(wait.until) - before(wait.ready)
            };
            behind.elsewhere = others.iter().map(begun).sum();
        }
        None => {
            for other in others {
                on_lane(recording, wait, other, &mut behind, budget);
            }
        }
    }
    behind
}

/// The workers of a runtime, but one of them.
fn others(recording: &Recording, runtime: Option<RuntimeIx>, but: Option<LaneIx>) -> Vec<LaneIx> {
    let Some(runtime) = runtime else {
        return Vec::new();
    };
    (0..recording.lanes().len())
        .map(LaneIx::new)
        .filter(|lane| Some(*lane) != but && recording.runtime_of(*lane) == Some(runtime))
        .collect()
}

/// Adds what `lane` did during the wait.
fn on_lane(
    recording: &Recording,
    wait: &Wait,
    lane: LaneIx,
    behind: &mut Behind,
    budget: &mut usize,
) {
    let polls = recording.polls_on(lane);
    let from = polls.partition_point(|other| recording.poll_start(*other) < wait.ready);
    let to = polls.partition_point(|other| recording.poll_start(*other) < wait.until);
    let end_of = |poll: PollIx| {
        recording
            .poll_start(poll)
            .saturating_add(recording.poll_duration(poll))
    };
    let going_on = polls[from.saturating_sub(NESTED)..from]
        .iter()
        .filter(|other| end_of(**other) > wait.ready);
    let within = &polls[from..to];
    let looked_at = within.len().min(*budget);
    *budget -= looked_at;
    behind.sampled |= looked_at < within.len();
    let latest = &within[within.len() - looked_at..];
    let mut reached = wait.ready;
    behind.polls += within.len();
    for &other in going_on.chain(latest) {
        if Some(other) == wait.poll {
            continue;
        }
        behind.polls += usize::from(recording.poll_start(other) < wait.ready);
        let start = recording.poll_start(other).max(wait.ready);
        let end = end_of(other).min(wait.until);
        behind.busy += (end - start.max(reached)).max(0);
        reached = reached.max(end);
        let overlap = (end - start).max(0);
        if overlap > 0 {
            let place = behind.most.partition_point(|(_, most)| *most >= overlap);
            if place < TOLD {
                behind.most.truncate(TOLD - 1);
                behind.most.insert(place, (other, overlap));
            }
        }
    }
    behind.parked += parked(recording, lane, wait.ready, wait.until, budget);
}

/// For how long of the time `lane` was parked.
fn parked(recording: &Recording, lane: LaneIx, from: Ns, to: Ns, budget: &mut usize) -> Ns {
    let parks = recording.parks_on(lane);
    let first = parks.partition_point(|park| recording.park(*park).start < from);
    let last = parks.partition_point(|park| recording.park(*park).start < to);
    let looked_at = (last - first).min(*budget);
    *budget -= looked_at;
    let mut reached = from;
    let mut sum = 0;
    for park in parks[first.saturating_sub(1)..first]
        .iter()
        .chain(&parks[last - looked_at..last])
    {
        let park = recording.park(*park);
        let end = park.end().min(to);
        sum += (end - park.start.max(reached)).max(0);
        reached = reached.max(end);
    }
    sum
}
