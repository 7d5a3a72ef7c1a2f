//! The recorder as a service holds it: attach runtimes, spawn recorded tasks, ask for dumps.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use dial9_format::{LossRow, Trigger};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::builder::Builder;
use crate::dump::{DumpError, DumpReport, Place};
use crate::hooks::{self, UserHooks};
use crate::keeper::{Reply, Request};
use crate::shared::Shared;
use crate::thread::{self, Spawning};
use crate::wrap::RecordedFuture;

/// How long the last owner's drop waits for dumps that are being written.
const FAREWELL: Duration = Duration::from_secs(5);

/// An always-on, bounded flight recorder.
///
/// Clones are handles of one recorder. It stops when the last of them and the last runtime attached to it
/// are gone, after the dumps that were asked for are written; that waits for 5 s at most.
#[derive(Clone)]
pub struct FlightRecorder {
    handle: Arc<OwnerHandle>,
}

/// Stops the recorder when nobody is left to use it.
pub(crate) struct OwnerHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) hooks: UserHooks,
    pid: u32,
}

impl Drop for OwnerHandle {
    fn drop(&mut self) {
        if std::process::id() == self.pid {
            self.shared.mailbox.stop(FAREWELL);
        }
    }
}

impl std::fmt::Debug for FlightRecorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightRecorder")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// How a recorder is doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Bytes of event memory.
    pub memory: usize,
    /// Dumps written so far.
    pub dumps_written: u64,
    /// Dumps that failed.
    pub dumps_failed: u64,
    /// The latest dump that was written.
    pub last_dump: Option<PathBuf>,
    /// Why the latest failed one failed.
    pub last_error: Option<String>,
    /// What was not recorded so far, by kind.
    pub losses: Vec<LossRow>,
}

impl FlightRecorder {
    /// Starts setting a recorder up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(shared: Arc<Shared>, hooks: UserHooks) -> Self {
        Self {
            handle: Arc::new(OwnerHandle {
                shared,
                hooks,
                pid: std::process::id(),
            }),
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Builds a runtime that this recorder records. Several may be attached to one recorder.
    ///
    /// All of tokio's hooks on `builder` are replaced: give your own callbacks to
    /// [`FlightRecorder::builder`] instead.
    ///
    /// ```
    /// # use dial9_recorder::{FlightRecorder, MIB};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let recorder = FlightRecorder::builder().memory(4 * MIB).build()?;
    /// let runtime = recorder.attach(tokio::runtime::Builder::new_multi_thread().enable_all())?;
    /// runtime.block_on(async {
    ///     let task = recorder.spawn(async { 6 * 7 });
    ///     assert_eq!(task.await.unwrap(), 42);
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever building the runtime fails with.
    pub fn attach(&self, builder: &mut tokio::runtime::Builder) -> io::Result<Runtime> {
        hooks::attach(&self.handle, builder)
    }

    /// Spawns a task on the current runtime, with its wakes recorded.
    ///
    /// # Panics
    ///
    /// Outside a runtime, like [`tokio::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, _spawning) = self.unnamed().wrap_announced(future);
        tokio::spawn(future)
    }

