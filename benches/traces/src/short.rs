//! Tasks that live for some microseconds each, a million of them and more: many tasks instead of many events.

use tokio::{runtime::Runtime, task::yield_now};

/// Tasks that are alive at the same time, from one spawner.
const AT_ONCE: u64 = 500;
/// How many tasks spawn them.
const SPAWNERS: u64 = 4;

pub(crate) fn run(runtime: &Runtime, tasks: u64) {
    runtime.block_on(async {
        let spawners: Vec<_> = (0..SPAWNERS)
            .map(|spawner| dial9::spawn(spawn_all(spawner, tasks / SPAWNERS)))
            .collect();
        for spawner in spawners {
            let _ = spawner.await;
        }
    });
}

async fn spawn_all(spawner: u64, tasks: u64) {
    let mut left = tasks;
    while left > 0 {
        let batch: Vec<_> = (0..AT_ONCE.min(left))
            .map(|number| match (spawner + number) % 3 {
                0 => dial9::spawn(async {}),
                1 => dial9::spawn(yield_now()),
                _ => dial9::spawn(async {
                    yield_now().await;
                    yield_now().await;
                }),
            })
            .collect();
        left -= batch.len() as u64;
        for task in batch {
            let _ = task.await;
        }
    }
}
