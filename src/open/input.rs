//! Paths to bytes: refused by their first bytes before the rest is read, as a stream, where they lie or, with a cap, as
//! a whole.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Input, OpenError, Progress,
    sniff::{LOOKED_AT, Sniffed, sniff},
    source::Source,
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
    origin: Origin,
}

enum Origin {
    /// What can be read again.
    Lasting(Source),
    /// What comes once: what has come already, and the rest.
    Passing(Vec<u8>, Box<dyn Read>),
}

impl Begun {
    /// Its length, or 0 where that is not known.
    pub(super) fn expected(&self) -> u64 {
        match &self.origin {
            Origin::Lasting(source) => source.len(),
            Origin::Passing(..) => 0,
        }
    }

    /// The whole file from its first byte on, to be read in a stream.
    pub(super) fn into_stream(self) -> Box<dyn Read> {
        match self.origin {
            Origin::Lasting(source) => Box::new(source.reader()),
            Origin::Passing(beginning, rest) => Box::new(io::Cursor::new(beginning).chain(rest)),
        }
    }

    /// The whole file, to be read where it lies; what comes only once is read now.
    pub(super) fn into_source(self, progress: &Progress) -> Result<(String, Source), OpenError> {
        match self.origin {
            Origin::Lasting(source) => Ok((self.name, source)),
            Origin::Passing(..) => {
                let Input { name, bytes } = self.finish(progress)?;
                Ok((name, Source::Bytes(Arc::new(bytes))))
            }
        }
    }

    /// Reads it to its end.
    pub(super) fn finish(self, progress: &Progress) -> Result<Input, OpenError> {
        let expected = self.expected();
        let name = self.name.clone();
        let mut reader = self.into_stream();
        let mut bytes = Vec::new();
        // The length is a hint: the file may grow, or be no file at all.
        let _ = bytes.try_reserve_exact(usize::try_from(expected.min(CAP)).unwrap_or(0));
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
    let passing = |mut reader: Box<dyn Read>| {
        let mut beginning = Vec::new();
        let most = LOOKED_AT as u64;
        reader
            .by_ref()
            .take(most)
            .read_to_end(&mut beginning)
            .map_err(failed)?;
        Ok((beginning.clone(), Origin::Passing(beginning, reader)))
    };
    let (beginning, origin) = if path.as_os_str() == "-" {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Err(OpenError::Terminal);
        }
        passing(Box::new(stdin.lock()))?
    } else {
        let facts = path.metadata().map_err(failed)?;
        if facts.is_dir() {
            return Err(OpenError::Directory { path: name });
        }
        let file = File::open(path).map_err(failed)?;
        if facts.is_file() {
            let source = Source::File(Arc::new(file), facts.len());
            let beginning = source.beginning(LOOKED_AT).map_err(failed)?;
            (beginning, Origin::Lasting(source))
        } else {
            passing(Box::new(file))?
        }
    };
    let what = refuse(&name, &beginning)?;
    Ok(Begun { name, what, origin })
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
