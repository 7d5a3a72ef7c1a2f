//! Questions asked of a recording: the state of a task at an instant, blind intervals, delays, findings. No I/O.

pub mod blind;
pub mod causes;
pub mod delays;
pub mod findings;
pub mod graph;
pub mod idle;
pub mod label;
#[cfg(test)]
mod play;
pub mod query;
pub mod ready;
#[cfg(test)]
mod replay_tests;
pub mod sites;
pub mod stacks;
pub mod state;
pub mod statemap;
#[cfg(test)]
mod statemap_tests;
pub mod trouble;
pub mod waits;

pub use blind::{Blind, blind_intervals};
pub use findings::{
    Evidence, Finding, Kind, NotChecked, Role, Severity, Thresholds, findings, is_unread,
    looked_for, not_checked,
};
pub use idle::{Idle, IdleTask, idle_at, longest_idle};
pub use state::{State, state_at};
pub use statemap::{StateCell, StateMap, Times};
pub use waits::{WaitFigures, WaitGroup, WaitOn, Waiter, Waits};
