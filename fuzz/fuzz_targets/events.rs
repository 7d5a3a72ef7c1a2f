//! The input tells which events to put into an upstream trace whose frames are sound.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|recipe: &[u8]| dial9_fuzz::open_and_check(&dial9_fuzz::trace_of_events(recipe)));
