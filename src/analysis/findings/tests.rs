//! What is found, and what must not be.

use super::*;
use crate::recording::{
    Batch, Loss, LossKind, MILLISECOND as MS, Outcome, RecordingBuilder, SeatKey, SpawnFacts,
    WakerKey,
    testing::{batch, builder, runtime, seat, spawn},
};

const END: Ns = 2_000 * MS;

fn spawn_at(builder: &mut RecordingBuilder, location: &str) -> SpawnFacts {
    SpawnFacts {
        location: builder.intern(location),
        ..spawn(0)
    }
}

fn find(builder: RecordingBuilder) -> (Recording, Vec<Finding>) {
    let recording = builder.finish();
    let found = findings(&recording, &Thresholds::default());
    (recording, found)
}

/// Two blockers of 80 ms on both workers, and `late` tasks that wait for the runtime.
fn blind_incident(late: u64) -> RecordingBuilder {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let report = spawn_at(&mut builder, "src/service.rs:118:9");
    let ping = spawn_at(&mut builder, "src/service.rs:97:9");
    let (mut w0, mut w1) = (batch(0), batch(1));
    w0.spawn(87, report);
    w1.spawn(88, report);
    for task in 0..late {
        w0.spawn(100 + task, ping);
        w0.poll(100 + task, MS, MS + 1_000, Outcome::Pending);
    }
    w0.poll(87, 100 * MS, 180 * MS + 300_000, Outcome::Ready);
    w1.poll(88, 101 * MS, 181 * MS, Outcome::Ready);
    for task in 0..late {
        let at = 180 * MS + 400_000 + task as Ns;
        w0.wake(100 + task, at, WakerKey::Runtime);
        w0.poll(100 + task, at + 10_000, at + 20_000, Outcome::Pending);
    }
    // Long after: no consequence.
    w0.spawn(999, ping);
    w0.wake(999, 500 * MS, WakerKey::Runtime);
    builder.batch(w0);
    builder.batch(w1);
    builder
}

#[test]
fn polls_on_every_worker_at_once_are_one_finding_with_its_victims() {
    let (recording, found) = find(blind_incident(8));
    let [finding] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (finding.kind, finding.severity),
        (Kind::SlowPoll, Severity::Critical)
    );
    assert_eq!(
        (finding.start, finding.duration),
        (100 * MS, 80 * MS + 300_000)
    );
    let ids = |role| -> Vec<u64> {
        let tasks = finding.tasks.iter().filter(|(_, of)| *of == role);
        tasks.map(|(task, _)| recording.task(*task).id).collect()
    };
    assert_eq!(ids(Role::Culprit), [87, 88]);
    let mut victims = ids(Role::Victim);
    victims.sort_unstable();
    assert_eq!(victims, (100..108).collect::<Vec<_>>());
    assert_eq!(
        recording.location(finding.culprit().unwrap()),
        Some("src/service.rs:118:9")
    );
    for part in [
        "80.3 ms of task 87 (src/service.rs:118:9) and 80.0 ms of task 88",
        "src/service.rs:118:9",
        "for 79.3 ms",
        "woke 8 tasks right after",
        "79.4 ms late",
    ] {
        assert!(
            finding.message.contains(part),
            "{part} in {}",
            finding.message
        );
    }
    assert!(finding.evidence.is_sorted_by_key(|evidence| evidence.at));
    assert!(
        finding
            .evidence
            .iter()
            .any(|evidence| evidence.kind == "blind")
    );
    assert!(
        finding
            .evidence
            .iter()
            .any(|evidence| evidence.kind == "wake")
    );
}

#[test]
fn a_blind_interval_that_comes_again_is_one_finding() {
    let mut builder = blind_incident(1);
    let (mut w0, mut w1) = (batch(0), batch(1));
    for round in 2..12 {
        w0.poll(
            87,
            round * 100 * MS,
            round * 100 * MS + 60 * MS,
            Outcome::Pending,
        );
        w1.poll(
            88,
            round * 100 * MS,
            round * 100 * MS + 60 * MS,
            Outcome::Pending,
        );
    }
    builder.batch(w0);
    builder.batch(w1);
    let (_, found) = find(builder);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].alike, found[0].start), (10, 100 * MS));
    assert!(
        found[0].message.contains("10 more blind intervals"),
        "{}",
        found[0].message
    );
}

