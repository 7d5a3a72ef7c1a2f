//! The present view as a command line that opens it again, and what such a command line asks for.

use std::sync::Arc;

use super::{
    place::Pane,
    show::Show,
    span::Span,
    view::View,
    when::{Stretch, When, exact},
};
use crate::{analysis::query::Query, recording::sanitise};

/// Where the explorer shall open; what is `None` is left to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// The pane.
    pub pane: Option<Pane>,
    /// Where the cursor stands.
    pub at: Option<When>,
    /// The id of the selected task.
    pub task: Option<u64>,
    /// The number of the selected line of that task's history, from 0.
    pub event: Option<usize>,
    /// The other end of the range.
    pub mark: Option<When>,
    /// How much time the timelines show.
    pub span: Option<Stretch>,
    /// The filter of the Tasks pane.
    pub filter: Option<Query>,
    /// What is searched for in the Tasks pane.
    pub find: Option<String>,
    /// How the panes show what they show.
    pub show: Option<Show>,
}

impl Start {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl View {
    /// Goes where a command line asks for.
    ///
    /// # Errors
    /// One sentence about what does not exist in this recording.
    pub(super) fn start_at(&mut self, start: &Start) -> Result<(), String> {
        let window = self.opened.recording.window();
        let resolve = |when: When| when.resolve(window);
        self.untouched = start.is_default();
        if let Some(id) = start.task {
            let task = self.opened.recording.task_by_id(id);
            self.place.task = Some(task.ok_or_else(|| {
                format!("there is no task {id} in this recording; without --task it opens on the one to look at first")
            })?);
        }
        let alone = Pane::Task;
        self.place.pane = start
            .pane
            .or(start.task.map(|_| alone))
            .unwrap_or(self.place.pane);
        let (first, last) = self.opened.bounds();
        if let Some(mark) = start.mark {
            self.place.mark = Some(resolve(mark)?.clamp(first, last));
        }
        let mut note = None;
        if let Some(when) = start.at {
            let at = resolve(when)?;
            note = self.outside(at);
            self.set_cursor(at);
        } else if start.task.is_some() {
            self.set_cursor(self.place.cursor);
        }
        let whole = self.opened.window();
        self.place.span = match start.span {
            None => self.place.span,
            Some(Stretch::Length(length)) => {
                Span::of_length(self.place.cursor.saturating_sub(length / 2), length, whole)
            }
            Some(Stretch::Between(from, to)) => Span::new(resolve(from)?, resolve(to)?),
        };
        if let Some(event) = start.event {
            self.place.event = event;
        }
        self.place.events_top = self.place.event.saturating_sub(self.capacity() / 3);
        self.table.wish.filter = start
            .filter
            .clone()
            .filter(|filter| !filter.is_blank())
            .map(Arc::new);
        self.table.wish.find = start.find.clone().unwrap_or_default();
        self.settle();
        if let Some(show) = &start.show {
            // Which line is selected can be told of lists only that are there.
            self.hear(show);
            self.settle();
        }
        self.note = note;
        Ok(())
    }

    /// What a command line has to ask for so that it opens this view: words, not yet quoted.
    pub(super) fn link(&self) -> Vec<String> {
        let place = &self.place;
        let mut words = Vec::new();
        let mut flag = |name: &str, value: String| {
            // What begins with a minus would look like another flag.
            if value.starts_with('-') {
                words.push(format!("{name}={value}"));
            } else {
                words.extend([name.to_owned(), value]);
            }
        };
        flag("--pane", place.pane.flag().to_owned());
        flag("--at", exact(place.cursor));
        if let Some(task) = place.task {
            flag("--task", self.opened.recording.task(task).id.to_string());
            if place.event != self.event_by_cursor(task) {
                flag("--event", place.event.to_string());
            }
        }
        if let Some(mark) = place.mark {
            flag("--mark", exact(mark));
        }
        if place.span != self.opened.window() {
            let (from, to) = (exact(place.span.from()), exact(place.span.to()));
            flag("--span", format!("{from}..{to}"));
        }
        let wish = &self.table.wish;
        if let Some(filter) = &wish.filter {
            flag("--filter", filter.to_string());
        }
        if !wish.find.is_empty() {
            flag("--find", wish.find.clone());
        }
        let show = self.told().to_string();
        if !show.is_empty() {
            flag("--show", show);
        }
        words
    }
}

/// Words as a shell reads them; nothing of them can do anything to a terminal.
pub(super) fn quoted(words: impl IntoIterator<Item = String>) -> String {
    let words: Vec<String> = words
        .into_iter()
        .map(|word| quote(&sanitise(&word)))
        .collect();
    words.join(" ")
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_words_back() {
        let words = [
            "a.dial9",
            "",
            "it's",
            "state=runnable and delay>5ms",
            "$HOME `x` \"y\"",
            "a;b",
            "\x1b[31m",
        ];
        let line = quoted(words.map(str::to_owned));
        assert!(!line.contains('\x1b'));
        let script = format!("printf '%s\\n' {line}");
        let shell = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let read = String::from_utf8(shell.stdout).unwrap();
        assert_eq!(read.lines().collect::<Vec<_>>(), words.map(sanitise));
    }
}
