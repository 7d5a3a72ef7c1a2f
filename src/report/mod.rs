//! The same answers without a terminal: as text for people, as JSON for programs.

mod json;
mod text;
mod wrap;

pub use json::json;
pub use text::text;

use crate::{
    analysis::{
        Finding, Idle, NotChecked, Severity, Thresholds, findings, idle_at, not_checked,
        query::{Query, Scope, Verdict},
        ready::{self, Extremes, Ready},
    },
    recording::{Ns, Recording, TaskIx, WaitIx, WaitState},
};

/// Everything that a report says, computed once.
#[derive(Debug)]
pub struct Report<'a> {
    recording: &'a Recording,
    findings: Vec<Finding>,
    not_checked: Vec<NotChecked>,
    idle: Idle,
    /// Who was ready at the end.
    ready: Ready,
    extremes: Extremes,
    /// The longest that a task was ready, where that is no sign of health.
    ready_too_long: Option<Ns>,
    /// Tasks that the report is about.
    tasks: usize,
    alive: usize,
    /// Marked waits that went on at the end, those that began first in front.
    open_waits: Vec<WaitIx>,
    filtered: Option<Filtered>,
}

/// What a filter did to a report.
#[derive(Debug)]
struct Filtered {
    /// The filter, written in one way.
    expression: String,
    /// Of how many tasks it could not be told whether they match.
    unknown: usize,
    /// Findings that concern no task that matches.
    findings_left_out: usize,
}

/// The most idle tasks that a report lists.
const MOST_IDLE: usize = 20;
/// And of those that were ready.
const MOST_READY: usize = 20;

impl<'a> Report<'a> {
    /// Asks `recording` everything that a report says.
    #[must_use]
    pub fn new(recording: &'a Recording, thresholds: &Thresholds) -> Self {
        Self::of(recording, thresholds, |_| Verdict::Yes)
    }

    /// Asks `recording` the same about the tasks that match `query` at its end, and lists the findings that concern
    /// one of them.
    #[must_use]
    pub fn filtered(recording: &'a Recording, thresholds: &Thresholds, query: &Query) -> Self {
        let filter = query.bind(recording);
        let scope = Scope::at(recording.window().end);
        let verdicts: Vec<Verdict> = recording
            .tasks()
            .map(|task| filter.verdict(recording, task, &scope))
            .collect();
        let mut report = Self::of(recording, thresholds, |task| verdicts[task.index()]);
        let all = report.findings.len();
        let concerned = |finding: &Finding| {
            let mut tasks = finding.tasks.iter();
            tasks.any(|(task, _)| verdicts[task.index()] == Verdict::Yes)
        };
        report.findings.retain(concerned);
        report.filtered = Some(Filtered {
            expression: query.to_string(),
            unknown: verdicts
                .iter()
                .filter(|one| **one == Verdict::Unknown)
                .count(),
            findings_left_out: all - report.findings.len(),
        });
        report
    }

    fn of(
        recording: &'a Recording,
        thresholds: &Thresholds,
        verdict: impl Fn(TaskIx) -> Verdict,
    ) -> Self {
        let keep = |task: TaskIx| verdict(task) == Verdict::Yes;
        let kept = || recording.tasks().filter(|task| keep(*task));
        // Waits are in the order of their begin.
        let waits = (0..recording.wait_count()).map(WaitIx::new);
        let open_waits = waits
            .filter(|wait| {
                let wait = recording.wait(*wait);
                wait.state == WaitState::Open && wait.begin.is_some() && keep(wait.task)
            })
            .collect();
        let ready = ready::ready_at(recording, recording.window().end, MOST_READY, keep);
        let extremes = ready::extremes(recording, keep);
        Self {
            recording,
            ready_too_long: ready::too_long(recording, &ready, &extremes, thresholds),
            ready,
            extremes,
            findings: findings(recording, thresholds),
            not_checked: not_checked(recording),
            idle: idle_at(recording, recording.window().end, MOST_IDLE, keep),
            tasks: kept().count(),
            alive: kept()
                .filter(|task| recording.task(*task).ended_at().is_none())
                .count(),
            open_waits,
            filtered: None,
        }
    }

    /// The worst severity among the findings.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}
