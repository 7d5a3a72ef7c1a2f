//! Counters, such as the time on the CPU: how fast they grow tells more than how far they have come.

use crate::recording::{Band, Ns, Recording, SECOND, SeriesIx};

/// What a counter counts, as far as it shows in how its growth is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// Time, of which so many nanoseconds are one of its units: it grows by so much of the time that passes.
    Time(Ns),
    /// Anything else: it grows by so many in a second.
    Events,
}

/// Ends of names that only counters have.
const NAMES: [&str; 5] = ["_faults", "_switches", "_total", "_count", "_ops"];

/// What a series counts, if it is a counter: its unit or its name says so, and it never goes down.
pub(super) fn counts(recording: &Recording, series: SeriesIx) -> Option<Counts> {
    let facts = recording.series(series);
    let name = recording.str(facts.name);
    let counts = match recording.str(facts.unit) {
        "ns" if name.contains("cpu") => Counts::Time(1),
        "us" | "µs" if name.contains("cpu") => Counts::Time(1_000),
        "ms" if name.contains("cpu") => Counts::Time(1_000_000),
        _ if NAMES.iter().any(|end| name.ends_with(end)) => Counts::Events,
        _ => return None,
    };
    let mut before = i64::MIN;
    let grows = recording
        .points(series, Ns::MIN, Ns::MAX)
        .all(|(_, value)| {
            let grows = before <= value;
            before = value;
            grows
        });
    (grows && facts.points > 1).then_some(counts)
}

/// How fast the counter grew between its points about `at`: percent of the time that passed, or in a second. `None`
/// before its first point and from its last one on.
pub(super) fn rate_at(
    recording: &Recording,
    series: SeriesIx,
    counts: Counts,
    at: Ns,
) -> Option<i64> {
    let before = recording.last_point(series, at)?;
    let after = next_point(recording, series, at)?;
    rate(counts, before, after)
}

/// Fills `bands`, which share the time from `from` to `to`, with how fast the counter grew in each.
pub(super) fn cover(
    recording: &Recording,
    series: SeriesIx,
    counts: Counts,
    edges: &[Ns],
) -> Vec<Band> {
    let value = |at: Ns| {
        let (since, value) = recording.last_point(series, at)?;
        let Some((until, next)) = next_point(recording, series, at) else {
            return (since == at).then_some((at, value));
        };
        let passed = i128::from(at - since) * i128::from(next - value) / i128::from(until - since);
        Some((at, value + i64::try_from(passed).unwrap_or(0)))
    };
    let ends = || {
        let first = recording.first_point(series)?.0;
        Some((first, recording.last_point(series, Ns::MAX)?.0))
    };
    let Some((first, last)) = ends() else {
        return vec![Band::default(); edges.len().saturating_sub(1)];
    };
    edges
        .windows(2)
        .map(|edge| {
            let (from, to) = (edge[0].max(first), edge[1].min(last));
            let within = |at: Ns| next_point(recording, series, at).is_none_or(|(at, _)| at >= to);
            let grown = match () {
                () if from >= to => None,
                // Between two points it is taken to have grown evenly.
                () if within(from) => rate_at(recording, series, counts, from),
                () => value(from)
                    .zip(value(to))
                    .and_then(|(before, after)| rate(counts, before, after)),
            };
            grown.map_or_else(Band::default, |rate| Band {
                min: rate,
                max: rate,
                last: rate,
                any: true,
            })
        })
        .collect()
}

fn next_point(recording: &Recording, series: SeriesIx, at: Ns) -> Option<(Ns, i64)> {
    let after = at.checked_add(1)?;
    recording.points(series, after, Ns::MAX).next()
}

/// The growth from one point to another.
fn rate(counts: Counts, before: (Ns, i64), after: (Ns, i64)) -> Option<i64> {
    let grown = i128::from(after.1) - i128::from(before.1);
    let passed = i128::from(after.0) - i128::from(before.0);
    let whole = match counts {
        Counts::Time(unit) => i128::from(unit) * 100,
        Counts::Events => i128::from(SECOND),
    };
    let rate = (grown * whole).checked_div(passed)?;
    i64::try_from(rate).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{
        MILLISECOND, PointKey, PointScope, Scope, StrId,
        testing::{batch, builder},
    };

    #[test]
    fn counters_are_told_by_how_fast_they_grow() {
        let mut builder = builder(100 * MILLISECOND);
        let mut key = |name: &str, unit: &str| PointKey {
            name: builder.intern(name),
            unit: match unit {
                "" => StrId::NONE,
                unit => builder.intern(unit),
            },
            scope: PointScope::Process,
        };
        let keys = [
            key("user_cpu", "ns"),
            key("minor_faults", ""),
            key("alive", ""),
            key("odd_faults", ""),
        ];
        let mut w0 = batch(0);
        for (step, [cpu, faults, alive, odd]) in
            (0..).zip([[0, 100, 1, 5], [5, 100, 2, 4], [15, 120, 3, 9]])
        {
            let at = 10 * MILLISECOND + step * 10 * MILLISECOND;
            for (key, value) in keys.iter().zip([cpu * MILLISECOND, faults, alive, odd]) {
                w0.point(at, *key, value);
            }
        }
        builder.batch(w0);
        let recording = builder.finish();
        let of = |name: &str| recording.series_named(name, Scope::Process).unwrap();
        let told = ["user_cpu", "minor_faults", "alive", "odd_faults"];
        assert_eq!(
            told.map(|name| counts(&recording, of(name))),
            [Some(Counts::Time(1)), Some(Counts::Events), None, None]
        );
        let cpu = of("user_cpu");
        let rates = [5, 10, 15, 20, 25, 30, 35]
            .map(|ms| rate_at(&recording, cpu, Counts::Time(1), ms * MILLISECOND));
        assert_eq!(
            rates,
            [None, Some(50), Some(50), Some(100), Some(100), None, None]
        );
        let edges = [0, 10, 15, 25, 30, 40].map(|ms| ms * MILLISECOND);
        let bands = cover(&recording, cpu, Counts::Time(1), &edges);
        let bands: Vec<Option<i64>> = bands
            .iter()
            .map(|band| band.any.then_some(band.max))
            .collect();
        assert_eq!(bands, [None, Some(50), Some(75), Some(100), None]);
        let faults = of("minor_faults");
        assert_eq!(
            rate_at(&recording, faults, Counts::Events, 20 * MILLISECOND),
            Some(2_000)
        );
    }
}
