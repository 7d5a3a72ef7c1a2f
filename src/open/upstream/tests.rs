//! The reader on traces of known content: what each event means, and what follows where some are missing.

use std::io::Write as _;

use dial9_trace_format::{
    encoder::Encoder,
    schema::FieldDef,
    types::{FieldType, FieldValue, StackFrames},
};

use crate::{
    open::{OpenError, Progress, open_bytes},
    recording::{
        Band, Curve, CustomIx, End, LossKind, Outcome, PollIx, Recording, SampleIx, SampleKind,
        Scope, Waker,
    },
};

/// An event: its name, its time, and its fields in the order of its schema.
type Event<'a> = (&'a str, u64, &'a [(&'a str, u64)]);

fn batch(events: &[Event<'_>]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    for (name, at, fields) in events {
        let defs = fields
            .iter()
            .map(|(field, _)| FieldDef::new(*field, FieldType::Varint));
        let schema = encoder.register_schema(name, defs.collect()).unwrap();
        let values: Vec<FieldValue> = fields
            .iter()
            .map(|(_, value)| FieldValue::Varint(*value))
            .collect();
        encoder.write_event(&schema, *at, &values).unwrap();
    }
    encoder.finish()
}

/// A batch that says whether the trace is complete.
fn sealed(complete: &str) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let fields = vec![FieldDef::new("entries", FieldType::StringMap)];
    let schema = encoder
        .register_schema("SegmentMetadataEvent", fields)
        .unwrap();
    let entries = [
        ("segment.complete", complete),
        ("runtime.io", "2"),
        ("runtime.main", "0,1"),
    ];
    let entries = entries.map(|(key, value)| (key.into(), value.into()));
    encoder
        .write_event(&schema, 1, &[FieldValue::StringMap(entries.to_vec())])
        .unwrap();
    encoder.finish()
}

fn start(worker: u64, task: u64, at: u64) -> (&'static str, u64, Vec<(&'static str, u64)>) {
    (
        "PollStartEvent",
        at,
        vec![("task_id", task), ("worker_id", worker)],
    )
}

fn open(batches: &[Vec<u8>]) -> Recording {
    open_bytes("trace.bin", batches.concat(), &Progress::default()).unwrap()
}

fn polls(recording: &Recording) -> Vec<(u64, i64, i64, Outcome)> {
    (0..recording.poll_count())
        .map(|number| {
            let poll = recording.poll(PollIx::new(number));
            let id = recording.task(poll.task).id;
            (id, poll.start, poll.duration, poll.outcome)
        })
        .collect()
}

const W0: (&str, u64) = ("worker_id", 0);
const W1: (&str, u64) = ("worker_id", 1);

#[test]
fn what_begins_in_one_batch_ends_in_the_next() {
    let first = batch(&[
        ("WorkerParkEvent", 1_000, &[("tid", 70), W0]),
        ("WorkerUnparkEvent", 1_010, &[W0, ("tid", 70)]),
        ("PollStartEvent", 1_100, &[W0, ("task_id", 1)]),
    ]);
    let wake = |waker| {
        [
            ("waker_task_id", waker),
            ("woken_task_id", 2),
            ("target_worker", 0),
        ]
    };
    let second = batch(&[
        ("WakeEventEvent", 1_150, &wake(1)),
        ("WakeEventEvent", 1_160, &wake(9)),
        (
            "TaskSpawnEvent",
            1_170,
            &[("task_id", 3), ("instrumented", 1)],
        ),
        ("TaskTerminateEvent", 1_180, &[("task_id", 1)]),
        ("PollEndEvent", 1_200, &[W0]),
        ("PollStartEvent", 1_300, &[W0, ("task_id", 2)]),
        ("WakeEventEvent", 1_305, &wake(2)),
        ("PollEndEvent", 1_310, &[W0]),
        ("WakeEventEvent", 1_350, &wake(1)),
        ("WorkerParkEvent", 1_400, &[W0, ("tid", 70)]),
    ]);
    let third = batch(&[("WorkerUnparkEvent", 1_500, &[W0, ("tid", 70)])]);
    // The order of batches is not the order of time.
    let recording = open(&[sealed("true"), third, second, first]);
    assert_eq!(
        polls(&recording),
        [
            (1, 100, 100, Outcome::Ended),
            (2, 300, 10, Outcome::Pending)
        ]
    );
    let [one, two, three] = [1, 2, 3].map(|id| recording.task_by_id(id).unwrap());
    assert_eq!(recording.task(one).ended_at(), Some(180));
    let wakes: Vec<Waker> = recording
        .wakes_of(two)
        .iter()
        .map(|wake| recording.wake(*wake).waker)
        .collect();
    assert_eq!(
        wakes,
        [
            Waker::Task(one),
            Waker::Runtime,
            Waker::Task(two),
            Waker::Runtime
        ]
    );
    assert_eq!(recording.task(three).parent, Some(one));
    assert_eq!(recording.coverage().wakes, 2);
    assert!(recording.task_by_id(9).is_none());
    assert_eq!(recording.window().end, 500);
    let counts = recording.counts();
    assert_eq!((counts.total, counts.polls, counts.wakes), (15, 2, 4));
    assert_eq!((counts.parks, counts.unparks), (2, 2));
    assert_eq!(recording.losses(), []);
    let lane = recording.poll(PollIx::new(0)).lane;
    let parks: Vec<_> = recording
        .parks_on(lane)
        .iter()
        .map(|park| recording.park(*park))
        .map(|park| (park.start, park.duration))
        .collect();
    assert_eq!(parks, [(0, 10), (400, 100)]);
    let thread = recording.poll(PollIx::new(0)).thread;
    assert_eq!(recording.thread(thread).tid, Some(70));
    // Metadata names the runtimes; workers are numbered over all of them.
    let names: Vec<&str> = recording
        .runtimes()
        .iter()
        .map(|runtime| recording.str(runtime.name))
        .collect();
    assert_eq!(names, ["main", "io"]);
}

