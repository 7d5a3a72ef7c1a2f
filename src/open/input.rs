//! Paths to bytes: refused by their first bytes before the rest is read, as a stream or, with a cap, as a whole.

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

/// Each path once, in the order given.
pub(super) fn distinct(paths: &[PathBuf]) -> Vec<&PathBuf> {
    let mut distinct: Vec<&PathBuf> = Vec::new();
    for path in paths {
        if !distinct.contains(&path) {
            distinct.push(path);
        }
    }
    distinct
}

/// A file of which the beginning was read, and found to be a recording.
pub(super) struct Begun {
    /// Its path, safe to print.
    pub(super) name: String,
    pub(super) what: Sniffed,
    /// Its length, or 0 where that is not known.
    pub(super) expected: u64,
    beginning: Vec<u8>,
    reader: Box<dyn Read>,
}

impl Begun {
    /// The whole file from its first byte on, to be read in a stream.
    pub(super) fn into_stream(self) -> impl Read {
        io::Cursor::new(self.beginning).chain(self.reader)
    }

    /// Reads the rest.
    pub(super) fn finish(self, progress: &Progress) -> Result<Input, OpenError> {
        let Self {
            name,
            what,
            expected,
            beginning: mut bytes,
            mut reader,
        } = self;
        if what == Sniffed::Console {
            return Err(OpenError::Alone {
                path: name,
                what: "a tokio-console recording",
            });
        }
        // The length is a hint: the file may grow, or be no file at all.
        let hint = expected.min(CAP).saturating_sub(bytes.len() as u64);
        let _ = bytes.try_reserve_exact(usize::try_from(hint).unwrap_or(0));
        loop {
            progress.check()?;
            let step = match reader.by_ref().take(STEP).read_to_end(&mut bytes) {
                Ok(step) => step as u64,
                Err(error) => return Err(OpenError::Io { path: name, error }),
            };
            progress.advance(step);
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
}

/// Reads the first bytes of a file, and refuses it if they say that it is no recording.
pub(super) fn begin(path: &Path) -> Result<Begun, OpenError> {
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

    let mut beginning = Vec::new();
    reader
        .by_ref()
        .take(LOOKED_AT as u64)
        .read_to_end(&mut beginning)
        .map_err(failed)?;
    let what = refuse(&name, &beginning)?;
    Ok(Begun {
        name,
        what,
        expected,
        beginning,
        reader,
    })
}

/// Reads every file to its end.
pub(super) fn read_all(paths: &[&PathBuf], progress: &Progress) -> Result<Vec<Input>, OpenError> {
    let total = paths
        .iter()
        .filter_map(|path| path.metadata().ok())
        .map(|facts| facts.len())
        .sum();
    progress.enter(Stage::Reading, total);
    paths
        .iter()
        .map(|path| begin(path)?.finish(progress))
        .collect()
}

/// What the first bytes of a file say it is; refuses what is no recording.
pub(super) fn refuse(name: &str, beginning: &[u8]) -> Result<Sniffed, OpenError> {
    let path = name.to_owned();
    if beginning.is_empty() {
        return Err(OpenError::Empty { path });
    }
    match sniff(beginning) {
        Sniffed::Other(what) => Err(OpenError::NotARecording {
            path,
            looks_like: what.to_owned(),
        }),
        what => Ok(what),
    }
}
