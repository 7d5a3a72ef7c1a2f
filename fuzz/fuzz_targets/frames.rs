//! The input tells which frames to put into a file whose checksums are right: past them, a payload can
//! be anything.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|recipe: &[u8]| {
    let dump = dial9_fuzz::dump_of_frames(recipe);
    dial9_fuzz::read_and_check(&dump);
    dial9_fuzz::open_and_check(&dump);
});
