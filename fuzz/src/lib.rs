//! What the fuzz targets ask of the readers, and inputs that reach behind what stops damage: dumps whose checksums are
//! right, traces whose frames are sound.

mod check;
mod recipe;
mod recording;
mod rows;
mod trace;

pub use check::read_and_check;
pub use recipe::{dump_of_frames, recipe_of_dump};
pub use recording::open_and_check;
pub use rows::dump_of_rows;
pub use trace::trace_of_events;