#[test]
fn two_threads_may_be_one_worker() {
    let first = batch(&[
        ("WorkerParkEvent", 10, &[W0, ("tid", 70)]),
        ("WorkerUnparkEvent", 11, &[W0, ("tid", 70)]),
        ("PollStartEvent", 20, &[W0, ("task_id", 1)]),
        // A runtime inside of it.
        ("PollStartEvent", 30, &[("worker_id", 2), ("task_id", 5)]),
        ("PollEndEvent", 40, &[("worker_id", 2)]),
        ("PollEndEvent", 90, &[("worker_id", 255)]),
    ]);
    let second = batch(&[
        ("PollStartEvent", 50, &[W0, ("task_id", 2)]),
        ("PollEndEvent", 60, &[W0]),
        ("WorkerParkEvent", 61, &[W0, ("tid", 71)]),
        ("WorkerUnparkEvent", 70, &[W0, ("tid", 71)]),
        ("PollStartEvent", 80, &[W0, ("task_id", 3)]),
        ("PollEndEvent", 85, &[W0]),
    ]);
    let recording = open(&[sealed("true"), first, second]);
    let rows: Vec<(u64, i64, i64)> = polls(&recording)
        .into_iter()
        .map(|(task, start, length, _)| (task, start, length))
        .collect();
    assert_eq!(rows, [(1, 10, 70), (5, 20, 10), (2, 40, 10), (3, 70, 5)]);
    let tids: Vec<Option<u64>> = [0, 2, 3]
        .map(|poll| recording.poll(PollIx::new(poll)).thread)
        .map(|thread| recording.thread(thread).tid)
        .to_vec();
    assert_eq!(tids, [Some(70), Some(71), Some(71)]);
    assert_eq!(recording.losses(), []);
}

#[test]
fn an_open_poll_goes_on_only_where_the_trace_is_whole() {
    let events = batch(&[
        ("PollStartEvent", 10, &[W0, ("task_id", 1)]),
        ("PollEndEvent", 20, &[W0]),
        ("PollStartEvent", 30, &[W0, ("task_id", 1)]),
    ]);
    let other = batch(&[("WorkerParkEvent", 90, &[W1, ("tid", 71)])]);
    let whole = open(&[events.clone(), other.clone(), sealed("true")]);
    assert_eq!(polls(&whole)[1], (1, 20, 60, Outcome::StillRunning));
    assert_eq!((whole.counts().total, whole.counts().polls), (5, 2));
    assert_eq!(whole.losses(), []);
    for end in [sealed("false"), Vec::new()] {
        let cut = open(&[events.clone(), other.clone(), end]);
        assert_eq!(polls(&cut)[1], (1, 20, 0, Outcome::Ended));
        let lost = cut.losses().last().unwrap();
        assert_eq!((lost.kind, lost.count), (LossKind::MissingEvents, 1));
    }
    // The thread went on, and so its poll had ended.
    let later = batch(&[
        ("PollStartEvent", 95, &[W0, ("task_id", 2)]),
        ("PollEndEvent", 99, &[W0]),
    ]);
    let lost = open(&[events, later, sealed("true")]);
    assert_eq!(polls(&lost)[1], (1, 20, 0, Outcome::Ended));
    assert_eq!(lost.losses()[0].count, 1);
}

