//! A recording that console-subscriber wrote, opened by the program and by a plain reading of its JSON.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use dial9_tui::{
    analysis::{Kind, Thresholds, findings, not_checked},
    open::{Progress, Request, open},
    recording::{End, Format, Outcome, Recording, TaskIx, TaskKind, Waker},
};
use serde_json::Value;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/console-0.5.json");

/// What the lines say of one span that a `Spawn` describes.
#[derive(Default)]
struct Span {
    kind: String,
    name: String,
    task: u64,
    size: u64,
    spawned: i64,
    /// `E`nters, e`X`its, `W`akes, `S`elf-wakes, `C`lones, `D`rops and the end `$`, each with its time.
    happened: Vec<(char, i64)>,
}

impl Span {
    fn is_task(&self) -> bool {
        self.kind != "blocking"
    }

    fn count(&self, what: char) -> usize {
        self.happened.iter().filter(|(w, _)| *w == what).count()
    }

    /// Begin and end of every time that a thread was inside.
    fn visits(&self) -> Vec<(i64, i64)> {
        let at = |what: char| {
            let all = self.happened.iter().filter(move |(w, _)| *w == what);
            all.map(|(_, at)| *at)
        };
        at('E').zip(at('X')).collect()
    }
}

struct Plain {
    lines: usize,
    spans: BTreeMap<u64, Span>,
    first: i64,
    last: i64,
}

fn plain() -> Plain {
    let text = std::fs::read_to_string(PATH).unwrap();
    let mut plain = Plain {
        lines: 0,
        spans: BTreeMap::new(),
        first: i64::MAX,
        last: 0,
    };
    for line in text.lines().skip(1) {
        let line: Value = serde_json::from_str(line).unwrap();
        let (kind, event) = line.as_object().unwrap().iter().next().unwrap();
        let at = event["at"]["secs_since_epoch"].as_i64().unwrap() * 1_000_000_000
            + event["at"]["nanos_since_epoch"].as_i64().unwrap();
        plain.lines += 1;
        plain.first = plain.first.min(at);
        plain.last = plain.last.max(at);
        let id = event["id"].as_u64().unwrap();
        if kind == "Spawn" {
            let field = |name: &str| {
                let fields = event["fields"].as_array().unwrap();
                let field = fields.iter().find(|field| field["name"] == name);
                field.unwrap()["value"].clone()
            };
            let span = Span {
                kind: field("kind").as_str().unwrap().to_owned(),
                name: field("task.name").as_str().unwrap().to_owned(),
                task: field("task.id").as_u64().unwrap(),
                size: field("size.bytes").as_u64().unwrap(),
                spawned: at,
                happened: Vec::new(),
            };
            assert!(plain.spans.insert(id, span).is_none(), "used again");
        } else if let Some(span) = plain.spans.get_mut(&id) {
            let what = match (kind.as_str(), &event["op"]) {
                ("Enter", _) => 'E',
                ("Exit", _) => 'X',
                ("Close", _) => '$',
                (_, Value::String(op)) if op == "Clone" => 'C',
                (_, Value::String(op)) if op == "Drop" => 'D',
                (_, Value::Object(op)) => {
                    let own = op.values().next().unwrap()["self_wake"].as_bool().unwrap();
                    if own { 'S' } else { 'W' }
                }
                other => panic!("{other:?}"),
            };
            span.happened.push((what, at));
        }
    }
    plain
}

fn recording() -> Recording {
    let request = Request {
        paths: vec![PATH.into()],
        process: None,
    };
    open(&request, &Progress::default()).unwrap()
}

fn task_of(recording: &Recording, span: &Span) -> TaskIx {
    recording.task_by_id(span.task).unwrap()
}

#[test]
fn source_window_and_losses() {
    let (recording, plain) = (recording(), plain());
    assert_eq!(recording.source().format, Format::TokioConsole);
    let bytes = std::fs::metadata(PATH).unwrap().len();
    assert_eq!(recording.source().bytes, bytes);
    let window = recording.window();
    assert_eq!(window.wall_start, Some(plain.first));
    assert_eq!(window.end, plain.last - plain.first);
    assert_eq!(recording.losses(), []);
}

#[test]
fn every_line_is_counted_and_only_spawned_spans_are_tasks() {
    let (recording, plain) = (recording(), plain());
    let tasks: Vec<&Span> = plain.spans.values().filter(|span| span.is_task()).collect();
    let sum = |what: char| tasks.iter().map(|span| span.count(what)).sum::<usize>() as u64;
    let counts = recording.counts();
    assert_eq!(counts.total, plain.lines as u64);
    assert_eq!(counts.spawns, tasks.len() as u64);
    assert_eq!(counts.wakes, sum('W') + sum('S'));
    let ends = plain.spans.values().map(|span| span.count('$') as u64);
    assert_eq!(counts.terminates, ends.sum::<u64>());
    // All of them ended, and the last time that somebody was inside was the drop of the future.
    assert_eq!(sum('$'), tasks.len() as u64);
    assert_eq!(counts.polls, sum('E') - tasks.len() as u64);
    assert_eq!(counts.parks, 0);

    assert_eq!(recording.task_count(), tasks.len());
    let ids: BTreeSet<u64> = recording
        .tasks()
        .map(|task| recording.task(task).id)
        .collect();
    assert_eq!(ids, tasks.iter().map(|span| span.task).collect());
    let jobs = plain.spans.values().filter(|span| !span.is_task()).count();
    assert!(jobs >= 4, "two workers, a job and a handed-over worker");
    assert_eq!(recording.coverage().blocking_jobs, jobs as u64);
}

