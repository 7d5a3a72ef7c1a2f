//! How the events of one schema are kept as they stand: the names of their fields, and the units that it annotates.

use dial9_trace_format::{decoder::RawEvent, schema::FieldAnnotation, types::FieldValueRef};

use super::{super::bind::SPAN_ENTER, Binding, Kind, Stream};
use crate::recording::{Field, StrId, Value};

/// The fields that say whose an event is.
const TASKS: [&str; 2] = ["task_id", "dial9.tokio.task_id"];
/// How a schema says in which unit a field counts, or that a field says whose an event is.
const UNIT: &str = "unit";
const ROLE: &str = "dial9.role";
const ROLE_TASK: &str = "tokio.task_id";

/// The most fields of one event that are kept.
const MOST_FIELDS: usize = 128;

/// One schema's layout.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The event's name; of an entered span, the module that it comes from.
    pub(super) name: StrId,
    /// The place in the code that a span's schema names.
    location: StrId,
    /// Which field says whose the event is.
    pub(super) task: Option<usize>,
    fields: Vec<(StrId, StrId)>,
    /// Annotations may follow the schema, and even its first events.
    annotations: usize,
}

impl Stream<'_> {
    /// The layout of an event's schema.
    pub(super) fn layout(&mut self, event: &RawEvent<'_, '_>, binding: &Binding) -> &Layout {
        let id = event.type_id.0;
        let annotations = event.schema.annotations().len();
        let known = self.layouts.get(&id);
        if known.is_none_or(|layout| layout.annotations != annotations) {
            let layout = self.lay_out(event, binding);
            self.layouts.insert(id, layout);
        }
        &self.layouts[&id]
    }

    fn lay_out(&mut self, event: &RawEvent<'_, '_>, binding: &Binding) -> Layout {
        let schema = event.schema;
        let annotated = |place: usize, key: &str| {
            let mut all = schema.annotations().iter();
            all.find(|note| usize::from(note.field_index()) == place && note.key() == key)
                .map(FieldAnnotation::value)
        };
        let (name, location) = match schema.name().strip_prefix(SPAN_ENTER) {
            Some(place) if binding.kind == Kind::SpanEnter => module_and_place(place),
            _ => (schema.name(), ""),
        };
        let fields = schema.fields().iter().enumerate();
        let task = fields.clone().find(|(place, field)| {
            TASKS.contains(&field.name()) || annotated(*place, ROLE) == Some(ROLE_TASK)
        });
        Layout {
            name: self.intern(name),
            location: self.intern(location),
            task: task.map(|(place, _)| place),
            fields: fields
                .map(|(place, field)| {
                    let unit = annotated(place, UNIT).unwrap_or_default();
                    (self.intern(field.name()), self.intern(unit))
                })
                .collect(),
            annotations: schema.annotations().len(),
        }
    }

    /// The fields of an event, except those that its kind binds.
    pub(super) fn fields(&mut self, event: &RawEvent<'_, '_>, binding: &Binding) -> Vec<Field> {
        let layout = self.layout(event, binding);
        let location = layout.location;
        let names = layout.fields.clone();
        let mut fields = Vec::new();
        for (place, (value, (name, unit))) in event.fields.iter().zip(names).enumerate() {
            if binding.binds(place) {
                continue;
            }
            if fields.len() == MOST_FIELDS || self.out.room == 0 {
                self.out.fields_over_cap += 1;
            } else if let Some(value) = self.value(event, value) {
                fields.push(Field { name, value, unit });
                self.out.room -= 1;
            }
        }
        if location != StrId::NONE {
            fields.push(Field {
                name: self.intern("location"),
                value: Value::Str(location),
                unit: StrId::NONE,
            });
        }
        fields
    }

    /// A value as it is kept; none where the event leaves it out.
    fn value(&mut self, event: &RawEvent<'_, '_>, value: &FieldValueRef<'_>) -> Option<Value> {
        let elements = |count: usize| Value::List(count as u64);
        Some(match value {
            FieldValueRef::Varint(number) => Value::U64(*number),
            FieldValueRef::I64(number) => Value::I64(*number),
            FieldValueRef::F64(number) => Value::F64(*number),
            FieldValueRef::Bool(yes) => Value::Bool(*yes),
            FieldValueRef::String(_) | FieldValueRef::PooledString(_) => {
                Value::Str(self.text(event, Some(value)))
            }
            FieldValueRef::Bytes(bytes) => Value::Bytes(bytes.len() as u64),
            FieldValueRef::StackFrames(frames) => elements(frames.iter().count()),
            FieldValueRef::PooledStackFrames(id) => {
                elements(event.stack_pool.get(*id).map_or(0, <[u64]>::len))
            }
            FieldValueRef::StringMap(entries) => elements(entries.iter().count()),
            FieldValueRef::List(list) => elements(list.iter().count()),
            FieldValueRef::Map(map) => elements(map.iter().count()),
            // Left out, or of a type that a newer version of the format crate decodes.
            _ => return None,
        })
    }
}

/// `a::b` and `src/b.rs:7` of `a::b::name:src/b.rs:7`, which is how a span's schema names its place in the code.
fn module_and_place(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let is_single = |at: usize| {
        bytes[at] == b':'
            && bytes.get(at + 1) != Some(&b':')
            && at.checked_sub(1).map(|before| bytes[before]) != Some(b':')
    };
    let (path, place) = match (0..bytes.len()).find(|at| is_single(*at)) {
        Some(colon) => (&text[..colon], &text[colon + 1..]),
        None => (text, ""),
    };
    let module = path.rsplit_once("::").map_or("", |(module, _)| module);
    (module, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_span_s_schema_is_taken_apart() {
        for (name, parts) in [
            (
                "svc::routes::get:src/routes.rs:83",
                ("svc::routes", "src/routes.rs:83"),
            ),
            ("svc::get:C:\\a.rs:8", ("svc", "C:\\a.rs:8")),
            ("get:src/a.rs:1", ("", "src/a.rs:1")),
            ("svc::get", ("svc", "")),
            ("", ("", "")),
            (":", ("", "")),
        ] {
            assert_eq!(module_and_place(name), parts, "{name}");
        }
    }
}
