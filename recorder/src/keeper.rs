//! The recorder's own thread: it folds, takes clock anchors, and makes dumps while writers go on.

use std::cell::Cell;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dial9_format::Trigger;
use nix::poll::{PollFd, PollFlags, PollTimeout};

use crate::clock::{Anchor, Timeline};
use crate::dump::{self, DumpError, DumpReport, Place};
use crate::encode::Origin;
use crate::fold::Folder;
use crate::history::History;
use crate::shared::Shared;
use crate::snapshot::Snapshot;

/// Folding pace while events arrive.
const BUSY_PACE: Duration = Duration::from_millis(10);
/// Folding pace while nothing happens; a claimed chunk ends the sleep.
const IDLE_PACE: Duration = Duration::from_millis(100);
/// How often the clocks are compared.
const ANCHOR_PACE: Duration = Duration::from_secs(1);
/// Least time between two dumps that panics asked for, and two that signals asked for.
const PANIC_INTERVAL: Duration = Duration::from_secs(10);
const SIGNAL_INTERVAL: Duration = Duration::from_millis(200);

thread_local! {
    static IS_KEEPER: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread is some recorder's own.
pub(crate) fn is_keeper() -> bool {
    IS_KEEPER.with(Cell::get)
}

pub(crate) fn become_keeper() {
    IS_KEEPER.with(|keeper| keeper.set(true));
}

/// Who is told how a dump went.
pub(crate) type Reply = Box<dyn FnOnce(Result<DumpReport, DumpError>) + Send>;

/// A wish for a dump.
pub(crate) struct Request {
    pub(crate) place: Place,
    pub(crate) trigger: Trigger,
    pub(crate) value: u64,
    pub(crate) detail: String,
    pub(crate) at: u64,
    pub(crate) reply: Option<Reply>,
}

/// How everybody else reaches the keeper. Nothing here blocks.
pub(crate) struct Mailbox {
    requests: Sender<Request>,
    bell: UnixStream,
    /// The keeper sleeps long: a claimed chunk should ring.
    idle: AtomicBool,
    /// Claims at the last pass, and whether the bell was rung since.
    claims_at_pass: AtomicU64,
    rung: AtomicBool,
    stopping: AtomicBool,
    stopped: Arc<(Mutex<bool>, Condvar)>,
    panic_asked: AtomicU64,
}

impl Mailbox {
    /// A mailbox, and the keeper's ends of it.
    pub(crate) fn new() -> std::io::Result<(Self, Receiver<Request>, UnixStream)> {
        let (requests, inbox) = mpsc::channel();
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        let mailbox = Self {
            requests,
            bell,
            idle: AtomicBool::new(false),
            claims_at_pass: AtomicU64::new(0),
            rung: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            stopped: Arc::new((Mutex::new(false), Condvar::new())),
            panic_asked: AtomicU64::new(0),
        };
        Ok((mailbox, inbox, ear))
    }

    /// Wakes the keeper; at most one system call per pass.
    pub(crate) fn kick(&self) {
        if !self.rung.swap(true, Ordering::Relaxed) {
            self.ring();
        }
    }

    fn ring(&self) {
        use std::io::Write;
        // A full pipe rings, too.
        let _ = (&self.bell).write(&[1]);
    }

    /// Called after a chunk was claimed.
    pub(crate) fn chunk_claimed(&self, claims: u64, chunks: u64) {
        let far = claims.wrapping_sub(self.claims_at_pass.load(Ordering::Relaxed)) > chunks / 8;
        if far || self.idle.load(Ordering::Relaxed) {
            self.kick();
        }
    }

    /// Hands a request over.
    pub(crate) fn send(&self, request: Request) -> Result<(), DumpError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(DumpError::Stopped);
        }
        self.requests
            .send(request)
            .map_err(|_| DumpError::Stopped)?;
        self.ring();
        Ok(())
    }

    /// Whether a panic's dump may be asked for now; true at most once per interval, unless `always`.
    pub(crate) fn admit_panic(&self, now_ns: u64, always: bool) -> bool {
        let last = self.panic_asked.load(Ordering::Relaxed);
        let due = last == 0 || now_ns.saturating_sub(last) >= PANIC_INTERVAL.as_nanos() as u64;
        let mine = due
            && self
                .panic_asked
                .compare_exchange(last, now_ns.max(1), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        mine || always
    }

    /// Asks the keeper to finish its dumps and end, and waits for that, `limit` at most.
    pub(crate) fn stop(&self, limit: Duration) {
        self.stopping.store(true, Ordering::Release);
        self.ring();
        let (done, changed) = &*self.stopped;
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = changed.wait_timeout_while(done, limit, |done| !*done);
    }
}

/// A signal that asks for a dump, and the pipe that its handler writes to.
pub(crate) struct SignalSource {
    number: i32,
    ear: UnixStream,
    registration: signal_hook::SigId,
}

impl SignalSource {
    /// Takes the signal over.
    pub(crate) fn register(number: i32) -> std::io::Result<Self> {
        if signal_hook::consts::FORBIDDEN.contains(&number) {
            return Err(std::io::Error::other(
                "the system does not let it be handled, or it means a broken process",
            ));
        }
        let (bell, ear) = UnixStream::pair()?;
        ear.set_nonblocking(true)?;
        let registration = signal_hook::low_level::pipe::register(number, bell)?;
        Ok(Self {
            number,
            ear,
            registration,
        })
    }
}

impl Drop for SignalSource {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.registration);
    }
}

/// What the keeper needs to know to write dumps that nobody named a file for.
pub(crate) struct Settings {
    pub(crate) dump_dir: PathBuf,
    pub(crate) keep: usize,
    pub(crate) origin: Origin,
}

