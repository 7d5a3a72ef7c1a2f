//! The line in which a filter is typed: what may come next above it, what is wrong with it below it, and the table
//! already showing what it lists.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    actions::ActionId,
    keymap::Keymap,
    layout::Frame,
    overlay::{blank, inner},
    place::{Place, scrolled},
    table::Table,
    text::{Pen, count, plural, width, wrap},
    theme::{Role, Theme},
    view::View,
};
use crate::analysis::query::{Completion, Field, Query, QueryError, Suggestion, Vocabulary};

/// A filter that is being typed, and what to return to if it is given up.
#[derive(Debug)]
pub(super) struct FilterLine {
    typed: String,
    /// The byte before which the next character goes.
    caret: usize,
    problem: Option<QueryError>,
    suggestions: Vec<Suggestion>,
    /// The bytes that a suggestion replaces.
    replace: std::ops::Range<usize>,
    /// The suggestion that was chosen with the arrows.
    selected: Option<usize>,
    pub(super) place: Place,
    pub(super) before: Option<Arc<Query>>,
}

/// Where the caret goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Left,
    Right,
    Start,
    End,
}

impl FilterLine {
    /// Goes on with the filter that is in force.
    pub(super) fn new(place: Place, before: Option<Arc<Query>>, words: &Vocabulary) -> Self {
        let typed = before
            .as_ref()
            .map_or_else(String::new, ToString::to_string);
        let mut line = Self {
            caret: typed.len(),
            typed,
            problem: None,
            suggestions: Vec::new(),
            replace: 0..0,
            selected: None,
            place,
            before,
        };
        line.complete(words);
        line
    }

    /// What is in force once the line is kept; `None` while it cannot be understood.
    pub(super) fn query(&self) -> Option<Option<Arc<Query>>> {
        let query = Query::parse(&self.typed).ok()?;
        Some((!query.is_blank()).then(|| Arc::new(query)))
    }

    /// What the table may show already. A word that is being typed and may become a field is not looked for yet: the
    /// table would be empty until it is one.
    pub(super) fn preview(&self) -> Option<Option<Arc<Query>>> {
        let word = &self.typed[self.replace.clone()];
        let field =
            |one: &Suggestion| one.text.starts_with(word) && Field::named(&one.text).is_some();
        let may_be_field = !word.is_empty() && self.suggestions.iter().any(field);
        if may_be_field { None } else { self.query() }
    }

    /// A character was typed.
    pub(super) fn put(&mut self, typed: char, words: &Vocabulary) {
        self.typed.insert(self.caret, typed);
        self.caret += typed.len_utf8();
        self.complete(words);
    }

    /// Erases the character before the caret.
    pub(super) fn erase(&mut self, words: &Vocabulary) {
        if let Some(last) = self.typed[..self.caret].chars().next_back() {
            self.caret -= last.len_utf8();
            self.typed.remove(self.caret);
        }
        self.complete(words);
    }

    /// Erases everything before the caret.
    pub(super) fn clear(&mut self, words: &Vocabulary) {
        self.typed.replace_range(..self.caret, "");
        self.caret = 0;
        self.complete(words);
    }

    pub(super) fn step(&mut self, step: Step, words: &Vocabulary) {
        let (before, behind) = self.typed.split_at(self.caret);
        let len = |c: Option<char>| c.map_or(0, char::len_utf8);
        self.caret = match step {
            Step::Left => self.caret - len(before.chars().next_back()),
            Step::Right => self.caret + len(behind.chars().next()),
            Step::Start => 0,
            Step::End => self.typed.len(),
        };
        self.complete(words);
    }

    /// Chooses another suggestion; above the first one none is chosen.
    pub(super) fn select(&mut self, by: isize) {
        let last = self.suggestions.len().checked_sub(1);
        self.selected = match (self.selected, last) {
            (_, None) => None,
            (None, Some(_)) if by < 0 => None,
            (None, Some(_)) => Some(0),
            (Some(0), _) if by < 0 => None,
            (Some(now), Some(last)) => Some(now.saturating_add_signed(by).min(last)),
        };
    }

