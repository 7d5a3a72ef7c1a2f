//! A stretch of time in cells: where each begins, and which one an instant falls into.

use super::Ns;

/// The cells that share a stretch of time evenly, as a timeline draws them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    from: Ns,
    to: Ns,
    cells: usize,
}

impl Grid {
    /// `None` where there is no time, or no cell.
    pub(crate) fn new(from: Ns, to: Ns, cells: usize) -> Option<Self> {
        (from < to && cells > 0).then_some(Self { from, to, cells })
    }

    /// The first instant of a cell; of the cell behind the last one, the end of the stretch. A cell that is shorter
    /// than a nanosecond may hold none.
    pub(crate) fn start_of(self, cell: usize) -> Ns {
        let length = i128::from(self.to) - i128::from(self.from);
        let cells = self.cells as i128;
        let offset = (cell as i128 * length + cells - 1) / cells;
        Ns::try_from(i128::from(self.from) + offset).unwrap_or(self.to)
    }

    /// The cell that an instant falls into, if it is in the stretch.
    #[cfg(test)]
    pub(crate) fn cell(self, at: Ns) -> Option<usize> {
        (self.from <= at && at < self.to).then(|| {
            let length = i128::from(self.to) - i128::from(self.from);
            let offset = i128::from(at) - i128::from(self.from);
            let cell = offset * self.cells as i128 / length;
            usize::try_from(cell).map_or(0, |cell| cell.min(self.cells - 1))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cells_and_instants_agree(from in -1_000i64..1_000, length in 1i64..100_000, cells in 1usize..300, at in 0f64..1.0) {
            let grid = Grid::new(from, from + length, cells).unwrap();
            let at = from + (length as f64 * at) as i64;
            let cell = grid.cell(at).unwrap();
            prop_assert!((grid.start_of(cell)..grid.start_of(cell + 1)).contains(&at));
            prop_assert_eq!((grid.start_of(0), grid.start_of(cells)), (from, from + length));
        }
    }
}
