//! Numbers over time that follow from the events of any format: who was ready, who was alive, how long the queues were.

use std::collections::HashMap;

use super::{
    Band, Cause, LaneIx, Ns, PollIx, Recording, Scope, SeriesIx, TaskIx, WakeIx,
    batch::IdHashing,
    columns::Bits,
    grid::Grid,
    steps::{Counter, Steps},
    time::UNKNOWN,
};

/// The name that a reader gives the series of a runtime's global queue.
pub const GLOBAL_QUEUE: &str = "global_queue";
/// The name that a reader gives the series of a worker's own queue; see also [`super::Poll::queue`].
pub const LOCAL_QUEUE: &str = "local_queue";

/// A number over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// Tasks that were ready and not polled, as far as their wakes are known.
    Runnable,
    /// Tasks that were alive.
    Alive,
    /// Wakes: in a cell, how many came.
    Wakes,
    /// Tasks in queues: the global ones, and each worker's own as it was seen last.
    Queue,
}

/// What is kept of the curves.
#[derive(Debug, Default)]
pub(crate) struct Curves {
    pub(crate) runnable: Steps,
    /// Tasks that were ready from their spawn on.
    at_spawn: Bits,
    /// Tasks that were ready when they ended.
    to_the_end: Bits,
    alive: Steps,
    queue: Steps,
    /// The wakes older than every row that made tasks ready, ascending.
    folded: Vec<Ns>,
    global: Vec<SeriesIx>,
    local: HashMap<LaneIx, SeriesIx>,
}

impl Curves {
    /// To be built when everything else is there; `runnable` was followed by the sweep.
    pub(crate) fn build(recording: &Recording, runnable: Steps) -> Self {
        let (mut at_spawn, mut to_the_end) = (
            Bits::new(recording.tasks.len()),
            Bits::new(recording.tasks.len()),
        );
        for task in recording.tasks() {
            if matches!(recording.cause_before_rows(task), Some(Cause::Spawn { .. })) {
                at_spawn.set(task.index());
            }
            if recording.gone_at(task).is_some() && recording.left_ready(task).is_some() {
                to_the_end.set(task.index());
            }
        }
        let mut curves = Self {
            runnable,
            at_spawn,
            to_the_end,
            alive: alive(recording),
            folded: recording
                .folded
                .keys()
                .filter_map(|task| match recording.cause_before_rows(*task)? {
                    Cause::Folded(_) => recording.first_ready(*task),
                    Cause::Spawn { .. } | Cause::Wake(_) => None,
                })
                .collect(),
            ..Self::default()
        };
        curves.folded.sort_unstable();
        for series in recording.all_series() {
            let facts = recording.series(series);
            match (recording.str(facts.name), facts.scope) {
                (GLOBAL_QUEUE, _) => curves.global.push(series),
                (LOCAL_QUEUE, Scope::Lane(lane)) => {
                    curves.local.insert(lane, series);
                }
                _ => {}
            }
        }
        curves.queue = curves.queue(recording);
        curves
    }

    fn queue(&self, recording: &Recording) -> Steps {
        let mut counter = Counter::new();
        if recording.polls.has_queues() || !self.global.is_empty() || !self.local.is_empty() {
            let mut lengths = vec![Some(0); recording.lanes.len()];
            self.follow(recording, Ns::MIN, Ns::MAX, &mut lengths, |at, by| {
                counter.change(at, by);
            });
        }
        counter.finish()
    }

    /// Calls `changed` with every change of the queues between two instants, ascending. `lengths` are those of the
    /// workers' own queues before; one that is not known is looked for when it is needed.
    fn follow(
        &self,
        recording: &Recording,
        from: Ns,
        to: Ns,
        lengths: &mut [Option<i64>],
        mut changed: impl FnMut(Ns, i64),
    ) {
        let mut points = self.points(recording, from, to);
        points.sort_by_key(|(at, ..)| *at);
        let mut globals: Vec<i64> = self
            .global
            .iter()
            .map(|series| value_before(recording, *series, from))
            .collect();
        let mut point = |(at, whose, value): (Ns, Whose, i64), lengths: &mut [Option<i64>]| {
            let before = match whose {
                Whose::Global(series) => &mut globals[series],
                Whose::Local(lane) => lengths[lane.index()]
                    .get_or_insert_with(|| self.local_before(recording, lane, from)),
            };
            let by = value - *before;
            *before = value;
            (at, by)
        };
        let mut points = points.into_iter().peekable();
        if recording.polls.has_queues() {
            for poll in recording.polls_between(from, to) {
                let Some(length) = recording.polls.queue(poll.index()) else {
                    continue;
                };
                let seat = recording.seats[usize::from(recording.polls.seat[poll.index()])];
                let Some(lane) = seat.lane() else { continue };
                let at = recording.poll_start(poll);
                // Of one instant, points come before polls.
                while let Some(next) = points.next_if(|(point, ..)| *point <= at) {
                    let (at, by) = point(next, lengths);
                    changed(at, by);
                }
                let before = lengths[lane.index()]
                    .get_or_insert_with(|| self.local_before(recording, lane, from));
                let by = i64::from(length) - *before;
                *before = i64::from(length);
                changed(at, by);
            }
        }
        for next in points {
            let (at, by) = point(next, lengths);
            changed(at, by);
        }
    }

