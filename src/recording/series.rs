//! Series: what a recorder measured from time to time, and what it was in every cell of a picture.

use std::collections::BTreeMap;

use super::{
    LaneIx, Ns, Recording, RuntimeIx, SeriesIx, StrId, ThreadIx,
    grid::Grid,
    pyramid::{MinMax, Pyramid},
};

/// Whose series it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole process.
    Process,
    /// A runtime.
    Runtime(RuntimeIx),
    /// A worker.
    Lane(LaneIx),
    /// A thread that is no worker.
    Thread(ThreadIx),
}

/// What a series measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its name.
    pub name: StrId,
    /// The unit in which it counts, as the file spells it, or [`StrId::NONE`].
    pub unit: StrId,
    /// Whose it is.
    pub scope: Scope,
    /// How many points it has.
    pub points: usize,
}

/// The values of a series in one cell: what was in force when it began, and what came in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Band {
    /// The least.
    pub min: i64,
    /// The greatest.
    pub max: i64,
    /// The one at the cell's end.
    pub last: i64,
    /// Whether there was one at all: before a series' first point there is none.
    pub any: bool,
}

/// The points of one series, ascending.
#[derive(Debug)]
pub(crate) struct Points {
    name: StrId,
    unit: StrId,
    scope: Scope,
    at: Vec<Ns>,
    value: Vec<i64>,
    pyramid: Pyramid,
}

/// Points by series, while they are gathered.
#[derive(Debug, Default)]
pub(crate) struct Gathered(BTreeMap<(StrId, StrId, Scope), Vec<(Ns, i64)>>);

impl Gathered {
    pub(crate) fn push(&mut self, name: StrId, unit: StrId, scope: Scope, at: Ns, value: i64) {
        self.0
            .entry((name, unit, scope))
            .or_default()
            .push((at, value));
    }

    pub(crate) fn finish(self) -> Vec<Points> {
        let series = self.0.into_iter();
        series
            .map(|((name, unit, scope), mut points)| {
                points.sort_by_key(|(at, _)| *at);
                let at: Vec<Ns> = points.iter().map(|(at, _)| *at).collect();
                let value: Vec<i64> = points.iter().map(|(_, value)| *value).collect();
                let pyramid = Pyramid::new(value.len(), |index| MinMax::of(value[index]));
                Points {
                    name,
                    unit,
                    scope,
                    at,
                    value,
                    pyramid,
                }
            })
            .collect()
    }
}

impl Points {
    fn cover(&self, grid: Grid, bands: &mut [Band]) {
        let get = |index: usize| MinMax::of(self.value[index]);
        let mut next = self.at.partition_point(|at| *at < grid.start_of(0));
        for (cell, band) in bands.iter_mut().enumerate() {
            let (start, end) = (grid.start_of(cell), grid.start_of(cell + 1));
            let to = next + self.at[next..].partition_point(|at| *at < end);
            let in_force = next.checked_sub(1).map(|before| self.value[before]);
            // A point in the cell's first instant replaces what was in force.
            let replaced = next < to && self.at[next] == start;
            let carried = in_force
                .filter(|_| !replaced)
                .map_or(MinMax::NONE, MinMax::of);
            let sum = self.pyramid.range(next, to, get).with(carried);
            if sum != MinMax::NONE {
                *band = Band {
                    min: sum.min,
                    max: sum.max,
                    last: to.checked_sub(1).map_or(0, |last| self.value[last]),
                    any: true,
                };
            }
            next = to;
        }
    }
}

impl Recording {
    /// Every series that was recorded, by name, unit and scope.
    pub fn all_series(&self) -> impl ExactSizeIterator<Item = SeriesIx> + use<> {
        (0..self.extra.series.len()).map(SeriesIx::new)
    }

    /// What a series measures.
    #[must_use]
    pub fn series(&self, series: SeriesIx) -> Series {
        let points = &self.extra.series[series.index()];
        Series {
            name: points.name,
            unit: points.unit,
            scope: points.scope,
            points: points.at.len(),
        }
    }

    /// The series of this name and scope.
    #[must_use]
    pub fn series_named(&self, name: &str, scope: Scope) -> Option<SeriesIx> {
        self.all_series().find(|series| {
            let points = &self.extra.series[series.index()];
            points.scope == scope && self.str(points.name) == name
        })
    }

    /// The points of a series between `from` (in it) and `to` (out of it).
    pub fn points(
        &self,
        series: SeriesIx,
        from: Ns,
        to: Ns,
    ) -> impl Iterator<Item = (Ns, i64)> + '_ {
        let points = &self.extra.series[series.index()];
        let first = points.at.partition_point(|at| *at < from);
        let last = points.at.partition_point(|at| *at < to).max(first);
        let values = points.value[first..last].iter();
        points.at[first..last].iter().copied().zip(values.copied())
    }

    /// What a series was at an instant; `None` before its first point.
    #[must_use]
    pub fn value_at(&self, series: SeriesIx, at: Ns) -> Option<i64> {
        self.last_point(series, at).map(|(_, value)| value)
    }

    /// The latest point of a series up to an instant.
    #[must_use]
    pub fn last_point(&self, series: SeriesIx, at: Ns) -> Option<(Ns, i64)> {
        let points = &self.extra.series[series.index()];
        let after = points.at.partition_point(|point| *point <= at);
        let last = after.checked_sub(1)?;
        Some((points.at[last], points.value[last]))
    }

    /// The first point of a series.
    #[must_use]
    pub fn first_point(&self, series: SeriesIx) -> Option<(Ns, i64)> {
        let points = &self.extra.series[series.index()];
        Some((*points.at.first()?, *points.value.first()?))
    }

    /// Fills `bands`, which share the time from `from` to `to`, with what a series was in each of them.
    pub fn cover_series(&self, series: SeriesIx, from: Ns, to: Ns, bands: &mut [Band]) {
        bands.fill(Band::default());
        if let Some(grid) = Grid::new(from, to, bands.len()) {
            self.extra.series[series.index()].cover(grid, bands);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cell_is_what_its_instants_say(points in prop::collection::vec((0i64..300, -9i64..9), 0..80), from in -20i64..300, length in 1i64..200, width in 1usize..40) {
            let mut gathered = Gathered::default();
            for (at, value) in &points {
                gathered.push(StrId::NONE, StrId::NONE, Scope::Process, *at, *value);
            }
            let series = gathered.finish();
            let grid = Grid::new(from, from + length, width).unwrap();
            let mut bands = vec![Band::default(); width];
            if let Some(series) = series.first() {
                series.cover(grid, &mut bands);
            }
            let mut sorted = points.clone();
            sorted.sort_by_key(|(at, _)| *at);
            let value_at = |at: Ns| sorted.iter().rev().find(|(point, _)| *point <= at).map(|(_, value)| *value);
            for (cell, band) in bands.iter().enumerate() {
                let (start, end) = (grid.start_of(cell), grid.start_of(cell + 1));
                let inside = sorted.iter().filter(|(at, _)| (start..end).contains(at)).map(|(_, value)| *value);
                let first = sorted.iter().any(|(at, _)| *at == start && start < end);
                let values: Vec<i64> = inside.chain(value_at(start - 1).filter(|_| !first)).collect();
                let expected = match (values.iter().min(), values.iter().max()) {
                    (Some(min), Some(max)) => Band { min: *min, max: *max, last: value_at(end - 1).unwrap(), any: true },
                    _ => Band::default(),
                };
                prop_assert_eq!(*band, expected);
            }
        }
    }
}
