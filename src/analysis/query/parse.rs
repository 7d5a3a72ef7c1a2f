//! Tokens to a tree, by recursive descent no deeper than [`DEEPEST`].

use std::ops::Range;

use super::{
    Field, QueryError, Type,
    expr::{Expr, Op, Predicate, Value},
    lex::{Kind, Token, tokens},
    value,
};

/// How deep parentheses and `not` may be nested.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expr, QueryError> {
    let (tokens, error) = tokens(text);
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: text.len(),
        depth: 0,
        in_poll: false,
        ran_out: false,
    };
    let parsed = parser.all();
    // What is wrong further to the left is told first.
    match (parsed, error) {
        (Ok(expr), None) => Ok(expr),
        (Ok(_), Some(error)) => Err(error),
        (Err(error), None) => Err(error),
        (Err(one), Some(_)) if !parser.ran_out => Err(one),
        (Err(_), Some(other)) => Err(other),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    next: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
    in_poll: bool,
    /// Whether something was missing at the end.
    ran_out: bool,
}

impl<'a> Parser<'a> {
    fn at_end(&self) -> bool {
        self.next >= self.tokens.len()
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, kind: &Kind) -> Option<Range<usize>> {
        let token = self.peek().filter(|token| token.kind == *kind)?;
        self.next += 1;
        Some(token.at.clone())
    }

    fn here(&self) -> Range<usize> {
        self.peek()
            .map_or(self.end..self.end, |token| token.at.clone())
    }

    fn all(&mut self) -> Result<Expr, QueryError> {
        if self.at_end() {
            return Ok(Expr::everything());
        }
        let expr = self.or()?;
        match self.peek() {
            None => Ok(expr),
            Some(token) => Err(QueryError::new(
                token.at.clone(),
                "nothing is open that this could close",
            )),
        }
    }