    /// Puts in the suggestion that was chosen with the arrows, if one was. Returns whether it did.
    pub(super) fn take_selected(&mut self, words: &Vocabulary) -> bool {
        let chosen = self.selected.is_some();
        if chosen {
            self.take(words);
        }
        chosen
    }

    /// Puts in the chosen suggestion, or the best.
    pub(super) fn take(&mut self, words: &Vocabulary) {
        let chosen = self.suggestions.get(self.selected.unwrap_or(0));
        if let Some(suggestion) = chosen {
            self.typed
                .replace_range(self.replace.clone(), &suggestion.text);
            self.caret = self.replace.start + suggestion.text.len();
            self.complete(words);
        }
    }

    fn complete(&mut self, words: &Vocabulary) {
        let completion = Completion::new(&self.typed, self.caret, words);
        let there = &self.typed[completion.replace.clone()];
        self.suggestions = completion.suggestions;
        self.suggestions
            .retain(|suggestion| suggestion.text != there);
        self.replace = completion.replace;
        self.selected = None;
        self.problem = Query::parse(&self.typed).err();
    }

    /// Draws the line in place of the strip, what is wrong below it, and the suggestions above it.
    pub(super) fn draw(&self, buffer: &mut Buffer, frame: &Frame, theme: Theme, view: &View) {
        for area in [frame.strip, frame.keys] {
            Pen::new(buffer, area, 0).put(
                &" ".repeat(usize::from(area.width)),
                theme.style(Role::Plain),
            );
            clear(buffer, area);
        }
        self.draw_suggestions(buffer, frame.pane, theme, view);
        const PROMPT: &str = " filter: ";
        let room = usize::from(frame.strip.width).saturating_sub(width(PROMPT) + 1);
        let shown = self.shown(room);
        let typed = &self.typed[shown..];
        let (before, behind) = typed.split_at(self.caret.saturating_sub(shown));
        Pen::new(buffer, frame.strip, 0)
            .put(PROMPT, theme.style(Role::Key))
            .put(before, theme.style(Role::Strong))
            .put("▏", theme.style(Role::Cursor))
            .put(behind, theme.style(Role::Strong));
        let left = width(PROMPT);
        self.draw_below(buffer, frame.keys, theme, &view.keymap, left, shown);
    }

    /// The first byte of the line that is shown, so that the caret is among the `room` cells.
    fn shown(&self, room: usize) -> usize {
        let before = &self.typed[..self.caret];
        let starts = before.char_indices().map(|(index, _)| index);
        let fits = |index: &usize| width(&before[*index..]) < room.max(2);
        starts.into_iter().find(fits).unwrap_or(self.caret)
    }

    /// Carets under what is wrong, or the keys.
    fn draw_below(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        theme: Theme,
        keymap: &Keymap,
        left: usize,
        shown: usize,
    ) {
        let keys = format!(
            "{} completes   {} keeps it   {} gives up",
            keymap.shown(ActionId::Complete),
            keymap.shown(ActionId::EntryAccept),
            keymap.shown(ActionId::EntryCancel)
        );
        let Some(problem) = &self.problem else {
            Pen::new(buffer, area, 0)
                .skip(left)
                .fit(&keys, theme.style(Role::Dim));
            return;
        };
        let at = problem.at();
        let text = |from: usize, to: usize| self.typed.get(from..to).unwrap_or_default();
        // Behind the caret of the line everything stands one cell further to the right.
        let shift = |byte: usize| {
            usize::from(byte > self.caret || (byte == self.caret && at.start < at.end))
        };
        let column = left + width(text(shown, at.start.max(shown))) + shift(at.start);
        let carets = width(text(at.start.max(shown), at.end)).max(1);
        let mut pen = Pen::new(buffer, area, 0);
        pen.skip(column)
            .put(&"^".repeat(carets), theme.style(self.severity()));
        if pen.room() > width(&keys) + 3 {
            pen.skip(2).put(&keys, theme.style(Role::Dim));
        }
    }

    /// What is only missing at the end is no mistake yet.
    fn severity(&self) -> Role {
        match &self.problem {
            Some(problem) if problem.at().start < self.typed.len() => Role::Warning,
            _ => Role::Dim,
        }
    }

