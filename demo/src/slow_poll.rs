//! A task blocks its worker, and with it the task that it had just woken.
//!
//! `report` wakes its subscriber and then computes for 120 ms without an await. The subscriber sits in that worker's
//! LIFO slot meanwhile, where the other worker, though idle, cannot take it.

use std::sync::Arc;
use std::time::Duration;

use dial9_recorder::prelude::*;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::facts::{Expected, Facts};
use crate::stage::{Stage, hear};
use crate::until_pending::until_pending;
use crate::{Error, Options};

/// How long `report` blocks.
pub const BLOCK: Duration = Duration::from_millis(120);

/// Runs the scenario and writes its dump.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let mut stage = Stage::set()?;
    let published = Arc::new(Notify::new());

    let (publication, subscribed) = until_pending({
        let published = Arc::clone(&published);
        async move { published.notified().awaiting("report published").await }
    });
    let subscriber = stage.spawn("subscriber", Expected::ends_after(2), publication);
    hear(&subscribed, "nobody subscribed")?;

    let passers_by = stage.spawn_passers_by();
    stage.join_all(passers_by)?;
    let report = stage.spawn("report", Expected::ends_after(6), async move {
        for _ in 0..3 {
            yield_now().await;
        }
        published.notify_one();
        compute();
        for _ in 0..2 {
            yield_now().await;
        }
    });
    stage.join_all([report, subscriber])?;
    stage.settle()?;

    stage.facts.blame("report");
    stage.facts.told.push(format!(
        "the task `report` blocked its worker for {} ms",
        BLOCK.as_millis()
    ));
    stage.dump(options)
}

/// Work that should not have been done on a worker.
fn compute() {
    std::thread::sleep(BLOCK);
}