    fn points(&self, recording: &Recording, from: Ns, to: Ns) -> Vec<(Ns, Whose, i64)> {
        let mut points = Vec::new();
        for (number, series) in self.global.iter().enumerate() {
            let own = recording.points(*series, from, to);
            points.extend(own.map(|(at, value)| (at, Whose::Global(number), value)));
        }
        for (lane, series) in &self.local {
            let own = recording.points(*series, from, to);
            points.extend(own.map(|(at, value)| (at, Whose::Local(*lane), value)));
        }
        points
    }

    /// How long a worker's own queue was last seen before an instant.
    fn local_before(&self, recording: &Recording, lane: LaneIx, at: Ns) -> i64 {
        let polls = recording.polls_on(lane);
        let before = polls.partition_point(|poll| recording.poll_start(*poll) < at);
        let by_poll = polls[..before].iter().rev().find_map(|poll| {
            let length = recording.polls.queue(poll.index())?;
            Some((recording.poll_start(*poll), i64::from(length)))
        });
        let series = self.local.get(&lane);
        let by_point =
            series.and_then(|series| recording.last_point(*series, at.saturating_sub(1)));
        match (by_poll, by_point) {
            (Some(poll), Some(point)) if point.0 > poll.0 => point.1,
            (Some((_, value)), _) | (None, Some((_, value))) => value,
            (None, None) => 0,
        }
    }
}

/// Whose queue a point is about.
#[derive(Clone, Copy, Debug)]
enum Whose {
    /// Which of the global series.
    Global(usize),
    Local(LaneIx),
}

fn value_before(recording: &Recording, series: SeriesIx, at: Ns) -> i64 {
    if at == Ns::MIN {
        return 0;
    }
    recording.value_at(series, at - 1).unwrap_or(0)
}

fn alive(recording: &Recording) -> Steps {
    // Those whose spawn is not known were always there.
    let always = recording.spawned_by(UNKNOWN);
    let mut counter = Counter::from(always as i64);
    let mut ends = recording.tasks_by_end().iter().peekable();
    for task in &recording.tasks_by_spawn()[always..] {
        let at = recording.tasks[task.index()].spawned_at;
        let gone = |task: &TaskIx| recording.gone_at(*task).unwrap_or(Ns::MAX);
        while let Some(ended) = ends.next_if(|task| gone(task) < at) {
            counter.change(gone(ended), -1);
        }
        counter.change(at, 1);
    }
    for ended in ends {
        counter.change(recording.gone_at(*ended).unwrap_or(Ns::MAX), -1);
    }
    counter.finish()
}

impl Recording {
    /// Fills `bands`, which share the time from `from` to `to`, with what a number was in each of them. Where it was not
    /// recorded, no band has any.
    pub fn cover_curve(&self, curve: Curve, from: Ns, to: Ns, bands: &mut [Band]) {
        bands.fill(Band::default());
        let Some(grid) = Grid::new(from, to, bands.len()) else {
            return;
        };
        if !self.knows(curve) {
            return;
        }
        let curves = &self.curves;
        match curve {
            Curve::Runnable => curves
                .runnable
                .cover(grid, bands, |from, to| self.ready_changes(from, to)),
            Curve::Alive => curves
                .alive
                .cover(grid, bands, |from, to| self.life_changes(from, to)),
            Curve::Queue => curves
                .queue
                .cover(grid, bands, |from, to| self.queue_changes(from, to)),
            Curve::Wakes => {
                let mut before = self.wakes_from(grid.start_of(0)).index();
                for (cell, band) in bands.iter_mut().enumerate() {
                    let after = self.wakes_from(grid.start_of(cell + 1)).index();
                    let count = (after - before) as i64;
                    *band = Band {
                        min: count,
                        max: count,
                        last: count,
                        any: true,
                    };
                    before = after;
                }
            }
        }
        // Rows that contradict each other must not end in less than nothing.
        for band in bands {
            band.min = band.min.max(0);
            band.max = band.max.max(0);
            band.last = band.last.max(0);
        }
    }

