//! A dump as the tests look at it: every task with its history and its recent events taken together.

use std::collections::{BTreeMap, BTreeSet};

use dial9_format::{
    DumpReader, End, Event, Frame, Header, LossRow, Piece, PollOutcome, Running, TaskRow, Waker,
};

/// One poll that the file holds in full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poll {
    /// The task that ran.
    pub(crate) task: u64,
    /// When it began and ended, ns.
    pub(crate) start: u64,
    /// See `start`.
    pub(crate) end: u64,
}

/// One wake that the file holds in full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wake {
    /// When.
    pub(crate) at: u64,
    /// Who was woken.
    pub(crate) task: u64,
    /// By whom.
    pub(crate) waker: Waker,
}

/// All that the file knows of one task.
#[derive(Clone, Debug, Default)]
pub(crate) struct Task {
    pub(crate) id: u64,
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) polls: u64,
    pub(crate) wakes: u64,
    pub(crate) longest_poll_ns: u64,
    pub(crate) ended: bool,
    pub(crate) unwakeable: bool,
    pub(crate) last_waker: Option<Waker>,
    /// The marks of its open waits.
    pub(crate) waiting_on: Vec<String>,
}

/// A whole dump.
pub(crate) struct Dump {
    pub(crate) header: Header,
    pub(crate) tasks: BTreeMap<u64, Task>,
    pub(crate) polls: Vec<Poll>,
    pub(crate) wakes: Vec<Wake>,
    pub(crate) running: Vec<Running>,
    pub(crate) losses: Vec<LossRow>,
}

impl Dump {
    /// Reads a dump that has to be whole.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut gathered = Gathered::default();
        for piece in DumpReader::new(bytes).expect("a dump") {
            match piece {
                Piece::Frame(_, frame) => gathered.take(frame),
                Piece::Loss(loss) => panic!("a fresh dump reads with a loss: {loss:?}"),
            }
        }
        gathered.into_dump()
    }

    /// The tasks that were spawned at `location`.
    pub(crate) fn spawned_at<'a>(&'a self, location: &'a str) -> impl Iterator<Item = &'a Task> {
        self.tasks
            .values()
            .filter(move |task| task.location == location)
    }

    /// The one task that was spawned at `location`.
    pub(crate) fn the_task_of<'a>(&'a self, location: &str) -> &'a Task {
        let tasks: Vec<&Task> = self
            .tasks
            .values()
            .filter(|task| task.location == location)
            .collect();
        let [task] = tasks[..] else {
            panic!("one task of {location}: {tasks:#?}");
        };
        task
    }
}

#[derive(Default)]
struct Gathered {
    header: Option<Header>,
    end: Option<End>,
    strings: BTreeMap<u32, String>,
    rows: Vec<TaskRow>,
    /// The history's open waits, and those that events behind it begin: (task, mark) of each identity.
    begun: BTreeMap<u64, (u64, u32)>,
    over: BTreeSet<u64>,
    /// Events, and whether the history holds them already.
    events: Vec<(Event, bool)>,
    running: Vec<Running>,
    losses: Vec<LossRow>,
}

impl Gathered {
    fn take(&mut self, frame: Frame<'_>) {
        match frame {
            Frame::Header(header) => self.header = Some(*header),
            Frame::Strings(strings) => {
                let mut blob = strings.blob.as_str();
                for (id, &length) in (strings.first_id..).zip(&strings.lengths) {
                    let (string, rest) = blob.split_at(length as usize);
                    self.strings.insert(id, string.to_owned());
                    blob = rest;
                }
            }
            Frame::Tasks(tasks) => {
                self.rows.extend(tasks.rows);
                for wait in tasks.open_waits {
                    self.begun.insert(wait.wait, (wait.task, wait.name));
                }
            }
            Frame::Workers(workers) => self.running.extend(workers.running),
            Frame::Losses(losses) => self.losses.extend(losses.rows),
            Frame::End(end) => self.end = Some(end),
            Frame::Events(chunk) => {
                for (place, event) in (0..).zip(chunk.events()) {
                    let (_thread, event) = event.expect("an event of a fresh dump");
                    self.events.push((event, place < chunk.folded()));
                }
            }
            other => panic!("a frame that this version does not write: {other:?}"),
        }
    }

