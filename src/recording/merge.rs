//! Merging: many streams, each in its own order, become one in the order of time.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque, binary_heap::PeekMut},
};

use super::Ns;

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
/// Memory of a stretch is given back as soon as it is used up.
pub(crate) fn merge<T>(
    stretches: impl Iterator<Item = Stretch<T>>,
    key: impl Fn(&T) -> Ns,
    mut emit: impl FnMut(usize, &T),
) {
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

/// Chains the stretches of each stream; one that begins before its predecessor ended becomes a source of its own.
fn chain<T>(
    stretches: impl Iterator<Item = Stretch<T>>,
    key: &impl Fn(&T) -> Ns,
) -> Vec<Source<T>> {
    let mut sources: Vec<Source<T>> = Vec::new();
    let mut latest: BTreeMap<u32, usize> = BTreeMap::new();
    for stretch in stretches {
        let (Some(first), Some(last)) =
            (stretch.rows.first().map(key), stretch.rows.last().map(key))
        else {
            continue;
        };
        if let Some(&number) = latest.get(&stretch.stream) {
            let source = &mut sources[number];
            if source.last_key <= first {
                source.last_key = last;
                source.stretches.push_back(stretch);
                continue;
            }
        }
        latest.insert(stretch.stream, sources.len());
        sources.push(Source {
            stretches: VecDeque::from([stretch]),
            row: 0,
            last_key: last,
        });
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
            |batch, row| merged.push((*row, batch)),
        );
        assert!(merged.is_sorted_by_key(|(row, _)| *row), "{merged:?}");
        assert_eq!(merged.len(), 12);
        assert_eq!(merged[0], (-4, 5));
        assert_eq!(merged.last(), Some(&(40, 6)));
    }
}
