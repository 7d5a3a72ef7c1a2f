//! Why nothing could be opened. Each error is one sentence: what, where, what to do.

use std::{fmt, io};

/// Why nothing could be opened. Its `Display` is one sentence of one line, safe to print.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The operating system said no.
    Io {
        /// The path.
        path: String,
        /// What it said.
        error: io::Error,
    },
    /// The path names a directory.
    Directory {
        /// The path.
        path: String,
    },
    /// There is nothing in it.
    Empty {
        /// The path.
        path: String,
    },
    /// It is some other kind of file.
    NotARecording {
        /// The path.
        path: String,
        /// What it looks like.
        looks_like: String,
    },
    /// A dump of a newer major version.
    Newer {
        /// The path.
        path: String,
        /// Its version.
        major: u16,
        /// The newest that this program reads.
        reads: u16,
    },
    /// A tokio-console recording of another version.
    ConsoleVersion {
        /// The path.
        path: String,
        /// Its version.
        version: u64,
        /// The one that this program reads.
        reads: u64,
    },
    /// A file that holds one process's whole run, and so belongs to no other.
    Alone {
        /// The path.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// A dump of which nothing could be read.
    Unreadable {
        /// The path.
        path: String,
        /// What is wrong first, and at which byte.
        first: String,
    },
    /// More bytes than this program loads.
    TooLarge {
        /// The path.
        path: String,
        /// The cap in bytes.
        cap: u64,
    },
    /// Standard input is a terminal.
    Terminal,
    /// The files come from several processes.
    Processes {
        /// Each of them: a description that names what `--process` takes.
        processes: Vec<String>,
    },
    /// None of the files comes from the process that was asked for.
    NoSuchProcess {
        /// What was asked for.
        asked: String,
        /// The processes that there are.
        processes: Vec<String>,
    },
    /// The file lost its header, so nobody can tell whether it belongs to the others.
    Headless {
        /// The path.
        path: String,
    },
    /// Traces of upstream dial9 and files of another kind.
    Mixed {
        /// A trace.
        trace: String,
        /// A file that is none.
        other: String,
    },
    /// Somebody called [`super::Progress::cancel`].
    Cancelled,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } if error.kind() == io::ErrorKind::NotFound => {
                write!(f, "{path}: there is no such file; check the path")
            }
            Self::Io { path, error } if error.kind() == io::ErrorKind::PermissionDenied => write!(
                f,
                "{path}: permission denied; dumps are readable by their owner only, so copy it or change user"
            ),
            Self::Io { path, error } => write!(f, "{path}: cannot be read: {}", one_line(error)),
            Self::Directory { path } => {
                write!(
                    f,
                    "{path}: is a directory without recordings; name one that holds dumps or upstream dial9 traces"
                )
            }
            Self::Empty { path } => {
                write!(
                    f,
                    "{path}: is empty; was the dump interrupted before its first byte, or the copy?"
                )
            }
            Self::NotARecording { path, looks_like } => {
                write!(
                    f,
                    "{path}: is {looks_like}, not a recording; name a dump, an upstream dial9 trace or a tokio-console recording"
                )
            }
            Self::Newer { path, major, reads } => write!(
                f,
                "{path}: has dump format {major}, and this program reads up to {reads}; update dial9-tui"
            ),
            Self::ConsoleVersion {
                path,
                version,
                reads,
            } => write!(
                f,
                "{path}: is a tokio-console recording of version {version}, and this program reads version {reads}; \
                 look for a newer dial9-tui"
            ),
            Self::Alone { path, what } => write!(
                f,
                "{path}: is {what}, which holds one process's whole run; open it alone"
            ),
            Self::Unreadable { path, first } => {
                write!(
                    f,
                    "{path}: nothing in it can be read ({first}); copy or record it again"
                )
            }
            Self::TooLarge { path, cap } => write!(
                f,
                "{path}: is larger than {} GiB, which is the most that this program loads",
                cap >> 30
            ),
            Self::Terminal => f.write_str(
                "-: standard input is a terminal; pipe a recording into it or name a file",
            ),
            Self::Processes { processes } => write!(
                f,
                "the files come from {} processes, {}; choose one with --process",
                processes.len(),
                listed(processes)
            ),
            Self::NoSuchProcess { asked, processes } => write!(
                f,
                "no file comes from process {asked}; there is {}; choose one with --process",
                listed(processes)
            ),
            Self::Headless { path } => write!(
                f,
                "{path}: has lost its header, so nobody can tell whether it belongs to the other files; open it alone"
            ),
            Self::Mixed { trace, other } => write!(
                f,
                "{trace} is an upstream dial9 trace and {other} is not; open them one after the other"
            ),
            Self::Cancelled => f.write_str("loading was stopped"),
        }
    }
}

/// The first of them, and how many more there are.
fn listed(processes: &[String]) -> String {
    const MOST: usize = 8;
    match processes.len().checked_sub(MOST) {
        Some(more) if more > 0 => format!("{} and {more} more", processes[..MOST].join(", ")),
        _ => processes.join(" and "),
    }
}

fn one_line(error: &io::Error) -> String {
    crate::recording::sanitise(&error.to_string())
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
