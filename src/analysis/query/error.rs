//! What is wrong with a filter, and where.

use std::{fmt, ops::Range};

use unicode_width::UnicodeWidthStr as _;

use crate::recording::sanitise;

/// Why a filter could not be understood: one sentence, and the part of the text that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    at: Range<usize>,
    sentence: String,
}

impl QueryError {
    pub(super) fn new(at: Range<usize>, sentence: impl Into<String>) -> Self {
        Self {
            at,
            sentence: sentence.into(),
        }
    }

    /// The bytes of the text that it is about; empty at its end where something is missing. Both ends are the
    /// boundaries of characters.
    #[must_use]
    pub fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// The text, and below it carets under what is wrong: two lines for a terminal.
    #[must_use]
    pub fn pointed(&self, text: &str) -> String {
        let before = sanitise(text.get(..self.at.start).unwrap_or_default());
        let wrong = sanitise(text.get(self.at.clone()).unwrap_or_default());
        let blanks = " ".repeat(before.as_str().width());
        let carets = "^".repeat(wrong.as_str().width().max(1));
        format!("{}\n{blanks}{carets}", sanitise(text))
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for QueryError {}
