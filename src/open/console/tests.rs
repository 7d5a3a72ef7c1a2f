//! Small recordings of known content: lives, losses, and bytes that are wrong.

use std::io::{self, Read};

use proptest::{prelude::RngExt as _, test_runner::TestRng};

use super::{Limits, MOST_ROWS, read_within};
use crate::{
    open::{OpenError, Progress},
    recording::{LossKind, Ns, Outcome, Recording, TaskIx},
};

const BASE: u64 = 1_700_000_000;

/// A recording, written line by line.
#[derive(Clone)]
struct Written(String);

impl Written {
    fn new() -> Self {
        Self("{\"v\":1}\n".to_owned())
    }

    fn at(ns: u64) -> String {
        format!("\"at\":{{\"secs_since_epoch\":{BASE},\"nanos_since_epoch\":{ns}}}")
    }

    fn spawn(mut self, span: u64, kind: &str, task: u64, ns: u64) -> Self {
        let at = Self::at(ns);
        self.0 += &format!(
            "{{\"Spawn\":{{\"id\":{span},{at},\"fields\":[{{\"name\":\"kind\",\"value\":\"{kind}\"}},\
             {{\"name\":\"task.id\",\"value\":{task}}}]}}}}\n"
        );
        self
    }

    fn event(mut self, kind: &str, span: u64, ns: u64) -> Self {
        let at = Self::at(ns);
        self.0 += &format!("{{\"{kind}\":{{\"id\":{span},{at}}}}}\n");
        self
    }

    fn visit(self, span: u64, from: u64, to: u64) -> Self {
        self.event("Enter", span, from).event("Exit", span, to)
    }

    fn wake(mut self, span: u64, own: bool, ns: u64) -> Self {
        let at = Self::at(ns);
        self.0 += &format!(
            "{{\"Waker\":{{\"id\":{span},\"op\":{{\"Wake\":{{\"self_wake\":{own}}}}},{at}}}}}\n"
        );
        self
    }

    fn waker(mut self, span: u64, op: &str, ns: u64) -> Self {
        let at = Self::at(ns);
        self.0 += &format!("{{\"Waker\":{{\"id\":{span},\"op\":\"{op}\",{at}}}}}\n");
        self
    }

    fn raw(mut self, text: &str) -> Self {
        self.0 += text;
        self
    }

