//! The state at an instant, against a slow and obvious replay of the event list.

mod recorded;

use proptest::prelude::*;

use super::{State, state_at};
use crate::recording::{
    Batch, End, Ns, Outcome, Recording, SeatKey, StrId, WaitState, WakerKey,
    testing::{self, seat, spawn},
};

const END: Ns = 800;
const TASKS: u64 = 3;

/// One thing that happens to a task. Times are the gaps between them.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Wake {
        gap: u8,
    },
    Poll {
        gap: u8,
        length: u8,
    },
    /// A poll inside which the task is woken.
    PollAndWake {
        gap: u8,
        length: u8,
    },
    Wait {
        gap: u8,
        length: u8,
    },
    Unwakeable {
        gap: u8,
    },
    End {
        gap: u8,
    },
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(|gap| Step::Wake { gap: gap % 30 }),
        4 => (any::<u8>(), any::<u8>()).prop_map(|(gap, length)| Step::Poll { gap: gap % 30, length: length % 40 }),
        2 => (any::<u8>(), any::<u8>())
            .prop_map(|(gap, length)| Step::PollAndWake { gap: gap % 30, length: 2 + length % 40 }),
        2 => (any::<u8>(), any::<u8>()).prop_map(|(gap, length)| Step::Wait { gap: gap % 30, length: length % 90 }),
        1 => any::<u8>().prop_map(|gap| Step::Unwakeable { gap: gap % 30 }),
        1 => any::<u8>().prop_map(|gap| Step::End { gap: gap % 30 }),
    ]
}

/// A life as a plain list of what happened when.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    spawn: Ns,
    wakes: Vec<Ns>,
    pub(super) polls: Vec<(Ns, Ns)>,
    waits: Vec<(Ns, Ns)>,
    unwakeable: Vec<Ns>,
    end: Option<Ns>,
}

pub(super) fn life(spawn: u8, steps: &[Step]) -> Life {
    let mut life = Life {
        spawn: Ns::from(spawn),
        ..Life::default()
    };
    let mut now = life.spawn;
    for step in steps {
        match *step {
            Step::Wake { gap } => {
                now += Ns::from(gap);
                life.wakes.push(now);
            }
            Step::Poll { gap, length } => {
                now += Ns::from(gap) + 1;
                life.polls.push((now, now + Ns::from(length)));
                now += Ns::from(length);
            }
            Step::PollAndWake { gap, length } => {
                now += Ns::from(gap) + 1;
                life.polls.push((now, now + Ns::from(length)));
                life.wakes.push(now + 1);
                now += Ns::from(length);
            }
            Step::Wait { gap, length } => {
                let begin = now + Ns::from(gap);
                life.waits.push((begin, begin + Ns::from(length)));
            }
            Step::Unwakeable { gap } => {
                now += Ns::from(gap);
                life.unwakeable.push(now);
            }
            Step::End { gap } => {
                life.end = Some(now + Ns::from(gap));
                break;
            }
        }
    }
    life
}

/// What the state is, told by walking through every event up to `at`.
fn replay(life: &Life, at: Ns) -> &'static str {
    if at < life.spawn {
        return "not yet spawned";
    }
    if life
        .polls
        .iter()
        .any(|(start, end)| *start <= at && at < *end)
    {
        return "running";
    }
    if life.end.is_some_and(|end| end <= at) {
        return "done";
    }
    let mut runnable = true;
    let mut unwakeable = false;
    for now in life.spawn..=at {
        // In one instant a wake comes before the poll that it causes.
        if life.wakes.contains(&now) {
            (runnable, unwakeable) = (true, false);
        }
        if life.polls.iter().any(|(start, _)| *start == now) {
            (runnable, unwakeable) = (false, false);
        }
        if life.unwakeable.contains(&now) && !runnable {
            unwakeable = true;
        }
    }
    if runnable {
        "runnable"
    } else if unwakeable {
        "unwakeable"
    } else if life
        .waits
        .iter()
        .any(|(begin, end)| *begin <= at && at < *end)
    {
        "waiting"
    } else {
        "idle"
    }
}

pub(super) fn recording(lives: &[Life]) -> Recording {
    let mut builder = testing::builder(END);
    let mut wait = 0;
    for (number, life) in lives.iter().enumerate() {
        let id = number as u64 + 1;
        let mut batch = Batch::new(number as u32);
        batch.seat(seat(number as u32));
        batch.spawn(id, spawn(life.spawn));
        for (start, end) in &life.polls {
            batch.poll(id, *start, *end, Outcome::Pending);
        }
        for (begin, end) in &life.waits {
            wait += 1;
            batch.wait_begin(id, wait, *begin, StrId::NONE, StrId::NONE);
            batch.wait_end(id, wait, *end, WaitState::Done);
        }
        for at in &life.unwakeable {
            batch.unwakeable(id, *at);
        }
        if let Some(end) = life.end {
            batch.terminate(id, end);
        }
        builder.batch(batch);
        // Wakes come from elsewhere, and in another order.
        let mut wakes = Batch::new(1_000 + number as u32);
        wakes.seat(SeatKey {
            worker: None,
            thread: 99,
        });
        wakes.wake(id, -5_000, WakerKey::Outside);
        for at in life.wakes.iter().rev() {
            wakes.wake(id, *at, WakerKey::Outside);
        }
        builder.batch(wakes);
    }
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_instant_agrees_with_the_replay(
        raw in proptest::collection::vec((1u8..50, proptest::collection::vec(step(), 0..14)), TASKS as usize)
    ) {
        let lives: Vec<Life> = raw.iter().map(|(spawn, steps)| life(*spawn, steps)).collect();
        let recording = recording(&lives);
        for (number, life) in lives.iter().enumerate() {
            let task = recording.task_by_id(number as u64 + 1).unwrap();
            for at in 0..END {
                let state = state_at(&recording, task, at);
                prop_assert_eq!(state.name(), replay(life, at), "task {} at {} of {:?}", number, at, life);
            }
        }
    }
}

#[test]
fn since_says_when_it_was_ready() {
    let life = Life {
        spawn: 10,
        polls: vec![(20, 50), (200, 210)],
        wakes: vec![30, 120],
        ..Life::default()
    };
    let recording = recording(&[life]);
    let task = recording.task_by_id(1).unwrap();
    assert_eq!(
        state_at(&recording, task, 15),
        State::Runnable { since: 10 }
    );
    // Woken inside its own poll: ready when that ended.
    assert_eq!(
        state_at(&recording, task, 60),
        State::Runnable { since: 50 }
    );
    assert_eq!(
        state_at(&recording, task, 300),
        State::Idle {
            since: Some(210),
            wait: None,
            unwakeable: None
        }
    );
    assert!(state_at(&recording, task, 300).is_alive());
}

#[test]
fn without_recorded_wakes_idle_and_runnable_cannot_be_told_apart() {
    let mut builder = testing::builder(END);
    let mut batch = Batch::new(0);
    batch.seat(seat(0));
    batch.poll(1, 100, 200, Outcome::Ended);
    batch.poll(2, 300, 400, Outcome::Ready);
    builder.batch(batch);
    let recording = builder.finish();
    let (one, two) = (
        recording.task_by_id(1).unwrap(),
        recording.task_by_id(2).unwrap(),
    );
    assert_eq!(state_at(&recording, one, 250), State::Unknown);
    assert_eq!(state_at(&recording, two, 500), State::Done);
    assert_eq!(recording.task(two).end(), Some(End::Ready));
}
