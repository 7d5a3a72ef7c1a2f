//! The command line: definitions only.

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, CommandFactory as _, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};

use clap_complete::Shell;

use crate::{
    analysis::{Severity, Thresholds, label, query::Query},
    explorer::{Background, Colors, Pane, Show, Start, Stretch, When, length},
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
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help_heading = "With every command"
    )]
    pub log: Option<PathBuf>,

    /// Read the settings from this file instead of dial9-tui/config.toml in the config directory.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        help_heading = "With every command"
    )]
    pub config: Option<PathBuf>,
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

    /// What the terminal's background is like, dark or light; without it what COLORFGBG says.
    #[arg(long, value_name = "KIND")]
    pub background: Option<Background>,

    /// Leave the mouse to the terminal, which selects text with it.
    #[arg(long)]
    pub no_mouse: bool,

    /// Print a config file with every setting and its default, and leave.
    #[arg(long)]
    pub print_config: bool,

    /// Where to open.
    #[command(flatten)]
    pub start: StartArgs,

    /// How to read them.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Arguments that say where the explorer opens. The key y copies a command line with them.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Where to open")]
pub struct StartArgs {
    /// The pane to open.
    #[arg(long, value_parser = pane())]
    pane: Option<Pane>,

    /// The instant to put the cursor at: 12.5s, 7.393, 1m2s, -3ms, a time of day in UTC, start or end.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<When>,

    /// The id of the task to select.
    #[arg(long, value_name = "ID", value_parser = task_id)]
    task: Option<u64>,

    /// The line of that task's history to select, counted from 0.
    #[arg(long, value_name = "LINE", requires = "task")]
    event: Option<usize>,

    /// The other end of the range that totals are about; one end is the cursor.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    mark: Option<When>,

    /// How much time the timelines show: 3ms about the cursor, or 7.39s..7.42s.
    #[arg(long, value_name = "TIME|FROM..TO", allow_hyphen_values = true)]
    span: Option<Stretch>,

    /// List only the tasks that match, such as 'longest>5ms or delay>5ms'.
    #[arg(long, value_name = "EXPR", value_parser = query)]
    filter: Option<Query>,

    /// List only the tasks whose name, location or id has these letters.
    #[arg(long, value_name = "LETTERS")]
    find: Option<String>,

    /// How the panes show it, as the key y writes it: tasks.all,tasks.sort=longest,scheduler.lanes=tasks.
    #[arg(long, value_name = "LIST")]
    show: Option<Show>,
}

impl StartArgs {
    /// What they ask the explorer for.
    #[must_use]
    pub fn start(self) -> Start {
        Start {
            pane: self.pane,
            at: self.at,
            task: self.task,
            event: self.event,
            mark: self.mark,
            span: self.span,
            filter: self.filter,
            find: self.find,
            show: self.show,
        }
    }
}

impl ExploreArgs {
    /// The words of a command line that opens the same recording in the same way.
    #[must_use]
    pub fn invocation(&self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(process) = &self.reading.process {
            words.push(format!("--process={process}"));
        }
        for (name, value) in &self.reading.thresholds {
            words.extend(["--threshold".to_owned(), format!("{name}={value}ns")]);
        }
        for path in &self.paths {
            let path = path.to_string_lossy();
            let flag = path.starts_with('-') && path != "-";
            words.push(if flag {
                format!("./{path}")
            } else {
                path.into_owned()
            });
        }
        words
    }
}

/// Arguments that every reader of recordings takes.
#[derive(Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "How to read")]
pub struct ReadingArgs {
    /// Where the files come from several processes: the pid or the name of the one to show.
    #[arg(long, value_name = "PID|NAME")]
    pub process: Option<String>,

    /// From which length on something is a finding, such as slow-poll.warning=20ms.
    #[arg(long = "threshold", value_name = "NAME=TIME", value_parser = threshold)]
    thresholds: Vec<(String, Ns)>,
}

impl ReadingArgs {
    /// The table of thresholds: `base`, with those that were given.
    #[must_use]
    pub fn thresholds(&self, base: Thresholds) -> Thresholds {
        let mut table = base;
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
    /// Print the script that completes command lines of this program in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page.
    Man,
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

    /// Exit with 3 if there is a finding of this severity or worse, and with 1 where no event could be read to look for one.
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

/// A task's id as the explorer writes it: `42`, or `r0` for a future that only the recorder numbers.
fn task_id(text: &str) -> Result<u64, String> {
    label::parse_id(text).ok_or_else(|| "a task's id is a number, or r and a number".to_owned())
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

fn pane() -> impl TypedValueParser<Value = Pane> {
    PossibleValuesParser::new(Pane::FLAGS).map(|flag| Pane::of_flag(&flag).unwrap_or(Pane::Tasks))
}

fn query(text: &str) -> Result<Query, String> {
    Query::parse(text).map_err(|error| error.to_string())
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
        assert_eq!(
            args.reading
                .thresholds(Thresholds::default())
                .slow_poll_warning,
            1_500_000
        );
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