#[test]
fn the_end_of_a_runtime_is_not_the_end_of_its_tasks() {
    let events = batch(&[
        ("TaskSpawnEvent", 5, &[("task_id", 1), ("instrumented", 0)]),
        ("TaskSpawnEvent", 6, &[("task_id", 2), ("instrumented", 0)]),
        ("PollStartEvent", 10, &[W0, ("task_id", 1)]),
        ("PollEndEvent", 20, &[W0]),
        ("PollStartEvent", 30, &[W0, ("task_id", 2)]),
        ("PollEndEvent", 40, &[W0]),
        ("TaskTerminateEvent", 45, &[("task_id", 2)]),
        ("PollStartEvent", 50, &[W0, ("task_id", 1)]),
        ("PollEndEvent", 60, &[W0]),
        ("TaskTerminateEvent", 90, &[("task_id", 1)]),
    ]);
    let recording = open(&[events]);
    let [one, two] = [1, 2].map(|id| *recording.task(recording.task_by_id(id).unwrap()));
    assert_eq!((one.ended_at(), two.ended_at()), (None, Some(40)));
    assert_eq!(two.end(), Some(End::Dropped));
    assert_eq!(recording.counts().terminates, 2);
}

#[test]
fn what_nobody_knows_is_counted_and_what_lacks_a_field_is_a_loss() {
    let events = batch(&[
        ("Metric", 5, &[("value", 1)]),
        ("Metric", 500, &[("value", 1)]),
        ("PollEndEvent", 20, &[W0]),
        ("WakeEventEvent", 30, &[("woken", 1)]),
    ]);
    let recording = open(&[events]);
    assert_eq!(recording.counts().total, 4);
    assert_eq!(recording.window().end, 0);
    let losses: Vec<_> = recording
        .losses()
        .iter()
        .map(|loss| (loss.kind, loss.count))
        .collect();
    assert_eq!(losses, [(LossKind::Malformed, 1)]);
}

#[test]
fn a_header_inside_an_event_is_none() {
    let mut encoder = Encoder::new();
    let schema = encoder
        .register_schema("Log", vec![FieldDef::new("text", FieldType::String)])
        .unwrap();
    for at in 0..3 {
        let text = "TRC\0\x01 and TRC\0\x01 again".to_owned();
        encoder
            .write_event(&schema, at, &[FieldValue::String(text)])
            .unwrap();
    }
    let log = encoder.finish();
    let (name, at, fields) = start(0, 1, 7);
    let recording = open(&[
        log,
        batch(&[(name, at, &fields), ("PollEndEvent", 9, &[W0])]),
    ]);
    assert_eq!(recording.counts().total, 5);
    assert_eq!(recording.losses(), []);
    // No end of any task is recorded, and so nobody knows how a poll ended.
    assert_eq!(polls(&recording), [(1, 0, 2, Outcome::Ended)]);
}

#[test]
fn damage_ends_one_batch_and_no_other() {
    let events: Vec<Event<'_>> = vec![
        ("PollStartEvent", 10, &[W0, ("task_id", 1)]),
        ("PollEndEvent", 20, &[W0]),
    ];
    let mut first = batch(&events);
    let size = first.len();
    first.extend([0xee; 10]);
    let recording = open(&[first, batch(&events)]);
    assert_eq!(recording.counts().polls, 2);
    let loss = &recording.losses()[0];
    assert_eq!(loss.kind, LossKind::Malformed);
    assert!(
        loss.detail.contains(&format!("at byte {size} (10 B)")),
        "{}",
        loss.detail
    );
}

