//! Random recordings that could have happened: two workers poll a few tasks, which wake each other. For tests.

use proptest::prelude::*;

use crate::recording::{
    Ns, Outcome, Recording, RecordingBuilder, SeatKey, WakerKey,
    testing::{self, batch, spawn},
};

pub(super) const WORKERS: u32 = 2;
pub(super) const TASKS: u64 = 5;
/// The thread that is no worker.
const OUTSIDE: u32 = 9;

/// One thing that a worker does next.
#[derive(Clone, Debug)]
pub(super) struct Act {
    lane: u8,
    gap: u8,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Polls a task that wakes others after so long each.
    Poll {
        task: u8,
        length: u8,
        wakes: Vec<(u8, u8)>,
    },
    /// Wakes a task outside every poll.
    Runtime { task: u8 },
    /// A thread that is no worker wakes a task at this time.
    Outside { task: u8 },
}

pub(super) fn acts() -> impl Strategy<Value = Vec<Act>> {
    let task = 0..TASKS as u8;
    let kind = prop_oneof![
        6 => (task.clone(), 0u8..40, prop::collection::vec((task.clone(), 0u8..40), 0..3))
            .prop_map(|(task, length, wakes)| Kind::Poll { task, length, wakes }),
        1 => task.clone().prop_map(|task| Kind::Runtime { task }),
        1 => task.prop_map(|task| Kind::Outside { task }),
    ];
    let act =
        (0..WORKERS as u8, 0u8..12, kind).prop_map(|(lane, gap, kind)| Act { lane, gap, kind });
    prop::collection::vec(act, 0..60)
}

/// A poll as it was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Polled {
    pub(super) task: u64,
    pub(super) lane: u32,
    pub(super) start: Ns,
    pub(super) end: Ns,
}

/// A wake as it was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Woken {
    pub(super) task: u64,
    pub(super) at: Ns,
    /// The task that did it; else the runtime on that lane, or the outside thread.
    pub(super) by: Option<u64>,
    pub(super) lane: Option<u32>,
}

/// What was played, as plain lists, and as a recording.
#[derive(Debug)]
pub(super) struct Play {
    pub(super) polls: Vec<Polled>,
    pub(super) wakes: Vec<Woken>,
    pub(super) recording: Recording,
}

/// Plays `acts`: no task is ever polled twice at once, and none at the very instant at which its last poll began.
pub(super) fn play(acts: &[Act]) -> Play {
    let mut now = [1; WORKERS as usize];
    let mut free = [0; TASKS as usize];
    let mut polls: Vec<Polled> = Vec::new();
    let mut wakes: Vec<Woken> = Vec::new();
    for act in acts {
        let lane = u32::from(act.lane);
        let now = &mut now[usize::from(act.lane)];
        *now += Ns::from(act.gap) + 1;
        match &act.kind {
            Kind::Poll {
                task,
                length,
                wakes: woken,
            } => {
                let free = &mut free[usize::from(*task)];
                *now = (*now).max(*free + 1);
                let end = *now + Ns::from(*length);
                polls.push(Polled {
                    task: u64::from(*task),
                    lane,
                    start: *now,
                    end,
                });
                wakes.extend(woken.iter().map(|(other, after)| Woken {
                    task: u64::from(*other),
                    at: *now + Ns::from(*after % (*length + 1)),
                    by: Some(u64::from(*task)),
                    lane: Some(lane),
                }));
                (*now, *free) = (end, end);
            }
            Kind::Runtime { task } => {
                let (task, at) = (u64::from(*task), *now);
                wakes.push(Woken {
                    task,
                    at,
                    by: None,
                    lane: Some(lane),
                });
            }
            Kind::Outside { task } => {
                let (task, at) = (u64::from(*task), *now);
                wakes.push(Woken {
                    task,
                    at,
                    by: None,
                    lane: None,
                });
            }
        }
    }
    let end = now.into_iter().max().unwrap_or(1) + 10;
    // Of two wakes of one task in one instant nobody can say which came first.
    wakes.sort_by_key(|wake| (wake.at, wake.task));
    wakes.dedup_by_key(|wake| (wake.at, wake.task));
    let recording = record(&polls, &wakes, end);
    polls.sort_by_key(|poll| poll.start);
    Play {
        polls,
        wakes,
        recording,
    }
}

fn record(polls: &[Polled], wakes: &[Woken], end: Ns) -> Recording {
    let mut builder: RecordingBuilder = testing::builder(end);
    testing::runtime(&mut builder, WORKERS);
    for worker in 0..WORKERS {
        let mut batch = batch(worker);
        if worker == 0 {
            (0..TASKS).for_each(|task| batch.spawn(task, spawn(0)));
        }
        for poll in polls.iter().filter(|poll| poll.lane == worker) {
            batch.poll(poll.task, poll.start, poll.end, Outcome::Pending);
        }
        for wake in wakes.iter().filter(|wake| wake.lane == Some(worker)) {
            let waker = wake.by.map_or(WakerKey::Runtime, WakerKey::Task);
            batch.wake(wake.task, wake.at, waker);
        }
        builder.batch(batch);
    }
    let mut outside = crate::recording::Batch::new(OUTSIDE);
    outside.seat(SeatKey {
        worker: None,
        thread: OUTSIDE,
    });
    for wake in wakes.iter().filter(|wake| wake.lane.is_none()) {
        outside.wake(wake.task, wake.at, WakerKey::Outside);
    }
    builder.batch(outside);
    builder.finish()
}
