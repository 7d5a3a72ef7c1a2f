//! The report's contract: its JSON to the byte, its text to 80 columns.

mod common;

use common::{Dump, end, poll, row, spawn, wake};
use dial9_format::{Event, OpenWait, PollOutcome, Running, Waker};
use dial9_tui::{
    analysis::{Thresholds, query::Query},
    recording::Recording,
    report::{Report, json, text},
};
use unicode_width::UnicodeWidthStr as _;

const MS: u64 = 1_000_000;

/// Two blockers on both workers, a task that comes late, one that waits for ever, and a loss.
fn incident() -> Recording {
    let mut dump = Dump::new();
    dump.header.as_mut().unwrap().window_end += 1_000 * MS;
    let report = dump.string("src/service.rs:118:9");
    let ping = dump.string("src/service.rs:97:9");
    let mark = dump.string("reply from the bank");
    dump.tasks.rows.push(dial9_format::TaskRow {
        location: ping,
        spawned_at: Some(10),
        polls: 2,
        waits: 1,
        ..row(3)
    });
    dump.tasks.open_waits.push(OpenWait {
        task: 3,
        wait: 1,
        name: mark,
        location: ping,
        since: 500,
    });
    dump.worker_chunk(
        0,
        0,
        0,
        &[
            spawn(87, 100, None, report),
            spawn(88, 200, Some(87), report),
            spawn(91, 300, None, ping),
            poll(91, 1_000, 2_000, PollOutcome::Pending),
            poll(87, 100 * MS, 180 * MS, PollOutcome::Ready),
            end(87, 180 * MS),
            wake(91, 180 * MS + 4_000, Waker::Runtime),
            poll(
                91,
                180 * MS + 9_000,
                180 * MS + 12_000,
                PollOutcome::Pending,
            ),
            Event::Park {
                start: common::START + 190 * MS,
                end: common::START + 200 * MS,
            },
        ],
    );
    dump.worker_chunk(
        1,
        0,
        0,
        &[poll(88, 101 * MS, 181 * MS, PollOutcome::Pending)],
    );
    dump.workers.running.push(Running {
        thread: 1,
        runtime: 0,
        worker: 1,
        task: Some(88),
        start: common::START + 700 * MS,
    });
    dump.losses.rows.push(dial9_format::LossRow {
        kind: dial9_format::LossKind::HistoryFull,
        count: 2,
        from: None,
        to: None,
    });
    dump.open()
}

/// How small a file packs is the encoder's affair, and no part of the contract.
fn without_size(report: &str, recording: &Recording) -> String {
    let size = recording.source().bytes;
    report
        .replace(&format!("\"bytes\": {size}"), "\"bytes\": [size]")
        .replace(&format!("{size} bytes"), "[size] bytes")
}

#[test]
fn json_is_the_contract() {
    let recording = incident();
    let report = Report::new(&recording, &Thresholds::default());
    insta::assert_snapshot!(
        "report_json",
        without_size(&json(&report).unwrap(), &recording)
    );
}

#[test]
fn text_answers_first_in_80_columns() {
    let recording = incident();
    let report = Report::new(&recording, &Thresholds::default());
    let text = text(&report);
    assert!(text.lines().all(|line| line.width() <= 80), "{text}");
    insta::assert_snapshot!("report_text", without_size(&text, &recording));
}

#[test]
fn keys_of_the_contract_are_there_and_no_others() {
    let recording = incident();
    let report = Report::new(&recording, &Thresholds::default());
    let document: serde_json::Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
    let keys = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let sorted = |names: &str| -> Vec<String> {
        let mut names: Vec<String> = names.split(' ').map(str::to_owned).collect();
        names.sort();
        names
    };
    let expect = |value: &serde_json::Value, names: &str| assert_eq!(keys(value), sorted(names));
    expect(
        &document,
        "schema source window events coverage not_checked losses tasks waits workers findings",
    );
    expect(&document["source"], "format paths bytes");
    expect(&document["window"], "duration_ns wall_start");
    expect(&document["events"], "total by_kind");
    expect(
        &document["events"]["by_kind"],
        "spawn poll wake terminate park unpark",
    );
    expect(&document["coverage"], "polls wakes resources");
    expect(&document["coverage"]["polls"], "tasks of");
    expect(&document["not_checked"][0], "kind because");
    expect(&document["losses"][0], "kind count detail");
    expect(
        &document["tasks"],
        "total alive longest_idle ready longest_ready",
    );
    expect(
        &document["tasks"]["longest_idle"][0],
        "task location idle_ns waiting_on last_waker",
    );
    expect(&document["waits"], "open longest_open");
    expect(
        &document["waits"]["longest_open"][0],
        "task name location since_ns",
    );
    expect(
        &document["workers"][0],
        "id runtime polls busy_ns parked_ns",
    );
    let finding = &document["findings"][0];
    expect(
        finding,
        "kind severity location tasks worker start_ns duration_ns message suggestion evidence",
    );
    expect(&finding["tasks"][0], "id location role");
    expect(&finding["evidence"][0], "at_ns kind task worker text");
}

/// The report on a dump, in both forms.
fn both(recording: &Recording) -> (serde_json::Value, String) {
    let report = Report::new(recording, &Thresholds::default());
    let text = text(&report);
    assert!(text.lines().all(|line| line.width() <= 80), "{text}");
    (serde_json::from_str(&json(&report).unwrap()).unwrap(), text)
}

