//! What could not be read of a recording: counted by kind, with the place of the first of each.

use super::{line::LineError, lines::Place};
use crate::recording::{Loss, LossKind, sanitise};

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A line that is no event.
    Malformed,
    /// An event of a kind that this program does not know.
    Unknown,
    /// A line that does not fit the memory for one.
    TooLong,
    /// The beginning of another recording in the same file.
    Another,
    /// The file ends within a line.
    Truncated,
}

const PROBLEMS: [Problem; 5] = [
    Problem::Malformed,
    Problem::Unknown,
    Problem::TooLong,
    Problem::Another,
    Problem::Truncated,
];

/// Every problem so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    seen: [Seen; PROBLEMS.len()],
}

#[derive(Debug, Default)]
struct Seen {
    count: u64,
    first: Option<(Place, String)>,
}

impl Problems {
    /// Adds a problem at `place`; `what` is asked for the first of its kind only.
    pub(super) fn add(&mut self, problem: Problem, place: Place, what: impl FnOnce() -> String) {
        let seen = &mut self.seen[problem as usize];
        seen.count += 1;
        seen.first.get_or_insert_with(|| (place, what()));
    }

    /// Adds a line that is no event.
    pub(super) fn refused(&mut self, error: LineError, place: Place) {
        match error {
            LineError::UnknownKind(kind) => {
                self.add(Problem::Unknown, place, || {
                    format!("an event of the unknown kind {}", sanitise(&kind))
                });
            }
            LineError::Malformed(why) => self.add(Problem::Malformed, place, || sanitise(&why)),
            LineError::Header => self.add(Problem::Malformed, place, String::new),
        }
    }

    /// Whether every line was read, up to where the recording ends.
    pub(super) fn is_whole(&self) -> bool {
        PROBLEMS
            .into_iter()
            .zip(&self.seen)
            .all(|(problem, seen)| problem == Problem::Truncated || seen.count == 0)
    }

    /// The first of all problems, in words.
    pub(super) fn first(&self) -> Option<String> {
        self.seen
            .iter()
            .filter_map(|seen| seen.first.as_ref())
            .min_by_key(|(place, _)| place.byte)
            .map(|(place, what)| format!("{place}: {what}"))
    }

    /// One loss for each kind of problem.
    pub(super) fn losses(&self) -> impl Iterator<Item = Loss> + '_ {
        PROBLEMS
            .into_iter()
            .zip(&self.seen)
            .filter_map(|(problem, seen)| {
                let (place, what) = seen.first.as_ref()?;
                let (kind, of) = match problem {
                    Problem::Malformed => {
                        (LossKind::Malformed, "lines that are no event; the first, ")
                    }
                    Problem::Unknown => (
                        LossKind::UnknownKind,
                        "events of unknown kinds; the first, ",
                    ),
                    Problem::TooLong => (LossKind::OverCap, "lines that are too long; the first, "),
                    Problem::Another => (LossKind::OverCap, ""),
                    Problem::Truncated => (LossKind::Truncated, ""),
                };
                Some(Loss {
                    kind,
                    count: seen.count,
                    detail: format!("{of}{place}: {what}"),
                    range: None,
                })
            })
    }
}
