//! What a recorder can be told before it starts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dial9_format::Level;

use crate::arena::Arena;
use crate::clock::{self, Anchor, Clock, Timeline};
use crate::encode::Origin;
use crate::facts::FactsTable;
use crate::fold::Folder;
use crate::history::{self, History};
use crate::hooks::UserHooks;
use crate::keeper::{Keeper, Mailbox, Settings, SignalSource};
use crate::recorder::FlightRecorder;
use crate::shared::Shared;
use crate::strings::StringTable;
use crate::thread::{SLOTS, ThreadSlot};

/// Bytes per event that [`Builder::capacity`] reckons with.
const BYTES_PER_EVENT: usize = 8;
/// Event memory unless told otherwise.
const DEFAULT_MEMORY: usize = 8 << 20;
/// The history cap, everything beside the event memory included.
const HISTORY_BYTES: usize = 8 << 20;
/// Automatic dumps that are kept unless told otherwise.
const DEFAULT_KEEP: usize = 8;

/// Why a recorder could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The event memory is too small to be cut into chunks, or larger than can be addressed.
    #[error("{bytes} bytes of event memory are out of range: use between 64 KiB and 64 GiB")]
    Memory {
        /// What was asked for, bytes.
        bytes: usize,
    },
    /// The memory could not be allocated.
    #[error("{bytes} bytes of event memory could not be allocated")]
    OutOfMemory {
        /// What was asked for, bytes.
        bytes: usize,
    },
    /// The level is not built yet.
    #[error("the level {level:?} is not available in this version; use Hooks or Wakes")]
    Level {
        /// What was asked for.
        level: Level,
    },
    /// The signal cannot be taken over.
    #[error("signal {signal} cannot be used to ask for a dump: {source}")]
    Signal {
        /// Its number.
        signal: i32,
        /// What the system said.
        source: io::Error,
    },
    /// The recorder's own thread, or its wake-up pipe, could not be made.
    #[error("the recorder's thread could not be started: {0}")]
    Thread(#[source] io::Error),
}

/// Sets a recorder up. Nothing is allocated, and no thread started, before [`Builder::build`].
#[derive(Clone)]
#[must_use = "a builder does nothing until build() is called"]
pub struct Builder {
    memory: usize,
    level: Level,
    dump_on_panic: bool,
    signals: Vec<i32>,
    dump_dir: Option<PathBuf>,
    keep: usize,
    hooks: UserHooks,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            memory: DEFAULT_MEMORY,
            level: Level::Wakes,
            dump_on_panic: false,
            signals: Vec::new(),
            dump_dir: None,
            keep: DEFAULT_KEEP,
            hooks: UserHooks::default(),
        }
    }
}

macro_rules! thread_callbacks {
    ($($(#[$doc:meta])* $name:ident => $field:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, callback: impl Fn() + Send + Sync + 'static) -> Self {
            self.hooks.$field = Some(Arc::new(callback));
            self
        }
    )*};
}