    fn read(&self) -> Recording {
        read(self.0.as_bytes(), limits()).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn limits() -> Limits {
    Limits {
        block: 4 << 10,
        rows: MOST_ROWS,
    }
}

fn read(bytes: &[u8], limits: Limits) -> Result<Recording, OpenError> {
    let expected = bytes.len() as u64;
    read_within(
        "x",
        bytes,
        expected,
        Vec::new(),
        limits,
        &Progress::default(),
    )
}

/// The polls of a task: begin, end, outcome.
fn polls(recording: &Recording, id: u64) -> Vec<(Ns, Ns, Outcome)> {
    let polls = recording.polls_of(task(recording, id)).iter();
    polls
        .map(|poll| recording.poll(*poll))
        .map(|poll| (poll.start, poll.end(), poll.outcome))
        .collect()
}

fn task(recording: &Recording, id: u64) -> TaskIx {
    recording.task_by_id(id).unwrap()
}

fn losses(recording: &Recording) -> Vec<(LossKind, u64)> {
    let losses = recording.losses().iter();
    losses.map(|loss| (loss.kind, loss.count)).collect()
}

/// A task that is woken once and then done, as `tracing` since 0.1.38 tells it.
fn modern() -> Written {
    Written::new()
        .spawn(10, "task", 1, 0)
        .visit(10, 10, 20)
        .wake(10, false, 30)
        .visit(10, 40, 60)
        .visit(10, 61, 62)
        .event("Close", 10, 63)
}

#[test]
fn the_drop_of_a_future_is_no_poll() {
    let recording = modern().read();
    let expected = [(10, 20, Outcome::Pending), (40, 60, Outcome::Ended)];
    assert_eq!(polls(&recording, 1), expected);
    assert_eq!(recording.counts().polls, 2);
    assert_eq!(recording.counts().total, 9);
    assert_eq!(recording.task(task(&recording, 1)).ended_at(), Some(63));
    assert_eq!(losses(&recording), []);
}

#[test]
fn a_wake_that_comes_too_late_does_not_make_the_drop_a_poll() {
    let recording = modern()
        .spawn(11, "task", 2, 100)
        .visit(11, 110, 120)
        .wake(11, false, 125)
        .visit(11, 130, 140)
        .wake(11, false, 145)
        .visit(11, 150, 151)
        .event("Close", 11, 152)
        // Dropped before it was ever polled.
        .spawn(12, "task", 3, 160)
        .visit(12, 170, 171)
        .event("Close", 12, 172)
        .read();
    let expected = [(110, 120, Outcome::Pending), (130, 140, Outcome::Ended)];
    assert_eq!(polls(&recording, 2), expected);
    assert_eq!(polls(&recording, 3), []);
}

#[test]
fn in_an_older_recording_the_last_visit_is_the_last_poll() {
    let mut written = Written::new();
    for task in 0..200 {
        let at = task * 1_000;
        written = written
            .spawn(task + 10, "task", task, at)
            .visit(task + 10, at + 10, at + 20)
            .wake(task + 10, false, at + 30)
            .visit(task + 10, at + 40, at + 60)
            .event("Close", task + 10, at + 60);
    }
    // A wake that races with a poll's start leaves one poll without a wake of its own.
    let recording = written
        .spawn(900, "task", 900, 300_000)
        .visit(900, 300_010, 300_020)
        .visit(900, 300_030, 300_040)
        .event("Close", 900, 300_050)
        .read();
    for task in [0, 3, 150, 199, 900] {
        let polls = polls(&recording, task);
        assert_eq!(polls.len(), 2, "task {task}");
        assert_eq!(polls[0].2, Outcome::Pending);
        assert_eq!(polls[1].2, Outcome::Ended);
    }
}

#[test]
fn who_is_alive_at_the_end_may_be_inside_a_poll() {
    let recording = modern()
        .spawn(11, "task", 2, 100)
        .visit(11, 110, 120)
        .wake(11, true, 130)
        .event("Enter", 11, 140)
        .spawn(12, "task", 3, 150)
        .visit(12, 160, 170)
        .wake(12, false, 200)
        .read();
    let expected = [
        (110, 120, Outcome::Pending),
        (140, 200, Outcome::StillRunning),
    ];
    assert_eq!(polls(&recording, 2), expected);
    assert_eq!(polls(&recording, 3), [(160, 170, Outcome::Ended)]);
    assert_eq!(recording.window().end, 200);
    assert_eq!(recording.counts().total, 18);
    let ended = |id| recording.task(task(&recording, id)).ended_at();
    assert_eq!((ended(2), ended(3)), (None, None));
    assert_eq!(recording.totals(task(&recording, 2)).self_wakes, 1);
}

#[test]
fn jobs_and_resources_are_no_tasks() {
    let recording = modern()
        .spawn(20, "blocking", 2, 100)
        .visit(20, 110, 900_000)
        .visit(20, 900_001, 900_002)
        .event("Close", 20, 900_003)
        .visit(77, 120, 130)
        .event("Close", 77, 140)
        .wake(77, false, 150)
        .read();
    assert_eq!(recording.task_count(), 1);
    assert_eq!(recording.coverage().blocking_jobs, 1);
    let counts = recording.counts();
    assert_eq!((counts.total, counts.polls, counts.wakes), (19, 2, 1));
    assert_eq!((counts.spawns, counts.terminates), (1, 2));
}

#[test]
fn a_span_number_that_is_used_again_is_another_task() {
    let recording = modern()
        .spawn(10, "task", 2, 100)
        .visit(10, 110, 120)
        .wake(10, false, 130)
        .read();
    assert_eq!(recording.task_count(), 2);
    assert_eq!(polls(&recording, 1).len(), 2);
    assert_eq!(polls(&recording, 2).len(), 1);
    assert_eq!(recording.totals(task(&recording, 1)).wakes, 1);
}

#[test]
fn two_tasks_of_one_number_stay_two() {
    let recording = Written::new()
        .spawn(10, "task", 7, 0)
        .visit(10, 1, 2)
        .spawn(11, "task", 7, 3)
        .visit(11, 4, 5)
        .read();
    assert_eq!(recording.task_count(), 2);
    assert_eq!(polls(&recording, 7).len(), 1);
    assert_eq!(polls(&recording, 11).len(), 1);
}

#[test]
fn wakes_that_the_service_kept_out_are_not_recorded() {
    let recording = Written::new()
        .spawn(10, "task", 1, 0)
        .visit(10, 1, 2)
        .read();
    assert_eq!(recording.coverage().wakes, 0);
    let recording = modern()
        .spawn(11, "block_on", 2, 70)
        .visit(11, 80, 90)
        .read();
    let coverage = recording.coverage();
    assert_eq!((coverage.wakes, coverage.tasks), (1, 2));
    assert_eq!(recording.name(task(&recording, 2)), Some("block_on"));
}

#[test]
fn a_task_that_the_full_buffer_dropped_is_a_loss() {
    let recording = modern()
        .spawn(11, "task", 2, 100)
        .event("Close", 11, 200)
        .read();
    assert_eq!(losses(&recording), [(LossKind::MissingEvents, 1)]);
    assert!(!recording.task(task(&recording, 2)).wakes_recorded);
}

/// Two pending tasks: one keeps a waker, one had one and dropped it.
fn pending() -> Written {
    modern()
        .spawn(11, "task", 2, 100)
        .event("Enter", 11, 110)
        .waker(11, "Clone", 111)
        .event("Exit", 11, 112)
        .spawn(12, "task", 3, 120)
        .event("Enter", 12, 130)
        .waker(12, "Clone", 131)
        .event("Exit", 12, 132)
        .waker(12, "Drop", 140)
}

/// An event so late that whoever is idle is surely pending.
fn late(written: Written) -> Written {
    written.raw(&format!(
        "{{\"Enter\":{{\"id\":99,\"at\":{{\"secs_since_epoch\":{},\"nanos_since_epoch\":0}}}}}}\n",
        BASE + 2
    ))
}

#[test]
fn who_is_pending_without_a_waker_is_unwakeable() {
    let lost = |written: Written, id: u64| {
        let recording = written.read();
        assert_eq!(
            recording.counts().total,
            written.0.lines().filter(|line| *line != "x").count() as u64 - 1
        );
        recording.last_unwakeable(task(&recording, id), Ns::MAX)
    };
    assert_eq!(lost(late(pending()), 3), Some(140));
    assert_eq!(lost(late(pending()), 2), None);
    let outcomes = |written: Written| polls(&written.read(), 2)[0].2;
    assert_eq!(outcomes(late(pending())), Outcome::Pending);
    assert_eq!(outcomes(pending()), Outcome::Ended);
    // It may have returned ready the moment before.
    assert_eq!(lost(pending(), 3), None);
    // A lost line may have been its clone.
    assert_eq!(lost(late(pending().raw("x\n")), 3), None);
    // It is runnable.
    assert_eq!(lost(late(pending().wake(12, false, 150)), 3), None);
    let wrong = pending().waker(12, "Drop", 150).waker(12, "Clone", 151);
    assert_eq!(lost(late(wrong), 3), None);
    // Nothing of wakers was recorded.
    let silent = Written::new().spawn(12, "task", 3, 0).visit(12, 10, 20);
    assert_eq!(lost(late(silent), 3), None);
    // `block_on` has a waker of its own kind.
    let block_on = modern().spawn(13, "block_on", 4, 100).visit(13, 110, 120);
    assert_eq!(lost(late(block_on), 4), None);
}

#[test]
fn counterparts_that_are_missing_are_counted() {
    let recording = modern()
        .spawn(11, "task", 2, 100)
        .event("Exit", 11, 110)
        .event("Enter", 11, 120)
        .event("Enter", 11, 130)
        .event("Exit", 11, 140)
        .read();
    assert_eq!(losses(&recording), [(LossKind::MissingEvents, 2)]);
    assert_eq!(polls(&recording, 2), [(130, 140, Outcome::Ended)]);
}

#[test]
fn lines_of_several_threads_need_no_order() {
    let recording = Written::new()
        .spawn(10, "task", 1, 50)
        .spawn(11, "task", 2, 40)
        .visit(10, 60, 70)
        .visit(11, 55, 58)
        .read();
    let window = recording.window();
    assert_eq!(window.wall_start, Some(BASE as i64 * 1_000_000_000 + 40));
    assert_eq!(window.end, 30);
    assert_eq!(recording.task(task(&recording, 2)).spawned_at(), Some(0));
}

#[test]
fn bad_lines_are_losses_with_a_place() {
    let written = Written::new().raw("nonsense\n").spawn(10, "task", 1, 0);
    let cut = written.0.len();
    let written = written
        .raw("{\"Poke\":{}}\n\n{}\n")
        .raw(&"x".repeat(20_000))
        .raw("\n")
        .visit(10, 1, 2)
        .raw("{\"Enter\":{\"id\":10,");
    let recording = written.read();
    assert_eq!(
        losses(&recording),
        [
            (LossKind::Malformed, 2),
            (LossKind::UnknownKind, 1),
            (LossKind::OverCap, 1),
            (LossKind::Truncated, 1),
        ]
    );
    let detail = |number: usize| recording.losses()[number].detail.as_str();
    assert!(detail(0).contains("line 2 at byte 8"), "{}", detail(0));
    assert!(detail(1).contains(&format!(
        "line 4 at byte {cut}: an event of the unknown kind Poke"
    )));
    assert!(detail(2).contains("line 7 at byte"), "{}", detail(2));
    assert!(detail(3).contains("line 10 at byte"), "{}", detail(3));
    assert_eq!(polls(&recording, 1).len(), 1);
    assert_eq!(recording.counts().total, 3);
}

#[test]
fn a_second_recording_in_the_file_is_not_mixed_in() {
    let recording = modern().raw(&modern().0).read();
    assert_eq!(recording.task_count(), 1);
    assert_eq!(losses(&recording), [(LossKind::OverCap, 1)]);
}

#[test]
fn more_rows_than_the_cap_are_counted() {
    let limits = Limits {
        rows: 2,
        ..limits()
    };
    let recording = read(modern().0.as_bytes(), limits).unwrap();
    assert_eq!(recording.poll_count() + recording.wake_count(), 2);
    assert_eq!(losses(&recording), [(LossKind::OverCap, 1)]);
    assert_eq!(
        recording.losses()[0].detail,
        "showing 2 of 3 polls and wakes"
    );
    assert_eq!(recording.counts().total, 9);
}

#[test]
fn without_events_there_is_nothing_to_show() {
    let said = |text: &str| read(text.as_bytes(), limits()).unwrap_err().to_string();
    assert!(said("{\"v\":1}\n").contains("no events"));
    assert!(said("{\"v\":1}").contains("no events"));
    assert!(said("{\"v\":1}\nx\n").contains("line 2 at byte 8"));
    assert!(said("{\"v\":3}\n").contains("version 3"));
    assert!(said("{\"w\":3}\n").contains("first line"));
    assert!(said("").contains("first line"));
}

#[test]
fn it_can_be_cancelled() {
    let progress = Progress::default();
    progress.cancel();
    let written = modern();
    let error = read_within(
        "x",
        written.0.as_bytes(),
        0,
        Vec::new(),
        limits(),
        &progress,
    )
    .unwrap_err();
    assert!(matches!(error, OpenError::Cancelled));
}

/// Hands out a few bytes at a time, as a pipe may.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.len().min(7).min(buffer.len());
        buffer[..bytes].copy_from_slice(&self.0[..bytes]);
        self.0 = &self.0[bytes..];
        Ok(bytes)
    }
}

