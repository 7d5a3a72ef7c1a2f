//! Steps through time: the next or the previous thing that happened, to one task or to anybody, of one kind or of any.

use super::traced;
use crate::{
    analysis::label,
    recording::{
        CustomIx, Happening, LaneIx, Ns, Outcome, ParkIx, PollIx, Recording, SpanIx, TaskIx,
        WaitIx, WakeIx, time::duration,
    },
};

/// What is stepped through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Anything,
    Polls,
    PollEnds,
    Wakes,
    Parks,
    Unparks,
    Spawns,
    Ends,
    Waits,
    Spans,
    Customs,
}

/// Every kind with the letter that chooses it and its name, in the order in which they are offered.
pub(super) const KINDS: &[(Kind, char, &str)] = &[
    (Kind::Anything, 'a', "anything"),
    (Kind::Polls, 'p', "polls"),
    (Kind::PollEnds, 'e', "ends of polls"),
    (Kind::Wakes, 'w', "wakes"),
    (Kind::Parks, 'k', "parks of workers"),
    (Kind::Unparks, 'u', "unparks of workers"),
    (Kind::Spawns, 's', "spawns"),
    (Kind::Ends, 'd', "ends of tasks"),
    (Kind::Waits, 'm', "marked waits"),
    (Kind::Spans, 'n', "spans"),
    (Kind::Customs, 'c', "custom events"),
];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("anything", |(_, _, name)| name)
    }

    fn includes(self, other: Self) -> bool {
        self == Self::Anything || self == other
    }
}

/// Something that happened, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Ns,
    pub(super) what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Poll(PollIx),
    PollEnd(PollIx),
    Wake(WakeIx),
    Park(ParkIx),
    Unpark(ParkIx),
    Spawn(TaskIx),
    End(TaskIx),
    Wait(WaitIx),
    Span(SpanIx),
    Custom(CustomIx),
}

impl Moment {
    /// The line of a task's life that shows it, where one does.
    pub(super) fn line(self, recording: &Recording) -> Option<(TaskIx, Happening)> {
        Some(match self.what {
            What::Poll(poll) | What::PollEnd(poll) => {
                (recording.poll(poll).task, Happening::Polled(poll))
            }
            What::Wake(wake) => (recording.wake(wake).task, Happening::Woken(wake)),
            What::Spawn(task) => (task, Happening::Spawned),
            What::End(task) => (task, Happening::Ended),
            What::Wait(wait) => (recording.wait(wait).task, Happening::Waits(wait)),
            What::Span(span) => (recording.span(span).task?, Happening::SpanOpened(span)),
            What::Custom(custom) => (recording.custom(custom).task?, Happening::Custom(custom)),
            What::Park(_) | What::Unpark(_) => return None,
        })
    }

    /// One sentence about it.
    pub(super) fn sentence(self, recording: &Recording) -> String {
        match self.what {
            What::Poll(poll) => {
                let row = recording.poll(poll);
                let (lane, task) = (
                    label::lane(recording, row.lane),
                    label::task(recording, row.task),
                );
                format!("{lane} begins to poll {task}.")
            }
            What::PollEnd(poll) => {
                let row = recording.poll(poll);
                let (lane, task) = (
                    label::lane(recording, row.lane),
                    label::task(recording, row.task),
                );
                format!("{lane} has polled {task} for {}.", duration(row.duration))
            }
            What::Wake(wake) => {
                let row = recording.wake(wake);
                let (task, waker) = (
                    label::task(recording, row.task),
                    label::waker(recording, row.waker),
                );
                format!("{task} is woken by {waker}.")
            }
            What::Park(park) => {
                let row = recording.park(park);
                format!(
                    "{} parks for {}.",
                    label::lane(recording, row.lane),
                    duration(row.duration)
                )
            }
            What::Unpark(park) => {
                let row = recording.park(park);
                format!(
                    "{} was parked for {}, and goes on.",
                    label::lane(recording, row.lane),
                    duration(row.duration)
                )
            }
            What::Spawn(task) => format!("{} is spawned.", label::task(recording, task)),
            What::End(task) => format!("{} ends.", label::task(recording, task)),
            What::Wait(wait) => {
                let task = label::task(recording, recording.wait(wait).task);
                format!(
                    "{task} begins to wait for {}.",
                    label::wait(recording, wait)
                )
            }
            What::Span(span) => {
                let task = whose(recording, recording.span(span).task);
                format!("{task}opens the span {}.", traced::named(recording, span))
            }
            What::Custom(custom) => {
                let task = whose(recording, recording.custom(custom).task);
                format!("{task}writes {}.", traced::custom(recording, custom))
            }
        }
    }
}