#[cfg(tokio_unstable)]
macro_rules! task_callbacks {
    ($($(#[$doc:meta])* $name:ident => $field:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(
            mut self,
            callback: impl Fn(&tokio::runtime::TaskMeta<'_>) + Send + Sync + 'static,
        ) -> Self {
            self.hooks.$field = Some(Arc::new(callback));
            self
        }
    )*};
}

impl Builder {
    /// How many events to keep, over all threads: `memory(8 * events)`. Events take 5 to 8 bytes, so
    /// this many usually fit.
    pub fn capacity(self, events: usize) -> Self {
        self.memory(events.saturating_mul(BYTES_PER_EVENT))
    }

    /// Bytes of event memory, allocated and touched at once by [`Builder::build`]; 8 MiB unless said.
    /// The history of tasks takes up to 8 MiB beside it.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// How much to see; [`Level::Wakes`] unless said.
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Dumps when something panics, in whatever thread. The hook that was there before is still
    /// called. At most one dump in ten seconds, but always one before an abort.
    pub fn dump_on_panic(mut self, yes: bool) -> Self {
        self.dump_on_panic = yes;
        self
    }

    /// Dumps when this signal comes, [`crate::SIGUSR1`] for instance. May be called for several.
    /// The runtime need not be healthy: a handler wakes the recorder's own thread and nothing else.
    pub fn dump_on_signal(mut self, signal: i32) -> Self {
        if !self.signals.contains(&signal) {
            self.signals.push(signal);
        }
        self
    }

    /// Where dumps go that a panic or a signal asked for; the system's temporary directory unless
    /// said. Their names tell program, time, process and trigger.
    pub fn dump_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.dump_dir = Some(directory.into());
        self
    }

    /// How many such dumps of this program to keep; 8 unless said. The oldest go first.
    pub fn keep(mut self, dumps: usize) -> Self {
        self.keep = dumps;
        self
    }

    thread_callbacks! {
        /// Your own callback for tokio's hook of this name: a runtime builder has one slot per hook,
        /// and attaching takes them all.
        on_thread_start => thread_start;
        /// See [`Builder::on_thread_start`].
        on_thread_stop => thread_stop;
        /// See [`Builder::on_thread_start`].
        on_thread_park => thread_park;
        /// See [`Builder::on_thread_start`].
        on_thread_unpark => thread_unpark;
    }

    #[cfg(tokio_unstable)]
    task_callbacks! {
        /// See [`Builder::on_thread_start`].
        on_task_spawn => task_spawn;
        /// See [`Builder::on_thread_start`]. Runs before the recorded poll begins.
        on_before_task_poll => before_poll;
        /// See [`Builder::on_thread_start`]. Runs after the recorded poll ended.
        on_after_task_poll => after_poll;
        /// See [`Builder::on_thread_start`].
        on_task_terminate => task_terminate;
    }

    /// Allocates the memory, starts the recorder's thread, and takes over the signals and the panic
    /// hook that were asked for. Runtimes are recorded once they are attached.
    ///
    /// # Errors
    ///
    /// When the memory is out of range or not to be had, the level is not available, a signal cannot
    /// be taken over, or no thread can be started. Nothing is left behind then.
    pub fn build(self) -> Result<FlightRecorder, BuildError> {
        if matches!(self.level, Level::Tracing | Level::Resources) {
            return Err(BuildError::Level { level: self.level });
        }
        let bytes = self.memory;
        let (_, chunks) = Arena::geometry(bytes).ok_or(BuildError::Memory { bytes })?;
        let out_of_memory = || BuildError::OutOfMemory { bytes };
        let arena = Arena::new(bytes).ok_or_else(out_of_memory)?;

        let fixed =
            SLOTS * size_of::<ThreadSlot>() + StringTable::max_bytes() + Folder::scratch(chunks);
        let rows = history::rows_within(HISTORY_BYTES.saturating_sub(fixed).max(1 << 20));
        let facts = FactsTable::new(rows).ok_or_else(out_of_memory)?;
        let history = History::new(rows).ok_or_else(out_of_memory)?;

        let (mailbox, inbox, ear) = Mailbox::new().map_err(BuildError::Thread)?;
        let clock = Clock::detect();
        let timeline = Timeline::starting_at(Anchor::now(clock));
        let origin = Origin {
            process: process_name(),
            pid: std::process::id(),
            host: nix::unistd::gethostname().map_or_else(
                |_| String::new(),
                |name| name.to_string_lossy().into_owned(),
            ),
            start_wall_ns: clock::wall_ns(),
            level: self.level,
            arena_bytes: arena.bytes() as u64,
            history_bytes: (history::bytes(rows) + fixed) as u64,
            clock: clock.source(),
        };
        let signals = self
            .signals
            .iter()
            .map(|&signal| {
                SignalSource::register(signal)
                    .map_err(|source| BuildError::Signal { signal, source })
            })
            .collect::<Result<Vec<_>, _>>()?;

        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::new(Shared::new(
            id, self.level, clock, arena, facts, mailbox, SLOTS,
        ));
        let folder = Folder::new(&shared.arena);
        let settings = Settings {
            dump_dir: self.dump_dir.unwrap_or_else(std::env::temp_dir),
            keep: self.keep,
            origin,
        };
        let keeper = Keeper::new(
            Arc::clone(&shared),
            history,
            folder,
            timeline,
            inbox,
            ear,
            signals,
            settings,
        );
        spawn_with_signals_blocked(move || keeper.run()).map_err(BuildError::Thread)?;
        if self.dump_on_panic {
            crate::panic::install(&shared);
        }
        Ok(FlightRecorder::new(shared, self.hooks))
    }
}

/// Starts the recorder's thread with every signal blocked: handlers of the service's own must not run
/// on it. A thread inherits the mask, so it is set here and put back.
fn spawn_with_signals_blocked(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    use nix::sys::signal::{SigSet, SigmaskHow};
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let spawned = std::thread::Builder::new()
        .name("dial9-recorder".to_owned())
        .spawn(work);
    before.thread_set_mask()?;
    spawned.map(drop)
}

/// The program's name, fit for a file name.
fn process_name() -> String {
    let name = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default();
    let clean: String = name
        .chars()
        .take(64)
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if clean.is_empty() || clean.starts_with('.') {
        format!("process{clean}")
    } else {
        clean
    }
}
