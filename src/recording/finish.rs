//! From facts and batches to a recording: number everything once, merge by time, index, sweep.

use std::{collections::HashMap, thread};

use super::{
    Batch, Coverage, End, EventCounts, LaneIx, Loss, LossKind, Ns, Outcome, PollIx, Recording,
    RecordingBuilder, RuntimeIx, Task, TaskIx, Totals, WakeIx,
    alive::Lives,
    batch::{PollRow, WakeRow},
    build::LaneName,
    columns::{NO_LANE, PollColumns, Seat, WakeColumns, WakerKind},
    curves::Curves,
    extra::{ExtraColumns, extra_columns},
    index::ByOwner,
    lookups::Summaries,
    merge::{Stretch, merge},
    number::{MOST_SEATS, Maps, folded_facts, number_seats, spawn_facts, task_rows},
    small::{park_columns, small_indexes, unwakeable_columns, wait_columns},
    steps::Steps,
    stop::Stop,
    sweep::{Between, row_totals, sweep},
    time::UNKNOWN,
};

/// `None` when it was told to stop.
pub(crate) fn finish(mut builder: RecordingBuilder, stop: Stop<'_>) -> Option<Recording> {
    let mut batches = std::mem::take(&mut builder.batches);
    add_running(&mut builder, &mut batches);
    for batch in &mut batches {
        batch.sort();
        stop.check()?;
    }
    let counts = batches
        .iter()
        .fold(EventCounts::default(), |mut sum, batch| {
            sum.add(&batch.counts);
            sum
        });

    let seats = number_seats(&mut builder, &batches);
    let maps: Vec<Maps> = batches
        .iter()
        .map(|batch| Maps {
            tasks: batch
                .tasks
                .ids
                .iter()
                .map(|id| builder.task_number(*id))
                .collect(),
            seats: seats.of(batch),
        })
        .collect();
    for wait in &builder.open_waits.clone() {
        builder.task_number(wait.task);
    }
    let (mut lanes, lane_numbers) = builder.lanes(&seats.keys, &seats.pollers);
    let seat_rows: Vec<Seat> = seats
        .keys
        .iter()
        .map(|key| {
            let name = key.worker.map_or(LaneName::Thread(key.thread), |(r, w)| {
                LaneName::Worker(r, w)
            });
            let lane = lane_numbers.get(&name).map_or(NO_LANE, |lane| *lane);
            Seat {
                thread: builder.thread_number(key.thread),
                lane,
            }
        })
        .collect();

    spawn_facts(&mut builder, &batches, &maps);
    let tasks = task_rows(&mut builder);
    // Without a history the rows are all that there is.
    let only_rows = builder.folded.is_empty() && !batches.iter().any(|batch| batch.has_history);
    let beyond = if only_rows {
        Vec::new()
    } else {
        beyond(&batches, &maps, tasks.len())
    };
    for (batch, maps) in batches.iter().zip(&maps) {
        for (totals, seat) in batch.beyond_seats.iter().zip(&maps.seats) {
            if let Some(lane) = seat_rows[usize::from(*seat)].lane() {
                let lane = &mut lanes[lane.index()].totals;
                lane.polls += totals.polls;
                lane.busy_ns = lane.busy_ns.saturating_add(totals.busy_ns);
                lane.parks += totals.parks;
                lane.parked_ns = lane.parked_ns.saturating_add(totals.parked_ns);
            }
        }
    }
    let waits = wait_columns(&builder, &batches, &maps);
    let parks = park_columns(&mut batches, &maps);
    let unwakeables = unwakeable_columns(&batches, &maps);
    let folded = folded_facts(&mut builder);
    // Their rows have everything now.
    builder.tasks = Vec::new();
    stop.check()?;

    let mut recording = Recording {
        source: builder.source,
        process: builder.process,
        trigger: builder.trigger,
        window: builder.window,
        strings: builder.interner.finish(),
        runtimes: builder.runtimes,
        threads: builder.threads,
        lanes,
        seats: seat_rows,
        tasks,
        by_id: builder.by_id,
        folded,
        totals: beyond,
        in_window: Vec::new(),
        polls: PollColumns::default(),
        wakes: WakeColumns::default(),
        parks,
        waits,
        unwakeables,
        polls_by_task: ByOwner::default(),
        polls_by_lane: ByOwner::default(),
        parks_by_lane: ByOwner::default(),
        wakes_by_task: ByOwner::default(),
        wakes_by_waker: ByOwner::default(),
        waits_by_task: ByOwner::default(),
        wait_ends_by_task: ByOwner::default(),
        unwakeables_by_task: ByOwner::default(),
        children: ByOwner::default(),
        counts,
        coverage: Coverage::default(),
        losses: builder.losses,
        extra: ExtraColumns::default(),
        summaries: Summaries::default(),
        lives: Lives::default(),
        curves: Curves::default(),
    };
    if seats.over_cap > 0 {
        recording.losses.push(Loss {
            kind: LossKind::OverCap,
            count: seats.over_cap,
            detail: format!(
                "events by threads beyond the first {MOST_SEATS} are shown on the last of them"
            ),
            range: None,
        });
    }
    merge_rows(&mut recording, &mut batches, &maps, stop);
    stop.check()?;
    small_indexes(&mut recording);
    runtimes_of_pollers(&mut recording);
    if !only_rows {
        whole_totals(&mut recording);
    }
    let blocking_jobs = ends(&mut recording, &batches, &maps, &builder.ends);
    recording.lives = Lives::build(&recording);
    stop.check()?;

    let runnable = sweep_rows(&mut recording, only_rows, stop);
    stop.check()?;
    recording.summaries.tasks = Summaries::of_tasks(&recording);
    extra_columns(&mut recording, &mut batches, &maps, builder.symbols);
    drop(batches);
    stop.check()?;
    recording.coverage = coverage(&recording, builder.resources, blocking_jobs);
    recording.curves = Curves::build(&recording, runnable);
    stop.check()?;
    Some(recording)
}

