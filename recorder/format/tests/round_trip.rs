//! Whatever is written comes back.

mod common;

use common::{Chunk, Part, read_whole, write};
use dial9_format::{
    Anchor, ChunkInfo, ClockSource, Event, Header, Level, LossKind, LossRow, Losses, OpenWait,
    PollOutcome, Running, RuntimeRow, Strings, TaskKind, TaskRow, Tasks, ThreadRow, Trigger,
    WaitOutcome, Waker, WorkerRow, Workers,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Mostly near each other, now and then anything: so that both short and long forms are met.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 1_000_000_u64..1_100_000, 1 => any::<u64>(), 1 => select(vec![0, u64::MAX])]
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0_u64..200, 1 => any::<u64>(), 1 => select(vec![u64::MAX, u64::MAX - 1])]
}

fn string() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0_u32..50, 1 => any::<u32>()]
}

fn span() -> impl Strategy<Value = (u64, u64)> {
    (time(), time()).prop_map(|(a, b)| (a.min(b), a.max(b)))
}

fn event() -> impl Strategy<Value = Event> {
    let outcomes = select(vec![
        PollOutcome::Ended,
        PollOutcome::Pending,
        PollOutcome::Ready,
        PollOutcome::Cancelled,
        PollOutcome::Panicked,
    ]);
    let waker = prop_oneof![
        id().prop_map(Waker::Task),
        select(vec![Waker::Runtime, Waker::Blocking, Waker::Outside]),
    ];
    let kinds = select(vec![TaskKind::Async, TaskKind::Local, TaskKind::Blocking]);
    let facts = (string(), string(), string(), any::<u32>());
    prop_oneof![
        4 => (span(), id(), outcomes).prop_map(|((start, end), task, outcome)| Event::Poll {
            start,
            end,
            task,
            outcome
        }),
        4 => (time(), id(), waker).prop_map(|(at, task, waker)| Event::Wake { at, task, waker }),
        2 => (time(), id(), proptest::option::of(id()), facts, kinds).prop_map(
            |(at, task, parent, (location, name, runtime, size), kind)| Event::Spawn {
                at,
                task,
                parent,
                location,
                name,
                runtime,
                kind,
                size
            }
        ),
        1 => (time(), id()).prop_map(|(at, task)| Event::Terminate { at, task }),
        2 => span().prop_map(|(start, end)| Event::Park { start, end }),
        1 => (time(), id(), id(), string(), string()).prop_map(
            |(at, task, wait, name, location)| Event::WaitBegin {
                at,
                task,
                wait,
                name,
                location
            }
        ),
        1 => (time(), id(), id(), any::<bool>()).prop_map(|(at, task, wait, done)| {
            let outcome = if done { WaitOutcome::Done } else { WaitOutcome::Abandoned };
            Event::WaitEnd { at, task, wait, outcome }
        }),
        1 => (time(), id()).prop_map(|(at, task)| Event::Unwakeable { at, task }),
    ]
}

fn chunk() -> impl Strategy<Value = Chunk> {
    let info = (
        any::<u32>(),
        any::<bool>(),
        any::<Option<u32>>(),
        any::<Option<u32>>(),
        any::<u64>(),
    );
    let events = proptest::collection::vec((any::<u32>(), event()), 0..200);
    (info, events, any::<proptest::sample::Index>()).prop_map(
        |((stream, shared, runtime, worker, first_seq), mut events, folded)| {
            if !shared {
                events.iter_mut().for_each(|(thread, _)| *thread = stream);
            }
            Chunk {
                info: ChunkInfo {
                    stream,
                    shared,
                    runtime,
                    worker,
                    first_seq: first_seq.min(u64::MAX - events.len() as u64),
                },
                folded: folded.index(events.len() + 1) as u64,
                events,
            }
        },
    )
}

fn strings() -> impl Strategy<Value = Strings> {
    (
        1_u32..=u32::MAX - 20,
        proptest::collection::vec(any::<String>(), 0..20),
    )
        .prop_map(|(first_id, texts)| Strings {
            first_id,
            lengths: texts.iter().map(|text| text.len() as u32).collect(),
            blob: texts.concat(),
        })
}

