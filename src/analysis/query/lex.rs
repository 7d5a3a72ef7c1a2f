//! Text to tokens, each with its place.

use std::ops::Range;

use super::{QueryError, expr::Op};

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A run of letters, digits and most signs.
    Word(String),
    /// What stands between quotes.
    Quoted(String),
    /// A comparison.
    Op(Op),
    And,
    Or,
    Not,
    Open,
    Close,
}

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
}

/// The longest text that is read.
pub(super) const LONGEST: usize = 4_096;

/// The tokens of `text`, and what stopped them before its end.
pub(super) fn tokens(text: &str) -> (Vec<Token>, Option<QueryError>) {
    let mut tokens = Vec::new();
    if text.len() > LONGEST {
        let sentence = format!("a filter has {LONGEST} bytes at most");
        return (tokens, Some(QueryError::new(0..0, sentence)));
    }
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (kind, len) = if let Some((kind, len)) = sign(rest) {
            (kind, len)
        } else if matches!(first, '"' | '\'') {
            match quoted(rest, first) {
                Some((inside, len)) => (Kind::Quoted(inside), len),
                None => {
                    let sentence = "the quote that begins here is not closed";
                    return (tokens, Some(QueryError::new(at..at + 1, sentence)));
                }
            }
        } else {
            let word = &rest[..word_len(rest)];
            let kind = match word {
                "and" | "AND" => Kind::And,
                "or" | "OR" => Kind::Or,
                "not" | "NOT" => Kind::Not,
                word => Kind::Word(word.to_owned()),
            };
            (kind, word.len())
        };
        tokens.push(Token {
            kind,
            at: at..at + len,
        });
        at += len;
    }
    (tokens, None)
}

/// The sign that `text` begins with, longest first.
fn sign(text: &str) -> Option<(Kind, usize)> {
    const SIGNS: &[(&str, Kind)] = &[
        ("&&", Kind::And),
        ("||", Kind::Or),
        ("!=", Kind::Op(Op::Ne)),
        ("!~", Kind::Op(Op::Lacks)),
        ("<=", Kind::Op(Op::Le)),
        (">=", Kind::Op(Op::Ge)),
        ("==", Kind::Op(Op::Eq)),
        ("=", Kind::Op(Op::Eq)),
        ("<", Kind::Op(Op::Lt)),
        (">", Kind::Op(Op::Gt)),
        ("~", Kind::Op(Op::Has)),
        ("!", Kind::Not),
        ("(", Kind::Open),
        (")", Kind::Close),
    ];
    SIGNS
        .iter()
        .find(|(sign, _)| text.starts_with(sign))
        .map(|(sign, kind)| (kind.clone(), sign.len()))
}

/// How many bytes of `text` are a word; at least its first character.
fn word_len(text: &str) -> usize {
    text.char_indices()
        .skip(1)
        .find(|(index, c)| c.is_whitespace() || is_quote(*c) || sign(&text[*index..]).is_some())
        .map_or(text.len(), |(index, _)| index)
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'')
}

/// What stands between the quote at the start of `text` and the next one, and how many bytes that takes with both.
/// A backslash makes a quote or a backslash ordinary.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        match c {
            '\\' if chars
                .peek()
                .is_some_and(|(_, c)| *c == '\\' || is_quote(*c)) =>
            {
                inside.extend(chars.next().map(|(_, c)| c));
            }
            c if c == quote => return Some((inside, index + 1)),
            c => inside.push(c),
        }
    }
    None
}

/// `text` as a token that reads as it: as it stands where that is a word, else between quotes.
pub(super) fn written(text: &str) -> String {
    let is_word = !text.is_empty()
        && !matches!(text, "unknown" | "none" | "yes" | "no")
        && !text.contains('*')
        && matches!(tokens(text).0.as_slice(), [Token { kind: Kind::Word(word), .. }] if word == text);
    if is_word {
        return text.to_owned();
    }
    quote(text)
}

/// `text` between quotes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '\\' | '"' | '\'') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
