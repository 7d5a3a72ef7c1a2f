//! Whatever happens to a dump of a few kilobytes: it opens with its losses counted, or it is a typed error.

mod common;

use common::{Dump, START, end, poll, row, spawn, try_open, wake};
use dial9_format::{Event, OpenWait, PollOutcome, Running, Waker};
use dial9_tui::{
    analysis::{Thresholds, state_at},
    recording::Recording,
    report::{Report, json, text},
};
use proptest::{prelude::*, test_runner::TestRng};

/// A dump with something of everything, in several frames of every kind that can come in several.
fn dump() -> Dump {
    let mut dump = Dump::new();
    let location = dump.string("src/service.rs:118:9");
    let mark = dump.string("orders");
    dump.tasks
        .rows
        .extend((1..30).map(|id| dial9_format::TaskRow {
            location,
            spawned_at: Some(10),
            polls: 3,
            ..row(id)
        }));
    dump.tasks.open_waits.push(OpenWait {
        task: 3,
        wait: 900,
        name: mark,
        location,
        since: 20,
    });
    let running = Running {
        thread: 1,
        runtime: 0,
        worker: 1,
        task: Some(4),
        start: START + 5_000,
    };
    dump.workers.running.push(running);
    for chunk in 0..3u64 {
        for worker in 0..2u32 {
            let mut events = vec![spawn(100 + chunk, chunk * 10_000, Some(1), location)];
            for step in 0..30 {
                let at = chunk * 10_000 + step * 100 + u64::from(worker);
                events.push(wake(step % 7 + 1, at, Waker::Task(2)));
                events.push(poll(step % 7 + 1, at + 10, at + 60, PollOutcome::Pending));
            }
            let at = START + chunk * 10_000 + 9_000;
            events.push(Event::WaitBegin {
                at,
                task: 5,
                wait: chunk,
                name: mark,
                location,
            });
            events.push(Event::Park {
                start: at,
                end: at + 50,
            });
            events.push(Event::Unwakeable { at, task: 6 });
            events.push(end(100 + chunk, chunk * 10_000 + 9_100));
            dump.worker_chunk(worker, chunk * 65, 10, &events);
        }
    }
    dump.shared_chunk(0, &[(8, wake(2, 70, Waker::Outside)), (9, end(5_000, 80))]);
    dump
}

/// Asks everything that screens and reports ask.
fn ask(recording: &Recording) {
    let report = Report::new(recording, &Thresholds::default());
    let text = text(&report);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    json(&report).unwrap();
    let tally = recording.tally(i64::MIN, i64::MAX, &|| false).unwrap();
    let polls = recording.tasks().map(|task| tally.totals(task).polls);
    assert_eq!(polls.sum::<u64>(), recording.poll_count() as u64);
    for task in recording.tasks() {
        let _ = state_at(recording, task, recording.window().end / 2);
        let history = recording.history(task);
        assert_eq!(history.lines(0).count(), history.len());
        for poll in recording.polls_of(task) {
            let _ = recording.cause(*poll);
        }
        for wake in recording.wakes_of(task) {
            let _ = recording.waker_poll(*wake);
        }
    }
}

#[test]
fn the_whole_dump_has_no_losses() {
    let bytes = dump().bytes();
    assert!((1_000..16_000).contains(&bytes.len()), "{}", bytes.len());
    let recording = try_open(bytes).unwrap();
    assert_eq!(recording.losses(), []);
    ask(&recording);
}

#[test]
fn every_prefix_opens_with_a_loss_or_is_an_error() {
    let bytes = dump().bytes();
    let mut opened = 0;
    for length in 0..bytes.len() {
        if let Ok(recording) = try_open(bytes[..length].to_vec()) {
            assert!(
                !recording.losses().is_empty(),
                "{length} bytes without a loss"
            );
            ask(&recording);
            opened += 1;
        }
    }
    assert!(opened > bytes.len() / 2, "{opened}");
}

#[test]
fn every_flipped_bit_of_a_sample_opens_with_a_loss_or_is_an_error() {
    let bytes = dump().bytes();
    let mut random = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    for _ in 0..800 {
        let mut flipped = bytes.clone();
        let bit = random.random_range(0..bytes.len() * 8);
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(recording) = try_open(flipped) {
            assert!(
                !recording.losses().is_empty(),
                "bit {bit} flipped without a loss"
            );
            ask(&recording);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Numbers that no recorder writes: the checksums are right, and nothing else is.
    #[test]
    fn hostile_numbers_never_panic(
        events in proptest::collection::vec((0u8..9, any::<u64>(), any::<u64>(), any::<u64>(), any::<u32>()), 0..40),
        window in (any::<u64>(), any::<u64>(), any::<u64>()),
        seq in any::<u64>(),
        folded in 0u64..40,
        many in any::<u32>(),
    ) {
        let mut dump = Dump::new();
        let header = dump.header.as_mut().unwrap();
        (header.window_start, header.window_end, header.others_start) = window;
        header.trigger_at = window.2;
        header.anchors[0].at = seq;
        header.anchors[0].wall_ns = window.0;
        dump.workers.runtimes[0].workers = many;
        dump.workers.running.push(Running { thread: many, runtime: many, worker: 3, task: Some(seq), start: seq });
        dump.tasks.rows.push(dial9_format::TaskRow {
            spawned_at: Some(window.1), polls: seq, busy_ns: window.0, longest_poll_ns: window.1,
            last_poll_start: window.2, last_poll_end: window.0, wakes: window.1, last_wake_at: Some(seq),
            last_waker_kind: 1, last_waker: window.0, unwakeable_at: Some(window.1), waits: seq, ..row(seq)
        });
        let events: Vec<Event> = events.iter().map(|&(kind, a, b, task, small)| match kind {
            0 | 1 => Event::Poll { start: a.min(b), end: a.max(b), task, outcome: PollOutcome::Pending },
            2 => Event::Wake { at: a, task, waker: Waker::Task(b) },
            3 => Event::Spawn { at: a, task, parent: Some(b), location: small, name: small, runtime: small,
                kind: dial9_format::TaskKind::Async, size: small },
            4 => Event::Terminate { at: a, task },
            5 => Event::Park { start: a.min(b), end: a.max(b) },
            6 => Event::WaitBegin { at: a, task, wait: b % 4, name: small, location: small },
            7 => Event::WaitEnd { at: a, task, wait: b % 4, outcome: dial9_format::WaitOutcome::Done },
            _ => Event::Unwakeable { at: a, task },
        }).collect();
        let folded = folded.min(events.len() as u64);
        dump.worker_chunk(0, seq, folded, &events);
        dump.worker_chunk(0, seq.wrapping_add(3), folded, &events);
        if let Ok(recording) = try_open(dump.bytes()) {
            ask(&recording);
        }
    }
}
