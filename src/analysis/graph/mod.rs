//! Who wakes whom: the wakers and wakees of one task with counts and schedule delays, and its wider neighbourhood.

mod neighbourhood;
#[cfg(test)]
mod tests;

pub use neighbourhood::{Link, MOST_LINKS, MOST_NODES, Neighbourhood, Node, Who, neighbourhood};

use std::{
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

use crate::recording::{Ns, Recording, StrId, TaskIx, WaitIx, WakeIx, Waker};

/// The most wakes that are counted, the latest of them: a person waits for the answer.
pub const MOST_COUNTED: usize = 1 << 18;
/// The most edges of one side: nobody reads more.
pub const MOST_EDGES: usize = 1 << 14;

/// One task, who woke it, and whom it woke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ego {
    /// The task.
    pub task: TaskIx,
    /// Who woke it, the most frequent first; itself among them. The runtime stands there once for each mark that the
    /// task was waiting for.
    pub wakers: Vec<Edge>,
    /// How many wakes `wakers` tells of, and how many there were.
    pub woken: Counted,
    /// Whom it woke, the most frequent first; not itself.
    pub wakees: Vec<Edge>,
    /// How many wakes `wakees` tells of, and how many there were.
    pub woke: Counted,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// So many, the latest.
    pub counted: usize,
    /// Of so many.
    pub of: usize,
    /// Between so many ends; edges are told of no more than [`MOST_EDGES`].
    pub ends: usize,
}

/// All wakes between one task and another end: a waker, or the tasks of one name and spawn location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The other end; of several tasks, the one of the latest wake.
    pub node: Waker,
    /// How many tasks the other end is: more than one only where they are folded.
    pub tasks: usize,
    /// What the task was waiting for when the runtime woke it, as far as a mark says; else [`StrId::NONE`].
    pub mark: StrId,
    /// How many wakes.
    pub count: usize,
    /// How many of them were redundant.
    pub redundant: usize,
    /// The median of the schedule delays of the polls that they caused.
    pub median: Option<Ns>,
    /// The 99th percentile of them: at least 99 of 100 are no longer.
    pub p99: Option<Ns>,
    /// The latest of the wakes.
    pub last: WakeIx,
}

/// Whether tasks of one name and spawn location are one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// They are.
    ByLocation,
    /// Each task stands for itself.
    No,
}

/// Who wakes `task` and whom it wakes, by the wakes in `range`.
#[must_use]
pub fn ego(recording: &Recording, task: TaskIx, range: &RangeInclusive<Ns>, fold: Fold) -> Ego {
    limited(recording, task, range, fold, MOST_COUNTED)
}

/// The same, by the latest `most` wakes in each direction.
fn limited(
    recording: &Recording,
    task: TaskIx,
    range: &RangeInclusive<Ns>,
    fold: Fold,
    most: usize,
) -> Ego {
    let (wakes, mut woken) = latest(recording, recording.wakes_of(task), range, most);
    let polls = recording.polls_of(task);
    let mut marks = Marks::new(recording, task);
    let mut wakers = Edges::new(recording, task, fold);
    let mut next = wakes.first().map_or(0, |first| {
        let at = recording.wake_at(*first);
        polls.partition_point(|poll| recording.poll_start(*poll) < at)
    });
    for &wake in wakes {
        let row = recording.wake(wake);
        while polls
            .get(next)
            .is_some_and(|poll| recording.poll_start(*poll) < row.at)
        {
            next += 1;
        }
        let mark = match row.waker {
            Waker::Runtime => marks.at(row.at),
            _ => StrId::NONE,
        };
        // The wake that made it runnable is the cause of its next poll.
        let delay = polls
            .get(next)
            .filter(|_| !row.redundant)
            .and_then(|poll| recording.delay(*poll));
        wakers.add(row.waker, mark, wake, row.redundant, delay);
    }

    let (wakes, mut woke) = latest(recording, recording.wakes_by(task), range, most);
    let mut wakees = Edges::new(recording, task, fold);
    for &wake in wakes {
        let row = recording.wake(wake);
        let delay = if row.redundant {
            None
        } else {
            let polls = recording.polls_of(row.task);
            let next = polls.partition_point(|poll| recording.poll_start(*poll) < row.at);
            polls.get(next).and_then(|poll| recording.delay(*poll))
        };
        let woken = Waker::Task(row.task);
        wakees.add(woken, StrId::NONE, wake, row.redundant, delay);
    }
    Ego {
        task,
        wakers: wakers.finish(&mut woken),
        woken,
        wakees: wakees.finish(&mut woke),
        woke,
    }
}

/// The latest `most` of the ascending `wakes` that lie in `range`.
fn latest<'a>(
    recording: &Recording,
    wakes: &'a [WakeIx],
    range: &RangeInclusive<Ns>,
    most: usize,
) -> (&'a [WakeIx], Counted) {
    let from = wakes.partition_point(|wake| recording.wake_at(*wake) < *range.start());
    let to = wakes.partition_point(|wake| recording.wake_at(*wake) <= *range.end());
    let within = wakes.get(from..to).unwrap_or_default();
    let counted = within.len().min(most);
    (
        &within[within.len() - counted..],
        Counted {
            counted,
            of: within.len(),
            ends: 0,
        },
    )
}

