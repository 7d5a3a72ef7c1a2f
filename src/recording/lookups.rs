//! What timelines, range totals and steps ask: answered in the time that the screen takes, not the recording.

use std::collections::HashMap;

use super::{
    Cover, Forest, LaneIx, Ns, ParkIx, PollIx, Recording, TaskIx, ThreadIx, Totals, WakeIx,
    batch::IdHashing, columns::WakerKind, index::ByOwner,
};

/// A task with at least this many polls gets summaries when the recording is made; of others they are not worth it.
const MANY_POLLS: usize = if cfg!(test) { 64 } else { 1 << 15 };

/// Summaries over the intervals of lanes, and of the tasks that have many.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    lane_polls: Vec<Forest>,
    lane_parks: Vec<Forest>,
    pub(crate) tasks: HashMap<TaskIx, OfTask, IdHashing>,
}

#[derive(Debug)]
pub(crate) struct OfTask {
    polls: Forest,
    ready: Forest,
}

impl Summaries {
    /// The summaries of lanes, whose parks are indexed already.
    pub(crate) fn of_lanes(recording: &Recording, polls_by_lane: &ByOwner<PollIx>) -> Self {
        let lanes = || 0..recording.lanes.len();
        Self {
            lane_polls: lanes()
                .map(|lane| {
                    let polls = polls_by_lane.of(lane);
                    Forest::new(polls.len(), recording.intervals(polls))
                })
                .collect(),
            lane_parks: lanes()
                .map(|lane| {
                    let parks = recording.parks_on(LaneIx::new(lane));
                    Forest::new(parks.len(), recording.park_intervals(parks))
                })
                .collect(),
            tasks: HashMap::default(),
        }
    }

    /// The summaries of tasks with many polls, whose schedule delays are known by now.
    pub(crate) fn of_tasks(recording: &Recording) -> HashMap<TaskIx, OfTask, IdHashing> {
        let many = recording
            .tasks()
            .filter(|task| recording.polls_of(*task).len() >= MANY_POLLS);
        many.map(|task| (task, OfTask::new(recording, task)))
            .collect()
    }
}

impl OfTask {
    fn new(recording: &Recording, task: TaskIx) -> Self {
        let polls = recording.polls_of(task);
        Self {
            polls: Forest::new(polls.len(), recording.intervals(polls)),
            ready: Forest::new(polls.len(), recording.ready_intervals(polls)),
        }
    }
}

impl Recording {
    fn intervals<'a>(&'a self, polls: &'a [PollIx]) -> impl Fn(usize) -> (Ns, Ns) + 'a {
        move |place| {
            let start = self.poll_start(polls[place]);
            (
                start,
                start.saturating_add(self.poll_duration(polls[place])),
            )
        }
    }

    /// From ready to polled; of no length where that is not known.
    fn ready_intervals<'a>(&'a self, polls: &'a [PollIx]) -> impl Fn(usize) -> (Ns, Ns) + 'a {
        move |place| {
            let start = self.poll_start(polls[place]);
            let delay = self.delay(polls[place]).unwrap_or(0);
            (start.saturating_sub(delay), start)
        }
    }

    fn park_intervals<'a>(&'a self, parks: &'a [ParkIx]) -> impl Fn(usize) -> (Ns, Ns) + 'a {
        move |place| {
            let row = parks[place].index();
            let start = self.parks.start[row];
            let length = self.parks.duration.get(row).unwrap_or(0);
            (start, start.saturating_add(length))
        }
    }

    /// Fills `cells`, which share the time from `from` to `to`, with what the polls of a lane do in each of them.
    /// [`Cover::longest_at`] is the number of a [`PollIx`].
    pub fn lane_cover(&self, lane: LaneIx, from: Ns, to: Ns, cells: &mut [Cover]) {
        let polls = self.polls_on(lane);
        cells.fill(Cover::default());
        if let Some(forest) = self.summaries.lane_polls.get(lane.index()) {
            forest.cover(from, to, cells, self.intervals(polls));
        }
        number(cells, |place| polls[place].raw());
    }

