//! Which files make up a trace: those that a directory holds, and which of its segments are missing.

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{super::OpenError, gunzip::peek, slices::TraceFile};
use crate::recording::{Loss, LossKind, sanitise};

/// How a trace begins.
pub(super) const MAGIC: &[u8] = b"TRC\0";
/// How a compressed file does.
pub(super) const GZIP: &[u8] = b"\x1f\x8b";

/// The most bytes of a file that are looked at.
const LOOKED_AT: u64 = 4_096;
/// The most foreign files of a directory that are named one by one.
const MOST_NAMED: usize = 20;
/// The most segments between two others that are taken for missing ones: beyond it the numbers mean something else.
const MOST_MISSING: u64 = 100_000;

/// Replaces directories by the traces in them, in the order of their names. What lies there besides is a loss.
pub(in crate::open) fn expand(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<Loss>), OpenError> {
    let mut files = Vec::new();
    let mut losses = Vec::new();
    for path in paths {
        if path.as_os_str() != "-" && path.is_dir() {
            let found = files.len();
            list(path, &mut files, &mut losses)?;
            if files.len() == found {
                let path = sanitise(&path.to_string_lossy());
                return Err(OpenError::Directory { path });
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok((files, losses))
}

/// Whether bytes, or what they hold compressed, are the beginning of a trace.
fn is_trace(beginning: &[u8]) -> bool {
    beginning.starts_with(MAGIC)
        || (beginning.starts_with(GZIP) && peek(beginning).starts_with(MAGIC))
}

fn list(
    directory: &Path,
    files: &mut Vec<PathBuf>,
    losses: &mut Vec<Loss>,
) -> Result<(), OpenError> {
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
    let mut foreign: Vec<String> = Vec::new();
    for path in paths.into_iter().filter(|path| path.is_file()) {
        if beginning(&path).is_some_and(|bytes| is_trace(&bytes)) {
            files.push(path);
        } else {
            foreign.push(sanitise(&path.to_string_lossy()));
        }
    }
    if !foreign.is_empty() {
        let count = foreign.len() as u64;
        foreign.truncate(MOST_NAMED);
        losses.push(Loss {
            kind: LossKind::UnknownKind,
            count,
            detail: format!(
                "files that are no traces were left out: {}",
                foreign.join(", ")
            ),
            range: None,
        });
    }
    Ok(())
}

fn beginning(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(LOOKED_AT).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Segments are numbered; one that is missing between two others took its events with it.
pub(super) fn missing_segments(files: &[TraceFile]) -> Vec<Loss> {
    let mut numbers: Vec<(&str, u64)> = files
        .iter()
        .filter_map(|file| segment(&file.name))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
        .windows(2)
        .filter_map(|pair| {
            let [(stem, before), (other, after)] = *pair else {
                return None;
            };
            let missing = after - before.min(after);
            (stem == other && (2..=MOST_MISSING).contains(&missing)).then(|| Loss {
                kind: LossKind::Gap,
                count: missing - 1,
                detail: format!(
                    "segments between number {before} and number {after} of {stem} are missing"
                ),
                range: None,
            })
        })
        .collect()
}

/// `dir/trace` and 7 of `dir/trace.7.bin.gz`.
fn segment(name: &str) -> Option<(&str, u64)> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let name = name.strip_suffix(".active").unwrap_or(name);
    let (stem, number) = name.strip_suffix(".bin")?.rsplit_once('.')?;
    Some((stem, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_between_segments_are_seen_and_their_beginning_is_not_one() {
        let file = |name: &str| TraceFile::new(name.to_owned(), Vec::new());
        let files = [
            file("a/trace.7.bin.gz"),
            file("a/trace.4.bin"),
            file("a/trace.8.bin.active"),
            file("b/trace.1.bin"),
            file("b/other"),
        ];
        let losses = missing_segments(&files);
        assert_eq!(losses.len(), 1);
        assert_eq!((losses[0].kind, losses[0].count), (LossKind::Gap, 2));
        assert!(
            losses[0]
                .detail
                .contains("between number 4 and number 7 of a/trace")
        );
    }
}
