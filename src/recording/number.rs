//! Numbering: the files' ids of tasks, threads and workers become the dense numbers of a recording.

use std::collections::HashMap;

use super::{
    Batch, End, Folded, LastWake, RecordingBuilder, RuntimeIx, SeatKey, Task, TaskIx, Waker,
    WakerKey, batch::IdHashing, time::UNKNOWN,
};

/// The most threads, each in the role of one worker, that rows can name.
pub(crate) const MOST_SEATS: usize = u16::MAX as usize;

/// The numbers that a batch's local ones became.
pub(crate) struct Maps {
    pub(crate) tasks: Vec<TaskIx>,
    pub(crate) seats: Vec<u16>,
}

/// Every thread in its role, numbered over all batches.
pub(crate) struct Seats {
    pub(crate) keys: Vec<SeatKey>,
    /// Whether the seat polled or parked, and so needs a lane.
    pub(crate) pollers: Vec<bool>,
    numbers: HashMap<SeatKey, u16>,
    pub(crate) over_cap: u64,
}

impl Seats {
    pub(crate) fn of(&self, batch: &Batch) -> Vec<u16> {
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

pub(crate) fn number_seats(builder: &mut RecordingBuilder, batches: &[Batch]) -> Seats {
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
        for (number, busy) in numbers.iter().zip(&batch.busy) {
            seats.pollers[usize::from(*number)] |= *busy;
        }
        if batch.seats_over_cap > 0 {
            seats.pollers[usize::from(numbers[numbers.len() - 1])] = true;
        }
    }
    seats
}

/// Spawn events say the same as the table of tasks, and stand in where the table does not know the task.
pub(crate) fn spawn_facts(builder: &mut RecordingBuilder, batches: &[Batch], maps: &[Maps]) {
    for (batch, maps) in batches.iter().zip(maps) {
        for (task, facts) in &batch.spawns {
            let known = &mut builder.tasks[maps.tasks[*task as usize].index()].spawn;
            if known.at.is_none() {
                *known = *facts;
            }
        }
        // Who is woken, or loses his wakers, is wrapped.
        for (task, _) in maps
            .tasks
            .iter()
            .zip(&batch.woken)
            .filter(|(_, woken)| **woken)
        {
            builder.tasks[task.index()].wakes_recorded = true;
        }
    }
}

pub(crate) fn task_rows(builder: &mut RecordingBuilder) -> Vec<Task> {
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
                Some(RuntimeIx::new(place))
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

pub(crate) fn folded_facts(builder: &mut RecordingBuilder) -> HashMap<TaskIx, Folded, IdHashing> {
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

impl Maps {
    pub(crate) fn task(&self, local: u32) -> u32 {
        self.tasks[local as usize].raw()
    }

    pub(crate) fn seat(&self, local: u16) -> u16 {
        self.seats[usize::from(local).min(self.seats.len() - 1)]
    }
}
