//! What lies over a pane for a while: the search line, the command palette, the help.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::{ACTIONS, Action, ActionId, Context, in_context},
    fuzzy::Fuzzy,
    place::{Place, scrolled},
    text::{Pen, width},
    theme::{Role, Theme},
};

/// The layer above the pane, which gets the keys first.
#[derive(Debug)]
pub(super) enum Overlay {
    /// A search is typed; what to return to if it is cancelled.
    Find { place: Place, before: String },
    /// An action is chosen by name, among those of the pane below.
    Palette(Palette),
    /// The help of the pane below.
    Help { of: Context, top: usize },
}

impl Overlay {
    pub(super) fn context(&self) -> Context {
        match self {
            Self::Find { .. } => Context::Find,
            Self::Palette(_) => Context::Palette,
            Self::Help { .. } => Context::Help,
        }
    }
}

/// The command palette.
#[derive(Debug)]
pub(super) struct Palette {
    of: Context,
    pub(super) typed: String,
    selected: usize,
}

impl Palette {
    pub(super) fn new(of: Context) -> Self {
        Self {
            of,
            typed: String::new(),
            selected: 0,
        }
    }

    /// The actions that match what was typed, best first.
    pub(super) fn matches(&self) -> Vec<&'static Action> {
        let fuzzy = Fuzzy::new(&self.typed);
        let mut scored: Vec<(i64, &Action)> = in_context(self.of)
            .filter(|action| action.id != ActionId::Palette)
            .filter_map(|action| {
                // A name that matches is meant more surely than a sentence that does.
                let name = fuzzy.score(action.name).map(|score| score + 1_000);
                Some((name.max(fuzzy.score(action.help))?, action))
            })
            .collect();
        if !self.typed.is_empty() {
            scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        }
        scored.into_iter().map(|(_, action)| action).collect()
    }

    /// The action that would be run.
    pub(super) fn chosen(&self) -> Option<ActionId> {
        let matches = self.matches();
        matches
            .get(self.selected.min(matches.len().saturating_sub(1)))
            .map(|action| action.id)
    }

    pub(super) fn typed_changed(&mut self) {
        self.selected = 0;
    }

    pub(super) fn select(&mut self, by: isize) {
        let last = self.matches().len().saturating_sub(1);
        self.selected = self.selected.min(last).saturating_add_signed(by).min(last);
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, pane: Rect, theme: Theme) {
        let area = centred(pane, 76, 16);
        blank(buffer, area, theme, " commands ");
        let inside = inner(area);
        Pen::new(buffer, inside, 0)
            .put(":", theme.style(Role::Key))
            .put(&self.typed, theme.style(Role::Strong))
            .put("▏", theme.style(Role::Cursor));
        let list = Rect {
            y: inside.y + 1,
            height: inside.height.saturating_sub(1),
            ..inside
        };
        let matches = self.matches();
        if matches.is_empty() {
            Pen::new(buffer, list, 0).put("No action matches.", theme.style(Role::Dim));
        }
        let capacity = usize::from(list.height).max(1);
        let selected = self.selected.min(matches.len().saturating_sub(1));
        let top = scrolled(0, selected, matches.len(), capacity);
        for (row, action) in matches.iter().skip(top).take(capacity).enumerate() {
            let style = theme.style(if top + row == selected {
                Role::Selected
            } else {
                Role::Plain
            });
            let key = action
                .keys
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            let mut pen = Pen::new(buffer, list, row as u16);
            pen.left(action.name, 19, style)
                .left(&key, 10, style)
                .fit(action.help, style);
        }
    }
}

/// The line in which a search is typed, in place of the bottom line.
pub(super) fn draw_find(buffer: &mut Buffer, area: Rect, theme: Theme, typed: &str) {
    Pen::new(buffer, area, 0)
        .skip(1)
        .put("/", theme.style(Role::Key))
        .put(typed, theme.style(Role::Strong))
        .put("▏", theme.style(Role::Cursor))
        .skip(2)
        .put(
            "name, location or id   enter keeps it   esc gives up",
            theme.style(Role::Dim),
        );
}

/// The lines of the help: those of the pane first, then of the layers that open from it.
fn help_lines(of: Context) -> Vec<(String, &'static str, bool)> {
    let mut lines = Vec::new();
    for context in [of, Context::Find, Context::Palette] {
        lines.push((context.title().to_owned(), "", true));
        for action in ACTIONS
            .iter()
            .filter(|action| action.contexts.contains(&context))
        {
            // What works everywhere is told once.
            if context != of && action.contexts.contains(&of) {
                continue;
            }
            let keys: Vec<String> = action.keys.iter().map(ToString::to_string).collect();
            lines.push((keys.join(" "), action.help, false));
        }
        lines.push((String::new(), "", false));
        if context == Context::Find {
            // The palette is typed into in the same way.
            break;
        }
    }
    lines.extend(
        WORDS
            .iter()
            .map(|(word, meaning, title)| ((*word).to_owned(), *meaning, *title)),
    );
    lines
}