    fn string(&self, id: u32) -> String {
        self.strings.get(&id).cloned().unwrap_or_default()
    }

    fn into_dump(mut self) -> Dump {
        let header = self.header.take().expect("a header");
        let end = self.end.expect("an end");
        assert_eq!(end.events, self.events.len() as u64, "events of the file");

        let mut tasks: BTreeMap<u64, Task> = BTreeMap::new();
        let mut waker_times: BTreeMap<u64, u64> = BTreeMap::new();
        for row in &self.rows {
            let known = tasks.insert(row.id, self.folded_task(row));
            assert!(known.is_none(), "two rows for task {}", row.id);
            waker_times.insert(row.id, row.last_wake_at.unwrap_or(0));
        }
        let mut events = std::mem::take(&mut self.events);
        events.sort_by_key(|(event, _)| event.at());
        let (mut polls, mut wakes) = (Vec::new(), Vec::new());
        for (event, folded) in events {
            match event {
                Event::Poll {
                    start,
                    end,
                    task,
                    outcome,
                } if outcome != PollOutcome::Cancelled => {
                    polls.push(Poll { task, start, end });
                }
                Event::Wake { at, task, waker } => wakes.push(Wake { at, task, waker }),
                _ => {}
            }
            if !folded {
                self.add(&event, &mut tasks, &mut waker_times);
            }
        }
        for (wait, (task, mark)) in &self.begun {
            if !self.over.contains(wait) {
                let mark = self.string(*mark);
                tasks.entry(*task).or_default().waiting_on.push(mark);
            }
        }
        Dump {
            header,
            tasks,
            polls,
            wakes,
            running: self.running,
            losses: self.losses,
        }
    }

    fn folded_task(&self, row: &TaskRow) -> Task {
        Task {
            id: row.id,
            location: self.string(row.location),
            name: self.string(row.name),
            polls: row.polls,
            wakes: row.wakes,
            longest_poll_ns: row.longest_poll_ns,
            ended: row.terminated_at.is_some(),
            unwakeable: row.unwakeable_at.is_some(),
            last_waker: match row.last_waker_kind {
                1 => Some(Waker::Task(row.last_waker)),
                2 => Some(Waker::Runtime),
                3 => Some(Waker::Blocking),
                4 => Some(Waker::Outside),
                _ => None,
            },
            waiting_on: Vec::new(),
        }
    }

    /// Adds an event that the history does not know yet.
    fn add(
        &mut self,
        event: &Event,
        tasks: &mut BTreeMap<u64, Task>,
        waker_times: &mut BTreeMap<u64, u64>,
    ) {
        match *event {
            Event::Poll {
                start,
                end,
                task,
                outcome,
            } if outcome != PollOutcome::Cancelled => {
                let task = tasks.entry(task).or_default();
                task.polls += 1;
                task.longest_poll_ns = task.longest_poll_ns.max(end - start);
            }
            Event::Wake {
                at,
                task: id,
                waker,
            } => {
                let task = tasks.entry(id).or_default();
                task.wakes += 1;
                if waker_times.get(&id).is_none_or(|&latest| latest <= at) {
                    task.last_waker = Some(waker);
                    waker_times.insert(id, at);
                }
            }
            Event::Spawn {
                task: id,
                location,
                name,
                ..
            } => {
                let (location, name) = (self.string(location), self.string(name));
                let task = tasks.entry(id).or_default();
                (task.id, task.location, task.name) = (id, location, name);
            }
            Event::Terminate { task, .. } => tasks.entry(task).or_default().ended = true,
            Event::Unwakeable { task, .. } => tasks.entry(task).or_default().unwakeable = true,
            Event::WaitBegin {
                task, wait, name, ..
            } => {
                self.begun.insert(wait, (task, name));
            }
            Event::WaitEnd { wait, .. } => {
                self.over.insert(wait);
            }
            _ => {}
        }
    }
}