    fn or(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.and()?];
        while self.take(&Kind::Or).is_some() {
            parts.push(self.and()?);
        }
        Ok(Expr::or(parts))
    }

    /// What stands side by side belongs together, with `and` or without.
    fn and(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.unary()?];
        loop {
            let joined = self.take(&Kind::And).is_some();
            let ends = matches!(
                self.peek().map(|token| &token.kind),
                None | Some(Kind::Or | Kind::Close)
            );
            if ends && !joined {
                return Ok(Expr::and(parts));
            }
            parts.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Result<Expr, QueryError> {
        let Some(at) = self.take(&Kind::Not) else {
            return self.primary();
        };
        self.deeper(at, |parser| {
            parser.unary().map(|inner| Expr::Not(Box::new(inner)))
        })
    }

    fn deeper(
        &mut self,
        at: Range<usize>,
        inside: impl FnOnce(&mut Self) -> Result<Expr, QueryError>,
    ) -> Result<Expr, QueryError> {
        if self.depth == DEEPEST {
            let sentence = format!("this is nested too deep; {DEEPEST} levels are the most");
            return Err(QueryError::new(at, sentence));
        }
        self.depth += 1;
        let expr = inside(self);
        self.depth -= 1;
        expr
    }

    fn primary(&mut self) -> Result<Expr, QueryError> {
        let Some(token) = self.peek() else {
            self.ran_out = true;
            let sentence = match self.next.checked_sub(1).map(|last| &self.tokens[last].kind) {
                Some(Kind::And) => "something must follow `and`",
                Some(Kind::Or) => "something must follow `or`",
                Some(Kind::Not) => "something must follow `not`",
                _ => "this parenthesis is not closed",
            };
            let at = match self.next.checked_sub(1).map(|last| &self.tokens[last]) {
                Some(token) if token.kind == Kind::Open => token.at.clone(),
                _ => self.end..self.end,
            };
            return Err(QueryError::new(at, sentence));
        };
        let wrong = |sentence: &str| Err(QueryError::new(token.at.clone(), sentence));
        match &token.kind {
            Kind::Open => self.group(false),
            Kind::Word(word) => {
                let before = self.next;
                self.next += 1;
                match self.peek() {
                    Some(Token {
                        kind: Kind::Op(op),
                        at,
                    }) => {
                        self.next += 1;
                        self.comparison(word, &token.at, *op, at)
                    }
                    Some(Token {
                        kind: Kind::Open, ..
                    }) if word == "poll" => self.group(true),
                    _ => {
                        self.next = before;
                        self.bare(word, &token.at)
                    }
                }
            }
            Kind::Quoted(words) if words.is_empty() => wrong("an empty text is in everything"),
            Kind::Quoted(words) => {
                self.next += 1;
                Ok(Expr::Find(words.clone()))
            }
            Kind::Op(op) => wrong(&format!(
                "a field belongs before `{}`, such as state or delay",
                op.sign()
            )),
            Kind::And => wrong("something must stand before `and`"),
            Kind::Or => wrong("something must stand before `or`"),
            Kind::Close => wrong("something must stand before this parenthesis"),
            Kind::Not => wrong("`not` cannot stand here"),
        }
    }

    /// What stands in parentheses.
    fn group(&mut self, of_a_poll: bool) -> Result<Expr, QueryError> {
        let open = self.here();
        self.next += 1;
        if of_a_poll && self.in_poll {
            return Err(QueryError::new(open, "this is about one poll already"));
        }
        let inner = self.deeper(open.clone(), |parser| {
            let outside = parser.in_poll;
            parser.in_poll |= of_a_poll;
            let inner = parser.or();
            parser.in_poll = outside;
            inner
        })?;
        match self.take(&Kind::Close) {
            Some(_) if of_a_poll => Ok(Expr::Poll(Box::new(inner))),
            Some(_) => Ok(inner),
            None => {
                self.ran_out = true;
                Err(QueryError::new(open, "this parenthesis is not closed"))
            }
        }
    }

    /// A word on its own: a flag, or something to look for.
    fn bare(&mut self, word: &str, at: &Range<usize>) -> Result<Expr, QueryError> {
        self.next += 1;
        match Field::named(word) {
            None => Ok(Expr::Find(word.to_owned())),
            Some(field) if field.kind == Type::Flag => Ok(Expr::Is(Predicate {
                field,
                op: Op::Eq,
                value: Value::Word("yes"),
            })),
            Some(field) => {
                let (name, op) = (
                    field.name,
                    Op::ALL.iter().rev().find(|op| op.fits(field.kind)),
                );
                let sign = match op {
                    Some(Op::Lacks) => "~",
                    Some(Op::Ge) => ">",
                    _ => "=",
                };
                let example = field
                    .kind
                    .example()
                    .split([',', ' '])
                    .next()
                    .unwrap_or_default();
                let sentence = format!(
                    "`{name}` is a field: compare it, as in {name}{sign}{example}, or quote it to look for the word"
                );
                Err(QueryError::new(at.clone(), sentence))
            }
        }
    }

    fn comparison(
        &mut self,
        name: &str,
        at: &Range<usize>,
        op: Op,
        op_at: &Range<usize>,
    ) -> Result<Expr, QueryError> {
        let Some(field) = Field::named(name) else {
            let like = Field::like(name).map_or_else(String::new, |field| {
                format!("; did you mean `{}`?", field.name)
            });
            return Err(QueryError::new(
                at.clone(),
                format!("there is no field `{name}`{like}"),
            ));
        };
        if !op.fits(field.kind) {
            let fitting: Vec<&str> = Op::ALL
                .iter()
                .filter(|op| op.fits(field.kind))
                .map(|op| op.sign())
                .collect();
            let sentence = format!(
                "`{name}` cannot be compared with {}; it takes {}",
                op.sign(),
                fitting.join(" ")
            );
            return Err(QueryError::new(op_at.clone(), sentence));
        }
        let Some(token) = self.peek() else {
            self.ran_out = true;
            let sentence = format!("a value is missing, such as {}", field.kind.example());
            return Err(QueryError::new(self.end..self.end, sentence));
        };
        let at = token.at.clone();
        let (written, quoted) = match &token.kind {
            Kind::Word(word) => (word.clone(), false),
            Kind::Quoted(text) => (text.clone(), true),
            // A minus is no sign of the language, but what looks like a keyword may well be a name.
            _ => {
                let sentence = format!(
                    "a value is missing, such as {}; quote it if it looks like a sign",
                    field.kind.example()
                );
                return Err(QueryError::new(at, sentence));
            }
        };
        self.next += 1;
        let written = self.with_unit(field.kind, written);
        let value =
            value(field, op, &written, quoted).map_err(|sentence| QueryError::new(at, sentence))?;
        Ok(Expr::Is(Predicate { field, op, value }))
    }

    /// `5 ms` is meant as `5ms`.
    fn with_unit(&mut self, kind: Type, number: String) -> String {
        let is_number = number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        match self.peek() {
            Some(Token {
                kind: Kind::Word(unit),
                ..
            }) if is_number && value::units(kind).iter().any(|(name, _)| name == unit) => {
                self.next += 1;
                number + unit
            }
            _ => number,
        }
    }
}

/// What `written` means behind `field` and `op`.
fn value(field: &'static Field, op: Op, written: &str, quoted: bool) -> Result<Value, String> {
    let equality = matches!(op, Op::Eq | Op::Ne);
    if equality && !quoted {
        match (written, field.kind) {
            ("unknown", Type::Word(words)) if words.contains(&"unknown") => {}
            ("unknown", _) => return Ok(Value::Unknown),
            ("none", _) => return Ok(Value::Nothing),
            _ => {}
        }
    }
    match field.kind {
        Type::Word(words) => {
            let wanted = written.replace([' ', '_'], "-").to_lowercase();
            let word = words.iter().find(|word| **word == wanted);
            word.map(|word| Value::Word(word))
                .ok_or_else(|| format!("`{}` is one of {}", field.name, words.join(", ")))
        }
        Type::Flag => match written {
            "yes" | "true" => Ok(Value::Word("yes")),
            "no" | "false" => Ok(Value::Word("no")),
            _ => Err(format!("`{}` is yes or no", field.name)),
        },
        Type::Text | Type::Who => Ok(if equality && !quoted && written.contains('*') {
            Value::Glob(written.to_owned())
        } else {
            Value::Text(written.to_owned())
        }),
        kind => value::number(kind, written).map(Value::Number),
    }
}
