//! The config file: a person's keys, colours and thresholds, and what it looks like with every default in it.

use std::{
    fmt::Write as _,
    fs,
    io::ErrorKind,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    actions::ACTIONS,
    keymap::Keymap,
    keys::Key,
    theme::{Background, Colors, Override, ROLES, Role, Theme, written},
    when::{exact, length},
};
use crate::{
    analysis::Thresholds,
    recording::{Ns, sanitise},
};

/// What a config file says. What it does not say is left to the command line, the environment and the defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// How many colours to use.
    pub colors: Option<Colors>,
    /// Whether to draw with ASCII only.
    pub ascii: Option<bool>,
    /// Whether to take the mouse.
    pub mouse: Option<bool>,
    /// What the terminal's background is like.
    pub background: Option<Background>,
    /// Thresholds by name, in nanoseconds.
    pub thresholds: Vec<(String, Ns)>,
    pub(super) theme: Vec<(Role, Override)>,
    pub(super) keymap: Keymap,
}

/// What is wrong with a config file, and where.
struct Problem {
    at: Range<usize>,
    sentence: String,
}

type Entry<'a> = (
    &'a Spanned<std::borrow::Cow<'a, str>>,
    &'a Spanned<DeValue<'a>>,
);

/// Whether the default file is none of this user's: `HOME` may be that of another user, or `/dev/null`. Who reads a dump as
/// the service's user has no use for an error about that.
fn is_elsewhere(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::NotADirectory
    )
}

impl Config {
    /// The file that is read where none is named: in `XDG_CONFIG_HOME`, or in `.config` of the home directory.
    #[must_use]
    pub fn default_path() -> Option<PathBuf> {
        let of = |name: &str| {
            let path = PathBuf::from(std::env::var_os(name)?);
            path.is_absolute().then_some(path)
        };
        let folder =
            of("XDG_CONFIG_HOME").or_else(|| of("HOME").map(|home| home.join(".config")))?;
        Some(folder.join("dial9-tui").join("config.toml"))
    }

