//! The texts of one batch: names and places, interned once, and the metadata of the segment.

use std::sync::PoisonError;

use dial9_trace_format::{decoder::RawEvent, types::FieldValueRef};

use super::{super::bind::Binding, Stream};
use crate::recording::StrId;

/// The most entries of metadata that are kept.
const MOST_METADATA: usize = 4_096;
/// The most names of series that are kept at hand.
const MOST_FIXED: usize = 4_096;

impl Stream<'_> {
    /// Remembers where `task` was spawned, unless that is known.
    #[inline]
    pub(super) fn locate(
        &mut self,
        task: u64,
        event: &RawEvent<'_, '_>,
        binding: &Binding,
        place: usize,
    ) {
        let known = self.out.batch.task(task);
        if self.located.get(known) == Some(&true) {
            return;
        }
        self.mark_located(known);
        let location = self.text(event, binding.value(event, place));
        if location != StrId::NONE {
            self.out.locations.push((task, location));
        }
    }

    pub(super) fn mark_located(&mut self, task: usize) {
        if self.located.len() <= task {
            self.located.resize(task + 1, false);
        }
        self.located[task] = true;
    }

    pub(super) fn intern(&self, text: &str) -> StrId {
        let mut builder = self.builder.lock().unwrap_or_else(PoisonError::into_inner);
        builder.intern(text)
    }

    /// The same, for texts that come again and again.
    pub(super) fn fixed(&mut self, text: &str) -> StrId {
        if let Some(known) = self.fixed.get(text) {
            return *known;
        }
        let id = self.intern(text);
        if self.fixed.len() < MOST_FIXED {
            self.fixed.insert(text.to_owned(), id);
        }
        id
    }

    /// The text of a field; empty where it is none.
    pub(super) fn text(
        &mut self,
        event: &RawEvent<'_, '_>,
        value: Option<&FieldValueRef<'_>>,
    ) -> StrId {
        match value {
            Some(FieldValueRef::PooledString(id)) => {
                if let Some(known) = self.texts.get(id) {
                    return *known;
                }
                let text = event.string_pool.get(*id).unwrap_or_default();
                let text = self.intern(text);
                self.texts.insert(*id, text);
                text
            }
            Some(FieldValueRef::String(text)) => self.intern(text),
            _ => StrId::NONE,
        }
    }

    pub(super) fn metadata(&mut self, entries: &FieldValueRef<'_>) -> Option<()> {
        let FieldValueRef::StringMap(entries) = entries else {
            return None;
        };
        for (key, value) in entries.iter() {
            if self.out.metadata.len() < MOST_METADATA || self.out.metadata.contains_key(key) {
                self.out.metadata.insert(key.to_owned(), value.to_owned());
            }
        }
        Some(())
    }
}
