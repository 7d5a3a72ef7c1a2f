//! One task's life as a single list in the order of time, by index, without building the list.

use super::{CustomIx, Ns, PollIx, Recording, SiteIx, SpanIx, TaskIx, WaitIx, WakeIx};

/// One line of a task's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEvent {
    /// When.
    pub at: Ns,
    /// What happened.
    pub what: Happening,
}

/// What happened to a task. The order of the kinds is the order in which they are listed in one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// It was spawned.
    Spawned,
    /// It was woken.
    Woken(WakeIx),
    /// It was polled: the poll's start.
    Polled(PollIx),
    /// It entered a span for the first time.
    SpanOpened(SpanIx),
    /// It wrote a custom event, or one names it.
    Custom(CustomIx),
    /// It woke another task.
    Woke(WakeIx),
    /// It spawned this task.
    Spawns(TaskIx),
    /// It began to wait.
    Waits(WaitIx),
    /// It no longer waits.
    Waited(WaitIx),
    /// It was seen where it was then suspended.
    Suspended(SiteIx),
    /// A span that it had opened was closed.
    SpanClosed(SpanIx),
    /// The last waker that could wake it was dropped. It holds until it is woken or polled.
    Unwakeable,
    /// It ended.
    Ended,
}

/// One sorted source of a task's history.
#[derive(Clone, Copy, Debug)]
enum List<'a> {
    Spawned(Option<Ns>),
    Woken(&'a [WakeIx]),
    Polled(&'a [PollIx]),
    SpanOpened(&'a [SpanIx]),
    Custom(&'a [CustomIx]),
    Woke(&'a [WakeIx]),
    Spawns(&'a [TaskIx]),
    Waits(&'a [WaitIx]),
    Waited(&'a [WaitIx]),
    Suspended(&'a [SiteIx]),
    SpanClosed(&'a [SpanIx]),
    Unwakeable(&'a [u32]),
    Ended(Option<Ns>),
}

const LISTS: usize = 13;

/// A task's life; see [`Recording::history`].
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    recording: &'a Recording,
    lists: [List<'a>; LISTS],
    len: usize,
}

impl<'a> History<'a> {
    pub(crate) fn new(recording: &'a Recording, task: TaskIx) -> Self {
        let facts = recording.task(task);
        let waits = recording.waits_of(task);
        let begun = waits.partition_point(|wait| recording.wait(*wait).begin.is_none());
        let lists = [
            List::Spawned(facts.spawned_at()),
            List::Woken(recording.wakes_of(task)),
            List::Polled(recording.polls_of(task)),
            List::SpanOpened(recording.spans_of(task)),
            List::Custom(recording.customs_of(task)),
            List::Woke(recording.wakes_by(task)),
            List::Spawns(recording.children_of(task)),
            List::Waits(&waits[begun..]),
            List::Waited(recording.wait_ends_of(task)),
            List::Suspended(recording.await_sites_of(task)),
            List::SpanClosed(recording.span_closes_of(task)),
            List::Unwakeable(recording.unwakeable_rows_of(task)),
            List::Ended(facts.ended_at()),
        ];
        let mut history = Self {
            recording,
            lists,
            len: 0,
        };
        history.len = lists.iter().map(|list| history.list_len(list)).sum();
        history
    }

    /// How many lines it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing at all is known of the task's life.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of the first line at or after `at`; [`History::len`] where there is none.
    #[must_use]
    pub fn position(&self, at: Ns) -> usize {
        self.heads(at).iter().sum()
    }

    /// The number of the line that shows `what`, if it is part of this life.
    #[must_use]
    pub fn find(&self, at: Ns, what: Happening) -> Option<usize> {
        let before = self.heads(at);
        let until = at.checked_add(1).map(|next| self.heads(next));
        let mut first = before.iter().sum::<usize>();
        for (number, list) in self.lists.iter().enumerate() {
            // In one instant the lists come one after the other.
            let end = until.map_or_else(|| self.list_len(list), |until| until[number]);
            let mut lines = before[number]..end;
            if let Some(place) = lines.position(|line| Self::what(list, line) == what) {
                return Some(first + place);
            }
            first += end - before[number];
        }
        None
    }

    /// The line of this number.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<HistoryEvent> {
        self.lines(index).next()
    }

    /// The lines from number `first` on, in the order of time.
    #[must_use]
    pub fn lines(&self, first: usize) -> Lines<'a> {
        if first >= self.len {
            let heads = self.lists.map(|list| self.list_len(&list));
            return Lines {
                history: *self,
                heads,
            };
        }
        // The latest instant before which no more than `first` lines lie; the rest are lines of that very instant.
        let (mut low, mut high) = self.span();
        while low < high {
            let middle = low + (high - low) / 2 + (high - low) % 2;
            if self.position(middle) <= first {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let heads = self.heads(low);
        let skip = first - heads.iter().sum::<usize>();
        let mut lines = Lines {
            history: *self,
            heads,
        };
        for _ in 0..skip {
            lines.next();
        }
        lines
    }

    /// The times of the first and of the last line.
    fn span(&self) -> (Ns, Ns) {
        let mut span = (Ns::MAX, Ns::MIN);
        for list in &self.lists {
            if let Some(last) = self.list_len(list).checked_sub(1) {
                span.0 = span.0.min(self.time(list, 0));
                span.1 = span.1.max(self.time(list, last));
            }
        }
        span
    }

    fn heads(&self, at: Ns) -> [usize; LISTS] {
        self.lists.map(|list| {
            let (mut low, mut high) = (0, self.list_len(&list));
            while low < high {
                let middle = low + (high - low) / 2;
                if self.time(&list, middle) < at {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        })
    }

    fn list_len(&self, list: &List<'_>) -> usize {
        match list {
            List::Spawned(at) | List::Ended(at) => usize::from(at.is_some()),
            List::Woken(rows) | List::Woke(rows) => rows.len(),
            List::Polled(rows) => rows.len(),
            List::SpanOpened(rows) | List::SpanClosed(rows) => rows.len(),
            List::Custom(rows) => rows.len(),
            List::Suspended(rows) => rows.len(),
            List::Spawns(rows) => rows.len(),
            List::Waits(rows) | List::Waited(rows) => rows.len(),
            List::Unwakeable(rows) => rows.len(),
        }
    }

    fn time(&self, list: &List<'_>, index: usize) -> Ns {
        let recording = self.recording;
        match list {
            List::Spawned(at) | List::Ended(at) => at.unwrap_or(0),
            List::Woken(rows) | List::Woke(rows) => recording.wake_at(rows[index]),
            List::Polled(rows) => recording.poll_start(rows[index]),
            List::SpanOpened(rows) => recording.extra.spans.spans[rows[index].index()].opened,
            List::SpanClosed(rows) => recording.extra.spans.spans[rows[index].index()].closed,
            List::Custom(rows) => recording.extra.customs[rows[index].index()].at,
            List::Suspended(rows) => recording.extra.sites[rows[index].index()].at,
            List::Spawns(rows) => recording.task(rows[index]).spawned_at,
            List::Waits(rows) => recording.waits.begin[rows[index].index()],
            List::Waited(rows) => recording.waits.end[rows[index].index()],
            List::Unwakeable(rows) => recording.unwakeables.at[rows[index] as usize],
        }
    }

    fn what(list: &List<'_>, index: usize) -> Happening {
        match list {
            List::Spawned(_) => Happening::Spawned,
            List::Woken(rows) => Happening::Woken(rows[index]),
            List::Polled(rows) => Happening::Polled(rows[index]),
            List::SpanOpened(rows) => Happening::SpanOpened(rows[index]),
            List::SpanClosed(rows) => Happening::SpanClosed(rows[index]),
            List::Custom(rows) => Happening::Custom(rows[index]),
            List::Suspended(rows) => Happening::Suspended(rows[index]),
            List::Woke(rows) => Happening::Woke(rows[index]),
            List::Spawns(rows) => Happening::Spawns(rows[index]),
            List::Waits(rows) => Happening::Waits(rows[index]),
            List::Waited(rows) => Happening::Waited(rows[index]),
            List::Unwakeable(_) => Happening::Unwakeable,
            List::Ended(_) => Happening::Ended,
        }
    }
}

/// The lines of a task's life from some line on.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    history: History<'a>,
    heads: [usize; LISTS],
}

impl Iterator for Lines<'_> {
    type Item = HistoryEvent;

    fn next(&mut self) -> Option<HistoryEvent> {
        let mut earliest: Option<(Ns, usize)> = None;
        for (number, list) in self.history.lists.iter().enumerate() {
            if self.heads[number] < self.history.list_len(list) {
                let at = self.history.time(list, self.heads[number]);
                if earliest.is_none_or(|(before, _)| at < before) {
                    earliest = Some((at, number));
                }
            }
        }
        let (at, number) = earliest?;
        let index = self.heads[number];
        self.heads[number] += 1;
        Some(HistoryEvent {
            at,
            what: History::what(&self.history.lists[number], index),
        })
    }
}
