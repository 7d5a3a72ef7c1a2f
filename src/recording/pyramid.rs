//! Least and greatest of any stretch of values in few steps: summaries of summaries.

/// How many values, or summaries, one summary covers.
const FAN: usize = 16;

/// The least and the greatest value of a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MinMax {
    pub(crate) min: i64,
    pub(crate) max: i64,
}

impl MinMax {
    pub(crate) const NONE: Self = Self {
        min: i64::MAX,
        max: i64::MIN,
    };

    pub(crate) fn of(value: i64) -> Self {
        Self {
            min: value,
            max: value,
        }
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

/// Summaries over values that lie elsewhere: an eighth of what 16-byte values take.
#[derive(Debug, Default)]
pub(crate) struct Pyramid {
    /// Each level summarises [`FAN`] entries of the one before; the first, [`FAN`] values.
    levels: Vec<Vec<MinMax>>,
}

impl Pyramid {
    /// Summarises `len` values.
    pub(crate) fn new(len: usize, get: impl Fn(usize) -> MinMax) -> Self {
        let mut levels: Vec<Vec<MinMax>> = Vec::new();
        let mut below = len;
        while below > FAN {
            let lower = levels.last();
            let level = (0..below.div_ceil(FAN))
                .map(|block| {
                    let range = block * FAN..((block + 1) * FAN).min(below);
                    range.fold(MinMax::NONE, |sum, index| {
                        sum.with(lower.map_or_else(|| get(index), |lower| lower[index]))
                    })
                })
                .collect::<Vec<_>>();
            below = level.len();
            levels.push(level);
        }
        Self { levels }
    }

    /// The least and greatest of the values `from..to`; [`MinMax::NONE`] of no values.
    pub(crate) fn range(&self, from: usize, to: usize, get: impl Fn(usize) -> MinMax) -> MinMax {
        let mut sum = MinMax::NONE;
        let (mut from, mut to) = (from, to.max(from));
        let mut level: Option<usize> = None;
        loop {
            let at =
                |index: usize| level.map_or_else(|| get(index), |level| self.levels[level][index]);
            let above = level.map_or(0, |level| level + 1);
            if above == self.levels.len() || to - from <= 2 * FAN {
                return (from..to).fold(sum, |sum, index| sum.with(at(index)));
            }
            while from % FAN != 0 {
                sum = sum.with(at(from));
                from += 1;
            }
            while to % FAN != 0 {
                to -= 1;
                sum = sum.with(at(to));
            }
            (from, to, level) = (from / FAN, to / FAN, Some(above));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_stretch_is_as_a_scan_says(values in prop::collection::vec(-50i64..50, 0..6_000), a in 0usize..6_000, b in 0usize..6_000) {
            let get = |index: usize| MinMax::of(values[index]);
            let pyramid = Pyramid::new(values.len(), get);
            let (from, to) = (a.min(b).min(values.len()), a.max(b).min(values.len()));
            let scan = (from..to).fold(MinMax::NONE, |sum, index| sum.with(get(index)));
            prop_assert_eq!(pyramid.range(from, to, get), scan);
        }
    }
}
