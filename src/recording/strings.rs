//! Interned strings, made harmless once, when they are loaded.

use std::collections::HashMap;

/// The most characters that a string of a recording keeps.
pub const MAX_CHARS: usize = 512;

/// A string of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StrId(u32);

impl StrId {
    /// No string: nothing was recorded there. It reads as the empty string.
    pub const NONE: Self = Self(0);

    /// Whether there is a string.
    #[must_use]
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }

    /// Its number among the strings of its recording; 0 for none.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every string of a recording, one behind the other.
#[derive(Debug)]
pub(crate) struct Strings {
    blob: String,
    /// Where each string ends; entry 0 is the end of [`StrId::NONE`].
    ends: Vec<u32>,
}

impl Strings {
    pub(crate) fn get(&self, id: StrId) -> &str {
        let index = id.0 as usize;
        let Some(&end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.blob[start as usize..end as usize]
    }

    /// All of them by number, the empty one of [`StrId::NONE`] first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len() as u32).map(|id| self.get(StrId(id)))
    }
}

/// Collects strings while a recording is built.
#[derive(Debug)]
pub(crate) struct Interner {
    strings: Strings,
    ids: HashMap<Box<str>, StrId>,
}

impl Default for Interner {
    fn default() -> Self {
        Self {
            strings: Strings {
                blob: String::new(),
                ends: vec![0],
            },
            ids: HashMap::new(),
        }
    }
}

impl Interner {
    /// Sanitises and interns `text`; the empty string is [`StrId::NONE`], and so is one beyond 4 GiB of text.
    pub(crate) fn intern(&mut self, text: &str) -> StrId {
        if text.is_empty() {
            return StrId::NONE;
        }
        let clean = sanitise(text);
        if let Some(&id) = self.ids.get(clean.as_str()) {
            return id;
        }
        let Ok(end) = u32::try_from(self.strings.blob.len() + clean.len()) else {
            return StrId::NONE;
        };
        let Ok(id) = u32::try_from(self.strings.ends.len()) else {
            return StrId::NONE;
        };
        self.strings.blob.push_str(&clean);
        self.strings.ends.push(end);
        self.ids.insert(clean.into_boxed_str(), StrId(id));
        StrId(id)
    }

    pub(crate) fn finish(self) -> Strings {
        self.strings
    }
}

/// Makes a string from a file safe to print: control characters (C0, C1, DEL), and characters that reorder or hide
/// text (bidirectional controls, zero-width and line separators) become visible, and the length is capped.
///
/// It serves for file names and messages as well: nothing from outside reaches a terminal without it.
#[must_use]
pub fn sanitise(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(MAX_CHARS * 4));
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            clean.push('…');
            break;
        }
        match c {
            // The control pictures block has a glyph for each of C0 and for DEL.
            '\0'..='\x1f' => {
                clean.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'));
            }
            '\x7f' => clean.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{ad}' => escape(&mut clean, c),
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
                escape(&mut clean, c);
            }
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => escape(&mut clean, c),
            '\u{e0000}'..='\u{e007f}' => escape(&mut clean, c),
            _ => clean.push(c),
        }
    }
    clean
}

fn escape(clean: &mut String, c: char) {
    clean.extend(c.escape_unicode());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_survives() {
        let hostile: String = (0..0x300u32)
            .chain(0x2000..0x2070)
            .chain([0xfeff, 0x61c])
            .filter_map(char::from_u32)
            .collect();
        for part in hostile.chars().collect::<Vec<_>>().chunks(100) {
            let clean = sanitise(&part.iter().collect::<String>());
            assert!(!clean.chars().any(char::is_control), "{clean:?}");
            assert!(
                !clean
                    .chars()
                    .any(|c| ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}'),
                "{clean:?}"
            );
        }
        assert_eq!(sanitise("a\x1b[31m\u{9b}\u{7f}"), "a␛[31m\\u{9b}␡");
        assert_eq!(sanitise("src/größe.rs:1:2"), "src/größe.rs:1:2");
    }

    #[test]
    fn long_strings_are_capped() {
        assert_eq!(sanitise(&"ä".repeat(5_000)).chars().count(), MAX_CHARS + 1);
    }

    #[test]
    fn equal_strings_share_an_id() {
        let mut interner = Interner::default();
        let a = interner.intern("src/a.rs:1:2");
        assert_eq!(a, interner.intern("src/a.rs:1:2"));
        let b = interner.intern("b");
        assert_eq!(interner.intern(""), StrId::NONE);
        let strings = interner.finish();
        assert_eq!(
            (strings.get(a), strings.get(b), strings.get(StrId::NONE)),
            ("src/a.rs:1:2", "b", "")
        );
        assert_eq!(strings.get(StrId(99)), "");
    }
}