fn task_row() -> impl Strategy<Value = TaskRow> {
    let times = (
        any::<Option<u64>>(),
        any::<Option<u64>>(),
        any::<Option<u64>>(),
    );
    (
        any::<[u64; 12]>(),
        any::<[u32; 4]>(),
        any::<[u8; 3]>(),
        any::<bool>(),
        times,
        any::<[Option<u64>; 1]>(),
    )
        .prop_map(|(a, b, c, covered, times, [parent])| TaskRow {
            id: a[0],
            runtime: b[0],
            kind: c[0],
            name: b[1],
            location: b[2],
            parent,
            size: b[3],
            wakes_recorded: covered,
            spawned_at: times.0,
            terminated_at: times.1,
            polls: a[1],
            busy_ns: a[2],
            longest_poll_ns: a[3],
            longest_poll_start: a[4],
            last_poll_start: a[5],
            last_poll_end: a[6],
            last_outcome: c[1],
            wakes: a[7],
            self_wakes: a[8],
            last_wake_at: times.2,
            last_waker_kind: c[2],
            last_waker: a[9],
            unwakeable_at: times.0.or(times.1),
            waits: a[10],
        })
}

fn tasks() -> impl Strategy<Value = Tasks> {
    let wait = (any::<[u64; 3]>(), any::<[u32; 2]>()).prop_map(|(a, b)| OpenWait {
        task: a[0],
        wait: a[1],
        name: b[0],
        location: b[1],
        since: a[2],
    });
    let waits = proptest::collection::vec(wait, 0..10);
    (proptest::collection::vec(task_row(), 0..30), waits)
        .prop_map(|(rows, open_waits)| Tasks { rows, open_waits })
}

fn workers() -> impl Strategy<Value = Workers> {
    let row = (
        any::<[u32; 4]>(),
        any::<[u64; 4]>(),
        any::<[bool; 2]>(),
        any::<Option<u64>>(),
    );
    proptest::collection::vec(row, 0..10).prop_map(|rows| {
        let mut workers = Workers::default();
        for (b, a, c, maybe) in rows {
            workers.runtimes.push(RuntimeRow {
                id: b[0],
                name: b[1],
                workers: b[2],
                current_thread: c[0],
                attached_at: a[0],
                dropped_at: maybe,
            });
            workers.workers.push(WorkerRow {
                runtime: b[0],
                worker: b[3],
                polls: a[0],
                busy_ns: a[1],
                parks: a[2],
                parked_ns: a[3],
            });
            workers.threads.push(ThreadRow {
                id: b[0],
                name: b[1],
                tid: a[3],
                worker: c[0],
                exited: c[1],
            });
            workers.running.push(Running {
                thread: b[0],
                runtime: b[1],
                worker: b[2],
                task: maybe,
                start: a[0],
            });
        }
        workers
    })
}

fn losses() -> impl Strategy<Value = Losses> {
    let kinds = select(vec![
        LossKind::Unfolded,
        LossKind::NoChunk,
        LossKind::Reentrant,
        LossKind::Nested,
        LossKind::NoThreadSlot,
        LossKind::HistoryFull,
        LossKind::SpawnFacts,
        LossKind::Strings,
        LossKind::Waits,
        LossKind::Internal,
    ]);
    let row = (
        kinds,
        any::<u64>(),
        any::<Option<u64>>(),
        any::<Option<u64>>(),
    );
    let row = row.prop_map(|(kind, count, from, to)| LossRow {
        kind,
        count,
        from,
        to,
    });
    proptest::collection::vec(row, 0..12).prop_map(|rows| Losses { rows })
}

