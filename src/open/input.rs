//! Paths to bytes: whole files, with a cap, refused by their first bytes before the rest is read.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use super::{
    Input, OpenError, Progress, Stage,
    sniff::{LOOKED_AT, Sniffed, sniff},
};
use crate::recording::sanitise;

/// The most bytes of one file.
const CAP: u64 = 16 << 30;
/// Bytes between two looks at the progress.
const STEP: u64 = 4 << 20;

/// Reads every file; the same file named twice is read once.
pub(super) fn read_all(paths: &[PathBuf], progress: &Progress) -> Result<Vec<Input>, OpenError> {
    let mut distinct: Vec<&PathBuf> = Vec::new();
    for path in paths {
        if !distinct.contains(&path) {
            distinct.push(path);
        }
    }
    let total = distinct
        .iter()
        .filter_map(|path| path.metadata().ok())
        .map(|facts| facts.len())
        .sum();
    progress.enter(Stage::Reading, total);
    distinct
        .into_iter()
        .map(|path| read(path, progress))
        .collect()
}

fn read(path: &Path, progress: &Progress) -> Result<Input, OpenError> {
    let name = sanitise(&path.to_string_lossy());
    let failed = |error| OpenError::Io {
        path: name.clone(),
        error,
    };
    let (mut reader, expected): (Box<dyn Read>, u64) = if path.as_os_str() == "-" {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(OpenError::Terminal);
        }
        (Box::new(stdin.lock()), 0)
    } else {
        let facts = path.metadata().map_err(failed)?;
        if facts.is_dir() {
            return Err(OpenError::Directory { path: name });
        }
        (Box::new(File::open(path).map_err(failed)?), facts.len())
    };

    let mut bytes = Vec::new();
    reader
        .by_ref()
        .take(LOOKED_AT as u64)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    refuse(&name, &bytes)?;
    // The length is a hint: the file may grow, or be no file at all.
    let hint = expected.min(CAP).saturating_sub(bytes.len() as u64);
    let _ = bytes.try_reserve_exact(usize::try_from(hint).unwrap_or(0));
    loop {
        progress.check()?;
        let step = reader
            .by_ref()
            .take(STEP)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        progress.advance(step as u64);
        if step == 0 {
            return Ok(Input { name, bytes });
        }
        if bytes.len() as u64 > CAP {
            return Err(OpenError::TooLarge {
                path: name,
                cap: CAP,
            });
        }
    }
}

/// Refuses what its first bytes say is no dump.
pub(super) fn refuse(name: &str, beginning: &[u8]) -> Result<(), OpenError> {
    let path = name.to_owned();
    if beginning.is_empty() {
        return Err(OpenError::Empty { path });
    }
    match sniff(beginning) {
        Sniffed::Dump => Ok(()),
        Sniffed::Upstream => Err(OpenError::NotYet {
            path,
            what: "an upstream dial9 trace",
        }),
        Sniffed::Gzip => Err(OpenError::NotYet {
            path,
            what: "compressed with gzip, as upstream dial9 traces are",
        }),
        Sniffed::Console => Err(OpenError::NotYet {
            path,
            what: "a tokio-console recording",
        }),
        Sniffed::Other(what) => Err(OpenError::NotARecording {
            path,
            looks_like: what.to_owned(),
        }),
    }
}
