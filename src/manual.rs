//! What a package installs beside the program: the manual page, and scripts that complete command lines.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, explorer};

/// The script that completes command lines in `shell`.
#[must_use]
pub fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "dial9-tui", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page, in roff: the command line, the commands, and the keys.
#[must_use]
pub fn page() -> String {
    let command = Cli::command();
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(command.clone()).render(&mut page);
    let mut page = String::from_utf8_lossy(&page).into_owned();
    for part in command.get_subcommands() {
        page.push_str(&format!(
            ".SH \"COMMAND {}\"\n",
            roff(&part.get_name().to_uppercase())
        ));
        let help = part.clone().render_long_help().to_string();
        page.push_str(".nf\n");
        for line in help.lines() {
            page.push_str(&format!("{}\n", roff(line)));
        }
        page.push_str(".fi\n");
    }
    page.push_str(".SH KEYS\nThey can be changed in the config file; dial9-tui \\-\\-print\\-config prints one.\n");
    for (group, keys) in explorer::keys_by_group() {
        page.push_str(&format!(".SS \"{}\"\n", roff(group)));
        for (keys, help) in keys {
            page.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", roff(&keys), roff(help)));
        }
    }
    page.push_str(FILES);
    page
}

const FILES: &str = "\
.SH FILES
.TP
\\fI$XDG_CONFIG_HOME/dial9\\-tui/config.toml\\fR, or \\fI~/.config/dial9\\-tui/config.toml\\fR
Keys, looks and thresholds. Flags outrank it, and it outranks what is built in.
.SH ENVIRONMENT
.TP
\\fBNO_COLOR\\fR, \\fBCOLORTERM\\fR, \\fBTERM\\fR
How many colours are used, unless a flag or the config file says.
.TP
\\fBCOLORFGBG\\fR
Whether the background is dark or light, likewise.
.TP
\\fBLC_ALL\\fR, \\fBLC_CTYPE\\fR, \\fBLANG\\fR
A character set other than UTF\\-8 means ASCII only.
.SH EXIT STATUS
0: done, a partial load too. 1: it could not be done. 2: wrong usage. 3: \\-\\-fail\\-on is met.
";

/// Text as roff prints it: nothing in it is a request, and it is ASCII, which every roff reads.
fn roff(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '"' => escaped.push_str("\\(dq"),
            '.' if escaped.is_empty() => escaped.push_str("\\&."),
            c if c.is_ascii() => escaped.push(c),
            c => escaped.push_str(&format!("\\[u{:04X}]", u32::from(c))),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_gets_a_script() {
        for shell in Shell::value_variants() {
            let script = completions(*shell);
            assert!(
                script.contains("dial9-tui") && script.contains("no-mouse"),
                "{shell}"
            );
        }
    }

    #[test]
    fn the_page_tells_flags_commands_and_keys() {
        let page = page();
        for part in [
            "EXIT STATUS",
            ".TH",
            "SYNOPSIS",
            "COMMAND REPORT",
            "fail\\-on",
            ".SH KEYS",
            "\\[u2191]",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("\n'\n"), "a key became a request");
        assert!(page.is_ascii());
    }
}
