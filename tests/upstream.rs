//! Real traces of upstream dial9 0.5.7: every count is held against what its own format crate says of the file.

#[path = "../fuzz/src/recording.rs"]
#[allow(unreachable_pub, reason = "other packages use it, too")]
mod checks;
#[allow(unreachable_pub, reason = "other packages use it, too")]
mod plain;
#[path = "../fuzz/src/trace.rs"]
#[allow(unreachable_pub, reason = "other packages use it, too")]
mod recipes;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use dial9_tui::{
    open::{OpenError, Progress, Request, open, open_bytes},
    recording::{
        CustomIx, Format, LossKind, Outcome, PollIx, Recording, RuntimeIx, SampleIx, Scope, SpanIx,
        TaskIx, Waker,
    },
};
use plain::{Plain, account};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn load(paths: &[PathBuf]) -> Result<Recording, OpenError> {
    let request = Request {
        paths: paths.to_vec(),
        process: None,
    };
    open(&request, &Progress::default())
}

fn small() -> Vec<u8> {
    fs::read(data("upstream-0.5.bin")).unwrap()
}

fn agree(recording: &Recording, plain: &Plain) {
    for (what, files, ours) in account(recording, plain) {
        assert_eq!(files, ours, "{what}");
    }
    assert_eq!(
        recording.window().end as u64,
        plain.last.unwrap() - plain.first.unwrap()
    );
    let mut jobs = 0;
    for (id, [polls, wakes, spawns, ends]) in &plain.tasks {
        let Some(task) = recording.task_by_id(*id) else {
            // Only its end is known: a blocking job.
            assert_eq!((polls, wakes, spawns), (&0, &0, &0), "task {id}");
            jobs += ends;
            continue;
        };
        assert_eq!(recording.polls_of(task).len() as u64, *polls, "task {id}");
        assert_eq!(recording.wakes_of(task).len() as u64, *wakes, "task {id}");
        assert_eq!(
            recording.location(task),
            plain.locations.get(id).map(String::as_str),
            "task {id}"
        );
    }
    assert_eq!(recording.coverage().blocking_jobs, jobs);
    assert_eq!(recording.coverage().wakes as u64, plain.instrumented);
}

#[test]
fn a_small_trace_agrees_with_its_own_crate() {
    let recording = load(&[data("upstream-0.5.bin")]).unwrap();
    let plain = Plain::read(&[small()]);
    assert_eq!(recording.source().format, Format::Dial9Trace);
    assert_eq!(recording.losses(), []);
    agree(&recording, &plain);
    assert!(recording.window().wall_start.is_some());
    assert_eq!(recording.str(recording.runtimes()[0].name), "main");
    // The task that waits for ever was dropped with the runtime; everything else had ended.
    let alive: Vec<_> = recording
        .tasks()
        .filter(|task| recording.task(*task).ended_at().is_none())
        .map(|task| recording.polls_of(task).len())
        .collect();
    assert_eq!(alive, [1]);
    // Every waker is a task that was being polled at that instant, or no task.
    let mut by_tasks = 0;
    for task in recording.tasks() {
        for wake in recording.wakes_of(task) {
            let row = recording.wake(*wake);
            if let Waker::Task(_) = row.waker {
                by_tasks += 1;
                assert!(recording.waker_poll(*wake).is_some(), "{row:?}");
            }
        }
    }
    assert!(by_tasks > 1_000, "{by_tasks}");
}

#[test]
fn everything_that_upstream_records_is_in_the_recording() {
    let recording = load(&[data("upstream-0.5-rich.bin.gz")]).unwrap();
    let mut bytes = Vec::new();
    let packed = fs::read(data("upstream-0.5-rich.bin.gz")).unwrap();
    flate2::read::MultiGzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .unwrap();
    let plain = Plain::read(&[bytes]);
    assert_eq!(recording.losses(), []);
    agree(&recording, &plain);
    assert_eq!(recording.str(recording.process().unwrap().name), "rich");
    let names: Vec<&str> = recording
        .runtimes()
        .iter()
        .map(|runtime| recording.str(runtime.name))
        .collect();
    assert_eq!(names, ["main", "io"]);
    for runtime in [0, 1] {
        let scope = Scope::Runtime(RuntimeIx::new(runtime));
        for name in ["global_queue", "alive_tasks"] {
            let series = recording.series_named(name, scope).unwrap();
            assert!(recording.series(series).points > 10, "{name}");
        }
    }
    let rss = recording.series_named("max_rss", Scope::Process).unwrap();
    assert_eq!(recording.str(recording.series(rss).unit), "bytes");
}

