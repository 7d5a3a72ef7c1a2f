//! What a dump says becomes what a recording says: history and window agree, and nothing appears twice.

mod common;

use common::{Dump, START, end, header, poll, polls, row, spawn, wake};
use dial9_format::{
    Event, LossKind as FormatLoss, LossRow, OpenWait, PollOutcome, Running, ThreadRow, WaitOutcome,
    Waker, WorkerRow,
};
use dial9_tui::{
    analysis::{State, state_at},
    open::{OpenError, Progress, Request, Stage, open},
    recording::{Cause, End, LossKind, Outcome, Recording, TriggerKind, WaitState, Waker as By},
};

#[test]
fn times_are_relative_to_the_window_and_the_header_is_told() {
    let mut dump = Dump::new();
    dump.worker_chunk(0, 0, 0, &[poll(1, 10, 20, PollOutcome::Pending)]);
    let recording = dump.open();
    let window = recording.window();
    assert_eq!((window.end, window.others_start), (1_000_000, 0));
    assert_eq!(window.wall_start, Some(1_795_252_831_000_000_500));
    assert_eq!(polls(&recording, 1)[0].start, 10);
    let process = recording.process().unwrap();
    assert_eq!((recording.str(process.name), process.pid), ("svc", 42));
    assert_eq!(recording.trigger().unwrap().kind, TriggerKind::Call);
    assert_eq!(recording.losses(), []);
}

#[test]
fn cause_delay_and_redundancy_survive_the_file() {
    let mut dump = Dump::new();
    let location = dump.string("src/main.rs:3:5");
    dump.worker_chunk(
        0,
        0,
        0,
        &[
            spawn(7, 100, None, location),
            poll(7, 150, 300, PollOutcome::Pending),
            poll(7, 500, 600, PollOutcome::Pending),
            poll(7, 900, 950, PollOutcome::Pending),
        ],
    );
    dump.worker_chunk(
        1,
        0,
        0,
        &[
            wake(7, 200, Waker::Runtime),
            wake(7, 400, Waker::Runtime),
            poll(9, 690, 710, PollOutcome::Pending),
        ],
    );
    // The wake lies inside the poll of task 9, which was written when it ended.
    dump.worker_chunk(1, 3, 0, &[wake(7, 700, Waker::Task(9))]);
    let recording = dump.open();
    let rows = polls(&recording, 7);
    assert_eq!(
        rows.iter().map(|poll| poll.delay).collect::<Vec<_>>(),
        [Some(50), Some(200), Some(200)]
    );
    let task = recording.task_by_id(7).unwrap();
    assert_eq!(recording.location(task), Some("src/main.rs:3:5"));
    let wakes: Vec<bool> = recording
        .wakes_of(task)
        .iter()
        .map(|wake| recording.wake(*wake).redundant)
        .collect();
    assert_eq!(wakes, [false, true, false]);
    let ids = recording.polls_of(task);
    assert_eq!(recording.cause(ids[0]), Some(Cause::Spawn { at: 100 }));
    let Some(Cause::Wake(by)) = recording.cause(ids[2]) else {
        panic!("a wake")
    };
    let waker = recording.task_by_id(9).unwrap();
    assert_eq!(recording.wake(by).waker, By::Task(waker));
    assert_eq!(
        recording.waker_poll(by),
        recording.polls_of(waker).first().copied()
    );
}

#[test]
fn totals_are_the_history_and_what_lies_behind_the_marks() {
    let mut dump = Dump::new();
    dump.tasks.rows.push(dial9_format::TaskRow {
        spawned_at: Some(50),
        polls: 100,
        busy_ns: 5_000,
        longest_poll_ns: 900,
        longest_poll_start: 60,
        last_poll_start: START + 10,
        last_poll_end: START + 20,
        wakes: 90,
        self_wakes: 3,
        ..row(7)
    });
    dump.workers.workers.push(WorkerRow {
        runtime: 0,
        worker: 0,
        polls: 100,
        busy_ns: 5_000,
        parks: 2,
        parked_ns: 70,
    });
    dump.worker_chunk(
        0,
        40,
        2,
        &[
            poll(7, 10, 20, PollOutcome::Pending),
            wake(7, 30, Waker::Runtime),
            poll(7, 40, 2_040, PollOutcome::Pending),
            Event::Park {
                start: START + 3_000,
                end: START + 3_005,
            },
        ],
    );
    let recording = dump.open();
    let task = recording.task_by_id(7).unwrap();
    let whole = recording.totals(task);
    assert_eq!((whole.polls, whole.busy_ns), (101, 7_000));
    assert_eq!((whole.longest_ns, whole.longest_start), (2_000, 40));
    assert_eq!((whole.wakes, whole.self_wakes), (90, 3));
    let window = recording.totals_in_window(task);
    assert_eq!((window.polls, window.busy_ns, window.wakes), (2, 2_010, 1));
    let lane = recording.lanes()[0].totals;
    assert_eq!(
        (lane.polls, lane.busy_ns, lane.parks, lane.parked_ns),
        (101, 7_000, 3, 75)
    );
    assert_eq!((recording.counts().polls, recording.counts().total), (2, 4));
}

