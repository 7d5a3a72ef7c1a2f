//! What can go wrong with a scenario.

use std::path::PathBuf;

use dial9_recorder::{BuildError, DumpError};

/// Why a scenario wrote no dump.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recorder could not be built.
    #[error("the recorder could not start: {0}")]
    Recorder(#[from] BuildError),
    /// The dump could not be written.
    #[error("no dump was written: {0}")]
    Dump(#[from] DumpError),
    /// The file that was to give way could not be removed.
    #[error("{path} is in the way and cannot be removed: {source}")]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// Why it stays.
        source: std::io::Error,
    },
    /// A socket, a thread or a runtime could not be had.
    #[error("the scenario could not run: {0}")]
    Io(#[from] std::io::Error),
    /// A task of the scenario panicked.
    #[error("a task of the scenario failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// The scenario did not come to the point that it was made for.
    #[error("the scenario did not come about: {0}")]
    Unready(&'static str),
}