#[test]
fn each_task_has_its_facts_polls_and_wakes() {
    let (recording, plain) = (recording(), plain());
    for span in plain.spans.values().filter(|span| span.is_task()) {
        let task = task_of(&recording, span);
        let facts = recording.task(task);
        assert_eq!(facts.size.map(u64::from), Some(span.size));
        assert_eq!(facts.spawned_at(), Some(span.spawned - plain.first));
        let block_on = span.kind == "block_on";
        let name = if block_on { "block_on" } else { &span.name };
        assert_eq!(recording.name(task).unwrap_or_default(), name);
        assert_eq!(facts.kind == TaskKind::Async, span.kind == "task");
        assert_eq!(facts.wakes_recorded, !block_on && !span.visits().is_empty());
        let (_, closed) = span.happened.iter().find(|(what, _)| *what == '$').unwrap();
        assert_eq!(facts.ended_at(), Some(closed - plain.first));
        assert_eq!(facts.end(), Some(End::Ended));

        let visits = span.visits();
        let expected: Vec<(i64, i64)> = visits[..visits.len() - 1]
            .iter()
            .map(|(start, end)| (start - plain.first, end - plain.first))
            .collect();
        let polls = recording.polls_of(task);
        let read: Vec<(i64, i64)> = polls
            .iter()
            .map(|poll| recording.poll(*poll))
            .map(|poll| (poll.start, poll.end()))
            .collect();
        assert_eq!(read, expected, "task {}", span.task);
        for (number, poll) in polls.iter().enumerate() {
            let last = number + 1 == polls.len();
            let outcome = if last {
                Outcome::Ended
            } else {
                Outcome::Pending
            };
            assert_eq!(recording.poll(*poll).outcome, outcome);
            assert_eq!(recording.worker_of(recording.poll(*poll).lane), None);
        }

        let totals = recording.totals(task);
        assert_eq!(totals.polls, expected.len() as u64);
        let busy: i64 = expected.iter().map(|(start, end)| end - start).sum();
        assert_eq!(totals.busy_ns, busy);
        assert_eq!(totals.wakes as usize, span.count('W') + span.count('S'));
        assert_eq!(totals.self_wakes as usize, span.count('S'));
        for wake in recording.wakes_of(task) {
            let waker = recording.wake(*wake).waker;
            assert!(matches!(waker, Waker::Unknown) || waker == Waker::Task(task));
        }
    }
}

#[test]
fn what_the_service_did_is_found() {
    let recording = recording();
    let by_name = |name: &str| {
        let mut tasks = recording.tasks();
        tasks
            .find(|task| recording.name(*task) == Some(name))
            .unwrap()
    };
    // Three clients asked eight times each.
    assert!(recording.totals(by_name("server")).polls >= 3);
    let never_polled = recording
        .tasks()
        .filter(|task| recording.totals(*task).polls == 0)
        .count();
    assert_eq!(never_polled, 1, "the one that was spawned at the very end");

    let coverage = recording.coverage();
    assert_eq!(coverage.polls, coverage.tasks);
    assert_eq!(coverage.wakes, coverage.tasks - 1, "all but block_on");
    assert!(!coverage.resources && !coverage.marks);
    assert!(
        not_checked(&recording)
            .iter()
            .any(|kind| kind.kind == Kind::Unwakeable)
    );

    // A blocking sleep of 25 ms in a task; blocking jobs and workers are no slow polls.
    let found = findings(&recording, &Thresholds::default());
    let slow: Vec<_> = found
        .iter()
        .filter(|finding| finding.kind == Kind::SlowPoll)
        .collect();
    assert_eq!(slow.len(), 1, "{found:?}");
    assert!(slow[0].duration >= 25_000_000);
    assert!(
        found
            .iter()
            .all(|finding| finding.kind != Kind::BlockedWorker)
    );
}

#[test]
fn the_report_names_the_format() {
    let out = Command::new(env!("CARGO_BIN_EXE_dial9-tui"))
        .args(["report", "--format", "json", PATH])
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["source"]["format"], "tokio-console");
    assert_eq!(report["events"]["total"], plain().lines);
    assert_eq!(report["workers"], Value::Array(Vec::new()));
    assert!(report["window"]["wall_start"].is_string());
    assert_eq!(report["coverage"]["resources"], false);
}

#[test]
fn a_recording_is_opened_alone_or_from_a_pipe() {
    let out = Command::new(env!("CARGO_BIN_EXE_dial9-tui"))
        .args([
            "report",
            PATH,
            concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sample.dial9"),
        ])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8(out.stderr).unwrap();
    assert!(said.contains("open it alone"), "{said}");
    assert_eq!(said.lines().count(), 1);

    let out = Command::new(env!("CARGO_BIN_EXE_dial9-tui"))
        .args(["report", "--format", "json", "-"])
        .stdin(std::fs::File::open(PATH).unwrap())
        .output()
        .unwrap();
    assert!(out.status.success());
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["events"]["total"], plain().lines);
}
