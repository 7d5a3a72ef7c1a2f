//! Writes recordings of tokio-console: `record` with console-subscriber itself, `generate` in any size.

mod generate;
mod record;

use std::{path::PathBuf, process::ExitCode};

const USAGE: &str =
    "usage: dial9-console-bench record FILE\n       dial9-console-bench generate FILE [MEGABYTES]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["record", file] => record::record(PathBuf::from(file)),
        ["generate", file] => generate::generate(file.as_ref(), 1_024),
        ["generate", file, megabytes] => match megabytes.parse() {
            Ok(megabytes) => generate::generate(file.as_ref(), megabytes),
            Err(error) => Err(format!("{megabytes}: {error}").into()),
        },
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
