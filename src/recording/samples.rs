//! What was seen of the code itself: samples with their stacks, await sites, allocations.

use super::{
    Frame, FrameIx, LaneIx, Ns, PollIx, Recording, SampleIx, SiteIx, StackIx, TaskIx, ThreadIx,
};

/// Why a sample was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleKind {
    /// The thread was running: the profiler's clock ticked.
    OnCpu,
    /// The operating system took the thread off its core.
    OffCpu,
}

/// What a thread was executing at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Ns,
    /// Why it was taken.
    pub kind: SampleKind,
    /// Its stack.
    pub stack: StackIx,
    /// The poll that it fell into.
    pub poll: Option<PollIx>,
    /// The task of that poll.
    pub task: Option<TaskIx>,
    /// The thread, where it is known.
    pub thread: Option<ThreadIx>,
    /// The lane of that thread.
    pub lane: Option<LaneIx>,
}

/// Where in the code a task was suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwaitSite {
    /// The task.
    pub task: TaskIx,
    /// When it was seen there.
    pub at: Ns,
    /// The async backtrace, leaf last.
    pub stack: StackIx,
}

/// Sampled allocations: how many there were, and of how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Allocations that were sampled.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of the sampled allocations, those that were freed again.
    pub freed: u64,
    /// Their bytes.
    pub freed_bytes: u64,
}

impl Allocations {
    pub(crate) fn add(&mut self, bytes: u64, freed: bool) {
        let (count, sum) = if freed {
            (&mut self.freed, &mut self.freed_bytes)
        } else {
            (&mut self.count, &mut self.bytes)
        };
        *count += 1;
        *sum = sum.saturating_add(bytes);
    }
}

/// A sample as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptSample {
    pub(crate) at: Ns,
    pub(crate) stack: StackIx,
    /// The poll, or [`u32::MAX`].
    pub(crate) poll: u32,
    pub(crate) seat: u16,
    pub(crate) kind: SampleKind,
}

impl Recording {
    /// How many samples there are.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.extra.samples.len()
    }

    /// A sample. Samples are numbered by time.
    #[must_use]
    pub fn sample(&self, sample: SampleIx) -> Sample {
        let kept = &self.extra.samples[sample.index()];
        let seat = self.seats.get(usize::from(kept.seat));
        let poll = (kept.poll != u32::MAX).then(|| PollIx::new(kept.poll as usize));
        Sample {
            at: kept.at,
            kind: kept.kind,
            stack: kept.stack,
            poll,
            task: poll.map(|poll| self.polls.task[poll.index()]),
            thread: seat.map(|seat| seat.thread),
            lane: seat.and_then(|seat| seat.lane()),
        }
    }

    /// The number of the first sample of all at or after `at`.
    #[must_use]
    pub fn samples_from(&self, at: Ns) -> SampleIx {
        SampleIx::new(self.extra.samples.partition_point(|sample| sample.at < at))
    }

    /// The samples that fell into a poll, ascending by time.
    #[must_use]
    pub fn samples_in(&self, poll: PollIx) -> &[SampleIx] {
        let by_poll = &self.extra.samples_by_poll;
        let poll_of = |sample: &SampleIx| self.extra.samples[sample.index()].poll;
        let from = by_poll.partition_point(|sample| poll_of(sample) < poll.raw());
        let rest = &by_poll[from..];
        let len = rest.partition_point(|sample| poll_of(sample) == poll.raw());
        &rest[..len]
    }

    /// The samples that fell into polls of a task, ascending by time.
    #[must_use]
    pub fn samples_of(&self, task: TaskIx) -> &[SampleIx] {
        self.extra.samples_by_task.of(task.index())
    }

    /// The frames of a stack from the outermost to the leaf: leaf last.
    #[must_use]
    pub fn stack(&self, stack: StackIx) -> &[FrameIx] {
        self.extra.stacks.get(stack)
    }

    /// How many different stacks there are.
    #[must_use]
    pub fn stack_count(&self) -> usize {
        self.extra.stacks.len()
    }

    /// A frame.
    #[must_use]
    pub fn frame(&self, frame: FrameIx) -> Frame {
        self.extra.stacks.frame(frame)
    }

    /// How many different frames there are.
    #[must_use]
    pub fn frame_count(&self) -> usize {
        self.extra.stacks.frame_count()
    }

    /// How many await sites were seen.
    #[must_use]
    pub fn await_site_count(&self) -> usize {
        self.extra.sites.len()
    }

    /// What was seen of a task's suspension.
    #[must_use]
    pub fn await_site(&self, site: SiteIx) -> AwaitSite {
        self.extra.sites[site.index()]
    }

    /// Where a task was seen suspended, ascending by time.
    #[must_use]
    pub fn await_sites_of(&self, task: TaskIx) -> &[SiteIx] {
        self.extra.sites_by_task.of(task.index())
    }

    /// The latest await site of a task that was seen by `at`; it may be out of date: see [`Recording::site_holds`].
    #[must_use]
    pub fn await_site_at(&self, task: TaskIx, at: Ns) -> Option<SiteIx> {
        let sites = self.await_sites_of(task);
        let after = sites.partition_point(|site| self.extra.sites[site.index()].at <= at);
        after.checked_sub(1).map(|place| sites[place])
    }

    /// Whether the task of an await site was still suspended there at `at`: no poll of it has started since it was seen.
    #[must_use]
    pub fn site_holds(&self, site: SiteIx, at: Ns) -> bool {
        let site = self.await_site(site);
        let last = self.last_poll_before(site.task, at);
        last.is_none_or(|poll| self.poll_start(poll) <= site.at)
    }

    /// The sampled allocations of everyone.
    #[must_use]
    pub fn allocations(&self) -> Allocations {
        self.extra.allocations
    }

    /// The sampled allocations in the polls of a task.
    #[must_use]
    pub fn allocations_of(&self, task: TaskIx) -> Allocations {
        self.extra
            .allocations_by_task
            .get(&task)
            .copied()
            .unwrap_or_default()
    }
}
