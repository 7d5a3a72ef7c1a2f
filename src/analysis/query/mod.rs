//! The filter language: `state=runnable and delay>5ms`, `location~"db.rs" or name=flush*`, `woken_by=42`.
//!
//! One table of [fields](FIELDS) says what can be compared with what. A comparison with something that was not recorded
//! is neither true nor false, and what is neither is not shown: `not delay>5ms` lists the tasks of which it is known that
//! no poll came later, and leaves out those without a known delay; `delay.p99=unknown` lists just those. What is known
//! not to be there is told apart: `wait=none` lists who waits on no mark.
//!
//! A field of polls asked of a task means any of its polls in the range, each comparison on its own; `poll(delay>5ms
//! and worker=0)` asks for one poll of which both is true. `!=` is always the opposite of `=`: `worker!=0` lists the
//! tasks that were never polled on worker 0.

mod complete;
mod error;
mod eval;
mod expr;
mod fields;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod waiting;

pub use complete::{Completion, Suggestion, Vocabulary};
pub use error::QueryError;
pub use eval::{Filter, Scope, Verdict};
pub use fields::{Basis, Entity, FIELDS, Field, FieldId, Type, fields_markdown};

use std::{fmt, str::FromStr};

use crate::recording::{PollIx, Recording, TaskIx};
use expr::Expr;

/// A filter over tasks or polls that was understood. It belongs to no recording; its `Display` is a text that means
/// the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// As it was written.
    expr: Expr,
    /// The same with what is cheap in front, and ready to be compared.
    plan: Expr,
}

impl Query {
    /// Understands `text`. A blank text matches everything.
    ///
    /// # Errors
    /// One sentence about the first thing that cannot be understood, and where in `text` it stands.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text).map(Self::new)
    }

    fn new(expr: Expr) -> Self {
        let plan = expr.plan();
        Self { expr, plan }
    }

    /// Whether it matches everything, because nothing was asked.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.expr == Expr::everything()
    }

    /// Whether what it says of a task may change when only the cursor moves.
    #[must_use]
    pub fn moves_with_cursor(&self) -> bool {
        self.expr.any(&mut |field| field.basis == Basis::Cursor)
    }

    /// Whether `task` matches. Whoever asks this of many tasks [binds](Query::bind) it first.
    #[must_use]
    pub fn matches(&self, recording: &Recording, task: TaskIx, scope: &Scope) -> bool {
        eval::task(&self.plan, recording, task, scope) == Verdict::Yes
    }

    /// Whether `poll` matches: fields of polls are compared with those of this one, fields of tasks with its task's.
    #[must_use]
    pub fn matches_poll(&self, recording: &Recording, poll: PollIx, scope: &Scope) -> bool {
        eval::poll(&self.plan, recording, poll, scope) == Verdict::Yes
    }

    /// The same filter, with every text of `recording` compared once.
    #[must_use]
    pub fn bind(&self, recording: &Recording) -> Filter {
        Filter::new(&self.plan, recording)
    }
}

impl FromStr for Query {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::parse(text)
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}