#[test]
fn what_is_no_trace_after_all_is_refused() {
    let error = |bytes: &[u8]| {
        open_bytes("trace.bin", bytes.to_vec(), &Progress::default())
            .unwrap_err()
            .to_string()
    };
    assert!(error(b"TRC\0\x02").contains("its trace format is 2"));
    assert!(error(b"TRC\0").contains("ends within its header"));
    assert!(error(b"TRC\0\x01").contains("there is no event in it"));
    assert!(error(b"TRC\0\x01....").contains("it breaks off at byte 5"));
    assert!(error(b"\x1f\x8b\x08....").contains("holds no dial9 trace"));
    let progress = Progress::default();
    progress.cancel();
    let cancelled = open_bytes("trace.bin", sealed("true"), &progress);
    assert!(matches!(cancelled, Err(OpenError::Cancelled)));
}

/// A batch with one text of `length` bytes that has a header in its middle.
fn text_with_a_header_inside(at: u64, length: usize) -> Vec<u8> {
    let mut encoder = Encoder::new();
    let schema = encoder
        .register_schema("Log", vec![FieldDef::new("text", FieldType::String)])
        .unwrap();
    let half = "x".repeat(length / 2);
    let text = format!("{half}TRC\0\x01{half}");
    encoder
        .write_event(&schema, at, &[FieldValue::String(text)])
        .unwrap();
    encoder.finish()
}

#[test]
fn a_header_inside_an_event_is_none_where_a_file_is_cut_either() {
    // A file is cut at the first header behind half a megabyte: inside the first text, and inside the fifth.
    let mut batches: Vec<Vec<u8>> = [1_200_000, 100_000, 100_000, 100_000, 400_000, 200_000]
        .into_iter()
        .enumerate()
        .map(|(number, length)| text_with_a_header_inside(number as u64, length))
        .collect();
    let (name, at, fields) = start(0, 1, 7);
    batches.push(batch(&[(name, at, &fields), ("PollEndEvent", 9, &[W0])]));
    let recording = open(&batches);
    assert_eq!(recording.losses(), []);
    assert_eq!(recording.counts().total, 8);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&batches.concat()).unwrap();
    let packed = open(&[encoder.finish().unwrap()]);
    assert_eq!(packed.losses(), []);
    assert_eq!(packed.counts().total, 8);

    // Damage at the end of a unit is no reason to take its neighbour along.
    let from = batches[0].len() + 3_000;
    let mut bytes = batches.concat();
    bytes.truncate(from);
    bytes[600_030] = 2;
    let cut = open(&[bytes]);
    assert!(!cut.losses().is_empty());
}

#[test]
fn a_table_of_kinds_that_is_far_too_large_is_not_made_again_and_again() {
    // A header and a schema of the highest number, over and over: each takes megabytes to decode.
    let kind = b"TRC\0\x01\x01\xff\xff\x01\0A\x01\0\0";
    let (name, at, fields) = start(0, 1, 7);
    let real = batch(&[(name, at, &fields), ("PollEndEvent", 9, &[W0])]);
    let recording = open(&[real.clone(), kind.repeat(1_000), real]);
    assert_eq!(recording.counts().polls, 1);
    let loss = &recording.losses()[0];
    assert_eq!(loss.kind, LossKind::Malformed);
}

#[test]
fn fields_beyond_what_their_bytes_may_stand_for_are_a_loss() {
    let names: Vec<String> = (0..300).map(|number| format!("f{number}")).collect();
    let defs = names
        .iter()
        .map(|name| FieldDef::new(name.as_str(), FieldType::Bool));
    let mut encoder = Encoder::new();
    let schema = encoder.register_schema("Wide", defs.collect()).unwrap();
    for at in 0..1_000 {
        let values = vec![FieldValue::Bool(true); names.len()];
        encoder.write_event(&schema, at, &values).unwrap();
    }
    let recording = open(&[encoder.finish()]);
    assert_eq!(recording.custom_count(), 1_000);
    let kept: usize = (0..1_000)
        .map(|custom| recording.fields_of_custom(CustomIx::new(custom)).len())
        .sum();
    assert!(kept < 100_000, "{kept}");
    let loss = recording.losses().last().unwrap();
    let lost = (LossKind::OverCap, (300_000 - kept) as u64);
    assert_eq!((loss.kind, loss.count), lost);
}

