//! What may come next while a filter is typed: fields, comparisons, values of the recording at hand.

use std::ops::Range;

use super::{
    Field, Type,
    expr::Op,
    fields::FIELDS,
    lex::{self, Kind, Token, tokens},
    text, value,
};
use crate::recording::{Recording, StrId, WaitIx};

/// The words of a recording that values are completed with, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    names: Vec<String>,
    locations: Vec<String>,
    marks: Vec<String>,
    threads: Vec<String>,
    runtimes: Vec<String>,
}

/// The most words of a kind; more would help nobody to choose.
const MOST_WORDS: usize = 2_000;
/// The most waits that are looked through for marks.
const MOST_WAITS: usize = 1_000_000;

impl Vocabulary {
    /// Collects the words of `recording`; it takes a while where there are a million tasks.
    #[must_use]
    pub fn new(recording: &Recording) -> Self {
        let facts = || recording.tasks().map(|task| recording.task(task));
        let waits = (0..recording.wait_count().min(MOST_WAITS)).map(WaitIx::new);
        let threads = recording.threads().iter().map(|thread| thread.name);
        let runtimes = recording.runtimes().iter().map(|runtime| runtime.name);
        Self {
            names: frequent(recording, facts().map(|facts| facts.name)),
            locations: frequent(recording, facts().map(|facts| facts.location)),
            marks: frequent(recording, waits.map(|wait| recording.wait(wait).name)),
            threads: frequent(recording, threads),
            runtimes: frequent(recording, runtimes),
        }
    }
}

fn frequent(recording: &Recording, texts: impl Iterator<Item = StrId>) -> Vec<String> {
    let mut counts = vec![0u32; recording.strings().len()];
    for text in texts {
        counts[text.index()] = counts[text.index()].saturating_add(1);
    }
    let mut words: Vec<(u32, &str)> = (counts.into_iter().zip(recording.strings()))
        .filter(|(count, text)| *count > 0 && !text.is_empty())
        .collect();
    words.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    words.truncate(MOST_WORDS);
    words.into_iter().map(|(_, text)| text.to_owned()).collect()
}

/// Something that may come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What to put in.
    pub text: String,
    /// One sentence about it; empty where the text says it all.
    pub help: &'static str,
}

/// What may come next at a place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The bytes that a suggestion replaces.
    pub replace: Range<usize>,
    /// Best first.
    pub suggestions: Vec<Suggestion>,
}

/// The most suggestions.
const MOST: usize = 64;

impl Completion {
    /// What may stand at byte `position` of `text`, which is moved back to the boundary of a character. What is behind
    /// it is left alone.
    #[must_use]
    pub fn new(text: &str, position: usize, vocabulary: &Vocabulary) -> Self {
        let mut position = position.min(text.len());
        while !text.is_char_boundary(position) {
            position -= 1;
        }
        let before = &text[..position];
        let (tokens, error) = tokens(before);
        if let Some(error) = error {
            return open_quote(before, &tokens, error.at().start, vocabulary);
        }
        let mut gathered = Gathered {
            replace: position..position,
            suggestions: Vec::new(),
        };
        // The word that is being typed reaches up to the position.
        let (typed, done) = match tokens.split_last() {
            Some((last, done)) if last.at.end == position => match &last.kind {
                Kind::Word(word) => (Some((word.as_str(), last)), done),
                Kind::And | Kind::Or | Kind::Not if !is_sign(before, last) => {
                    (Some((&before[last.at.clone()], last)), done)
                }
                _ => (None, tokens.as_slice()),
            },
            _ => (None, tokens.as_slice()),
        };
        let word = typed.map_or("", |(word, _)| word);
        if let Some((_, token)) = typed {
            gathered.replace = token.at.clone();
        }
        match done {
            [
                ..,
                Token {
                    kind: Kind::Word(name),
                    ..
                },
                Token {
                    kind: Kind::Op(op), ..
                },
            ] => {
                if let Some(field) = Field::named(name) {
                    gathered.values(field, *op, word, vocabulary);
                }
            }
            // A unit may follow its number, but nobody needs help with that.
            _ => gathered.operand(word, done, position),
        }
        gathered.finish()
    }
}

fn is_sign(text: &str, token: &Token) -> bool {
    !text[token.at.clone()].starts_with(char::is_alphabetic)
}

/// Inside a quote that is not closed yet, only a value can be meant.
fn open_quote(before: &str, tokens: &[Token], from: usize, vocabulary: &Vocabulary) -> Completion {
    let mut gathered = Gathered {
        replace: from..before.len(),
        suggestions: Vec::new(),
    };
    if let [
        ..,
        Token {
            kind: Kind::Word(name),
            ..
        },
        Token {
            kind: Kind::Op(op), ..
        },
    ] = tokens
        && let Some(field) = Field::named(name)
        && let Some(typed) = before.get(from + 1..)
    {
        gathered.values(field, *op, typed, vocabulary);
        gathered
            .suggestions
            .retain(|one| one.text != "none" && one.text != "unknown");
    }
    gathered.finish()
}

struct Gathered {
    replace: Range<usize>,
    suggestions: Vec<Suggestion>,
}

impl Gathered {
    fn put(&mut self, text: impl Into<String>, help: &'static str) {
        self.suggestions.push(Suggestion {
            text: text.into(),
            help,
        });
    }

    fn finish(mut self) -> Completion {
        self.suggestions.truncate(MOST);
        Completion {
            replace: self.replace,
            suggestions: self.suggestions,
        }
    }

