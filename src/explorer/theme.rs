//! What things look like: every colour and modifier of the explorer, by role and by what the terminal can show.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// How many colours may be used. Modifiers (bold, dim, reversed) stay at every level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colors {
    /// None at all.
    Off,
    /// The eight of the oldest terminals.
    Eight,
    /// The eight, and their bright twins.
    Sixteen,
    /// The xterm palette.
    Palette,
}

impl Colors {
    /// The level that `NO_COLOR`, `COLORTERM` and `TERM` ask for; `var` reads the environment.
    #[must_use]
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        if set("NO_COLOR").is_some() {
            return Self::Off;
        }
        let term = set("TERM").unwrap_or_default();
        if term.contains("mono") || term.starts_with("vt1") || term.starts_with("vt2") {
            Self::Off
        } else if set("COLORTERM").is_some() || term.contains("256") || term.contains("direct") {
            Self::Palette
        } else if term == "linux" || term == "ansi" || term.starts_with("cons25") {
            Self::Eight
        } else {
            Self::Sixteen
        }
    }
}

impl FromStr for Colors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "8" => Ok(Self::Eight),
            "16" => Ok(Self::Sixteen),
            "256" => Ok(Self::Palette),
            _ => Err("expected off, 8, 16 or 256".to_owned()),
        }
    }
}

/// What a piece of text is, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Ordinary text.
    Plain,
    /// Text that only helps to read the rest: labels, units, rules.
    Dim,
    /// Headings, and the name of what is shown.
    Strong,
    /// The row or the entry that actions apply to.
    Selected,
    /// A key that can be pressed.
    Key,
    /// The word SAMPLE, and other things that must not be missed.
    Banner,
    /// The cursor in a timeline.
    Cursor,
    /// A task that runs, and polls in a timeline.
    Running,
    /// A task that could run, but does not.
    Runnable,
    /// A wait with a name.
    Waiting,
    /// A blind interval.
    Blind,
    /// A finding or state of the worst kind, and slow polls.
    Critical,
    /// A finding of the middle kind; data that was lost.
    Warning,
    /// A finding that is only worth knowing.
    Info,
}

/// Gives each role its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Theme {
    colors: Colors,
}

impl Theme {
    /// A theme that uses at most `colors`.
    #[must_use]
    pub(super) fn new(colors: Colors) -> Self {
        Self { colors }
    }

    /// The style of `role`. Backgrounds stay the terminal's own, so that dark and light ones both work.
    #[must_use]
    pub(super) fn style(self, role: Role) -> Style {
        let (eight, sixteen, palette, modifier) = look(role);
        let color = match self.colors {
            Colors::Off => Color::Reset,
            Colors::Eight => eight,
            Colors::Sixteen => sixteen,
            Colors::Palette => palette,
        };
        Style::new().fg(color).add_modifier(modifier)
    }

    /// One of a few colours that tell things apart which have no role, the same for the same number. None of them is
    /// the colour of something bad.
    #[must_use]
    pub(super) fn hue(self, number: u8) -> Style {
        let number = usize::from(number);
        Style::new().fg(match self.colors {
            Colors::Off => Color::Reset,
            Colors::Eight => HUES_OF_EIGHT[number % HUES_OF_EIGHT.len()],
            Colors::Sixteen => HUES_OF_SIXTEEN[number % HUES_OF_SIXTEEN.len()],
            Colors::Palette => Color::Indexed(HUES[number % HUES.len()]),
        })
    }
}

const HUES_OF_EIGHT: [Color; 5] = [
    Color::Green,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Yellow,
];
const HUES_OF_SIXTEEN: [Color; 8] = [
    Color::Green,
    Color::LightBlue,
    Color::Magenta,
    Color::Cyan,
    Color::Yellow,
    Color::LightGreen,
    Color::LightMagenta,
    Color::LightCyan,
];
/// Of middling lightness, so that they are seen on dark and on light.
const HUES: [u8; 8] = [71, 68, 133, 37, 178, 172, 98, 137];

