//! Sheets of text over a pane, to be scrolled and closed: the help, and all about the recording.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    action_table::ENTRIES,
    actions::{ActionId, Context},
    facts::Opened,
    groups::{self, GROUPS, Group},
    keymap::Keymap,
    overlay::{blank, centred, inner},
    text::{Pen, count, plural, width, wrap},
    theme::{Role, Theme},
};
use crate::{
    analysis::query::FIELDS,
    recording::time::{duration, instant, rfc3339},
};

/// Which sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sheet {
    /// What can be done in a pane.
    Help(Context),
    /// Where the recording comes from, what it covers, and what is missing.
    About,
}

/// One line of a sheet: something on the left, and what is said about it.
#[derive(Debug)]
struct Line {
    left: String,
    role: Role,
    text: String,
}

/// Cells of what stands on the left.
const LEFT: usize = 18;

impl Sheet {
    fn title(self) -> &'static str {
        match self {
            Self::Help(_) => " help ",
            Self::About => " about this recording ",
        }
    }

    fn entries(self, opened: &Opened, keymap: &Keymap) -> Vec<Line> {
        match self {
            Self::Help(of) => help(of, keymap),
            Self::About => about(opened),
        }
    }

    /// The lines as they are shown in `cells`, long sentences on several.
    fn lines(self, opened: &Opened, keymap: &Keymap, cells: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        for entry in self.entries(opened, keymap) {
            let room = cells.saturating_sub(LEFT + 1).max(10);
            let mut left = entry.left;
            if entry.text.is_empty() {
                lines.push(Line { left, ..entry });
                continue;
            }
            if width(&left) > LEFT {
                // Many keys take a line of their own.
                lines.push(Line {
                    left: std::mem::take(&mut left),
                    role: entry.role,
                    text: String::new(),
                });
            }
            for text in wrap(&entry.text, room, 6) {
                lines.push(Line {
                    left: std::mem::take(&mut left),
                    role: entry.role,
                    text,
                });
            }
        }
        lines
    }

    /// How many lines there are, and how many are seen at a time.
    pub(super) fn extent(self, opened: &Opened, keymap: &Keymap, pane: Rect) -> (usize, usize) {
        let inside = inner(Self::area(pane));
        let lines = self.lines(opened, keymap, usize::from(inside.width)).len();
        (lines, usize::from(inside.height).max(1))
    }

    fn area(pane: Rect) -> Rect {
        centred(pane, 100, u16::MAX)
    }

    pub(super) fn draw(
        self,
        buffer: &mut Buffer,
        pane: Rect,
        theme: Theme,
        (opened, keymap): (&Opened, &Keymap),
        top: usize,
    ) {
        let area = Self::area(pane);
        blank(buffer, area, theme, self.title());
        let inside = inner(area);
        let lines = self.lines(opened, keymap, usize::from(inside.width));
        for (row, line) in (0..inside.height).zip(lines.iter().skip(top)) {
            let mut pen = Pen::new(buffer, inside, row);
            if line.text.is_empty() {
                pen.fit(&line.left, theme.style(line.role));
            } else {
                pen.left(&line.left, LEFT, theme.style(line.role))
                    .skip(1)
                    .fit(&line.text, theme.style(Role::Plain));
            }
        }
        let seen = top + usize::from(inside.height);
        if seen < lines.len() {
            let key = keymap.shown(ActionId::Down);
            let more = format!(
                " {key}: {} more ",
                plural((lines.len() - seen) as u64, "line")
            );
            let below = Rect {
                y: area.bottom().saturating_sub(1),
                height: 1,
                ..area
            };
            let left = usize::from(area.width).saturating_sub(width(&more) + 2);
            Pen::new(buffer, below, 0)
                .skip(left)
                .put(&more, theme.style(Role::Strong));
        }
    }
}

fn heading(text: &str) -> Line {
    Line {
        left: text.to_owned(),
        role: Role::Strong,
        text: String::new(),
    }
}

fn fact(left: &str, text: impl Into<String>) -> Line {
    Line {
        left: left.to_owned(),
        role: Role::Dim,
        text: text.into(),
    }
}

