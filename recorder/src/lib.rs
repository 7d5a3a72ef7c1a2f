//! An always-on, bounded flight recorder for Tokio services.
//!
//! It records every poll, spawn, wake and park into a fixed amount of memory, at a cost of some tens
//! of nanoseconds each, and writes what it has to a file when asked to: by a call, by a signal, by a
//! panic. The recorder's own OS thread does that, so it works while every worker is stuck. The dump is
//! opened offline with `dial9-tui`.
//!
//! ```
//! use dial9_recorder::{FlightRecorder, MIB, SIGUSR1, prelude::*};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = std::env::temp_dir().join(format!("dial9-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory)?;
//! let recorder = FlightRecorder::builder()
//!     .memory(8 * MIB)
//!     .dump_on_panic(true)
//!     .dump_on_signal(SIGUSR1)
//!     .dump_dir(&directory)
//!     .build()?;
//! let runtime = recorder.attach(tokio::runtime::Builder::new_multi_thread().enable_all())?;
//! runtime.block_on(async {
//!     let (sender, mut orders) = tokio::sync::mpsc::channel::<u32>(8);
//!     let clerk = recorder.task("clerk").spawn(async move {
//!         while let Some(_order) = orders.recv().awaiting("orders").await {}
//!     });
//!     sender.send(1).await.unwrap();
//!     drop(sender);
//!     clerk.await.unwrap();
//!     recorder.dump(directory.join("incident.dial9")).await.unwrap();
//! });
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is seen
//!
//! | spawned with | polls, ends, parents | wakes and lost wakers | name |
//! |---|---|---|---|
//! | `tokio::spawn` and everything else on an attached runtime | yes | no | no |
//! | [`FlightRecorder::spawn`], [`FlightRecorder::task`] | yes | yes | with `task` |
//! | the same with [`Recorded::recorded`] or [`TaskBuilder::wrap`] around the future | yes | yes | with `wrap` |
//! | `spawn_local` through [`FlightRecorder::task`] | yes | yes | yes |
//!
//! A framework that spawns by itself, as `axum::serve` does for connections, is seen at the first
//! line of that table. To have its wakes, spawn the connections on an accept loop of your own:
//!
//! ```no_run
//! # use dial9_recorder::{FlightRecorder, prelude::*};
//! # async fn serve(_: tokio::net::TcpStream) {}
//! # async fn example(recorder: FlightRecorder) -> std::io::Result<()> {
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! loop {
//!     let (socket, _peer) = listener.accept().awaiting("a connection").await?;
//!     recorder.task("connection").spawn(serve(socket)); // hyper's http1 or auto connection builder
//! }
//! # }
//! ```
//!
//! # What it needs
//!
//! Unix, and tokio built with `--cfg tokio_unstable` for its task hooks: without it only the futures
//! that go through the recorder are seen, and the dump says so.
//!
//! # What it costs
//!
//! Memory: [`Builder::memory`] bytes for events, and up to 8 MiB for the history of tasks; while a dump is
//! being made, as much again. Nothing is allocated while events are recorded, but for one small
//! allocation when a wrapped task is first polled. Without [`Builder::build`] there is no thread, no
//! allocation and no cost.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod arena;
mod builder;
mod clock;
mod codec;
mod dump;
mod encode;
mod facts;
mod fold;
mod history;
mod hooks;
mod index;
mod keeper;
mod mark;
mod panic;
mod recorder;
mod shared;
mod snapshot;
mod strings;
mod sync;
mod thread;
mod waker;
mod wrap;

pub use builder::{BuildError, Builder};
pub use dial9_format::{Level, LossKind, LossRow};
pub use dump::{DumpError, DumpReport};
pub use mark::{Awaiting, MarkedFuture};
pub use recorder::{FlightRecorder, Status, TaskBuilder};
pub use wrap::{Recorded, RecordedFuture};

/// The traits that add methods to futures.
pub mod prelude {
    pub use crate::{Awaiting, Recorded};
}

/// A mebibyte, for [`Builder::memory`].
pub const MIB: usize = 1 << 20;
/// The signal that is commonly free for a service's own use.
pub const SIGUSR1: i32 = nix::libc::SIGUSR1;
/// The other one.
pub const SIGUSR2: i32 = nix::libc::SIGUSR2;
