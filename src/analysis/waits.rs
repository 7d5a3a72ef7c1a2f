//! What tasks wait on, grouped: by the marks that name waits, and by the places in the code where tasks were suspended.

use std::collections::HashMap;

use super::{
    State,
    sites::{Site, site},
    state_at,
};
use crate::recording::{Ns, Outcome, PollIx, Recording, StrId, TaskIx, WaitIx, WaitState};

/// Every known wait of a recording, by what is waited on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    groups: Vec<WaitGroup>,
}

/// What tasks wait on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WaitOn {
    /// A mark of this name, at this place in the code.
    Mark(StrId, StrId),
    /// A place in the code, from task dumps.
    Site(Site),
}

/// The waits on one thing, ascending by begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitGroup {
    /// What is waited on.
    pub on: WaitOn,
    begins: Vec<Ns>,
    /// [`Ns::MAX`] for a wait that goes on.
    ends: Vec<Ns>,
    /// When the task was ready for the last time in the wait: what follows is no waiting. [`Ns::MAX`] as above.
    ready: Vec<Ns>,
    tasks: Vec<TaskIx>,
    abandoned: usize,
    /// The ends in their own order, for counting.
    sorted_ends: Vec<Ns>,
    /// When the tasks came to rest in these waits, and when they were ready again, each in its own order.
    rests: [Vec<Ns>; 2],
    /// The latest end of each run of [`FEW`] waits, and of each run of so many runs.
    reach: [Vec<Ns>; 2],
    /// The end of the window: how long an open wait has lasted is told up to here.
    until: Ns,
}

/// How many waits, or runs of waits, one entry sums up.
const FEW: usize = 64;

/// Somebody whose wait has begun and not ended: they wait, or have been woken and were not yet told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// The task.
    pub task: TaskIx,
    /// Since when.
    pub since: Ns,
}

/// Figures about some waits: their lengths until the task was ready. One that goes on counts with its length so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitFigures {
    /// How many.
    pub count: usize,
    /// Their median length.
    pub median: Option<Ns>,
    /// The longest.
    pub longest: Option<Ns>,
}

/// One wait on its way into a group.
struct Draft {
    begin: Ns,
    end: Ns,
    ready: Ns,
    task: TaskIx,
    abandoned: bool,
}

/// The waits of a group to be.
#[derive(Default)]
struct Drafts {
    waits: Vec<Draft>,
    /// From when to when the task neither was polled nor ready.
    rests: Vec<(Ns, Ns)>,
}

impl Drafts {
    /// Adds a wait, split where the task was ready or polled.
    fn add(
        &mut self,
        recording: &Recording,
        task: TaskIx,
        (begin, end): (Ns, Ns),
        abandoned: bool,
    ) {
        let before = self.rests.len();
        rests(recording, task, begin, end, &mut self.rests);
        let ready = self.rests[before..].last().map_or(end, |rest| rest.1);
        self.waits.push(Draft {
            begin,
            end,
            ready,
            task,
            abandoned,
        });
    }
}

/// When `task` neither was polled nor ready from `begin` to `end`.
fn rests(recording: &Recording, task: TaskIx, begin: Ns, end: Ns, found: &mut Vec<(Ns, Ns)>) {
    let polls = recording.polls_of(task);
    let first = polls.partition_point(|poll: &PollIx| recording.poll_start(*poll) <= begin);
    let mut rest = begin;
    if let Some(poll) = first.checked_sub(1).map(|before| polls[before]) {
        let poll = recording.poll(poll);
        if poll.outcome == Outcome::StillRunning {
            return;
        }
        rest = rest.max(poll.end());
    }
    for poll in &polls[first..] {
        let start = recording.poll_start(*poll);
        let ready = (start - recording.delay(*poll).unwrap_or(0)).min(end);
        if rest < ready {
            found.push((rest, ready));
        }
        if end <= start {
            return;
        }
        let poll = recording.poll(*poll);
        if poll.outcome == Outcome::StillRunning {
            return;
        }
        rest = poll.end();
    }
    let ended = recording.task(task).ended_at().unwrap_or(Ns::MAX);
    // Whoever is ready at the end of the window was not polled any more.
    let ready = match state_at(recording, task, recording.window().end) {
        State::Runnable { since } => since,
        _ => Ns::MAX,
    };
    let until = end.min(ended).min(ready);
    if rest < until {
        found.push((rest, until));
    }
}