#[test]
fn a_task_that_is_stuck_since_before_the_window_keeps_its_facts() {
    let mut dump = Dump::new();
    let location = dump.string("src/stuck.rs:9:9");
    let mark = dump.string("reply");
    dump.header = Some(dial9_format::Header {
        others_start: START,
        ..header()
    });
    dump.workers.threads.push(ThreadRow {
        id: 5,
        name: 0,
        tid: 0,
        worker: false,
        exited: true,
    });
    dump.tasks.rows.push(dial9_format::TaskRow {
        location,
        spawned_at: Some(100),
        polls: 4,
        busy_ns: 40,
        last_poll_start: 500_000,
        last_poll_end: 500_100,
        wakes: 3,
        last_wake_at: Some(499_000),
        last_waker_kind: 4,
        last_waker: 5,
        waits: 1,
        ..row(7)
    });
    dump.tasks.open_waits.push(OpenWait {
        task: 7,
        wait: 1,
        name: mark,
        location,
        since: 500_050,
    });
    let recording = dump.open();
    let task = recording.task_by_id(7).unwrap();
    let State::Idle {
        since,
        wait: Some(wait),
        unwakeable: None,
    } = state_at(&recording, task, 500)
    else {
        panic!("{:?}", state_at(&recording, task, 500))
    };
    assert_eq!(since, Some(500_100 - START as i64));
    assert_eq!(recording.str(recording.wait(wait).name), "reply");
    let woken = recording.last_wake(task).unwrap();
    let By::Outside(thread) = woken.waker else {
        panic!("{woken:?}")
    };
    assert_eq!(recording.thread(thread).id, 5);
    let idle = dial9_tui::analysis::longest_idle(&recording, 10);
    assert_eq!(
        (idle[0].task, idle[0].idle_ns),
        (task, 1_000_000 + START as i64 - 500_100)
    );
    assert_eq!(
        idle[0].waiting_on.as_deref(),
        Some("reply (mark, src/stuck.rs:9:9)")
    );
}

#[test]
fn a_task_woken_before_the_window_and_not_polled_since_is_runnable() {
    let mut dump = Dump::new();
    dump.tasks.rows.push(dial9_format::TaskRow {
        polls: 1,
        last_poll_start: 100,
        last_poll_end: 200,
        wakes: 1,
        last_wake_at: Some(300),
        last_waker_kind: 2,
        ..row(7)
    });
    dump.worker_chunk(0, 0, 0, &[poll(7, 700, 800, PollOutcome::Pending)]);
    let recording = dump.open();
    let task = recording.task_by_id(7).unwrap();
    let woken = 300 - START as i64;
    assert_eq!(
        state_at(&recording, task, 100),
        State::Runnable { since: woken }
    );
    let poll = recording.polls_of(task)[0];
    assert!(matches!(recording.cause(poll), Some(Cause::Folded(wake)) if wake.at == woken));
    assert_eq!(recording.delay(poll), Some(700 - woken));
}

#[test]
fn a_poll_in_progress_is_still_running_and_never_shown_twice() {
    let mut dump = Dump::new();
    dump.worker_chunk(0, 0, 0, &[poll(7, 10, 400, PollOutcome::Pending)]);
    let running = |thread, task, start| Running {
        thread,
        runtime: 0,
        worker: thread,
        task,
        start: START + start,
    };
    dump.workers.running = vec![
        running(0, Some(7), 10),
        running(1, Some(8), 100),
        running(0, None, 500),
    ];
    let recording = dump.open();
    assert_eq!(polls(&recording, 7).len(), 1);
    let running = polls(&recording, 8)[0];
    assert_eq!(
        (running.outcome, running.duration),
        (Outcome::StillRunning, 999_900)
    );
    assert_eq!(recording.worker_of(running.lane), Some(1));
    let task = recording.task_by_id(8).unwrap();
    assert!(matches!(
        state_at(&recording, task, 1_000_000),
        State::Running(_)
    ));
    assert_eq!(
        (
            recording.counts().polls,
            recording.counts().parks,
            recording.counts().unparks
        ),
        (2, 1, 0)
    );
}

