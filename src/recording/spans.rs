//! Spans: enters, exits and closes of all threads become spans with the intervals in which they were entered.

use std::collections::HashMap;

use super::{
    EntryIx, Field, LaneIx, Ns, SpanIx, StrId, TaskIx, ThreadIx,
    batch::IdHashing,
    extra::some_task,
    extras::{EnterRow, NO_SEAT, NO_TASK, SpanRow, SpanStep},
    fields::FieldRange,
    time::{UNKNOWN, known},
};

/// One span of `tracing`, or of what works like it: from the first time that it was entered to its close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSpan {
    /// The recorder's number for it: after its close it may be another span's.
    pub id: u64,
    /// Its name.
    pub name: StrId,
    /// The module that it comes from, or [`StrId::NONE`].
    pub target: StrId,
    /// The task in whose poll it was first entered.
    pub task: Option<TaskIx>,
    /// The span around it.
    pub parent: Option<SpanIx>,
    /// How many spans are around it.
    pub depth: u16,
    /// When it was first entered.
    pub opened: Ns,
    /// When it was closed, if it was.
    pub closed: Option<Ns>,
}

/// One interval in which a span was entered: of an instrumented future, one poll of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanEntry {
    /// The span.
    pub span: SpanIx,
    /// When it was entered.
    pub begin: Ns,
    /// When it was left; `None` where it had not been when the recording was made.
    pub end: Option<Ns>,
    /// The task in whose poll it was.
    pub task: Option<TaskIx>,
    /// The thread that entered it.
    pub thread: Option<ThreadIx>,
    /// The lane of that thread.
    pub lane: Option<LaneIx>,
    /// How many spans that thread was in already.
    pub depth: u16,
}

/// A span as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) id: u64,
    pub(crate) opened: Ns,
    pub(crate) closed: Ns,
    pub(crate) name: StrId,
    pub(crate) target: StrId,
    pub(crate) fields: FieldRange,
    pub(crate) task: u32,
    /// The number of the parent, or [`u32::MAX`].
    pub(crate) parent: u32,
    pub(crate) depth: u16,
}

/// An entry as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) begin: Ns,
    pub(crate) end: Ns,
    pub(crate) span: SpanIx,
    pub(crate) task: u32,
    pub(crate) seat: u16,
    pub(crate) depth: u16,
}

/// Spans ascending by opening, entries ascending by begin.
#[derive(Debug, Default)]
pub(crate) struct SpanRows {
    pub(crate) spans: Vec<Kept>,
    pub(crate) entries: Vec<Entry>,
    /// Exits and closes of what was entered before the recording began.
    pub(crate) unpaired: u64,
}

struct Live {
    span: SpanIx,
    /// The entries that go on, with their seats.
    open: Vec<(u16, EntryIx)>,
}

/// The most spans that one thread is in, or that one span is entered in, at a time: beyond it exits were lost.
const MOST_INSIDE: usize = 256;

