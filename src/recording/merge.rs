//! Merging: many streams, each in its own order, become one in the order of time.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    vec,
};

use super::{Ns, stop::Stop};

/// A stretch of rows, ascending, and the number of the batch that it came from.
pub(crate) struct Stretch<T> {
    pub(crate) stream: u32,
    pub(crate) batch: usize,
    pub(crate) rows: Vec<T>,
}

/// Stretches that follow each other in time.
struct Source<T> {
    /// What is left of the stretch whose turn it is; no other is empty.
    rows: vec::IntoIter<T>,
    batch: usize,
    behind: VecDeque<Stretch<T>>,
}

impl<T> Source<T> {
    fn new(stretches: VecDeque<Stretch<T>>) -> Self {
        let mut source = Self {
            rows: Vec::new().into_iter(),
            batch: 0,
            behind: stretches,
        };
        source.go_on();
        source
    }

    /// Takes the first row, and tells its batch.
    #[inline]
    fn take(&mut self) -> Option<(usize, T)> {
        let row = self.rows.next()?;
        let batch = self.batch;
        if self.rows.len() == 0 {
            self.go_on();
        }
        Some((batch, row))
    }

    /// Frees a stretch that is used up, and begins the next.
    #[cold]
    fn go_on(&mut self) {
        if let Some(next) = self.behind.pop_front() {
            (self.rows, self.batch) = (next.rows.into_iter(), next.batch);
        }
    }

    fn first(&self) -> Option<&T> {
        self.rows.as_slice().first()
    }

    /// The row behind the first.
    #[inline]
    fn second(&self) -> Option<&T> {
        let here = self.rows.as_slice().get(1);
        here.or_else(|| self.behind.front()?.rows.first())
    }
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
    let sources = chain(stretches, &key).into_iter().map(Source::new);
    let mut sources: Vec<Source<T>> = sources.collect();
    let head = |row: Option<&T>, number: usize| row.map_or(OVER, |row| (key(row), number as u32));
    let heads = |of: fn(&Source<T>) -> Option<&T>, sources: &[Source<T>]| -> Vec<Head> {
        let numbered = sources.iter().enumerate();
        numbered
            .map(|(number, source)| head(of(source), number))
            .collect()
    };
    let mut first = Tournament::new(heads(Source::first, &sources));
    // The next match waits for nothing but these: what lies behind is fetched from memory while it is played.
    let mut second = heads(Source::second, &sources);
    while !pace.is_over() {
        let number = first.winner.1 as usize;
        let (Some(source), Some(next)) = (sources.get_mut(number), second.get_mut(number)) else {
            break;
        };
        first.replace(*next);
        if let Some((batch, row)) = source.take() {
            emit(batch, &row);
        }
        *next = head(source.second(), number);
    }
}

/// A source's next key, and the source's number, which decides between equal keys.
type Head = (Ns, u32);

/// The head of a source that is used up: behind all others, since no source has that number.
const OVER: Head = (Ns::MAX, u32::MAX);

/// The first of many heads: a tournament that remembers who lost each match, so that another head of the source that won
/// plays one match for each level. Nobody can predict who wins, so the processor should not have to.
struct Tournament {
    /// Who lost the match at each node; node 1 is the final, and the matches before that of node `n` are `2 * n` and
    /// `2 * n + 1`. Node 0 is nobody's.
    losers: Vec<Head>,
    winner: Head,
}

impl Tournament {
    fn new(heads: Vec<Head>) -> Self {
        let leaves = heads.len().next_power_of_two();
        let mut losers = vec![OVER; leaves];
        let mut winners = vec![OVER; leaves];
        winners.extend(heads);
        winners.resize(2 * leaves, OVER);
        for node in (1..leaves).rev() {
            (winners[node], losers[node]) = play(winners[2 * node], winners[2 * node + 1]);
        }
        Self {
            losers,
            winner: winners[1],
        }
    }

    /// The source that won has another head.
    #[inline]
    fn replace(&mut self, mut head: Head) {
        let mut node = (self.losers.len() + self.winner.1 as usize) / 2;
        while let (Some(loser), true) = (self.losers.get_mut(node), node > 0) {
            (head, *loser) = play(head, *loser);
            node /= 2;
        }
        self.winner = head;
    }
}

/// Who wins, and who loses.
#[inline]
fn play(one: Head, other: Head) -> (Head, Head) {
    let first = (one.0 < other.0) | ((one.0 == other.0) & (one.1 < other.1));
    let pick = |yes, a: Head, b: Head| if yes { a } else { b };
    (pick(first, one, other), pick(first, other, one))
}

/// Chains stretches that follow each other in time, those of one stream first: the fewer chains, the faster the merge.
fn chain<T>(
    stretches: impl Iterator<Item = Stretch<T>>,
    key: &impl Fn(&T) -> Ns,
) -> Vec<VecDeque<Stretch<T>>> {
    let mut chains: Vec<(Ns, VecDeque<Stretch<T>>)> = Vec::new();
    let mut latest: HashMap<u32, usize> = HashMap::new();
    // Chains by the key of their last row.
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
        let own = own.filter(|number| chains[*number].0 <= first);
        let other = || Some(ends.range(..=(first, usize::MAX)).next_back()?.1);
        let number = own.or_else(other).unwrap_or_else(|| {
            chains.push((first, VecDeque::new()));
            chains.len() - 1
        });
        latest.insert(stretch.stream, number);
        let (end, chain) = &mut chains[number];
        ends.remove(&(*end, number));
        ends.insert((last, number));
        *end = last;
        chain.push_back(stretch);
    }
    chains.into_iter().map(|(_, chain)| chain).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The first of the heads is what a search through all of them finds, however many there are and whoever ends.
        #[test]
        fn whoever_is_first_wins(
            streams in prop::collection::vec(
                prop::collection::vec(prop_oneof![0..4i64, Just(Ns::MAX), any::<i64>()], 1..12),
                1..19,
            )
        ) {
            let streams: Vec<Vec<Ns>> = streams
                .into_iter()
                .map(|mut rows| {
                    rows.sort_unstable();
                    rows
                })
                .collect();
            let mut rows = vec![0; streams.len()];
            let head = |rows: &[usize], stream: usize| {
                let row = streams[stream].get(rows[stream]);
                row.map_or(OVER, |key| (*key, stream as u32))
            };
            let all = |rows: &[usize]| (0..streams.len()).map(|stream| head(rows, stream)).collect();
            let mut heads = Tournament::new(all(&rows));
            for _ in 0..streams.iter().map(Vec::len).sum() {
                let heads_now: Vec<Head> = all(&rows);
                prop_assert_eq!(Some(heads.winner), heads_now.into_iter().min());
                let stream = heads.winner.1 as usize;
                rows[stream] += 1;
                heads.replace(head(&rows, stream));
            }
            prop_assert_eq!(heads.winner, OVER);
        }
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