/// What the service of the rich trace does is known: `benches/traces/src/bin/rich.rs`.
#[test]
fn spans_samples_sites_and_events_are_where_they_belong() {
    let recording = load(&[data("upstream-0.5-rich.bin.gz")]).unwrap();
    let name_of = |task: Option<TaskIx>| task.and_then(|task| recording.location(task));
    let spans = || (0..recording.span_count()).map(SpanIx::new);
    let name = |span: SpanIx| recording.str(recording.span(span).name);

    let requests: Vec<SpanIx> = spans().filter(|span| name(*span) == "request").collect();
    assert_eq!(requests.len(), 60);
    let client = recording.span(requests[0]).task;
    assert!(name_of(client).unwrap().contains("rich.rs"));
    for request in &requests {
        let span = recording.span(*request);
        assert_eq!((span.task, span.parent, span.depth), (client, None, 0));
        assert!(span.closed.unwrap() > span.opened);
        assert_eq!(recording.str(span.target), "rich");
        let texts: Vec<String> = recording
            .fields_of_span(*request)
            .iter()
            .map(|field| field.text(&recording))
            .collect();
        assert!(texts.contains(&"route=\"/sum\"".to_owned()), "{texts:?}");
        assert!(texts.iter().any(|text| text.starts_with("location=")));
        // It is entered whenever its future is polled, and inside a poll each time.
        for entry in recording.entries_of(*request) {
            let entry = recording.entry(*entry);
            assert_eq!(entry.task, client);
            let lane = entry.lane.unwrap();
            let poll = recording.poll_of_thread(lane, entry.thread.unwrap(), entry.begin);
            assert_eq!(poll.map(|poll| recording.poll(poll).task), client);
        }
    }
    for answer in spans().filter(|span| name(*span) == "answer") {
        let span = recording.span(answer);
        assert_eq!((span.task, span.depth), (client, 1));
        assert!(requests.contains(&span.parent.unwrap()));
    }
    // Each connection has a task of its own, in the other runtime.
    for sum in spans().filter(|span| name(*span) == "sum") {
        let task = recording.span(sum).task.unwrap();
        assert_eq!(recording.task(task).runtime, Some(RuntimeIx::new(1)));
        assert_eq!(recording.spans_of(task), [sum]);
    }

    let mut inside = 0;
    for sample in (0..recording.sample_count()).map(SampleIx::new) {
        let row = recording.sample(sample);
        assert!(row.thread.is_some());
        if let Some(poll) = row.poll {
            inside += 1;
            assert!(recording.samples_in(poll).contains(&sample));
            assert_eq!(row.task, Some(recording.poll(poll).task));
        }
        // Only a task adds up.
        let frames = recording.stack(row.stack).iter();
        let adds = frames
            .map(|frame| recording.str(recording.frame(*frame).name))
            .any(|function| function.starts_with("rich::sum"));
        assert!(!adds || row.task.is_some());
    }
    assert!(inside > 20, "{inside}");

    // The tasks whose dumps were taken were pending where their stacks say.
    for site in recording
        .tasks()
        .flat_map(|task| recording.await_sites_of(task))
    {
        let site = recording.await_site(*site);
        let leaf = recording.stack(site.stack).last().unwrap();
        let function = recording.str(recording.frame(*leaf).name);
        assert!(
            function.starts_with("tokio") || function.contains("::poll"),
            "{function}"
        );
        // It was taken at the end of a poll, and carries the time of its start.
        let poll = recording.poll_at(site.task, site.at).unwrap();
        let row = recording.poll(poll);
        assert!((0..1_000).contains(&(site.at - row.start)));
        let after = recording.last_poll(site.task).unwrap().start > row.start;
        assert!(after, "nobody was there to tell of the last one");
    }

    let customs = (0..recording.custom_count()).map(CustomIx::new);
    let (mut own, mut nobodys) = (0, 0);
    for custom in customs {
        let row = recording.custom(custom);
        let fields = recording.fields_of_custom(custom);
        let text = |place: usize| fields[place].text(&recording);
        if recording.str(row.name) == "RequestDone" {
            assert_eq!(row.task, client);
            assert_eq!(recording.str(fields[0].unit), "us");
            assert_eq!(text(1), "size=8 bytes");
        } else if row.task.is_none() {
            // There is no such task.
            nobodys += 1;
            assert_eq!(text(0), format!("task_id={}", 1u64 << 40));
            assert_eq!(text(1), "rank=-3");
        } else {
            own += 1;
            assert_eq!(row.task, client);
        }
    }
    assert_eq!((own, nobodys), (60, 1));
    assert_eq!(recording.taskless_customs().len(), 1);
}