/// What a reader of the panes has to know, in the words of the panes.
const WORDS: &[(&str, &str, bool)] = &[
    ("Words", "", true),
    (
        "cursor",
        "The one instant that every pane shows the state of.",
        false,
    ),
    (
        "window",
        "The time that the recording covers completely; what is older only the history knows.",
        false,
    ),
    ("poll", "An interval in which a thread ran a task.", false),
    (
        "wake",
        "The instant at which somebody made a task ready to run.",
        false,
    ),
    (
        "delay",
        "From ready to polled; p99 is over the polls of the window.",
        false,
    ),
    (
        "blind",
        "While every worker is inside a poll nobody asks for I/O and timers.",
        false,
    ),
    (
        "unwakeab",
        "Unwakeable: pending, and no waker is left that could wake it.",
        false,
    ),
];

/// How many lines the help of a pane has.
pub(super) fn help_len(of: Context) -> usize {
    help_lines(of).len()
}

/// How many lines of help are seen at a time.
pub(super) fn help_capacity(pane: Rect) -> usize {
    usize::from(inner(centred(pane, 100, u16::MAX)).height).max(1)
}

pub(super) fn draw_help(buffer: &mut Buffer, pane: Rect, theme: Theme, of: Context, top: usize) {
    let area = centred(pane, 100, u16::MAX);
    blank(buffer, area, theme, " help ");
    let inside = inner(area);
    let lines = help_lines(of);
    for (row, (keys, help, title)) in lines
        .iter()
        .skip(top)
        .take(usize::from(inside.height))
        .enumerate()
    {
        let mut pen = Pen::new(buffer, inside, row as u16);
        if *title {
            pen.put(keys, theme.style(Role::Strong));
        } else {
            pen.left(keys, 16, theme.style(Role::Key))
                .skip(1)
                .fit(help, theme.style(Role::Plain));
        }
    }
    let seen = top + usize::from(inside.height);
    if seen < lines.len() {
        let more = format!(" j, k: {} more lines ", lines.len() - seen);
        let below = Rect {
            y: area.bottom().saturating_sub(1),
            height: 1,
            ..area
        };
        Pen::new(buffer, below, 0)
            .skip(usize::from(area.width).saturating_sub(width(&more) + 2))
            .put(&more, theme.style(Role::Dim));
    }
}

/// The middle of `pane`, at most so wide and high.
fn centred(pane: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(pane.width);
    let height = height.min(pane.height);
    Rect {
        x: pane.x + (pane.width - width) / 2,
        y: pane.y,
        width,
        height,
    }
}

fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// Clears `area` and draws a frame around it.
fn blank(buffer: &mut Buffer, area: Rect, theme: Theme, title: &str) {
    let dim = theme.style(Role::Dim);
    for row in 0..area.height {
        for column in 0..area.width {
            if let Some(cell) = buffer.cell_mut((area.x + column, area.y + row)) {
                cell.reset();
            }
        }
        let edge = row == 0 || row + 1 == area.height;
        let mut pen = Pen::new(buffer, area, row);
        if edge {
            pen.put(&"─".repeat(usize::from(area.width)), dim);
        } else {
            pen.put("│", dim)
                .skip(usize::from(area.width).saturating_sub(2))
                .put("│", dim);
        }
    }
    Pen::new(buffer, area, 0)
        .skip(2)
        .put(title, theme.style(Role::Strong));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_each_pane_tells_every_action_of_it() {
        for of in [Context::Tasks, Context::Task] {
            let lines = help_lines(of);
            for action in in_context(of) {
                assert!(
                    lines.iter().any(|(_, help, _)| *help == action.help),
                    "{}",
                    action.name
                );
            }
            assert!(lines.iter().any(|(keys, ..)| keys.contains("ctrl-c")));
        }
    }

    #[test]
    fn the_palette_finds_every_action_by_its_name() {
        for of in [Context::Tasks, Context::Task] {
            for action in in_context(of).filter(|action| action.id != ActionId::Palette) {
                let mut palette = Palette::new(of);
                palette.typed = action.name.to_owned();
                assert_eq!(palette.chosen(), Some(action.id), "{}", action.name);
            }
        }
    }
}
