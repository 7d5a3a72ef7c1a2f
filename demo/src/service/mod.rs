//! An HTTP service under load; for 80 ms both workers are blocked, and everybody else comes late.
//!
//! The service is one that could be in production: connections on an accept loop of its own, a store behind a channel,
//! prices behind a mutex, housekeeping in the background. Its clients are threads with blocking sockets, which share
//! nothing with the runtime and keep their own time. At two thirds of the run an outside thread releases two reports at
//! once, one for each worker, and each of them blocks the worker that runs it. Nobody polls the I/O driver meanwhile.

mod app;
mod load;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use dial9_recorder::{FlightRecorder, Level, MIB};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::facts::{Count, Facts, Incident};
use crate::stage::{WORKERS, write_dump};
use crate::{Error, Options};
use app::App;
use load::Load;

/// How long each of the planted reports blocks its worker.
pub const BLOCK: Duration = Duration::from_millis(80);

/// Runs the service and its load, plants the incident, and dumps while the service goes on.
pub fn run(options: &Options) -> Result<Facts, Error> {
    let recorder = FlightRecorder::builder()
        .memory(8 * MIB)
        .level(Level::Wakes)
        .build()?;
    let runtime = recorder.attach(
        Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("orders-worker")
            .enable_all(),
    )?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    let address: SocketAddr = listener.local_addr()?;
    let app = Arc::new(App::new(recorder.clone(), runtime.handle().clone()));
    app.start(listener);

    let load = Load::start(address, WORKERS)?;
    let before = options.run_time * 2 / 3;
    sleep(before);
    let planted = SystemTime::now();
    app.release_reports(WORKERS);
    sleep(options.run_time - before);
    write_dump(&recorder, options)?;

    let record = load.stop()?;
    let mut facts = app.facts();
    for task in &mut facts.tasks {
        if task.name.as_deref() == Some("connection") {
            // A connection is polled when it begins, and at least once for each answer.
            task.polls = Count::AtLeast(task.spawned);
            // It ends when its client goes; those of the reports do, once they have theirs.
            task.ended = Count::AtLeast(0);
        }
    }
    facts.blame("connection");
    facts.told.push(format!(
        "planted at {:.3} s: {WORKERS} reports at once, each blocking its worker for {} ms",
        before.as_secs_f64(),
        BLOCK.as_millis(),
    ));
    facts.told.push(format!(
        "{} requests answered; the latest answer took {:.1} ms, the median {:.2} ms",
        record.requests,
        record.max.as_secs_f64() * 1e3,
        record.median.as_secs_f64() * 1e3,
    ));
    facts.incident = Some(Incident {
        planted,
        blockers: WORKERS as u64,
        length: BLOCK,
        requests: record.requests,
        max_latency: record.max,
        latest: record.latest,
    });
    Ok(facts)
}
