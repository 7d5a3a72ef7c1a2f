//! Fuzzy matching, behind one door so that its crate can be exchanged.

use fuzzy_matcher::{FuzzyMatcher, skim::SkimMatcherV2};

/// Scores texts against one pattern; an upper-case letter in the pattern makes it case-sensitive.
pub(super) struct Fuzzy {
    matcher: SkimMatcherV2,
    pattern: String,
}

impl Fuzzy {
    /// A matcher for `pattern`.
    pub(super) fn new(pattern: &str) -> Self {
        Self {
            matcher: SkimMatcherV2::default().smart_case(),
            pattern: pattern.to_owned(),
        }
    }

    /// How well `text` matches, higher is better; `None` where it does not.
    pub(super) fn score(&self, text: &str) -> Option<i64> {
        if self.pattern.is_empty() {
            return Some(0);
        }
        self.matcher.fuzzy_match(text, &self.pattern)
    }

    /// Which characters of `text` match, by their number; none where it does not.
    pub(super) fn matched(&self, text: &str) -> Vec<usize> {
        if self.pattern.is_empty() {
            return Vec::new();
        }
        self.matcher
            .fuzzy_indices(text, &self.pattern)
            .map_or_else(Vec::new, |(_, matched)| matched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_match_and_runs_score_higher() {
        let fuzzy = Fuzzy::new("hrep");
        assert!(fuzzy.score("handle_report").is_some());
        assert!(fuzzy.score("flush").is_none());
        let flush = Fuzzy::new("flush");
        assert!(flush.score("flush") > flush.score("f_l_u_s_h"));
        assert_eq!(Fuzzy::new("").score("anything"), Some(0));
    }
}
