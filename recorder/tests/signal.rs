//! SIGUSR1 while every worker is blocked: the dump shows what they are inside of.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use common::{Directory, Dump};
use dial9_format::Trigger;
use dial9_recorder::{FlightRecorder, MIB, SIGUSR1};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_signal_gets_a_dump_while_every_worker_is_in_a_loop() {
    let directory = Directory::new("signal");
    let recorder = FlightRecorder::builder()
        .memory(MIB)
        .dump_on_signal(SIGUSR1)
        .dump_dir(directory.path())
        .build()
        .expect("a recorder");
    let runtime = recorder
        .attach(
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all(),
        )
        .expect("a runtime");
    let release = Arc::new(AtomicBool::new(false));
    let entered = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let (release, inside) = (Arc::clone(&release), Arc::clone(&entered));
        recorder.task("looper").spawn_on(
            async move {
                inside.wait();
                while !release.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            },
            runtime.handle(),
        );
        // One after the other: taken from the queue at one go, the second would lie behind the first
        // on the same worker, and nobody would steal it.
        entered.wait();
    }
    std::thread::sleep(std::time::Duration::from_millis(20));
    kill(Pid::this(), Signal::SIGUSR1).expect("a signal to ourselves");
    let dumps = directory.wait_for_dumps(1);
    release.store(true, Ordering::Relaxed);

    let dump = Dump::read(&dumps[0]);
    dump.assert_sound();
    assert_eq!(dump.header.trigger, Trigger::Signal);
    assert_eq!(dump.header.trigger_value, SIGUSR1 as u64);
    let mut workers = Vec::new();
    for running in dump.running.iter().filter(|running| running.task.is_some()) {
        let row = &dump.tasks[&running.task.expect("filtered")];
        assert_eq!(dump.text(row.name), "looper");
        assert_eq!(row.polls, 0, "its only poll has not ended");
        assert!(
            dump.header.window_end - running.start >= 20_000_000,
            "it has been running since"
        );
        workers.push(running.worker);
    }
    workers.sort_unstable();
    assert_eq!(workers, [0, 1]);
    let mode =
        std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&dumps[0]).expect("it is there"));
    assert_eq!(mode & 0o777, 0o600);
    let name = dumps[0]
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    assert!(name.ends_with(".signal.dial9"), "{name}");
}