    /// Reads the file of that name; without one the default file, if there is any.
    ///
    /// # Errors
    /// One sentence: what is wrong in which line, or why the file cannot be read.
    pub fn load(named: Option<&Path>) -> Result<Self, String> {
        let Some(path) = named.map(Path::to_owned).or_else(Self::default_path) else {
            return Ok(Self::default());
        };
        let name = sanitise(&path.to_string_lossy());
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text)
                .map_err(|(line, sentence)| format!("{name}, line {line}: {sentence}")),
            Err(error) if named.is_none() && is_elsewhere(error.kind()) => Ok(Self::default()),
            Err(error) => Err(format!("{name}: the config file cannot be read: {error}")),
        }
    }

    /// Understands a config file.
    ///
    /// # Errors
    /// The line, counted from 1, and one sentence about what is wrong with it.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut config = Self::default();
        let read = DeTable::parse(text)
            .map_err(|error| Problem {
                at: error.span().unwrap_or_default(),
                sentence: error.message().to_owned(),
            })
            .and_then(|table| config.read(table.get_ref()));
        match read {
            Ok(()) => Ok(config),
            Err(problem) => {
                let before = text.get(..problem.at.start).unwrap_or(text);
                let line = before.matches('\n').count() + 1;
                Err((line, sanitise(&problem.sentence)))
            }
        }
    }

    fn read(&mut self, table: &DeTable<'_>) -> Result<(), Problem> {
        for entry in table {
            match entry.0.get_ref().as_ref() {
                "colors" => self.colors = automatic(entry)?,
                "background" => self.background = automatic(entry)?,
                "ascii" => {
                    self.ascii = match entry.1.get_ref() {
                        DeValue::String(text) if text == "auto" => None,
                        _ => Some(boolean(entry)?),
                    }
                }
                "mouse" => self.mouse = Some(boolean(entry)?),
                "thresholds" => {
                    for entry in inside(entry)? {
                        self.threshold(entry)?;
                    }
                }
                "theme" => {
                    for entry in inside(entry)? {
                        self.role(entry)?;
                    }
                }
                "keys" => self.keys(&inside(entry)?)?,
                _ => {
                    return Err(unknown(
                        entry,
                        "setting",
                        [
                            "colors",
                            "background",
                            "ascii",
                            "mouse",
                            "thresholds",
                            "theme",
                            "keys",
                        ],
                    ));
                }
            }
        }
        Ok(())
    }

    fn threshold(&mut self, entry: Entry<'_>) -> Result<(), Problem> {
        let name = entry.0.get_ref();
        if !Thresholds::names().any(|known| known == name) {
            return Err(unknown(entry, "threshold", Thresholds::names()));
        }
        let value = length(string(entry)?).map_err(|sentence| wrong(entry.1, sentence))?;
        self.thresholds.push((name.clone().into_owned(), value));
        Ok(())
    }

    fn role(&mut self, entry: Entry<'_>) -> Result<(), Problem> {
        let name = entry.0.get_ref();
        let role = ROLES.iter().find(|(_, known)| known == name);
        let (role, _) =
            role.ok_or_else(|| unknown(entry, "role", ROLES.iter().map(|(_, name)| *name)))?;
        let look = string(entry)?
            .parse()
            .map_err(|sentence| wrong(entry.1, sentence))?;
        self.theme.push((*role, look));
        Ok(())
    }

    fn keys(&mut self, entries: &[Entry<'_>]) -> Result<(), Problem> {
        for entry in entries.iter().copied() {
            let DeValue::Array(list) = entry.1.get_ref() else {
                return Err(wrong(
                    entry.1,
                    "keys stand in a list, such as [\"e\", \"ctrl-n\"]".to_owned(),
                ));
            };
            let mut keys: Vec<Key> = Vec::new();
            for key in list {
                let DeValue::String(text) = key.get_ref() else {
                    return Err(wrong(
                        key,
                        "a key stands between quotes, such as \"e\"".to_owned(),
                    ));
                };
                keys.push(text.parse().map_err(|sentence| wrong(key, sentence))?);
            }
            self.keymap
                .set(entry.0.get_ref(), keys)
                .map_err(|sentence| Problem {
                    at: entry.0.span(),
                    sentence,
                })?;
        }
        let Some((one, other, key, context)) = self.keymap.clash() else {
            return Ok(());
        };
        let mut at = entries
            .iter()
            .filter(|(name, _)| [one, other].contains(&name.get_ref().as_ref()))
            .map(|(name, _)| name.span());
        Err(Problem {
            at: at.next().unwrap_or_default(),
            sentence: format!(
                "{key} would start both {one} and {other} ({})",
                context.title()
            ),
        })
    }

    /// The table of thresholds, with those of the file.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        let mut table = Thresholds::default();
        for (name, value) in &self.thresholds {
            // Unknown names were refused when the file was read.
            let _known = table.set(name, *value);
        }
        table
    }

    /// A config file that says what is so without one, with what each line is for.
    #[must_use]
    pub fn default_text() -> String {
        let mut text = String::from(HEAD);
        text.push_str("\n# From which length on something is worth a finding.\n[thresholds]\n");
        for (name, value) in Thresholds::default().entries() {
            _ = writeln!(text, "\"{name}\" = \"{}\"", exact(value));
        }
        text.push_str(THEME);
        let theme = Theme::new(Colors::Sixteen);
        for (role, name) in ROLES {
            _ = writeln!(text, "# {name} = \"{}\"", written(theme.style(role)));
        }
        text.push_str(KEYS);
        for action in ACTIONS {
            let keys: Vec<String> = action.keys.iter().map(|key| format!("\"{key}\"")).collect();
            _ = writeln!(
                text,
                "# {}\n{} = [{}]",
                action.help,
                action.name,
                keys.join(", ")
            );
        }
        text
    }
}

const HEAD: &str = "\
# The settings of dial9-tui, with their defaults. This file is read from $XDG_CONFIG_HOME/dial9-tui/config.toml, or
# ~/.config/dial9-tui/config.toml, or wherever --config says. Flags outrank it; lines may be left out.

# How many colours to use: \"off\", \"8\", \"16\", \"256\", or \"auto\" for as many as the terminal promises.
colors = \"auto\"

# What the terminal's background is like: \"dark\", \"light\", or \"auto\" for what COLORFGBG says.
background = \"auto\"

# Draw with ASCII only: true, false, or \"auto\" for what the locale says.
ascii = \"auto\"

# Take the mouse. With shift held the terminal selects text nevertheless.
mouse = true
";

const THEME: &str = "
# What things look like: a colour (default, red, lightred, a number of the xterm palette, or #ff8800), and any of bold,
# dim, italic, underlined, reversed. These are the defaults for 16 colours on a dark background.
[theme]
";

const KEYS: &str = "
# The keys of each action. A key is a character, or enter, esc, tab, shift-tab, backspace, delete, insert, up, down, left,
# right, pgup, pgdn, home, end, space, f1 to f12, with ctrl- or alt- in front of it.
[keys]
";

fn wrong(value: &Spanned<DeValue<'_>>, sentence: String) -> Problem {
    Problem {
        at: value.span(),
        sentence,
    }
}

fn unknown<'a>(entry: Entry<'_>, what: &str, known: impl IntoIterator<Item = &'a str>) -> Problem {
    let known: Vec<&str> = known.into_iter().collect();
    Problem {
        at: entry.0.span(),
        sentence: format!(
            "there is no {what} {:?}; there are {}",
            entry.0.get_ref(),
            known.join(", ")
        ),
    }
}