/// Foregrounds with 8, 16 and 256 colours, and the modifiers, which also have to tell roles apart without any colour.
fn look(role: Role) -> (Color, Color, Color, Modifier) {
    const NONE: Modifier = Modifier::empty();
    const BOLD: Modifier = Modifier::BOLD;
    let bold_reversed = BOLD.union(Modifier::REVERSED);
    let same = |color, modifier| (color, color, color, modifier);
    match role {
        Role::Plain => same(Color::Reset, NONE),
        Role::Dim => same(Color::Reset, Modifier::DIM),
        Role::Strong => same(Color::Reset, BOLD),
        Role::Selected => same(Color::Reset, Modifier::REVERSED),
        Role::Key => (Color::Cyan, Color::Cyan, Color::Indexed(37), BOLD),
        Role::Banner => (
            Color::Magenta,
            Color::Magenta,
            Color::Indexed(133),
            bold_reversed,
        ),
        Role::Cursor => (
            Color::Yellow,
            Color::Yellow,
            Color::Indexed(178),
            bold_reversed,
        ),
        Role::Running => (Color::Green, Color::Green, Color::Indexed(71), NONE),
        Role::Runnable => (Color::Yellow, Color::Yellow, Color::Indexed(178), NONE),
        Role::Waiting => (Color::Blue, Color::LightBlue, Color::Indexed(68), NONE),
        Role::Blind => (Color::Magenta, Color::Magenta, Color::Indexed(133), NONE),
        Role::Critical => (Color::Red, Color::LightRed, Color::Indexed(167), BOLD),
        Role::Warning => (Color::Yellow, Color::Yellow, Color::Indexed(178), BOLD),
        Role::Info => (Color::Cyan, Color::Cyan, Color::Indexed(37), NONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 14] = [
        Role::Plain,
        Role::Dim,
        Role::Strong,
        Role::Selected,
        Role::Key,
        Role::Banner,
        Role::Cursor,
        Role::Running,
        Role::Runnable,
        Role::Waiting,
        Role::Blind,
        Role::Critical,
        Role::Warning,
        Role::Info,
    ];

    #[test]
    fn no_level_uses_a_colour_beyond_it() {
        for role in ROLES {
            assert_eq!(Theme::new(Colors::Off).style(role).fg, Some(Color::Reset));
            let eight = Theme::new(Colors::Eight).style(role).fg;
            assert!(
                matches!(
                    eight,
                    Some(
                        Color::Reset
                            | Color::Red
                            | Color::Green
                            | Color::Yellow
                            | Color::Blue
                            | Color::Magenta
                            | Color::Cyan
                    )
                ),
                "{role:?}: {eight:?}"
            );
            assert!(!matches!(
                Theme::new(Colors::Sixteen).style(role).fg,
                Some(Color::Indexed(_) | Color::Rgb(..))
            ));
        }
    }

    #[test]
    fn hues_keep_to_their_level() {
        for number in 0..=255 {
            assert_eq!(Theme::new(Colors::Off).hue(number).fg, Some(Color::Reset));
            assert!(HUES_OF_EIGHT.contains(&Theme::new(Colors::Eight).hue(number).fg.unwrap()));
            for level in [Colors::Eight, Colors::Sixteen, Colors::Palette] {
                let hue = Theme::new(level).hue(number).fg;
                assert_ne!(hue, Theme::new(level).style(Role::Critical).fg);
            }
        }
    }

    #[test]
    fn modifiers_do_not_depend_on_colours() {
        for role in ROLES {
            let modifiers = [Colors::Off, Colors::Eight, Colors::Palette]
                .map(|level| Theme::new(level).style(role).add_modifier);
            assert_eq!(modifiers[0], modifiers[1]);
            assert_eq!(modifiers[0], modifiers[2]);
        }
        assert!(
            Theme::new(Colors::Off)
                .style(Role::Selected)
                .add_modifier
                .contains(Modifier::REVERSED)
        );
    }

    #[test]
    fn the_environment_decides() {
        let detect = |pairs: &[(&str, &str)]| {
            Colors::detect(|name| {
                pairs
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(detect(&[("TERM", "xterm-256color")]), Colors::Palette);
        assert_eq!(
            detect(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]),
            Colors::Off
        );
        assert_eq!(
            detect(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]),
            Colors::Palette
        );
        assert_eq!(detect(&[("TERM", "xterm")]), Colors::Sixteen);
        assert_eq!(detect(&[("TERM", "linux")]), Colors::Eight);
        assert_eq!(detect(&[("TERM", "vt100")]), Colors::Off);
        assert_eq!("16".parse(), Ok(Colors::Sixteen));
        assert!("many".parse::<Colors>().is_err());
    }
}
