//! Values as they are written: numbers with units, and back.

use super::Type;

/// Units of time, smallest first, with their length in nanoseconds.
const TIME: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
const BYTES: &[(&str, i128)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("k", 1_000),
    ("M", 1_000_000),
];
const COUNT: &[(&str, i128)] = &[("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];

/// The units that values of `kind` may have.
pub(super) fn units(kind: Type) -> &'static [(&'static str, i128)] {
    match kind {
        Type::Length | Type::Instant => TIME,
        Type::Bytes => BYTES,
        Type::Count => COUNT,
        _ => &[],
    }
}

/// The number that `text` is for a field of type `kind`.
///
/// # Errors
/// One sentence about what is wrong, without a place.
pub(super) fn number(kind: Type, text: &str) -> Result<i128, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) if kind == Type::Instant => (-1, rest),
        _ => (1, text),
    };
    if kind == Type::Id {
        return task_id(digits).ok_or_else(|| format!("`{text}` is no task's id; write 42, or r1"));
    }
    let split = digits
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_'))
        .unwrap_or(digits.len());
    let (digits, unit) = digits.split_at(split);
    let nonsense = || {
        let what = match kind {
            Type::Length => "length of time",
            Type::Instant => "time",
            Type::Bytes => "number of bytes",
            _ => "number",
        };
        format!("`{text}` is no {what}; write {}", kind.example())
    };
    let scale = match units(kind).iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => *scale,
        None if unit.is_empty() && kind != Type::Length && kind != Type::Instant => 1,
        // Nothing is nothing in every unit.
        None if unit.is_empty() && decimal(digits, 1) == Some(0) => 1,
        None if unit.is_empty() && decimal(digits, 1).is_some() => {
            return Err(format!("`{text}` lacks a unit: ns, us, ms or s"));
        }
        None => return Err(nonsense()),
    };
    let value = decimal(digits, scale).ok_or_else(nonsense)?;
    Ok(sign * value)
}

/// `1.5` times `scale`, cut to a whole number; `None` for what is no decimal number or beyond all bounds.
fn decimal(text: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut value: i128 = 0;
    let mut digits = 0;
    for digit in whole.chars().filter(|c| *c != '_') {
        value = value * 10 + i128::from(digit.to_digit(10)?);
        digits += 1;
        if value > i128::from(u64::MAX) {
            return None;
        }
    }
    value *= scale;
    let mut place = scale;
    for digit in fraction.chars().filter(|c| *c != '_') {
        // Each digit is cut on its own: exact as long as the unit is a power of ten, and near enough beyond.
        value += place * i128::from(digit.to_digit(10)?) / 10;
        place /= 10;
        digits += 1;
    }
    (digits > 0).then_some(value)
}

/// The id that `text` names: a number, or `r` and a number for a future that only the recorder numbers.
pub(super) fn task_id(text: &str) -> Option<i128> {
    crate::analysis::label::parse_id(text).map(i128::from)
}

/// `value` as [`number`] reads it.
pub(super) fn written(kind: Type, value: i128) -> String {
    match kind {
        Type::Id => {
            u64::try_from(value).map_or_else(|_| value.to_string(), crate::analysis::label::id)
        }
        Type::Length | Type::Instant if value != 0 => {
            let (name, scale) = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)]
                .into_iter()
                .find(|(_, scale)| value.abs() >= *scale && value % (scale / 1_000) == 0)
                .unwrap_or(("ns", 1));
            scaled(value, scale) + name
        }
        Type::Bytes if value != 0 && value % 1_024 == 0 => {
            let (name, scale) = [("GiB", 1 << 30), ("MiB", 1 << 20)]
                .into_iter()
                .find(|(_, scale)| value % scale == 0)
                .unwrap_or(("KiB", 1 << 10));
            format!("{}{name}", value / scale)
        }
        _ => value.to_string(),
    }
}

/// `value` over `scale`, a power of ten, with up to three decimals.
fn scaled(value: i128, scale: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.abs() / scale, value.abs() % scale);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let thousandths = rest * 1_000 / scale;
    let decimals = format!("{thousandths:03}");
    format!("{sign}{whole}.{}", decimals.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_with_their_units() {
        for (kind, text, value) in [
            (Type::Length, "5ms", 5_000_000),
            (Type::Length, "1.5s", 1_500_000_000),
            (Type::Length, "0.25us", 250),
            (Type::Length, "9.31µs", 9_310),
            (Type::Length, "0", 0),
            (Type::Length, "2min", 120_000_000_000),
            (Type::Instant, "-200ms", -200_000_000),
            (Type::Bytes, "64KiB", 65_536),
            (Type::Bytes, "512", 512),
            (Type::Count, "10k", 10_000),
            (Type::Count, "1_000", 1_000),
            (Type::Count, "1.5M", 1_500_000),
            (Type::Id, "42", 42),
            (Type::Id, "r3", (1 << 47) + 3),
        ] {
            assert_eq!(number(kind, text), Ok(value), "{text}");
        }
        for (kind, text) in [
            (Type::Length, "5"),
            (Type::Length, "ms"),
            (Type::Length, "-5ms"),
            (Type::Length, "5m"),
            (Type::Length, "."),
            (Type::Length, "1.2.3s"),
            (Type::Length, "99999999999999999999999999s"),
            (Type::Count, "ten"),
            (Type::Count, ""),
            (Type::Id, "-1"),
            (Type::Id, "x"),
        ] {
            assert!(number(kind, text).is_err(), "{text}");
        }
        assert_eq!(
            number(Type::Length, "5").unwrap_err(),
            "`5` lacks a unit: ns, us, ms or s"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(value in prop_oneof![0i128..5_000, 0i128..1 << 62, (0i128..9_999).prop_map(|n| n * 1_000_000)], which in 0usize..5) {
            let kind = [Type::Length, Type::Instant, Type::Bytes, Type::Count, Type::Id][which];
            prop_assert_eq!(number(kind, &written(kind, value)), Ok(value));
            if kind == Type::Instant {
                prop_assert_eq!(number(kind, &written(kind, -value)), Ok(-value));
            }
        }

        #[test]
        fn nothing_breaks_it(text in ".{0,12}", which in 0usize..5) {
            let kind = [Type::Length, Type::Instant, Type::Bytes, Type::Count, Type::Id][which];
            let _ = number(kind, &text);
        }
    }
}