    /// Fills `cells` with what the parks of a lane do in each of them. [`Cover::longest_at`] is the number of a [`ParkIx`].
    pub fn park_cover(&self, lane: LaneIx, from: Ns, to: Ns, cells: &mut [Cover]) {
        let parks = self.parks_on(lane);
        cells.fill(Cover::default());
        if let Some(forest) = self.summaries.lane_parks.get(lane.index()) {
            forest.cover(from, to, cells, self.park_intervals(parks));
        }
        number(cells, |place| parks[place].raw());
    }

    /// Fills `cells` with what the polls of a task do in each of them. [`Cover::longest_at`] is the number of a
    /// [`PollIx`].
    pub fn task_cover(&self, task: TaskIx, from: Ns, to: Ns, cells: &mut [Cover]) {
        let polls = self.polls_of(task);
        let get = self.intervals(polls);
        cells.fill(Cover::default());
        match self.summaries.tasks.get(&task) {
            Some(known) => known.polls.cover(from, to, cells, get),
            None => Forest::new(polls.len(), &get).cover(from, to, cells, get),
        }
        number(cells, |place| polls[place].raw());
    }

    /// Fills `cells` with the schedule delays of a task: the intervals from the moment at which it was ready to its poll,
    /// whose number as a [`PollIx`] is [`Cover::longest_at`].
    pub fn ready_cover(&self, task: TaskIx, from: Ns, to: Ns, cells: &mut [Cover]) {
        let polls = self.polls_of(task);
        let get = self.ready_intervals(polls);
        cells.fill(Cover::default());
        match self.summaries.tasks.get(&task) {
            Some(known) => known.ready.cover(from, to, cells, get),
            None => Forest::new(polls.len(), &get).cover(from, to, cells, get),
        }
        number(cells, |place| polls[place].raw());
    }

    /// A task's totals from one instant to another, both in it: polls that touch the range, how much of it they cover, the
    /// whole length of the longest of them, wakes, and marked waits that begin there.
    #[must_use]
    pub fn totals_between(&self, task: TaskIx, from: Ns, to: Ns) -> Totals {
        let after = to.saturating_add(1);
        let wakes = self.wakes_of(task);
        let first = wakes.partition_point(|wake| self.wake_at(*wake) < from);
        let last = wakes.partition_point(|wake| self.wake_at(*wake) < after);
        let wakes = &wakes[first..last.max(first)];
        let own = wakes.iter().filter(|wake| self.is_self_wake(**wake));
        let waits = self.waits_of(task);
        let begun = |at: Ns| waits.partition_point(|wait| self.waits.begin[wait.index()] < at);
        let polls = match self.summaries.tasks.get(&task) {
            Some(known) => self.many_polls(task, known, from, to),
            None => self.few_polls(task, from, to),
        };
        Totals {
            wakes: wakes.len() as u64,
            self_wakes: own.count() as u64,
            waits: begun(after).saturating_sub(begun(from)) as u64,
            ..polls
        }
    }

    /// Whether a task woke itself: cheaper than [`Recording::wake`].
    pub(crate) fn is_self_wake(&self, wake: WakeIx) -> bool {
        let row = wake.index();
        self.wakes.waker[row] == self.wakes.task[row] && self.wakes.kind(row) == WakerKind::Task
    }

    /// The polls of a task in a range, by the summaries of them.
    fn many_polls(&self, task: TaskIx, known: &OfTask, from: Ns, to: Ns) -> Totals {
        let polls = self.polls_of(task);
        let mut cell = [Cover::default()];
        let after = to.saturating_add(1);
        known
            .polls
            .cover(from, after, &mut cell, self.intervals(polls));
        let [cover] = cell;
        let goes_on = |at: Ns| {
            let poll = self.last_poll_before(task, at).map(|poll| self.poll(poll));
            u64::from(poll.is_some_and(|poll| poll.start < at && at < poll.end()))
        };
        // The last instant takes no time.
        let beyond = i64::from(
            cover.covered > 0
                && self
                    .last_poll_before(task, to)
                    .is_some_and(|poll| self.poll(poll).end() > to),
        );
        Totals {
            polls: u64::from(cover.count) + goes_on(from),
            busy_ns: cover.covered - beyond,
            longest_ns: cover.longest,
            longest_start: match polls.get(cover.longest_at as usize) {
                Some(poll) if cover.longest > 0 => self.poll_start(*poll),
                _ => 0,
            },
            ..Totals::default()
        }
    }

