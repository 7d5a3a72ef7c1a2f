//! The command line of the demo: runs one scenario, and says what it did.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use dial9_demo::{Options, Scenario};

/// Runs a small real service with a planted incident, and writes what the flight recorder saw of it
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// What to run
    #[arg(value_enum)]
    scenario: Scenario,
    /// Where to write the dump
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How many seconds `service` and `healthy` run; the others take as long as they need
    #[arg(long, value_name = "N", default_value = "3", value_parser = seconds)]
    seconds: Duration,
    /// Write over a file that is already there
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = Options {
        run_time: arguments.seconds,
        overwrite: arguments.force,
        ..Options::new(arguments.out)
    };
    // A closed stderr is no reason to fail: the dump is what was asked for.
    let mut says = std::io::stderr().lock();
    match arguments.scenario.run(&options) {
        Ok(facts) => {
            for line in facts.told {
                let _ = writeln!(says, "dial9-demo: {line}");
            }
            let _ = writeln!(says, "dial9-demo: wrote {}", options.out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(says, "dial9-demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds, whole or not, between what the planted incident needs and an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.5..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("must be between 0.5 and 3600".to_owned())
    }
}