#[test]
fn a_trace_of_0_3_opens_as_well() {
    let bytes = fs::read(data("upstream-0.3.bin")).unwrap();
    let recording = load(&[data("upstream-0.3.bin")]).unwrap();
    let plain = Plain::read(&[bytes]);
    assert_eq!(recording.losses(), []);
    for (what, files, ours) in account(&recording, &plain) {
        assert_eq!(files, ours, "{what}");
    }
    let counts = recording.counts();
    // It holds no spawns: polls say where a task was spawned, and wakes whose are recorded; nothing says how polls ended.
    assert_eq!((counts.spawns, recording.task_count()), (0, 3));
    assert_eq!(recording.coverage().wakes, 2);
    assert!(
        recording
            .tasks()
            .all(|task| recording.location(task).is_some())
    );
    assert!(
        (0..recording.poll_count())
            .all(|poll| recording.poll(PollIx::new(poll)).outcome == Outcome::Ended)
    );
}

#[test]
fn our_schedule_delays_are_upstream_s_own() {
    let recording = load(&[data("upstream-0.5.bin")]).unwrap();
    let plain = Plain::read(&[small()]);
    let (mut close, mut compared) = (0, 0);
    for (id, delays) in &plain.delays {
        let task = recording.task_by_id(*id).unwrap();
        for (poll, (at, theirs)) in recording.polls_of(task).iter().zip(delays) {
            let row = recording.poll(*poll);
            assert_eq!(row.start as u64, at - plain.first.unwrap());
            if let Some(ours) = row.delay {
                compared += 1;
                close += usize::from((ours as u64).abs_diff(*theirs) <= 5_000);
            }
        }
    }
    assert!(compared > 1_000, "{compared}");
    assert!(close * 100 >= compared * 99, "{close} of {compared}");
}

#[test]
fn segments_make_one_recording_whatever_their_order_and_packing() {
    let directory = data("upstream-0.5-segments");
    let mut paths: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 3);
    let files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let plain = Plain::read(&files);
    let whole = load(std::slice::from_ref(&directory)).unwrap();
    assert_eq!(whole.losses(), []);
    agree(&whole, &plain);
    let long = (0..whole.poll_count())
        .filter(|poll| whole.poll(PollIx::new(*poll)).duration >= 20_000_000)
        .count();
    assert_eq!(long, 150, "every long poll is whole");

    paths.reverse();
    agree(&load(&paths).unwrap(), &plain);

    // Packed, beside a file that is no trace, and with one of them missing.
    let packed = tempfile::tempdir().unwrap();
    for (number, bytes) in files.iter().enumerate().filter(|(number, _)| *number != 1) {
        let file = fs::File::create(packed.path().join(format!("trace.{number}.bin.gz"))).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap();
    }
    fs::write(packed.path().join("notes.txt"), "hello").unwrap();
    let recording = load(&[packed.path().to_path_buf()]).unwrap();
    let kinds: Vec<LossKind> = recording.losses().iter().map(|loss| loss.kind).collect();
    assert!(kinds.contains(&LossKind::UnknownKind), "{kinds:?}");
    assert!(kinds.contains(&LossKind::Gap), "{kinds:?}");
    let without: Vec<Vec<u8>> = files
        .iter()
        .enumerate()
        .filter(|(number, _)| *number != 1)
        .map(|(_, bytes)| bytes.clone())
        .collect();
    assert_eq!(recording.counts().total, Plain::read(&without).total);
}

