//! Panics: in a task, in a thread, under `panic = "abort"`, and a thousand times a second.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Directory, Dump};
use dial9_format::{PollOutcome, Trigger};
use dial9_recorder::{FlightRecorder, MIB};

/// The panic hook is the process's: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn recorder(directory: &Directory) -> FlightRecorder {
    FlightRecorder::builder()
        .memory(MIB)
        .dump_on_panic(true)
        .dump_dir(directory.path())
        .build()
        .expect("a recorder")
}

fn the_dump(directory: &Directory) -> Dump {
    let dumps = directory.wait_for_dumps(1);
    assert_eq!(dumps.len(), 1, "{dumps:?}");
    let dump = Dump::read(&dumps[0]);
    assert_eq!(dump.header.trigger, Trigger::Panic);
    dump
}

#[test]
fn a_panic_in_a_task_is_dumped_and_the_old_hook_called() {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|_| {
        CALLS.fetch_add(1, Ordering::SeqCst);
    }));
    let directory = Directory::new("panic-task");
    let recorder = recorder(&directory);
    let runtime = recorder
        .attach(
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all(),
        )
        .expect("a runtime");
    runtime.block_on(async {
        let culprit = recorder
            .task("culprit")
            .spawn(async { panic!("on purpose") });
        assert!(culprit.await.expect_err("it panics").is_panic());
    });
    let dump = the_dump(&directory);
    let _ = std::panic::take_hook();
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    assert!(
        dump.header.trigger_detail.contains("on purpose"),
        "{}",
        dump.header.trigger_detail
    );
    assert!(
        dump.header
            .trigger_detail
            .contains("recorder/tests/panic.rs"),
        "{}",
        dump.header.trigger_detail
    );
    let culprit = dump.task_named("culprit");
    assert_eq!(dump.header.trigger_value, culprit.id);
    let inside = dump
        .running
        .iter()
        .any(|running| running.task == Some(culprit.id));
    assert!(
        inside || dump.outcomes(culprit.id) == [PollOutcome::Panicked],
        "its poll is going on, or has just ended"
    );
}

#[test]
fn a_panic_in_a_plain_thread_is_dumped_before_the_thread_ends() {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|_| {
        CALLS.fetch_add(1, Ordering::SeqCst);
    }));
    let directory = Directory::new("panic-thread");
    let _recorder = recorder(&directory);
    std::thread::Builder::new()
        .name("plain".to_owned())
        .spawn(|| panic!("on purpose"))
        .expect("a thread")
        .join()
        .expect_err("it panics");
    let dumps = directory.dumps();
    let _ = std::panic::take_hook();
    assert_eq!(dumps.len(), 1, "the dump was waited for: {dumps:?}");
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    let dump = the_dump(&directory);
    assert!(
        dump.header
            .trigger_detail
            .starts_with("thread plain panicked at"),
        "{}",
        dump.header.trigger_detail
    );
}

#[test]
fn a_handler_that_panics_all_the_time_is_not_held_up() {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    const PANICS: usize = 1_000;
    /// Where the recorder of the moment dumps to, and whether the old hook, which comes after the
    /// recorder's, ever ran before the dump was there. Had it waited, it never could.
    static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);
    static AHEAD: AtomicUsize = AtomicUsize::new(0);
    std::panic::set_hook(Box::new(|_| {
        let directory = DIRECTORY
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let written = directory
            .as_deref()
            .and_then(|path| std::fs::read_dir(path).ok())
            .is_some_and(|entries| {
                entries.flatten().any(|entry| {
                    entry
                        .path()
                        .extension()
                        .is_some_and(|extension| extension == "dial9")
                })
            });
        AHEAD.fetch_add(usize::from(!written), Ordering::SeqCst);
    }));
    // The dump may overtake a thread that the system does not run for a while, but not every time.
    for attempt in 0..20 {
        let directory = Directory::new(&format!("panic-storm-{attempt}"));
        *DIRECTORY.lock().expect("no panic inside") = Some(directory.path().to_owned());
        let recorder = recorder(&directory);
        let runtime = recorder
            .attach(
                tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .enable_all(),
            )
            .expect("a runtime");
        runtime.block_on(async {
            for _ in 0..PANICS {
                let handler = recorder.spawn(async { panic!("again") });
                assert!(handler.await.expect_err("it panics").is_panic());
            }
        });
        assert_eq!(
            directory.wait_for_dumps(1).len(),
            1,
            "one dump in ten seconds, however many panics"
        );
        drop(runtime);
        let path = directory.join("all.dial9");
        recorder.dump_blocking(&path).expect("a dump");
        let dump = Dump::read(&path);
        let ended = dump
            .tasks
            .values()
            .filter(|row| row.terminated_at.is_some())
            .count();
        assert_eq!(ended, PANICS);
        if AHEAD.load(Ordering::SeqCst) > 0 {
            break;
        }
    }
    let _ = std::panic::take_hook();
    assert!(
        AHEAD.load(Ordering::SeqCst) > 0,
        "the worker waited for the dump each time"
    );
}

/// The example, built with `panic = "abort"`. Its dependencies are built anew for that, once per target
/// directory.
fn aborting_example() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abort");
    let status = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "build",
            "--quiet",
            "--example",
            "panics",
            "--config",
            "profile.dev.panic='abort'",
        ])
        .args(["--config", "profile.dev.debug=false", "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(status.success());
    target.join("debug/examples/panics")
}

#[test]
fn under_panic_abort_the_dump_is_written_before_the_process_is_gone() {
    let example = aborting_example();
    for place in ["task", "thread"] {
        let directory = Directory::new(&format!("panic-abort-{place}"));
        let output = Command::new(&example)
            .arg(place)
            .arg(directory.path())
            .output()
            .expect("the example runs");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&output.status),
            Some(6),
            "it aborts"
        );
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("own hook:"), "{stderr}");
        assert_eq!(directory.dumps().len(), 1, "{stderr}");
        let dump = the_dump(&directory);
        dump.assert_sound();
        let bystander = dump.task_named("bystander");
        assert!(dump.open_waits.iter().any(|wait| wait.task == bystander.id));
        if place == "task" {
            let culprit = dump.task_named("culprit");
            assert!(
                dump.running
                    .iter()
                    .any(|running| running.task == Some(culprit.id)),
                "it never left its poll"
            );
        }
    }
}
