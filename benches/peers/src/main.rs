//! Measures what each recorder adds to the CPU time of a poll, and prints one table for all of them.
//!
//! Every configuration runs in a child process of its own, so that no recorder warms or burdens another; the
//! configurations take turns over several rounds, so that a busy minute of the machine falls on all of them alike.

mod child;
mod config;
mod recorders;
mod table;
mod workload;

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use config::Config;
use table::Sample;
use workload::Workload;

const USAGE: &str = "usage: dial9-peers [--rounds N] [--seconds S]
  --rounds N    how often every configuration takes its turn (default 5)
  --seconds S   how long each turn is measured, after a warm-up (default 2)";

/// What the command line asks for.
struct Options {
    rounds: usize,
    measured: Duration,
    /// Set in a child process: the one thing to measure.
    child: Option<(Config, Workload)>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(options) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let outcome = match options.child {
        Some((config, workload)) => {
            child::run(config, workload, options.measured).map(|sample| println!("{sample}"))
        }
        None => compare(&options)
            .map(|samples| print!("{}", table::render(&samples, &options.measured))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dial9-peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<Options> {
    let mut options = Options {
        rounds: 5,
        measured: Duration::from_secs(2),
        child: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--rounds" => options.rounds = rest.next()?.parse().ok().filter(|&n| n > 0)?,
            "--seconds" => {
                let seconds: f64 = rest.next()?.parse().ok()?;
                options.measured = Duration::try_from_secs_f64(seconds)
                    .ok()
                    .filter(|span| !span.is_zero())?;
            }
            "--child" => {
                options.child = Some((Config::named(rest.next()?)?, Workload::named(rest.next()?)?))
            }
            _ => return None,
        }
    }
    Some(options)
}

/// Lets every configuration take its turn, in a child process each, as often as asked.
fn compare(options: &Options) -> Result<Vec<Sample>, Box<dyn std::error::Error>> {
    let mut samples = Vec::new();
    for round in 0..options.rounds {
        for workload in Workload::ALL {
            for config in Config::ALL {
                eprintln!(
                    "round {} of {}: {}, {}",
                    round + 1,
                    options.rounds,
                    workload.name(),
                    config.name()
                );
                let child = Command::new(std::env::current_exe()?)
                    .args(["--child", config.key(), workload.key()])
                    .args(["--seconds", &options.measured.as_secs_f64().to_string()])
                    .stderr(Stdio::inherit())
                    .output()?;
                if !child.status.success() {
                    return Err(format!(
                        "the run of {} ended with {}",
                        config.name(),
                        child.status
                    )
                    .into());
                }
                let figures = String::from_utf8_lossy(&child.stdout);
                samples.push(Sample::parse(round, config, workload, &figures)?);
            }
        }
    }
    Ok(samples)
}
