//! Panics in the way that its argument names, under a recorder that dumps on panic.
//!
//! `cargo run --example panics -- task|thread DIRECTORY`; build it with `panic = "abort"` to see that the
//! dump is there all the same.

#![allow(clippy::print_stderr, reason = "a panic hook of the service's own")]

use std::time::Duration;

use dial9_recorder::{FlightRecorder, MIB, prelude::*};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(place), Some(directory)) = (arguments.next(), arguments.next()) else {
        return Err("usage: panics task|thread DIRECTORY".into());
    };
    // The service's own hook, which must still be called.
    std::panic::set_hook(Box::new(|info| eprintln!("own hook: {info}")));
    let recorder = FlightRecorder::builder()
        .memory(MIB)
        .dump_on_panic(true)
        .dump_dir(directory)
        .build()?;
    let runtime = recorder.attach(
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all(),
    )?;
    runtime.block_on(async {
        recorder
            .task("bystander")
            .spawn(std::future::pending::<()>().awaiting("nothing"));
        tokio::time::sleep(Duration::from_millis(5)).await;
        if place == "task" {
            let culprit = recorder
                .task("culprit")
                .spawn(async { panic!("in a task") });
            let _ = culprit.await;
        } else {
            let culprit = std::thread::Builder::new()
                .name("culprit".to_owned())
                .spawn(|| panic!("in a thread"));
            let _ = culprit.map(std::thread::JoinHandle::join);
        }
    });
    Ok(())
}
