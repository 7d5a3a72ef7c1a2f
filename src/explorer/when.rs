//! Instants and lengths of time as people type them: `12.5s`, `7.393`, `1m2s`, `-3ms`, `end`, `09:20:31.5`.

use std::str::FromStr;

use crate::recording::{Ns, SECOND, Window};

/// An instant that was asked for. What it means depends on the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the window's start, in nanoseconds; before it where negative.
    At(Ns),
    /// The window's start.
    Start,
    /// The window's end.
    End,
    /// A time of the wall clock, UTC: days since 1970 where a date was given, and nanoseconds since midnight.
    Clock(Option<i64>, Ns),
}

const DAY: Ns = 86_400 * SECOND;

impl When {
    /// The instant in a recording of `window`.
    ///
    /// # Errors
    /// One sentence where a time of the wall clock is asked for and the recording does not know it.
    pub(super) fn resolve(self, window: Window) -> Result<Ns, String> {
        match self {
            Self::At(at) => Ok(at),
            Self::Start => Ok(0),
            Self::End => Ok(window.end),
            Self::Clock(day, time) => {
                let start = window
                    .wall_start
                    .ok_or("This recording does not know the wall clock.")?;
                let near = |day: i64| {
                    day.saturating_mul(DAY)
                        .saturating_add(time)
                        .saturating_sub(start)
                };
                let today = start.div_euclid(DAY);
                // Without a date it is the day on which the time is closest to the middle of the window.
                let day = day.unwrap_or_else(|| {
                    let off = |day: &i64| near(*day).saturating_sub(window.end / 2).unsigned_abs();
                    (today - 1..=today + 1).min_by_key(off).unwrap_or(today)
                });
                Ok(near(day))
            }
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text {
            "start" => return Ok(Self::Start),
            "end" => return Ok(Self::End),
            _ => {}
        }
        if text.contains(':') {
            return clock(text).ok_or_else(|| {
                format!("{text:?} is no time of day; write it as 09:20:31.5 or 2026-11-21T09:20:31.5Z, UTC")
            });
        }
        let (sign, rest) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        // A bare number is seconds, as the screens write instants: `7.393 000 s`.
        let digits: String = rest.chars().filter(|c| *c != ' ').collect();
        let bare = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let length = if bare {
            length(&format!("{digits}s"))
        } else {
            length(&digits)
        };
        length.map(|length| Self::At(sign * length)).map_err(|_| {
            format!("{text:?} is no instant; write it as 12.5s, 7.393, 1m2s, -3ms, 09:20:31 (UTC), start or end")
        })
    }
}

/// A stretch of time that was asked for: so long about the cursor, or from one instant to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// So many nanoseconds.
    Length(Ns),
    /// From the first instant to the second.
    Between(When, When),
}

impl FromStr for Stretch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("..") {
            Some((from, to)) => Ok(Self::Between(from.parse()?, to.parse()?)),
            None => length(text).map(Self::Length),
        }
    }
}

/// A length of time, in nanoseconds: numbers with their units one after another, such as `250us`, `1.5ms`, `1m2s`.
///
/// # Errors
/// One sentence about what is wrong with it.
pub fn length(text: &str) -> Result<Ns, String> {
    let wrong = || format!("{text:?} is no time; write a number and ns, us, ms, s, m or h");
    let mut rest = text.trim();
    let mut sum: i128 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let number = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, after) = rest.split_at(number);
        let unit = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let scale: i128 = match unit.trim() {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" | "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(wrong()),
        };
        sum += decimal(number, scale).ok_or_else(wrong)?;
        rest = after;
    }
    // Sums of instants must stay far from where they would overflow.
    Ns::try_from(sum)
        .ok()
        .filter(|sum| *sum < Ns::MAX / 8)
        .ok_or_else(|| format!("{text} is too long"))
}

/// A decimal number times `scale`, exactly; digits beyond a nanosecond are cut off.
fn decimal(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut sum = whole * scale;
    let mut place = scale;
    for digit in fraction.chars() {
        let value = i128::from(digit.to_digit(10)?);
        sum += value * place / 10;
        place /= 10;
    }
    Some(sum)
}