/// Ties `rows`, which ascend in time. `enter` gives what an enter says, with the task's final number.
pub(crate) fn pair(
    rows: impl Iterator<Item = SpanRow>,
    enter: impl Fn(u32) -> EnterRow,
) -> SpanRows {
    let mut out = SpanRows::default();
    let mut live: HashMap<u64, Live, IdHashing> = HashMap::default();
    // What each thread is in, outermost first.
    let mut inside: HashMap<u16, Vec<EntryIx>> = HashMap::new();
    for row in rows {
        match row.step {
            SpanStep::Enter(number) => {
                let said = enter(number);
                let around = inside.entry(row.seat).or_default();
                if row.seat == NO_SEAT {
                    // Nobody knows whether they are around it: they may be on other threads.
                    around.clear();
                }
                if around.len() == MOST_INSIDE {
                    around.remove(0);
                }
                let around = &*around;
                let mut ended = Vec::new();
                let known = live.get(&row.id).map(|live| live.span).filter(|span| {
                    let kept = &out.spans[span.index()];
                    kept.name == said.facts.name && kept.target == said.facts.target
                });
                let span = known.unwrap_or_else(|| {
                    let named = said.facts.parent.and_then(|id| Some(live.get(&id)?.span));
                    let enclosing = around.last().map(|entry| out.entries[entry.index()].span);
                    let span = out.open(&row, &said, named.or(enclosing));
                    let new = Live {
                        span,
                        open: Vec::new(),
                    };
                    if let Some(old) = live.insert(row.id, new) {
                        ended = old.open;
                    }
                    span
                });
                let entry = EntryIx::new(out.entries.len());
                out.entries.push(Entry {
                    begin: row.at,
                    end: UNKNOWN,
                    span,
                    task: said.task,
                    seat: row.seat,
                    depth: u16::try_from(around.len()).unwrap_or(u16::MAX),
                });
                out.leave(&ended, row.at, &mut inside);
                inside.entry(row.seat).or_default().push(entry);
                if let Some(live) = live.get_mut(&row.id) {
                    if live.open.len() == MOST_INSIDE {
                        live.open.remove(0);
                    }
                    live.open.push((row.seat, entry));
                }
            }
            SpanStep::Exit => {
                let Some((seat, entry)) = live.get_mut(&row.id).and_then(|live| {
                    let own = live.open.iter().rposition(|(seat, _)| *seat == row.seat);
                    let place = own.or(live.open.len().checked_sub(1))?;
                    Some(live.open.remove(place))
                }) else {
                    out.unpaired += 1;
                    continue;
                };
                out.leave(&[(seat, entry)], row.at, &mut inside);
            }
            SpanStep::Close => match live.remove(&row.id) {
                Some(closed) => {
                    out.leave(&closed.open, row.at, &mut inside);
                    out.spans[closed.span.index()].closed = row.at;
                }
                None => out.unpaired += 1,
            },
        }
    }
    out
}

impl SpanRows {
    fn open(&mut self, row: &SpanRow, said: &EnterRow, parent: Option<SpanIx>) -> SpanIx {
        let depth = parent.map_or(0, |parent| {
            self.spans[parent.index()].depth.saturating_add(1)
        });
        let number = SpanIx::new(self.spans.len());
        self.spans.push(Kept {
            id: row.id,
            opened: row.at,
            closed: UNKNOWN,
            name: said.facts.name,
            target: said.facts.target,
            fields: said.fields,
            task: said.task,
            parent: parent.map_or(u32::MAX, SpanIx::raw),
            depth,
        });
        number
    }

    fn leave(&mut self, open: &[(u16, EntryIx)], at: Ns, inside: &mut HashMap<u16, Vec<EntryIx>>) {
        for (seat, entry) in open {
            self.entries[entry.index()].end = at;
            if let Some(around) = inside.get_mut(seat) {
                around.retain(|other| other != entry);
            }
        }
    }

    /// Gives the task of a poll to what was entered inside it without naming one.
    pub(crate) fn attribute(&mut self, task_under: impl Fn(u16, Ns) -> Option<TaskIx>) {
        for entry in &mut self.entries {
            if entry.task == NO_TASK {
                entry.task = task_under(entry.seat, entry.begin).map_or(NO_TASK, TaskIx::raw);
            }
            let span = &mut self.spans[entry.span.index()];
            if span.task == NO_TASK && span.opened == entry.begin {
                span.task = entry.task;
            }
        }
    }
}

