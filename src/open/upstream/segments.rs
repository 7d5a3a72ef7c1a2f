//! Which segments of a trace are missing.

use crate::recording::{Loss, LossKind};

/// The most segments between two others that are taken for missing ones: beyond it the numbers mean something else.
const MOST_MISSING: u64 = 100_000;

/// Segments are numbered; one that is missing between two others took its events with it.
pub(super) fn missing_segments(names: &[String]) -> Vec<Loss> {
    let mut numbers: Vec<(&str, u64)> = names.iter().filter_map(|name| segment(name)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
        .windows(2)
        .filter_map(|pair| {
            let [(stem, before), (other, after)] = *pair else {
                return None;
            };
            let missing = after - before.min(after);
            (stem == other && (2..=MOST_MISSING).contains(&missing)).then(|| Loss {
                kind: LossKind::Gap,
                count: missing - 1,
                detail: format!(
                    "segments between number {before} and number {after} of {stem} are missing"
                ),
                range: None,
            })
        })
        .collect()
}

/// `dir/trace` and 7 of `dir/trace.7.bin.gz`.
fn segment(name: &str) -> Option<(&str, u64)> {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let name = name.strip_suffix(".active").unwrap_or(name);
    let (stem, number) = name.strip_suffix(".bin")?.rsplit_once('.')?;
    Some((stem, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_between_segments_are_seen_and_their_beginning_is_not_one() {
        let names = [
            "a/trace.7.bin.gz",
            "a/trace.4.bin",
            "a/trace.8.bin.active",
            "b/trace.1.bin",
            "b/other",
        ];
        let losses = missing_segments(&names.map(str::to_owned));
        assert_eq!(losses.len(), 1);
        assert_eq!((losses[0].kind, losses[0].count), (LossKind::Gap, 2));
        assert!(
            losses[0]
                .detail
                .contains("between number 4 and number 7 of a/trace")
        );
    }
}
