//! Merging: many streams, each in its own order, become one in the order of time.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, HashMap, VecDeque, binary_heap::PeekMut},
};

use super::{Ns, stop::Stop};

/// A stretch of rows, ascending, and the number of the batch that it came from.
pub(crate) struct Stretch<T> {
    pub(crate) stream: u32,
    pub(crate) batch: usize,
    pub(crate) rows: Vec<T>,
}

struct Source<T> {
    stretches: VecDeque<Stretch<T>>,
    row: usize,
    last_key: Ns,
}

/// Calls `emit` for every row in ascending order of `key`; rows of one key keep the order of their streams.
///
/// Memory of a stretch is given back as soon as it is used up. It breaks off when it is told to stop.
pub(crate) fn merge<T>(
    stretches: impl Iterator<Item = Stretch<T>>,
    key: impl Fn(&T) -> Ns,
    stop: Stop<'_>,
    mut emit: impl FnMut(usize, &T),
) {
    let mut pace = stop.pace();
    let mut sources = chain(stretches, &key);
    let mut heads: BinaryHeap<Reverse<(Ns, usize)>> = sources
        .iter()
        .enumerate()
        .filter_map(|(number, source)| {
            Some(Reverse((
                key(source.stretches.front()?.rows.first()?),
                number,
            )))
        })
        .collect();
    while let Some(mut head) = heads.peek_mut() {
        if pace.is_over() {
            return;
        }
        let number = head.0.1;
        let source = &mut sources[number];
        let next = source.stretches.front().and_then(|stretch| {
            emit(stretch.batch, &stretch.rows[source.row]);
            source.row += 1;
            stretch.rows.get(source.row)
        });
        let next_key = match next {
            Some(row) => Some(key(row)),
            None => {
                source.stretches.pop_front();
                source.row = 0;
                source
                    .stretches
                    .front()
                    .and_then(|stretch| stretch.rows.first())
                    .map(&key)
            }
        };
        match next_key {
            Some(next_key) => head.0.0 = next_key,
            None => {
                PeekMut::pop(head);
            }
        }
    }
}

/// Chains stretches that follow each other in time, those of one stream first: the fewer sources, the faster the merge.
fn chain<T>(
    stretches: impl Iterator<Item = Stretch<T>>,
    key: &impl Fn(&T) -> Ns,
) -> Vec<Source<T>> {
    let mut sources: Vec<Source<T>> = Vec::new();
    let mut latest: HashMap<u32, usize> = HashMap::new();
    // Sources by the key of their last row.
    let mut ends: BTreeSet<(Ns, usize)> = BTreeSet::new();
    let mut ordered: Vec<(Ns, Ns, Stretch<T>)> = stretches
        .filter_map(|stretch| {
            let (first, last) = (key(stretch.rows.first()?), key(stretch.rows.last()?));
            Some((first, last, stretch))
        })
        .collect();
    ordered.sort_by_key(|(first, ..)| *first);
    for (first, last, stretch) in ordered {
        let own = latest.get(&stretch.stream).copied();
        let own = own.filter(|number| sources[*number].last_key <= first);
        let other = || Some(ends.range(..=(first, usize::MAX)).next_back()?.1);
        let number = own.or_else(other).unwrap_or_else(|| {
            sources.push(Source {
                stretches: VecDeque::new(),
                row: 0,
                last_key: first,
            });
            sources.len() - 1
        });
        latest.insert(stretch.stream, number);
        let source = &mut sources[number];
        ends.remove(&(source.last_key, number));
        ends.insert((last, number));
        source.last_key = last;
        source.stretches.push_back(stretch);
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_merge_in_time_order_whatever_their_stretches() {
        let stretches = [
            (0, vec![1, 5, 9]),
            (1, vec![2, 2, 3]),
            (0, vec![]),
            (0, vec![9, 12]),
            (1, vec![1, 30]),
            (2, vec![-4]),
            (1, vec![40]),
        ];
        let mut merged = Vec::new();
        merge(
            stretches
                .into_iter()
                .enumerate()
                .map(|(batch, (stream, rows))| Stretch {
                    stream,
                    batch,
                    rows,
                }),
            |row| *row,
            Stop::NEVER,
            |batch, row| merged.push((*row, batch)),
        );
        assert!(merged.is_sorted_by_key(|(row, _)| *row), "{merged:?}");
        assert_eq!(merged.len(), 12);
        assert_eq!(merged[0], (-4, 5));
        assert_eq!(merged.last(), Some(&(40, 6)));
    }

    #[test]
    fn what_follows_in_time_is_one_source() {
        let stretch = |stream, rows: &[Ns]| Stretch {
            stream,
            batch: 0,
            rows: rows.to_vec(),
        };
        let stretches = [
            stretch(1, &[10, 20]),
            stretch(2, &[15, 25]),
            stretch(3, &[30, 40]),
            stretch(2, &[25, 26]),
            stretch(4, &[0, 5]),
        ];
        assert_eq!(chain(stretches.into_iter(), &|row| *row).len(), 2);
    }
}