/// What makes two wakers one end of an edge.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// A waker, and what the task waited for.
    One(Waker, StrId),
    /// Tasks of one name and spawn location.
    Kin(StrId, StrId),
}

/// Edges while they are counted.
struct Edges<'a> {
    recording: &'a Recording,
    task: TaskIx,
    fold: Fold,
    numbers: HashMap<Key, usize>,
    edges: Vec<Counting>,
    /// The one that was counted last: the next is most likely the same.
    last: Option<(Waker, StrId, usize)>,
}

struct Counting {
    edge: Edge,
    delays: Vec<Ns>,
    seen: HashSet<Waker>,
}

impl<'a> Edges<'a> {
    fn new(recording: &'a Recording, task: TaskIx, fold: Fold) -> Self {
        Self {
            recording,
            task,
            fold,
            numbers: HashMap::new(),
            edges: Vec::new(),
            last: None,
        }
    }

    fn key(&self, waker: Waker, mark: StrId) -> Key {
        match waker {
            Waker::Task(task) if self.fold == Fold::ByLocation && task != self.task => {
                let facts = self.recording.task(task);
                if facts.name.is_some() || facts.location.is_some() {
                    Key::Kin(facts.name, facts.location)
                } else {
                    Key::One(waker, mark)
                }
            }
            _ => Key::One(waker, mark),
        }
    }

    fn add(&mut self, waker: Waker, mark: StrId, wake: WakeIx, redundant: bool, delay: Option<Ns>) {
        let number = match self.last {
            Some((last, last_mark, number)) if last == waker && last_mark == mark => number,
            _ => {
                let key = self.key(waker, mark);
                let number = *self.numbers.entry(key).or_insert(self.edges.len());
                if number == self.edges.len() {
                    self.edges.push(Counting::new(waker, mark, wake));
                }
                self.edges[number].seen.insert(waker);
                number
            }
        };
        self.last = Some((waker, mark, number));
        let Counting { edge, delays, .. } = &mut self.edges[number];
        edge.count += 1;
        edge.redundant += usize::from(redundant);
        // They ascend.
        (edge.last, edge.node) = (wake, waker);
        delays.extend(delay);
    }

    fn finish(self, counted: &mut Counted) -> Vec<Edge> {
        counted.ends = self.edges.len();
        let mut edges: Vec<Edge> = self
            .edges
            .into_iter()
            .map(|mut counting| Edge {
                tasks: counting.seen.len(),
                median: rank(&mut counting.delays, 50),
                p99: rank(&mut counting.delays, 99),
                ..counting.edge
            })
            .collect();
        edges.sort_by_key(|edge| (std::cmp::Reverse(edge.count), edge.last));
        edges.truncate(MOST_EDGES);
        edges
    }
}

impl Counting {
    fn new(node: Waker, mark: StrId, last: WakeIx) -> Self {
        Self {
            edge: Edge {
                node,
                tasks: 0,
                mark,
                count: 0,
                redundant: 0,
                median: None,
                p99: None,
                last,
            },
            delays: Vec::new(),
            seen: HashSet::new(),
        }
    }
}

/// The smallest value that at least so many percent do not exceed.
fn rank(values: &mut [Ns], percent: usize) -> Option<Ns> {
    let place = (values.len() * percent).div_ceil(100).checked_sub(1)?;
    Some(*values.select_nth_unstable(place).1)
}

/// What a task was waiting for at rising instants, by its marks.
struct Marks<'a> {
    recording: &'a Recording,
    waits: &'a [WaitIx],
    begun: usize,
}

impl<'a> Marks<'a> {
    /// Waits begun before the latest that may still be open: those of a `select!`.
    const HELD: usize = 8;

    fn new(recording: &'a Recording, task: TaskIx) -> Self {
        Self {
            recording,
            waits: recording.waits_of(task),
            begun: 0,
        }
    }

    /// The name of the wait that began last of those open at `at`.
    fn at(&mut self, at: Ns) -> StrId {
        let begins = |wait: &WaitIx| self.recording.wait(*wait).begin.unwrap_or(Ns::MIN);
        // Mostly a few steps on, but the first may be anywhere.
        let rest = &self.waits[self.begun..];
        let step = rest
            .iter()
            .take(Self::HELD)
            .take_while(|wait| begins(wait) <= at);
        let step = step.count();
        self.begun += if step == Self::HELD {
            rest.partition_point(|wait| begins(wait) <= at)
        } else {
            step
        };
        self.waits[..self.begun]
            .iter()
            .rev()
            .take(Self::HELD)
            .map(|wait| self.recording.wait(*wait))
            .find(|wait| wait.begin.is_some() && wait.covers(at))
            .map_or(StrId::NONE, |wait| wait.name)
    }
}
