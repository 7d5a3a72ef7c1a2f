//! What a filter says, as a tree: how it is written, and in which order it is best asked.

use std::{fmt, sync::Arc};

use super::{Field, Type, lex, text, value};

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// Contains, whatever the case.
    Has,
    /// Does not contain.
    Lacks,
}

impl Op {
    pub(super) const ALL: [Self; 8] = [
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::Has,
        Self::Lacks,
    ];

    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Has => "~",
            Self::Lacks => "!~",
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Eq => "is; in a text * stands for anything",
            Self::Ne => "is not",
            Self::Lt => "less than",
            Self::Le => "at most",
            Self::Gt => "more than",
            Self::Ge => "at least",
            Self::Has => "contains, whatever the case",
            Self::Lacks => "does not contain",
        }
    }

    /// Whether it says that something is not so.
    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::Ne | Self::Lacks)
    }

    /// Whether values of type `kind` can be compared so.
    pub(super) fn fits(self, kind: Type) -> bool {
        match self {
            Self::Eq | Self::Ne => true,
            Self::Lt | Self::Le | Self::Gt | Self::Ge => kind.is_ordered(),
            Self::Has | Self::Lacks => kind.is_text(),
        }
    }
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(i128),
    /// One of the field's words; `yes` or `no` of a flag.
    Word(&'static str),
    /// All of the text, or the part that it shall contain.
    Text(String),
    /// All of the text, with `*` for anything.
    Glob(String),
    /// It was not recorded.
    Unknown,
    /// It is known that there is none.
    Nothing,
    /// A string of a recording for whose number it says yes. Only a bound filter has it.
    Among(Arc<[bool]>),
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Predicate {
    pub(super) field: &'static Field,
    pub(super) op: Op,
    pub(super) value: Value,
}

/// A tree of comparisons. It is no deeper than the parser allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    Is(Predicate),
    /// Name or location contains it, or it is the id.
    Find(String),
    /// The same in a bound filter: the strings that contain it, and the id.
    Found(Arc<[bool]>, Option<u64>),
    Not(Box<Expr>),
    /// True of one poll. Of a task: of any of its polls.
    Poll(Box<Expr>),
    /// Not one, and none of them is an `And`; empty for everything.
    And(Vec<Expr>),
    /// At least two, and none of them is an `Or`.
    Or(Vec<Expr>),
}

impl Expr {
    /// What is true of everything.
    pub(super) fn everything() -> Self {
        Self::And(Vec::new())
    }

    /// True where all of `parts` are.
    pub(super) fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::And(parts) => flat.extend(parts),
                part => flat.push(part),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// True where one of `parts` is; there is at least one.
    pub(super) fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Or(parts) => flat.extend(parts),
                part => flat.push(part),
            }
        }
        match flat.len() {
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// Whether `what` holds for any field in it; a search for words asks for name, location and id.
    pub(super) fn any(&self, what: &mut impl FnMut(&'static Field) -> bool) -> bool {
        match self {
            Self::Is(predicate) => what(predicate.field),
            Self::Find(_) | Self::Found(..) => false,
            Self::Not(inner) | Self::Poll(inner) => inner.any(what),
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.any(what)),
        }
    }

    /// The same with what is cheap in front, and texts ready to be looked for.
    pub(super) fn plan(&self) -> Self {
        let sorted = |parts: &[Self]| {
            let mut parts: Vec<Self> = parts.iter().map(Self::plan).collect();
            parts.sort_by_key(Self::cost);
            parts
        };
        match self {
            Self::Find(part) => Self::Find(text::folded(part)),
            Self::Found(..) => self.clone(),
            Self::Is(predicate) => {
                let mut predicate = predicate.clone();
                if let (Op::Has | Op::Lacks, Value::Text(part)) =
                    (predicate.op, &mut predicate.value)
                {
                    *part = text::folded(part);
                }
                Self::Is(predicate)
            }
            Self::Not(inner) => Self::Not(Box::new(inner.plan())),
            Self::Poll(inner) => Self::Poll(Box::new(inner.plan())),
            Self::And(parts) => Self::And(sorted(parts)),
            Self::Or(parts) => Self::Or(sorted(parts)),
        }
    }

    /// How dear the dearest of its comparisons is.
    fn cost(&self) -> u8 {
        match self {
            Self::Is(predicate) => predicate.field.cost,
            Self::Find(_) | Self::Found(..) => 1,
            Self::Not(inner) => inner.cost(),
            Self::Poll(inner) => inner.cost().max(9),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().map(Self::cost).max().unwrap_or_default()
            }
        }
    }

    /// How tightly it holds together; what is looser needs parentheses inside.
    fn rank(&self) -> u8 {
        match self {
            Self::Or(_) => 0,
            Self::And(_) => 1,
            _ => 2,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = |f: &mut fmt::Formatter<'_>, part: &Self, rank: u8| {
            if part.rank() < rank {
                write!(f, "({part})")
            } else {
                write!(f, "{part}")
            }
        };
        match self {
            Self::Is(predicate) => predicate.fmt(f),
            Self::Find(word) => match Field::named(word) {
                Some(_) => f.write_str(&lex::quote(word)),
                None => f.write_str(&lex::written(word)),
            },
            // A bound filter is never written.
            Self::Found(..) => Ok(()),
            Self::Not(inner) => {
                f.write_str("not ")?;
                inside(f, inner, 2)
            }
            Self::Poll(inner) => write!(f, "poll({inner})"),
            Self::And(parts) | Self::Or(parts) => {
                let word = if self.rank() == 1 { " and " } else { " or " };
                for (place, part) in parts.iter().enumerate() {
                    if place > 0 {
                        f.write_str(word)?;
                    }
                    inside(f, part, self.rank() + 1)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match &self.value {
            Value::Number(number) => value::written(self.field.kind, *number),
            Value::Word(word) => (*word).to_owned(),
            Value::Text(text) => lex::written(text),
            Value::Glob(pattern) => pattern.clone(),
            Value::Unknown => "unknown".to_owned(),
            Value::Nothing => "none".to_owned(),
            Value::Among(_) => String::new(),
        };
        write!(f, "{}{}{value}", self.field.name, self.op.sign())
    }
}
