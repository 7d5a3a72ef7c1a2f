//! Loading in a thread of its own: the screen is up, and can be left, before the recording is there.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc::Sender},
    thread,
};

use super::{app::Loading, facts::Opened, input::Input};
use crate::{
    analysis::Thresholds,
    open::{self, OpenError, Progress, Request, Stage},
};

/// How a load ended.
#[derive(Debug)]
pub(super) enum Loaded {
    /// There it is, with everything computed.
    Opened(Arc<Opened>),
    /// There is nothing to show.
    Failed(OpenError),
    /// The loader panicked; the panic's message is on its way to the standard error.
    Panicked,
}

/// A load that goes on. Dropping it stops it.
#[derive(Debug)]
pub(super) struct Loader {
    progress: Arc<Progress>,
}

impl Loader {
    /// Starts loading; the result comes through `inputs`.
    pub(super) fn start(
        request: Request,
        thresholds: Thresholds,
        inputs: Sender<Input>,
    ) -> io::Result<Self> {
        let progress = Arc::new(Progress::default());
        let loader = Self {
            progress: Arc::clone(&progress),
        };
        thread::Builder::new()
            .name("loader".to_owned())
            .spawn(move || {
                let load = || {
                    open::open(&request, &progress)
                        .map(|recording| Opened::new(recording, &thresholds))
                };
                let loaded = match catch_unwind(AssertUnwindSafe(load)) {
                    Ok(Ok(opened)) => Loaded::Opened(Arc::new(opened)),
                    Ok(Err(error)) => Loaded::Failed(error),
                    Err(_) => Loaded::Panicked,
                };
                // Nobody listens any more once the explorer was left.
                let _ = inputs.send(Input::Loaded(Box::new(loaded)));
            })?;
        Ok(loader)
    }

    /// How far it is.
    pub(super) fn state(&self) -> Loading {
        let thousandths = (self.progress.fraction() * 1_000.0).clamp(0.0, 1_000.0);
        Loading {
            done: Some(thousandths as u64),
            events: self.progress.events(),
            indexing: matches!(self.progress.stage(), Stage::Indexing | Stage::Done),
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.progress.cancel();
    }
}
