//! What a trace holds by its own format crate, beside what this project's recording of it holds.

#[path = "../../../tests/plain/mod.rs"]
#[allow(dead_code, missing_docs, reason = "the tests use the rest of it, and document it as tests do")]
mod plain;

use std::{error::Error, fs, io::Read as _, path::Path};

use dial9_tui::open::{Progress, Request, open};

/// Prints the account of one file; of none, that of the demo trace of dial9-viewer 0.5.7, which cargo has fetched.
pub(crate) fn print(trace: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let demo = crate::measure::viewer().map(|viewer| viewer.join("ui/dist/demo-trace.bin"));
    let trace = trace
        .map(Path::to_path_buf)
        .or(demo)
        .ok_or("no trace named, and no dial9-viewer 0.5.7 in cargo's registry: see the README")?;
    let packed = fs::read(&trace)?;
    let mut bytes = Vec::new();
    if packed.starts_with(b"\x1f\x8b") {
        flate2::read::MultiGzDecoder::new(&packed[..]).read_to_end(&mut bytes)?;
    } else {
        bytes = packed;
    }
    let plain = plain::Plain::read(&[bytes]);
    let request = Request {
        paths: vec![trace.clone()],
        process: None,
    };
    let recording = open(&request, &Progress::default())?;
    println!("{:44} {:>12} {:>12}", trace.display(), "trace", "recording");
    let mut wrong = 0;
    for (what, files, ours) in plain::account(&recording, &plain) {
        let mark = if files == ours { "" } else { "  differs" };
        wrong += u32::from(files != ours);
        println!("{what:44} {files:>12} {ours:>12}{mark}");
    }
    for loss in recording.losses() {
        println!("loss: {} ({})", loss.detail, loss.count);
    }
    if wrong > 0 {
        return Err(format!("{wrong} counts differ").into());
    }
    Ok(())
}
