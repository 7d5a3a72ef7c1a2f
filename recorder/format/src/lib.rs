//! The dial9 dump file: encoder and decoder, without tokio and without a terminal.

mod event;
mod records;

pub use event::*;
pub use records::*;
