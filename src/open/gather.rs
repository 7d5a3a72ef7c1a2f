//! Paths to files: a directory stands for the recordings in it, and for those in the directories right below it, as
//! upstream makes one for each process.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    OpenError, Progress,
    sniff::{Sniffed, sniff},
    upstream,
};
use crate::recording::{Loss, LossKind, sanitise};

/// The most bytes of a file that are looked at.
const LOOKED_AT: u64 = 4_096;
/// The most foreign files of a directory that are named one by one.
const MOST_NAMED: usize = 20;

/// Replaces directories by the recordings in them, in the order of their names. What lies there besides is a loss.
pub(super) fn expand(
    paths: &[PathBuf],
    progress: &Progress,
) -> Result<(Vec<PathBuf>, Vec<Loss>), OpenError> {
    let mut files = Vec::new();
    let mut losses = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" || !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut found = list(path, progress)?;
        for directory in std::mem::take(&mut found.directories) {
            // Whoever may not look into one still sees the others.
            let below = match list(&directory, progress) {
                Err(OpenError::Io { .. }) => continue,
                below => below?,
            };
            if !below.recordings.is_empty() {
                found.recordings.extend(below.recordings);
                found.foreign.extend(below.foreign);
            }
        }
        if found.recordings.is_empty() {
            let path = sanitise(&path.to_string_lossy());
            return Err(OpenError::Directory { path });
        }
        files.extend(found.recordings);
        losses.extend(left_out(&found.foreign));
    }
    Ok((files, losses))
}

/// What one directory holds.
#[derive(Debug, Default)]
struct Listed {
    recordings: Vec<PathBuf>,
    foreign: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

fn list(directory: &Path, progress: &Progress) -> Result<Listed, OpenError> {
    let failed = |error| OpenError::Io {
        path: sanitise(&directory.to_string_lossy()),
        error,
    };
    let mut paths = fs::read_dir(directory)
        .map_err(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?;
    paths.sort();
    let mut listed = Listed::default();
    for path in paths.into_iter().filter(|path| !is_hidden(path)) {
        progress.check()?;
        if path.is_dir() {
            listed.directories.push(path);
        } else if beginning(&path).is_some_and(|bytes| is_recording(&bytes)) {
            listed.recordings.push(path);
        } else if path.is_file() {
            listed.foreign.push(path);
        }
    }
    Ok(listed)
}

/// Locks, and what is still being written under another name.
fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The first bytes of a regular file: opening anything else may wait for ever.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    if !path.is_file() {
        return None;
    }
    let file = File::open(path).ok()?;
    file.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn is_recording(beginning: &[u8]) -> bool {
    if beginning.is_empty() {
        return false;
    }
    match sniff(beginning) {
        Sniffed::Dump | Sniffed::Upstream | Sniffed::Console => true,
        Sniffed::Gzip => upstream::holds_trace(beginning),
        Sniffed::Other(_) => false,
    }
}

fn left_out(foreign: &[PathBuf]) -> Option<Loss> {
    let names: Vec<String> = foreign
        .iter()
        .take(MOST_NAMED)
        .map(|path| sanitise(&path.to_string_lossy()))
        .collect();
    (!names.is_empty()).then(|| Loss {
        kind: LossKind::UnknownKind,
        count: foreign.len() as u64,
        detail: format!(
            "files that are no recordings were left out: {}",
            names.join(", ")
        ),
        range: None,
    })
}
