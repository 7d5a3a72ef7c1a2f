//! The one table of fields: name, what it is of, type, when it holds, and one sentence about it.

use std::fmt::Write as _;

/// What a field is a property of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// A task.
    Task,
    /// A poll; of a task: any of its polls in the range.
    Poll,
}

/// What a field can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A task's id.
    Id,
    /// A number without a unit.
    Count,
    /// A number of bytes.
    Bytes,
    /// A length of time.
    Length,
    /// An instant, from the window's start; negative before it.
    Instant,
    /// A text.
    Text,
    /// A task by id or name, or somebody who is no task: a runtime, a thread.
    Who,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Yes or no.
    Flag,
}

/// When what a field says is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// At the cursor.
    Cursor,
    /// Summed up over the range; over everything known where none is marked.
    Range,
    /// For the whole life of a task.
    Life,
}

impl Type {
    /// What a value looks like, for help and errors.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Id => "42",
            Self::Count => "100, 10k or 2M",
            Self::Bytes => "512 or 64KiB",
            Self::Length => "250us, 5ms or 1.5s",
            Self::Instant => "1.5s or -200ms",
            Self::Text => "flush* or \"db.rs\"",
            Self::Who => "42, flush* or runtime",
            Self::Word(words) => words.first().copied().unwrap_or_default(),
            Self::Flag => "yes",
        }
    }

    /// Whether values of it have an order.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        matches!(
            self,
            Self::Id | Self::Count | Self::Bytes | Self::Length | Self::Instant
        )
    }

    /// Whether values of it are texts.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Who)
    }
}

impl Basis {
    /// In words: `at the cursor`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cursor => "at the cursor",
            Self::Range => "over the range",
            Self::Life => "whole life",
        }
    }
}

/// Names a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table says what each of them is")]
pub enum FieldId {
    Id,
    Name,
    Location,
    Kind,
    Runtime,
    Size,
    Spawned,
    SpawnedBy,
    Children,
    Ended,
    End,
    State,
    Alive,
    Age,
    Idle,
    Ready,
    Wait,
    Polls,
    Busy,
    Longest,
    Wakes,
    SelfWakes,
    Waits,
    WaitedOn,
    WokenBy,
    DelayP50,
    DelayP99,
    DelayMax,
    Delay,
    Duration,
    Start,
    Worker,
    Thread,
    Outcome,
}

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Which it is.
    pub id: FieldId,
    /// Its name.
    pub name: &'static str,
    /// What it is a property of.
    pub entity: Entity,
    /// What it can be compared with.
    pub kind: Type,
    /// When it holds.
    pub basis: Basis,
    /// One sentence about it.
    pub help: &'static str,
    /// How dear it is to ask: what is cheap is asked first.
    pub(super) cost: u8,
}

/// The words of [`FieldId::State`].
pub(super) const STATES: &[&str] = &[
    "running",
    "runnable",
    "idle",
    "waiting",
    "unwakeable",
    "not-yet-spawned",
    "done",
    "unknown",
];
const KINDS: &[&str] = &["async", "local"];
const ENDS: &[&str] = &["ready", "cancelled", "panicked", "dropped", "ended"];
const OUTCOMES: &[&str] = &["pending", "ready", "panicked", "ended", "still-running"];

const fn field(
    id: FieldId,
    name: &'static str,
    entity: Entity,
    kind: Type,
    basis: Basis,
    cost: u8,
    help: &'static str,
) -> Field {
    Field {
        id,
        name,
        entity,
        kind,
        basis,
        help,
        cost,
    }
}

use {
    Basis::{Cursor, Life, Range},
    Entity::{Poll, Task},
    Type::{Bytes, Count, Flag, Instant, Length, Text, Who, Word},
};