#[test]
fn one_slow_poll_beside_a_free_worker_is_no_blind_interval() {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let facts = spawn_at(&mut builder, "src/report.rs:1:1");
    let (mut w0, mut w1) = (batch(0), batch(1));
    w0.spawn(7, facts);
    w0.poll(7, 100 * MS, 140 * MS, Outcome::Pending);
    w0.poll(7, 200 * MS, 250 * MS, Outcome::Pending);
    w1.park(0, 300 * MS, false);
    builder.batch(w0);
    builder.batch(w1);
    let (recording, found) = find(builder);
    let [finding] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (finding.severity, finding.duration, finding.alike),
        (Severity::Warning, 50 * MS, 1)
    );
    assert_eq!(recording.worker_of(finding.lane.unwrap()), Some(0));
    assert!(
        finding
            .message
            .contains("There was 1 more poll of 10.0 ms or more"),
        "{}",
        finding.message
    );
    assert_eq!(super::super::blind_intervals(&recording, MS), []);
}

#[test]
fn a_slow_poll_names_who_was_queued_behind_it() {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let report = spawn_at(&mut builder, "src/report.rs:1:1");
    let (mut w0, mut w1) = (batch(0), batch(1));
    w0.spawn(7, report);
    w0.spawn(8, spawn(0));
    w0.poll(8, 50 * MS, 51 * MS, Outcome::Pending);
    // Woken inside the long poll, polled on the same worker right behind it; the other worker is parked.
    w0.wake(8, 110 * MS, WakerKey::Task(7));
    w0.poll(7, 100 * MS, 220 * MS, Outcome::Pending);
    w0.poll(8, 220 * MS + 1_000, 221 * MS, Outcome::Pending);
    w1.park(0, 300 * MS, false);
    builder.batch(w0);
    builder.batch(w1);
    let (recording, found) = find(builder);
    let [finding] = &found[..] else {
        panic!("{found:#?}")
    };
    let victim = recording.task_by_id(8).unwrap();
    assert!(finding.tasks.contains(&(victim, Role::Victim)));
    assert!(
        finding
            .message
            .contains("task 8, for 110 ms, queued on the same worker"),
        "{}",
        finding.message
    );
    let line = finding.evidence.last().unwrap();
    assert_eq!((line.kind, line.at), ("delay", 110 * MS));
}

#[test]
fn a_recording_without_a_readable_event_is_no_healthy_one() {
    let mut builder = builder(END);
    builder.loss(Loss {
        kind: LossKind::Truncated,
        count: 1,
        detail: "the file ends".to_owned(),
        range: None,
    });
    let kinds = not_checked(&builder.finish());
    let slow = kinds
        .iter()
        .find(|kind| kind.kind == Kind::SlowPoll)
        .unwrap();
    assert_eq!(slow.because, "no event could be read");
}

#[test]
fn thresholds_are_what_the_table_says() {
    let lengths = [9 * MS, 10 * MS, 30 * MS, 100 * MS];
    let expected = [
        None,
        Some(Severity::Info),
        Some(Severity::Warning),
        Some(Severity::Critical),
    ];
    for (length, severity) in lengths.into_iter().zip(expected) {
        let mut builder = builder(END);
        runtime(&mut builder, 2);
        let mut w0 = batch(0);
        w0.poll(7, 0, length, Outcome::Pending);
        builder.batch(w0);
        let recording = builder.finish();
        let worst = findings(&recording, &Thresholds::default())
            .first()
            .map(|finding| finding.severity);
        assert_eq!(worst, severity, "{length}");
        let mut table = Thresholds::default();
        assert!(table.set("slow-poll.info", END));
        assert_eq!(findings(&recording, &table), [], "overridden");
    }
    assert!(!Thresholds::default().set("nothing", 1));
}

/// A task woken from inside a poll that goes on, while the other worker is parked or busy, or after it was called.
fn behind_its_waker(parked: bool, elsewhere: bool, outside: bool) -> String {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let mut w0 = batch(0);
    w0.poll(8, 10 * MS, 11 * MS, Outcome::Pending);
    let waker = if outside {
        WakerKey::Outside
    } else {
        WakerKey::Task(7)
    };
    w0.wake(8, 101 * MS, waker);
    w0.poll(7, 100 * MS, 300 * MS, Outcome::Pending);
    let mut w1 = batch(1);
    if parked {
        w1.park(50 * MS, 299 * MS, false);
    } else {
        w1.poll(9, 50 * MS, 299 * MS, Outcome::Pending);
    }
    let mut last = if elsewhere { batch(1) } else { batch(0) };
    last.poll(8, 301 * MS, 302 * MS, Outcome::Pending);
    for batch in [w0, w1, last] {
        builder.batch(batch);
    }
    let (_, found) = find(builder);
    let about = found.iter().find(|one| one.message.contains("task 7"));
    about.expect("it is slow").message.clone()
}