/// A directory as upstream lays it out: one below it for each process.
fn two_processes() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (run, numbers) in [("abcd-7", 0..2), ("efgh-8", 1..3)] {
        let below = directory.path().join(run);
        fs::create_dir(&below).unwrap();
        fs::write(below.join(".lock"), "").unwrap();
        for number in numbers {
            let name = format!("trace.{number}.bin");
            let from = data("upstream-0.5-segments").join(&name);
            fs::copy(from, below.join(&name)).unwrap();
        }
    }
    directory
}

#[test]
fn segments_of_two_processes_never_become_one_recording() {
    let directory = two_processes();
    let open_one = |process: Option<&str>| {
        let request = Request {
            paths: vec![directory.path().to_path_buf()],
            process: process.map(str::to_owned),
        };
        open(&request, &Progress::default())
    };
    for unclear in [None, Some("dial9-traces")] {
        let error = open_one(unclear).unwrap_err();
        assert!(
            matches!(&error, OpenError::Processes { processes } if processes.len() == 2),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains("dial9-traces (pid 7, in abcd-7)"), "{text}");
        assert!(text.ends_with("choose one with --process"), "{text}");
    }
    let error = open_one(Some("9")).unwrap_err().to_string();
    assert!(error.contains("no file comes from process 9"), "{error}");
    for asked in ["8", "efgh-8"] {
        let recording = open_one(Some(asked)).unwrap();
        assert_eq!(recording.source().paths.len(), 2);
        assert_eq!(recording.process().unwrap().pid, 8);
        let files = [1, 2].map(|number| {
            let below = directory.path().join("efgh-8");
            fs::read(below.join(format!("trace.{number}.bin"))).unwrap()
        });
        assert_eq!(recording.counts().total, Plain::read(&files).total);
    }
    // One process alone needs no choice.
    let one = load(&[directory.path().join("abcd-7")]).unwrap();
    assert_eq!((one.losses(), one.process().unwrap().pid), (&[][..], 7));
}

#[test]
fn a_directory_stands_for_the_recordings_in_it_whatever_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample.dial9");
    fs::copy(&dump, directory.path().join("incident.dial9")).unwrap();
    fs::write(directory.path().join("notes.txt"), "hello").unwrap();
    let recording = load(&[directory.path().to_path_buf()]).unwrap();
    assert_eq!(recording.source().format, Format::Dial9Dump);
    let loss = &recording.losses()[0];
    assert_eq!((loss.kind, loss.count), (LossKind::UnknownKind, 1));
    assert!(loss.detail.ends_with("notes.txt"), "{}", loss.detail);

    fs::remove_file(directory.path().join("incident.dial9")).unwrap();
    let error = load(&[directory.path().to_path_buf()]).unwrap_err();
    assert!(error.to_string().contains("without recordings"), "{error}");
    fs::copy(
        data("console-0.5.json"),
        directory.path().join("console.json"),
    )
    .unwrap();
    let recording = load(&[directory.path().to_path_buf()]).unwrap();
    assert_eq!(recording.source().format, Format::TokioConsole);
    assert_eq!(recording.losses()[0].count, 1);
}

#[test]
fn traces_and_dumps_do_not_mix() {
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample.dial9");
    let error = load(&[data("upstream-0.5.bin"), dump]).unwrap_err();
    assert!(error.to_string().contains("is not; open them"), "{error}");
}

/// Loads bytes that may be anything: a recording whose counts add up, or one sentence.
fn survives(bytes: &[u8]) -> Option<Recording> {
    match open_bytes("trace.bin", bytes.to_vec(), &Progress::default()) {
        Ok(recording) => {
            let counts = recording.counts();
            let rows = counts.polls + counts.wakes + counts.spawns + counts.terminates;
            assert!(rows + counts.parks + counts.unparks <= counts.total);
            assert_eq!(counts.polls, recording.poll_count() as u64);
            Some(recording)
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            None
        }
    }
}

