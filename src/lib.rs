//! The explorer: opens a flight recording of a Tokio service offline and shows why a task did not run.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod cli;
pub mod explorer;
pub mod manual;
pub mod open;
pub mod recording;
pub mod report;