    /// The same of a task that has few of them.
    fn few_polls(&self, task: TaskIx, from: Ns, to: Ns) -> Totals {
        let polls = self.polls_of(task);
        let first = polls.partition_point(|poll| self.poll_start(*poll) < from);
        // One task is polled by one thread at a time, so only the poll before may reach into the range.
        let get = self.intervals(polls);
        let mut totals = Totals::default();
        for place in first.saturating_sub(1)..polls.len() {
            let (start, end) = get(place);
            if start > to {
                break;
            }
            if start >= from || end > from {
                totals.add_poll(start, end - start);
                let outside = from.saturating_sub(start).max(0) + end.saturating_sub(to).max(0);
                totals.busy_ns -= outside;
            }
        }
        totals
    }

    /// The poll that `thread` was in on `lane` at `at`: the innermost where there are several.
    #[must_use]
    pub fn poll_of_thread(&self, lane: LaneIx, thread: ThreadIx, at: Ns) -> Option<PollIx> {
        self.poll_reaching(lane, at, |poll| {
            self.seats[usize::from(self.polls.seat[poll.index()])].thread == thread
        })
    }

    /// The poll that a lane was in at `at`: the innermost where there are several.
    #[must_use]
    pub fn poll_on(&self, lane: LaneIx, at: Ns) -> Option<PollIx> {
        self.poll_reaching(lane, at, |_| true)
    }

    fn poll_reaching(
        &self,
        lane: LaneIx,
        at: Ns,
        wanted: impl Fn(PollIx) -> bool,
    ) -> Option<PollIx> {
        let polls = self.polls_on(lane);
        let begun = polls.partition_point(|poll| self.poll_start(*poll) <= at);
        let place = self.summaries.lane_polls.get(lane.index())?.last_reaching(
            begun,
            at,
            self.intervals(polls),
            |place| wanted(polls[place]),
        )?;
        Some(polls[place])
    }

    /// Calls `found` with the polls of a lane that have begun by `at` and end after it, ascending.
    pub fn polls_over(&self, lane: LaneIx, at: Ns, mut found: impl FnMut(PollIx)) {
        let polls = self.polls_on(lane);
        if let Some(forest) = self.summaries.lane_polls.get(lane.index()) {
            forest.over(at, self.intervals(polls), |place| found(polls[place]));
        }
    }

    /// The park that a lane was in at `at`.
    #[must_use]
    pub fn park_on(&self, lane: LaneIx, at: Ns) -> Option<ParkIx> {
        let parks = self.parks_on(lane);
        let begun = parks.partition_point(|park| self.parks.start[park.index()] <= at);
        let place = self.summaries.lane_parks.get(lane.index())?.last_reaching(
            begun,
            at.saturating_add(1),
            self.park_intervals(parks),
            |_| true,
        )?;
        Some(parks[place])
    }

    /// The first poll of a lane that begins after `at`.
    #[must_use]
    pub fn next_poll_on(&self, lane: LaneIx, at: Ns) -> Option<PollIx> {
        self.next_of(self.polls_on(lane), at)
    }

    /// The last poll of a lane that begins before `at`.
    #[must_use]
    pub fn previous_poll_on(&self, lane: LaneIx, at: Ns) -> Option<PollIx> {
        self.previous_of(self.polls_on(lane), at)
    }

