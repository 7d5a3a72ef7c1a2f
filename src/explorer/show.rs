//! How the panes show what they show, as words on the command line: `tasks.all,tasks.sort=longest,scheduler.lanes=tasks`.

use std::{fmt, str::FromStr};

use super::{causes, findings, place::Pane, resources, scheduler, table::Wish, view::View, wakers};
use crate::recording::{Recording, StrId};

/// The part of a pane that a command line can tell of. What is as it is at first is not told.
pub(super) trait Shown {
    /// Says all that is not as it is at first; the selected line only where this pane is the one that is `shown`.
    fn tell(&self, shown: bool, say: &mut dyn FnMut(&str, &str));

    /// Takes what such a line says; whether it means anything here.
    fn hear(&mut self, key: &str, value: &str) -> bool;
}

/// The name of `value`, where it is not the first of the choices.
pub(super) fn told<T: PartialEq>(choices: &[(T, &'static str)], value: &T) -> Option<&'static str> {
    let place = choices.iter().position(|(choice, _)| choice == value)?;
    (place > 0).then(|| choices[place].1)
}

/// The choice of that name.
pub(super) fn heard<T: Copy>(choices: &[(T, &str)], name: &str) -> Option<T> {
    let choice = choices.iter().find(|(_, of)| *of == name);
    choice.map(|(choice, _)| *choice)
}

/// Puts the choice of that name in its place; whether there is one.
pub(super) fn choose<T: Copy>(place: &mut T, choices: &[(T, &str)], name: &str) -> bool {
    let choice = heard(choices, name);
    *place = choice.unwrap_or(*place);
    choice.is_some()
}

/// Puts a number in its place; whether it is one.
pub(super) fn number(place: &mut usize, value: &str) -> bool {
    let number = value.parse();
    *place = number.as_ref().copied().unwrap_or(*place);
    number.is_ok()
}

/// What a command line says of the panes: words that all of them understand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Show(Vec<(String, String)>);

/// The one word whose value may hold anything: the location whose tasks are listed. It comes last.
const ONLY: &str = "tasks.only";

impl FromStr for Show {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        // Words are tried on panes that nobody sees.
        let mut panes = Panes::default();
        let mut rest = text;
        while !rest.is_empty() {
            let whole = rest.starts_with(ONLY);
            let (word, after) = match rest.split_once(',') {
                Some(parts) if !whole => parts,
                _ => (rest, ""),
            };
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            if key != ONLY && !panes.hear(key, value) {
                return Err(format!(
                    "{word:?} is nothing that a pane shows; the key y writes what is, such as tasks.sort=longest"
                ));
            }
            words.push((key.to_owned(), value.to_owned()));
            rest = after;
        }
        Ok(Self(words))
    }
}

impl fmt::Display for Show {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (key, value)) in self.0.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let equals = if value.is_empty() { "" } else { "=" };
            write!(f, "{comma}{key}{equals}{value}")?;
        }
        Ok(())
    }
}

/// The panes that understand such words.
#[derive(Default)]
struct Panes {
    wish: Wish,
    findings: findings::Spot,
    wakers: wakers::Spot,
    scheduler: scheduler::Spot,
    resources: resources::Spot,
    causes: causes::Spot,
}

impl Panes {
    fn of(view: &View) -> Self {
        let place = view.place;
        Self {
            wish: view.table.wish.clone(),
            findings: place.findings,
            wakers: place.wakers,
            scheduler: place.scheduler,
            resources: place.resources,
            causes: place.causes,
        }
    }

    fn all(&self) -> [(Pane, &dyn Shown); 6] {
        [
            (Pane::Tasks, &self.wish),
            (Pane::Findings, &self.findings),
            (Pane::Wakers, &self.wakers),
            (Pane::Scheduler, &self.scheduler),
            (Pane::Resources, &self.resources),
            (Pane::Causes, &self.causes),
        ]
    }

    /// Gives one word to the pane that it names; whether that one understands it.
    fn hear(&mut self, key: &str, value: &str) -> bool {
        let Some((pane, key)) = key.split_once('.') else {
            return false;
        };
        match Pane::of_flag(pane) {
            Some(Pane::Tasks) => self.wish.hear(key, value),
            Some(Pane::Findings) => self.findings.hear(key, value),
            Some(Pane::Wakers) => self.wakers.hear(key, value),
            Some(Pane::Scheduler) => self.scheduler.hear(key, value),
            Some(Pane::Resources) => self.resources.hear(key, value),
            Some(Pane::Causes) => self.causes.hear(key, value),
            Some(Pane::Task) | None => false,
        }
    }
}

impl View {
    /// How the panes show what they show.
    pub(super) fn told(&self) -> Show {
        let mut words = Vec::new();
        for (pane, spot) in Panes::of(self).all() {
            spot.tell(self.place.pane == pane, &mut |key, value| {
                words.push((format!("{}.{key}", pane.flag()), value.to_owned()));
            });
        }
        if let Some(only) = self.table.wish.only {
            let location = self.opened.recording.str(only);
            words.push((ONLY.to_owned(), location.to_owned()));
        }
        Show(words)
    }

    /// Makes the panes show what they show in that way.
    pub(super) fn hear(&mut self, show: &Show) {
        let mut panes = Panes::of(self);
        for (key, value) in &show.0 {
            if key == ONLY {
                panes.wish.only = location(&self.opened.recording, value);
            } else {
                panes.hear(key, value);
            }
        }
        self.table.wish = panes.wish;
        self.place.findings = panes.findings;
        self.place.wakers = panes.wakers;
        self.place.scheduler = panes.scheduler;
        self.place.resources = panes.resources;
        self.place.causes = panes.causes;
    }
}

/// The location of that name, if a task was spawned there.
fn location(recording: &Recording, name: &str) -> Option<StrId> {
    let mut locations = recording.tasks().map(|task| recording.task(task).location);
    locations.find(|location| recording.str(*location) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written_or_refused() {
        let text = "tasks.all,tasks.sort=longest,scheduler.lanes=tasks,tasks.only=src/a,b.rs:1:2";
        let show: Show = text.parse().unwrap();
        assert_eq!(show.0.len(), 4);
        assert_eq!(show.to_string(), text);
        for wrong in [
            "all",
            "tasks.sort=size",
            "task.all",
            "scheduler.lane=x",
            "tasks.all,,",
        ] {
            assert!(wrong.parse::<Show>().is_err(), "{wrong}");
        }
    }
}
