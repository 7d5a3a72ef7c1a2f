//! Time: one representation for the whole explorer, and how it is written for people.

/// Nanoseconds from the window's start. Older facts (a spawn, the history) have negative times.
pub type Ns = i64;

/// One second.
pub const SECOND: Ns = 1_000_000_000;
/// One millisecond.
pub const MILLISECOND: Ns = 1_000_000;

/// Stands for "not known" in a column of times.
pub(crate) const UNKNOWN: Ns = Ns::MIN;

/// `Some` unless the column says that the time is not known.
pub(crate) fn known(at: Ns) -> Option<Ns> {
    (at != UNKNOWN).then_some(at)
}

/// The time span that a recording covers completely, for all threads at once. It starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its end: the moment at which the recording was made.
    pub end: Ns,
    /// From here on the wakes by threads that are no workers are complete, too.
    pub others_start: Ns,
    /// The wall clock at the window's start, ns since the Unix epoch, where it is known.
    pub wall_start: Option<i64>,
}

impl Window {
    /// Its length.
    #[must_use]
    pub fn duration(&self) -> Ns {
        self.end
    }

    /// Whether `at` lies in it, both ends included.
    #[must_use]
    pub fn contains(&self, at: Ns) -> bool {
        (0..=self.end).contains(&at)
    }
}

/// A length of time in at most 7 columns, three significant digits: `812 ns`, `9.31 µs`, `80.3 ms`, `1.25 s`, `2 h 05`.
#[must_use]
pub fn duration(ns: Ns) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let abs = ns.unsigned_abs();
    let text = match abs {
        0..=999 => format!("{abs} ns"),
        1_000..=999_999 => scaled(abs, 1_000, "µs"),
        1_000_000..=999_999_999 => scaled(abs, 1_000_000, "ms"),
        1_000_000_000..=59_999_999_999 => scaled(abs, 1_000_000_000, "s"),
        60_000_000_000..=3_599_999_999_999 => {
            let seconds = abs / 1_000_000_000;
            format!("{} m {:02}", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = abs / 60_000_000_000;
            format!("{} h {:02}", minutes / 60, minutes % 60)
        }
    };
    format!("{sign}{text}")
}

fn scaled(value: u64, unit: u64, name: &str) -> String {
    // Truncated, not rounded: 999.96 µs must not turn into "1000 µs".
    let whole = value / unit;
    let fraction = value % unit;
    match whole {
        0..=9 => format!("{whole}.{:02} {name}", fraction * 100 / unit),
        10..=99 => format!("{whole}.{:01} {name}", fraction * 10 / unit),
        _ => format!("{whole} {name}"),
    }
}

/// An instant in seconds with milliseconds and microseconds: `7.412 492 s`, `-0.000 001 s`.
#[must_use]
pub fn instant(at: Ns) -> String {
    let sign = if at < 0 { "-" } else { "" };
    let micros = at.unsigned_abs() / 1_000;
    format!(
        "{sign}{}.{:03} {:03} s",
        micros / 1_000_000,
        micros / 1_000 % 1_000,
        micros % 1_000
    )
}

/// An instant in seconds with milliseconds: `7.412 s`.
#[must_use]
pub fn instant_short(at: Ns) -> String {
    let sign = if at < 0 { "-" } else { "" };
    let millis = at.unsigned_abs() / 1_000_000;
    format!("{sign}{}.{:03} s", millis / 1_000, millis % 1_000)
}

/// A wall clock time in RFC 3339, UTC, with milliseconds; `None` outside the years 1970 to 9999.
#[must_use]
pub fn rfc3339(wall_ns: i64) -> Option<String> {
    let millis = u64::try_from(wall_ns).ok()? / 1_000_000;
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    (year <= 9999).then(|| {
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    })
}

/// Year, month and day of a number of days since 1970-01-01, by whole 400-year cycles counted from a March,
/// which puts the leap day last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524
        - day_of_cycle / 146_096)
        / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_cycle + cycle * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits_and_never_overflow_their_unit() {
        for (ns, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (9_310, "9.31 µs"),
            (999_999, "999 µs"),
            (80_312_000, "80.3 ms"),
            (1_250_000_000, "1.25 s"),
            (61_000_000_000, "1 m 01"),
            (7_500_000_000_000, "2 h 05"),
            (-42_000, "-42.0 µs"),
        ] {
            assert_eq!(duration(ns), text);
        }
        assert!(duration(Ns::MIN).starts_with('-'));
    }

    #[test]
    fn instants_group_their_digits() {
        assert_eq!(instant(7_412_492_999), "7.412 492 s");
        assert_eq!(instant(-1_000), "-0.000 001 s");
        assert_eq!(instant_short(7_332_000_000), "7.332 s");
    }

    #[test]
    fn wall_clock_is_rfc_3339() {
        assert_eq!(rfc3339(0).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(
            rfc3339(951_782_400_123_000_000).as_deref(),
            Some("2000-02-29T00:00:00.123Z")
        );
        assert_eq!(
            rfc3339(1_795_252_830_000_000_000).as_deref(),
            Some("2026-11-21T09:20:30.000Z")
        );
        assert_eq!(rfc3339(-1), None);
    }
}
