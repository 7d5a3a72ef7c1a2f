//! What every fuzz target asks of the dump reader, and dumps whose checksums are right.

mod check;
mod recipe;

pub use check::read_and_check;
pub use recipe::{dump_of_frames, recipe_of_dump};