#[test]
fn an_abort_is_no_poll_and_a_lonely_end_is_a_blocking_job() {
    let mut dump = Dump::new();
    dump.worker_chunk(
        0,
        0,
        0,
        &[
            spawn(7, 10, None, 0),
            poll(7, 20, 30, PollOutcome::Pending),
            end(7, 500),
            poll(7, 499, 501, PollOutcome::Cancelled),
        ],
    );
    dump.shared_chunk(
        0,
        &[(9, end(1_000, 600)), (10, wake(7, 40, Waker::Blocking))],
    );
    dump.tasks.rows.push(dial9_format::TaskRow {
        terminated_at: Some(5),
        ..row(1_001)
    });
    let recording = dump.open();
    assert_eq!(recording.task_count(), 1);
    assert_eq!(recording.coverage().blocking_jobs, 2);
    let task = recording.task_by_id(7).unwrap();
    assert_eq!(recording.totals(task).polls, 1);
    assert_eq!(recording.task(task).end(), Some(End::Cancelled));
    assert_eq!(state_at(&recording, task, 600), State::Done);
    assert_eq!(recording.counts().polls, 1);
    let By::Blocking(thread) = recording.wake(recording.wakes_of(task)[0]).waker else {
        panic!("a blocking job")
    };
    assert_eq!(recording.thread(thread).id, 10);
}

#[test]
fn a_wait_that_ends_before_its_begin_is_read_is_one_wait() {
    let mut dump = Dump::new();
    let name = dump.string("orders");
    let wait = |wait, at| Event::WaitBegin {
        at: START + at,
        task: 7,
        wait,
        name,
        location: 0,
    };
    let done = |wait, at| Event::WaitEnd {
        at: START + at,
        task: 7,
        wait,
        outcome: WaitOutcome::Done,
    };
    dump.worker_chunk(0, 0, 0, &[done(1, 300), done(2, 50)]);
    dump.worker_chunk(1, 0, 0, &[wait(1, 100)]);
    dump.tasks.open_waits.push(OpenWait {
        task: 7,
        wait: 2,
        name,
        location: 0,
        since: 10,
    });
    let recording = dump.open();
    let task = recording.task_by_id(7).unwrap();
    let waits: Vec<_> = recording
        .waits_of(task)
        .iter()
        .map(|wait| recording.wait(*wait))
        .collect();
    assert_eq!(waits.len(), 2);
    assert!(
        waits
            .iter()
            .all(|wait| wait.state == WaitState::Done && recording.str(wait.name) == "orders")
    );
    assert_eq!((waits[1].begin, waits[1].end), (Some(100), Some(300)));
}

#[test]
fn hostile_strings_are_made_visible() {
    let mut dump = Dump::new();
    let location = dump.string("\u{1b}]0;owned\u{7}src/\u{202e}evil.rs:1:1");
    dump.worker_chunk(0, 0, 0, &[spawn(7, 10, None, location)]);
    let recording = dump.open();
    let shown = recording
        .location(recording.task_by_id(7).unwrap())
        .unwrap();
    assert!(
        !shown.chars().any(|c| c.is_control() || c == '\u{202e}'),
        "{shown:?}"
    );
    assert!(shown.contains("evil.rs"));
}

#[test]
fn losses_of_the_recorder_are_told_with_their_range() {
    let mut dump = Dump::new();
    dump.losses.rows.push(LossRow {
        kind: FormatLoss::Unfolded,
        count: 17,
        from: Some(START + 100),
        to: Some(START + 200),
    });
    let recording = dump.open();
    let [loss] = recording.losses() else {
        panic!("one loss")
    };
    assert_eq!(
        (loss.kind, loss.count, loss.range),
        (LossKind::Unfolded, 17, Some((100, 200)))
    );
}

#[test]
fn a_hole_in_a_stream_is_a_loss_with_a_number() {
    let mut dump = Dump::new();
    dump.worker_chunk(0, 0, 0, &[poll(7, 10, 20, PollOutcome::Pending)]);
    dump.worker_chunk(0, 12, 0, &[poll(7, 50, 60, PollOutcome::Pending)]);
    let recording = dump.open();
    let [loss] = recording.losses() else {
        panic!("{:?}", recording.losses())
    };
    assert_eq!(
        (loss.kind, loss.count, loss.range),
        (LossKind::MissingEvents, 11, Some((20, 60)))
    );
}