/// What the history does not contain yet.
fn beyond(batches: &[Batch], maps: &[Maps], tasks: usize) -> Vec<Totals> {
    let mut beyond = vec![Totals::default(); tasks];
    for (batch, maps) in batches.iter().zip(maps) {
        for (totals, task) in batch.beyond_tasks.iter().zip(&maps.tasks) {
            beyond[task.index()].add(totals);
        }
        if batch.has_history {
            continue;
        }
        // Nobody folded its rows.
        for row in &batch.polls {
            let task = maps.tasks[row.task as usize];
            beyond[task.index()].add_poll(row.start, row.end - row.start);
        }
        for row in &batch.wakes {
            let own = row.kind == WakerKind::Task && row.waker == row.task;
            let totals = &mut beyond[maps.tasks[row.task as usize].index()];
            totals.wakes += 1;
            totals.self_wakes += u64::from(own);
        }
        for row in &batch.wait_begins {
            beyond[maps.tasks[row.task as usize].index()].waits += 1;
        }
    }
    beyond
}

/// The polls and parks that were going on become rows of a batch, except those whose end the events show.
fn add_running(builder: &mut RecordingBuilder, batches: &mut Vec<Batch>) {
    let end = builder.window.end;
    let mut running = std::mem::take(&mut builder.running);
    running.sort_unstable_by_key(|(seat, task, start)| (*start, seat.thread, *task));
    running.dedup_by_key(|(seat, task, start)| (*start, seat.thread, *task));
    let ended: std::collections::HashSet<(u32, Option<u64>, Ns)> = {
        let starts: HashMap<Ns, ()> = running.iter().map(|(_, _, start)| (*start, ())).collect();
        let mut ended = std::collections::HashSet::new();
        if !running.is_empty() {
            for batch in batches.iter() {
                let thread = |seat: u16| {
                    batch
                        .seats
                        .get(usize::from(seat))
                        .map_or(u32::MAX, |seat| seat.thread)
                };
                for row in batch
                    .polls
                    .iter()
                    .filter(|row| starts.contains_key(&row.start))
                {
                    ended.insert((
                        thread(row.seat),
                        Some(batch.tasks.ids[row.task as usize]),
                        row.start,
                    ));
                }
                for row in batch
                    .parks
                    .iter()
                    .filter(|row| starts.contains_key(&row.start))
                {
                    ended.insert((thread(row.seat), None, row.start));
                }
            }
        }
        ended
    };
    let mut batch = Batch::new(u32::MAX);
    if !builder.folded.is_empty() || batches.iter().any(|batch| batch.has_history) {
        batch.in_history(false);
    }
    for (seat, task, start) in running {
        if ended.contains(&(seat.thread, task, start)) {
            continue;
        }
        batch.seat(seat);
        match task {
            Some(task) => batch.poll(task, start, end.max(start), Outcome::StillRunning),
            None => batch.park(start, end.max(start), true),
        }
    }
    if batch.events() > 0 {
        batches.push(batch);
    }
}