fn whose(recording: &Recording, task: Option<TaskIx>) -> String {
    task.map_or_else(
        || "Some thread ".to_owned(),
        |task| label::task(recording, task) + " ",
    )
}

/// Tasks in the order in which they were spawned, and in which they ended: made once, after loading.
#[derive(Debug, Default)]
pub(super) struct Lives {
    spawned: Vec<TaskIx>,
    ended: Vec<TaskIx>,
}

impl Lives {
    pub(super) fn new(recording: &Recording) -> Self {
        let by = |time: fn(&Recording, TaskIx) -> Option<Ns>| {
            let mut tasks: Vec<(Ns, TaskIx)> = recording
                .tasks()
                .filter_map(|task| Some((time(recording, task)?, task)))
                .collect();
            tasks.sort_unstable();
            tasks.into_iter().map(|(_, task)| task).collect()
        };
        Self {
            spawned: by(spawned_at),
            ended: by(ended_at),
        }
    }
}

fn spawned_at(recording: &Recording, task: TaskIx) -> Option<Ns> {
    recording.task(task).spawned_at()
}

fn ended_at(recording: &Recording, task: TaskIx) -> Option<Ns> {
    recording.task(task).ended_at()
}

/// What happened next to `at` to anybody.
pub(super) fn of_anybody(
    recording: &Recording,
    lives: &Lives,
    kind: Kind,
    at: Ns,
    forward: bool,
) -> Option<Moment> {
    let mut found = Nearest::new(kind, at, forward);
    let task = |tasks: &[TaskIx], index: usize| tasks[index];
    let poll = PollIx::new;
    found.look(Kind::Polls, recording.poll_count(), |index| {
        (recording.poll_start(poll(index)), What::Poll(poll(index)))
    });
    found.look(Kind::Wakes, recording.wake_count(), |index| {
        let wake = WakeIx::new(index);
        (recording.wake_at(wake), What::Wake(wake))
    });
    found.look(Kind::Spawns, lives.spawned.len(), |index| {
        let task = task(&lives.spawned, index);
        (time(spawned_at(recording, task)), What::Spawn(task))
    });
    found.look(Kind::Ends, lives.ended.len(), |index| {
        let task = task(&lives.ended, index);
        (time(ended_at(recording, task)), What::End(task))
    });
    found.look(Kind::Waits, recording.wait_count(), |index| {
        let wait = WaitIx::new(index);
        (time(recording.wait(wait).begin), What::Wait(wait))
    });
    found.look(Kind::Spans, recording.span_count(), |index| {
        let span = SpanIx::new(index);
        (recording.span(span).opened, What::Span(span))
    });
    found.look(Kind::Customs, recording.custom_count(), |index| {
        let custom = CustomIx::new(index);
        (recording.custom(custom).at, What::Custom(custom))
    });
    for lane in (0..recording.lanes().len()).map(LaneIx::new) {
        found.poll_ends(recording, recording.polls_on(lane));
        let parks = recording.parks_on(lane);
        found.look(Kind::Parks, parks.len(), |index| {
            (recording.park(parks[index]).start, What::Park(parks[index]))
        });
        // Only the last park of a lane may go on at the end.
        let ended = parks.partition_point(|park| !recording.park(*park).open);
        found.look(Kind::Unparks, ended, |index| {
            (
                recording.park(parks[index]).end(),
                What::Unpark(parks[index]),
            )
        });
    }
    found.best
}

/// What happened next to `at` to `task`, of one kind.
pub(super) fn of_task(
    recording: &Recording,
    task: TaskIx,
    kind: Kind,
    at: Ns,
    forward: bool,
) -> Option<Moment> {
    let mut found = Nearest::new(kind, at, forward);
    let polls = recording.polls_of(task);
    found.look(Kind::Polls, polls.len(), |index| {
        (recording.poll_start(polls[index]), What::Poll(polls[index]))
    });
    found.poll_ends(recording, polls);
    let wakes = recording.wakes_of(task);
    found.look(Kind::Wakes, wakes.len(), |index| {
        (recording.wake_at(wakes[index]), What::Wake(wakes[index]))
    });
    let children = recording.children_of(task);
    found.look(Kind::Spawns, children.len(), |index| {
        let child = children[index];
        (time(spawned_at(recording, child)), What::Spawn(child))
    });
    let spawned = spawned_at(recording, task);
    found.look(Kind::Spawns, usize::from(spawned.is_some()), |_| {
        (time(spawned), What::Spawn(task))
    });
    let ended = ended_at(recording, task);
    found.look(Kind::Ends, usize::from(ended.is_some()), |_| {
        (time(ended), What::End(task))
    });
    let waits = recording.waits_of(task);
    found.look(Kind::Waits, waits.len(), |index| {
        (
            time(recording.wait(waits[index]).begin),
            What::Wait(waits[index]),
        )
    });
    let spans = recording.spans_of(task);
    found.look(Kind::Spans, spans.len(), |index| {
        (
            recording.span(spans[index]).opened,
            What::Span(spans[index]),
        )
    });
    let customs = recording.customs_of(task);
    found.look(Kind::Customs, customs.len(), |index| {
        (
            recording.custom(customs[index]).at,
            What::Custom(customs[index]),
        )
    });
    found.best
}

