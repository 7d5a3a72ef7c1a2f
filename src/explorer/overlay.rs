//! What lies over a pane for a while: the search line, the command palette, sheets of text.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::{Action, ActionId, Context, in_context},
    filter::FilterLine,
    fuzzy::Fuzzy,
    keymap::Keymap,
    place::{Place, scrolled},
    sheet::Sheet,
    steps::KINDS,
    text::Pen,
    theme::{Role, Theme},
};

/// The layer above the pane, which gets the keys first.
#[derive(Debug)]
pub(super) enum Overlay {
    /// A search is typed; what to return to if it is cancelled.
    Find { place: Place, before: String },
    /// A filter is typed.
    Filter(FilterLine),
    /// An instant is typed; what was wrong with what was typed.
    Time {
        typed: String,
        problem: Option<String>,
    },
    /// One of the kinds of events is chosen, this one at present.
    Kinds(usize),
    /// An action is chosen by name, among those of the pane below.
    Palette(Palette),
    /// A sheet of text, from its line `top` on.
    Sheet { sheet: Sheet, top: usize },
}

impl Overlay {
    pub(super) fn context(&self) -> Context {
        match self {
            Self::Find { .. } => Context::Find,
            Self::Time { .. } => Context::Time,
            Self::Filter(_) => Context::Filter,
            Self::Kinds(_) => Context::Kinds,
            Self::Palette(_) => Context::Palette,
            Self::Sheet { .. } => Context::Sheet,
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
        let words = self.typed.to_lowercase();
        let mut scored: Vec<(i64, &Action)> = in_context(self.of)
            .filter(|action| action.id != ActionId::Palette)
            .filter_map(|action| {
                // A name that matches is meant more surely than a sentence that holds the very words.
                let score = if action.name == self.typed {
                    i64::MAX
                } else if let Some(score) = fuzzy.score(action.name) {
                    score.saturating_add(1)
                } else if action.help.to_lowercase().contains(&words) {
                    0
                } else {
                    return None;
                };
                Some((score, action))
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

    pub(super) fn draw(&self, buffer: &mut Buffer, pane: Rect, theme: Theme, keymap: &Keymap) {
        let matches = self.matches();
        let height = u16::try_from(matches.len())
            .unwrap_or(u16::MAX)
            .clamp(1, 14)
            + 3;
        let area = centred(pane, 90, height);
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
            let key = keymap.shown(action.id);
            let mut pen = Pen::new(buffer, list, row as u16);
            pen.left(action.name, 19, style)
                .left(&key, 10, style)
                .fit(action.help, style);
        }
    }
}

/// The line in which a search is typed, in place of the bottom line.
pub(super) fn draw_find(
    buffer: &mut Buffer,
    area: Rect,
    theme: Theme,
    keymap: &Keymap,
    typed: &str,
) {
    Pen::new(buffer, area, 0)
        .skip(1)
        .put("/", theme.style(Role::Key))
        .put(typed, theme.style(Role::Strong))
        .put("▏", theme.style(Role::Cursor))
        .skip(2)
        .put(
            &format!(
                "name, location or id   {} keeps it   {} gives up",
                keymap.shown(ActionId::EntryAccept),
                keymap.shown(ActionId::EntryCancel)
            ),
            theme.style(Role::Dim),
        );
}

/// The line in which an instant is typed, in place of the bottom line.
pub(super) fn draw_time(
    buffer: &mut Buffer,
    area: Rect,
    theme: Theme,
    keymap: &Keymap,
    typed: &str,
    problem: Option<&str>,
) {
    let mut pen = Pen::new(buffer, area, 0);
    pen.skip(1)
        .put("go to ", theme.style(Role::Key))
        .put(typed, theme.style(Role::Strong))
        .put("▏", theme.style(Role::Cursor))
        .skip(2);
    match problem {
        Some(problem) => pen.fit(problem, theme.style(Role::Warning)),
        None => pen.fit(
            &format!(
                "12.5s, 1m2s, -3ms, 09:20:31 UTC, end   {} goes  {} gives up",
                keymap.shown(ActionId::EntryAccept),
                keymap.shown(ActionId::EntryCancel)
            ),
            theme.style(Role::Dim),
        ),
    };
}

/// The list of what can be stepped through.
pub(super) fn draw_kinds(buffer: &mut Buffer, pane: Rect, theme: Theme, selected: usize) {
    let height = u16::try_from(KINDS.len()).unwrap_or(u16::MAX) + 2;
    let area = centred(pane, 40, height);
    blank(buffer, area, theme, " step through ");
    let inside = inner(area);
    let capacity = usize::from(inside.height).max(1);
    let top = scrolled(0, selected, KINDS.len(), capacity);
    for (row, (_, letter, name)) in KINDS.iter().enumerate().skip(top).take(capacity) {
        let style = theme.style(if row == selected {
            Role::Selected
        } else {
            Role::Plain
        });
        Pen::new(buffer, inside, (row - top) as u16)
            .put(&letter.to_string(), theme.style(Role::Key))
            .skip(2)
            .fit(name, style);
    }
}

/// The middle of `pane`, at most so wide and high.
pub(super) fn centred(pane: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(pane.width);
    let height = height.min(pane.height);
    Rect {
        x: pane.x + (pane.width - width) / 2,
        y: pane.y,
        width,
        height,
    }
}

pub(super) fn inner(area: Rect) -> Rect {
    Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1.min(area.height),
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}

/// Clears `area` and draws a frame around it.
pub(super) fn blank(buffer: &mut Buffer, area: Rect, theme: Theme, title: &str) {
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
    use crate::explorer::action_table::PANES;

    #[test]
    fn the_palette_finds_every_action_by_its_name() {
        for of in PANES.iter().copied() {
            for action in in_context(of).filter(|action| action.id != ActionId::Palette) {
                let mut palette = Palette::new(of);
                palette.typed = action.name.to_owned();
                assert_eq!(palette.chosen(), Some(action.id), "{}", action.name);
            }
        }
    }
}
