//! Writes real traces with upstream dial9 0.5.7 into a directory: `dial9-traces small DIR`, `dial9-traces segments DIR`,
//! `dial9-traces large DIR [SECONDS [PAIRS]]`, `dial9-traces short DIR [TASKS]`; with 0.3.15: `dial9-traces old DIR`. `dial9-traces
//! measure TRACE` and `dial9-traces account [TRACE]` open one.

mod account;
mod large;
mod measure;
mod old;
mod segments;
mod short;
mod small;

use std::{error::Error, path::Path, process::ExitCode, time::Duration};

use dial9::{Dial9HandleTokioExt, DiskBuffer, TokioAttachOptions};
use tokio::runtime::{Builder, Runtime};

const MIB: u64 = 1024 * 1024;
/// Longer than any run: everything is in one file.
const LONG: Duration = Duration::from_secs(3_600);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| {
        arguments
            .get(index)
            .map_or(Ok(default), |text| text.parse())
    };
    let outcome = match (
        arguments.first().map(String::as_str),
        arguments.get(1).map(Path::new),
    ) {
        (Some("small"), Some(directory)) => recorded(directory, LONG, small::run),
        (Some("segments"), Some(directory)) => {
            recorded(directory, Duration::from_millis(500), segments::run)
        }
        (Some("old"), Some(directory)) => old::record(directory),
        (Some("large"), Some(directory)) => match (number(2, 4), number(3, 2_000)) {
            (Ok(seconds), Ok(pairs)) => recorded(directory, LONG, |runtime| {
                large::run(runtime, Duration::from_secs(seconds), pairs);
            }),
            _ => Err("SECONDS and PAIRS are whole numbers".into()),
        },
        (Some("short"), Some(directory)) => match number(2, 1_000_000) {
            Ok(tasks) => recorded(directory, LONG, |runtime| short::run(runtime, tasks)),
            _ => Err("TASKS is a whole number".into()),
        },
        (Some("measure"), Some(trace)) => measure::all(trace),
        (Some("account"), trace) => account::print(trace),
        (Some(one), Some(trace)) if one.starts_with("one-") => {
            measure::one(one.trim_start_matches("one-"), trace)
        }
        _ => Err(
            "usage: dial9-traces small DIR | segments DIR | old DIR | large DIR [SECONDS [PAIRS]] | short DIR [TASKS] \
             | measure TRACE | account [TRACE]"
                .into(),
        ),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs `work` on a runtime of two workers while upstream records it into `directory`, a file for every
/// `rotation`.
fn recorded(
    directory: &Path,
    rotation: Duration,
    work: impl FnOnce(&Runtime),
) -> Result<(), Box<dyn Error>> {
    let buffer = DiskBuffer::builder()
        .base_path(directory)
        .max_file_size(1024 * MIB)
        .max_total_size(4096 * MIB)
        .rotation_period(rotation)
        .build()?;
    let recorder = dial9::recorder(buffer)
        .segment_metadata([("service".to_owned(), "dial9-traces".to_owned())])
        .build();
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().worker_threads(2);
    let options = TokioAttachOptions::builder()
        .runtime_name("main")
        .task_tracking_enabled(true)
        .build();
    let runtime = recorder.handle().attach_tokio_runtime(builder, options)?;
    work(&runtime);
    drop(runtime);
    recorder.graceful_shutdown(Duration::from_secs(10));
    Ok(())
}