fn string<'a>(entry: Entry<'a>) -> Result<&'a str, Problem> {
    match entry.1.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err(wrong(
            entry.1,
            format!("{} wants text between quotes", entry.0.get_ref()),
        )),
    }
}

fn boolean(entry: Entry<'_>) -> Result<bool, Problem> {
    match entry.1.get_ref() {
        DeValue::Boolean(value) => Ok(*value),
        _ => Err(wrong(
            entry.1,
            format!("{} is true or false", entry.0.get_ref()),
        )),
    }
}

/// A value, or `None` for "auto".
fn automatic<T: std::str::FromStr<Err = String>>(entry: Entry<'_>) -> Result<Option<T>, Problem> {
    match string(entry)? {
        "auto" => Ok(None),
        text => {
            let value = text.parse();
            value.map(Some).map_err(|expected: String| {
                wrong(
                    entry.1,
                    format!("{} is {text:?}; {expected}, or auto", entry.0.get_ref()),
                )
            })
        }
    }
}

/// The lines of a table, in the order of the file.
fn inside<'a>(entry: Entry<'a>) -> Result<Vec<Entry<'a>>, Problem> {
    match entry.1.get_ref() {
        DeValue::Table(table) => {
            let mut lines: Vec<_> = table.iter().collect();
            lines.sort_by_key(|(name, _)| name.span().start);
            Ok(lines)
        }
        _ => Err(wrong(
            entry.1,
            format!("{0} is a table: [{0}]", entry.0.get_ref()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::actions::{ActionId, Context};

    #[test]
    fn the_default_text_says_what_is_so_without_it() {
        let text = Config::default_text();
        let config = Config::parse(&text).unwrap();
        assert_eq!(config.thresholds(), Thresholds::default());
        assert_eq!(config.keymap, Keymap::default());
        assert_eq!(
            (config.colors, config.ascii, config.mouse, config.background),
            (None, None, Some(true), None)
        );
        // What stands there as a comment can be taken as it is.
        let uncommented = text
            .replace("# plain", "plain")
            .replace("# critical", "critical");
        assert_eq!(Config::parse(&uncommented).unwrap().theme.len(), 2);
        assert!(text.lines().all(|line| line.len() < 240));
    }

    #[test]
    fn a_file_is_understood() {
        let text = "colors = \"16\"\nascii = true\nbackground = \"light\"\n[thresholds]\n\"slow-poll.info\" = \"2ms\"\n[theme]\ncritical = \"208 bold\"\n[keys]\nnext-finding = [\"ctrl-n\", \"f3\"]\n";
        let config = Config::parse(text).unwrap();
        assert_eq!(
            (config.colors, config.ascii),
            (Some(Colors::Sixteen), Some(true))
        );
        assert_eq!(config.background, Some(Background::Light));
        assert_eq!(config.thresholds().slow_poll_info, 2_000_000);
        assert_eq!(config.theme.len(), 1);
        assert_eq!(
            config.keymap.resolve(Context::Tasks, Key::ctrl('n')),
            Some(ActionId::NextFinding)
        );
        assert_eq!(config.keymap.resolve(Context::Tasks, Key::char('e')), None);
    }

    #[test]
    fn errors_name_the_line_and_what_is_wrong_in_it() {
        for (text, line, part) in [
            ("\n\ncolours = 1", 3, "there is no setting \"colours\""),
            ("colors = \"many\"", 1, "expected off, 8, 16 or 256"),
            ("mouse = \"yes\"", 1, "mouse is true or false"),
            ("colors = 16", 1, "between quotes"),
            ("keys = 3", 1, "is a table"),
            (
                "[thresholds]\nslow = \"1ms\"",
                2,
                "there is no threshold \"slow\"",
            ),
            ("[thresholds]\n\"slow-poll.info\" = \"1\"", 2, "is no time"),
            ("[theme]\n\ncritical = \"reddish\"", 3, "neither a colour"),
            (
                "[keys]\nnothing = [\"e\"]",
                2,
                "there is no action \"nothing\"",
            ),
            ("[keys]\nquit = \"q\"", 2, "list"),
            ("[keys]\nquit = [3]", 2, "quotes"),
            ("[keys]\nquit = [\"q\",\n\"nonsense\"]", 3, "is no key"),
            (
                "[keys]\nfind = [\"F\"]\nnext-finding = [\"s\"]",
                3,
                "s would start both next-finding and sort-next (Tasks)",
            ),
            ("[keys]\naccept = [\"a\"]", 2, "would be text"),
            ("[keys\n", 1, ""),
            ("a = \"\u{1b}[31m\"", 1, ""),
        ] {
            let (at, sentence) = Config::parse(text).unwrap_err();
            assert_eq!(at, line, "{text:?}: {sentence}");
            assert!(
                sentence.contains(part) && !sentence.contains(['\n', '\u{1b}']),
                "{text:?}: {sentence}"
            );
        }
    }
}
