//! Thousands of pairs of tasks that send numbers back and forth: as many polls and wakes as fit into the time.

use std::time::{Duration, Instant};

use tokio::{runtime::Runtime, sync::mpsc};

pub(crate) fn run(runtime: &Runtime, time: Duration, pairs: u64) {
    runtime.block_on(async {
        let end = Instant::now() + time;
        let mut tasks = Vec::new();
        for _ in 0..pairs {
            let (to, mut from) = mpsc::channel::<u64>(1);
            let (back, mut returned) = mpsc::channel::<u64>(1);
            tasks.push(dial9::spawn(async move {
                let mut round = 0;
                while Instant::now() < end {
                    if to.send(round).await.is_err() || returned.recv().await.is_none() {
                        break;
                    }
                    round += 1;
                }
            }));
            tasks.push(dial9::spawn(async move {
                while let Some(round) = from.recv().await {
                    if back.send(round).await.is_err() {
                        break;
                    }
                }
            }));
        }
        for task in tasks {
            let _ = task.await;
        }
    });
}