    /// Where a comparison begins, or goes on behind its field, or another one is joined.
    fn operand(&mut self, word: &str, done: &[Token], position: usize) {
        let joins = matches!(
            done.last().map(|token| &token.kind),
            Some(Kind::Word(_) | Kind::Quoted(_) | Kind::Close)
        );
        // `state ` waits for its comparison.
        if let (
            "",
            Some(Token {
                kind: Kind::Word(name),
                ..
            }),
        ) = (word, done.last())
            && let Some(field) = Field::named(name)
            && !matches!(
                done,
                [
                    ..,
                    Token {
                        kind: Kind::Op(_),
                        ..
                    },
                    _
                ]
            )
        {
            self.operators(field, "");
            return;
        }
        if let Some(field) = Field::named(word) {
            self.operators(field, word);
            if field.kind == Type::Flag && self.replace.end == position {
                self.put(field.name, field.help);
            }
        }
        if joins {
            for (keyword, help) in [
                ("and", "Both are true; it may be left out."),
                ("or", "One of both is true."),
            ] {
                if keyword.starts_with(word) {
                    self.put(format!("{keyword} "), help);
                }
            }
        }
        let lower = word.to_lowercase();
        let begin = |field: &&Field| field.name.starts_with(&lower);
        for field in FIELDS.iter().filter(begin) {
            if field.name != word {
                self.put(field.name, field.help);
            }
        }
        if !lower.is_empty() {
            let inside = |field: &&Field| !begin(field) && field.name.contains(&lower);
            for field in FIELDS.iter().filter(inside) {
                self.put(field.name, field.help);
            }
        }
        for (keyword, help) in [
            ("not ", "The opposite is true."),
            (
                "poll(",
                "True of one and the same poll, as in poll(delay>5ms and worker=0).",
            ),
        ] {
            if keyword.starts_with(word) {
                self.put(keyword, help);
            }
        }
    }

    fn operators(&mut self, field: &Field, prefix: &str) {
        for op in Op::ALL.into_iter().filter(|op| op.fits(field.kind)) {
            self.put(format!("{prefix}{}", op.sign()), op.help());
        }
    }

    fn values(&mut self, field: &Field, op: Op, typed: &str, vocabulary: &Vocabulary) {
        let equality = matches!(op, Op::Eq | Op::Ne);
        match field.kind {
            Type::Word(words) => self.words(words, typed),
            Type::Flag => self.words(&["yes", "no"], typed),
            Type::Text | Type::Who => self.texts(field, typed, vocabulary),
            kind => {
                let number = typed.trim_end_matches(|c: char| !c.is_ascii_digit());
                let units = value::units(kind)
                    .iter()
                    .filter(|(unit, _)| unit.is_ascii());
                if number.is_empty() {
                    for example in match kind {
                        Type::Length => ["1ms", "10ms", "100ms", "1s"].as_slice(),
                        Type::Bytes => ["1KiB", "16KiB", "1MiB"].as_slice(),
                        Type::Count => ["1", "100", "10k"].as_slice(),
                        _ => [].as_slice(),
                    } {
                        self.put(*example, "");
                    }
                } else {
                    for (unit, _) in units {
                        let whole = format!("{number}{unit}");
                        if whole.starts_with(typed) && whole != typed {
                            self.put(whole, "");
                        }
                    }
                }
            }
        }
        if equality {
            for (word, help) in [
                ("none", "It is known that there is none."),
                ("unknown", "It was not recorded."),
            ] {
                let has = |one: &Suggestion| one.text == word;
                if word.starts_with(typed)
                    && !self.suggestions.iter().any(has)
                    && is_missing(field, word)
                {
                    self.put(word, help);
                }
            }
        }
    }

    fn words(&mut self, words: &[&str], typed: &str) {
        let fitting = words.iter().filter(|word| word.starts_with(typed));
        for word in fitting {
            self.put(*word, "");
        }
    }

    /// Words of the recording: those that begin so, then those that contain it.
    fn texts(&mut self, field: &Field, typed: &str, vocabulary: &Vocabulary) {
        use super::FieldId::{Location, Name, Runtime, Thread, Wait, WaitedOn, WokenBy};
        const OTHERS: [&str; 3] = ["runtime", "blocking", "outside"];
        let lists: &[&[String]] = match field.id {
            Location => &[&vocabulary.locations],
            Wait | WaitedOn => &[&vocabulary.marks],
            Thread => &[&vocabulary.threads],
            Runtime => &[&vocabulary.runtimes],
            Name => &[&vocabulary.names],
            _ => &[&vocabulary.names, &vocabulary.threads],
        };
        let words = lists
            .iter()
            .flat_map(|list| list.iter().map(String::as_str));
        let others = OTHERS.iter().copied().filter(|_| field.id == WokenBy);
        let folded = text::folded(typed);
        let mut inside: Vec<&str> = Vec::new();
        for word in others.chain(words) {
            if self.suggestions.len() >= MOST {
                break;
            }
            if word.starts_with(typed) {
                self.put(lex::written(word), "");
            } else if text::contains(word, &folded) {
                inside.push(word);
            }
        }
        for word in inside {
            self.put(lex::written(word), "");
        }
    }
}

/// Whether a field can be missing in that way, so that it is worth suggesting.
fn is_missing(field: &Field, how: &str) -> bool {
    use super::FieldId::{
        DelayMax, DelayP50, DelayP99, End, Ended, Idle, Location, Longest, Name, Ready, Runtime,
        SelfWakes, Size, Spawned, SpawnedBy, Wait, WaitedOn, Wakes, WokenBy,
    };
    match how {
        "none" => matches!(
            field.id,
            Name | SpawnedBy | Ended | End | Wait | WaitedOn | WokenBy | Idle | Ready | Longest
        ),
        _ => matches!(
            field.id,
            Location
                | Runtime
                | Size
                | Spawned
                | SpawnedBy
                | Wait
                | WokenBy
                | Wakes
                | SelfWakes
                | DelayP50
                | DelayP99
                | DelayMax
        ),
    }
}
