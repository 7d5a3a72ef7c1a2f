//! A key as the action table names it and as a person reads it.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with its modifiers. Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

impl Key {
    /// The key that types `c`.
    #[must_use]
    pub(super) const fn char(c: char) -> Self {
        Self {
            code: KeyCode::Char(c),
            ctrl: false,
            alt: false,
        }
    }

    /// Ctrl and the lower-case letter `c`.
    #[must_use]
    pub(super) const fn ctrl(c: char) -> Self {
        Self {
            code: KeyCode::Char(c),
            ctrl: true,
            alt: false,
        }
    }

    /// A key that types no character.
    #[must_use]
    pub(super) const fn code(code: KeyCode) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
        }
    }

    /// The character that it types, if it types one.
    #[must_use]
    pub(super) fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt && !c.is_control() => Some(c),
            _ => None,
        }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            // Terminals differ in what they send for Ctrl-H and Backspace, and for Shift-Tab.
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self {
            code,
            ctrl,
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::Enter => f.write_str("enter"),
            KeyCode::Esc => f.write_str("esc"),
            KeyCode::Tab => f.write_str("tab"),
            KeyCode::BackTab => f.write_str("shift-tab"),
            KeyCode::Backspace => f.write_str("backspace"),
            KeyCode::Up => f.write_str("↑"),
            KeyCode::Down => f.write_str("↓"),
            KeyCode::Left => f.write_str("←"),
            KeyCode::Right => f.write_str("→"),
            KeyCode::PageUp => f.write_str("pgup"),
            KeyCode::PageDown => f.write_str("pgdn"),
            KeyCode::Home => f.write_str("home"),
            KeyCode::End => f.write_str("end"),
            KeyCode::F(number) => write!(f, "f{number}"),
            code => write!(f, "{}", format!("{code:?}").to_lowercase()),
        }
    }
}

/// Keys that type no character, by their names.
const NAMES: [(&str, KeyCode); 18] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("↑", KeyCode::Up),
    ("down", KeyCode::Down),
    ("↓", KeyCode::Down),
    ("left", KeyCode::Left),
    ("←", KeyCode::Left),
    ("right", KeyCode::Right),
    ("→", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("space", KeyCode::Char(' ')),
];

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty())
            {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() && !NAMES.iter().any(|(name, _)| *name == rest) => {
                KeyCode::Char(if ctrl { c.to_ascii_lowercase() } else { c })
            }
            _ => code(rest).ok_or_else(|| {
                format!("{text:?} is no key; write it as e, E, ctrl-e, alt-e, enter, up, pgdn, f5 or space")
            })?,
        };
        Ok(Self { code, ctrl, alt })
    }
}

fn code(name: &str) -> Option<KeyCode> {
    let number = || {
        name.strip_prefix('f')?
            .parse()
            .ok()
            .filter(|n| (1..=12).contains(n))
    };
    match name {
        "pgup" => Some(KeyCode::PageUp),
        "pgdn" => Some(KeyCode::PageDown),
        _ => NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, code)| *code)
            .or_else(|| number().map(KeyCode::F)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_shown() {
        let table = crate::explorer::action_table::ACTIONS.iter();
        let more = [
            Key::char('-'),
            Key::ctrl('-'),
            Key::code(KeyCode::F(5)),
            Key::code(KeyCode::Delete),
        ];
        for key in table.flat_map(|action| action.keys).chain(&more) {
            assert_eq!(key.to_string().parse(), Ok(*key));
        }
        assert_eq!("pgup".parse(), Ok(Key::code(KeyCode::PageUp)));
        assert_eq!("up".parse(), Ok(Key::code(KeyCode::Up)));
        for wrong in ["", "ctrl-", "nonsense", "f13", "\n"] {
            assert!(wrong.parse::<Key>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn terminals_spell_keys_in_several_ways() {
        let event = |code, modifiers| Key::from(KeyEvent::new(code, modifiers));
        assert_eq!(
            event(KeyCode::Char('N'), KeyModifiers::SHIFT),
            Key::char('N')
        );
        assert_eq!(
            event(KeyCode::Char('C'), KeyModifiers::CONTROL),
            Key::ctrl('c')
        );
        assert_eq!(
            event(KeyCode::Tab, KeyModifiers::SHIFT),
            Key::code(KeyCode::BackTab)
        );
        assert_eq!(
            event(KeyCode::BackTab, KeyModifiers::SHIFT),
            Key::code(KeyCode::BackTab)
        );
        assert_eq!(Key::ctrl('o').typed(), None);
        assert_eq!(Key::char('/').typed(), Some('/'));
        assert_eq!(
            [Key::ctrl('z'), Key::code(KeyCode::PageDown)].map(|key| key.to_string()),
            ["ctrl-z", "pgdn"]
        );
    }
}
