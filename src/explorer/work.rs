//! Work off the drawing thread: one thread for each kind of it, and of several requests of a kind only the latest
//! counts. What was shown before stays on the screen, dimmed, until the answer comes through the channel of inputs.

use std::{
    array, fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use super::{input::Input, view::View};

/// The kinds of work. A request replaces an older one of its kind, whether that was begun or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// Which tasks are listed, in which order.
    Rows,
    /// Totals and percentiles over the marked range.
    Totals,
    /// How long the polls and delays of the selected task were.
    Lengths,
    /// Whatever the pane that is shown needs besides.
    Pane,
}

const ERRANDS: usize = 4;

/// What a finished piece of work leaves to be done to the view.
pub(super) type Finish = Box<dyn FnOnce(&mut View) + Send>;

/// A piece of work. It asks now and then whether it shall stop, and gives up if so.
type Job = Box<dyn FnOnce(&Stop) -> Option<Finish> + Send>;

/// Tells a piece of work whether a newer request has made it superfluous.
#[derive(Debug)]
pub(super) struct Stop {
    latest: Arc<AtomicU64>,
    mine: u64,
}

impl Stop {
    /// Whether to give up. Cheap enough to be asked for each task.
    pub(super) fn asked(&self) -> bool {
        self.latest.load(Ordering::Relaxed) != self.mine
    }
}

/// A piece of work that has come to its end.
pub(super) struct Done {
    kind: Errand,
    number: u64,
    /// `None` where it panicked.
    finish: Option<Finish>,
}

impl Done {
    /// Whether it came to its end by a panic, whose message was printed.
    pub(super) fn panicked(&self) -> bool {
        self.finish.is_none()
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.kind, self.number)
    }
}

/// The desks at which work is done. Without a channel for the answers everything is done at once, by whoever asks:
/// that is how tests see the same screens in every run.
#[derive(Debug, Default)]
pub(super) struct Work {
    answers: Option<Sender<Input>>,
    desks: [Desk; ERRANDS],
}

/// One kind of work: the thread that does it, the number of the latest request, and that of the latest answer.
#[derive(Debug, Default)]
struct Desk {
    jobs: Option<Sender<(Stop, Job)>>,
    latest: Arc<AtomicU64>,
    answered: u64,
}

impl Work {
    /// Work whose answers come through `answers`.
    pub(super) fn through(answers: Sender<Input>) -> Self {
        Self {
            answers: Some(answers),
            desks: array::from_fn(|_| Desk::default()),
        }
    }

    /// Whether an answer of that kind is still to come.
    pub(super) fn waits_for(&self, kind: Errand) -> bool {
        let desk = &self.desks[kind as usize];
        desk.latest.load(Ordering::Relaxed) != desk.answered
    }

    /// Whether any answer is still to come.
    pub(super) fn waits(&self) -> bool {
        let waits = |desk: &Desk| desk.latest.load(Ordering::Relaxed) != desk.answered;
        self.desks.iter().any(waits)
    }

    /// Asks for a piece of work. One that is not `large` is done at once, and so is every one where there is no other
    /// thread: what it leaves to be done is returned then.
    pub(super) fn ask(
        &mut self,
        kind: Errand,
        large: bool,
        job: impl FnOnce(&Stop) -> Option<Finish> + Send + 'static,
    ) -> Option<Finish> {
        let desk = &mut self.desks[kind as usize];
        let mine = desk.latest.fetch_add(1, Ordering::Relaxed) + 1;
        let stop = Stop {
            latest: Arc::clone(&desk.latest),
            mine,
        };
        let answers = self.answers.as_ref().filter(|_| large);
        let mut left: (Stop, Job) = (stop, Box::new(job));
        if let Some(answers) = answers {
            let jobs = desk.jobs.take().or_else(|| start(kind, answers.clone()));
            if let Some(jobs) = jobs {
                match jobs.send(left) {
                    Ok(()) => {
                        desk.jobs = Some(jobs);
                        return None;
                    }
                    Err(unsent) => left = unsent.0,
                }
            }
        }
        desk.answered = mine;
        let (stop, job) = left;
        job(&stop)
    }