#[test]
fn figures_of_sockets_and_symbols_with_lines_are_kept() {
    let mut encoder = Encoder::new();
    let fields = |defs: &[(&str, FieldType)]| {
        let defs = defs.iter().map(|(name, kind)| FieldDef::new(*name, *kind));
        defs.collect::<Vec<FieldDef>>()
    };
    let socket = fields(&[
        ("socket_cookie", FieldType::Varint),
        ("local_addr", FieldType::String),
        ("local_port", FieldType::Varint),
        ("pending_connections", FieldType::Varint),
    ]);
    let socket = encoder
        .register_schema("TcpAcceptQueueEvent", socket)
        .unwrap();
    for (at, pending) in [(10, 3), (20, 7)] {
        let values = [
            FieldValue::Varint(99),
            FieldValue::String("0.0.0.0".to_owned()),
            FieldValue::Varint(80),
            FieldValue::Varint(pending),
        ];
        encoder.write_event(&socket, at, &values).unwrap();
    }
    // Symbols come at time 0, and after what they name.
    let sample = fields(&[
        ("worker_id", FieldType::Varint),
        ("tid", FieldType::Varint),
        ("source", FieldType::Varint),
        ("callchain", FieldType::StackFrames),
    ]);
    let sample = encoder.register_schema("CpuSampleEvent", sample).unwrap();
    let chain = FieldValue::StackFrames(StackFrames(vec![0x20, 0x10]));
    let values = [
        FieldValue::Varint(0),
        FieldValue::Varint(70),
        FieldValue::Varint(1),
        chain,
    ];
    encoder.write_event(&sample, 15, &values).unwrap();
    let symbol = fields(&[
        ("addr", FieldType::Varint),
        ("symbol_name", FieldType::PooledString),
        ("inline_depth", FieldType::Varint),
        ("source_file", FieldType::PooledString),
        ("source_line", FieldType::Varint),
    ]);
    let symbol = encoder.register_schema("SymbolTableEntry", symbol).unwrap();
    for (name, address, depth, line) in [
        ("main", 0x10, 0, 1),
        ("leaf", 0x20, 0, 5),
        ("inner", 0x20, 1, 9),
    ] {
        let [name, file] = [name, "src/a.rs"].map(|text| encoder.intern_string(text).unwrap());
        let values = [
            FieldValue::Varint(address),
            FieldValue::PooledString(name),
            FieldValue::Varint(depth),
            FieldValue::PooledString(file),
            FieldValue::Varint(line),
        ];
        encoder.write_event(&symbol, 0, &values).unwrap();
    }
    let poll = batch(&[
        ("WorkerParkEvent", 5, &[W0, ("tid", 70)]),
        ("WorkerUnparkEvent", 6, &[W0, ("tid", 70)]),
        ("PollStartEvent", 12, &[W0, ("task_id", 1)]),
        ("PollEndEvent", 18, &[W0]),
    ]);
    let recording = open(&[encoder.finish(), poll]);
    assert_eq!(recording.losses(), []);
    let name = "pending_connections 0.0.0.0:80";
    let series = recording.series_named(name, Scope::Process).unwrap();
    assert_eq!(recording.value_at(series, 20), Some(7));
    assert_eq!(recording.all_series().len(), 1);
    let sample = recording.sample(SampleIx::new(0));
    assert_eq!(sample.kind, SampleKind::OffCpu);
    assert_eq!(sample.poll, Some(PollIx::new(0)));
    let frames: Vec<(&str, u32)> = recording
        .stack(sample.stack)
        .iter()
        .map(|frame| recording.frame(*frame))
        .map(|frame| (recording.str(frame.name), frame.line))
        .collect();
    assert_eq!(frames, [("main", 1), ("leaf", 5), ("inner", 9)]);
}

#[test]
fn queues_of_nonsense_lengths_do_not_overflow_their_sum() {
    let metrics = |at| {
        batch(&[
            (
                "RuntimeMetricsEvent",
                at,
                &[("global_queue_depth", u64::MAX), ("alive_tasks", u64::MAX)],
            ),
            (
                "WorkerParkEvent",
                at,
                &[W0, ("local_queue", u64::MAX), ("cpu_time_ns", u64::MAX)],
            ),
            (
                "PollStartEvent",
                at + 1,
                &[W1, ("task_id", 1), ("local_queue", u64::MAX)],
            ),
            ("PollEndEvent", at + 2, &[W1]),
            (
                "ProcessResourceUsageEvent",
                at,
                &[("user_cpu_ns", u64::MAX)],
            ),
        ])
    };
    let recording = open(&[metrics(10), metrics(20), metrics(30)]);
    let mut bands = [Band::default(); 5];
    recording.cover_curve(Curve::Queue, 0, 100, &mut bands);
    assert!(bands.iter().all(|band| band.min <= band.max));
    assert_eq!(recording.counts().total, 15);
}
