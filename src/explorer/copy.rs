//! What can be copied: the command line that opens this view again, and what is selected, as text.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{app::App, findings::Item, link::quoted, place::Pane, view::View, wording};
use crate::{
    analysis::{Evidence, label},
    recording::time::{duration, instant},
};

impl App {
    /// The command line that opens the present view.
    pub(super) fn command_line(&self, view: &View) -> String {
        let program = ["dial9-tui".to_owned()];
        let words = program.into_iter().chain(self.invocation().iter().cloned());
        quoted(words.chain(view.link()))
    }

    /// What is selected, in words.
    pub(super) fn selection(&self, view: &View) -> String {
        let recording = &view.opened.recording;
        let cursor = view.place.cursor;
        let Some(task) = view.place.task else {
            return String::new();
        };
        match view.place.pane {
            Pane::Tasks => format!(
                "{} at {}: {}",
                label::task_at(recording, task),
                instant(cursor),
                wording::doing(&view.opened, task, cursor)
            ),
            Pane::Task => {
                let selected = recording.history(task).get(view.place.event);
                let told = selected.map(|event| wording::event_in_full(view, task, &event));
                format!(
                    "{}: {}",
                    label::task_at(recording, task),
                    told.unwrap_or_default().join("; ")
                )
            }
            Pane::Findings => self.finding(view),
            Pane::Wakers | Pane::Scheduler | Pane::Resources | Pane::Causes => {
                let marked = self.marked_lines(view);
                if marked.is_empty() {
                    label::task_at(recording, task)
                } else {
                    marked.join("\n")
                }
            }
        }
    }

    /// The selected finding with its evidence, or the line of evidence that is selected.
    fn finding(&self, view: &View) -> String {
        let findings = &view.opened.facts.findings;
        let evidence = |evidence: &Evidence| {
            format!(
                "{}  {}  {}",
                instant(evidence.at),
                evidence.kind,
                evidence.text
            )
        };
        match view.place.findings.item {
            Item::Evidence(finding, line) => findings
                .get(finding)
                .and_then(|finding| finding.evidence.get(line))
                .map(evidence)
                .unwrap_or_default(),
            Item::Finding(finding) => findings.get(finding).map_or_else(String::new, |finding| {
                let head = format!(
                    "{} at {}, {}: {}",
                    finding.kind.name(),
                    instant(finding.start),
                    duration(finding.duration),
                    finding.message
                );
                let told = [head, finding.suggestion.clone()];
                let lines: Vec<String> = told
                    .into_iter()
                    .chain(finding.evidence.iter().map(evidence))
                    .collect();
                lines.join("\n")
            }),
            _ => self.marked_lines(view).join("\n"),
        }
    }

    /// The lines of the pane in front of which the selection's marker stands, as they are shown.
    fn marked_lines(&self, view: &View) -> Vec<String> {
        let area = view.area().unwrap_or_default();
        let mut buffer = Buffer::empty(Rect::from((Position::ORIGIN, self.size())));
        self.draw_pane(&mut buffer, area, view);
        let line = |y: u16| -> String {
            let cells = (area.x..area.right()).filter_map(|x| buffer.cell((x, y)));
            cells.map(ratatui::buffer::Cell::symbol).collect()
        };
        (area.y..area.bottom())
            .map(line)
            .filter(|line| line.trim_start().starts_with('▸'))
            .map(|line| line.trim().trim_start_matches('▸').trim().to_owned())
            .collect()
    }
}
