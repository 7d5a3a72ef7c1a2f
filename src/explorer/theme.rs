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

/// Every role with its name in the config file, in the order of the enumeration.
pub(super) const ROLES: [(Role, &str); 14] = [
    (Role::Plain, "plain"),
    (Role::Dim, "dim"),
    (Role::Strong, "strong"),
    (Role::Selected, "selected"),
    (Role::Key, "key"),
    (Role::Banner, "banner"),
    (Role::Cursor, "cursor"),
    (Role::Running, "running"),
    (Role::Runnable, "runnable"),
    (Role::Waiting, "waiting"),
    (Role::Blind, "blind"),
    (Role::Critical, "critical"),
    (Role::Warning, "warning"),
    (Role::Info, "info"),
];

/// What the terminal's own background is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Background {
    /// Dark, or not known.
    #[default]
    Dark,
    /// Light: yellow and bright colours would hardly be seen.
    Light,
}

impl Background {
    /// What `COLORFGBG` says, which some terminals set; `var` reads the environment.
    #[must_use]
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let colors = var("COLORFGBG").unwrap_or_default();
        match colors
            .rsplit(';')
            .next()
            .and_then(|last| last.parse::<u8>().ok())
        {
            Some(7 | 9..=15) => Self::Light,
            _ => Self::Dark,
        }
    }
}

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "dark" => Ok(Self::Dark),
            "light" => Ok(Self::Light),
            _ => Err("expected dark or light".to_owned()),
        }
    }
}

/// A style that a config file gives to a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Override {
    color: Color,
    modifier: Modifier,
}

/// Modifiers by their names.
const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

impl FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut look = Self {
            color: Color::Reset,
            modifier: Modifier::empty(),
        };
        for word in text.split_whitespace() {
            if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
                look.modifier |= *modifier;
            } else if word != "default" {
                look.color = word.parse().map_err(|_| {
                    format!(
                        "{word:?} is neither a colour (default, red, lightred, 208, #ff8800) nor bold, dim, italic, \
                         underlined or reversed"
                    )
                })?;
            }
        }
        Ok(look)
    }
}

/// A style as [`Override`] reads it.
#[must_use]
pub(super) fn written(style: Style) -> String {
    let mut words = vec![match style.fg {
        None | Some(Color::Reset) => "default".to_owned(),
        Some(color) => color.to_string().to_lowercase(),
    }];
    let names = MODIFIERS
        .iter()
        .filter(|(_, modifier)| style.add_modifier.contains(*modifier));
    words.extend(names.map(|(name, _)| (*name).to_owned()));
    words.join(" ")
}

/// Gives each role its style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Theme {
    colors: Colors,
    background: Background,
    styles: [Style; ROLES.len()],
}

impl Theme {
    /// A theme for a dark terminal that uses at most `colors`.
    #[must_use]
    pub(super) fn new(colors: Colors) -> Self {
        Self::on(Background::Dark, colors)
    }

    /// A theme that uses at most `colors`. Backgrounds stay the terminal's own.
    #[must_use]
    pub(super) fn on(background: Background, colors: Colors) -> Self {
        let styles = ROLES.map(|(role, _)| {
            let (eight, sixteen, palette, modifier) = match background {
                Background::Dark => look(role),
                Background::Light => light(role),
            };
            let color = match colors {
                Colors::Off => Color::Reset,
                Colors::Eight => eight,
                Colors::Sixteen => sixteen,
                Colors::Palette => palette,
            };
            Style::new().fg(color).add_modifier(modifier)
        });
        Self {
            colors,
            background,
            styles,
        }
    }

    /// Changes how a role looks. Its colour stays what it was where it is beyond what may be used.
    pub(super) fn set(&mut self, role: Role, look: Override) {
        let style = &mut self.styles[role as usize];
        let fits = match look.color {
            Color::Reset => true,
            Color::Rgb(..) | Color::Indexed(_) => self.colors == Colors::Palette,
            Color::Black
            | Color::Red
            | Color::Green
            | Color::Yellow
            | Color::Blue
            | Color::Magenta
            | Color::Cyan
            | Color::Gray => self.colors >= Colors::Eight,
            _ => self.colors >= Colors::Sixteen,
        };
        let color = if fits { Some(look.color) } else { style.fg };
        *style = Style {
            fg: color,
            ..Style::new().add_modifier(look.modifier)
        };
    }

    /// The style of `role`.
    #[must_use]
    pub(super) fn style(self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// One of a few colours that tell things apart which have no role, the same for the same number. None of them is
    /// the colour of something bad.
    #[must_use]
    pub(super) fn hue(self, number: u8) -> Style {
        let number = usize::from(number);
        let few = match self.background {
            Background::Dark => &HUES_OF_EIGHT[..],
            // The last one is yellow.
            Background::Light => &HUES_OF_EIGHT[..4],
        };
        Style::new().fg(match self.colors {
            Colors::Off => Color::Reset,
            Colors::Eight => few[number % few.len()],
            Colors::Sixteen if self.background == Background::Light => few[number % few.len()],
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

/// The same on a light background: darker, and without yellow.
fn light(role: Role) -> (Color, Color, Color, Modifier) {
    let (.., modifier) = look(role);
    let (few, palette) = match role {
        Role::Plain | Role::Dim | Role::Strong | Role::Selected => return look(role),
        Role::Key | Role::Info => (Color::Blue, 24),
        Role::Banner | Role::Blind => (Color::Magenta, 90),
        Role::Cursor => (Color::Blue, 130),
        Role::Running => (Color::Green, 28),
        Role::Runnable => (Color::Red, 130),
        Role::Waiting => (Color::Blue, 25),
        Role::Critical => (Color::Red, 160),
        Role::Warning => (Color::Magenta, 130),
    };
    (few, few, Color::Indexed(palette), modifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_stand_in_their_order() {
        for (place, (role, _)) in ROLES.iter().enumerate() {
            assert_eq!(*role as usize, place);
        }
    }

    #[test]
    fn styles_are_read_as_they_are_written() {
        for background in [Background::Dark, Background::Light] {
            for colors in [Colors::Off, Colors::Eight, Colors::Sixteen, Colors::Palette] {
                let theme = Theme::on(background, colors);
                for (role, name) in ROLES {
                    let mut again = Theme::on(background, colors);
                    again.set(role, written(theme.style(role)).parse().unwrap());
                    assert_eq!(again, theme, "{name}");
                }
            }
        }
        let mut eight = Theme::new(Colors::Eight);
        eight.set(Role::Critical, "#ff8800 underlined".parse().unwrap());
        let style = eight.style(Role::Critical);
        assert_eq!(
            (style.fg, style.add_modifier),
            (Some(Color::Red), Modifier::UNDERLINED)
        );
        assert!("reddish".parse::<Override>().is_err());
    }

    #[test]
    fn the_background_is_guessed() {
        let detect = |value: &str| Background::detect(|_| Some(value.to_owned()));
        assert_eq!(detect("0;15"), Background::Light);
        assert_eq!(detect("15;0"), Background::Dark);
        assert_eq!(detect("0;default;7"), Background::Light);
        assert_eq!(detect(""), Background::Dark);
    }

    #[test]
    fn no_level_uses_a_colour_beyond_it() {
        for (role, _) in ROLES {
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
        for (role, _) in ROLES {
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
