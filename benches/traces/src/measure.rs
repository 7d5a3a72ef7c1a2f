//! How fast a trace is opened, and in how much memory: by this project, by the bare visitor of upstream's format crate
//! (which keeps nothing), and by upstream's own parser in JavaScript. Each runs in a process of its own.

use std::{
    error::Error,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use dial9_trace_format::decoder::Decoder;
use dial9_tui::open::{Progress, Request, open};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How often each but the slow one runs; the best counts.
const ROUNDS: usize = 3;

/// What one run took.
#[derive(Clone, Copy, Debug)]
struct Run {
    events: u64,
    wall_s: f64,
    cpu_s: f64,
    peak_bytes: u64,
}

/// Measures all of them and prints a table.
pub(crate) fn all(trace: &Path) -> Outcome<()> {
    let bytes = fs::metadata(trace)?.len();
    let ours = best("ours", trace)?;
    let visitor = best("visitor", trace)?;
    println!("{}: {bytes} bytes, {} events", trace.display(), ours.events);
    println!(
        "{:28} {:>8} {:>8} {:>14} {:>10} {:>12}",
        "", "wall s", "CPU s", "events/s", "peak MB", "bytes/event"
    );
    row("this project, all indexes", ours);
    row("bare visitor, keeps nothing", visitor);
    match parser().and_then(|parser| Some((parser, node()?))) {
        None => println!("upstream's parser: needs node, and dial9-viewer in cargo's registry"),
        Some((parser, node)) => match javascript(&node, &parser, trace, bytes) {
            Err(error) => println!("upstream's parser: {error}"),
            Ok(run) => {
                row("upstream's parser", run);
                println!(
                    "this project is {:.1} times as fast as upstream's parser, with 1/{:.1} of its memory",
                    run.wall_s / ours.wall_s,
                    run.peak_bytes as f64 / ours.peak_bytes as f64
                );
            }
        },
    }
    Ok(())
}

/// One run in this process, told on standard output.
pub(crate) fn one(who: &str, trace: &Path) -> Outcome<()> {
    let begun = Instant::now();
    let events = match who {
        "ours" => {
            let request = Request {
                paths: vec![trace.to_path_buf()],
                process: None,
            };
            let recording = open(&request, &Progress::default())?;
            let events = recording.counts().total;
            // Taking it down is no part of opening.
            let wall_s = begun.elapsed().as_secs_f64();
            print(events, wall_s)?;
            std::process::exit(0);
        }
        _ => {
            let mut events = 0u64;
            Decoder::new(&unpacked(trace)?)
                .ok_or("no trace")?
                .for_each_event(|event| events += u64::from(!event.name.is_empty()))?;
            events
        }
    };
    print(events, begun.elapsed().as_secs_f64())
}

fn print(events: u64, wall_s: f64) -> Outcome<()> {
    let (cpu_s, peak_bytes) = own_usage()?;
    println!("{events} {wall_s} {cpu_s} {peak_bytes}");
    Ok(())
}

fn unpacked(trace: &Path) -> Outcome<Vec<u8>> {
    let bytes = fs::read(trace)?;
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

fn row(name: &str, run: Run) {
    println!(
        "{name:28} {:>8.2} {:>8.2} {:>14.0} {:>10.0} {:>12.1}",
        run.wall_s,
        run.cpu_s,
        run.events as f64 / run.wall_s,
        run.peak_bytes as f64 / 1e6,
        run.peak_bytes as f64 / run.events as f64
    );
}

/// The best of some runs, each in a process of its own.
fn best(who: &str, trace: &Path) -> Outcome<Run> {
    let mut best: Option<Run> = None;
    for _ in 0..ROUNDS {
        let output = Command::new(std::env::current_exe()?)
            .arg(format!("one-{who}"))
            .arg(trace)
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let run = parse(&String::from_utf8(output.stdout)?)?;
        if best.is_none_or(|best| run.wall_s < best.wall_s) {
            best = Some(run);
        }
    }
    best.ok_or_else(|| "nothing ran".into())
}

fn parse(line: &str) -> Outcome<Run> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [events, wall_s, cpu_s, peak_bytes] = words.as_slice() else {
        return Err(format!("unexpected: {line}").into());
    };
    Ok(Run {
        events: events.parse()?,
        wall_s: wall_s.parse()?,
        cpu_s: cpu_s.parse()?,
        peak_bytes: peak_bytes.parse()?,
    })
}

/// CPU time in seconds and the most memory in bytes of this process.
fn own_usage() -> Outcome<(f64, u64)> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = peak
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok())
        .ok_or("no peak in /proc/self/status")?;
    // Behind the name in brackets; the 14th and 15th of all fields, in hundredths of a second.
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok((ticks as f64 / 100.0, peak * 1_024))
}

/// Where cargo keeps upstream's parser.
pub(crate) fn viewer() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            let home = PathBuf::from(std::env::var_os("HOME")?);
            Some(home.join(".cargo"))
        })?;
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    registries
        .filter_map(|entry| Some(entry.ok()?.path().join("dial9-viewer-0.5.7")))
        .find(|path| path.is_dir())
}

fn parser() -> Option<PathBuf> {
    let path = viewer()?.join("skills/dial9-toolkit/scripts/trace_parser.js");
    path.is_file().then_some(path)
}

fn node() -> Option<String> {
    let node = "node".to_owned();
    Command::new(&node).arg("--version").output().ok()?;
    Some(node)
}

/// Runs upstream's parser where it lies: all in memory at once where node can hold it, in a stream else, as its viewer does.
fn javascript(node: &str, parser: &Path, trace: &Path, bytes: u64) -> Outcome<Run> {
    const WHOLE: u64 = 2 << 30;
    let read = if bytes < WHOLE {
        "parser.parseTrace(fs.readFileSync(trace))"
    } else {
        "parser.parseTraceStream(fs.createReadStream(trace))"
    };
    let script = format!(
        "const fs = require('fs'), parser = require(process.argv[1]), trace = process.argv[2];
         const begun = process.hrtime.bigint();
         {read}.then(parsed => {{
             const wall = Number(process.hrtime.bigint() - begun) / 1e9;
             const usage = process.resourceUsage();
             const cpu = (usage.userCPUTime + usage.systemCPUTime) / 1e6;
             console.log(parsed.events.length, wall, cpu, usage.maxRSS * 1024);
         }});"
    );
    let output = Command::new(node)
        .args(["--max-old-space-size=16384", "-e", &script])
        .arg(parser)
        .arg(trace)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .find(|line| line.contains("rror"))
            .unwrap_or("it failed");
        return Err(last.to_owned().into());
    }
    parse(&String::from_utf8(output.stdout)?)
}