impl Waits {
    /// Groups the waits of `recording`; it takes a while where there are a million. Waits of which only the end was
    /// recorded are left out.
    #[must_use]
    pub fn new(recording: &Recording) -> Self {
        let mut drafts: HashMap<WaitOn, Drafts> = HashMap::new();
        for wait in (0..recording.wait_count()).map(WaitIx::new) {
            let wait = recording.wait(wait);
            if let Some(begin) = wait.begin {
                let end = wait.end.unwrap_or(Ns::MAX);
                let abandoned = wait.state == WaitState::Abandoned;
                drafts
                    .entry(WaitOn::Mark(wait.name, wait.location))
                    .or_default()
                    .add(recording, wait.task, (begin, end), abandoned);
            }
        }
        if recording.await_site_count() > 0 {
            for task in recording.tasks() {
                sites(recording, task, &mut drafts);
            }
        }
        let until = recording.window().end;
        let mut groups: Vec<WaitGroup> = drafts
            .into_iter()
            .map(|(on, drafts)| WaitGroup::new(on, drafts, until))
            .collect();
        groups.sort_by(|a, b| a.on.cmp(&b.on));
        Self { groups }
    }

    /// The groups, in an order that never changes.
    #[must_use]
    pub fn groups(&self) -> &[WaitGroup] {
        &self.groups
    }
}

/// Each place where a task was seen suspended, from the end of the poll that left it there until its next poll. A trace
/// may stamp what it saw with the begin of that poll.
fn sites(recording: &Recording, task: TaskIx, drafts: &mut HashMap<WaitOn, Drafts>) {
    let ended = recording.task(task).ended_at().unwrap_or(Ns::MAX);
    for seen in recording.await_sites_of(task) {
        let seen = recording.await_site(*seen);
        let Some(on) = site(recording, seen.stack).map(WaitOn::Site) else {
            continue;
        };
        let polls = recording.polls_of(task);
        let next = polls.partition_point(|poll: &PollIx| recording.poll_start(*poll) <= seen.at);
        let poll = next.checked_sub(1).map(|before| polls[before]);
        let begin = poll.map_or(seen.at, |poll| seen.at.max(recording.poll(poll).end()));
        let end = polls
            .get(next)
            .map_or(Ns::MAX, |poll| recording.poll_start(*poll))
            .min(ended)
            .max(begin);
        let group = drafts.entry(on).or_default();
        // A task that is seen twice in one place without a poll in between has waited once.
        let again = |last: &&mut Draft| last.task == task && last.end == end;
        if group.waits.last_mut().filter(again).is_none() {
            group.add(recording, task, (begin, end), false);
        }
    }
}

impl WaitGroup {
    fn new(on: WaitOn, drafts: Drafts, until: Ns) -> Self {
        let Drafts {
            waits: mut drafts,
            rests,
        } = drafts;
        let (mut rests, mut again): (Vec<Ns>, Vec<Ns>) = rests.into_iter().unzip();
        rests.sort_unstable();
        again.sort_unstable();
        drafts.sort_by_key(|draft| (draft.begin, draft.task));
        let ends: Vec<Ns> = drafts.iter().map(|draft| draft.end).collect();
        let mut sorted_ends = ends.clone();
        sorted_ends.sort_unstable();
        let runs = |of: &[Ns]| -> Vec<Ns> {
            let runs = of.chunks(FEW);
            runs.map(|run| run.iter().copied().max().unwrap_or(Ns::MIN))
                .collect()
        };
        let short = runs(&ends);
        let long = runs(&short);
        Self {
            on,
            begins: drafts.iter().map(|draft| draft.begin).collect(),
            tasks: drafts.iter().map(|draft| draft.task).collect(),
            abandoned: drafts.iter().filter(|draft| draft.abandoned).count(),
            ready: drafts.iter().map(|draft| draft.ready).collect(),
            ends,
            sorted_ends,
            rests: [rests, again],
            reach: [short, long],
            until,
        }
    }

