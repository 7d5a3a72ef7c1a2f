//! The string table: spawn locations, marks and names, each interned once, outside the ring.

use std::panic::Location;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use dial9_format::NO_STRING;

/// Strings that the table can hold.
const CAPACITY: usize = 4096;
/// Slots that a look-up visits at most.
const PROBES: usize = 64;
/// Longest name that is kept, bytes; a longer one is cut at a character boundary.
pub(crate) const MAX_NAME_BYTES: usize = 128;
/// Names that are not `'static` and so have to be copied: of tasks, and of threads. Each has its own
/// share, so that a service with ever new thread names does not leave its tasks without any.
const MAX_OWNED: u32 = 1024;
const MAX_THREADS: u32 = 256;

/// A string that can become text when a dump is written.
#[derive(Clone, Debug)]
enum Text {
    Location(&'static Location<'static>),
    Static(&'static str),
    Owned(Box<str>),
}

struct Slot {
    /// Hash of the string's identity, never 0; 0 means free.
    key: AtomicU64,
    /// Set once by whoever claimed the slot, so setting it never waits.
    text: OnceLock<Text>,
}

/// The table. Look-ups and insertions are lock-free and bounded.
pub(crate) struct StringTable {
    slots: Box<[Slot]>,
    owned: AtomicU32,
    threads: AtomicU32,
    /// Strings that found no place.
    pub(crate) lost: AtomicU64,
}

impl StringTable {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..CAPACITY)
                .map(|_| Slot {
                    key: AtomicU64::new(0),
                    text: OnceLock::new(),
                })
                .collect(),
            owned: AtomicU32::new(0),
            threads: AtomicU32::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Bytes that the table takes at most, owned names included.
    pub(crate) fn max_bytes() -> usize {
        CAPACITY * size_of::<Slot>() + (MAX_OWNED + MAX_THREADS) as usize * MAX_NAME_BYTES
    }

    /// The number of a place in the code. One address is one place; a place may have two addresses,
    /// which costs a slot and is mended when a dump is written.
    #[inline]
    pub(crate) fn location(&self, location: &'static Location<'static>) -> u32 {
        self.intern(mix(std::ptr::from_ref(location) as u64, 1), true, || {
            Text::Location(location)
        })
    }

    /// The number of a string that lives for ever.
    #[inline]
    pub(crate) fn fixed(&self, text: &'static str) -> u32 {
        if text.is_empty() {
            return NO_STRING;
        }
        self.intern(
            mix(text.as_ptr() as u64, text.len() as u64 + 2),
            true,
            || Text::Static(text),
        )
    }

    /// The number of any string; what is longer than [`MAX_NAME_BYTES`] is cut.
    pub(crate) fn owned(&self, text: &str) -> u32 {
        self.copied(text, &self.owned, MAX_OWNED)
    }

    /// The number of a thread's name, which comes out of the threads' share.
    pub(crate) fn thread(&self, name: &str) -> u32 {
        self.copied(name, &self.threads, MAX_THREADS)
    }

    fn copied(&self, text: &str, used: &AtomicU32, most: u32) -> u32 {
        if text.is_empty() {
            return NO_STRING;
        }
        let mut end = text.len().min(MAX_NAME_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let key = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        // Names that differ each time must not take the slots of places and marks.
        let room = used.load(Ordering::Relaxed) < most;
        self.intern(mix(key, 0), room, || {
            used.fetch_add(1, Ordering::Relaxed);
            Text::Owned(text.into())
        })
    }

    #[inline]
    fn intern(&self, key: u64, insert: bool, text: impl FnOnce() -> Text) -> u32 {
        for probe in 0..PROBES {
            let index = (key as usize).wrapping_add(probe) % CAPACITY;
            let slot = &self.slots[index];
            let found = match slot.key.load(Ordering::Relaxed) {
                0 if !insert => break,
                0 => slot
                    .key
                    .compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed)
                    .err(),
                other => Some(other),
            };
            match found {
                Some(other) if other == key => return index as u32 + 1,
                Some(_) => {}
                None => {
                    // This thread claimed the slot, so nobody else sets it.
                    let _ = slot.text.set(text());
                    return index as u32 + 1;
                }
            }
        }
        self.lost.fetch_add(1, Ordering::Relaxed);
        NO_STRING
    }

    /// Every string as text, by its number; gaps are empty.
    pub(crate) fn texts(&self) -> Vec<(u32, String)> {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(index, slot)| {
                let text = match slot.text.get()? {
                    Text::Location(place) => {
                        format!("{}:{}:{}", place.file(), place.line(), place.column())
                    }
                    Text::Static(text) => (*text).to_owned(),
                    Text::Owned(text) => text.to_string(),
                };
                Some((index as u32 + 1, text))
            })
            .collect()
    }
}

/// Spreads an address or a hash over 64 bits; never 0.
#[inline]
fn mix(value: u64, salt: u64) -> u64 {
    let mut hash = value.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (hash ^ (hash >> 31)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_string_has_one_number_and_comes_back_as_text() {
        let table = StringTable::new();
        let here = Location::caller();
        assert_eq!(table.location(here), table.location(here));
        assert_eq!(table.fixed("orders"), table.fixed("orders"));
        assert_eq!(table.owned(&format!("conn {}", 1)), table.owned("conn 1"));
        assert_ne!(table.owned("conn 1"), table.owned("conn 2"));
        assert_eq!(table.owned(""), NO_STRING);
        let texts: Vec<_> = table.texts().into_iter().map(|(_, text)| text).collect();
        assert!(texts.iter().any(|text| text.starts_with(file!())));
        assert!(texts.iter().any(|text| text == "orders"));
        assert_eq!(
            texts.iter().filter(|text| text.starts_with("conn")).count(),
            2
        );
    }

    #[test]
    fn names_are_bounded_in_length_and_number() {
        let table = StringTable::new();
        let id = table.owned(&"ä".repeat(500));
        let longest = table
            .texts()
            .into_iter()
            .find(|(number, _)| *number == id)
            .expect("kept")
            .1;
        assert_eq!(longest.len(), MAX_NAME_BYTES);
        for number in 0..20_000 {
            table.owned(&number.to_string());
        }
        assert!(table.texts().len() <= MAX_OWNED as usize + 1);
        assert!(table.lost.load(Ordering::Relaxed) > 0);
    }

    #[test]
    fn threads_agree_on_the_numbers() {
        let table = StringTable::new();
        let numbers: Vec<Vec<u32>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..300)
                            .map(|name| table.owned(&format!("name {name}")))
                            .collect()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
