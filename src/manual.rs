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
    page
}

/// Text as roff prints it: nothing in it is a request.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
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
            ".TH",
            "SYNOPSIS",
            "COMMAND REPORT",
            "fail\\-on",
            ".SH KEYS",
            "Go to the next event",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("\n'\n"), "a key became a request");
    }
}
