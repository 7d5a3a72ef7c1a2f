//! Upstream dial9 0.5.7, writing its trace to a temporary directory while it is measured.

use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use dial9::{Dial9HandleTokioExt, DiskBuffer, TokioAttachOptions};

use super::plain::TokioSpawn;
use crate::child::{Figures, builder, measure};
use crate::workload::{Spawn, Workload};

const MIB: u64 = 1024 * 1024;
/// Segments large enough that rotation is rare, and few enough to fit any disk.
const SEGMENT: u64 = 64 * MIB;
const ALL_SEGMENTS: u64 = 1024 * MIB;

#[derive(Clone, Copy)]
struct Dial9Spawn;

impl Spawn for Dial9Spawn {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        dial9::spawn(future);
    }
}

/// Plain `tokio::spawn`: polls and parks are recorded, wakes are not.
pub fn run_tokio_spawn(workload: Workload, measured: Duration) -> Result<Figures, Box<dyn Error>> {
    run(TokioSpawn, workload, measured)
}

/// `dial9::spawn`: wakes, too.
pub fn run_dial9_spawn(workload: Workload, measured: Duration) -> Result<Figures, Box<dyn Error>> {
    run(Dial9Spawn, workload, measured)
}

fn run(
    spawn: impl Spawn,
    workload: Workload,
    measured: Duration,
) -> Result<Figures, Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let buffer = DiskBuffer::builder()
        .base_path(directory.path())
        .max_file_size(SEGMENT)
        .max_total_size(ALL_SEGMENTS)
        .build()?;
    let recorder = dial9::recorder(buffer).build();
    let options = TokioAttachOptions::builder()
        .runtime_name("measured")
        .task_tracking_enabled(true)
        .build();
    let runtime = recorder.handle().attach_tokio_runtime(builder(), options)?;
    let mut figures = measure(&runtime, spawn, workload, measured)?;
    drop(runtime);
    recorder.graceful_shutdown(Duration::from_secs(10));
    figures.written = bytes_below(directory.path())?;
    Ok(figures)
}

/// The bytes of all files in a directory and those below it.
fn bytes_below(directory: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let facts = entry.metadata()?;
        sum += if facts.is_dir() {
            bytes_below(&entry.path())?
        } else {
            facts.len()
        };
    }
    Ok(sum)
}
