//! What the fields of a spawn say: kind, name, number, size and location.

use super::line::{Field, Value};

/// The facts of a spawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spawn {
    pub(super) kind: Kind,
    /// The name that the service gave; may be empty.
    pub(super) name: String,
    /// The runtime's number for it, where the recording is new enough to have it.
    pub(super) number: Option<u64>,
    /// The future's size in bytes.
    pub(super) size: Option<u32>,
    /// Where it was spawned. console-subscriber 0.5 keeps locations to itself; older ones wrote them.
    pub(super) location: String,
}

/// What was spawned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A task of a scheduler.
    #[default]
    Task,
    /// A task of a `LocalSet`.
    Local,
    /// The future of a `block_on`. tokio tells of no wakes of it.
    BlockOn,
    /// A blocking job; tokio's own workers are such jobs, too. It is entered once, for as long as it runs: no poll.
    Blocking,
}

/// Reads the fields.
pub(super) fn spawn(fields: &[Field<'_>]) -> Spawn {
    let mut spawn = Spawn::default();
    let mut place = Place::default();
    for Field { name, value } in fields {
        match (name.as_ref(), value) {
            ("kind", Value::Text(kind)) => {
                spawn.kind = match kind.as_ref() {
                    "blocking" => Kind::Blocking,
                    "block_on" => Kind::BlockOn,
                    "local" => Kind::Local,
                    _ => Kind::Task,
                };
            }
            ("task.name", Value::Text(name)) => name.as_ref().clone_into(&mut spawn.name),
            ("task.id", Value::Number(number)) => spawn.number = Some(*number),
            ("size.bytes", Value::Number(size)) => spawn.size = u32::try_from(*size).ok(),
            ("spawn.location", Value::Text(location)) => {
                location.as_ref().clone_into(&mut spawn.location);
            }
            ("loc.file", Value::Text(file)) => place.file = Some(file),
            ("loc.line", Value::Number(line)) => place.line = Some(*line),
            ("loc.col", Value::Number(column)) => place.column = Some(*column),
            _ => {}
        }
    }
    if let Place {
        file: Some(file),
        line: Some(line),
        column,
    } = place
    {
        spawn.location = format!("{file}:{line}:{}", column.unwrap_or(1));
    }
    spawn
}

#[derive(Default)]
struct Place<'a> {
    file: Option<&'a str>,
    line: Option<u64>,
    column: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<'a>(name: &'a str, value: &'a str) -> Field<'a> {
        Field {
            name: name.into(),
            value: Value::Text(value.into()),
        }
    }

    fn number(name: &str, value: u64) -> Field<'_> {
        Field {
            name: name.into(),
            value: Value::Number(value),
        }
    }

    #[test]
    fn fields_are_bound_by_name() {
        let read = spawn(&[
            number("size.bytes", 80),
            text("kind", "task"),
            number("task.id", 17),
            text("task.name", "server"),
            text("fn", "whatever"),
        ]);
        let expected = Spawn {
            kind: Kind::Task,
            name: "server".to_owned(),
            number: Some(17),
            size: Some(80),
            location: String::new(),
        };
        assert_eq!(read, expected);
        assert_eq!(spawn(&[text("kind", "blocking")]).kind, Kind::Blocking);
        assert_eq!(spawn(&[text("kind", "block_on")]).kind, Kind::BlockOn);
        assert_eq!(spawn(&[]), Spawn::default());
    }

    #[test]
    fn locations_of_older_recordings_are_read() {
        let one = spawn(&[text("spawn.location", "src/a.rs:1:2")]);
        assert_eq!(one.location, "src/a.rs:1:2");
        let three = spawn(&[
            text("loc.file", "src/a.rs"),
            number("loc.col", 2),
            number("loc.line", 1),
        ]);
        assert_eq!(three.location, "src/a.rs:1:2");
    }
}