/// Every field, in the order in which help and completion show them.
#[rustfmt::skip]
pub const FIELDS: &[Field] = &[
    field(FieldId::State, "state", Task, Word(STATES), Cursor, 6,
        "What it was doing; idle are those that wait on a mark and the unwakeable, too."),
    field(FieldId::Name, "name", Task, Text, Life, 1, "Its name, where it has one."),
    field(FieldId::Location, "location", Task, Text, Life, 1, "Where it was spawned: file, line and column, or file and line."),
    field(FieldId::Delay, "delay", Poll, Length, Range, 8, "Schedule delay of a poll, from ready to polled; of a task: of any of its polls."),
    field(FieldId::Longest, "longest", Task, Length, Range, 2, "Its longest poll."),
    field(FieldId::Busy, "busy", Task, Length, Range, 2, "The lengths of its polls added up."),
    field(FieldId::Polls, "polls", Task, Count, Range, 2, "How often it was polled."),
    field(FieldId::Idle, "idle", Task, Length, Cursor, 6, "For how long it had been idle."),
    field(FieldId::Ready, "ready", Task, Length, Cursor, 6, "For how long it had been runnable without being polled."),
    field(FieldId::Wait, "wait", Task, Text, Cursor, 7, "What it waits on: the name or place of a mark, or a function or place where it was suspended."),
    field(FieldId::WokenBy, "woken_by", Task, Who, Range, 9, "Any of its wakers: a task's id or name, runtime, blocking, outside, or a thread's name."),
    field(FieldId::SpawnedBy, "spawned_by", Task, Who, Life, 1, "The task that spawned it: id or name; none, if it was spawned from outside."),
    field(FieldId::Wakes, "wakes", Task, Count, Range, 2, "How often it was woken."),
    field(FieldId::SelfWakes, "self_wakes", Task, Count, Range, 3, "How often it woke itself."),
    field(FieldId::DelayP50, "delay.p50", Task, Length, Range, 10, "The median of its schedule delays."),
    field(FieldId::DelayP99, "delay.p99", Task, Length, Range, 10, "99 of 100 of its schedule delays were no longer."),
    field(FieldId::DelayMax, "delay.max", Task, Length, Range, 8, "Its longest schedule delay."),
    field(FieldId::Alive, "alive", Task, Flag, Cursor, 3, "Whether it had been spawned and had not ended."),
    field(FieldId::Age, "age", Task, Length, Cursor, 2, "How long it had lived, or lived in all."),
    field(FieldId::Id, "id", Task, Type::Id, Life, 0, "The runtime's number for it; r0 is the first future that only the recorder numbers."),
    field(FieldId::Kind, "kind", Task, Word(KINDS), Life, 0, "Spawned on the scheduler (async), or polled by a LocalSet, block_on or another executor (local)."),
    field(FieldId::Runtime, "runtime", Task, Text, Life, 1, "The number or the name of its runtime."),
    field(FieldId::Size, "size", Task, Bytes, Life, 0, "The size of its future."),
    field(FieldId::Spawned, "spawned", Task, Instant, Life, 0, "When it was spawned, from the window's start; negative before it."),
    field(FieldId::Ended, "ended", Task, Instant, Life, 0, "When it ended."),
    field(FieldId::End, "end", Task, Word(ENDS), Life, 0, "How it ended."),
    field(FieldId::Children, "children", Task, Count, Life, 1, "How many tasks it spawned."),
    field(FieldId::Waits, "waits", Task, Count, Range, 3, "How many marked waits it began."),
    field(FieldId::WaitedOn, "waited_on", Task, Text, Range, 8, "Any of the marks that it waited on: name or place."),
    field(FieldId::Duration, "duration", Poll, Length, Range, 8, "The length of a poll; of a task: of any of its polls."),
    field(FieldId::Start, "start", Poll, Instant, Range, 8, "When a poll began."),
    field(FieldId::Worker, "worker", Poll, Count, Range, 8, "The worker that a poll ran on."),
    field(FieldId::Thread, "thread", Poll, Text, Range, 9, "The thread that a poll ran on: its name or number."),
    field(FieldId::Outcome, "outcome", Poll, Word(OUTCOMES), Range, 8, "How a poll ended."),
];

impl Field {
    /// The field called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.name == name)
    }

    /// The field whose name is most like `name`, if one is like it at all.
    #[must_use]
    pub fn like(name: &str) -> Option<&'static Self> {
        let name: String = name.chars().take(24).collect::<String>().to_lowercase();
        FIELDS
            .iter()
            .map(|field| (distance(&name, field.name), field))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, field)| *distance <= 1 + field.name.len() / 3)
            .map(|(_, field)| field)
    }
}

/// How many letters have to be put in, left out, exchanged or swapped to turn one word into the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (row[j] + 1)
                .min(last[j + 1] + 1)
                .min(last[j] + usize::from(a != b));
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

/// The table of fields in Markdown, for documentation.
#[must_use]
pub fn fields_markdown() -> String {
    let mut text =
        String::from("| field | of | compare with | when | what |\n|---|---|---|---|---|\n");
    for field in FIELDS {
        let of = match field.entity {
            Task => "task",
            Poll => "poll",
        };
        let with = match field.kind {
            Word(words) => words.join(", "),
            Flag => "yes, no".to_owned(),
            kind => kind.example().to_owned(),
        };
        let (name, when, help) = (field.name, field.basis.name(), field.help);
        let _ = writeln!(text, "| `{name}` | {of} | {with} | {when} | {help} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_words_that_stand_for_one_field_each() {
        let mut names = HashSet::new();
        let mut ids = HashSet::new();
        for field in FIELDS {
            assert!(
                names.insert(field.name) && ids.insert(field.id),
                "{field:?}"
            );
            assert!(field.help.ends_with('.'), "{field:?}");
            assert_eq!(Field::named(field.name), Some(field));
        }
    }

    #[test]
    fn a_misspelt_field_has_a_neighbour() {
        for (typed, meant) in [
            ("nmae", Some("name")),
            ("Location", Some("location")),
            ("wokenby", Some("woken_by")),
            ("delay.p9", Some("delay.p99")),
            ("sate", Some("state")),
            ("xyzzy", None),
            ("", None),
        ] {
            assert_eq!(Field::like(typed).map(|field| field.name), meant, "{typed}");
        }
    }
}