#[test]
fn why_a_parked_worker_did_not_help_is_told() {
    let told = "Meanwhile worker 1 was parked and could not take it";
    let message = behind_its_waker(true, false, false);
    assert!(message.contains(told), "{message}");
    for (parked, elsewhere, outside) in [
        (false, false, false),
        (true, true, false),
        (true, false, true),
    ] {
        let message = behind_its_waker(parked, elsewhere, outside);
        assert!(!message.contains("Meanwhile"), "{message}");
    }
}

#[test]
fn a_poll_that_handed_its_worker_over_is_not_slow() {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let mut w0 = batch(0);
    w0.poll(7, 100 * MS, 900 * MS, Outcome::Pending); // in block_in_place
    let mut other = Batch::new(50);
    other.seat(SeatKey {
        worker: Some((0, 0)),
        thread: 50,
    }); // the thread that took worker 0 over
    other.park(100 * MS + 5_000, 800 * MS, false);
    builder.batch(w0);
    builder.batch(other);
    assert_eq!(find(builder).1, []);
}

#[test]
fn workers_still_inside_polls_are_one_finding_and_no_slow_poll() {
    let mut builder = builder(END);
    runtime(&mut builder, 2);
    let facts = spawn_at(&mut builder, "src/spin.rs:1:1");
    let mut w0 = batch(0);
    w0.spawn(7, facts);
    w0.spawn(8, facts);
    builder.batch(w0);
    builder.running(seat(0), Some(7), 100 * MS);
    builder.running(seat(1), Some(8), 1_500 * MS);
    let (_, found) = find(builder);
    let [finding] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (finding.kind, finding.severity),
        (Kind::BlockedWorker, Severity::Critical)
    );
    assert_eq!(
        (finding.start, finding.duration, finding.tasks.len()),
        (100 * MS, 1_900 * MS, 2)
    );
    assert!(
        finding.message.contains("Every worker"),
        "{}",
        finding.message
    );
}

#[test]
fn a_lost_waker_is_found_until_a_wake_or_a_poll_says_otherwise() {
    let lost = |wake_after: bool, end: bool| {
        let mut builder = builder(END);
        let facts = spawn_at(&mut builder, "src/lost.rs:1:1");
        let mut w0 = batch(0);
        w0.spawn(7, facts);
        w0.poll(7, 10 * MS, 11 * MS, Outcome::Pending);
        w0.unwakeable(7, 11 * MS);
        if wake_after {
            w0.wake(7, 12 * MS, WakerKey::Outside);
        }
        if end {
            w0.terminate(7, 13 * MS);
        }
        builder.batch(w0);
        find(builder).1
    };
    let found = lost(false, false);
    let [finding] = &found[..] else {
        panic!("{found:#?}")
    };
    assert_eq!(
        (finding.kind, finding.severity, finding.start),
        (Kind::Unwakeable, Severity::Critical, 11 * MS)
    );
    assert_eq!(lost(true, false), []);
    assert_eq!(lost(false, true), []);
}

#[test]
fn in_whose_poll_the_last_waker_was_dropped_is_told() {
    let mut builder = builder(END);
    let facts = spawn_at(&mut builder, "src/lost.rs:1:1");
    let mut w0 = batch(0);
    w0.spawn(7, facts);
    w0.spawn(8, facts);
    w0.poll(7, 10 * MS, 11 * MS, Outcome::Pending);
    w0.poll(8, 14 * MS, 16 * MS, Outcome::Ended);
    w0.unwakeable(7, 15 * MS);
    w0.terminate(8, 16 * MS);
    builder.batch(w0);
    let (recording, found) = find(builder);
    let lost = found.iter().find(|one| one.kind == Kind::Unwakeable);
    let lost = lost.expect("nobody can wake it");
    assert!(
        lost.message.contains("was in a poll of task 8."),
        "{}",
        lost.message
    );
    let dropper = recording.task_by_id(8);
    assert!(lost.evidence.iter().any(|one| one.task == dropper));
}

#[test]
fn what_was_not_looked_for_is_said() {
    let mut builder = builder(END);
    let mut w0 = batch(0);
    w0.poll(7, 0, 10, Outcome::Ended);
    w0.poll(8, 20, 30, Outcome::Pending);
    w0.wake(8, 15, WakerKey::Runtime);
    builder.batch(w0);
    let recording = builder.finish();
    let kinds: Vec<(Kind, String)> = not_checked(&recording)
        .into_iter()
        .map(|kind| (kind.kind, kind.because))
        .collect();
    assert!(kinds.contains(&(
        Kind::Unwakeable,
        "wakes are recorded for 1 of 2 tasks only".to_owned()
    )));
    assert!(kinds.iter().any(|(kind, _)| *kind == Kind::Deadlock));
    assert!(!kinds.iter().any(|(kind, _)| *kind == Kind::SlowPoll));
}
