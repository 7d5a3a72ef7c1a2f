//! Where dumps go: whole or not at all, over nothing, and no more than are to be kept.

mod common;

use std::path::Path;

use common::{Directory, Dump};
use dial9_recorder::{BuildError, DumpError, FlightRecorder, Level, MIB, SIGUSR2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn recorder() -> FlightRecorder {
    FlightRecorder::builder()
        .memory(MIB)
        .build()
        .expect("a recorder")
}

#[test]
fn an_existing_file_or_link_is_never_written_over() {
    let directory = Directory::new("existing");
    let recorder = recorder();
    let file = directory.join("file");
    std::fs::write(&file, "precious").expect("a file");
    let link = directory.join("link");
    std::os::unix::fs::symlink(directory.join("nowhere"), &link).expect("a link");
    for path in [&file, &link] {
        assert!(matches!(
            recorder.dump_blocking(path),
            Err(DumpError::Exists { .. })
        ));
    }
    assert_eq!(std::fs::read(&file).expect("still there"), b"precious");
    assert_eq!(directory.dumps().len(), 2, "nothing is left behind");
}

#[test]
fn impossible_paths_are_typed_errors() {
    let directory = Directory::new("impossible");
    let recorder = recorder();
    let file = directory.join("file");
    std::fs::write(&file, "").expect("a file");
    for path in [
        directory.join("no/such/directory.dial9"),
        file.join("below-a-file"),
        directory.join(&"x".repeat(300)),
    ] {
        let error = recorder.dump_blocking(&path).expect_err("impossible");
        assert!(matches!(error, DumpError::Io { .. }), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
    for path in [Path::new(""), Path::new("/"), Path::new("..")] {
        assert!(
            matches!(
                recorder.dump_blocking(path),
                Err(DumpError::NoFileName { .. })
            ),
            "{}",
            path.display()
        );
    }
    assert_eq!(directory.dumps().len(), 1);
    assert!(recorder.status().dumps_failed >= 6);
    assert!(recorder.status().last_error.is_some());
}

#[cfg(target_os = "linux")]
#[test]
#[allow(
    clippy::print_stdout,
    reason = "the child tells its parent that it got so far"
)]
fn a_full_disk_is_a_typed_error_and_leaves_nothing() {
    // The one file system that is always full. Its directory is not ours, so the temporary file cannot
    // even be made there, which has to read as well.
    let error = recorder()
        .dump_blocking("/dev/full/it.dial9")
        .expect_err("no directory");
    assert!(matches!(error, DumpError::Io { .. }), "{error}");

    // A limit on the size of files stands in for a full disk: the write fails half way. It holds for
    // the whole process, so it goes to a child.
    if std::env::var_os("DIAL9_TEST_FULL_DISK").is_none() {
        let test = std::env::current_exe().expect("this test");
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -f 1; trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(test)
            .args([
                "--exact",
                "a_full_disk_is_a_typed_error_and_leaves_nothing",
                "--nocapture",
            ])
            .env("DIAL9_TEST_FULL_DISK", "1")
            .output()
            .expect("a shell");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{stdout}");
        assert!(stdout.contains("the disk was full"), "{stdout}");
        return;
    }
    let directory = Directory::new("full");
    let recorder = recorder();
    let runtime = recorder
        .attach(&mut tokio::runtime::Builder::new_current_thread())
        .expect("a runtime");
    runtime.block_on(async {
        for _ in 0..20_000 {
            tokio::spawn(async {}).await.expect("it ends");
        }
    });
    let error = recorder
        .dump_blocking(directory.join("it.dial9"))
        .expect_err("too large");
    assert!(
        matches!(&error, DumpError::Io { doing: "write", .. }),
        "{error}"
    );
    assert!(directory.dumps().is_empty());
    println!("the disk was full");
}

#[test]
fn the_async_twin_writes_the_same_kind_of_dump() {
    let directory = Directory::new("async");
    let recorder = recorder();
    let runtime = recorder
        .attach(&mut tokio::runtime::Builder::new_current_thread())
        .expect("a runtime");
    let path = directory.join("it.dial9");
    let report = runtime.block_on(async {
        recorder
            .task("asker")
            .spawn(tokio::task::yield_now())
            .await
            .expect("it ends");
        recorder.dump(&path).await.expect("a dump")
    });
    assert_eq!(report.path, path);
    assert_eq!(
        report.bytes,
        std::fs::metadata(&path).expect("it is there").len()
    );
    assert_eq!(report.tasks, 1);
    let dump = Dump::read(&path);
    dump.assert_sound();
    assert_eq!(dump.events.len() as u64, report.events);
    assert_eq!(dump.header.pid, std::process::id());
    assert!(dump.header.hooks);
}

#[test]
fn automatic_dumps_are_kept_up_to_their_number() {
    let directory = Directory::new("keep");
    std::fs::write(directory.join("bystander.dial9"), "").expect("a file");
    let recorder = FlightRecorder::builder()
        .memory(MIB)
        .dump_on_signal(SIGUSR2)
        .dump_dir(directory.path())
        .keep(2)
        .build()
        .expect("a recorder");
    for round in 1..=4 {
        while recorder.status().dumps_written < round {
            kill(Pid::this(), Signal::SIGUSR2).expect("a signal to ourselves");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
    drop(recorder);
    let names: Vec<_> = directory.dumps();
    assert_eq!(names.len(), 3, "two dumps and the bystander: {names:?}");
    assert!(directory.join("bystander.dial9").exists());
}

#[test]
fn dropping_the_recorder_waits_for_its_dumps() {
    let directory = Directory::new("farewell");
    let path = directory.join("it.dial9");
    let recorder = recorder();
    let asker = recorder.clone();
    let target = path.clone();
    let thread = std::thread::spawn(move || asker.dump_blocking(target));
    drop(recorder);
    assert!(thread.join().expect("no panic").is_ok());
    assert!(path.exists());
}

#[test]
fn a_runtime_keeps_its_recorder_alive() {
    let directory = Directory::new("keeps-alive");
    let recorder = FlightRecorder::builder()
        .memory(MIB)
        .dump_on_signal(nix::libc::SIGURG)
        .dump_dir(directory.path())
        .build()
        .expect("a recorder");
    let runtime = recorder
        .attach(&mut tokio::runtime::Builder::new_current_thread())
        .expect("a runtime");
    drop(recorder);
    runtime.block_on(async {
        tokio::spawn(tokio::task::yield_now())
            .await
            .expect("it ends");
    });
    kill(Pid::this(), Signal::SIGURG).expect("a signal to ourselves");
    let dump = Dump::read(&directory.wait_for_dumps(1)[0]);
    assert_eq!(dump.tasks.len(), 1);
}

#[test]
fn what_cannot_be_built_says_so() {
    for bytes in [0, 1000, 16 << 10] {
        assert!(matches!(
            FlightRecorder::builder().memory(bytes).build(),
            Err(BuildError::Memory { .. })
        ));
    }
    for level in [Level::Tracing, Level::Resources] {
        assert!(matches!(
            FlightRecorder::builder().level(level).build(),
            Err(BuildError::Level { .. })
        ));
    }
    let error = FlightRecorder::builder()
        .dump_on_signal(9)
        .build()
        .expect_err("SIGKILL cannot be caught");
    assert!(matches!(error, BuildError::Signal { signal: 9, .. }));
}