/// The recorder's own thread.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    history: History,
    folder: Folder,
    timeline: Timeline,
    inbox: Receiver<Request>,
    ear: UnixStream,
    signals: Vec<SignalSource>,
    last_signal: Option<Instant>,
    settings: Arc<Settings>,
    writing: Vec<JoinHandle<()>>,
}

impl Keeper {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        shared: Arc<Shared>,
        history: History,
        folder: Folder,
        timeline: Timeline,
        inbox: Receiver<Request>,
        ear: UnixStream,
        signals: Vec<SignalSource>,
        settings: Settings,
    ) -> Self {
        Self {
            shared,
            history,
            folder,
            timeline,
            inbox,
            ear,
            signals,
            last_signal: None,
            settings: Arc::new(settings),
            writing: Vec::new(),
        }
    }

    /// Runs until the recorder is dropped.
    pub(crate) fn run(mut self) {
        /// Tells whoever waits, even if the thread panics.
        struct Farewell(Arc<(Mutex<bool>, Condvar)>);
        impl Drop for Farewell {
            fn drop(&mut self) {
                *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
                self.0.1.notify_all();
            }
        }
        become_keeper();
        let _farewell = Farewell(Arc::clone(&self.shared.mailbox.stopped));
        let mut last_anchor = Instant::now();
        loop {
            let stopping = self.shared.mailbox.stopping.load(Ordering::Acquire);
            let folded = self.fold();
            if last_anchor.elapsed() >= ANCHOR_PACE {
                last_anchor = Instant::now();
                self.timeline.push(Anchor::now(self.shared.clock));
            }
            while let Ok(request) = self.inbox.try_recv() {
                self.dump(request);
            }
            self.writing.retain(|thread| !thread.is_finished());
            if stopping {
                break;
            }
            if let Some(number) = self.sleep(folded > 0) {
                self.dump_on_signal(number);
            }
        }
        for thread in self.writing.drain(..) {
            let _ = thread.join();
        }
    }

    fn fold(&mut self) -> u64 {
        let mailbox = &self.shared.mailbox;
        mailbox.rung.store(false, Ordering::Relaxed);
        mailbox
            .claims_at_pass
            .store(self.shared.arena.claims(), Ordering::Relaxed);
        self.folder.pass(&self.shared, &mut self.history)
    }

    /// Sleeps until the next pass is due, somebody rings, or a signal comes, which it names.
    fn sleep(&mut self, busy: bool) -> Option<i32> {
        let pace = if busy { BUSY_PACE } else { IDLE_PACE };
        self.shared.mailbox.idle.store(!busy, Ordering::Relaxed);
        let mut fds: Vec<_> = std::iter::once(&self.ear)
            .chain(self.signals.iter().map(|signal| &signal.ear))
            .map(|stream| PollFd::new(stream.as_fd(), PollFlags::POLLIN))
            .collect();
        let timeout = PollTimeout::try_from(pace).unwrap_or(PollTimeout::ZERO);
        if nix::poll::poll(&mut fds, timeout).is_err() {
            // Nothing but an interruption can happen here, and all signals are blocked.
            std::thread::sleep(pace);
        }
        self.shared.mailbox.idle.store(false, Ordering::Relaxed);
        empty(&self.ear);
        let mut came = None;
        for signal in &self.signals {
            if empty(&signal.ear) {
                came = Some(signal.number);
            }
        }
        came
    }

    fn dump_on_signal(&mut self, number: i32) {
        let now = Instant::now();
        if self
            .last_signal
            .is_some_and(|last| now - last < SIGNAL_INTERVAL)
        {
            return;
        }
        self.last_signal = Some(now);
        self.fold();
        self.dump(Request {
            place: Place::Automatic,
            trigger: Trigger::Signal,
            value: u64::try_from(number).unwrap_or(0),
            detail: String::new(),
            at: self.shared.clock.ticks(),
            reply: None,
        });
    }

    /// Takes the snapshot here and now; another thread encodes and writes it, so that folding goes on.
    fn dump(&mut self, request: Request) {
        let began = Instant::now();
        self.fold();
        self.timeline.push(Anchor::now(self.shared.clock));
        let Some(snapshot) = Snapshot::take(&self.shared, &self.history, &self.timeline) else {
            return answer(&self.shared, request.reply, Err(DumpError::OutOfMemory));
        };
        let settings = Arc::clone(&self.settings);
        let shared = Arc::clone(&self.shared);
        let job = Arc::new(Mutex::new(Some((snapshot, request))));
        let work = move || {
            become_keeper();
            let taken = job.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some((snapshot, mut request)) = taken {
                let reply = request.reply.take();
                let result = dump::write(snapshot, &request, &settings, began);
                answer(&shared, reply, result);
            }
        };
        let spawned = std::thread::Builder::new()
            .name("dial9-dump".to_owned())
            .spawn(work.clone());
        match spawned {
            Ok(thread) => self.writing.push(thread),
            // No thread to be had: better late folding than no dump.
            Err(_) => work(),
        }
    }
}

/// Remembers how a dump went, and tells whoever asked for it.
fn answer(shared: &Shared, reply: Option<Reply>, result: Result<DumpReport, DumpError>) {
    shared.note_dump(&result);
    if let Some(reply) = reply {
        reply(result);
    }
}

/// Reads all that a pipe holds; tells whether that was anything.
fn empty(stream: &UnixStream) -> bool {
    use std::io::Read;
    let mut any = false;
    let mut bytes = [0; 64];
    while matches!((&mut &*stream).read(&mut bytes), Ok(count) if count > 0) {
        any = true;
    }
    any
}