    /// What a number was at an instant; of [`Curve::Wakes`], how many there had been. `None`: it was not recorded.
    #[must_use]
    pub fn curve_at(&self, curve: Curve, at: Ns) -> Option<i64> {
        if !self.knows(curve) {
            return None;
        }
        let curves = &self.curves;
        let value = match curve {
            Curve::Runnable => curves
                .runnable
                .at(at, |from, to| self.ready_changes(from, to)),
            Curve::Alive => self.alive_count(at) as i64,
            Curve::Queue => curves.queue.at(at, |from, to| self.queue_changes(from, to)),
            Curve::Wakes => self.wakes_from(at.saturating_add(1)).index() as i64,
        };
        Some(value.max(0))
    }

    /// Whether a number was recorded.
    #[must_use]
    pub fn knows(&self, curve: Curve) -> bool {
        match curve {
            Curve::Runnable => self.coverage.wakes > 0 && !self.curves.runnable.is_empty(),
            Curve::Alive => !self.tasks.is_empty(),
            Curve::Wakes => self.coverage.wakes > 0,
            Curve::Queue => !self.curves.queue.is_empty(),
        }
    }

    fn life_changes(&self, from: Ns, to: Ns) -> Vec<(Ns, i64)> {
        let spawned = self.tasks_spawned(from, to).iter();
        let ended = self.tasks_gone(from, to).iter();
        spawned
            .map(|task| (self.tasks[task.index()].spawned_at, 1))
            .chain(ended.map(|task| (self.gone_at(*task).unwrap_or(Ns::MAX), -1)))
            .collect()
    }

    /// The tasks that are known to have been spawned between two instants.
    fn tasks_spawned(&self, from: Ns, to: Ns) -> &[TaskIx] {
        let tasks = self.tasks_by_spawn();
        let before =
            |at: Ns| tasks.partition_point(|task| self.tasks[task.index()].spawned_at < at);
        let first = before(from.max(UNKNOWN + 1));
        &tasks[first..before(to).max(first)]
    }

    fn tasks_gone(&self, from: Ns, to: Ns) -> &[TaskIx] {
        let tasks = self.tasks_by_end();
        let before =
            |at: Ns| tasks.partition_point(|task| self.gone_at(*task).unwrap_or(Ns::MAX) < at);
        &tasks[before(from)..before(to).max(before(from))]
    }

    fn queue_changes(&self, from: Ns, to: Ns) -> Vec<(Ns, i64)> {
        let mut lengths = vec![None; self.lanes.len()];
        let mut changes = Vec::new();
        self.curves.follow(self, from, to, &mut lengths, |at, by| {
            changes.push((at, by));
        });
        changes
    }

    fn polls_between(&self, from: Ns, to: Ns) -> impl Iterator<Item = PollIx> + use<> {
        (self.polls_from(from).index()..self.polls_from(to).index()).map(PollIx::new)
    }

    /// When and how the number of ready tasks changes: as the sweep counts, found from the rows about those instants.
    fn ready_changes(&self, from: Ns, to: Ns) -> Vec<(Ns, i64)> {
        let mut changes = Vec::new();
        // When the latest poll of each task that was polled in this time, or into it, ended.
        let mut busy_until: HashMap<TaskIx, Ns, IdHashing> = HashMap::default();
        for lane in (0..self.lanes.len()).map(LaneIx::new) {
            self.polls_over(lane, from.saturating_sub(1), |poll| {
                let (start, end) = self.interval(poll);
                let task = self.polls.task[poll.index()];
                let until = busy_until.entry(task).or_insert(end);
                *until = (*until).max(end);
                // Woken in this poll, before the time that is looked at: it was announced for the poll's end.
                let first = self.first_wake_after(task, start);
                let announced = first.is_some_and(|wake| {
                    let at = self.wake_at(wake);
                    at < from && at < end && self.is_latest(poll, at)
                });
                if announced && end < to {
                    changes.push((end, 1));
                }
            });
        }
        let mut wakes = self.wakes_from(from).index();
        let last_wake = self.wakes_from(to).index();
        let mut take_wakes =
            |until: Ns, busy: &HashMap<TaskIx, Ns, IdHashing>, changes: &mut Vec<(Ns, i64)>| {
                while wakes < last_wake && self.wakes.at[wakes] <= until {
                    if !self.wakes.redundant.get(wakes) {
                        let (at, task) = (self.wakes.at[wakes], self.wakes.task[wakes]);
                        let ready = busy.get(&task).map_or(at, |until| at.max(*until));
                        if ready < to {
                            changes.push((ready, 1));
                        }
                    }
                    wakes += 1;
                }
            };
        for poll in self.polls_between(from, to) {
            let (start, end) = self.interval(poll);
            take_wakes(start, &busy_until, &mut changes);
            if self.delay(poll).is_some() {
                changes.push((start, -1));
            }
            busy_until.insert(self.polls.task[poll.index()], end);
        }
        take_wakes(to, &busy_until, &mut changes);
        for task in self.tasks_spawned(from, to) {
            if self.curves.at_spawn.get(task.index()) {
                changes.push((self.tasks[task.index()].spawned_at, 1));
            }
        }
        for task in self.tasks_gone(from, to) {
            if self.curves.to_the_end.get(task.index()) {
                changes.push((self.gone_at(*task).unwrap_or(Ns::MAX), -1));
            }
        }
        let folded = &self.curves.folded;
        let before = |limit: Ns| folded.partition_point(|at| *at < limit);
        let folded = &folded[before(from)..before(to).max(before(from))];
        changes.extend(folded.iter().map(|at| (*at, 1)));
        changes
    }