/// What a recording says, in one line.
fn gist(recording: &Recording) -> String {
    let polls: Vec<_> = recording
        .tasks()
        .map(|task| polls(recording, recording.task(task).id))
        .collect();
    format!(
        "{:?} {polls:?} {:?}",
        recording.counts(),
        recording.losses()
    )
}

fn of_many_lines() -> Written {
    let mut written = modern();
    for task in 2..60 {
        let at = task * 1_000;
        written = written
            .spawn(task * 3, "task", task, at)
            .visit(task * 3, at + 10, at + 20)
            .wake(task * 3, task % 2 == 0, at + 30)
            .visit(task * 3, at + 40, at + 60)
            .visit(task * 3, at + 70, at + 71)
            .event("Close", task * 3, at + 72);
    }
    written
}

#[test]
fn blocks_and_reads_of_any_size_read_the_same() {
    let written = of_many_lines();
    let whole = gist(&written.read());
    for block in [200, 201, 333, 512, 5_000, 1 << 20] {
        let limits = Limits { block, ..limits() };
        let read = read(written.0.as_bytes(), limits).unwrap();
        assert_eq!(gist(&read), whole, "blocks of {block}");
    }
    let drops = Drops(written.0.as_bytes());
    let read = read_within("x", drops, 0, Vec::new(), limits(), &Progress::default()).unwrap();
    assert_eq!(gist(&read), whole);
}