    fn draw_suggestions(&self, buffer: &mut Buffer, pane: Rect, theme: Theme, view: &View) {
        let width = pane.width.min(100);
        let room = usize::from(width).saturating_sub(4);
        let mut told = match &self.problem {
            Some(problem) => wrap(&problem.to_string(), room, 2),
            None => vec![matching(&view.table, &view.keymap)],
        };
        if pane.height < 10 && self.severity() == Role::Dim && !self.suggestions.is_empty() {
            // Where there is room for little, what may come next says as well that something is missing.
            told.clear();
        }
        let wanted = self.suggestions.len().min(9) + told.len() + 2;
        // The best of the rows stay in sight.
        let height = u16::try_from(wanted)
            .unwrap_or(u16::MAX)
            .min(pane.height.saturating_sub(4).max(3))
            .min(pane.height);
        let area = Rect {
            x: pane.x,
            y: pane.bottom() - height,
            width,
            height,
        };
        blank(buffer, area, theme, " filter ");
        let inside = inner(area);
        let list = Rect {
            height: inside
                .height
                .saturating_sub(u16::try_from(told.len()).unwrap_or(1)),
            ..inside
        };
        let capacity = usize::from(list.height);
        let selected = self.selected.unwrap_or(0);
        let top = if capacity == 0 {
            0
        } else {
            scrolled(0, selected, self.suggestions.len(), capacity)
        };
        let widest = self.suggestions.iter().skip(top).take(capacity);
        let widest = widest.map(|one| self::width(&one.text)).max().unwrap_or(0);
        let column = (widest + 2).clamp(12, (room * 2 / 3).max(12));
        for (row, (number, suggestion)) in
            (0..list.height).zip(self.suggestions.iter().enumerate().skip(top))
        {
            let chosen = self.selected == Some(number);
            let look = |role| theme.style(if chosen { Role::Selected } else { role });
            Pen::new(buffer, list, row)
                .left(&suggestion.text, column, look(Role::Plain))
                .fit(suggestion.help, look(Role::Dim));
        }
        let role = if self.problem.is_some() {
            self.severity()
        } else {
            Role::Strong
        };
        let below = Rect {
            y: list.bottom(),
            height: inside.bottom().saturating_sub(list.bottom()),
            ..inside
        };
        for (row, line) in (0..below.height).zip(&told) {
            Pen::new(buffer, below, row).fit(line, theme.style(role));
        }
    }
}

fn clear(buffer: &mut Buffer, area: Rect) {
    for x in area.left()..area.right() {
        if let Some(cell) = buffer.cell_mut((x, area.y)) {
            cell.reset();
        }
    }
}

/// How many tasks the filter lists, and of how many nobody can tell.
fn matching(table: &Table, keymap: &Keymap) -> String {
    let Some(passing) = table.passing() else {
        if table.wish.filter.is_some() {
            return "asking every task".to_owned();
        }
        return "every task matches; for example: longest>5ms or delay>5ms".to_owned();
    };
    let mut text = format!(
        "{} of {} match",
        count(passing.matching as u64),
        plural(passing.of as u64, "task")
    );
    if let Some(hidden) = hidden(table, keymap) {
        text.push_str(&format!(", {hidden}"));
    }
    if passing.unknown > 0 {
        text.push_str(&format!(
            "; of {} nobody can tell: it was not recorded",
            count(passing.unknown as u64)
        ));
    }
    text
}

/// How many of those that match are not listed, being not alive at the cursor, and which key lists them.
pub(super) fn hidden(table: &Table, keymap: &Keymap) -> Option<String> {
    let wish = &table.wish;
    let shows_the_living = !wish.all && !wish.folded && wish.find.is_empty() && wish.only.is_none();
    let matching = table.passing()?.matching;
    let hidden = matching.saturating_sub(table.rows().len());
    let key = keymap.shown(ActionId::ShowAll);
    (shows_the_living && hidden > 0).then(|| {
        format!(
            "{} of them not alive: {key} lists {}",
            count(hidden as u64),
            if hidden == 1 { "it" } else { "them" }
        )
    })
}

#[cfg(test)]
mod tests;