/// Two dumps of one process: the second one ms later, the last chunk of the first grown and folded on.
fn two_dumps() -> (Dump, Dump) {
    let mut first = Dump::new();
    first.tasks.rows.push(dial9_format::TaskRow {
        polls: 5,
        busy_ns: 50,
        ..row(7)
    });
    first.worker_chunk(
        0,
        0,
        2,
        &[
            poll(7, 10, 20, PollOutcome::Pending),
            poll(7, 30, 40, PollOutcome::Pending),
        ],
    );
    first.worker_chunk(0, 2, 0, &[poll(7, 50, 60, PollOutcome::Pending)]);
    let mut second = Dump::new();
    second.header = Some(dial9_format::Header {
        window_start: START + 45,
        window_end: START + 2_000_000,
        ..header()
    });
    second.tasks.rows.push(dial9_format::TaskRow {
        polls: 6,
        busy_ns: 60,
        ..row(7)
    });
    let grown = [
        poll(7, 50, 60, PollOutcome::Pending),
        poll(7, 1_500_000, 1_500_010, PollOutcome::Pending),
    ];
    second.worker_chunk(0, 2, 1, &grown);
    (first, second)
}

fn open_files(files: &[std::path::PathBuf], process: Option<u64>) -> Result<Recording, OpenError> {
    let progress = Progress::default();
    let recording = open(
        &Request {
            paths: files.to_vec(),
            process: process.map(|process| process.to_string()),
        },
        &progress,
    )?;
    assert_eq!(
        (progress.stage(), progress.events()),
        (Stage::Done, recording.counts().total)
    );
    assert!((progress.fraction() - 1.0).abs() < f64::EPSILON);
    Ok(recording)
}

#[test]
fn dumps_of_one_process_join_without_doubles() {
    let (first, second) = two_dumps();
    let files = [first.file("join-a.dial9"), second.file("join-b.dial9")];
    for order in [[0, 1], [1, 0]] {
        let files: Vec<_> = order.iter().map(|at| files[*at].clone()).collect();
        let recording = open_files(&files, None).unwrap();
        assert_eq!(
            (recording.window().end, recording.losses()),
            (2_000_000, &[][..])
        );
        let starts: Vec<i64> = polls(&recording, 7).iter().map(|poll| poll.start).collect();
        assert_eq!(starts, [10, 30, 50, 1_500_000]);
        let whole = recording.totals(recording.task_by_id(7).unwrap());
        assert_eq!((whole.polls, whole.busy_ns), (7, 70));
    }
}

#[test]
fn a_gap_between_two_dumps_is_a_loss() {
    let (first, mut second) = two_dumps();
    let header = second.header.as_mut().unwrap();
    header.window_start = START + 1_200_000;
    let files = [first.file("gap-a.dial9"), second.file("gap-b.dial9")];
    let recording = open_files(&files, None).unwrap();
    assert_eq!(recording.window().end, 800_000);
    let [loss] = recording.losses() else {
        panic!("{:?}", recording.losses())
    };
    assert_eq!(
        (loss.kind, loss.range),
        (LossKind::Gap, Some((-200_000, 0)))
    );
}

#[test]
fn two_processes_never_merge() {
    let (first, mut second) = two_dumps();
    let header = second.header.as_mut().unwrap();
    (header.pid, header.process_start_wall_ns) = (43, 77);
    let files = [first.file("two-a.dial9"), second.file("two-b.dial9")];
    let error = open_files(&files, None).unwrap_err();
    assert!(matches!(&error, OpenError::Processes { processes } if processes.len() == 2));
    assert!(
        error.to_string().contains("pid 42") && error.to_string().contains("pid 43"),
        "{error}"
    );
    assert_eq!(
        open_files(&files, Some(43)).unwrap().process().unwrap().pid,
        43
    );
    assert_eq!(
        open_files(&files, Some(77)).unwrap().process().unwrap().pid,
        43
    );
    assert!(matches!(
        open_files(&files, Some(1)),
        Err(OpenError::NoSuchProcess { .. })
    ));
}

#[test]
fn without_its_header_a_dump_still_opens_alone() {
    let mut dump = Dump::new();
    dump.header = None;
    dump.worker_chunk(
        0,
        0,
        0,
        &[
            poll(7, 10, 20, PollOutcome::Pending),
            poll(7, 50, 60, PollOutcome::Pending),
        ],
    );
    let recording = dump.open();
    assert_eq!(recording.process(), None);
    assert_eq!(polls(&recording, 7).len(), 2);
    let files = [
        dump.file("headless-a.dial9"),
        Dump::new().file("headless-b.dial9"),
    ];
    assert!(matches!(
        open_files(&files, None),
        Err(OpenError::Headless { .. })
    ));
}

#[test]
fn a_cancelled_load_stops() {
    let progress = Progress::default();
    progress.cancel();
    let request = Request {
        paths: vec![Dump::new().file("cancelled.dial9")],
        process: None,
    };
    assert!(matches!(
        open(&request, &progress),
        Err(OpenError::Cancelled)
    ));
}

#[test]
fn no_path_is_the_sample() {
    let recording = open(&Request::default(), &Progress::default()).unwrap();
    assert!(recording.source().sample);
    assert_eq!(recording.source().title(), "SAMPLE");
    assert!(recording.poll_count() > 0);
}