#[test]
fn events_that_say_anything_at_all_make_a_recording() {
    const ROUNDS: u64 = 150;
    for seed in 1..=ROUNDS {
        // A generator of no quality is good enough, and makes the same traces everywhere.
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let recipe: Vec<u8> = (0..seed % 700)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(seed);
                // Most numbers are small, so that events have to do with each other.
                let byte = (state >> 56) as u8;
                if state >> 40 & 3 == 0 {
                    byte
                } else {
                    byte & 0xe3
                }
            })
            .collect();
        checks::open_and_check(&recipes::trace_of_events(&recipe));
    }
}

/// The beginning of the trace with everything: schemas of every kind, and events of most.
fn rich_beginning() -> Vec<u8> {
    let packed = fs::read(data("upstream-0.5-rich.bin.gz")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::MultiGzDecoder::new(&packed[..])
        .read_to_end(&mut bytes)
        .unwrap();
    let headers = bytes
        .windows(5)
        .enumerate()
        .filter(|(_, window)| window == b"TRC\0\x01")
        .map(|(at, _)| at);
    let parts = headers.map(|at| &bytes[at..bytes.len().min(at + 900)]);
    parts.collect::<Vec<_>>().concat()
}

#[test]
fn damage_to_spans_samples_and_the_like_does_no_worse_than_a_loss() {
    let bytes = rich_beginning();
    assert!(bytes.len() > 3_000, "{}", bytes.len());
    for end in (5..bytes.len()).step_by(17) {
        checks::open_and_check(&bytes[..end]);
    }
    for at in (0..bytes.len()).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        checks::open_and_check(&damaged);
    }
    let packed = fs::read(data("upstream-0.5-rich.bin.gz")).unwrap();
    for at in (0..packed.len()).step_by(4_001) {
        checks::open_and_check(&packed[..at]);
        let mut damaged = packed.clone();
        damaged[at] ^= 0x10;
        checks::open_and_check(&damaged);
    }
}

/// The first batches of the small trace: a few hundred bytes with one of every kind.
fn beginning() -> Vec<u8> {
    let bytes = small();
    let headers = bytes
        .windows(5)
        .enumerate()
        .filter(|(_, window)| window == b"TRC\0\x01")
        .map(|(at, _)| at);
    let end = headers.take_while(|at| *at < 2_500).last().unwrap();
    bytes[..end + 300].to_vec()
}

#[test]
fn every_prefix_loads_what_it_holds() {
    let bytes = beginning();
    let mut before = 0;
    for end in 5..bytes.len() {
        let total = survives(&bytes[..end]).map_or(0, |recording| recording.counts().total);
        assert!(total >= before, "{end} bytes hold fewer events");
        before = total;
    }
    assert!(before > 20, "{before}");
    let bytes = small();
    for end in (0..bytes.len()).step_by(997) {
        survives(&bytes[..end]);
    }
}

#[test]
fn no_flipped_bit_does_worse_than_a_loss() {
    let bytes = beginning();
    for at in 0..bytes.len() {
        for bit in [at % 8, 7] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            survives(&damaged);
        }
    }
    let bytes = small();
    for at in (0..bytes.len()).step_by(499) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        survives(&damaged);
    }
}

#[test]
fn damage_is_told_with_its_place() {
    let bytes = small();
    let cut = survives(&bytes[..bytes.len() - 7]).unwrap();
    let loss = &cut.losses()[0];
    assert_eq!(loss.kind, LossKind::Truncated);
    assert!(loss.detail.contains("at byte"), "{}", loss.detail);

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&bytes).unwrap();
    let packed = encoder.finish().unwrap();
    let whole = survives(&packed).unwrap();
    assert_eq!(whole.losses(), []);
    let cut = survives(&packed[..packed.len() / 2]).unwrap();
    assert!(
        cut.losses()
            .iter()
            .any(|loss| loss.kind == LossKind::Truncated && loss.detail.contains("decompression")),
        "{:?}",
        cut.losses()
    );
    for end in (0..packed.len()).step_by(211) {
        survives(&packed[..end]);
    }
}
