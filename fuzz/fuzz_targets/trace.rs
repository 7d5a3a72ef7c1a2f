//! The input is a trace of upstream dial9, or something compressed as those are: damage of every sort.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| dial9_fuzz::open_and_check(bytes));