    fn interval(&self, poll: PollIx) -> (Ns, Ns) {
        let start = self.poll_start(poll);
        (start, start.saturating_add(self.poll_duration(poll)))
    }

    fn first_wake_after(&self, task: TaskIx, at: Ns) -> Option<WakeIx> {
        let wakes = self.wakes_of(task);
        let after = wakes.partition_point(|wake| self.wake_at(*wake) <= at);
        wakes.get(after).copied()
    }

    /// Whether no other poll of its task began after `poll` and before `at`.
    fn is_latest(&self, poll: PollIx, at: Ns) -> bool {
        let polls = self.polls_of(self.polls.task[poll.index()]);
        let before = polls.partition_point(|other| self.poll_start(*other) < at);
        before
            .checked_sub(1)
            .is_some_and(|last| polls[last] == poll)
    }

    /// Since when a task was ready before its first row.
    pub(crate) fn first_ready(&self, task: TaskIx) -> Option<Ns> {
        let before = super::finish::before_first_row(self, task);
        (before.cause != UNKNOWN).then(|| before.cause.max(before.poll_end))
    }

    /// Since when a task was ready that was never polled again.
    pub(crate) fn left_ready(&self, task: TaskIx) -> Option<Ns> {
        match self.polls_of(task).last() {
            Some(last) => {
                let start = self.poll_start(*last);
                let wake = self.first_wake_after(task, start)?;
                let end = start.saturating_add(self.poll_duration(*last));
                Some(self.wake_at(wake).max(end))
            }
            None => self.first_ready(task).or_else(|| {
                let first = self.wakes_of(task).first()?;
                let end = super::finish::before_first_row(self, task).poll_end;
                Some(self.wake_at(*first).max(end))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::recording::{
        Outcome, PointKey, PointScope, RecordingBuilder, StrId, WakerKey,
        testing::{batch, builder, seat, spawn},
    };

    /// Some tasks on two workers, woken at random; one poll of a task at a time.
    fn filled(
        mut rows: Vec<(Ns, Ns, u64)>,
        wakes: &[(Ns, u64)],
        ends: &[bool],
    ) -> RecordingBuilder {
        let mut builder = builder(3_000);
        let mut w0 = batch(0);
        for (id, ends) in ends.iter().enumerate() {
            let id = id as u64 + 1;
            if !id.is_multiple_of(3) {
                w0.spawn(id, spawn(id as Ns * 20));
            }
            if *ends {
                w0.terminate(id, 1_500 + id as Ns * 40);
            }
        }
        // Nobody wakes or polls a task that has ended.
        let over = |task: u64, at: Ns| ends[task as usize - 1] && at > 1_400 + task as Ns * 40;
        for (at, task) in wakes.iter().filter(|(at, task)| !over(*task, *at)) {
            w0.wake(*task, *at, WakerKey::Runtime);
        }
        rows.sort_unstable();
        let mut free: HashMap<u64, Ns> = HashMap::new();
        for (start, length, task) in rows {
            let free = free.entry(task).or_insert(task as Ns * 20);
            let start = start.max(*free);
            if over(task, start + length) {
                continue;
            }
            *free = start + length;
            w0.seat(seat((task % 2) as u32));
            w0.poll(task, start, start + length, Outcome::Pending);
            if start % 4 > 0 {
                w0.local_queue((start % 7) as u8);
            }
        }
        builder.batch(w0);
        builder
    }

    /// The intervals in which tasks were ready, from the definitions.
    fn ready(recording: &Recording) -> Vec<(Ns, Ns)> {
        let mut intervals = Vec::new();
        for task in recording.tasks() {
            for poll in recording
                .polls_of(task)
                .iter()
                .map(|poll| recording.poll(*poll))
            {
                intervals.extend(poll.delay.map(|delay| (poll.start - delay, poll.start)));
            }
            let gone = recording.gone_at(task).unwrap_or(Ns::MAX);
            intervals.extend(recording.left_ready(task).map(|since| (since, gone)));
        }
        intervals
    }

    fn check(
        recording: &Recording,
        curve: Curve,
        from: Ns,
        length: Ns,
        width: usize,
        value: impl Fn(Ns) -> i64,
    ) {
        let mut bands = vec![Band::default(); width];
        recording.cover_curve(curve, from, from + length, &mut bands);
        assert_eq!(
            recording.curve_at(curve, from),
            Some(value(from)),
            "{curve:?} at {from}"
        );
        let grid = Grid::new(from, from + length, width).unwrap();
        for (cell, band) in bands.iter().enumerate() {
            let cells = grid.start_of(cell)..grid.start_of(cell + 1);
            if cells.is_empty() {
                continue;
            }
            let values: Vec<i64> = cells.clone().map(&value).collect();
            let expected = Band {
                min: *values.iter().min().unwrap(),
                max: *values.iter().max().unwrap(),
                last: values[values.len() - 1],
                any: true,
            };
            assert_eq!(*band, expected, "{curve:?} in {cells:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn curves_are_what_the_definitions_say(
            rows in prop::collection::vec((0i64..2_500, 0i64..60, 1u64..9), 1..150),
            wakes in prop::collection::vec((-100i64..2_600, 1u64..9), 1..200),
            ends in prop::collection::vec(any::<bool>(), 8),
            from in -60i64..2_900, length in 1i64..400, width in 8usize..60,
        ) {
            let recording = filled(rows, &wakes, &ends).finish();
            let ready = ready(&recording);
            prop_assume!(recording.coverage().wakes > 0);
            check(&recording, Curve::Runnable, from, length, width, |at| {
                let is_ready = |(since, until): &&(Ns, Ns)| *since <= at && at < *until;
                ready.iter().filter(is_ready).count() as i64
            });
            check(&recording, Curve::Alive, from, length, width, |at| recording.alive_at(at).len() as i64);
        }

        #[test]
        fn queues_add_up_as_they_were_seen_last(
            rows in prop::collection::vec((0i64..2_500, 0i64..60, 1u64..9), 1..150),
            points in prop::collection::vec((0i64..2_500, 0i64..9, 0u32..3), 0..60),
            from in 0i64..2_900, length in 1i64..400, width in 8usize..60,
        ) {
            let mut builder = filled(rows, &[(5, 1)], &[false; 8]);
            let names = [builder.intern(LOCAL_QUEUE), builder.intern(GLOBAL_QUEUE)];
            let mut extra = batch(0);
            for (at, value, whose) in &points {
                let (name, scope) = match whose {
                    2 => (names[1], PointScope::Process),
                    worker => {
                        extra.seat(seat(*worker));
                        (names[0], PointScope::Writer)
                    }
                };
                extra.point(*at, PointKey { name, unit: StrId::NONE, scope }, *value);
            }
            builder.batch(extra);
            let recording = builder.finish();
            if !recording.knows(Curve::Queue) {
                return Ok(());
            }
            check(&recording, Curve::Queue, from, length, width, |at| {
                let latest = |whose: u32| {
                    let last = points.iter().filter(|(when, _, who)| *when <= at && *who == whose).max_by_key(|(when, ..)| *when);
                    last.map(|(when, value, _)| (*when, *value))
                };
                let of_worker = |worker: u32| {
                    let lane = (0..recording.lanes().len()).map(LaneIx::new).find(|lane| recording.worker_of(*lane) == Some(worker));
                    let polls = lane.map_or(&[][..], |lane| recording.polls_on(lane)).iter().map(|poll| recording.poll(*poll));
                    let polled = polls.filter(|poll| poll.start <= at).filter_map(|poll| Some((poll.start, i64::from(poll.queue?)))).next_back();
                    match (polled, latest(worker)) {
                        (Some(poll), Some(point)) if point.0 > poll.0 => point.1,
                        (Some(poll), _) => poll.1,
                        (None, point) => point.map_or(0, |(_, value)| value),
                    }
                };
                of_worker(0) + of_worker(1) + latest(2).map_or(0, |(_, value)| value)
            });
        }
    }
}
