//! What is known of a scenario by construction, for a test to compare a dump with.

use std::panic::Location;
use std::time::{Duration, SystemTime};

/// What one run of a scenario did.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Every spawn location of the scenario.
    pub tasks: Vec<TaskFacts>,
    /// The spawn location of the task that a finding has to name.
    pub culprit: Option<String>,
    /// The tasks that will never go on.
    pub stuck: Vec<Stuck>,
    /// How many polls were still running when the dump was made.
    pub running: u64,
    /// The planted incident of `service`.
    pub incident: Option<Incident>,
    /// What there is to say about the run, a sentence a line.
    pub told: Vec<String>,
}

/// The tasks of one spawn location, taken together.
#[derive(Clone, Debug)]
pub struct TaskFacts {
    /// The name that they were given, if any.
    pub name: Option<String>,
    /// Where they were spawned, `file:line:column`.
    pub location: String,
    /// How many there were.
    pub spawned: u64,
    /// Their polls, without one that was still running at the time of the dump.
    pub polls: Count,
    /// Their wakes, redundant ones not counted.
    pub wakes: Count,
    /// How many of them had ended by the time of the dump.
    pub ended: Count,
}

/// A number that a run fixes, or bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// This many, on every machine.
    Exactly(u64),
    /// No fewer.
    AtLeast(u64),
}

impl Count {
    /// Whether `found` agrees.
    #[must_use]
    pub fn admits(self, found: u64) -> bool {
        match self {
            Self::Exactly(known) => found == known,
            Self::AtLeast(known) => found >= known,
        }
    }

    /// What two of them come to.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exactly(one), Self::Exactly(two)) => Self::Exactly(one + two),
            (Self::Exactly(one) | Self::AtLeast(one), Self::Exactly(two) | Self::AtLeast(two)) => {
                Self::AtLeast(one + two)
            }
        }
    }
}

/// A task that waits for ever.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// Where it was spawned, `file:line:column`.
    pub location: String,
    /// The mark of the wait that it is in.
    pub waiting_on: String,
}

/// The blind interval that `service` plants.
#[derive(Clone, Debug)]
pub struct Incident {
    /// When the blocking handlers were released, by the wall clock.
    pub planted: SystemTime,
    /// How many were released at once: as many as there are workers.
    pub blockers: u64,
    /// How long each of them blocks its worker.
    pub length: Duration,
    /// How many requests the clients had answered.
    pub requests: u64,
    /// The latest answer that a client of the ordinary routes got.
    pub max_latency: Duration,
    /// The answers that took longest by the clients' own clock, the longest first.
    pub latest: Vec<Answer>,
}

/// An answer, as the client saw it.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// When the client asked, by the wall clock.
    pub asked: SystemTime,
    /// How long the answer took.
    pub took: Duration,
}

/// What a scenario foretells about a task that it spawns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Its polls.
    pub(crate) polls: Count,
    /// Its wakes.
    pub(crate) wakes: Count,
    /// Whether it will have ended by the time of the dump.
    pub(crate) ends: bool,
}

impl Expected {
    /// A task that is polled exactly this often, is woken once for each poll but the first, and ends.
    pub(crate) fn ends_after(polls: u64) -> Self {
        Self {
            polls: Count::Exactly(polls),
            wakes: Count::Exactly(polls - 1),
            ends: true,
        }
    }

    /// A task that is polled exactly this often, is woken once for each poll but the first, and never ends.
    pub(crate) fn waits_after(polls: u64) -> Self {
        Self {
            ends: false,
            ..Self::ends_after(polls)
        }
    }

    /// A task that runs as often as chance will have it, and ends.
    pub(crate) fn ends_sometime() -> Self {
        Self {
            ends: true,
            ..Self::lives_on()
        }
    }

    /// A task that runs as often as time allows, and is alive when the dump is made.
    pub(crate) fn lives_on() -> Self {
        Self {
            polls: Count::AtLeast(1),
            wakes: Count::AtLeast(0),
            ends: false,
        }
    }
}

impl Facts {
    /// Takes note of one more task.
    pub(crate) fn spawned(&mut self, name: Option<&str>, at: &Location<'_>, expected: Expected) {
        let location = at.to_string();
        let ended = Count::Exactly(expected.ends.into());
        match self.tasks.iter_mut().find(|one| one.location == location) {
            Some(known) => {
                known.spawned += 1;
                known.polls = known.polls.plus(expected.polls);
                known.wakes = known.wakes.plus(expected.wakes);
                known.ended = known.ended.plus(ended);
            }
            None => self.tasks.push(TaskFacts {
                name: name.map(str::to_owned),
                location,
                spawned: 1,
                polls: expected.polls,
                wakes: expected.wakes,
                ended,
            }),
        }
    }

    /// Where the tasks of this name were spawned; a scenario gives each location a name of its own.
    #[must_use]
    pub fn location_of(&self, name: &str) -> Option<&str> {
        let task = self
            .tasks
            .iter()
            .find(|one| one.name.as_deref() == Some(name))?;
        Some(&task.location)
    }

    /// Takes note of who is to blame.
    pub(crate) fn blame(&mut self, name: &str) {
        self.culprit = self.location_of(name).map(str::to_owned);
    }

    /// Takes note of a task that waits for ever on `waiting_on`.
    pub(crate) fn leave_stuck(&mut self, name: &str, waiting_on: &str) {
        if let Some(location) = self.location_of(name).map(str::to_owned) {
            self.stuck.push(Stuck {
                location,
                waiting_on: waiting_on.to_owned(),
            });
        }
    }
}
