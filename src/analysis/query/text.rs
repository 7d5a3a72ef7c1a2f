//! Comparing texts: as a whole, as a pattern with `*`, or as a part.

/// Whether all of `text` is what `pattern` says; `*` stands for any characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty();
    };
    // The leftmost place of each piece in between leaves most room for those behind it.
    for piece in pieces {
        match rest.find(piece) {
            Some(found) => rest = &rest[found + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// `text` as [`contains`] wants it.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Whether `part`, which is [`folded`], occurs in `text`, whatever the case.
pub(super) fn contains(text: &str, part: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(part);
    }
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty()
        || text
            .windows(part.len())
            .any(|window| window.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, fits) in [
            ("flush", "flush", true),
            ("flush", "flushes", false),
            ("flush*", "flush", true),
            ("*flush", "reflush", true),
            ("f*h*", "flush it", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "", true),
            ("**", "x", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    /// The definition, as slow as it is plain.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', pattern @ ..], _) => (0..=text.len()).any(|from| slow(pattern, &text[from..])),
            ([a, pattern @ ..], [b, text @ ..]) => a == b && slow(pattern, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_agree_with_their_definition(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(glob(&pattern, &text), slow(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn parts_are_found_whatever_the_case(text in "[aBäİx]{0,6}", part in "[aBäx]{0,3}") {
            let plain = text.to_lowercase().contains(&part.to_lowercase());
            prop_assert_eq!(contains(&text, &folded(&part)), plain);
        }
    }
}
