//! Writes a trace with everything that upstream dial9 0.5.7 can record into a directory: spans, CPU samples and task
//! dumps with their symbols, sampled allocations, figures of the process and its sockets, custom events. `rich DIR`.

use std::{error::Error, path::Path, process::ExitCode, time::Duration};

use dial9::{
    Dial9HandleTokioExt, DiskBuffer, RecorderPerfExt, TaskDumpConfig, TokioAttachOptions,
    core::clock_monotonic_ns,
    cpu::{CpuProfilingConfig, SchedEventConfig},
    format::TraceEvent,
    memory::{Dial9Allocator, MemoryProfilingConfig},
    process::ProcessResourceUsageConfig,
    socket::SocketAcceptQueuesConfig,
};
use dial9_utils::tracing_layer::Dial9TracingLayer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::yield_now,
    time::sleep,
};
use tracing::{Instrument, info_span};
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: Dial9Allocator = Dial9Allocator::system();

const MIB: u64 = 1024 * 1024;
const REQUESTS: u32 = 60;

/// An event of the service's own, with units.
#[derive(TraceEvent)]
struct RequestDone {
    #[traceevent(timestamp)]
    timestamp_ns: u64,
    #[traceevent(unit = "us", kind = "gauge")]
    latency: u64,
    #[traceevent(unit = "bytes")]
    size: u64,
    ok: bool,
    load: f64,
    route: String,
    error: Option<String>,
}

/// One that names a task.
#[derive(TraceEvent)]
struct Handover {
    #[traceevent(timestamp)]
    timestamp_ns: u64,
    task_id: u64,
    rank: i64,
}

fn main() -> ExitCode {
    let Some(directory) = std::env::args().nth(1) else {
        eprintln!("usage: rich DIR");
        return ExitCode::from(2);
    };
    match record(directory.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn record(directory: &Path) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::registry()
        .with(Dial9TracingLayer::new().with_filter(
            tracing_subscriber::filter::Targets::new().with_target("rich", tracing::Level::INFO),
        ))
        .init();
    let interval = Duration::from_millis(20);
    let buffer = DiskBuffer::builder()
        .base_path(directory)
        .max_file_size(64 * MIB)
        .max_total_size(256 * MIB)
        .rotation_period(Duration::from_secs(3_600))
        .build()?;
    let recorder = dial9::recorder(buffer)
        .segment_metadata([("service".to_owned(), "rich".to_owned())])
        .with_cpu_profiling(CpuProfilingConfig::default().frequency_hz(499))
        .with_sched_events(SchedEventConfig::default())
        .with_process_resource_usage(
            ProcessResourceUsageConfig::builder()
                .sample_interval(interval)
                .build(),
        )
        .with_socket_accept_queues(
            SocketAcceptQueuesConfig::builder()
                .sample_interval(interval)
                .build(),
        )
        .with_memory_profiling(
            MemoryProfilingConfig::builder()
                .sample_rate_bytes(64 * 1024)
                .track_liveset(true)
                .build(),
        )
        .build();
    let attach = |name: &str, workers: usize| {
        let mut builder = Builder::new_multi_thread();
        builder.enable_all().worker_threads(workers);
        let options = TokioAttachOptions::builder()
            .runtime_name(name)
            .task_tracking_enabled(true)
            .task_dump_config(
                TaskDumpConfig::builder()
                    .idle_threshold(Duration::from_millis(20))
                    .build(),
            )
            .build();
        recorder.handle().attach_tokio_runtime(builder, options)
    };
    let (main, io) = (attach("main", 2)?, attach("io", 1)?);
    let listener = io.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    main.block_on(async {
        io.spawn(async move {
            dial9::spawn(serve(listener));
        });
        let client = dial9::spawn(async move {
            for number in 0..REQUESTS {
                let span = info_span!("request", number, route = "/sum");
                ask(address, number).instrument(span).await;
            }
        });
        let idle = dial9::spawn(
            async {
                sleep(Duration::from_millis(300)).await;
                yield_now().await;
            }
            .instrument(info_span!("idle")),
        );
        dial9::record_event(Handover {
            timestamp_ns: clock_monotonic_ns(),
            task_id: 1 << 40,
            rank: -3,
        });
        let _ = (client.await, idle.await);
    });
    drop((main, io));
    recorder.graceful_shutdown(Duration::from_secs(20));
    Ok(())
}

/// Answers each connection from a task of its own.
async fn serve(listener: TcpListener) {
    while let Ok((mut socket, _)) = listener.accept().await {
        dial9::spawn(async move {
            let mut number = [0; 4];
            if socket.read_exact(&mut number).await.is_ok() {
                let sum = sum(u32::from_le_bytes(number)).await;
                let _ = socket.write_all(&sum.to_le_bytes()).await;
            }
        });
    }
}

/// Keeps its thread busy for a while, twice.
async fn sum(number: u32) -> u64 {
    let _busy = info_span!("sum", number).entered();
    let part = || {
        let table: Vec<u64> = (0..100_000u64).map(|i| i * u64::from(number)).collect();
        table.iter().fold(0, |sum: u64, i| sum ^ i.wrapping_mul(31))
    };
    part() ^ part()
}

async fn ask(address: std::net::SocketAddr, number: u32) {
    let begun = std::time::Instant::now();
    let answer = async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(&number.to_le_bytes()).await?;
        socket.read_u64_le().await
    };
    let answer = answer.instrument(info_span!("answer")).await;
    dial9::record_event(RequestDone {
        timestamp_ns: clock_monotonic_ns(),
        latency: begun.elapsed().as_micros() as u64,
        size: 8,
        ok: answer.is_ok(),
        load: f64::from(number) / f64::from(REQUESTS),
        route: "/sum".to_owned(),
        error: answer.err().map(|error| error.to_string()),
    });
    if let Some(task) = tokio::task::try_id() {
        dial9::record_event(Handover {
            timestamp_ns: clock_monotonic_ns(),
            task_id: task.to_string().parse().unwrap_or(0),
            rank: i64::from(number),
        });
    }
    sleep(Duration::from_millis(2)).await;
}
