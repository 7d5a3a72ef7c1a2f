//! The service: its routes, its store, its housekeeping.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use dial9_recorder::FlightRecorder;
use dial9_recorder::prelude::*;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio::time::{interval, sleep};

use crate::facts::{Expected, Facts};

/// Queries that may wait for the store.
const STORE_QUEUE: usize = 64;

/// What the tasks of the service share.
pub(super) struct App {
    recorder: FlightRecorder,
    runtime: Handle,
    facts: StdMutex<Facts>,
    store: mpsc::Sender<Query>,
    queries: StdMutex<Option<mpsc::Receiver<Query>>>,
    prices: Mutex<HashMap<u64, u64>>,
    /// A report begins when it gets one of these.
    report_slots: Semaphore,
    answered: AtomicU64,
}

/// A question to the store, and where the answer goes.
struct Query {
    order: u64,
    answer: oneshot::Sender<String>,
}

impl App {
    /// A service that does not listen yet.
    pub(super) fn new(recorder: FlightRecorder, runtime: Handle) -> Self {
        let (store, queries) = mpsc::channel(STORE_QUEUE);
        Self {
            recorder,
            runtime,
            facts: StdMutex::default(),
            store,
            queries: StdMutex::new(Some(queries)),
            prices: Mutex::default(),
            report_slots: Semaphore::new(0),
            answered: AtomicU64::new(0),
        }
    }

    /// Starts to accept connections, and everything that runs beside them.
    pub(super) fn start(self: &Arc<Self>, listener: TcpListener) {
        let queries = locked(&self.queries).take();
        if let Some(queries) = queries {
            self.spawn("store", store(queries));
        }
        self.spawn("accept", Arc::clone(self).accept(listener));
        self.spawn("price refresh", Arc::clone(self).refresh_prices());
        self.spawn("metrics", Arc::clone(self).publish_metrics());
        self.spawn("session sweep", sweep_sessions());
    }

    /// Lets `count` reports begin, all at once.
    pub(super) fn release_reports(&self, count: usize) {
        self.report_slots.add_permits(count);
    }

    /// What was spawned so far.
    pub(super) fn facts(&self) -> Facts {
        locked(&self.facts).clone()
    }

    /// Every task of the service is spawned here: recorded with its wakes, named, located at the caller's line.
    #[track_caller]
    fn spawn(&self, name: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        locked(&self.facts).spawned(Some(name), Location::caller(), Expected::lives_on());
        self.recorder.task(name).spawn_on(future, &self.runtime);
    }

    /// `axum::serve` and its like spawn their connections with `tokio::spawn`, which records no wakes; an accept loop is
    /// short enough to write.
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().awaiting("connection").await {
                Ok((stream, _)) => self.spawn("connection", Arc::clone(&self).serve(stream)),
                // Out of file descriptors, most likely: give the others time to close some.
                Err(_) => sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let answer = service_fn(|request| self.answer(request));
        // A client that goes away in the middle is its own affair.
        let _ = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), answer)
            .await;
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let path = request.uri().path();
        let path = path.strip_prefix('/').unwrap_or(path);
        let (route, rest) = path.split_once('/').unwrap_or((path, ""));
        let number = rest.parse().ok();
        let body = match (route, number) {
            ("orders", Some(order)) => self.order(order).await,
            ("prices", Some(article)) => Some(self.price(article).await),
            ("report", _) => self.report().await,
            _ => None,
        };
        self.answered.fetch_add(1, Ordering::Relaxed);
        let status = match body {
            Some(_) => StatusCode::OK,
            None => StatusCode::NOT_FOUND,
        };
        let mut response = Response::new(Full::from(body.unwrap_or_default()));
        *response.status_mut() = status;
        Ok(response)
    }

    /// An order, from the store.
    async fn order(&self, order: u64) -> Option<String> {
        let (answer, answered) = oneshot::channel();
        let query = Query { order, answer };
        self.store.send(query).awaiting("store queue").await.ok()?;
        answered.awaiting("store answer").await.ok()
    }

    /// A price, from the table, after a word with a service elsewhere.
    async fn price(&self, article: u64) -> String {
        sleep(Duration::from_millis(1))
            .awaiting("pricing service")
            .await;
        let prices = self.prices.lock().awaiting("price table").await;
        let cents = prices.get(&(article % 100)).copied().unwrap_or(article);
        format!("{article}: {cents} cents\n")
    }

    /// The mistake: a report is written in one go, on the worker.
    async fn report(&self) -> Option<String> {
        let slot = self.report_slots.acquire().awaiting("report slot").await;
        slot.ok()?.forget();
        std::thread::sleep(super::BLOCK);
        Some("all is well\n".to_owned())
    }

    async fn refresh_prices(self: Arc<Self>) {
        let mut turn = interval(Duration::from_millis(100));
        for round in 0_u64.. {
            turn.tick().awaiting("next refresh").await;
            let mut prices = self.prices.lock().awaiting("price table").await;
            for article in 0..100 {
                prices.insert(article, 100 + (article * 37 + round) % 900);
            }
        }
    }

    async fn publish_metrics(self: Arc<Self>) {
        let mut turn = interval(Duration::from_millis(50));
        let mut before = 0;
        loop {
            turn.tick().awaiting("next metrics").await;
            let answered = self.answered.load(Ordering::Relaxed);
            // There is no metrics backend on loopback; the rate is all that would be sent.
            std::hint::black_box(answered - before);
            before = answered;
        }
    }
}

/// Owns the orders and answers one query after the other.
async fn store(mut queries: mpsc::Receiver<Query>) {
    while let Some(query) = queries.recv().awaiting("queries").await {
        let digest = (0..2_000).fold(query.order, |digest, step| {
            digest
                .rotate_left(5)
                .wrapping_mul(0x9e37_79b9)
                .wrapping_add(step)
        });
        // A client that went away does not want its answer any more.
        let _ = query
            .answer
            .send(format!("order {}: {digest:016x}\n", query.order));
    }
}

async fn sweep_sessions() {
    let mut turn = interval(Duration::from_millis(500));
    loop {
        turn.tick().awaiting("next sweep").await;
    }
}

fn locked<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
