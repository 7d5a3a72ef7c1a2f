//! Nothing is wrong: a pipeline, a pair of tasks on a runtime of their own, blocking jobs where they belong.

use std::time::Duration;

use dial9_recorder::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, interval, sleep};

use crate::facts::{Expected, Facts};
use crate::stage::Stage;
use crate::{Error, Options};

/// Messages that pass each way between `ping` and `pong`.
const ROUNDS: u64 = 50;
/// Tasks of the `JoinSet`, and how often each of them yields.
const SET: u64 = 8;
/// See [`SET`].
const YIELDS: u64 = 10;

/// Runs the scenario and writes its dump.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let mut stage = Stage::set()?;
    let passers_by = stage.spawn_passers_by();
    stage.join_all(passers_by)?;
    play(&mut stage)?;
    fan_out(&mut stage)?;

    stage.spawn("heartbeat", Expected::lives_on(), heartbeat());
    read_lines(&mut stage, options.run_time)?;
    // A join handle is told before the recorder is.
    stage.settle()?;
    stage.facts.told.push("nothing went wrong".to_owned());
    stage.dump(options)
}

/// Two tasks on a `current_thread` runtime pass a number to and fro, in an order that leaves nothing to chance.
fn play(stage: &mut Stage) -> Result<(), Error> {
    let runtime = stage
        .recorder
        .attach(Builder::new_current_thread().enable_all())?;
    let (serve, served) = channel(1);
    let (play_back, played_back) = channel(1);
    let turns = Expected::ends_after(ROUNDS + 1);
    let ping = stage.spawn_on(runtime.handle(), "ping", turns, ping(serve, played_back));
    let pong = stage.spawn_on(runtime.handle(), "pong", turns, pong(served, play_back));
    runtime.block_on(async { ping.await.and(pong.await) })?;
    Ok(())
}

async fn ping(to: Sender<u64>, mut from: Receiver<u64>) {
    for ball in 0..ROUNDS {
        if to.send(ball).await.is_err() {
            return;
        }
        from.recv().awaiting("pong").await;
    }
}

async fn pong(mut from: Receiver<u64>, to: Sender<u64>) {
    while let Some(ball) = from.recv().awaiting("ping").await {
        if to.send(ball).await.is_err() {
            return;
        }
    }
}

/// The tasks of a `JoinSet`, which spawns them itself.
fn fan_out(stage: &mut Stage) -> Result<(), Error> {
    let mut set = JoinSet::new();
    for _ in 0..SET {
        stage.spawn_into(&mut set, Expected::ends_after(YIELDS + 1), async {
            for _ in 0..YIELDS {
                yield_now().await;
            }
        });
    }
    stage.runtime.block_on(async {
        while let Some(ended) = set.join_next().await {
            ended?;
        }
        Ok(())
    })
}

async fn heartbeat() {
    let mut beat = interval(Duration::from_millis(20));
    loop {
        beat.tick().awaiting("next beat").await;
    }
}

/// Readers take lines from a disk, on the blocking pool, and hand them to one collector.
fn read_lines(stage: &mut Stage, run_time: Duration) -> Result<(), Error> {
    let (lines, received) = channel(16);
    let collector = stage.spawn("collector", Expected::ends_sometime(), collect(received));
    let end = Instant::now() + run_time;
    let readers: Vec<_> = (0..3)
        .map(|disk| {
            stage.spawn(
                "reader",
                Expected::ends_sometime(),
                read(disk, lines.clone(), end),
            )
        })
        .collect();
    drop(lines);
    stage.join_all(readers)?;
    stage.join(collector)?;
    Ok(())
}

async fn read(disk: u64, lines: Sender<u64>, end: Instant) {
    while Instant::now() < end {
        let line = tokio::task::spawn_blocking(move || disk * 7);
        let Ok(line) = line.awaiting("line from disk").await else {
            return;
        };
        if lines.send(line).awaiting("room for a line").await.is_err() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn collect(mut lines: Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Some(line) = lines.recv().awaiting("lines").await {
        sum += line;
    }
    sum
}
