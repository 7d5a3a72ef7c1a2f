//! Our recorder, dial9-recorder.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use dial9_recorder::{FlightRecorder, Level, MIB};

use super::plain::TokioSpawn;
use crate::child::{Figures, builder, measure};
use crate::workload::{Spawn, Workload};

/// The arena, as the recorder's documentation advises for a small service.
const MEMORY: usize = 8 * MIB;

#[derive(Clone)]
struct RecorderSpawn(FlightRecorder);

impl Spawn for RecorderSpawn {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(future);
    }
}

/// Level `Hooks`; tasks know nothing of the recorder.
pub fn run_hooks(workload: Workload, measured: Duration) -> Result<Figures, Box<dyn Error>> {
    run(Level::Hooks, |_| TokioSpawn, workload, measured)
}

/// Level `Wakes`, every task spawned through the recorder.
pub fn run_wakes(workload: Workload, measured: Duration) -> Result<Figures, Box<dyn Error>> {
    run(Level::Wakes, RecorderSpawn, workload, measured)
}

fn run<S: Spawn>(
    level: Level,
    spawn: impl FnOnce(FlightRecorder) -> S,
    workload: Workload,
    measured: Duration,
) -> Result<Figures, Box<dyn Error>> {
    let recorder = FlightRecorder::builder()
        .memory(MEMORY)
        .level(level)
        .build()?;
    let runtime = recorder.attach(&mut builder())?;
    let figures = measure(&runtime, spawn(recorder.clone()), workload, measured)?;
    // A recorder that had stopped, or lost everything, would look cheap.
    let directory = tempfile::tempdir()?;
    let dump = recorder.dump_blocking(directory.path().join("measured.dial9"))?;
    if dump.events < MEMORY as u64 / 64 {
        return Err(format!("only {} events were recorded", dump.events).into());
    }
    Ok(figures)
}