/// What can be done in a pane, by what it is for; then what can be done while something is typed there.
fn help(of: Context, keymap: &Keymap) -> Vec<Line> {
    let mut lines = Vec::new();
    for (group, title) in GROUPS {
        let here: &[Context] = if group == Group::Typing {
            ENTRIES
        } else {
            &[of]
        };
        let mut actions = groups::actions(group, here).peekable();
        if actions.peek().is_none() {
            continue;
        }
        let title = if group == Group::Here {
            of.title()
        } else {
            title
        };
        lines.push(heading(title));
        for action in actions {
            let keys: Vec<String> = keymap
                .of(action.id)
                .iter()
                .map(ToString::to_string)
                .collect();
            lines.push(Line {
                left: keys.join(" "),
                role: Role::Key,
                text: action.help.to_owned(),
            });
        }
        lines.push(heading(""));
    }
    lines.push(heading("Words"));
    lines.extend(WORDS.iter().map(|(word, meaning)| fact(word, *meaning)));
    lines.extend([heading(""), heading("With the mouse")]);
    lines.extend(MOUSE.iter().map(|(what, does)| fact(what, *does)));
    lines.push(fact(
        &format!("{} or shift", keymap.shown(ActionId::Mouse)),
        "The first gives the mouse to the terminal, which selects text with it; so does the other while it is held.",
    ));
    lines.extend([heading(""), heading("What a filter can ask")]);
    lines.extend(OPERATORS.iter().map(|(sign, does)| fact(sign, *does)));
    lines.extend(FIELDS.iter().map(|field| fact(field.name, field.help)));
    lines
}

/// How a filter compares, and how comparisons are put together.
const OPERATORS: &[(&str, &str)] = &[
    (
        "= !=  < <= > >=",
        "state=runnable, longest>5ms; name=flush* begins with that.",
    ),
    (
        "~ !~",
        "Contains, or does not, whatever the case: location~db.rs.",
    ),
    (
        "and or not ( )",
        "state=waiting and not (polls<3 or name~flush).",
    ),
    (
        "poll( )",
        "One poll of which all of it is true: poll(delay>5ms and worker=0).",
    ),
    (
        "unknown, none",
        "What was not recorded; what is known not to be there: wait=none.",
    ),
];

/// What the mouse does.
const MOUSE: &[(&str, &str)] = &[
    (
        "click",
        "On a pane's name shows it, on a line selects it, on a column's name sorts by it, in a timeline or the strip below puts the cursor there.",
    ),
    (
        "click again",
        "On the selected line goes where it leads, as the key that opens it does.",
    ),
    ("drag", "Along the strip or a timeline: marks a range."),
    (
        "wheel",
        "Over a list goes through its lines, over a timeline zooms about the pointer.",
    ),
];

/// What a reader of the panes has to know, in the words of the panes.
const WORDS: &[(&str, &str)] = &[
    (
        "cursor",
        "The one instant that every pane shows the state of.",
    ),
    (
        "window",
        "The time that the recording covers completely; of what is older, only the history knows.",
    ),
    ("poll", "An interval in which a thread ran a task."),
    (
        "wake",
        "The instant at which somebody made a task ready to run.",
    ),
    ("redundant", "A wake of a task that was ready already."),
    (
        "p99 delay",
        "From ready to polled: 99 of 100 polls in the window waited no longer.",
    ),
    (
        "blind",
        "While every worker of a runtime is inside a poll, nobody asks for I/O and timers.",
    ),
    (
        "waiting",
        "Idle, in a wait that the code has named by a mark.",
    ),
    (
        "unwakeable",
        "Pending, and no waker is left that could wake it.",
    ),
    (
        "runs",
        "In the timeline: how much of the cell was spent in polls (▁ to █), a slow poll stands out; ▒ is runnable: ready, and not polled.",
    ),
    (
        "busy",
        "In the strip below: how much of the workers' time was spent in polls.",
    ),
    (
        "ready",
        "Below the lanes: tasks that were woken or spawned, and not polled yet.",
    ),
    (
        "queue",
        "Tasks in the global queues and in the workers' own, each as it was sampled last: one that moved between two samples is counted twice.",
    ),
    ("alive", "Tasks that were spawned, and had not ended."),
    ("wakes", "How many wakes came in the cell."),
    (
        "/s, %",
        "Of what only grows, such as page faults and the time on the CPU: how fast it grew; 100 % are one CPU.",
    ),
];

