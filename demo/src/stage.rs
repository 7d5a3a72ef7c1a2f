//! What every small scenario needs: a recorder, a runtime of two workers, and a book of what was spawned.

use std::future::Future;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use dial9_recorder::prelude::*;
use dial9_recorder::{FlightRecorder, Level, MIB};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinHandle, JoinSet};

use crate::facts::{Expected, Facts};
use crate::{Error, Options};

/// Workers of a scenario's runtime.
pub(crate) const WORKERS: usize = 2;
/// How long a scenario waits for its own tasks before it gives up; they need a millisecond.
const PATIENCE: Duration = Duration::from_secs(30);

/// A recorded runtime, directed from an ordinary thread.
pub(crate) struct Stage {
    /// The recorder.
    pub(crate) recorder: FlightRecorder,
    /// The runtime that is attached to it.
    pub(crate) runtime: Runtime,
    /// What was done so far.
    pub(crate) facts: Facts,
    parked: Arc<AtomicUsize>,
}

impl Stage {
    /// Sets up the recorder, at its default level, and the runtime.
    pub(crate) fn set() -> Result<Self, Error> {
        let parked = Arc::new(AtomicUsize::new(0));
        let (parks, unparks) = (Arc::clone(&parked), Arc::clone(&parked));
        let recorder = FlightRecorder::builder()
            .memory(4 * MIB)
            .level(Level::Wakes)
            .on_thread_park(move || {
                parks.fetch_add(1, Ordering::SeqCst);
            })
            .on_thread_unpark(move || {
                unparks.fetch_sub(1, Ordering::SeqCst);
            })
            .build()?;
        let runtime = recorder.attach(
            Builder::new_multi_thread()
                .worker_threads(WORKERS)
                .thread_name("demo-worker")
                .enable_all(),
        )?;
        Ok(Self {
            recorder,
            runtime,
            facts: Facts::default(),
            parked,
        })
    }

    /// Spawns a task that is recorded as spawned where this is called, and books it.
    #[track_caller]
    pub(crate) fn spawn<F>(
        &mut self,
        name: &'static str,
        expected: Expected,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let handle = self.runtime.handle().clone();
        self.spawn_on(&handle, name, expected, future)
    }

    /// The same on another runtime.
    #[track_caller]
    pub(crate) fn spawn_on<F>(
        &mut self,
        runtime: &Handle,
        name: &'static str,
        expected: Expected,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.facts.spawned(Some(name), Location::caller(), expected);
        self.recorder.task(name).spawn_on(future, runtime)
    }

    /// The same for a task that a `JoinSet` spawns.
    #[track_caller]
    pub(crate) fn spawn_into<F>(
        &mut self,
        set: &mut JoinSet<F::Output>,
        expected: Expected,
        future: F,
    ) where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.facts.spawned(None, Location::caller(), expected);
        set.spawn_on(future.recorded(), self.runtime.handle());
    }

    /// Spawns a few well-behaved tasks, so that a culprit has somebody to stand out from.
    pub(crate) fn spawn_passers_by(&mut self) -> Vec<JoinHandle<()>> {
        const YIELDS: u64 = 25;
        (0..4)
            .map(|_| {
                self.spawn("passer-by", Expected::ends_after(YIELDS + 1), async {
                    for _ in 0..YIELDS {
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect()
    }

    /// Waits until a task has ended.
    pub(crate) fn join<T>(&self, task: JoinHandle<T>) -> Result<T, Error> {
        Ok(self.runtime.block_on(task)?)
    }

    /// Waits until every task of a group has ended.
    pub(crate) fn join_all<T>(
        &self,
        tasks: impl IntoIterator<Item = JoinHandle<T>>,
    ) -> Result<(), Error> {
        tasks
            .into_iter()
            .try_for_each(|task| self.join(task).map(drop))
    }

    /// Waits until all workers are parked, so that no poll is on its way into the recorder any more.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        let begun = Instant::now();
        while self.parked.load(Ordering::SeqCst) < WORKERS {
            if begun.elapsed() > PATIENCE {
                return Err(Error::Unready("the workers never came to rest"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Lets the runtime go on for a while beside whatever is stuck.
    pub(crate) fn go_on(&mut self) -> Result<(), Error> {
        for _ in 0..4 {
            let passers_by = self.spawn_passers_by();
            self.join_all(passers_by)?;
            std::thread::sleep(Duration::from_millis(50));
        }
        self.settle()
    }

    /// Writes the dump, from this thread, which is none of the runtime's.
    pub(crate) fn dump(self, options: &Options) -> Result<Facts, Error> {
        write_dump(&self.recorder, options)?;
        Ok(self.facts)
    }
}

/// Waits for word from a task.
pub(crate) fn hear<T>(from: &Receiver<T>, else_say: &'static str) -> Result<T, Error> {
    from.recv_timeout(PATIENCE)
        .map_err(|_| Error::Unready(else_say))
}

/// Writes the dump where the options want it.
pub(crate) fn write_dump(recorder: &FlightRecorder, options: &Options) -> Result<(), Error> {
    if options.overwrite {
        make_way(&options.out)?;
    }
    recorder.dump_blocking(&options.out)?;
    Ok(())
}

/// The recorder never writes over a file, so an old dump has to go first. A link, a device or a directory is no old dump:
/// it stays, and the recorder refuses the path.
fn make_way(path: &Path) -> Result<(), Error> {
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|facts| facts.is_file());
    if !is_file {
        return Ok(());
    }
    std::fs::remove_file(path).map_err(|source| Error::InTheWay {
        path: path.to_owned(),
        source,
    })
}