    /// The same on a given runtime.
    #[track_caller]
    pub fn spawn_on<F>(&self, future: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, _spawning) = self.unnamed().wrap_announced(future);
        handle.spawn(future)
    }

    fn unnamed(&self) -> TaskBuilder<'_> {
        TaskBuilder {
            recorder: self,
            name: 0,
        }
    }

    /// Starts spawning a task that has a name. The recorder keeps 1,024 different names of up to 128
    /// bytes: a name is for a kind of task, not for one request.
    pub fn task(&self, name: &str) -> TaskBuilder<'_> {
        TaskBuilder {
            recorder: self,
            name: self.shared().strings.owned(name),
        }
    }

    /// Writes a dump to `path`, which must not exist, and waits for it without blocking the runtime.
    /// The recorder's own thread does the work, so it gets done however the runtime fares.
    ///
    /// # Errors
    ///
    /// When the file cannot be written as a whole; then nothing of it is left behind.
    pub async fn dump(&self, path: impl AsRef<Path>) -> Result<DumpReport, DumpError> {
        let (tell, told) = oneshot::channel();
        self.request(
            path.as_ref(),
            Box::new(move |result| drop(tell.send(result))),
        )?;
        told.await.unwrap_or(Err(DumpError::Stopped))
    }

    /// The same for a thread outside the runtime; it blocks until the dump is written.
    ///
    /// # Errors
    ///
    /// As [`FlightRecorder::dump`].
    pub fn dump_blocking(&self, path: impl AsRef<Path>) -> Result<DumpReport, DumpError> {
        let (tell, told) = mpsc::channel();
        self.request(
            path.as_ref(),
            Box::new(move |result| drop(tell.send(result))),
        )?;
        told.recv().unwrap_or(Err(DumpError::Stopped))
    }

    fn request(&self, path: &Path, reply: Reply) -> Result<(), DumpError> {
        if std::process::id() != self.handle.pid {
            return Err(DumpError::Stopped);
        }
        let shared = self.shared();
        shared.mailbox.send(Request {
            place: Place::File(path.to_owned()),
            trigger: Trigger::Call,
            value: 0,
            detail: String::new(),
            at: shared.clock.ticks(),
            reply: Some(reply),
        })
    }

    /// How the recorder is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = self.shared();
        let dumps = shared.dumps();
        let mut losses = shared.loss_rows();
        for row in &mut losses {
            // Inside they are ticks, which mean nothing to anybody else.
            (row.from, row.to) = (None, None);
        }
        Status {
            memory: shared.arena.bytes(),
            dumps_written: dumps.written,
            dumps_failed: dumps.failed,
            last_dump: dumps.last,
            last_error: dumps.last_error,
            losses,
        }
    }
}

/// Spawns one named task.
#[must_use = "a task builder does nothing until one of its spawns is called"]
pub struct TaskBuilder<'a> {
    recorder: &'a FlightRecorder,
    name: u32,
}

impl TaskBuilder<'_> {
    /// Spawns it on the current runtime, with its wakes recorded.
    ///
    /// # Panics
    ///
    /// Outside a runtime, like [`tokio::spawn`].
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, _spawning) = self.wrap_announced(future);
        tokio::spawn(future)
    }

    /// Spawns it on a given runtime.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (future, _spawning) = self.wrap_announced(future);
        handle.spawn(future)
    }

    /// Spawns it on the current `LocalSet`. No hook sees such a task, so its wrapper records all of it.
    ///
    /// # Panics
    ///
    /// Outside a `LocalSet`, like [`tokio::task::spawn_local`].
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        tokio::task::spawn_local(self.wrap_local(future))
    }

    /// Wraps a future that somebody else spawns on a runtime: a `JoinSet`, a framework.
    #[track_caller]
    pub fn wrap<F: Future>(self, future: F) -> RecordedFuture<F> {
        self.wrapped(future, false, false)
    }

    /// Wraps a future that no hook will see: one for `block_on`, or for another executor.
    #[track_caller]
    pub fn wrap_local<F: Future>(self, future: F) -> RecordedFuture<F> {
        self.wrapped(future, false, true)
    }

    #[track_caller]
    fn wrapped<F: Future>(&self, future: F, announced: bool, local: bool) -> RecordedFuture<F> {
        RecordedFuture::new(
            future,
            self.recorder.shared(),
            self.name,
            Location::caller(),
            announced,
            local,
        )
    }

    #[track_caller]
    fn wrap_announced<F: Future>(&self, future: F) -> (RecordedFuture<F>, thread::SpawningGuard) {
        let shared = self.recorder.shared();
        let guard = thread::begin_spawning(Spawning {
            recorder: shared.id,
            name: self.name,
            size: u32::try_from(size_of::<F>()).unwrap_or(u32::MAX),
            covered: shared.sees_wakes(),
        });
        (self.wrapped(future, true, false), guard)
    }
}