    /// What `done` leaves to be done, if it is still wanted.
    pub(super) fn accept(&mut self, done: Done) -> Option<Finish> {
        let desk = &mut self.desks[done.kind as usize];
        if desk.latest.load(Ordering::Relaxed) != done.number {
            return None;
        }
        desk.answered = done.number;
        done.finish
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // Whatever still goes on is of no use to anybody.
        for desk in &self.desks {
            desk.latest.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Starts the thread for one kind of work; it ends when nobody can ask any more. `None` where there is no thread to
/// be had.
fn start(kind: Errand, answers: Sender<Input>) -> Option<Sender<(Stop, Job)>> {
    let (sender, jobs) = channel();
    thread::Builder::new()
        .name(format!("work-{kind:?}").to_lowercase())
        .spawn(move || desk(kind, &jobs, &answers))
        .ok()
        .map(|_| sender)
}

fn desk(kind: Errand, jobs: &Receiver<(Stop, Job)>, answers: &Sender<Input>) {
    while let Ok((stop, job)) = jobs.recv() {
        if stop.asked() {
            continue;
        }
        let finish = match catch_unwind(AssertUnwindSafe(|| job(&stop))) {
            Ok(None) => continue,
            Ok(finish) => finish,
            Err(_) => None,
        };
        let number = stop.mine;
        let done = Done {
            kind,
            number,
            finish,
        };
        if answers.send(Input::Done(done)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Finish {
        Box::new(|_| {})
    }

    #[test]
    fn without_a_channel_work_is_done_at_once() {
        let mut work = Work::default();
        let finish = work.ask(Errand::Rows, true, |stop| {
            assert!(!stop.asked());
            Some(nothing())
        });
        assert!(finish.is_some() && !work.waits());
    }

    #[test]
    fn only_the_latest_request_of_a_kind_counts() {
        let (sender, inputs) = channel();
        let mut work = Work::through(sender);
        let (go, gate) = channel::<()>();
        let (begins, begun) = channel::<()>();
        let first = move |_: &Stop| {
            begins.send(()).ok();
            gate.recv().ok();
            Some(nothing())
        };
        assert!(work.ask(Errand::Rows, true, first).is_none());
        begun.recv().unwrap();
        // This one is overtaken before it is begun.
        work.ask(Errand::Rows, true, |_| panic!("nobody wants it any more"));
        work.ask(Errand::Rows, true, |_| Some(nothing()));
        go.send(()).unwrap();
        for accepted in [false, true] {
            let Ok(Input::Done(done)) = inputs.recv() else {
                panic!("an answer comes")
            };
            assert!(work.waits_for(Errand::Rows) && !work.waits_for(Errand::Totals));
            assert_eq!(work.accept(done).is_some(), accepted);
        }
        assert!(!work.waits());
    }

    #[test]
    fn what_is_done_at_once_overtakes_what_goes_on() {
        let (sender, inputs) = channel();
        let mut work = Work::through(sender);
        let (go, gate) = channel::<()>();
        let (begins, begun) = channel::<()>();
        work.ask(Errand::Totals, true, move |_: &Stop| {
            begins.send(()).ok();
            gate.recv().ok();
            Some(nothing())
        });
        begun.recv().unwrap();
        assert!(
            work.ask(Errand::Totals, false, |_| Some(nothing()))
                .is_some()
        );
        assert!(!work.waits());
        go.send(()).unwrap();
        let Ok(Input::Done(done)) = inputs.recv() else {
            panic!("an answer comes")
        };
        assert!(work.accept(done).is_none());
    }

    #[test]
    fn a_panic_is_an_answer_too() {
        let (sender, inputs) = channel();
        let mut work = Work::through(sender);
        work.ask(Errand::Pane, true, |_| panic!("as it happens"));
        let Ok(Input::Done(done)) = inputs.recv() else {
            panic!("an answer comes")
        };
        assert!(done.panicked());
    }
}
