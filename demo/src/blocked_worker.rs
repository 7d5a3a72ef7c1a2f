//! A worker is still blocked inside a poll when the dump is made.
//!
//! `reindex` waits for a message on a channel of the standard library, which blocks its thread. The dump is asked for
//! from an ordinary thread and shows the poll as still running; only then does the message come.

use std::sync::mpsc::channel;
use std::time::Duration;

use tokio::task::yield_now;

use crate::facts::{Count, Expected, Facts};
use crate::stage::{Stage, hear, write_dump};
use crate::{Error, Options};

/// How long the worker has been blocked at least when the dump is made.
pub const BLOCKED: Duration = Duration::from_millis(300);

/// Runs the scenario and writes its dump.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let mut stage = Stage::set()?;
    let passers_by = stage.spawn_passers_by();
    stage.join_all(passers_by)?;
    stage.settle()?;

    let (release, released) = channel::<()>();
    let (block, blocked) = channel();
    // The third poll, the one that blocks, is not over by the time of the dump.
    let expected = Expected {
        polls: Count::Exactly(2),
        wakes: Count::Exactly(2),
        ends: false,
    };
    let reindex = stage.spawn("reindex", expected, async move {
        for _ in 0..2 {
            yield_now().await;
        }
        let _ = block.send(());
        let _ = released.recv();
    });
    hear(&blocked, "no worker blocked")?;
    std::thread::sleep(BLOCKED);

    let dumped = write_dump(&stage.recorder, options);
    drop(release);
    stage.join(reindex)?;
    dumped?;

    let mut facts = stage.facts;
    facts.blame("reindex");
    facts.running = 1;
    facts.told.push(format!(
        "the task `reindex` had blocked its worker for {} ms when the dump was made",
        BLOCKED.as_millis()
    ));
    Ok(facts)
}
