//! The sums of time by state, against the state at every single instant.

use proptest::prelude::*;

use super::{
    State, StateCell, StateMap, Times,
    replay_tests::{life, recording, step},
    state_at,
};
use crate::recording::{Ns, Outcome, Recording, TaskIx, testing};

/// What the state is at each instant, added up.
fn slow(recording: &Recording, task: TaskIx, from: Ns, to: Ns) -> Times {
    let mut times = Times::default();
    for at in from..to {
        match state_at(recording, task, at) {
            State::Running(_) => times.running += 1,
            State::Runnable { .. } => times.runnable += 1,
            State::Idle { wait: Some(_), .. } => times.waiting += 1,
            State::Idle { .. } => times.idle += 1,
            State::Unknown => times.unknown += 1,
            State::NotYetSpawned | State::Done => {}
        }
    }
    // A mark says on what even a task waits that nobody can wake.
    times
}

/// The cell by looking at every poll.
fn slow_cell(recording: &Recording, task: TaskIx, from: Ns, to: Ns) -> StateCell {
    let mut cell = StateCell {
        times: slow(recording, task, from, to),
        ..StateCell::default()
    };
    for poll in recording.polls_of(task) {
        let delay = recording.delay(*poll).unwrap_or(0);
        let poll = recording.poll(*poll);
        let touches = poll.start < to && (poll.end() > from || poll.start >= from);
        if touches {
            cell.polled = true;
            cell.longest_poll = cell.longest_poll.max(poll.duration);
        }
        if touches || (poll.start >= to && poll.start - delay < to) {
            cell.longest_delay = cell.longest_delay.max(delay);
        }
    }
    cell
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_say_what_every_instant_says(
        spawn in 1u8..50,
        steps in prop::collection::vec(step(), 0..400),
        edges in prop::collection::vec(-50i64..9_000, 2..12),
    ) {
        let life = life(spawn, &steps);
        let last = life.polls.last().map_or(100, |poll| poll.1);
        let recording = recording(&[life]);
        let task = recording.task_by_id(1).unwrap();
        let map = StateMap::new(&recording);
        let mut edges: Vec<Ns> = edges.into_iter().map(|edge| edge % (last + 200)).collect();
        edges.sort_unstable();
        edges.dedup();
        let cells = map.cells(&recording, task, edges.iter().copied());
        for (pair, cell) in edges.windows(2).zip(&cells) {
            prop_assert_eq!(*cell, slow_cell(&recording, task, pair[0], pair[1]), "{:?}", pair);
            prop_assert_eq!(cell.times, map.times(&recording, task, pair[0]..pair[1]));
            prop_assert!(cell.times.alive() <= pair[1] - pair[0]);
        }
    }
}

#[test]
fn without_recorded_wakes_only_polls_are_known() {
    let mut builder = testing::builder(800);
    let mut batch = testing::batch(0);
    batch.poll(1, 100, 200, Outcome::Ended);
    batch.poll(1, 300, 400, Outcome::StillRunning);
    builder.batch(batch);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    let map = StateMap::new(&recording);
    let times = map.times(&recording, task, 0..800);
    assert_eq!(times, slow(&recording, task, 0, 800));
    assert_eq!((times.running, times.unknown), (600, 200));
}

#[test]
fn many_polls_are_summed_exactly() {
    let mut builder = testing::builder(1_000_000);
    let mut batch = testing::batch(0);
    for number in 0..1_000 {
        batch.poll(1, number * 1_000, number * 1_000 + 10, Outcome::Pending);
    }
    batch.poll(1, 1_000_000, 1_000_500, Outcome::Ready);
    builder.batch(batch);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    let map = StateMap::new(&recording);
    assert_eq!(map.times(&recording, task, 0..1_000_000).running, 10_000);
    assert_eq!(map.times(&recording, task, 5..700_005).running, 7_000);
    let cells = map.cells(&recording, task, [0, 500_000, 1_000_100]);
    assert_eq!(
        cells
            .iter()
            .map(|cell| cell.longest_poll)
            .collect::<Vec<_>>(),
        [10, 500]
    );
}
