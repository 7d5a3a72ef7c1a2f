//! One module per recorder: how it is set up, and how tasks are spawned under it.

pub mod ours;
pub mod plain;
pub mod upstream;
