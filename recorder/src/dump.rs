//! Writing a dump to a file: whole or not at all, readable by its owner only, never over another file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dial9_format::Trigger;

use crate::encode::{self, Cause};
use crate::keeper::{Request, Settings};
use crate::snapshot::Snapshot;

/// Where a dump goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To this file, which must not exist.
    File(PathBuf),
    /// To a file of a unique name in the dump directory.
    Automatic,
}

/// A dump that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DumpReport {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Events that it holds in full.
    pub events: u64,
    /// Tasks that it tells the history of.
    pub tasks: u64,
    /// Time from the snapshot until the file was in place.
    pub took: Duration,
}

/// Why a dump was not written. Nothing of it is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// There is something at that path already, be it a link; a dump never replaces anything.
    #[error("{} exists already; a dump is never written over another file", path.display())]
    Exists {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The path names no file.
    #[error("{} names no file that a dump could be written to", path.display())]
    NoFileName {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The operating system refused: no such directory, no permission, no space, and so on.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no memory for the copy that a dump is made from, as large as the event memory.
    #[error("out of memory: a dump needs as much again as the recorder keeps")]
    OutOfMemory,
    /// The recorder is shutting down, or this process is a fork of the one that records.
    #[error("the recorder has stopped, or this process is not the one that it records")]
    Stopped,
}

/// Encodes `snapshot` and puts it in its place.
pub(crate) fn write(
    mut snapshot: Snapshot,
    request: &Request,
    settings: &Settings,
    began: Instant,
) -> Result<DumpReport, DumpError> {
    let path = match &request.place {
        Place::File(path) => path.clone(),
        Place::Automatic => automatic_path(settings, request.trigger),
    };
    if path.file_name().is_none() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(DumpError::NoFileName { path });
    }
    if path.symlink_metadata().is_ok() {
        return Err(DumpError::Exists { path });
    }
    let mut unfinished = Unfinished::create(&path)?;
    let cause = Cause {
        trigger: request.trigger,
        value: request.value,
        detail: &request.detail,
        at: request.at,
    };
    let failed = |doing, source| DumpError::Io {
        doing,
        path: path.clone(),
        source,
    };
    let contents = {
        let out = BufWriter::with_capacity(256 * 1024, &mut unfinished.file);
        encode::encode(&mut snapshot, &settings.origin, &cause, out)
            .map_err(|error| failed("write", error))?
    };
    unfinished
        .file
        .sync_all()
        .map_err(|error| failed("write", error))?;
    let bytes = unfinished
        .file
        .metadata()
        .map_err(|error| failed("write", error))?
        .len();
    unfinished.publish(&path)?;
    if request.place == Place::Automatic {
        remove_surplus(settings);
    }
    Ok(DumpReport {
        path,
        bytes,
        events: contents.events,
        tasks: contents.tasks,
        took: began.elapsed(),
    })
}

/// A file under a temporary name, removed unless it is published.
struct Unfinished {
    file: File,
    path: PathBuf,
    published: bool,
}

impl Unfinished {
    fn create(target: &Path) -> Result<Self, DumpError> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            ".dial9-{}-{}.tmp",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        let path = directory_of(target).join(name);
        let file = OpenOptions::new()
            .write(true)
            // O_EXCL: neither an existing file nor a link is opened.
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| DumpError::Io {
                doing: "create a file for",
                path: target.to_owned(),
                source,
            })?;
        Ok(Self {
            file,
            path,
            published: false,
        })
    }

    /// Gives the file its name, unless something has that name.
    fn publish(mut self, target: &Path) -> Result<(), DumpError> {
        match rename_without_replacing(&self.path, target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(DumpError::Exists {
                    path: target.to_owned(),
                });
            }
            Err(source) => {
                return Err(DumpError::Io {
                    doing: "create",
                    path: target.to_owned(),
                    source,
                });
            }
        }
        self.published = true;
        // So that the name, too, survives a power cut. Not every file system can; the dump is there.
        if let Ok(directory) = File::open(directory_of(target)) {
            let _ = directory.sync_all();
        }
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::errno::Errno;
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
            Ok(()) => return Ok(()),
            // The file system or the kernel does not know the flag.
            Err(Errno::EINVAL | Errno::ENOSYS) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // A hard link is refused where the name exists, too.
    std::fs::hard_link(from, to)?;
    std::fs::remove_file(from)
}

fn trigger_name(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Call => "call",
        Trigger::Panic => "panic",
        Trigger::Signal => "signal",
        Trigger::SlowPoll => "slow-poll",
        Trigger::Stall => "stall",
        Trigger::ScheduleDelay => "schedule-delay",
        Trigger::Recovered => "recovered",
    }
}

/// `process-YYYYMMDDTHHMMSS.mmmZ-pid-number.trigger.dial9`: the names of one process sort by time.
fn automatic_path(settings: &Settings, trigger: Trigger) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let origin = &settings.origin;
    let stamp = utc_stamp(crate::clock::wall_ns());
    settings.dump_dir.join(format!(
        "{}-{stamp}-{}-{number:04}.{}.dial9",
        origin.process,
        origin.pid,
        trigger_name(trigger)
    ))
}

/// Removes the oldest automatic dumps of this program beyond the number to keep. Whatever cannot be
/// listed or removed stays: the dump itself is what matters.
fn remove_surplus(settings: &Settings) {
    let Ok(entries) = std::fs::read_dir(&settings.dump_dir) else {
        return;
    };
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_automatic_name(name, &settings.origin.process))
        .collect();
    names.sort_unstable();
    let surplus = names.len().saturating_sub(settings.keep.max(1));
    for name in &names[..surplus] {
        let _ = std::fs::remove_file(settings.dump_dir.join(name));
    }
}

fn is_automatic_name(name: &str, process: &str) -> bool {
    let parts = || {
        let rest = name
            .strip_prefix(process)?
            .strip_prefix('-')?
            .strip_suffix(".dial9")?;
        let (rest, trigger) = rest.rsplit_once('.')?;
        let mut parts = rest.splitn(3, '-');
        Some((parts.next()?, parts.next()?, parts.next()?, trigger))
    };
    parts().is_some_and(|(stamp, pid, number, trigger)| {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        stamp.len() == 20
            && stamp.ends_with('Z')
            && digits(&stamp[..8])
            && digits(pid)
            && digits(number)
            && trigger
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    })
}

/// `YYYYMMDDTHHMMSS.mmmZ`.
fn utc_stamp(wall_ns: u64) -> String {
    let millis = wall_ns / 1_000_000;
    let seconds = millis / 1_000;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    // Civil date from days since 1970 in the proleptic Gregorian calendar, with years from March on:
    // the leap day is then the last of its year.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{:03}Z",
        millis % 1_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_calendar_dates() {
        assert_eq!(utc_stamp(0), "19700101T000000.000Z");
        assert_eq!(utc_stamp(951_782_400_000_000_000), "20000229T000000.000Z");
        assert_eq!(utc_stamp(1_709_251_199_999_000_000), "20240229T235959.999Z");
        assert_eq!(utc_stamp(1_795_252_043_123_456_789), "20261121T090723.123Z");
    }

    #[test]
    fn only_automatic_names_of_this_program_are_surplus() {
        let name = "my-service-20261121T090723.123Z-4711-0003.panic.dial9";
        assert!(is_automatic_name(name, "my-service"));
        assert!(!is_automatic_name(name, "my"));
        assert!(!is_automatic_name(
            "my-service-incident.dial9",
            "my-service"
        ));
        assert!(!is_automatic_name(
            "my-service-20261121T090723.123Z-x-0003.panic.dial9",
            "my-service"
        ));
    }
}