/// Merges polls and wakes into columns and indexes both by task, each on a thread of its own.
fn merge_rows(recording: &mut Recording, batches: &mut [Batch], maps: &[Maps], stop: Stop<'_>) {
    let polls: Vec<Stretch<PollRow>> = stretches(batches, |batch| std::mem::take(&mut batch.polls));
    let wakes = stretches(batches, |batch| std::mem::take(&mut batch.wakes));
    let tasks = recording.tasks.len();
    let ((polls, polls_by_task), (wakes, wakes_by_task)) = both(
        || {
            let rows = polls.iter().map(|stretch| stretch.rows.len()).sum();
            let mut columns = PollColumns::with_capacity(rows);
            let mut block = Block::new(|rows: &[PollRow]| columns.extend(rows));
            let start = |row: &PollRow| row.start;
            merge(polls.into_iter(), start, stop, |batch, row| {
                let maps = &maps[batch];
                block.push(PollRow {
                    task: maps.task(row.task),
                    seat: maps.seat(row.seat),
                    ..*row
                });
            });
            drop(block);
            let task = |row: usize| Some(columns.task[row].index());
            let by_task = ByOwner::build(tasks, columns.len(), task, PollIx::new);
            (columns, by_task)
        },
        || {
            let rows = wakes.iter().map(|stretch| stretch.rows.len()).sum();
            let mut columns = WakeColumns::with_capacity(rows);
            let mut block = Block::new(|rows: &[WakeRow]| columns.extend(rows));
            let at = |row: &WakeRow| row.at;
            merge(wakes.into_iter(), at, stop, |batch, row| {
                let maps = &maps[batch];
                block.push(WakeRow {
                    task: maps.task(row.task),
                    // Only a task's wake names its waker; the others carry 0, which a batch may not have.
                    waker: maps
                        .tasks
                        .get(row.waker as usize)
                        .map_or(0, |waker| waker.raw()),
                    seat: maps.seat(row.seat),
                    ..*row
                });
            });
            drop(block);
            let task = |row: usize| Some(columns.task[row].index());
            let by_task = ByOwner::build(tasks, columns.len(), task, WakeIx::new);
            (columns, by_task)
        },
    );
    (recording.polls, recording.polls_by_task) = (polls, polls_by_task);
    (recording.wakes, recording.wakes_by_task) = (wakes, wakes_by_task);
}

/// Rows on their way into columns: gathered, so that each column takes many at once.
struct Block<T, F: FnMut(&[T])> {
    rows: Vec<T>,
    into: F,
}

impl<T, F: FnMut(&[T])> Block<T, F> {
    /// Few enough to stay in the cache nearest to the processor.
    const ROWS: usize = 256;

    fn new(into: F) -> Self {
        Self {
            rows: Vec::with_capacity(Self::ROWS),
            into,
        }
    }

    fn push(&mut self, row: T) {
        self.rows.push(row);
        if self.rows.len() == Self::ROWS {
            self.empty();
        }
    }

    fn empty(&mut self) {
        (self.into)(&self.rows);
        self.rows.clear();
    }
}

impl<T, F: FnMut(&[T])> Drop for Block<T, F> {
    fn drop(&mut self) {
        self.empty();
    }
}

