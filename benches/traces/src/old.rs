//! A trace of upstream 0.3, which names tasks by their polls only: it does not track spawns and ends unless asked to.

use std::{error::Error, path::Path, time::Duration};

use dial9_0_3::telemetry::{RotatingWriter, TelemetryCore};
use tokio::{runtime::Builder, sync::mpsc};

const ROUNDS: u32 = 300;

pub(crate) fn record(directory: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(directory)?;
    let path = directory.join("trace.bin");
    let writer = RotatingWriter::builder()
        .base_path(&path)
        .max_file_size(64 * crate::MIB)
        .max_total_size(128 * crate::MIB)
        .build()?;
    let recorder = TelemetryCore::builder()
        .writer(writer)
        .trace_path(&path)
        .build()?;
    recorder.enable();
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    let (runtime, handle) = recorder.trace_runtime("main").build(builder)?;
    runtime.block_on(async {
        let (to, mut from) = mpsc::channel::<u32>(1);
        let sends = handle.spawn(async move {
            for round in 0..ROUNDS {
                if to.send(round).await.is_err() {
                    break;
                }
            }
        });
        let receives = handle.spawn(async move { while from.recv().await.is_some() {} });
        let plain = tokio::spawn(tokio::time::sleep(Duration::from_millis(5)));
        let _ = (sends.await, receives.await, plain.await);
    });
    drop(runtime);
    drop(recorder);
    Ok(())
}