    /// The first poll of a task that begins after `at`.
    #[must_use]
    pub fn next_poll_of(&self, task: TaskIx, at: Ns) -> Option<PollIx> {
        self.next_of(self.polls_of(task), at)
    }

    /// The last poll of a task that begins before `at`.
    #[must_use]
    pub fn previous_poll_of(&self, task: TaskIx, at: Ns) -> Option<PollIx> {
        self.previous_of(self.polls_of(task), at)
    }

    fn next_of(&self, polls: &[PollIx], at: Ns) -> Option<PollIx> {
        let after = polls.partition_point(|poll| self.poll_start(*poll) <= at);
        polls.get(after).copied()
    }

    fn previous_of(&self, polls: &[PollIx], at: Ns) -> Option<PollIx> {
        let before = polls.partition_point(|poll| self.poll_start(*poll) < at);
        Some(polls[before.checked_sub(1)?])
    }

    /// The first poll of a lane that begins after `at` and is at least this long.
    #[must_use]
    pub fn next_long_poll_on(&self, lane: LaneIx, at: Ns, least: Ns) -> Option<PollIx> {
        let polls = self.polls_on(lane);
        let after = polls.partition_point(|poll| self.poll_start(*poll) <= at);
        let forest = self.summaries.lane_polls.get(lane.index())?;
        let place = forest.next_long(after, least, self.intervals(polls))?;
        Some(polls[place])
    }

    /// The last poll of a lane that begins before `at` and is at least this long.
    #[must_use]
    pub fn previous_long_poll_on(&self, lane: LaneIx, at: Ns, least: Ns) -> Option<PollIx> {
        let polls = self.polls_on(lane);
        let before = polls.partition_point(|poll| self.poll_start(*poll) < at);
        let forest = self.summaries.lane_polls.get(lane.index())?;
        let place = forest.previous_long(before, least, self.intervals(polls))?;
        Some(polls[place])
    }

    /// The first poll of all that begins after `at`.
    #[must_use]
    pub fn next_poll(&self, at: Ns) -> Option<PollIx> {
        let next = self.polls_from(at.saturating_add(1));
        (next.index() < self.poll_count()).then_some(next)
    }

    /// The last poll of all that begins before `at`.
    #[must_use]
    pub fn previous_poll(&self, at: Ns) -> Option<PollIx> {
        self.polls_from(at).index().checked_sub(1).map(PollIx::new)
    }

    /// The first wake of all after `at`.
    #[must_use]
    pub fn next_wake(&self, at: Ns) -> Option<WakeIx> {
        let next = self.wakes_from(at.saturating_add(1));
        (next.index() < self.wake_count()).then_some(next)
    }

    /// The last wake of all before `at`.
    #[must_use]
    pub fn previous_wake(&self, at: Ns) -> Option<WakeIx> {
        self.wakes_from(at).index().checked_sub(1).map(WakeIx::new)
    }
}

