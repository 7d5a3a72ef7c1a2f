//! The two workloads, and the count of the polls that they cause.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;

/// Tasks that yield. A worker asks the I/O driver each time its queue is empty, so with few tasks the figure is that of
/// the driver, and leaps about; with more than 2 x 256 it would be that of the overflow into the shared queue.
const YIELDING_TASKS: usize = 200;
/// Pairs of tasks that pass a message to and fro.
const PAIRS: usize = 8;

/// How a configuration spawns a task.
pub trait Spawn: Clone + Send + Sync + 'static {
    /// Spawns on the runtime whose worker calls this.
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static);
}

/// What the tasks do, for as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Tasks that do nothing but yield: one poll and one wake of their own each time.
    Yield,
    /// Pairs of tasks that send each other a message: one poll and one wake by the partner each time.
    PingPong,
}

impl Workload {
    /// Both, in the order of the table.
    pub const ALL: [Self; 2] = [Self::Yield, Self::PingPong];

    /// What the parent calls it towards a child.
    pub fn key(self) -> &'static str {
        match self {
            Self::Yield => "yield",
            Self::PingPong => "ping-pong",
        }
    }

    /// What the table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yield => "yield loop",
            Self::PingPong => "mpsc ping-pong",
        }
    }

    /// The workload of this key.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.key() == key)
    }

    /// Spawns the tasks; call it from a task of the runtime. They run until the runtime is dropped.
    pub fn start(self, spawn: &impl Spawn) -> Polls {
        let mut polls = Polls::default();
        match self {
            Self::Yield => {
                for _ in 0..YIELDING_TASKS {
                    spawn.spawn(polls.count(async {
                        loop {
                            tokio::task::yield_now().await;
                        }
                    }));
                }
            }
            Self::PingPong => {
                for _ in 0..PAIRS {
                    let (ping, pinged) = mpsc::channel(1);
                    let (pong, ponged) = mpsc::channel(1);
                    spawn.spawn(polls.count(async move {
                        // The one message of this pair; whoever holds it passes it on.
                        if ping.send(()).await.is_ok() {
                            pass_on(ponged, ping).await;
                        }
                    }));
                    spawn.spawn(polls.count(pass_on(pinged, pong)));
                }
            }
        }
        polls
    }
}

async fn pass_on(mut from: mpsc::Receiver<()>, to: mpsc::Sender<()>) {
    while from.recv().await.is_some() && to.send(()).await.is_ok() {}
}

/// The polls of every task, each counted on a cache line of its own.
#[derive(Clone, Default)]
pub struct Polls(Vec<Arc<Counter>>);

#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

impl Polls {
    /// The polls so far.
    pub fn total(&self) -> u64 {
        self.0
            .iter()
            .map(|counter| counter.0.load(Ordering::Relaxed))
            .sum()
    }

    fn count<F: Future<Output = ()>>(&mut self, future: F) -> Counted<F> {
        let counter = Arc::new(Counter::default());
        self.0.push(Arc::clone(&counter));
        Counted {
            future: Box::pin(future),
            counter,
        }
    }
}

/// A future that counts its polls; every configuration pays for the counting alike.
struct Counted<F> {
    future: Pin<Box<F>>,
    counter: Arc<Counter>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // One poll at a time writes it, so a load and a store do.
        let polls = self.counter.0.load(Ordering::Relaxed);
        self.counter.0.store(polls + 1, Ordering::Relaxed);
        self.future.as_mut().poll(context)
    }
}