fn about(opened: &Opened) -> Vec<Line> {
    let recording = &opened.recording;
    let source = recording.source();
    let mut lines = vec![heading("Where it comes from")];
    if source.sample {
        lines.push(fact("sample", "An incident of the demo service that ships inside this program; name a file to see your own."));
    }
    lines.extend(source.paths.iter().map(|path| fact("file", path.clone())));
    lines.push(fact(
        "format",
        format!("{}, {} bytes", source.format.name(), source.bytes),
    ));
    if let Some(process) = recording.process() {
        let [name, host, platform, recorder] = [
            process.name,
            process.host,
            process.platform,
            process.recorder,
        ]
        .map(|text| recording.str(text));
        // Upstream's traces tell the host at best, and no process.
        let pid = match process.pid {
            0 => String::new(),
            pid => format!(", pid {pid}"),
        };
        lines.push(fact(
            "process",
            format!("{name}{pid}, on {host} ({platform})"),
        ));
        lines.push(fact(
            "recorder",
            format!("{recorder}, level {}", process.level.name()),
        ));
    }
    if let Some(trigger) = recording.trigger() {
        let detail = match recording.str(trigger.detail) {
            "" => String::new(),
            detail => format!(": {detail}"),
        };
        lines.push(fact(
            "trigger",
            format!("{} at {}{detail}", trigger.kind.name(), instant(trigger.at)),
        ));
    }

    let window = recording.window();
    lines.extend([heading(""), heading("What it covers")]);
    let wall = window
        .wall_start
        .and_then(rfc3339)
        .map_or_else(String::new, |wall| format!(", from {wall}"));
    lines.push(fact(
        "window",
        format!("{}{wall}", duration(window.duration())),
    ));
    let counts = recording.counts();
    lines.push(fact(
        "events",
        format!(
            "{}: {} polls, {} wakes, {} spawns",
            count(counts.total),
            count(counts.polls),
            count(counts.wakes),
            count(counts.spawns)
        ),
    ));
    let coverage = recording.coverage();
    lines.push(fact(
        "polls",
        format!(
            "recorded for {} of {} tasks",
            coverage.polls, coverage.tasks
        ),
    ));
    lines.push(fact(
        "wakes",
        format!(
            "recorded for {} of {} tasks",
            coverage.wakes, coverage.tasks
        ),
    ));
    let marks = if coverage.marks {
        "some waits are named by marks"
    } else {
        "no wait is named by a mark"
    };
    lines.push(fact("waits", marks));

    lines.extend([heading(""), heading("What is missing")]);
    if recording.losses().is_empty() {
        lines.push(fact("losses", "none"));
    }
    for loss in recording.losses() {
        let left = format!("{} {}", loss.kind.name(), count(loss.count));
        lines.push(Line {
            left,
            role: Role::Warning,
            text: loss.detail.clone(),
        });
    }

    lines.extend([heading(""), heading("What was not looked for")]);
    lines.extend(
        opened
            .facts
            .not_checked
            .iter()
            .map(|kind| fact(kind.kind.name(), kind.because.clone())),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::query::Query;
    use crate::explorer::action_table::PANES;
    use crate::explorer::actions::in_context;

    #[test]
    fn the_filters_that_the_help_shows_can_be_read() {
        for filter in [
            "state=runnable",
            "longest>5ms",
            "name=flush*",
            "location~db.rs",
            "location!~db.rs",
            "state=waiting and not (polls<3 or name~flush)",
            "poll(delay>5ms and worker=0)",
            "wait=none",
        ] {
            let read: Result<Query, _> = filter.parse();
            assert!(read.is_ok(), "{filter}");
        }
    }

    #[test]
    fn the_help_of_each_pane_tells_every_action_of_it() {
        for of in PANES.iter().copied() {
            let lines = help(of, &Keymap::default());
            for action in in_context(of) {
                assert!(
                    lines.iter().any(|line| line.text == action.help),
                    "{}",
                    action.name
                );
            }
            assert!(lines.iter().any(|line| line.left.contains("ctrl-c")));
        }
    }
}
