//! The definitions, on recordings of a few rows.

use proptest::prelude::*;

use super::{
    testing::{batch, seat, spawn},
    *,
};

fn builder() -> RecordingBuilder {
    testing::builder(1_000)
}

fn polls(recording: &Recording, id: u64) -> Vec<Poll> {
    let task = recording.task_by_id(id).unwrap();
    recording
        .polls_of(task)
        .iter()
        .map(|poll| recording.poll(*poll))
        .collect()
}

#[test]
fn delay_runs_from_the_first_wake_or_the_previous_end() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.spawn(7, spawn(10));
    w0.poll(7, 30, 60, Outcome::Pending); // by its spawn: 20
    w0.poll(7, 100, 110, Outcome::Pending); // woken at 40, ended at 60: 40
    w0.poll(7, 200, 210, Outcome::Pending); // woken at 150: 50
    w0.poll(7, 300, 310, Outcome::Pending); // nobody knows
    let mut w1 = batch(1);
    w1.wake(7, 20, WakerKey::Runtime); // redundant: spawned
    w1.wake(7, 40, WakerKey::Runtime);
    w1.wake(7, 55, WakerKey::Runtime); // redundant
    w1.wake(7, 150, WakerKey::Runtime);
    w1.wake(7, 160, WakerKey::Runtime); // redundant
    builder.batch(w0);
    builder.batch(w1);
    let recording = builder.finish();
    let delays: Vec<Option<Ns>> = polls(&recording, 7).iter().map(|poll| poll.delay).collect();
    assert_eq!(delays, [Some(20), Some(40), Some(50), None]);
    let task = recording.task_by_id(7).unwrap();
    let redundant: Vec<bool> = recording
        .wakes_of(task)
        .iter()
        .map(|wake| recording.wake(*wake).redundant)
        .collect();
    assert_eq!(redundant, [true, false, true, false, true]);
    let causes: Vec<Option<Ns>> = recording
        .polls_of(task)
        .iter()
        .map(|poll| recording.cause(*poll).map(|cause| cause.at(&recording)))
        .collect();
    assert_eq!(causes, [Some(10), Some(40), Some(150), None]);
}

#[test]
fn a_wake_in_the_instant_of_a_poll_is_its_cause() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.poll(7, 30, 60, Outcome::Pending);
    w0.poll(7, 100, 110, Outcome::Pending);
    w0.wake(7, 100, WakerKey::Runtime);
    builder.batch(w0);
    let recording = builder.finish();
    assert_eq!(polls(&recording, 7)[1].delay, Some(0));
}

#[test]
fn totals_are_history_and_what_lies_behind_the_mark() {
    let mut builder = builder();
    let totals = Totals {
        polls: 5,
        busy_ns: 500,
        longest_ns: 200,
        longest_start: -90,
        wakes: 5,
        ..Totals::default()
    };
    let last_poll = Some(LastPoll {
        start: 10,
        end: 30,
        outcome: Outcome::Pending,
    });
    builder.folded(
        7,
        FoldedFacts {
            totals,
            last_poll,
            last_wake: None,
            unwakeable_at: None,
        },
    );
    let mut w0 = batch(0);
    w0.in_history(true);
    w0.poll(7, -30, -20, Outcome::Pending);
    w0.poll(7, 10, 30, Outcome::Pending);
    w0.wake(7, 20, WakerKey::Task(7));
    w0.in_history(false);
    w0.poll(7, 100, 400, Outcome::Pending);
    w0.wake(7, 300, WakerKey::Task(7));
    builder.batch(w0);
    let recording = builder.finish();
    let task = recording.task_by_id(7).unwrap();
    let whole = recording.totals(task);
    assert_eq!(
        (
            whole.polls,
            whole.busy_ns,
            whole.longest_ns,
            whole.longest_start
        ),
        (6, 800, 300, 100)
    );
    assert_eq!((whole.wakes, whole.self_wakes), (6, 1));
    let window = recording.totals_in_window(task);
    assert_eq!(
        (
            window.polls,
            window.busy_ns,
            window.wakes,
            window.self_wakes
        ),
        (2, 320, 2, 2)
    );
}

#[test]
fn a_poll_in_progress_appears_once() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.poll(7, 100, 400, Outcome::Pending);
    builder.batch(w0);
    builder.running(seat(0), Some(7), 100); // it had ended by the time its chunk was copied
    builder.running(seat(1), Some(8), 500);
    builder.running(seat(2), None, 600);
    let recording = builder.finish();
    assert_eq!(polls(&recording, 7).len(), 1);
    let running = polls(&recording, 8)[0];
    assert_eq!(
        (running.outcome, running.duration),
        (Outcome::StillRunning, 500)
    );
    assert_eq!(recording.totals(recording.task_by_id(8).unwrap()).polls, 1);
    assert_eq!(
        (
            recording.counts().polls,
            recording.counts().parks,
            recording.counts().unparks
        ),
        (2, 1, 0)
    );
    let lane = recording
        .lanes()
        .iter()
        .position(|lane| lane.totals.parks == 1)
        .unwrap();
    assert!(
        recording
            .park(recording.parks_on(LaneIx::new(lane))[0])
            .open
    );
}

