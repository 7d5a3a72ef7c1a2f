//! Recordings of tokio-console: what console-subscriber writes to `TOKIO_CONSOLE_RECORD_PATH`.
//!
//! The first line is `{"v":1}`; then comes one JSON object per line: spawns, enters, exits and ends of spans, and what
//! happens to wakers. The file is read in one pass and is never in memory as a whole.

mod line;
mod lines;
mod lives;
mod problems;
mod spawn;

use std::io::{self, Read};

use self::{
    line::{LineError, parse, scan, version},
    lines::{BLOCK, Lines},
    lives::Lives,
    problems::{Problem, Problems},
};
use super::{OpenError, Progress, Stage};
use crate::recording::{Format, Loss, Recording, RecordingBuilder, Source, Window};

/// The version of the format that this program reads.
const VERSION: u64 = 1;
/// The most polls and wakes that are loaded: what row numbers of 32 bits can count.
const MOST_ROWS: u64 = 1 << 31;

/// How much of a recording is read at once, and loaded.
#[derive(Clone, Copy, Debug)]
struct Limits {
    block: usize,
    rows: u64,
}

/// Reads the recording called `name` from `reader`, which has `expected` bytes or, where that is 0, nobody knows; `losses`
/// is what was left out before.
pub(super) fn read(
    name: &str,
    reader: impl Read,
    expected: u64,
    losses: Vec<Loss>,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    let limits = Limits {
        block: BLOCK,
        rows: MOST_ROWS,
    };
    read_within(name, reader, expected, losses, limits, progress)
}

fn read_within(
    name: &str,
    reader: impl Read,
    expected: u64,
    losses: Vec<Loss>,
    limits: Limits,
    progress: &Progress,
) -> Result<Recording, OpenError> {
    progress.enter(Stage::Decoding, expected);
    let failed = |error: io::Error| OpenError::Io {
        path: name.to_owned(),
        error,
    };
    let mut lines = Lines::new(reader, limits.block);
    // Enough for the header and to know when the recording begins.
    while !lines.is_full() {
        progress.check()?;
        match lines.fill().map_err(failed)? {
            0 => break,
            bytes => progress.advance(bytes as u64),
        }
    }
    header(name, &mut lines)?;
    let base = begin(lines.rest());

    let source = Source {
        format: Format::TokioConsole,
        paths: vec![name.to_owned()],
        bytes: 0,
        sample: false,
    };
    let window = Window {
        end: 0,
        others_start: 0,
        wall_start: None,
    };
    let mut builder = RecordingBuilder::new(source, window);
    let mut problems = Problems::default();
    let mut lives = Lives::new(&mut builder, base, limits.rows);
    let mut told = 0;
    let mut open = true;
    while open {
        open = take_lines(&mut lines, &mut lives, &mut problems);
        progress.check()?;
        progress.decoded(lives.events() - told);
        told = lives.events();
        if !open {
            break;
        }
        match lines.fill().map_err(failed)? {
            // What is left has no line end; nothing more will come.
            0 if lines.at_end() => {
                take_last(&mut lines, &mut lives, &mut problems);
                open = false;
            }
            bytes => progress.advance(bytes as u64),
        }
    }
    let events = lives.events();
    lives.finish(problems.is_whole());
    builder.source.bytes = lines.place().byte;
    if events == 0 {
        return Err(OpenError::Unreadable {
            path: name.to_owned(),
            first: problems
                .first()
                .unwrap_or_else(|| "it has a first line, and no events".to_owned()),
        });
    }
    for loss in losses.into_iter().chain(problems.losses()) {
        builder.loss(loss);
    }
    progress.enter(Stage::Indexing, 1);
    let recording = progress.finish(builder)?;
    progress.enter(Stage::Done, 1);
    Ok(recording)
}

/// Takes the first line.
fn header<R: Read>(name: &str, lines: &mut Lines<R>) -> Result<(), OpenError> {
    let rest = lines.rest();
    let end = rest.iter().position(|byte| *byte == b'\n');
    let line = &rest[..end.unwrap_or(rest.len())];
    match version(line) {
        Some(VERSION) => {
            lines.take(end.map_or(rest.len(), |end| end + 1), true);
            Ok(())
        }
        Some(version) => Err(OpenError::ConsoleVersion {
            path: name.to_owned(),
            version,
            reads: VERSION,
        }),
        None => Err(OpenError::Unreadable {
            path: name.to_owned(),
            first: "its first line names no version".to_owned(),
        }),
    }
}

/// The time of the earliest event in the first block. Lines of several threads are not quite in the order of time.
fn begin(mut block: &[u8]) -> Option<i64> {
    let mut earliest = None;
    while let Some(end) = block.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = block.split_at(end + 1);
        let at = match scan(line) {
            Some((event, _)) => Some(event.at),
            None => parse(&line[..end]).ok().map(|event| event.at),
        };
        earliest = earliest.into_iter().chain(at).min();
        block = rest;
    }
    earliest
}

/// Takes every whole line that was read. Returns whether the recording goes on behind them.
fn take_lines<R: Read>(
    lines: &mut Lines<R>,
    lives: &mut Lives<'_>,
    problems: &mut Problems,
) -> bool {
    lines.go_on_skipping();
    loop {
        let rest = lines.rest();
        if let Some((event, length)) = scan(rest) {
            lives.event(&event);
            lines.take(length, true);
            continue;
        }
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            if lines.is_full() {
                problems.add(Problem::TooLong, lines.place(), || {
                    format!("a line of more than {} bytes", rest.len())
                });
                lines.skip_line();
            }
            return true;
        };
        let line = &rest[..end];
        match parse(line) {
            Ok(event) => lives.event(&event),
            Err(LineError::Header) => {
                problems.add(Problem::Another, lines.place(), || {
                    "another recording begins here; save it as a file of its own to open it"
                        .to_owned()
                });
                return false;
            }
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(error) => problems.refused(error, lines.place()),
        }
        lines.take(end + 1, true);
    }
}

/// Takes what stands behind the last line end. The recorder ends every line, so it was most likely cut.
fn take_last<R: Read>(lines: &mut Lines<R>, lives: &mut Lives<'_>, problems: &mut Problems) {
    let rest = lines.rest();
    let length = rest.len();
    if length == 0 {
        return;
    }
    match parse(rest) {
        Ok(event) => lives.event(&event),
        Err(_) if rest.trim_ascii().is_empty() => {}
        Err(_) => problems.add(Problem::Truncated, lines.place(), || {
            format!("the recording ends within a line, after {length} bytes of it")
        }),
    }
    lines.take(length, true);
}

#[cfg(test)]
mod tests;