#[test]
fn every_prefix_opens_or_is_an_error() {
    let written = of_many_lines();
    let bytes = &written.0.as_bytes()[..3_000];
    let mut opened = 0;
    for length in 0..bytes.len() {
        let Ok(recording) = read(&bytes[..length], limits()) else {
            continue;
        };
        opened += 1;
        // A line that lacks nothing but its end is whole.
        let cut = !matches!(bytes[length - 1], b'\n') && bytes[length] != b'\n';
        let told = recording
            .losses()
            .iter()
            .any(|loss| loss.kind == LossKind::Truncated);
        assert_eq!(told, cut, "{length} bytes");
        let whole = bytes[..length]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count() as u64;
        let lines = whole - 1 + u64::from(!cut && bytes[length - 1] != b'\n');
        assert_eq!(recording.counts().total, lines, "{length} bytes");
    }
    assert!(opened > 2_800);
}

#[test]
fn flipped_bytes_are_losses_or_other_events_but_never_a_panic() {
    let bytes = of_many_lines().0.into_bytes();
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 - 1;
    let mut random = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut refused = 0;
    for _ in 0..1_500 {
        let mut flipped = bytes.clone();
        for _ in 0..=random.random_range(0..4) {
            let bit = random.random_range(0..bytes.len() * 8);
            flipped[bit / 8] ^= 1 << (bit % 8);
        }
        match read(&flipped, limits()) {
            Ok(recording) => {
                let missing = lines.saturating_sub(recording.counts().total);
                assert!(missing == 0 || !recording.losses().is_empty());
                assert!(recording.counts().total <= lines + 4);
            }
            Err(error) => {
                refused += 1;
                assert_eq!(error.to_string().lines().count(), 1);
            }
        }
    }
    assert!(refused < 100, "only the first line can spoil everything");
}
