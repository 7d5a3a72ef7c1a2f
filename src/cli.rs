//! The command line: definitions only.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    analysis::{Severity, Thresholds},
    explorer::Colors,
    recording::Ns,
};

/// Opens a flight recording of a Tokio service in a terminal and shows why a task did not run.
///
/// Without a path it opens the sample incident that ships inside the program. Where standard output is no terminal it
/// prints the text report.
#[derive(Debug, Parser)]
#[command(name = "dial9-tui", version)]
pub struct Cli {
    /// What to do; without a command: explore.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// What to explore.
    #[command(flatten)]
    pub explore: ExploreArgs,

    /// Write the program's own log to this file.
    #[arg(long, value_name = "FILE", global = true)]
    pub log: Option<PathBuf>,
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    /// Wrong usage, help and version, as clap has it.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(arguments)?;
        if cli.command.is_some() && cli.explore != ExploreArgs::default() {
            let what = "what belongs to the explorer cannot stand before a command";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, what));
        }
        Ok(cli)
    }
}

/// Arguments of the explorer.
#[derive(Debug, Default, PartialEq, Args)]
pub struct ExploreArgs {
    /// Dumps of one process; - is standard input.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// How many colours to use: off, 8, 16 or 256; without it as many as the terminal promises.
    #[arg(long, value_name = "N")]
    pub colors: Option<Colors>,

    /// Draw with ASCII only.
    #[arg(long)]
    pub ascii: bool,

    /// How to read them.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Arguments that every reader of recordings takes.
#[derive(Debug, Default, PartialEq, Args)]
pub struct ReadingArgs {
    /// Where the files come from several processes: the pid or the name of the one to show.
    #[arg(long, value_name = "PID|NAME")]
    pub process: Option<String>,

    /// From which length on something is a finding, such as slow-poll.warning=20ms.
    #[arg(long = "threshold", value_name = "NAME=TIME", value_parser = threshold)]
    thresholds: Vec<(String, Ns)>,
}

impl ReadingArgs {
    /// The table of thresholds, with those that were given.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        let mut table = Thresholds::default();
        for (name, value) in &self.thresholds {
            // The parser let known names pass only.
            let _known = table.set(name, *value);
        }
        table
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what was found, as text or as JSON.
    Report(ReportArgs),
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Dumps of one process; - is standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,

    /// Report only on the tasks that match, and on the findings that concern one of them; such as
    /// 'location~"db.rs" and delay>5ms'. It is asked at the end of the window.
    #[arg(long, value_name = "EXPR")]
    pub filter: Option<String>,

    /// Exit with 3 if there is a finding of this severity or worse.
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,

    /// How to read them.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Shapes of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people: 80 columns, answers first.
    Text,
    /// For programs: a stable contract.
    Json,
}

/// Severities that `--fail-on` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Warnings and worse.
    Warning,
    /// Critical findings only.
    Critical,
}

impl FailOn {
    /// The least severity that it means.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Warning => Severity::Warning,
            Self::Critical => Severity::Critical,
        }
    }
}

fn threshold(text: &str) -> Result<(String, Ns), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("write it as NAME=TIME, such as slow-poll.warning=20ms")?;
    if !Thresholds::names().any(|known| known == name) {
        let known: Vec<&str> = Thresholds::names().collect();
        return Err(format!(
            "there is no threshold {name:?}; there are {}",
            known.join(", ")
        ));
    }
    Ok((name.to_owned(), length(value)?))
}

/// A length of time with its unit: `250us`, `1.5ms`, `2s`.
fn length(text: &str) -> Result<Ns, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => {
            return Err(format!(
                "{text:?} is no time; write a number and ns, us, ms or s"
            ));
        }
    };
    let number: f64 = number
        .parse()
        .map_err(|_| format!("{number:?} is no number"))?;
    let nanos = number * scale;
    if nanos < 9e18 {
        Ok(nanos as Ns)
    } else {
        Err(format!("{text} is too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn thresholds_reach_the_table() {
        let cli = Cli::parse_from([
            "dial9-tui",
            "report",
            "a",
            "--threshold",
            "slow-poll.warning=1.5ms",
        ]);
        let Some(Command::Report(args)) = cli.command else {
            panic!("a report")
        };
        assert_eq!(args.reading.thresholds().slow_poll_warning, 1_500_000);
        for wrong in [
            "slow-poll.warning",
            "nonsense=1ms",
            "slow-poll.warning=1",
            "slow-poll.warning=xms",
        ] {
            assert!(
                Cli::try_parse_from(["dial9-tui", "a", "--threshold", wrong]).is_err(),
                "{wrong}"
            );
        }
    }

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
    }

    #[test]
    fn an_empty_path_is_wrong_usage() {
        assert!(read("dial9-tui ").is_err());
        assert!(read("dial9-tui report ").is_err());
        assert!(read("dial9-tui report").is_err());
        assert!(read("dial9-tui").is_ok_and(|cli| cli.explore.paths.is_empty()));
    }

    #[test]
    fn the_log_may_stand_anywhere_and_the_explorers_arguments_may_not() {
        assert!(read("dial9-tui --log l report a").is_ok_and(|cli| cli.log.is_some()));
        assert!(read("dial9-tui report a --log l").is_ok_and(|cli| cli.log.is_some()));
        assert!(read("dial9-tui --ascii report b.dial9").is_err());
    }
}