#[test]
fn who_was_ready_and_not_polled_is_told_although_nothing_looks_for_it_yet() {
    let mut dump = Dump::new();
    dump.header.as_mut().unwrap().window_end += 1_000 * MS;
    let location = dump.string("src/service.rs:97:9");
    dump.worker_chunk(
        0,
        0,
        0,
        &[
            spawn(1, 100, None, location),
            spawn(2, 200, None, location),
            poll(1, 1_000, 2_000, PollOutcome::Pending),
            poll(2, 3_000, 4_000, PollOutcome::Pending),
            wake(2, 300 * MS, Waker::Runtime),
        ],
    );
    let recording = dump.open();
    let lasted = recording.window().end - 300_000_000;
    let (document, text) = both(&recording);
    assert_eq!(document["tasks"]["ready"], 1);
    let ready = &document["tasks"]["longest_ready"][0];
    assert_eq!(
        (&ready["task"], &ready["ready_ns"]),
        (&2.into(), &lasted.into())
    );
    assert_eq!(ready["location"], "src/service.rs:97:9");
    assert!(
        text.contains("But a task was ready and\n  not polled for 701 ms"),
        "{text}"
    );
    assert!(
        text.contains("READY AND NOT POLLED, at the end\n"),
        "{text}"
    );
    assert!(
        text.contains("the longest poll took 1.00 µs, at 0.000 001 s: task 1"),
        "{text}"
    );
}

#[test]
fn what_is_lost_makes_nobody_starve_and_names_no_wait_twice() {
    let report = |truncated: bool| {
        let mut dump = Dump::new();
        dump.header.as_mut().unwrap().window_end += 1_000 * MS;
        let mark = dump.string("next beat");
        let location = dump.string("src/beat.rs:8:2");
        let begin = |wait: u64, at: u64| Event::WaitBegin {
            task: 1,
            wait,
            at: common::START + at,
            name: mark,
            location,
        };
        dump.worker_chunk(
            0,
            0,
            0,
            &[
                spawn(1, 100, None, location),
                poll(1, 1_000, 2_000, PollOutcome::Pending),
                begin(1, 1_500),
                wake(1, 100 * MS, Waker::Runtime),
                poll(1, 500 * MS, 500 * MS + 500, PollOutcome::Pending),
                begin(2, 500 * MS + 100),
            ],
        );
        let mut bytes = dump.bytes();
        if truncated {
            bytes.truncate(bytes.len() - 3);
        }
        both(&common::try_open(bytes).unwrap()).1
    };
    let whole = report(false);
    assert!(whole.contains("not polled for 400 ms"), "{whole}");
    assert!(!whole.contains("what is lost"), "{whole}");
    assert_eq!(whole.matches("next beat").count(), 1, "{whole}");
    let cut = report(true);
    assert!(!cut.contains("not polled for"), "{cut}");
    assert!(cut.contains("though not\n  in what is lost"), "{cut}");
    assert!(cut.contains("unless a poll before it"), "{cut}");
}

#[test]
fn a_dump_without_a_readable_event_gets_no_all_clear() {
    let mut dump = Dump::new();
    dump.tasks.rows.push(row(3));
    dump.losses.rows.push(dial9_format::LossRow {
        kind: dial9_format::LossKind::Unfolded,
        count: 2,
        from: None,
        to: None,
    });
    let (document, text) = both(&dump.open());
    assert_eq!(document["events"]["total"], 0);
    let unread = |kind: &str| {
        let all = document["not_checked"].as_array().unwrap().iter();
        let mut all = all.filter(|not| not["because"] == "no event could be read");
        all.any(|not| not["kind"] == kind)
    };
    assert!(
        ["slow-poll", "blocked-worker", "unwakeable"]
            .iter()
            .all(|kind| unread(kind))
    );
    assert!(
        text.contains("nothing could be looked for: see NOT CHECKED"),
        "{text}"
    );
    assert!(!text.contains("none"), "{text}");
}

#[test]
fn a_filter_leaves_only_what_concerns_the_tasks_that_match() {
    let recording = incident();
    let report = |text: &str| {
        let query = Query::parse(text).unwrap();
        let report = Report::filtered(&recording, &Thresholds::default(), &query);
        let document: serde_json::Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
        (document, dial9_tui::report::text(&report))
    };
    let (document, text) = report("wait~bank");
    assert_eq!(document["filter"]["expression"], "wait~bank");
    assert_eq!(document["filter"]["matching"], 1);
    assert_eq!(document["filter"]["of"], recording.task_count());
    assert_eq!(document["tasks"]["total"], 1);
    assert_eq!(
        document["tasks"]["longest_idle"].as_array().unwrap().len(),
        1
    );
    assert_eq!(document["waits"]["open"], 1);
    assert_eq!(document["findings"].as_array().unwrap().len(), 0);
    assert!(
        text.contains("only 1 task of 4 that match: wait~bank"),
        "{text}"
    );
    assert!(text.contains("about other tasks left out"), "{text}");
    assert!(text.lines().all(|line| line.width() <= 80), "{text}");

    let (document, _) = report("id=88");
    assert!(!document["findings"].as_array().unwrap().is_empty());
    let (document, _) = report("");
    assert_eq!(document["tasks"]["total"], recording.task_count());
}

#[test]
fn a_filter_that_cannot_be_understood_is_wrong_usage_and_pointed_at() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_dial9-tui"))
        .args([
            "report",
            "nowhere.dial9",
            "--filter",
            "state=idle and dealy>5ms",
        ])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "dial9-tui: --filter: there is no field `dealy`; did you mean `delay`?\n  state=idle and dealy>5ms\n                 ^^^^^\n"
    );
}
