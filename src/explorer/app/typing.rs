//! What is typed, or chosen from a list, in the layer above a pane: how it begins, what a key does to it, and how it is
//! kept or given up.

use super::{App, Effect};
use crate::{
    analysis::query::Vocabulary,
    explorer::{
        actions::ActionId, filter::FilterLine, overlay::Overlay, place::Pane, steps::KINDS,
    },
};

impl App {
    /// A character was typed that is no key of the layer above the pane.
    pub(super) fn typed(&mut self, typed: char) {
        if let Some(Overlay::Kinds(selected)) = &mut self.overlay {
            if let Some(kind) = KINDS.iter().position(|(_, letter, _)| *letter == typed) {
                *selected = kind;
                self.accept();
            }
        } else if self.is_filtering() {
            self.edit_filter(|line, words| line.put(typed, words));
        } else {
            self.entry(|text| text.push(typed));
        }
    }

    pub(super) fn find(&mut self) {
        let Some(view) = &mut self.view else { return };
        self.overlay = Some(Overlay::Find {
            place: view.place,
            before: std::mem::take(&mut view.table.wish.find),
        });
        view.note = None;
        view.place.pane = Pane::Tasks;
        view.settle();
    }

    /// Opens the line in which a filter is typed, above the tasks.
    pub(super) fn filter(&mut self) {
        let Some(view) = &mut self.view else { return };
        let before = view.table.wish.filter.clone();
        let line = FilterLine::new(view.place, before, &view.opened.facts.words);
        self.overlay = Some(Overlay::Filter(line));
        view.note = None;
        view.place.pane = Pane::Tasks;
        view.settle();
    }

    pub(super) fn is_filtering(&self) -> bool {
        matches!(self.overlay, Some(Overlay::Filter(_)))
    }

    /// Changes the filter that is typed; the table follows as soon as it can be understood.
    pub(super) fn edit_filter(&mut self, edit: impl FnOnce(&mut FilterLine, &Vocabulary)) {
        if let (Some(Overlay::Filter(line)), Some(view)) = (&mut self.overlay, &mut self.view) {
            edit(line, &view.opened.facts.words);
            if let Some(query) = line.preview() {
                view.set_filter(query);
            }
        }
    }

    /// Keeps the filter, unless a suggestion was chosen, which is put in first, or it cannot be understood.
    fn accept_filter(&mut self, mut line: FilterLine) {
        let Some(view) = &mut self.view else { return };
        let words = &view.opened.facts.words;
        if line.take_selected(words) {
            self.overlay = Some(Overlay::Filter(line));
            self.edit_filter(|_, _| ());
            return;
        }
        match line.query() {
            None => self.overlay = Some(Overlay::Filter(line)),
            Some(query) => {
                view.set_filter(query);
                if view.place != line.place {
                    view.jumps.push(line.place);
                }
            }
        }
    }

    pub(super) fn accept(&mut self) -> Effect {
        match self.overlay.take() {
            Some(Overlay::Filter(line)) => {
                self.accept_filter(line);
                Effect::None
            }
            Some(Overlay::Palette(palette)) => palette
                .chosen()
                .map_or(Effect::None, |action| self.act(action)),
            Some(Overlay::Time { typed, .. }) => {
                self.go_to_typed(typed);
                Effect::None
            }
            Some(Overlay::Kinds(selected)) => {
                if let (Some(view), Some((kind, _, name))) = (&mut self.view, KINDS.get(selected)) {
                    view.step_kind = *kind;
                    let [next, previous, any, before] = [
                        ActionId::StepNext,
                        ActionId::StepPrevious,
                        ActionId::AnyNext,
                        ActionId::AnyPrevious,
                    ]
                    .map(|action| view.key(action));
                    view.note = Some(format!(
                        "Stepping through {name}: {next} and {previous} of the selected task, {any} and {before} of any."
                    ));
                }
                Effect::None
            }
            Some(Overlay::Find { place, .. }) => {
                if let Some(view) = self.view.as_mut().filter(|view| view.place != place) {
                    view.jumps.push(place);
                }
                Effect::None
            }
            _ => Effect::None,
        }
    }

    /// Goes to the instant that was typed, or says what is wrong with it and lets it be mended.
    fn go_to_typed(&mut self, typed: String) {
        let Some(view) = &mut self.view else { return };
        if typed.is_empty() {
            return;
        }
        if let Err(problem) = typed.parse().and_then(|when| view.go_to_instant(when)) {
            self.overlay = Some(Overlay::Time {
                typed,
                problem: Some(problem),
            });
        }
    }

    pub(super) fn cancel(&mut self) {
        let (Some(overlay), Some(view)) = (self.overlay.take(), &mut self.view) else {
            return;
        };
        view.table.select_first = false;
        match overlay {
            Overlay::Find { place, before } => {
                view.table.wish.find = before;
                view.place = place;
            }
            Overlay::Filter(line) => {
                view.table.wish.filter = line.before;
                view.place = line.place;
            }
            _ => {}
        }
        view.settle();
    }

    /// Changes what is typed, if something is being typed.
    pub(super) fn entry(&mut self, change: impl FnOnce(&mut String)) {
        match (&mut self.overlay, &mut self.view) {
            (Some(Overlay::Find { .. }), Some(view)) => {
                change(&mut view.table.wish.find);
                view.select_first();
            }
            (Some(Overlay::Time { typed, problem }), _) => {
                change(typed);
                *problem = None;
            }
            (Some(Overlay::Palette(palette)), _) => {
                change(&mut palette.typed);
                palette.typed_changed();
            }
            _ => {}
        }
    }

    pub(super) fn entry_select(&mut self, by: isize, action: ActionId) {
        match (&mut self.overlay, &mut self.view) {
            (Some(Overlay::Find { .. }), Some(view)) => view.act(action),
            (Some(Overlay::Filter(line)), _) => line.select(by),
            (Some(Overlay::Palette(palette)), _) => palette.select(by),
            (Some(Overlay::Kinds(selected)), _) => {
                *selected = selected.saturating_add_signed(by).min(KINDS.len() - 1);
            }
            _ => {}
        }
    }
}
