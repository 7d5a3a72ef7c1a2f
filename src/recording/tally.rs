//! What every task did in a range: its rows are read once, in the order of time and shared by the processors. Asked
//! task by task, each row would be fetched from a place of its own in memory.

use std::{ops::Range, thread};

use super::{
    LaneIx, Ns, PollIx, Recording, TaskIx, Totals, WakeIx,
    columns::{LONG, NO_LENGTH},
    stop::Stop,
};

/// The totals of every task over a range, and the schedule delays of its polls there.
#[derive(Debug, Default)]
pub struct Tally {
    totals: Vec<Totals>,
    shares: Vec<Share>,
}

impl Tally {
    /// What `task` did: the same as [`Recording::totals_between`].
    #[must_use]
    pub fn totals(&self, task: TaskIx) -> Totals {
        self.totals.get(task.index()).copied().unwrap_or_default()
    }

    /// Adds to `delays` the known schedule delays of the polls of `task` that touch the range, in no order.
    pub fn delays(&self, task: TaskIx, delays: &mut Vec<Ns>) {
        for share in &self.shares {
            delays.extend(share.delays_of(task).iter().map(|delay| Ns::from(*delay)));
            let first = share.long.partition_point(|(one, _)| *one < task);
            let long = share.long[first..].iter();
            delays.extend(
                long.take_while(|(one, _)| *one == task)
                    .map(|(_, delay)| delay),
            );
        }
    }
}

/// What one processor counts: some of the range's rows.
#[derive(Debug, Default)]
struct Share {
    totals: Vec<Totals>,
    /// Where each task's delays begin and end; there is room for as many as it has polls.
    slots: Vec<(u32, u32)>,
    delays: Vec<u32>,
    /// Those that do not fit, by task.
    long: Vec<(TaskIx, Ns)>,
}

/// Rows that are counted together. `over` are polls that began before the range and reach into it.
#[derive(Default)]
struct Rows {
    over: Vec<PollIx>,
    polls: Range<usize>,
    wakes: Range<usize>,
}

/// A processor that counts fewer rows for each task than this has more trouble with the tasks than with the rows.
const ROWS_PER_TASK: usize = 16;
/// Nor is it worth a thread to count so few.
const FEW: usize = 1 << 16;

impl Recording {
    /// What every task did from one instant to another, both in it. `None` when `over` says that nobody wants to know
    /// any more; it is asked now and then, from any thread.
    #[must_use]
    pub fn tally(&self, from: Ns, to: Ns, over: &(dyn Fn() -> bool + Sync)) -> Option<Tally> {
        let (polls, wakes) = self.rows_in(from, to);
        let most = (polls.len() + wakes.len()) / (self.task_count() * ROWS_PER_TASK).max(FEW);
        let processors = thread::available_parallelism().map_or(1, usize::from);
        self.tally_in_shares(processors.min(most).max(1), (from, to), Stop::when(over))
    }

    /// The polls that begin in a range, and its wakes.
    fn rows_in(&self, from: Ns, to: Ns) -> (Range<usize>, Range<usize>) {
        let after = to.saturating_add(1).max(from);
        (
            self.polls_from(from).index()..self.polls_from(after).index(),
            self.wakes_from(from).index()..self.wakes_from(after).index(),
        )
    }

