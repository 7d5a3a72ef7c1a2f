//! Named values: what custom events and spans carry.

use std::ops::Range;

use super::{Ns, StrId, time::duration};

/// One named value of an event or of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: StrId,
    /// What the value is.
    pub value: Value,
    /// The unit in which a number counts, as the file spells it; [`StrId::NONE`] where it does not say.
    pub unit: StrId,
}

/// The value of a [`Field`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number that is never negative.
    U64(u64),
    /// A number.
    I64(i64),
    /// A fraction.
    F64(f64),
    /// Yes or no.
    Bool(bool),
    /// Text.
    Str(StrId),
    /// This many bytes, which are not kept.
    Bytes(u64),
    /// A list or a map of this many elements, which are not kept.
    List(u64),
}

impl Value {
    /// The value as a number, where it is one.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::U64(number) => Some(number as f64),
            Self::I64(number) => Some(number as f64),
            Self::F64(number) => Some(number),
            Self::Bool(_) | Self::Str(_) | Self::Bytes(_) | Self::List(_) => None,
        }
    }
}

impl Field {
    /// `name=12.5 ms`, `size=4096 bytes`, `path="/a"`: the name, the value, and its unit.
    #[must_use]
    pub fn text(&self, recording: &super::Recording) -> String {
        format!(
            "{}={}",
            recording.str(self.name),
            self.value_text(recording)
        )
    }

    /// The value with its unit: `12.5 ms`, `4096 bytes`, `"/a"`.
    #[must_use]
    pub fn value_text(&self, recording: &super::Recording) -> String {
        let unit = recording.str(self.unit);
        if matches!(unit, "ns" | "nanoseconds" | "Nanoseconds")
            && let Some(ns) = self.value.nanoseconds()
        {
            return duration(ns);
        }
        let number = match self.value {
            Value::U64(number) => number.to_string(),
            Value::I64(number) => number.to_string(),
            Value::F64(number) => number.to_string(),
            Value::Bool(yes) => return yes.to_string(),
            Value::Str(text) => return format!("\"{}\"", recording.str(text)),
            Value::Bytes(length) => return format!("{length} bytes"),
            Value::List(length) => return format!("{length} elements"),
        };
        match unit {
            "" => number,
            unit => format!("{number} {unit}"),
        }
    }
}

impl Value {
    fn nanoseconds(self) -> Option<Ns> {
        match self {
            Self::U64(number) => Ns::try_from(number).ok(),
            Self::I64(number) => Some(number),
            _ => None,
        }
    }
}

/// The fields of everything that has some, one behind the other: who has fields keeps a range.
#[derive(Debug, Default)]
pub(crate) struct FieldPool(Vec<Field>);

/// Which fields of a [`FieldPool`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldRange {
    from: u32,
    len: u32,
}

impl FieldPool {
    /// Keeps `fields`. Beyond the 2^32 that a range can name there are none.
    pub(crate) fn push(&mut self, fields: &[Field]) -> FieldRange {
        let (Ok(from), Ok(len)) = (u32::try_from(self.0.len()), u32::try_from(fields.len())) else {
            return FieldRange::default();
        };
        self.0.extend_from_slice(fields);
        FieldRange { from, len }
    }

    pub(crate) fn get(&self, range: FieldRange) -> &[Field] {
        let from = range.from as usize;
        let range: Range<usize> = from..from.saturating_add(range.len as usize);
        self.0.get(range).unwrap_or_default()
    }

    /// Takes over the fields of another pool; gives what its ranges have to be moved by.
    pub(crate) fn append(&mut self, other: Self) -> Option<u32> {
        let by = u32::try_from(self.0.len()).ok()?;
        u32::try_from(self.0.len() + other.0.len()).ok()?;
        if self.0.is_empty() {
            self.0 = other.0;
        } else {
            self.0.extend(other.0);
        }
        Some(by)
    }

    pub(crate) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }
}

impl FieldRange {
    pub(crate) fn moved(self, by: Option<u32>) -> Self {
        match by.and_then(|by| self.from.checked_add(by)) {
            Some(from) => Self {
                from,
                len: self.len,
            },
            None => Self::default(),
        }
    }
}
