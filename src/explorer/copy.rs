//! What can be copied: the command line that opens this view again, and what is selected, as text.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{app::App, link::quoted, place::Pane, view::View, wording};
use crate::{analysis::label, recording::time::instant};

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
                let told = selected.map(|event| wording::event_in_full(&view.opened, task, &event));
                format!(
                    "{}: {}",
                    label::task_at(recording, task),
                    told.unwrap_or_default().join("; ")
                )
            }
            _ => {
                let marked = self.marked_lines(view);
                if marked.is_empty() {
                    label::task_at(recording, task)
                } else {
                    marked.join("\n")
                }
            }
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
