//! The input tells which events and which history to put into a dump whose frames are sound.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|recipe: &[u8]| dial9_fuzz::open_and_check(&dial9_fuzz::dump_of_rows(recipe)));
