//! The whole explorer without a terminal: screens as snapshots, and random walks through every action.

mod bytes;
pub(in crate::explorer) mod incident;
mod screens;
mod table;
mod traced;
mod travel;
mod walks;

use std::sync::Arc;

use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use super::{
    app::App,
    facts::Opened,
    keys::Key,
    place::Pane,
    theme::{Colors, Theme},
};
use crate::{
    analysis::Thresholds,
    open::{Progress, Request, open},
    recording::Recording,
};

/// Holds the screen of an application against the snapshot of that name and its size, beside the file of the test.
macro_rules! assert_screen {
    ($name:expr, $app:expr) => {{
        let app: &crate::explorer::app::App = $app;
        let size = app.size();
        let name = format!("{}_{}x{}", $name, size.width, size.height);
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("snapshots");
        settings.bind(|| insta::assert_snapshot!(name, crate::explorer::tests::picture(app)));
    }};
}
pub(in crate::explorer) use assert_screen;

/// An application of that size that shows the tasks of `recording`.
pub(in crate::explorer) fn app(recording: Recording, width: u16, height: u16) -> App {
    let theme = Theme::new(Colors::Sixteen);
    let mut app = App::new(
        Size::new(width, height),
        theme,
        false,
        "incident.dial9".to_owned(),
    );
    app.opened(Arc::new(Opened::new(recording, &Thresholds::default())));
    app.begin_in(Pane::Tasks);
    app
}

/// The incident that ships inside the program, which the demo recorded.
pub(in crate::explorer) fn sample() -> Recording {
    open(&Request::default(), &Progress::default()).expect("the sample opens")
}

/// Presses keys: each character of `keys` is one.
pub(in crate::explorer) fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        app.key(match key {
            '\n' => Key::code(crossterm::event::KeyCode::Enter),
            '\x1b' => Key::code(crossterm::event::KeyCode::Esc),
            '\x08' => Key::code(crossterm::event::KeyCode::Backspace),
            key => Key::char(key),
        });
    }
}

pub(in crate::explorer) fn buffer(app: &App) -> Buffer {
    let mut buffer = Buffer::empty(Rect::from((ratatui::layout::Position::ORIGIN, app.size())));
    app.draw(&mut buffer);
    buffer
}

/// The lines of a screen.
pub(in crate::explorer) fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    buffer
        .content
        .chunks(width)
        .map(|row| {
            row.iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// A screen as text, and below it the runs of cells that do not look plain.
pub(in crate::explorer) fn picture(app: &App) -> String {
    let buffer = buffer(app);
    let mut text = lines(&buffer).join("\n");
    text.push_str("\n\nstyles\n");
    let width = usize::from(buffer.area.width).max(1);
    for (y, row) in buffer.content.chunks(width).enumerate() {
        let looks: Vec<String> = row
            .iter()
            .map(|cell| format!("{:?} {:?}", cell.fg, cell.modifier))
            .collect();
        let mut from = 0;
        for x in 1..=looks.len() {
            if x == looks.len() || looks[x] != looks[from] {
                if looks[from] != "Reset NONE" {
                    text.push_str(&format!("{y:>2} {from:>3}..{x:<3} {}\n", looks[from]));
                }
                from = x;
            }
        }
    }
    text
}