#[test]
fn an_end_without_a_spawn_is_a_blocking_job_and_an_abort_is_no_poll() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.spawn(7, spawn(10));
    w0.terminate(99, 20);
    w0.poll(7, 30, 60, Outcome::Pending);
    w0.terminate(7, 100);
    w0.cancellation(7, 101);
    builder.batch(w0);
    builder.end(99, 20); // the tombstone of the same job
    let recording = builder.finish();
    assert_eq!(recording.task_count(), 1);
    assert_eq!(recording.coverage().blocking_jobs, 1);
    let task = recording.task(recording.task_by_id(7).unwrap());
    assert_eq!(
        (task.ended_at(), task.end()),
        (Some(100), Some(End::Cancelled))
    );
    assert_eq!(polls(&recording, 7).len(), 1);
}

#[test]
fn waits_pair_over_streams_and_with_the_history() {
    let mut builder = builder();
    let name = builder.intern("orders");
    builder.open_wait(OpenWaitFacts {
        task: 7,
        wait: 1,
        name,
        location: StrId::NONE,
        since: -500,
    });
    builder.open_wait(OpenWaitFacts {
        task: 7,
        wait: 2,
        name,
        location: StrId::NONE,
        since: 100,
    });
    let mut w0 = batch(0);
    w0.wait_end(7, 1, 40, WaitState::Done);
    w0.wait_end(7, 3, 250, WaitState::Abandoned);
    w0.wait_end(7, 4, 60, WaitState::Done);
    let mut w1 = batch(1);
    w1.wait_begin(7, 2, 100, name, StrId::NONE);
    w1.wait_begin(7, 3, 200, name, StrId::NONE);
    builder.batch(w0);
    builder.batch(w1);
    let recording = builder.finish();
    let task = recording.task_by_id(7).unwrap();
    let waits: Vec<_> = recording
        .waits_of(task)
        .iter()
        .map(|wait| recording.wait(*wait))
        .map(|wait| (wait.begin, wait.end, wait.state))
        .collect();
    assert_eq!(
        waits,
        [
            (None, Some(60), WaitState::Done),
            (Some(-500), Some(40), WaitState::Done),
            (Some(100), None, WaitState::Open),
            (Some(200), Some(250), WaitState::Abandoned),
        ]
    );
    let ends: Vec<_> = recording
        .wait_ends_of(task)
        .iter()
        .map(|wait| recording.wait(*wait).end.unwrap())
        .collect();
    assert_eq!(ends, [40, 60, 250]);
}

#[test]
fn a_wake_leads_to_the_poll_that_issued_it() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.poll(1, 100, 200, Outcome::Pending);
    w0.wake(2, 150, WakerKey::Task(1));
    w0.wake(1, 160, WakerKey::Task(1));
    w0.wake(2, 500, WakerKey::Task(1)); // no poll of it is known there
    builder.batch(w0);
    let recording = builder.finish();
    let (one, two) = (
        recording.task_by_id(1).unwrap(),
        recording.task_by_id(2).unwrap(),
    );
    let wakes = recording.wakes_of(two);
    assert_eq!(
        recording
            .waker_poll(wakes[0])
            .map(|poll| recording.poll(poll).start),
        Some(100)
    );
    assert_eq!(recording.waker_poll(wakes[1]), None);
    assert_eq!(recording.wakes_by(one).len(), 2);
}

#[test]
fn a_history_is_every_line_in_order_from_any_index() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.spawn(1, spawn(5));
    w0.spawn(
        2,
        SpawnFacts {
            parent: Some(1),
            ..spawn(15)
        },
    );
    for round in 0..20 {
        let at = 10 + round * 20;
        w0.wake(1, at, WakerKey::Runtime);
        w0.wake(1, at, WakerKey::Runtime);
        w0.poll(1, at, at + 10, Outcome::Pending);
        w0.wake(2, at + 5, WakerKey::Task(1));
    }
    w0.wait_begin(1, 9, 33, StrId::NONE, StrId::NONE);
    w0.wait_end(1, 9, 93, WaitState::Done);
    w0.unwakeable(1, 600);
    w0.terminate(1, 700);
    builder.batch(w0);
    let recording = builder.finish();
    let history = recording.history(recording.task_by_id(1).unwrap());
    assert_eq!(history.len(), 1 + 1 + 20 * 4 + 2 + 1 + 1);
    let all: Vec<HistoryEvent> = history.lines(0).collect();
    assert_eq!(all.len(), history.len());
    assert!(all.is_sorted_by_key(|event| event.at));
    for first in 0..=all.len() {
        assert_eq!(history.lines(first).collect::<Vec<_>>(), all[first..]);
        assert_eq!(history.get(first), all.get(first).copied());
    }
    for (index, event) in all.iter().enumerate() {
        assert_eq!(history.find(event.at, event.what), Some(index));
        assert_eq!(
            history.position(event.at),
            all.partition_point(|other| other.at < event.at)
        );
    }
    assert_eq!(history.position(10_000), all.len());
}