/// Sweeps for delays, and meanwhile indexes by lane and by waker. Gives the number of ready tasks over time.
fn sweep_rows(recording: &mut Recording, only_rows: bool, stop: Stop<'_>) -> Steps {
    let between: Vec<Between> = recording
        .tasks()
        .map(|task| before_first_row(recording, task))
        .collect();
    let others = other_ready_changes(recording);
    let (polls, wakes) = (&recording.polls, &recording.wakes);
    let tasks = recording.tasks.len();
    let from_before = polls.start.first().is_some_and(|start| *start < 0)
        || wakes.at.first().is_some_and(|at| *at < 0)
        || recording
            .waits
            .begin
            .first()
            .is_some_and(|begin| *begin < 0);
    let (swept, (by_lane, by_waker, summaries, totals, in_window)) = both(
        || sweep(polls, wakes, between, &others, stop),
        || {
            let lane = |row: usize| {
                recording.seats[usize::from(polls.seat[row])]
                    .lane()
                    .map(LaneIx::index)
            };
            let waker = |row: usize| {
                let by_other =
                    wakes.kind(row) == WakerKind::Task && wakes.waker[row] != wakes.task[row];
                by_other.then(|| wakes.waker[row].index())
            };
            let by_lane = ByOwner::build(recording.lanes.len(), polls.len(), lane, PollIx::new);
            let by_waker = ByOwner::build(tasks, wakes.len(), waker, WakeIx::new);
            let summaries = Summaries::of_lanes(recording, &by_lane);
            let totals = only_rows.then(|| row_totals(polls, wakes, tasks, Ns::MIN, stop));
            let in_window =
                (!only_rows || from_before).then(|| row_totals(polls, wakes, tasks, 0, stop));
            (by_lane, by_waker, summaries, totals, in_window)
        },
    );
    recording.polls.delay = swept.delays;
    recording.wakes.redundant = swept.redundant;
    (recording.polls_by_lane, recording.wakes_by_waker) = (by_lane, by_waker);
    recording.summaries = summaries;
    if let Some(mut totals) = totals {
        for (number, totals) in totals.iter_mut().enumerate() {
            totals.waits = recording.waits_of(TaskIx::new(number)).len() as u64;
        }
        recording.totals = totals;
    }
    if let Some(in_window) = in_window {
        recording.in_window = in_window;
        window_waits(recording);
    }
    swept.ready
}

/// Tasks become ready by their spawns too, or were before their first rows; and some end without another poll.
fn other_ready_changes(recording: &Recording) -> Vec<(Ns, i64)> {
    let mut changes = Vec::new();
    for task in recording.tasks() {
        changes.extend(recording.first_ready(task).map(|at| (at, 1)));
        let gone = recording.gone_at(task);
        changes.extend(
            gone.filter(|_| recording.left_ready(task).is_some())
                .map(|at| (at, -1)),
        );
    }
    changes.sort_unstable();
    changes
}

/// Does one thing on another thread, and one on this.
fn both<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn stretches<T>(batches: &mut [Batch], take: impl Fn(&mut Batch) -> Vec<T>) -> Vec<Stretch<T>> {
    let numbered = batches.iter_mut().enumerate();
    numbered
        .map(|(number, batch)| Stretch {
            stream: batch.stream,
            batch: number,
            rows: take(batch),
        })
        .collect()
}

/// A task's whole life is what the history holds and what lies behind its marks; it is never less than the rows.
fn whole_totals(recording: &mut Recording) {
    let mut totals = std::mem::take(&mut recording.totals);
    for (task, folded) in &recording.folded {
        totals[task.index()].add(&folded.totals);
    }
    for (number, totals) in totals.iter_mut().enumerate() {
        let task = TaskIx::new(number);
        let polls = recording.polls_of(task);
        if totals.polls < polls.len() as u64 {
            let mut rows = Totals::default();
            for poll in polls {
                rows.add_poll(
                    recording.poll_start(*poll),
                    recording.polls.duration.get(poll.index()).unwrap_or(0),
                );
            }
            (totals.polls, totals.busy_ns) = (rows.polls, rows.busy_ns.max(totals.busy_ns));
            totals.offer_longest(rows.longest_start, rows.longest_ns);
        }
        totals.wakes = totals.wakes.max(recording.wakes_of(task).len() as u64);
        totals.waits = totals.waits.max(recording.waits_of(task).len() as u64);
    }
    recording.totals = totals;
}

