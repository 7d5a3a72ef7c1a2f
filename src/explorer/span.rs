//! A stretch of time on a row of cells: which cell an instant falls into, and how zooming changes the stretch.

use crate::recording::Ns;

/// The shortest stretch that is shown: a nanosecond in each cell of a narrow window.
const SHORTEST: Ns = 16;

/// No stretch goes beyond 36 years about the window's start, so that no sum of times can overflow.
const FAR: Ns = Ns::MAX / 8;

/// What a timeline shows: from `from` (in it) to `to` (out of it); never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    from: Ns,
    to: Ns,
}

impl Span {
    /// A stretch; one that would be too short is made longer.
    pub(super) fn new(from: Ns, to: Ns) -> Self {
        let from = from.clamp(-FAR, FAR - SHORTEST);
        Self {
            from,
            to: to.clamp(from + SHORTEST, FAR),
        }
    }

    pub(super) fn from(self) -> Ns {
        self.from
    }

    pub(super) fn to(self) -> Ns {
        self.to
    }

    pub(super) fn length(self) -> Ns {
        self.to.saturating_sub(self.from)
    }

    pub(super) fn contains(self, at: Ns) -> bool {
        self.from <= at && at < self.to
    }

    /// The cell of `cells` that `at` falls into, if it is in the stretch.
    pub(super) fn cell(self, at: Ns, cells: usize) -> Option<usize> {
        (self.contains(at) && cells > 0).then(|| {
            let offset = i128::from(at) - i128::from(self.from);
            let cell = offset * cells as i128 / i128::from(self.length());
            usize::try_from(cell).map_or(0, |cell| cell.min(cells - 1))
        })
    }

    /// The first instant that falls into `cell` of `cells`; of the cell behind the last one, the stretch's end.
    pub(super) fn start_of(self, cell: usize, cells: usize) -> Ns {
        let cells = cells.max(1) as i128;
        let offset = (cell as i128 * i128::from(self.length()) + cells - 1) / cells;
        Ns::try_from(i128::from(self.from) + offset).unwrap_or(self.to)
    }

    /// How much time one cell of `cells` shows, at least 1 ns.
    pub(super) fn per_cell(self, cells: usize) -> Ns {
        (self.length() / Ns::try_from(cells.max(1)).unwrap_or(Ns::MAX)).max(1)
    }

    /// Half of the stretch, but no less than a nanosecond in each of `cells`, with `about` where it was.
    pub(super) fn zoomed_in(self, about: Ns, cells: usize) -> Self {
        let shortest = Ns::try_from(cells).unwrap_or(SHORTEST).max(SHORTEST);
        let about = about.clamp(self.from, self.to);
        let length = self.length();
        let shown = (length / 2).max(shortest.min(length));
        let before = i128::from(about - self.from) * i128::from(shown) / i128::from(length);
        let from = about - Ns::try_from(before).unwrap_or(0);
        Self::new(from, from.saturating_add(shown))
    }

    /// Twice the stretch, with `about` where it was, but no longer than `whole` and not beyond its ends.
    pub(super) fn zoomed_out(self, about: Ns, whole: Self) -> Self {
        let length = self.length().saturating_mul(2);
        if length >= whole.length() {
            return whole;
        }
        let before = (about.clamp(self.from, self.to) - self.from).saturating_mul(2);
        Self::of_length(
            about.clamp(self.from, self.to).saturating_sub(before),
            length,
            whole,
        )
    }

    /// The stretch about an interval that shows it in the middle third or so.
    pub(super) fn about(start: Ns, length: Ns, whole: Self) -> Self {
        let (start, length) = (start.clamp(-FAR, FAR), length.clamp(0, FAR));
        let shown = length.saturating_mul(4).max(1_000);
        if shown >= whole.length() {
            return whole;
        }
        Self::of_length(start.saturating_sub((shown - length) / 2), shown, whole)
    }

    /// The stretch moved, if it must be, so that `at` is in it.
    pub(super) fn showing(self, at: Ns, whole: Self) -> Self {
        if self.contains(at) {
            return self;
        }
        let from = at.clamp(-FAR, FAR) - self.length() / 2;
        if whole.contains(at) {
            Self::of_length(from, self.length(), whole)
        } else {
            Self::new(from, from.saturating_add(self.length()))
        }
    }

    /// The stretch of that length from there on, moved so that it stays inside `whole`.
    pub(super) fn of_length(from: Ns, length: Ns, whole: Self) -> Self {
        let length = length.min(whole.length());
        let from = from.clamp(whole.from, whole.to - length);
        Self::new(from, from.saturating_add(length))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_closest_zoom_shows_one_nanosecond_in_each_cell() {
        let mut span = Span::new(0, 1_000_000_000);
        for _ in 0..60 {
            span = span.zoomed_in(123_456_789, 53);
        }
        assert_eq!((span.length(), span.per_cell(53)), (53, 1));
        assert!(span.contains(123_456_789));
    }

    #[test]
    fn zooming_keeps_the_cursor_in_its_place() {
        let whole = Span::new(0, 1_000_000);
        let inner = whole.zoomed_in(250_000, 80);
        assert_eq!((inner.from(), inner.to()), (125_000, 625_000));
        assert_eq!(inner.zoomed_out(250_000, whole), whole);
        assert_eq!(
            Span::about(500_000, 80_000, whole),
            Span::new(380_000, 700_000)
        );
    }

    proptest! {
        #[test]
        fn cells_and_instants_agree(from in -1_000_000_000i64..1_000_000_000, length in 1i64..10_000_000_000, cells in 1usize..300, at in 0f64..1.0) {
            let span = Span::new(from, from + length);
            let at = from + (span.length() as f64 * at) as i64;
            let cell = span.cell(at, cells).unwrap();
            prop_assert!(span.start_of(cell, cells) <= at);
            prop_assert!(cell + 1 == cells || at < span.start_of(cell + 1, cells));
            prop_assert_eq!(span.start_of(cells, cells), span.to());
        }

        #[test]
        fn no_zoom_leaves_the_whole_or_loses_the_cursor(at in 0i64..1_000_000, steps in prop::collection::vec(any::<bool>(), 0..60)) {
            let whole = Span::new(0, 1_000_000);
            let mut span = whole;
            for closer in steps {
                span = if closer { span.zoomed_in(at, 60) } else { span.zoomed_out(at, whole) };
                prop_assert!(span.contains(at), "{span:?}");
                prop_assert!(span.length() >= SHORTEST && span.length() <= whole.length());
            }
        }

        #[test]
        fn nothing_overflows(from: i64, to: i64, at: i64, start: i64, length in 0i64..i64::MAX) {
            let whole = Span::new(from, to);
            for span in [whole.zoomed_in(at, 80), whole.zoomed_out(at, whole), Span::about(start, length, whole), whole.showing(at, whole)] {
                prop_assert!(span.from() < span.to() && span.length() > 0);
                span.cell(at, 80);
                span.start_of(80, 80);
            }
        }
    }
}
