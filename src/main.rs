//! Arguments to command to exit code; nothing else.

use std::{
    fs::OpenOptions,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    process::ExitCode,
};

use dial9_tui::{
    analysis::{is_unread, query::Query},
    cli::{Cli, Command, ExploreArgs, ReportArgs, ReportFormat},
    explorer::{self, Config},
    manual,
    open::{self, Progress, Request},
    recording::{Recording, sanitise},
    report::{self, Report},
};

const COULD_NOT: u8 = 1;
const WRONG_USAGE: u8 = 2;
const FAILED_ON: u8 = 3;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(sentence) => {
            // Where standard error is gone, too, nobody is left to tell.
            let _ = writeln!(io::stderr(), "dial9-tui: {sentence}");
            ExitCode::from(COULD_NOT)
        }
    }
}

fn run() -> Result<ExitCode, String> {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    if let Some(file) = &cli.log {
        log_to(file)?;
    }
    match cli.command {
        Some(Command::Completions { shell }) => {
            print(&manual::completions(shell)).map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Man) => print(&manual::page()).map(|()| ExitCode::SUCCESS),
        None if cli.explore.print_config => {
            print(&Config::default_text()).map(|()| ExitCode::SUCCESS)
        }
        Some(Command::Report(args)) => print_report(args, &Config::load(cli.config.as_deref())?),
        None => explore(cli.explore, Config::load(cli.config.as_deref())?),
    }
}

/// The explorer, or the text report where nobody could use it.
fn explore(args: ExploreArgs, config: Config) -> Result<ExitCode, String> {
    let thresholds = args.reading.thresholds(config.thresholds());
    let invocation = args.invocation();
    let request = Request {
        paths: args.paths,
        process: args.reading.process,
    };
    if io::stdout().is_terminal() {
        let ascii = args.ascii.then_some(true);
        let options = explorer::Options {
            config,
            colors: args.colors,
            background: args.background,
            ascii,
            thresholds,
            mouse: args.no_mouse.then_some(false),
            start: args.start.start(),
            invocation,
        };
        explorer::run(&request, &options).map_err(|error| error.to_string())?;
    } else {
        let recording = load(&request)?;
        print(&report::text(&Report::new(&recording, &thresholds)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print_report(args: ReportArgs, config: &Config) -> Result<ExitCode, String> {
    let thresholds = args.reading.thresholds(config.thresholds());
    let query = match args.filter.as_deref().map(filter).transpose() {
        Ok(query) => query,
        Err(code) => return Ok(code),
    };
    let recording = load(&Request {
        paths: args.paths,
        process: args.reading.process,
    })?;
    let report = match query.filter(|query| !query.is_blank()) {
        Some(query) => Report::filtered(&recording, &thresholds, &query),
        None => Report::new(&recording, &thresholds),
    };
    let text = match args.format {
        ReportFormat::Text => report::text(&report),
        ReportFormat::Json => report::json(&report)
            .map_err(|error| format!("the report cannot be written as JSON: {error}"))?,
    };
    print(&text)?;
    let Some(least) = args.fail_on else {
        return Ok(ExitCode::SUCCESS);
    };
    if is_unread(&recording) {
        return Err("--fail-on: nothing could be looked for, as no event could be read".to_owned());
    }
    Ok(if report.worst() >= Some(least.severity()) {
        ExitCode::from(FAILED_ON)
    } else {
        ExitCode::SUCCESS
    })
}

/// Understands a filter, or says what is wrong with it and points there.
fn filter(text: &str) -> Result<Query, ExitCode> {
    Query::parse(text).map_err(|error| {
        let pointed = error.pointed(text).replace('\n', "\n  ");
        let _ = writeln!(io::stderr(), "dial9-tui: --filter: {error}\n  {pointed}");
        ExitCode::from(WRONG_USAGE)
    })
}

fn load(request: &Request) -> Result<Recording, String> {
    open::open(request, &Progress::default()).map_err(|error| error.to_string())
}

/// Writes to standard output. Who closed it has read enough.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Help and version go to standard output; wrong usage is one sentence.
fn usage(error: &clap::Error) -> Result<ExitCode, String> {
    let text = error.render().to_string();
    if !error.use_stderr() {
        return print(&text).map(|()| ExitCode::SUCCESS);
    }
    let first = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let sentence = words.join(" ");
    let sentence = sentence.strip_prefix("error: ").unwrap_or(&sentence);
    let _ = writeln!(
        io::stderr(),
        "dial9-tui: {}; see dial9-tui --help",
        sanitise(sentence)
    );
    Ok(ExitCode::from(WRONG_USAGE))
}

fn log_to(file: &Path) -> Result<(), String> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .map_err(|error| {
            format!(
                "{}: the log cannot be opened: {error}",
                sanitise(&file.to_string_lossy())
            )
        })?;
    tracing_subscriber::fmt()
        .with_writer(std::sync::Mutex::new(log))
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .init();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "begins");
    Ok(())
}