pub(crate) fn before_first_row(recording: &Recording, task: TaskIx) -> Between {
    let first_poll = recording
        .polls_of(task)
        .first()
        .map_or(Ns::MAX, |poll| recording.poll_start(*poll));
    let previous = recording.folded(task).and_then(|folded| folded.last_poll);
    Between {
        cause: recording
            .cause_before_rows(task)
            .map_or(UNKNOWN, |cause| cause.at(recording)),
        poll_end: previous
            .filter(|poll| poll.start < first_poll)
            .map_or(UNKNOWN, |poll| poll.end),
    }
}

fn window_waits(recording: &mut Recording) {
    for (task, begin) in recording.waits.task.iter().zip(&recording.waits.begin) {
        if *begin >= 0 {
            recording.in_window[task.index()].waits += 1;
        }
    }
}

/// A task whose runtime is not recorded is of the one whose workers polled it, if they are all of one.
fn runtimes_of_pollers(recording: &mut Recording) {
    if recording.tasks.iter().all(|task| task.runtime.is_some()) {
        return;
    }
    let of_seats: Vec<Option<RuntimeIx>> = recording
        .seats
        .iter()
        .map(|seat| recording.runtime_of(seat.lane()?))
        .collect();
    let mut found: Vec<Option<Option<RuntimeIx>>> = vec![None; recording.tasks.len()];
    for (task, seat) in recording.polls.task.iter().zip(&recording.polls.seat) {
        let here = of_seats[usize::from(*seat)];
        let known = found[task.index()].get_or_insert(here);
        if *known != here {
            *known = None;
        }
    }
    for (task, found) in recording.tasks.iter_mut().zip(found) {
        task.runtime = task.runtime.or(found.flatten());
    }
}

/// Gives the tasks their ends, and counts the blocking jobs: ends of tasks that nothing else names.
fn ends(recording: &mut Recording, batches: &[Batch], maps: &[Maps], facts: &[(u64, Ns)]) -> u64 {
    let mut jobs: Vec<u64> = Vec::new();
    let rows = batches.iter().flat_map(|batch| &batch.ends);
    for (id, at) in rows.chain(facts) {
        match recording.by_id.get(id) {
            Some(task) => recording.tasks[task.index()].ended_at = *at,
            None => jobs.push(*id),
        }
    }
    for (batch, maps) in batches.iter().zip(maps) {
        for (task, at) in &batch.cancellations {
            let task = &mut recording.tasks[maps.tasks[*task as usize].index()];
            task.end = End::Cancelled;
            if task.ended_at == UNKNOWN {
                task.ended_at = *at;
            }
        }
    }
    for number in 0..recording.tasks.len() {
        let last = recording.last_poll(TaskIx::new(number));
        let task = &mut recording.tasks[number];
        let Some(last) = last.filter(|_| task.end != End::Cancelled) else {
            continue;
        };
        let end = match last.outcome {
            Outcome::Ready => End::Ready,
            Outcome::Panicked => End::Panicked,
            Outcome::Pending if task.ended_at > last.end => End::Dropped,
            Outcome::Pending => End::Cancelled,
            _ => End::Ended,
        };
        task.end = end;
        if task.ended_at == UNKNOWN && matches!(end, End::Ready | End::Panicked) {
            task.ended_at = last.end;
        }
    }
    jobs.sort_unstable();
    jobs.dedup();
    jobs.len() as u64
}

fn coverage(recording: &Recording, resources: bool, blocking_jobs: u64) -> Coverage {
    let hooks = recording
        .process
        .as_ref()
        .is_none_or(|process| process.hooks);
    // Where every event was lost, what would have been recorded covers nobody.
    let unread = recording.counts.total == 0 && !recording.losses.is_empty();
    let covered = |task: &&Task| task.wakes_recorded && !unread;
    let wakes = recording.tasks.iter().filter(covered).count();
    Coverage {
        polls: if hooks && !unread {
            recording.tasks.len()
        } else {
            wakes
        },
        wakes,
        tasks: recording.tasks.len(),
        resources,
        marks: !recording.waits.begin.is_empty(),
        blocking_jobs,
    }
}
