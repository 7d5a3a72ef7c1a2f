//! From facts and batches to a recording: number everything once, merge by time, index, sweep.

use std::{collections::HashMap, thread};

use super::{
    Batch, Coverage, End, EventCounts, Folded, LaneIx, LastWake, Loss, LossKind, Ns, Outcome,
    ParkIx, PollIx, Recording, RecordingBuilder, SeatKey, Task, TaskIx, Totals, WaitIx, WaitState,
    WakeIx, Waker, WakerKey,
    batch::{IdHashing, ParkRow, PollRow},
    build::LaneName,
    columns::{
        NO_LANE, ParkColumns, PollColumns, Seat, UnwakeableColumns, WaitColumns, WakeColumns,
        WakerKind,
    },
    index::ByOwner,
    merge::{Stretch, merge},
    sweep::{Between, sweep},
    time::{UNKNOWN, known},
};

/// The most threads, each in the role of one worker, that rows can name.
const MOST_SEATS: usize = u16::MAX as usize;

/// The numbers that a batch's local ones became.
struct Maps {
    tasks: Vec<TaskIx>,
    seats: Vec<u16>,
}

pub(crate) fn finish(mut builder: RecordingBuilder) -> Recording {
    let mut batches = std::mem::take(&mut builder.batches);
    add_running(&mut builder, &mut batches);
    for batch in &mut batches {
        batch.sort();
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
    let mut beyond = vec![Totals::default(); tasks.len()];
    for (batch, maps) in batches.iter().zip(&maps) {
        for (totals, task) in batch.beyond_tasks.iter().zip(&maps.tasks) {
            beyond[task.index()].add(totals);
        }
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
    merge_rows(&mut recording, &mut batches, &maps);
    small_indexes(&mut recording);
    whole_totals(&mut recording);

    let between: Vec<Between> = recording
        .tasks()
        .map(|task| before_first_row(&recording, task))
        .collect();
    recording.in_window = sweep(&mut recording.polls, &mut recording.wakes, between);
    window_waits(&mut recording);
    let blocking_jobs = ends(&mut recording, &batches, &maps, &builder.ends);
    recording.coverage = coverage(&recording, builder.resources, blocking_jobs);
    recording
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

/// Every thread in its role, numbered over all batches.
struct Seats {
    keys: Vec<SeatKey>,
    /// Whether the seat polled or parked, and so needs a lane.
    pollers: Vec<bool>,
    numbers: HashMap<SeatKey, u16>,
    over_cap: u64,
}

impl Seats {
    fn of(&self, batch: &Batch) -> Vec<u16> {
        let last = (self.keys.len() - 1) as u16;
        // One more, for the rows of a batch that were over its own cap.
        let mut seats: Vec<u16> = batch
            .seats
            .iter()
            .map(|key| self.numbers.get(key).copied().unwrap_or(last))
            .collect();
        seats.push(last);
        seats
    }
}

fn number_seats(builder: &mut RecordingBuilder, batches: &[Batch]) -> Seats {
    let mut seats = Seats {
        keys: Vec::new(),
        pollers: Vec::new(),
        numbers: HashMap::new(),
        over_cap: 0,
    };
    for batch in batches {
        for key in &batch.seats {
            builder.thread_number(key.thread);
            if !seats.numbers.contains_key(key) {
                if seats.keys.len() == MOST_SEATS {
                    seats.over_cap += 1;
                    continue;
                }
                seats.numbers.insert(*key, seats.keys.len() as u16);
                seats.keys.push(*key);
                seats.pollers.push(false);
            }
        }
        seats.over_cap += batch.seats_over_cap;
    }
    if seats.keys.is_empty() {
        seats.keys.push(SeatKey {
            worker: None,
            thread: 0,
        });
        seats.pollers.push(false);
    }
    for batch in batches {
        let numbers = seats.of(batch);
        let rows = batch
            .polls
            .iter()
            .map(|row| row.seat)
            .chain(batch.parks.iter().map(|row| row.seat));
        for seat in rows {
            seats.pollers[usize::from(numbers[usize::from(seat).min(numbers.len() - 1)])] = true;
        }
    }
    seats
}

/// Spawn events say the same as the table of tasks, and stand in where the table does not know the task.
fn spawn_facts(builder: &mut RecordingBuilder, batches: &[Batch], maps: &[Maps]) {
    for (batch, maps) in batches.iter().zip(maps) {
        for (task, facts) in &batch.spawns {
            let known = &mut builder.tasks[maps.tasks[*task as usize].index()].spawn;
            if known.at.is_none() {
                *known = *facts;
            }
        }
        // Who is woken, or loses his wakers, is wrapped.
        for row in &batch.wakes {
            builder.tasks[maps.tasks[row.task as usize].index()].wakes_recorded = true;
        }
        for (task, _) in &batch.unwakeables {
            builder.tasks[maps.tasks[*task as usize].index()].wakes_recorded = true;
        }
    }
}

fn task_rows(builder: &mut RecordingBuilder) -> Vec<Task> {
    let mut number = 0;
    while number < builder.tasks.len() {
        if let Some(parent) = builder.tasks[number].spawn.parent {
            builder.task_number(parent);
        }
        number += 1;
    }
    let wakers: Vec<u64> = builder
        .folded
        .iter()
        .filter_map(|(_, facts)| match facts.last_wake {
            Some((_, WakerKey::Task(waker), _)) => Some(waker),
            _ => None,
        })
        .collect();
    for waker in wakers {
        builder.task_number(waker);
    }
    builder
        .tasks
        .iter()
        .map(|facts| Task {
            id: facts.id,
            name: facts.spawn.name,
            location: facts.spawn.location,
            runtime: facts.spawn.runtime.and_then(|id| {
                let place = builder
                    .runtimes
                    .binary_search_by_key(&id, |runtime| runtime.id)
                    .ok()?;
                Some(super::RuntimeIx::new(place))
            }),
            kind: facts.spawn.kind,
            wakes_recorded: facts.wakes_recorded,
            size: facts.spawn.size,
            parent: facts
                .spawn
                .parent
                .and_then(|id| builder.by_id.get(&id).copied()),
            spawned_at: facts.spawn.at.unwrap_or(UNKNOWN),
            ended_at: facts.ended_at.unwrap_or(UNKNOWN),
            end: End::Ended,
        })
        .collect()
}

fn folded_facts(builder: &mut RecordingBuilder) -> HashMap<TaskIx, Folded, IdHashing> {
    let facts = std::mem::take(&mut builder.folded);
    facts
        .into_iter()
        .map(|(task, facts)| {
            let last_wake = facts.last_wake.map(|(at, waker, thread)| {
                let waker = match waker {
                    WakerKey::Task(id) => Waker::Task(builder.task_number(id)),
                    WakerKey::Runtime => Waker::Runtime,
                    WakerKey::Blocking => Waker::Blocking(builder.thread_number(thread)),
                    WakerKey::Outside => Waker::Outside(builder.thread_number(thread)),
                    WakerKey::Unknown => Waker::Unknown,
                };
                LastWake { at, waker }
            });
            let folded = Folded {
                totals: facts.totals,
                last_poll: facts.last_poll,
                last_wake,
                unwakeable_at: facts.unwakeable_at,
            };
            (task, folded)
        })
        .collect()
}

fn wait_columns(builder: &RecordingBuilder, batches: &[Batch], maps: &[Maps]) -> WaitColumns {
    struct Draft {
        begin: Ns,
        end: Ns,
        task: TaskIx,
        name: super::StrId,
        location: super::StrId,
        state: WaitState,
    }
    let mut numbers: HashMap<u64, usize, IdHashing> = HashMap::default();
    let mut drafts: Vec<Draft> = Vec::new();
    let mut begin = |wait: u64, draft: Draft| {
        numbers.entry(wait).or_insert_with(|| {
            drafts.push(draft);
            drafts.len() - 1
        });
    };
    for wait in &builder.open_waits {
        if let Some(&task) = builder.by_id.get(&wait.task) {
            let (name, location) = (wait.name, wait.location);
            begin(
                wait.wait,
                Draft {
                    begin: wait.since,
                    end: UNKNOWN,
                    task,
                    name,
                    location,
                    state: WaitState::Open,
                },
            );
        }
    }
    for (batch, maps) in batches.iter().zip(maps) {
        for row in &batch.wait_begins {
            let task = maps.tasks[row.task as usize];
            let (name, location) = (row.name, row.location);
            begin(
                row.wait,
                Draft {
                    begin: row.at,
                    end: UNKNOWN,
                    task,
                    name,
                    location,
                    state: WaitState::Open,
                },
            );
        }
    }
    for (batch, maps) in batches.iter().zip(maps) {
        for row in &batch.wait_ends {
            let number = *numbers.entry(row.wait).or_insert_with(|| {
                drafts.push(Draft {
                    begin: UNKNOWN,
                    end: UNKNOWN,
                    task: maps.tasks[row.task as usize],
                    name: super::StrId::NONE,
                    location: super::StrId::NONE,
                    state: WaitState::Open,
                });
                drafts.len() - 1
            });
            let draft = &mut drafts[number];
            (draft.end, draft.state) = (row.at.max(draft.begin), row.state);
        }
    }
    drafts.sort_by_key(|draft| draft.begin);
    let mut columns = WaitColumns::default();
    for draft in drafts {
        columns.begin.push(draft.begin);
        columns.end.push(draft.end);
        columns.task.push(draft.task);
        columns.name.push(draft.name);
        columns.location.push(draft.location);
        columns.state.push(draft.state);
    }
    columns
}

fn park_columns(batches: &mut [Batch], maps: &[Maps]) -> ParkColumns {
    let mut rows: Vec<ParkRow> =
        Vec::with_capacity(batches.iter().map(|batch| batch.parks.len()).sum());
    for (batch, maps) in batches.iter_mut().zip(maps) {
        rows.extend(batch.parks.drain(..).map(|row| ParkRow {
            seat: maps.seat(row.seat),
            ..row
        }));
    }
    rows.sort_by_key(|row| row.start);
    let mut columns = ParkColumns::default();
    for row in rows {
        columns.start.push(row.start);
        columns.duration.push(Some(row.end - row.start));
        columns.seat.push(row.seat);
        columns.open.push(row.open);
    }
    columns
}

fn unwakeable_columns(batches: &[Batch], maps: &[Maps]) -> UnwakeableColumns {
    let mut rows: Vec<(Ns, TaskIx)> = batches
        .iter()
        .zip(maps)
        .flat_map(|(batch, maps)| {
            batch
                .unwakeables
                .iter()
                .map(|(task, at)| (*at, maps.tasks[*task as usize]))
        })
        .collect();
    rows.sort_unstable();
    UnwakeableColumns {
        at: rows.iter().map(|(at, _)| *at).collect(),
        task: rows.iter().map(|(_, task)| *task).collect(),
    }
}

impl Maps {
    fn seat(&self, local: u16) -> u16 {
        self.seats[usize::from(local).min(self.seats.len() - 1)]
    }
}

/// Merges polls and wakes into columns and indexes both, each on a thread of its own.
fn merge_rows(recording: &mut Recording, batches: &mut [Batch], maps: &[Maps]) {
    let polls: Vec<Stretch<PollRow>> = stretches(batches, |batch| std::mem::take(&mut batch.polls));
    let wakes = stretches(batches, |batch| std::mem::take(&mut batch.wakes));
    let (tasks, lanes, seats) = (
        recording.tasks.len(),
        recording.lanes.len(),
        &recording.seats,
    );
    thread::scope(|scope| {
        let poll_side = scope.spawn(move || {
            let mut columns =
                PollColumns::with_capacity(polls.iter().map(|stretch| stretch.rows.len()).sum());
            merge(
                polls.into_iter(),
                |row| row.start,
                |batch, row| {
                    let maps = &maps[batch];
                    columns.push(row, maps.tasks[row.task as usize], maps.seat(row.seat));
                },
            );
            let by_task = ByOwner::build(
                tasks,
                columns.len(),
                |row| Some(columns.task[row].index()),
                PollIx::new,
            );
            let lane = |row: usize| {
                seats[usize::from(columns.seat[row])]
                    .lane()
                    .map(LaneIx::index)
            };
            let by_lane = ByOwner::build(lanes, columns.len(), lane, PollIx::new);
            (columns, by_task, by_lane)
        });
        let mut columns =
            WakeColumns::with_capacity(wakes.iter().map(|stretch| stretch.rows.len()).sum());
        merge(
            wakes.into_iter(),
            |row| row.at,
            |batch, row| {
                let maps = &maps[batch];
                // Only a task's wake names its waker; the others carry 0, which a batch may not have.
                let waker = maps
                    .tasks
                    .get(row.waker as usize)
                    .copied()
                    .unwrap_or(TaskIx::new(0));
                columns.push(
                    row,
                    maps.tasks[row.task as usize],
                    waker,
                    maps.seat(row.seat),
                );
            },
        );
        recording.wakes_by_task = ByOwner::build(
            tasks,
            columns.len(),
            |row| Some(columns.task[row].index()),
            WakeIx::new,
        );
        let waker = |row: usize| {
            let by_other =
                columns.kind(row) == WakerKind::Task && columns.waker[row] != columns.task[row];
            by_other.then(|| columns.waker[row].index())
        };
        recording.wakes_by_waker = ByOwner::build(tasks, columns.len(), waker, WakeIx::new);
        recording.wakes = columns;
        match poll_side.join() {
            Ok((columns, by_task, by_lane)) => {
                recording.polls = columns;
                recording.polls_by_task = by_task;
                recording.polls_by_lane = by_lane;
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
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

fn small_indexes(recording: &mut Recording) {
    let tasks = recording.tasks.len();
    let parks = &recording.parks;
    let lane = |row: usize| {
        recording.seats[usize::from(parks.seat[row])]
            .lane()
            .map(LaneIx::index)
    };
    recording.parks_by_lane =
        ByOwner::build(recording.lanes.len(), parks.start.len(), lane, ParkIx::new);

    let waits = &recording.waits;
    let count = waits.begin.len();
    recording.waits_by_task = ByOwner::build(
        tasks,
        count,
        |row| Some(waits.task[row].index()),
        WaitIx::new,
    );
    let mut by_end: Vec<usize> = (0..count)
        .filter(|row| known(waits.end[*row]).is_some())
        .collect();
    by_end.sort_by_key(|row| waits.end[*row]);
    let owner = |place: usize| Some(waits.task[by_end[place]].index());
    recording.wait_ends_by_task = ByOwner::build(tasks, by_end.len(), owner, |place| {
        WaitIx::new(by_end.get(place).copied().unwrap_or(0))
    });

    let rows = &recording.unwakeables;
    recording.unwakeables_by_task = ByOwner::build(
        tasks,
        rows.at.len(),
        |row| Some(rows.task[row].index()),
        |row| row as u32,
    );

    let facts = &recording.tasks;
    let mut by_spawn: Vec<usize> = (0..tasks)
        .filter(|task| known(facts[*task].spawned_at).is_some())
        .collect();
    by_spawn.sort_by_key(|task| facts[*task].spawned_at);
    let parent = |place: usize| facts[by_spawn[place]].parent.map(TaskIx::index);
    recording.children = ByOwner::build(tasks, by_spawn.len(), parent, |place| {
        TaskIx::new(by_spawn.get(place).copied().unwrap_or(0))
    });
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

fn before_first_row(recording: &Recording, task: TaskIx) -> Between {
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
    let wakes = recording
        .tasks
        .iter()
        .filter(|task| task.wakes_recorded)
        .count();
    Coverage {
        polls: if hooks { recording.tasks.len() } else { wakes },
        wakes,
        tasks: recording.tasks.len(),
        resources,
        marks: !recording.waits.begin.is_empty(),
        blocking_jobs,
    }
}