fn header() -> impl Strategy<Value = Header> {
    let anchors = proptest::collection::vec((any::<u64>(), any::<u64>()), 0..5);
    let choices = (
        select(vec![
            Level::Hooks,
            Level::Wakes,
            Level::Tracing,
            Level::Resources,
        ]),
        select(vec![ClockSource::Tsc, ClockSource::Monotonic]),
        select(vec![
            Trigger::Call,
            Trigger::Panic,
            Trigger::Signal,
            Trigger::SlowPoll,
            Trigger::Stall,
            Trigger::ScheduleDelay,
            Trigger::Recovered,
        ]),
    );
    let texts = proptest::collection::vec(any::<String>(), 5);
    (
        texts,
        any::<[u64; 9]>(),
        any::<u32>(),
        any::<bool>(),
        choices,
        anchors,
    )
        .prop_map(
            |(texts, a, pid, hooks, (level, clock, trigger), anchors)| Header {
                process: texts[0].clone(),
                pid,
                host: texts[1].clone(),
                platform: texts[2].clone(),
                recorder: texts[3].clone(),
                process_start_wall_ns: a[0],
                level,
                hooks,
                clock,
                base_mono_ns: a[1],
                anchors: anchors
                    .into_iter()
                    .map(|(at, wall_ns)| Anchor { at, wall_ns })
                    .collect(),
                trigger,
                trigger_value: a[2],
                trigger_at: a[3],
                trigger_detail: texts[4].clone(),
                window_start: a[4],
                window_end: a[5],
                others_start: a[6],
                arena_bytes: a[7],
                history_bytes: a[8],
            },
        )
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn events_come_back(chunks in proptest::collection::vec(chunk().prop_map(Part::Events), 0..4)) {
        let mut parts = read_whole(&write(&chunks));
        let end = parts.pop();
        prop_assert_eq!(&parts, &chunks);
        let count: usize = chunks.iter().map(|part| match part {
            Part::Events(chunk) => chunk.events.len(),
            _ => 0,
        }).sum();
        let wanted = Part::End(dial9_format::End { frames: chunks.len() as u64, events: count as u64 });
        prop_assert_eq!(end, Some(wanted));
    }

    #[test]
    fn records_come_back(
        header in header(),
        strings in strings(),
        tasks in tasks(),
        workers in workers(),
        losses in losses(),
    ) {
        let records = [
            Part::Header(Box::new(header)),
            Part::Strings(strings),
            Part::Tasks(tasks),
            Part::Workers(workers),
            Part::Losses(losses),
        ];
        let mut parts = read_whole(&write(&records));
        parts.pop();
        prop_assert_eq!(parts, records);
    }

    #[test]
    fn anything_at_all_is_read_to_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        // As a file, behind a preamble, and as the payload of every kind, packed and not.
        let _ = common::read(&bytes);
        let behind = [common::preamble(1, 0), bytes.clone()].concat();
        prop_assert!(!common::read(&behind).expect("a dump").is_whole());
        for kind in 0..12 {
            for flags in [0, common::ZSTD] {
                let frame = common::frame(kind, 1, flags, &bytes, bytes.len());
                let _ = common::read(&common::file(&[frame], 0));
            }
        }
    }
}

#[test]
fn a_builder_that_is_reset_writes_what_a_new_one_does() {
    let Part::Events(chunk) = common::contents::every_kind().swap_remove(4) else {
        panic!("a chunk");
    };
    let bytes = |builder: &mut dial9_format::ChunkBuilder| {
        builder.reset(chunk.info);
        for (thread, event) in &chunk.events {
            builder.push(*thread, event);
        }
        let mut writer = dial9_format::DumpWriter::new(Vec::new()).expect("writes");
        writer.events(builder).expect("writes");
        writer.finish().expect("writes")
    };
    let mut builder = dial9_format::ChunkBuilder::default();
    let first = bytes(&mut builder);
    builder.set_folded(5);
    assert_eq!(bytes(&mut builder), first);
}

#[test]
fn what_is_too_large_for_a_frame_is_an_error_and_the_file_stays_sound() {
    let text = "x".repeat(dial9_format::MAX_PAYLOAD + 1);
    let mut writer = dial9_format::DumpWriter::new(Vec::new()).expect("writes");
    let strings = Strings {
        first_id: 1,
        lengths: vec![text.len() as u32],
        blob: text,
    };
    let error = writer.strings(&strings).expect_err("too large");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let mut chunk = dial9_format::ChunkBuilder::new(ChunkInfo::default());
    for at in 0..dial9_format::MAX_PAYLOAD as u64 / 3 + 1 {
        chunk.push(0, &Event::Terminate { at, task: at });
    }
    let error = writer.events(&chunk).expect_err("too large");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    let parts = read_whole(&writer.finish().expect("writes"));
    assert_eq!(parts.len(), 1);
}

#[test]
fn an_interval_that_ends_before_it_starts_has_no_length() {
    let chunk = Part::Events(Chunk {
        info: ChunkInfo::default(),
        folded: 0,
        events: vec![(0, Event::Park { start: 9, end: 4 })],
    });
    let parts = read_whole(&write(&[chunk]));
    let Part::Events(chunk) = &parts[0] else {
        panic!("a chunk");
    };
    assert_eq!(chunk.events, [(0, Event::Park { start: 4, end: 4 })]);
}

#[test]
fn a_chunk_is_continued_by_the_next_of_its_stream_and_worker() {
    let info = ChunkInfo {
        stream: 4,
        shared: false,
        runtime: Some(0),
        worker: Some(1),
        first_seq: 10,
    };
    let mut builder = dial9_format::ChunkBuilder::new(info);
    assert!(
        !builder.is_continued_by(&info),
        "there is nothing to continue"
    );
    builder.push(4, &Event::Park { start: 1, end: 2 });
    let next = ChunkInfo {
        first_seq: 11,
        ..info
    };
    assert!(builder.is_continued_by(&next));
    assert!(!builder.is_continued_by(&info));
    assert!(!builder.is_continued_by(&ChunkInfo { stream: 5, ..next }));
    let worker = Some(2);
    assert!(!builder.is_continued_by(&ChunkInfo { worker, ..next }));
}
