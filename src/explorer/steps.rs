//! Steps through time: the next or the previous thing that happened, to one task or to anybody, of one kind or of any.

use crate::{
    analysis::label,
    recording::{
        Happening, LaneIx, Ns, Outcome, ParkIx, PollIx, Recording, TaskIx, WakeIx, time::duration,
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
        }
    }
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
            let mut tasks: Vec<TaskIx> = recording
                .tasks()
                .filter(|task| time(recording, *task).is_some())
                .collect();
            tasks.sort_by_key(|task| time(recording, *task));
            tasks
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

/// The element next to `at` of a sequence in the order of time: the first one after it, or the last one before it.
fn beside<T: Copy>(rows: &[T], at: Ns, forward: bool, time: impl Fn(T) -> Ns) -> Option<(Ns, T)> {
    let place = if forward {
        rows.partition_point(|row| time(*row) <= at)
    } else {
        rows.partition_point(|row| time(*row) < at).checked_sub(1)?
    };
    rows.get(place).map(|row| (time(*row), *row))
}

/// What happened next to `at` to anybody.
pub(super) fn of_anybody(
    recording: &Recording,
    lives: &Lives,
    kind: Kind,
    at: Ns,
    forward: bool,
) -> Option<Moment> {
    let mut found = Nearest::new(at, forward);
    if kind.includes(Kind::Polls) {
        let first = recording.polls_from(if forward { at.saturating_add(1) } else { at });
        let index = if forward {
            Some(first.index())
        } else {
            first.index().checked_sub(1)
        };
        if let Some(poll) = index
            .filter(|index| *index < recording.poll_count())
            .map(PollIx::new)
        {
            found.offer(recording.poll_start(poll), What::Poll(poll));
        }
    }
    if kind.includes(Kind::Wakes) {
        let first = recording.wakes_from(if forward { at.saturating_add(1) } else { at });
        let index = if forward {
            Some(first.index())
        } else {
            first.index().checked_sub(1)
        };
        if let Some(wake) = index
            .filter(|index| *index < recording.wake_count())
            .map(WakeIx::new)
        {
            found.offer(recording.wake_at(wake), What::Wake(wake));
        }
    }
    for lane in (0..recording.lanes().len()).map(LaneIx::new) {
        if kind.includes(Kind::PollEnds) {
            poll_ends(recording, recording.polls_on(lane), at, &mut found);
        }
        let parks = recording.parks_on(lane);
        if kind.includes(Kind::Parks) {
            if let Some((at, park)) = beside(parks, at, forward, |park| recording.park(park).start)
            {
                found.offer(at, What::Park(park));
            }
        }
        if kind.includes(Kind::Unparks) {
            if let Some((at, park)) = beside(parks, at, forward, |park| recording.park(park).end())
            {
                if !recording.park(park).open {
                    found.offer(at, What::Unpark(park));
                }
            }
        }
    }
    if kind.includes(Kind::Spawns) {
        let time = |task| spawned_at(recording, task).unwrap_or(0);
        if let Some((at, task)) = beside(&lives.spawned, at, forward, time) {
            found.offer(at, What::Spawn(task));
        }
    }
    if kind.includes(Kind::Ends) {
        let time = |task| ended_at(recording, task).unwrap_or(0);
        if let Some((at, task)) = beside(&lives.ended, at, forward, time) {
            found.offer(at, What::End(task));
        }
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
    let mut found = Nearest::new(at, forward);
    if kind.includes(Kind::Polls) {
        let polls = recording.polls_of(task);
        if let Some((at, poll)) = beside(polls, at, forward, |poll| recording.poll_start(poll)) {
            found.offer(at, What::Poll(poll));
        }
    }
    if kind.includes(Kind::PollEnds) {
        poll_ends(recording, recording.polls_of(task), at, &mut found);
    }
    if kind.includes(Kind::Wakes) {
        let wakes = recording.wakes_of(task);
        if let Some((at, wake)) = beside(wakes, at, forward, |wake| recording.wake_at(wake)) {
            found.offer(at, What::Wake(wake));
        }
    }
    if kind.includes(Kind::Spawns) {
        let children = recording.children_of(task);
        let time = |child| spawned_at(recording, child).unwrap_or(0);
        if let Some((at, child)) = beside(children, at, forward, time) {
            found.offer(at, What::Spawn(child));
        }
        if let Some(spawned) = spawned_at(recording, task) {
            found.offer(spawned, What::Spawn(task));
        }
    }
    if kind.includes(Kind::Ends) {
        if let Some(ended) = ended_at(recording, task) {
            found.offer(ended, What::End(task));
        }
    }
    found.best
}

/// Offers the end of a poll next to `at`. Polls of a list hardly ever overlap, so their ends ascend like their starts.
fn poll_ends(recording: &Recording, polls: &[PollIx], at: Ns, found: &mut Nearest) {
    let end = |poll| recording.poll(poll).end();
    if let Some((at, poll)) = beside(polls, at, found.forward, end) {
        if recording.poll(poll).outcome != Outcome::StillRunning {
            found.offer(at, What::PollEnd(poll));
        }
    }
}

/// The moment that lies nearest to an instant in one direction.
struct Nearest {
    from: Ns,
    forward: bool,
    best: Option<Moment>,
}

impl Nearest {
    fn new(from: Ns, forward: bool) -> Self {
        Self {
            from,
            forward,
            best: None,
        }
    }

    fn offer(&mut self, at: Ns, what: What) {
        let before = |one: Ns, other: Ns| {
            if self.forward {
                one < other
            } else {
                one > other
            }
        };
        if before(self.from, at) && self.best.is_none_or(|best| before(at, best.at)) {
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
