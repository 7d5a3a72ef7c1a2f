//! Which columns of the Tasks pane are shown in how many cells, as far as there is room.

use super::table::{SORTS, Sort};

/// Cells in front of a row: the selection's marker.
pub(super) const MARGIN: usize = 2;

/// The columns that are shown, from left to right, with their cells; one blank lies between two of them.
#[derive(Debug)]
pub(super) struct Columns(pub(super) Vec<(Sort, usize)>);

/// What is done with further room, first things first.
enum Step {
    /// Shows a column, if all of it fits.
    Show(Sort, usize),
    /// Makes a column wider, up to so many cells.
    Grow(Sort, usize),
}

const STEPS: &[Step] = &[
    Step::Grow(Sort::Location, 11),
    Step::Grow(Sort::Name, 13),
    Step::Grow(Sort::Location, 17),
    Step::Show(Sort::Longest, 7),
    Step::Show(Sort::Delay, 9),
    Step::Show(Sort::Polls, 6),
    Step::Show(Sort::Busy, 7),
    Step::Grow(Sort::State, 10),
    Step::Grow(Sort::Location, 24),
    Step::Grow(Sort::Name, 18),
    Step::Show(Sort::Wakes, 6),
    Step::Show(Sort::Waiting, 12),
    Step::Grow(Sort::Location, 32),
    Step::Grow(Sort::Name, 24),
    Step::Grow(Sort::Waiting, 28),
    Step::Grow(Sort::Location, 60),
    Step::Grow(Sort::Name, 40),
    Step::Grow(Sort::Waiting, 60),
];

impl Columns {
    /// The columns for a table of `width` cells whose longest id has `digits`.
    pub(super) fn new(width: u16, digits: usize) -> Self {
        let id = digits.clamp(3, 10);
        let mut shown = vec![
            (Sort::Id, id),
            (Sort::State, 8),
            (Sort::Name, 8),
            (Sort::Location, 8),
        ];
        let taken: usize = shown.iter().map(|(_, cells)| cells + 1).sum();
        // No blank is needed behind the last one.
        let mut left = (usize::from(width) + 1).saturating_sub(MARGIN + taken);
        for step in STEPS {
            match *step {
                Step::Show(column, cells) if cells < left => {
                    shown.push((column, cells));
                    left -= cells + 1;
                }
                Step::Show(..) => {}
                Step::Grow(column, most) => {
                    if let Some((_, cells)) = shown.iter_mut().find(|(shown, _)| *shown == column) {
                        let more = most.saturating_sub(*cells).min(left);
                        *cells += more;
                        left -= more;
                    }
                }
            }
        }
        shown.sort_by_key(|(column, _)| SORTS.iter().position(|sort| sort == column));
        Self(shown)
    }
}

/// Whether what a column says stands at its right edge, as numbers do.
pub(super) fn flush_right(column: Sort) -> bool {
    matches!(
        column,
        Sort::Id | Sort::Polls | Sort::Busy | Sort::Longest | Sort::Delay | Sort::Wakes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_their_width() {
        for digits in 1..20 {
            for width in 40..240 {
                let columns = Columns::new(width, digits).0;
                let taken: usize = columns.iter().map(|(_, cells)| cells + 1).sum();
                assert!(taken + MARGIN <= usize::from(width) + 1, "{width}: {taken}");
            }
        }
    }

    #[test]
    fn eighty_cells_show_what_the_design_asks_for_and_a_hundred_and_twenty_all_of_it() {
        let shown = |width| {
            Columns::new(width, 4)
                .0
                .into_iter()
                .map(|(column, _)| column)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(120), SORTS[1..]);
        for column in [
            Sort::State,
            Sort::Name,
            Sort::Location,
            Sort::Polls,
            Sort::Busy,
            Sort::Longest,
            Sort::Delay,
        ] {
            assert!(shown(80).contains(&column), "{column:?}");
        }
    }
}