impl super::Recording {
    /// How many spans there are.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.extra.spans.spans.len()
    }

    /// A span.
    #[must_use]
    pub fn span(&self, span: SpanIx) -> TraceSpan {
        let kept = &self.extra.spans.spans[span.index()];
        TraceSpan {
            id: kept.id,
            name: kept.name,
            target: kept.target,
            task: some_task(kept.task),
            parent: (kept.parent != u32::MAX).then(|| SpanIx::new(kept.parent as usize)),
            depth: kept.depth,
            opened: kept.opened,
            closed: known(kept.closed),
        }
    }

    /// What a span carries.
    #[must_use]
    pub fn fields_of_span(&self, span: SpanIx) -> &[Field] {
        let kept = &self.extra.spans.spans[span.index()];
        self.extra.fields.get(kept.fields)
    }

    /// The spans that were first entered in a poll of `task`, ascending by opening.
    #[must_use]
    pub fn spans_of(&self, task: TaskIx) -> &[SpanIx] {
        self.extra.spans_by_task.of(task.index())
    }

    /// The spans of a task that were closed, ascending by close.
    #[must_use]
    pub fn span_closes_of(&self, task: TaskIx) -> &[SpanIx] {
        self.extra.span_closes_by_task.of(task.index())
    }

    /// The intervals in which a span was entered, ascending.
    #[must_use]
    pub fn entries_of(&self, span: SpanIx) -> &[EntryIx] {
        self.extra.entries_by_span.of(span.index())
    }

    /// The intervals in which polls of `task` were inside spans, ascending by begin; nested ones follow those around them.
    #[must_use]
    pub fn entries_of_task(&self, task: TaskIx) -> &[EntryIx] {
        self.extra.entries_by_task.of(task.index())
    }

    /// The intervals in which a lane was inside spans, ascending by begin; nested ones follow those around them.
    #[must_use]
    pub fn entries_on(&self, lane: LaneIx) -> &[EntryIx] {
        self.extra.entries_by_lane.of(lane.index())
    }

    /// An interval in which a span was entered.
    #[must_use]
    pub fn entry(&self, entry: EntryIx) -> SpanEntry {
        let kept = &self.extra.spans.entries[entry.index()];
        let seat = self.seats.get(usize::from(kept.seat));
        SpanEntry {
            span: kept.span,
            begin: kept.begin,
            end: known(kept.end),
            task: some_task(kept.task),
            thread: seat.map(|seat| seat.thread),
            lane: seat.and_then(|seat| seat.lane()),
            depth: kept.depth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::SpanFacts;

    fn rows(steps: &[(Ns, u64, u16, SpanStep)]) -> SpanRows {
        let rows = steps.iter().map(|(at, id, seat, step)| SpanRow {
            at: *at,
            id: *id,
            seat: *seat,
            step: *step,
        });
        pair(rows, |number| EnterRow {
            facts: SpanFacts {
                id: 0,
                parent: (number == 9).then_some(1),
                name: StrId::NONE,
                target: StrId::NONE,
            },
            task: NO_TASK,
            fields: FieldRange::default(),
        })
    }

    #[test]
    fn a_span_is_entered_again_and_nests_by_thread_or_by_its_word() {
        use SpanStep::{Close, Enter, Exit};
        let rows = rows(&[
            (10, 1, 0, Enter(0)),
            (12, 2, 0, Enter(1)),
            (15, 2, 0, Exit),
            (20, 1, 0, Exit),
            (30, 1, 1, Enter(2)), // on another thread
            (31, 3, 2, Enter(9)), // says that 1 is around it
            (35, 9, 1, Exit),     // entered before the recording
            (40, 1, 1, Close),    // without an exit
            (50, 1, 1, Enter(3)), // the number is another span's now
        ]);
        let spans: Vec<_> = rows
            .spans
            .iter()
            .map(|span| (span.id, span.opened, known(span.closed), span.depth))
            .collect();
        assert_eq!(
            spans,
            [
                (1, 10, Some(40), 0),
                (2, 12, None, 1),
                (3, 31, None, 1),
                (1, 50, None, 0)
            ]
        );
        let entries: Vec<_> = rows
            .entries
            .iter()
            .map(|entry| {
                (
                    entry.begin,
                    known(entry.end),
                    entry.span.index(),
                    entry.depth,
                )
            })
            .collect();
        assert_eq!(
            entries,
            [
                (10, Some(20), 0, 0),
                (12, Some(15), 1, 1),
                (30, Some(40), 0, 0),
                (31, None, 2, 0),
                (50, None, 3, 0)
            ]
        );
        assert_eq!(rows.unpaired, 1);
    }

    #[test]
    fn lost_exits_do_not_pile_up() {
        let steps: Vec<_> = (0..100_000)
            .map(|round| (round, round as u64 % 7, 0, SpanStep::Enter(0)))
            .collect();
        let rows = rows(&steps);
        assert_eq!((rows.spans.len(), rows.entries.len()), (7, 100_000));
    }
}
