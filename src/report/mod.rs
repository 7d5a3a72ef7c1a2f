//! The same answers without a terminal: as text for people, as JSON for programs.

mod json;
mod text;
mod wrap;

pub use json::json;
pub use text::text;

use crate::{
    analysis::{
        Finding, IdleTask, NotChecked, Severity, Thresholds, findings, longest_idle, not_checked,
    },
    recording::Recording,
};

/// Everything that a report says, computed once.
#[derive(Debug)]
pub struct Report<'a> {
    recording: &'a Recording,
    findings: Vec<Finding>,
    not_checked: Vec<NotChecked>,
    longest_idle: Vec<IdleTask>,
    alive: usize,
}

/// The most idle tasks that a report lists.
const MOST_IDLE: usize = 20;

impl<'a> Report<'a> {
    /// Asks `recording` everything that a report says.
    #[must_use]
    pub fn new(recording: &'a Recording, thresholds: &Thresholds) -> Self {
        Self {
            recording,
            findings: findings(recording, thresholds),
            not_checked: not_checked(recording),
            longest_idle: longest_idle(recording, MOST_IDLE),
            alive: recording
                .tasks()
                .filter(|task| recording.task(*task).ended_at().is_none())
                .count(),
        }
    }

    /// The worst severity among the findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}
