//! tokio without a recorder.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use crate::child::{Figures, builder, measure};
use crate::workload::{Spawn, Workload};

/// `tokio::spawn`, whatever the runtime.
#[derive(Clone, Copy)]
pub struct TokioSpawn;

impl Spawn for TokioSpawn {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(future);
    }
}

/// tokio as it is.
pub fn run(workload: Workload, measured: Duration) -> Result<Figures, Box<dyn Error>> {
    measure(&builder().build()?, TokioSpawn, workload, measured)
}

/// Every hook that a recorder would use, set to a closure that does nothing.
pub fn run_with_empty_hooks(
    workload: Workload,
    measured: Duration,
) -> Result<Figures, Box<dyn Error>> {
    let mut builder = builder();
    builder
        .on_thread_start(|| {})
        .on_thread_stop(|| {})
        .on_thread_park(|| {})
        .on_thread_unpark(|| {})
        .on_task_spawn(|_| {})
        .on_before_task_poll(|_| {})
        .on_after_task_poll(|_| {})
        .on_task_terminate(|_| {});
    measure(&builder.build()?, TokioSpawn, workload, measured)
}
