//! Round times along a timeline: 1, 2 or 5 of some power of ten apart, with just the digits that tell them apart.

use crate::{
    explorer::{span::Span, text::width},
    recording::{Ns, SECOND},
};

/// A round time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub(super) cell: usize,
    pub(super) label: String,
}

/// As many round times as have room for their labels, ascending.
pub(super) fn ticks(span: Span, cells: usize) -> Vec<Tick> {
    let mut ticks = Vec::new();
    let Some(step) = step(span, cells) else {
        return ticks;
    };
    let mut at = span.from().div_euclid(step).saturating_mul(step);
    while at < span.to() {
        if let Some(cell) = span.cell(at, cells) {
            ticks.push(Tick {
                cell,
                label: label(at, step),
            });
        }
        at = at.saturating_add(step);
    }
    ticks
}

/// The shortest distance at which labels do not touch each other.
fn step(span: Span, cells: usize) -> Option<Ns> {
    let length = i128::from(span.length());
    let mut power: Ns = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = power.checked_mul(factor)?;
            let widest = [span.from(), span.to()].map(|at| width(&label(at, step)));
            let wanted = widest[0].max(widest[1]) + 3;
            if i128::from(step) * cells as i128 >= length * wanted as i128 {
                return Some(step);
            }
        }
        power = power.checked_mul(10)?;
    }
}

/// `7.35 s`, `7.412 480 s`: as many digits as differ between times that are `step` apart, in groups of three.
fn label(at: Ns, step: Ns) -> String {
    let digits = (0..9)
        .take_while(|digits| step % (SECOND / 10_i64.pow(*digits)) != 0)
        .count();
    let sign = if at < 0 { "-" } else { "" };
    let abs = at.unsigned_abs();
    let mut text = format!("{sign}{}", abs / SECOND.unsigned_abs());
    let fraction = format!("{:09}", abs % SECOND.unsigned_abs());
    for (number, digit) in fraction.chars().take(digits).enumerate() {
        match number {
            0 => text.push('.'),
            3 | 6 => text.push(' '),
            _ => {}
        }
        text.push(digit);
    }
    text + " s"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(from: Ns, to: Ns, cells: usize) -> Vec<String> {
        let ticks = ticks(Span::new(from, to), cells);
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round_at_every_zoom() {
        assert_eq!(
            labels(0, 12 * SECOND, 60),
            ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]
        );
        assert_eq!(
            labels(7_300_000_000, 7_500_000_000, 60),
            ["7.30 s", "7.35 s", "7.40 s", "7.45 s"]
        );
        assert_eq!(
            labels(7_412_492_183, 7_412_492_243, 60),
            ["7.412 492 20 s", "7.412 492 22 s", "7.412 492 24 s"]
        );
        assert_eq!(labels(-1_000_000, 1_000_000, 40), ["-0.001 s", "0.000 s"]);
    }

    proptest! {
        #[test]
        fn labels_never_touch(from in -1_000_000_000_000i64..1_000_000_000_000, length in 1i64..10_000_000_000_000, cells in 1usize..250) {
            let span = Span::new(from, from + length);
            let ticks = ticks(span, cells);
            for pair in ticks.windows(2) {
                prop_assert!(pair[0].cell + width(&pair[0].label) < pair[1].cell, "{ticks:?}");
            }
        }
    }
}