/// `09:20:31.5`, with or without a date before it.
fn clock(text: &str) -> Option<When> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (Some(date), time),
        None => (None, text),
    };
    let mut parts = time.splitn(3, ':');
    let hours: i64 = small(parts.next()?)?;
    let minutes: i64 = small(parts.next()?)?;
    let seconds = length(&format!("{}s", parts.next().unwrap_or("0"))).ok()?;
    if hours > 23 || minutes > 59 || seconds >= 61 * SECOND {
        return None;
    }
    let day = match date {
        None => None,
        Some(date) => {
            let mut parts = date.splitn(3, '-');
            let [year, month, day] = [parts.next()?, parts.next()?, parts.next()?].map(small);
            let (year, month, day) = (year?, month?, day?);
            if !(1970..=9999).contains(&year)
                || !(1..=12).contains(&month)
                || !(1..=31).contains(&day)
            {
                return None;
            }
            Some(days(year, month, day))
        }
    };
    Some(When::Clock(
        day,
        (hours * 60 + minutes) * 60 * SECOND + seconds,
    ))
}

fn small(text: &str) -> Option<i64> {
    let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date: years are counted from March, so that the leap day is their last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

/// An instant or a length exactly, as [`When`] and [`length`] read it: `12.5s`, `-0.000000003s`.
#[must_use]
pub(super) fn exact(ns: Ns) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let abs = ns.unsigned_abs();
    let text = format!("{}.{:09}", abs / 1_000_000_000, abs % 1_000_000_000);
    format!(
        "{sign}{}s",
        text.trim_end_matches('0').trim_end_matches('.')
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_as_people_write_them() {
        for (text, at) in [
            ("12.5s", 12_500_000_000),
            ("7.393", 7_393_000_000),
            ("7.393 000 s", 7_393_000_000),
            ("0", 0),
            ("1m2s", 62_000_000_000),
            ("1m2.5s", 62_500_000_000),
            ("-3ms", -3_000_000),
            ("250us", 250_000),
            ("1.5 µs", 1_500),
            ("1h", 3_600_000_000_000),
            (".5s", 500_000_000),
        ] {
            assert_eq!(text.parse(), Ok(When::At(at)), "{text}");
        }
        assert_eq!("end".parse(), Ok(When::End));
        for wrong in [
            "",
            "-",
            "s",
            "1x",
            "1..2",
            "1.2.3s",
            "ms3",
            "--3ms",
            "1e3s",
            "9999999999h",
            "25:00",
            "1:2:3:4",
            "::",
        ] {
            assert!(wrong.parse::<When>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_wall_clock_is_found_in_the_window() {
        // 2026-11-21T09:20:30Z, and a window of ten seconds.
        let start = 1_795_252_830 * SECOND;
        let window = |wall_start| Window {
            end: 10 * SECOND,
            others_start: 0,
            wall_start,
        };
        for text in [
            "09:20:31.5",
            "2026-11-21T09:20:31.5Z",
            "2026-11-21 09:20:31.5",
        ] {
            let when: When = text.parse().unwrap();
            assert_eq!(
                when.resolve(window(Some(start))),
                Ok(1_500_000_000),
                "{text}"
            );
            assert!(when.resolve(window(None)).is_err());
        }
        let midnight = 20_778 * DAY;
        let late: When = "23:59:59".parse().unwrap();
        assert_eq!(late.resolve(window(Some(midnight))), Ok(-SECOND));
        assert_eq!(days(2000, 2, 29), 11_016);
    }

    #[test]
    fn stretches_are_lengths_or_have_two_ends() {
        assert_eq!("3ms".parse(), Ok(Stretch::Length(3_000_000)));
        assert_eq!(
            "-1ms..end".parse(),
            Ok(Stretch::Between(When::At(-1_000_000), When::End))
        );
        assert!("1..".parse::<Stretch>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_exactly_is_read_exactly(at in -Ns::MAX / 9..Ns::MAX / 9) {
            prop_assert_eq!(exact(at).parse(), Ok(When::At(at)));
        }

        #[test]
        fn nothing_typed_breaks_it(text in "[-0-9.:TZ nsmhµ]{0,20}") {
            let _ = text.parse::<When>().map(|when| when.resolve(Window { end: 1, others_start: 0, wall_start: Some(i64::MAX) }));
            let _ = text.parse::<Stretch>();
        }
    }
}