    /// How many waits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.begins.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begins.is_empty()
    }

    /// How many of them were abandoned: the awaited future was dropped before it was ready.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.abandoned
    }

    /// How many waited at `at`, neither ready nor polled: two searches.
    #[must_use]
    pub fn waiting_at(&self, at: Ns) -> usize {
        let [rests, again] = &self.rests;
        let rested = rests.partition_point(|rest| *rest <= at);
        rested.saturating_sub(again.partition_point(|ready| *ready <= at))
    }

    /// How many waits had begun and not ended at `at`, those of tasks that were ready or polled among them: two
    /// searches.
    #[must_use]
    pub fn open_at(&self, at: Ns) -> usize {
        let begun = self.begins.partition_point(|begin| *begin <= at);
        let ended = self.sorted_ends.partition_point(|end| *end <= at);
        // Whoever ended had begun: none ends before its begin.
        begun.saturating_sub(ended)
    }

    /// Those whose waits were open at `at`, at most `most` of them, the longest first. Whole runs in which none was are
    /// skipped.
    #[must_use]
    pub fn waiters_at(&self, at: Ns, most: usize) -> Vec<Waiter> {
        let begun = self.begins.partition_point(|begin| *begin <= at);
        let mut found = Vec::new();
        let mut row = 0;
        while row < begun && found.len() < most {
            let skipped = if row % (FEW * FEW) == 0 && self.reach[1][row / (FEW * FEW)] <= at {
                FEW * FEW
            } else if row % FEW == 0 && self.reach[0][row / FEW] <= at {
                FEW
            } else {
                if at < self.ends[row] {
                    found.push(Waiter {
                        task: self.tasks[row],
                        since: self.begins[row],
                    });
                }
                1
            };
            row += skipped;
        }
        found
    }

    /// Figures about the waits that began in the range, both ends included; about all of them without one. It looks
    /// at each of them.
    #[must_use]
    pub fn figures(&self, range: Option<(Ns, Ns)>) -> WaitFigures {
        let (first, last) = range.map_or((0, self.len()), |(from, to)| {
            let first = self.begins.partition_point(|begin| *begin < from);
            let last = self.begins.partition_point(|begin| *begin <= to);
            (first, last.max(first))
        });
        let length = |row: usize| {
            self.ready[row]
                .min(self.until)
                .saturating_sub(self.begins[row])
                .max(0)
        };
        let mut lengths: Vec<Ns> = (first..last).map(length).collect();
        let longest = lengths.iter().copied().max();
        // The nearest rank: half of them are no longer.
        let middle = lengths.len().div_ceil(2).checked_sub(1);
        let median = middle.map(|middle| *lengths.select_nth_unstable(middle).1);
        WaitFigures {
            count: last - first,
            median,
            longest,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::testing::{batch, builder};

    #[test]
    fn marks_of_one_name_and_place_are_one_group() {
        let mut builder = builder(100);
        let [a, b] = ["orders", "replies"].map(|name| builder.intern(name));
        let [here, there] = ["a.rs:1:1", "b.rs:2:2"].map(|name| builder.intern(name));
        let mut w0 = batch(0);
        for (number, (task, at, name, place, end)) in [
            (1, 10, a, here, Some(20)),
            (2, 12, a, here, None),
            (1, 25, a, there, Some(30)),
            (1, 40, b, here, None),
        ]
        .into_iter()
        .enumerate()
        {
            w0.wait_begin(task, number as u64, at, name, place);
            if let Some(end) = end {
                w0.wait_end(task, number as u64, end, WaitState::Abandoned);
            }
        }
        builder.batch(w0);
        let recording = builder.finish();
        let waits = Waits::new(&recording);
        let seen: Vec<_> = waits
            .groups()
            .iter()
            .map(|group| (group.on.clone(), group.len(), group.abandoned()))
            .collect();
        assert_eq!(
            seen,
            [
                (WaitOn::Mark(a, here), 2, 1),
                (WaitOn::Mark(a, there), 1, 1),
                (WaitOn::Mark(b, here), 1, 0)
            ]
        );
        let orders = &waits.groups()[0];
        assert_eq!(orders.waiting_at(15), 2);
        assert_eq!(orders.waiting_at(20), 1);
        assert_eq!(
            orders.figures(None),
            WaitFigures {
                count: 2,
                median: Some(10),
                longest: Some(88)
            }
        );
        assert_eq!(orders.figures(Some((11, 12))).count, 1);
        assert_eq!(orders.figures(Some((13, 99))), WaitFigures::default());
    }

    #[test]
    fn a_task_that_is_polled_or_ready_does_not_wait() {
        let mut builder = builder(100);
        let [name, here] = ["orders", "a.rs:1:1"].map(|text| builder.intern(text));
        builder.task(crate::recording::TaskFacts {
            id: 1,
            spawn: crate::recording::testing::spawn(0),
            wakes_recorded: true,
            ended_at: None,
        });
        let mut w0 = batch(0);
        w0.poll(1, 5, 20, Outcome::Pending);
        w0.wait_begin(1, 1, 10, name, here);
        w0.wake(1, 30, crate::recording::WakerKey::Runtime);
        w0.poll(1, 60, 70, Outcome::Pending);
        w0.wait_end(1, 1, 65, WaitState::Done);
        // Stamped with the begin of the poll that left it there.
        w0.await_site(1, 60, &[77]);
        builder.batch(w0);
        let recording = builder.finish();
        let waits = Waits::new(&recording);
        let [mark, site] = waits.groups() else {
            panic!("{waits:?}");
        };
        let seen = |group: &WaitGroup| {
            [15, 25, 30, 62, 65, 75].map(|at| (group.waiting_at(at), group.open_at(at)))
        };
        assert_eq!(seen(mark), [(0, 1), (1, 1), (0, 1), (0, 1), (0, 0), (0, 0)]);
        assert_eq!(mark.figures(None).longest, Some(20));
        assert_eq!(seen(site), [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (1, 1)]);
        assert_eq!(site.figures(None).longest, Some(30));
    }

    proptest! {
        #[test]
        fn whoever_waits_is_found(
            waits in prop::collection::vec((0i64..5_000, prop::option::weighted(0.9, 0i64..60), 0usize..9), 0..9_000),
            at in 0i64..5_100,
            most in 0usize..40,
        ) {
            let drafts: Vec<Draft> = waits
                .iter()
                .map(|(begin, length, task)| Draft {
                    begin: *begin,
                    end: length.map_or(Ns::MAX, |length| begin + length),
                    ready: length.map_or(Ns::MAX, |length| begin + length),
                    task: TaskIx::new(*task),
                    abandoned: false,
                })
                .collect();
            let mut open: Vec<(Ns, TaskIx)> = drafts
                .iter()
                .filter(|draft| draft.begin <= at && at < draft.end)
                .map(|draft| (draft.begin, draft.task))
                .collect();
            open.sort();
            let rests = drafts.iter().map(|draft| (draft.begin, draft.end)).filter(|(begin, end)| begin < end);
            let drafts = Drafts { rests: rests.collect(), waits: drafts };
            let group = WaitGroup::new(WaitOn::Mark(StrId::NONE, StrId::NONE), drafts, 6_000);
            prop_assert_eq!(group.waiting_at(at), open.len());
            prop_assert_eq!(group.open_at(at), open.len());
            open.truncate(most);
            let found: Vec<(Ns, TaskIx)> =
                group.waiters_at(at, most).into_iter().map(|waiter| (waiter.since, waiter.task)).collect();
            prop_assert_eq!(found, open);
        }
    }
}