#[test]
fn a_load_that_nobody_wants_ends_at_any_check() {
    let filled = || {
        let mut builder = builder();
        let mut w0 = batch(0);
        for round in 0..70_000 {
            w0.wake(round % 9 + 1, round as Ns * 10, WakerKey::Runtime);
            w0.poll(
                round % 7 + 1,
                round as Ns * 10 + 3,
                round as Ns * 10 + 8,
                Outcome::Pending,
            );
        }
        builder.batch(w0);
        builder
    };
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let stop_at = |check: usize| {
        asked.store(0, std::sync::atomic::Ordering::Relaxed);
        let cancelled = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= check;
        filled().finish_unless(&cancelled).is_none()
    };
    let mut check = 0;
    while stop_at(check) {
        check += 1;
    }
    // Each stage asks, and so do the loops over rows.
    assert!(check >= 8, "{check}");
    assert_eq!(asked.into_inner(), check);
}

#[test]
fn rows_before_the_window_are_part_of_the_whole_only() {
    let mut builder = builder();
    let mut w0 = batch(0);
    w0.poll(1, -50, -40, Outcome::Pending);
    w0.poll(1, -10, 5, Outcome::Pending);
    w0.wake(1, -20, WakerKey::Task(1));
    w0.wake(1, 7, WakerKey::Runtime);
    w0.wait_begin(1, 3, -5, StrId::NONE, StrId::NONE);
    builder.batch(w0);
    let recording = builder.finish();
    let task = recording.task_by_id(1).unwrap();
    let (whole, window) = (recording.totals(task), recording.totals_in_window(task));
    assert_eq!(
        (
            whole.polls,
            whole.busy_ns,
            whole.wakes,
            whole.self_wakes,
            whole.waits
        ),
        (2, 25, 2, 1, 1)
    );
    assert_eq!(
        (
            window.polls,
            window.busy_ns,
            window.wakes,
            window.self_wakes,
            window.waits
        ),
        (1, 15, 1, 0, 0)
    );
}

#[test]
fn where_every_event_was_lost_nobody_is_covered() {
    for (lost, read, covered) in [(true, false, 0), (true, true, 1), (false, false, 1)] {
        let mut builder = builder();
        let mut w0 = batch(0);
        w0.wakes_recorded(7);
        if read {
            w0.poll(7, 30, 60, Outcome::Pending);
        }
        builder.batch(w0);
        if lost {
            builder.loss(Loss {
                kind: LossKind::Truncated,
                count: 1,
                detail: "the file ends early".to_owned(),
                range: None,
            });
        }
        let coverage = builder.finish().coverage();
        assert_eq!(
            (coverage.polls, coverage.wakes, coverage.tasks),
            (covered, covered, 1)
        );
    }
}

proptest! {
    #[test]
    fn who_polls_a_task_tells_its_runtime(recorded in prop::collection::vec(any::<bool>(), 4), polls in prop::collection::vec((0u64..4, 0u32..5), 0..40)) {
        // Workers 0 and 1 are of runtime 0, 2 and 3 of runtime 1, and 4 is a thread of none.
        let mut builder = builder();
        let mut facts = batch(0);
        for (task, recorded) in recorded.iter().enumerate() {
            let runtime = recorded.then_some(0);
            facts.spawn(task as u64, SpawnFacts { runtime, ..spawn(0) });
        }
        builder.batch(facts);
        for (number, (task, worker)) in polls.iter().enumerate() {
            let at = number as Ns * 10;
            let mut batch = batch(10 + *worker);
            let worker_of = (*worker < 4).then_some((worker / 2, worker % 2));
            batch.seat(SeatKey { worker: worker_of, thread: 10 + *worker });
            batch.poll(*task, at, at + 5, Outcome::Pending);
            builder.batch(batch);
        }
        let recording = builder.finish();
        for (task, recorded) in recorded.iter().enumerate() {
            let mut of: Vec<Option<u32>> = polls.iter().filter(|(polled, _)| *polled == task as u64)
                .map(|(_, worker)| (*worker < 4).then_some(worker / 2)).collect();
            of.dedup();
            let expected = match of[..] {
                _ if *recorded => Some(0),
                [of] => of,
                _ => None,
            };
            let known = recording.task(recording.task_by_id(task as u64).unwrap()).runtime;
            prop_assert_eq!(known.map(|runtime| recording.runtime(runtime).id), expected);
        }
    }
}
