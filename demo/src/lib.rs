//! Small real services with planted incidents, each recorded by `dial9-recorder` and dumped at its end.
//!
//! Every scenario is a library function that runs it, writes the dump, and returns its [`Facts`]: what is known by
//! construction about the tasks that ran. The tests hold the dump, and the report that is made of it, against them.

pub mod blocked_worker;
pub mod deadlock;
mod error;
mod facts;
pub mod full_channel;
pub mod healthy;
pub mod lost_wake;
pub mod service;
pub mod slow_poll;
mod stage;
mod until_pending;

use std::path::PathBuf;
use std::time::Duration;

pub use error::Error;
pub use facts::{Answer, Count, Facts, Incident, Stuck, TaskFacts};

/// What to run a scenario with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the dump goes.
    pub out: PathBuf,
    /// How long `service` and `healthy` run before they are dumped; the others take as long as they need.
    pub run_time: Duration,
    /// Whether a file that is already there gives way.
    pub overwrite: bool,
}

impl Options {
    /// A dump to `out`, after the default run time, over no other file.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            run_time: Duration::from_secs(3),
            overwrite: false,
        }
    }
}

/// The scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Scenario {
    /// An HTTP service under load; for 80 ms both workers are blocked, and everybody else comes late
    Service,
    /// A task blocks its worker, and with it the task that it had just woken
    SlowPoll,
    /// Two tasks hold one mutex each and wait for the other's
    Deadlock,
    /// A producer waits for room in a channel whose receiver waits for the producer
    FullChannel,
    /// A future loses its waker: nobody can wake its task any more
    LostWake,
    /// A worker is still blocked inside a poll when the dump is made
    BlockedWorker,
    /// Nothing is wrong
    Healthy,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Service,
        Self::SlowPoll,
        Self::Deadlock,
        Self::FullChannel,
        Self::LostWake,
        Self::BlockedWorker,
        Self::Healthy,
    ];

    /// Runs it and writes the dump.
    pub fn run(self, options: &Options) -> Result<Facts, Error> {
        match self {
            Self::Service => service::run(options),
            Self::SlowPoll => slow_poll::run(options),
            Self::Deadlock => deadlock::run(options),
            Self::FullChannel => full_channel::run(options),
            Self::LostWake => lost_wake::run(options),
            Self::BlockedWorker => blocked_worker::run(options),
            Self::Healthy => healthy::run(options),
        }
    }
}
