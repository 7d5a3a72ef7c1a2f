//! One measurement: a workload under one configuration, in a process that does nothing else.

use std::error::Error;
use std::fmt;
use std::sync::mpsc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Runtime;

use crate::config::Config;
use crate::recorders;
use crate::workload::{Polls, Spawn, Workload};

/// Long enough for buffers, caches and writer threads to reach the state that lasts.
const WARM_UP: Duration = Duration::from_millis(700);

/// What a child measured.
pub struct Figures {
    /// CPU time that the process used, all its threads together, ns.
    pub cpu_ns: u64,
    /// Wall time that passed meanwhile, ns.
    pub wall_ns: u64,
    /// Polls that ended meanwhile.
    pub polls: u64,
    /// Bytes that the recorder had put on disk by the end, for those that do.
    pub written: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} {} {} {}",
            self.cpu_ns, self.wall_ns, self.polls, self.written
        )
    }
}

/// Measures `workload` under `config` for the time `measured`.
pub fn run(
    config: Config,
    workload: Workload,
    measured: Duration,
) -> Result<Figures, Box<dyn Error>> {
    match config {
        Config::Plain => recorders::plain::run(workload, measured),
        Config::EmptyHooks => recorders::plain::run_with_empty_hooks(workload, measured),
        Config::Hooks => recorders::ours::run_hooks(workload, measured),
        Config::Wakes => recorders::ours::run_wakes(workload, measured),
        Config::Dial9Plain => recorders::upstream::run_tokio_spawn(workload, measured),
        Config::Dial9Spawn => recorders::upstream::run_dial9_spawn(workload, measured),
    }
}

/// A runtime builder as every configuration gets it.
pub fn builder() -> tokio::runtime::Builder {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder
}

/// Starts the workload and takes the difference of two looks at the running process.
///
/// Nothing starts or stops between the looks, so what a recorder's own threads do per event is in the figure, and
/// what it does once, at its beginning or its end, is not.
pub fn measure(
    runtime: &Runtime,
    spawn: impl Spawn,
    workload: Workload,
    measured: Duration,
) -> Result<Figures, Box<dyn Error>> {
    let (started, polls) = mpsc::channel();
    // From a task, since some recorders know their runtime's threads only.
    runtime.spawn(async move {
        let _ = started.send(workload.start(&spawn));
    });
    let polls = polls.recv()?;
    sleep(WARM_UP);
    let before = look(&polls);
    sleep(measured);
    let after = look(&polls);
    Ok(Figures {
        cpu_ns: after.cpu_ns - before.cpu_ns,
        wall_ns: u64::try_from((after.at - before.at).as_nanos())?,
        polls: after.polls - before.polls,
        written: 0,
    })
}

struct Look {
    at: Instant,
    cpu_ns: u64,
    polls: u64,
}

fn look(polls: &Polls) -> Look {
    // The kernel's own sum over all threads, to the nanosecond.
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu_ns = u64::try_from(cpu.tv_sec).unwrap_or(0) * 1_000_000_000
        + u64::try_from(cpu.tv_nsec).unwrap_or(0);
    Look {
        at: Instant::now(),
        cpu_ns,
        polls: polls.total(),
    }
}
