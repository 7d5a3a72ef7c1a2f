//! The load: clients on threads and sockets of their own, with a clock and a record of their own.

use std::cmp::Reverse;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::{Duration, Instant, SystemTime};

use crate::facts::Answer;

/// Clients of the ordinary routes.
const CLIENTS: u64 = 6;
/// What a client does between an answer and its next request.
const PAUSE: Duration = Duration::from_millis(4);
/// How many of the latest answers are told one by one.
const LATEST: usize = 64;
/// After this long a client gives the service up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients at work.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    ordinary: Vec<JoinHandle<io::Result<Vec<Answer>>>>,
    reports: Vec<JoinHandle<io::Result<()>>>,
}

/// What the clients of the ordinary routes saw.
pub(super) struct Record {
    /// How many requests were answered.
    pub(super) requests: u64,
    /// The middle of all latencies.
    pub(super) median: Duration,
    /// The greatest of them.
    pub(super) max: Duration,
    /// The answers that took longest, the longest first.
    pub(super) latest: Vec<Answer>,
}

impl Load {
    /// Sends the clients off, `reports` of them to wait for a report each.
    pub(super) fn start(service: SocketAddr, reports: usize) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let reports = (0..reports)
            .map(|_| {
                thread("report-client", move || {
                    Connection::open(service)?.get("/report")
                })
            })
            .collect::<io::Result<_>>()?;
        let ordinary = (0..CLIENTS)
            .map(|number| {
                let stop = Arc::clone(&stop);
                thread("client", move || ask_until(service, number, &stop))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            stop,
            ordinary,
            reports,
        })
    }

    /// Calls the clients back and adds up what they saw.
    pub(super) fn stop(self) -> io::Result<Record> {
        self.stop.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        for client in self.ordinary {
            answers.append(&mut joined(client)?);
        }
        for client in self.reports {
            joined(client)?;
        }
        answers.sort_unstable_by_key(|answer| Reverse(answer.took));
        let took = |number: usize| answers.get(number).map(|answer| answer.took);
        let record = Record {
            requests: answers.len() as u64,
            median: took(answers.len() / 2).unwrap_or_default(),
            max: took(0).unwrap_or_default(),
            latest: answers.into_iter().take(LATEST).collect(),
        };
        Ok(record)
    }
}

fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.to_owned()).spawn(work)
}

fn joined<T>(client: JoinHandle<io::Result<T>>) -> io::Result<T> {
    client
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
}

/// One client: asks for orders and prices in turn, and notes how long each answer took.
fn ask_until(service: SocketAddr, client: u64, stop: &AtomicBool) -> io::Result<Vec<Answer>> {
    let mut connection = Connection::open(service)?;
    let mut answers = Vec::new();
    let mut number = client;
    while !stop.load(Ordering::Relaxed) {
        let path = if number.is_multiple_of(3) {
            format!("/prices/{number}")
        } else {
            format!("/orders/{number}")
        };
        let asked = SystemTime::now();
        let begin = Instant::now();
        connection.get(&path)?;
        answers.push(Answer {
            asked,
            took: begin.elapsed(),
        });
        number += CLIENTS + 1;
        sleep(PAUSE);
    }
    Ok(answers)
}

/// A kept-alive HTTP/1.1 connection, as much of one as the service needs.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(service: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(service)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks for `path` and takes the answer in.
    fn get(&mut self, path: &str) -> io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        if !self.line()?.starts_with("HTTP/1.1 200") {
            return Err(io::Error::other("the service did not answer 200"));
        }
        let mut length = 0;
        loop {
            let header = self.line()?;
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        io::copy(&mut self.0.by_ref().take(length), &mut io::sink())?;
        Ok(())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
