//! Breaking lines at a width in terminal columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Appends `text` to `out`, broken into lines of at most `width` columns: the first begins with `first`, the others with
/// spaces of the same width. A word that is longer than a line is broken where it must.
pub(super) fn wrap(out: &mut String, first: &str, text: &str, width: usize) {
    let indent = first.width();
    let room = width.saturating_sub(indent).max(8);
    let mut line = String::new();
    let mut used = 0;
    let mut lead = first.to_owned();
    let mut flush = |line: &mut String, used: &mut usize| {
        out.push_str(lead.as_str());
        out.push_str(line.trim_end());
        out.push('\n');
        lead = " ".repeat(indent);
        line.clear();
        *used = 0;
    };
    for word in text.split(' ') {
        let needed = word.width();
        if used > 0 && used + 1 + needed > room {
            flush(&mut line, &mut used);
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > room {
                flush(&mut line, &mut used);
            }
            line.push(c);
            used += columns;
        }
    }
    flush(&mut line, &mut used);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_the_width_and_lose_nothing() {
        let text = "a poll of task 87 handle_report (src/a/very/long/path/that/is/longer/than/a/line.rs:118:9) took 80.3 ms";
        for width in 12..90 {
            let mut out = String::new();
            wrap(&mut out, " - ", text, width);
            assert!(
                out.lines().all(|line| line.width() <= width),
                "{width}: {out}"
            );
            let joined: String = out.chars().skip(3).filter(|c| !c.is_whitespace()).collect();
            assert_eq!(joined, text.replace(' ', ""));
        }
    }
}