/// Turns places in a list of rows into the rows' numbers.
fn number(cells: &mut [Cover], row: impl Fn(usize) -> u32) {
    for cell in cells.iter_mut().filter(|cell| cell.any) {
        cell.longest_at = row(cell.longest_at as usize);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::{
        Outcome, SeatKey, Waker, WakerKey,
        testing::{batch, builder, seat},
    };

    /// Two workers, one of which is two threads at times; 5 tasks.
    fn recording(polls: &[(Ns, Ns, u64, u32)]) -> Recording {
        let mut builder = builder(10_000);
        let mut w0 = batch(0);
        for (start, length, task, who) in polls {
            w0.seat(match who {
                2 => SeatKey {
                    worker: Some((0, 1)),
                    thread: 2,
                },
                who => seat(*who),
            });
            w0.wake(*task, start - length, WakerKey::Task(1 + task % 2));
            w0.poll(*task, *start, start + length, Outcome::Pending);
            w0.park(start + 3, start + length, false);
        }
        builder.batch(w0);
        builder.finish()
    }

    fn polls() -> impl Strategy<Value = Vec<(Ns, Ns, u64, u32)>> {
        let length = prop_oneof![6 => 0i64..10, 1 => 0i64..900];
        prop::collection::vec((0i64..9_000, length, 1u64..6, 0u32..3), 1..600)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn lanes_and_threads_are_where_a_scan_finds_them(rows in polls(), at in -10i64..10_000, least in 1i64..500) {
            let recording = recording(&rows);
            for lane in (0..recording.lanes().len()).map(LaneIx::new) {
                let own = || recording.polls_on(lane).iter().copied();
                let begun = || own().filter(|poll| recording.poll_start(*poll) <= at);
                let reaching = |thread: Option<ThreadIx>| begun().rfind(|poll| {
                    let poll = recording.poll(*poll);
                    poll.covers(at) && thread.is_none_or(|thread| thread == poll.thread)
                });
                prop_assert_eq!(recording.poll_on(lane, at), reaching(None));
                for thread in (0..recording.threads().len()).map(ThreadIx::new) {
                    prop_assert_eq!(recording.poll_of_thread(lane, thread, at), reaching(Some(thread)));
                }
                prop_assert_eq!(recording.next_poll_on(lane, at), own().find(|poll| recording.poll_start(*poll) > at));
                prop_assert_eq!(recording.previous_poll_on(lane, at), own().rfind(|poll| recording.poll_start(*poll) < at));
                let long = |poll: &PollIx| recording.poll_duration(*poll) >= least;
                prop_assert_eq!(recording.next_long_poll_on(lane, at, least), own().filter(|poll| recording.poll_start(*poll) > at).find(long));
                prop_assert_eq!(recording.previous_long_poll_on(lane, at, least), own().filter(|poll| recording.poll_start(*poll) < at).rfind(long));
                let parked = recording.parks_on(lane).iter().copied().rfind(|park| {
                    let park = recording.park(*park);
                    park.start <= at && at < park.end()
                });
                prop_assert_eq!(recording.park_on(lane, at), parked);
            }
        }

        #[test]
        fn a_range_has_the_totals_of_its_rows(mut rows in polls(), from in -10i64..10_000, length in 1i64..5_000) {
            // One task is polled by one thread at a time.
            rows.sort_unstable();
            let mut free = HashMap::new();
            for (start, length, task, _) in &mut rows {
                let free = free.entry(*task).or_insert(0);
                *start = (*start).max(*free);
                *free = *start + *length;
            }
            let recording = recording(&rows);
            let to = from + length;
            for task in recording.tasks() {
                let mut expected = Totals::default();
                let mut begun = 0;
                for poll in recording.polls_of(task).iter().map(|poll| recording.poll(*poll)) {
                    let begins = (from..=to).contains(&poll.start);
                    begun += u64::from((from..to).contains(&poll.start));
                    if begins || (poll.start < from && from < poll.end()) {
                        expected.polls += 1;
                        expected.busy_ns += poll.end().min(to) - poll.start.max(from);
                        expected.offer_longest(poll.start, poll.duration);
                    }
                }
                for wake in recording.wakes_of(task).iter().map(|wake| recording.wake(*wake)) {
                    if (from..=to).contains(&wake.at) {
                        expected.wakes += 1;
                        expected.self_wakes += u64::from(wake.waker == Waker::Task(task));
                    }
                }
                prop_assert_eq!(recording.totals_between(task, from, to), expected);
                let mut cells = [Cover::default(); 3];
                recording.task_cover(task, from, to, &mut cells);
                prop_assert_eq!(cells.iter().map(|cell| cell.covered).sum::<Ns>(), expected.busy_ns);
                prop_assert_eq!(cells.iter().map(|cell| u64::from(cell.count)).sum::<u64>(), begun);
                for cell in cells.iter().filter(|cell| cell.longest > 0) {
                    let poll = recording.poll(PollIx::new(cell.longest_at as usize));
                    prop_assert_eq!((poll.task, poll.duration), (task, cell.longest));
                }
            }
        }
    }
}