/// What has no known time stands before everything else, where no step leads.
fn time(at: Option<Ns>) -> Ns {
    at.unwrap_or(Ns::MIN)
}

/// The moment that lies nearest to an instant in one direction.
struct Nearest {
    kind: Kind,
    from: Ns,
    forward: bool,
    best: Option<Moment>,
}

impl Nearest {
    fn new(kind: Kind, from: Ns, forward: bool) -> Self {
        Self {
            kind,
            from,
            forward,
            best: None,
        }
    }

    /// Looks for a nearer moment among `len` of one kind, which stand in the order of time: the first one after the
    /// instant, or the last one before it.
    fn look(&mut self, kind: Kind, len: usize, moment: impl Fn(usize) -> (Ns, What)) {
        if !self.kind.includes(kind) {
            return;
        }
        let passed = |at: Ns| at < self.from || (self.forward && at == self.from);
        let (mut low, mut high) = (0, len);
        while low < high {
            let middle = low.midpoint(high);
            if passed(moment(middle).0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let place = if self.forward {
            Some(low)
        } else {
            low.checked_sub(1)
        };
        if let Some(place) = place.filter(|place| *place < len) {
            let (at, what) = moment(place);
            self.offer(at, what);
        }
    }

    /// Polls of a list hardly ever overlap, so their ends ascend like their starts. Only the last may still go on.
    fn poll_ends(&mut self, recording: &Recording, polls: &[PollIx]) {
        let ended = |poll: &PollIx| recording.poll(*poll).outcome != Outcome::StillRunning;
        let len = polls.iter().rposition(ended).map_or(0, |last| last + 1);
        self.look(Kind::PollEnds, len, |index| {
            (
                recording.poll(polls[index]).end(),
                What::PollEnd(polls[index]),
            )
        });
    }

    fn offer(&mut self, at: Ns, what: What) {
        let before = |one: Ns, other: Ns| {
            if self.forward {
                one < other
            } else {
                one > other
            }
        };
        let known = at != Ns::MIN;
        if known && before(self.from, at) && self.best.is_none_or(|best| before(at, best.at)) {
            self.best = Some(Moment { at, what });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::tests::incident;

    /// All that happens, one step after the other.
    fn walk(mut step: impl FnMut(Ns) -> Option<Moment>, from: Ns) -> Vec<Moment> {
        let mut moments = Vec::new();
        let mut at = from;
        while let Some(moment) = step(at) {
            moments.push(moment);
            at = moment.at;
        }
        moments
    }

    #[test]
    fn steps_of_a_kind_visit_every_instant_of_it_in_both_directions() {
        let recording = incident::recording();
        let lives = Lives::new(&recording);
        let (first, last) = (Ns::MIN / 2, Ns::MAX / 2);
        let instants =
            |moments: &[Moment]| moments.iter().map(|moment| moment.at).collect::<Vec<_>>();
        for (kind, _, name) in KINDS {
            let on = walk(|at| of_anybody(&recording, &lives, *kind, at, true), first);
            let mut back = walk(|at| of_anybody(&recording, &lives, *kind, at, false), last);
            back.reverse();
            assert_eq!(instants(&on), instants(&back), "{name}");
            assert!(on.windows(2).all(|pair| pair[0].at < pair[1].at), "{name}");
        }
        let mut starts: Vec<Ns> = (0..recording.poll_count())
            .map(|poll| recording.poll_start(PollIx::new(poll)))
            .collect();
        starts.dedup();
        let polls = walk(
            |at| of_anybody(&recording, &lives, Kind::Polls, at, true),
            first,
        );
        assert_eq!(instants(&polls), starts);

        for task in recording.tasks() {
            let mut wakes: Vec<Ns> = recording
                .wakes_of(task)
                .iter()
                .map(|wake| recording.wake_at(*wake))
                .collect();
            wakes.dedup();
            let steps = walk(|at| of_task(&recording, task, Kind::Wakes, at, true), first);
            assert_eq!(instants(&steps), wakes);
        }
    }
}
