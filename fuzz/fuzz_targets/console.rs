//! The input is what follows the first line of a tokio-console recording.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: &[u8]| dial9_fuzz::open_and_check(&[b"{\"v\":1}\n", lines].concat()));