    fn tally_in_shares(&self, count: usize, range: (Ns, Ns), stop: Stop<'_>) -> Option<Tally> {
        let (polls, wakes) = self.rows_in(range.0, range.1);
        let part = |all: &Range<usize>, number: usize| {
            let bound = |number: usize| all.start + all.len() * number / count;
            bound(number)..bound(number + 1)
        };
        let mut parts: Vec<Rows> = (0..count)
            .map(|number| Rows {
                over: Vec::new(),
                polls: part(&polls, number),
                wakes: part(&wakes, number),
            })
            .collect();
        parts[0].over = self.polls_into(range.0);
        let shares = thread::scope(|scope| {
            let mut parts = parts.into_iter();
            let own = parts.next().unwrap_or_default();
            let others: Vec<_> = parts
                .map(|rows| scope.spawn(move || self.share(&rows, range, stop)))
                .collect();
            let mut shares = vec![self.share(&own, range, stop)];
            shares.extend(others.into_iter().map(|other| match other.join() {
                Ok(share) => share,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            shares.into_iter().collect::<Option<Vec<Share>>>()
        });
        Some(self.tallied(shares?, range))
    }

    /// The polls that began before `at` and go on then.
    fn polls_into(&self, at: Ns) -> Vec<PollIx> {
        let mut over = Vec::new();
        for lane in 0..self.lanes.len() {
            self.polls_over(LaneIx::new(lane), at, |poll| {
                if self.poll_start(poll) < at {
                    over.push(poll);
                }
            });
        }
        // Of several of one length the first is the longest.
        over.sort_unstable();
        over
    }

    fn share(&self, rows: &Rows, (from, to): (Ns, Ns), stop: Stop<'_>) -> Option<Share> {
        let mut totals = vec![Totals::default(); self.task_count()];
        let mut pace = stop.pace();
        let over = rows.over.iter().map(|poll| poll.index());
        for row in over.clone().chain(rows.polls.clone()) {
            if pace.is_over() {
                return None;
            }
            let start = self.polls.start[row];
            let length = self.polls.duration.get(row).unwrap_or(0);
            let end = start.saturating_add(length).min(to);
            let totals = &mut totals[self.polls.task[row].index()];
            totals.polls += 1;
            totals.busy_ns = totals.busy_ns.saturating_add(end - start.max(from));
            totals.offer_longest(start, length);
        }
        let mut share = Share::with_room(&totals);
        for row in over.chain(rows.polls.clone()) {
            if pace.is_over() {
                return None;
            }
            let task = self.polls.task[row];
            match self.polls.delay.raw(row) {
                NO_LENGTH => {}
                LONG => share
                    .long
                    .extend(self.polls.delay.get(row).map(|delay| (task, delay))),
                short => share.push(task, short),
            }
        }
        share.long.sort_unstable();
        for row in rows.wakes.clone() {
            if pace.is_over() {
                return None;
            }
            let task = self.wakes.task[row];
            let own = self.is_self_wake(WakeIx::new(row));
            let totals = &mut totals[task.index()];
            totals.wakes += 1;
            totals.self_wakes += u64::from(own);
        }
        share.totals = totals;
        Some(share)
    }

    /// The sum of all shares, and the waits that begin in the range.
    fn tallied(&self, mut shares: Vec<Share>, (from, to): (Ns, Ns)) -> Tally {
        let mut all = shares
            .iter_mut()
            .map(|share| std::mem::take(&mut share.totals));
        let mut totals = all.next().unwrap_or_default();
        for share in all {
            for (sum, one) in totals.iter_mut().zip(&share) {
                sum.add(one);
            }
        }
        let begun = |at: Ns| self.waits.begin.partition_point(|begin| *begin < at);
        let first = begun(from);
        let waits = first..begun(to.saturating_add(1)).max(first);
        for task in &self.waits.task[waits] {
            totals[task.index()].waits += 1;
        }
        Tally { totals, shares }
    }
}

impl Share {
    /// A share that has room for a delay of every poll counted.
    fn with_room(totals: &[Totals]) -> Self {
        let mut next = 0u32;
        let slots = totals.iter().map(|totals| {
            let first = next;
            next += totals.polls as u32;
            (first, first)
        });
        Self {
            slots: slots.collect(),
            delays: vec![0; next as usize],
            ..Self::default()
        }
    }

    #[inline]
    fn push(&mut self, task: TaskIx, delay: u32) {
        let (_, end) = &mut self.slots[task.index()];
        self.delays[*end as usize] = delay;
        *end += 1;
    }

    fn delays_of(&self, task: TaskIx) -> &[u32] {
        let slot = self.slots.get(task.index());
        slot.map_or(&[], |(from, to)| &self.delays[*from as usize..*to as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::{
        Outcome, StrId, WakerKey,
        testing::{batch, builder},
    };

    /// Two workers and some tasks, each polled by one worker at a time; lengths and delays beyond 4.29 s among them.
    fn recording(steps: &[(u64, Ns, Ns, bool)]) -> Recording {
        let mut builder = builder(100_000_000_000);
        let mut workers = [batch(0), batch(1)];
        let mut now = [0; 2];
        for (number, (task, idle, length, own)) in steps.iter().enumerate() {
            let worker = number % 2;
            // Tasks do not change workers, so their polls do not overlap.
            let task = task * 2 + worker as u64 + 1;
            let start = now[worker] + idle;
            let waker = if *own { task } else { 1 };
            workers[worker].wake(task, now[worker], WakerKey::Task(waker));
            workers[worker].poll(task, start, start + length, Outcome::Pending);
            workers[worker].wait_begin(task, number as u64, start, StrId::NONE, StrId::NONE);
            now[worker] = start + length + 1;
        }
        workers.into_iter().for_each(|batch| builder.batch(batch));
        builder.finish()
    }

    fn steps() -> impl Strategy<Value = Vec<(u64, Ns, Ns, bool)>> {
        let time =
            || prop_oneof![8 => 0i64..40, 1 => 0i64..9_000, 1 => 4_294_967_290i64..4_294_967_299];
        prop::collection::vec((0u64..4, time(), time(), any::<bool>()), 1..120)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn all_tasks_at_once_have_the_totals_of_each(steps in steps(), from in 0usize..120, rows in 0usize..120, shift in -3i64..4) {
            let recording = recording(&steps);
            let start = |row: usize| recording.poll_start(PollIx::new(row.min(recording.poll_count() - 1)));
            let from_at = start(from) + shift;
            let range = (from_at, start(from + rows).max(from_at));
            for shares in 1..4 {
                let tally = recording.tally_in_shares(shares, range, Stop::NEVER).unwrap();
                for task in recording.tasks() {
                    prop_assert_eq!(tally.totals(task), recording.totals_between(task, range.0, range.1));
                    let mut delays = Vec::new();
                    tally.delays(task, &mut delays);
                    delays.sort_unstable();
                    let touches = |poll: &PollIx| {
                        let poll = recording.poll(*poll);
                        poll.start <= range.1 && (poll.start >= range.0 || poll.end() > range.0)
                    };
                    let polls = recording.polls_of(task).iter().copied().filter(touches);
                    let mut expected: Vec<Ns> = polls.filter_map(|poll| recording.delay(poll)).collect();
                    expected.sort_unstable();
                    prop_assert_eq!(delays, expected);
                }
            }
        }
    }

    #[test]
    fn what_nobody_wants_any_more_is_given_up() {
        let many = vec![(0, 1, 1, false); 40_000];
        let recording = recording(&many);
        assert!(recording.tally(0, Ns::MAX, &|| true).is_none());
        assert!(recording.tally(0, Ns::MAX, &|| false).is_some());
        assert_eq!(
            recording
                .tally(5, 3, &|| false)
                .unwrap()
                .totals(TaskIx::new(0))
                .polls,
            0
        );
    }
}
