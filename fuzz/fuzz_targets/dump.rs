//! The input is a file: damage of every sort, most of it stopped by the checksums.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    dial9_fuzz::read_and_check(bytes);
    dial9_fuzz::open_and_check(bytes);
});
