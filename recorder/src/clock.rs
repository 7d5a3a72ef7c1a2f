//! The clock: ticks that are cheap to read, and the anchors that turn them into nanoseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use dial9_format::ClockSource;

/// Anchors kept before the older half is thinned out.
const MAX_ANCHORS: usize = 1024;

/// Reads ticks: the time stamp counter where it is invariant, else monotonic nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    source: ClockSource,
}

impl Clock {
    /// Chooses the cheapest source that can be trusted on this machine.
    pub(crate) fn detect() -> Self {
        let source = if tsc_is_trusted() {
            ClockSource::Tsc
        } else {
            ClockSource::Monotonic
        };
        Self { source }
    }

    /// A clock that reads `CLOCK_MONOTONIC`, for machines without an invariant counter.
    #[cfg(test)]
    pub(crate) fn monotonic() -> Self {
        Self {
            source: ClockSource::Monotonic,
        }
    }

    pub(crate) fn source(self) -> ClockSource {
        self.source
    }

    /// The present instant in ticks.
    #[inline(always)]
    pub(crate) fn ticks(self) -> u64 {
        match self.source {
            ClockSource::Tsc => read_tsc(),
            ClockSource::Monotonic => monotonic_ns(),
        }
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    #[cfg(unix)]
    {
        let Ok(now) = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC) else {
            return 0;
        };
        let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
        seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos)
    }
    #[cfg(not(unix))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        u64::try_from(
            START
                .get_or_init(std::time::Instant::now)
                .elapsed()
                .as_nanos(),
        )
        .unwrap_or(u64::MAX)
    }
}

/// The wall clock, nanoseconds since the Unix epoch.
pub(crate) fn wall_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn read_tsc() -> u64 {
    // SAFETY: RDTSC exists on every x86_64 processor and touches no memory. A kernel that forbids it
    // to user code (PR_SET_TSC) is ruled out by `tsc_is_trusted`, which asks for a TSC clock source.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn read_tsc() -> u64 {
    monotonic_ns()
}

/// Whether the counter runs at one rate on all cores, and the kernel itself keeps time by it: the
/// kernel watches the counter against other clocks and drops it as a clock source when it drifts.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn tsc_is_trusted() -> bool {
    #[allow(unused_unsafe)]
    // SAFETY: CPUID exists on every x86_64 processor.
    let invariant = unsafe {
        let highest = core::arch::x86_64::__cpuid(0x8000_0000).eax;
        highest >= 0x8000_0007 && core::arch::x86_64::__cpuid(0x8000_0007).edx & (1 << 8) != 0
    };
    invariant
        && std::fs::read_to_string(
            "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        )
        .is_ok_and(|source| {
            matches!(
                source.trim(),
                "tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page"
            )
        })
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn tsc_is_trusted() -> bool {
    false
}

/// The three clocks read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) ticks: u64,
    pub(crate) mono_ns: u64,
    pub(crate) wall_ns: u64,
}

impl Anchor {
    /// Reads the clocks. The tightest of a few attempts is taken, so that being descheduled between
    /// the readings does not bend the time line.
    pub(crate) fn now(clock: Clock) -> Self {
        let attempt = || {
            let before = clock.ticks();
            let mono_ns = monotonic_ns();
            let after = clock.ticks();
            let ticks = match clock.source() {
                ClockSource::Tsc => before + after.saturating_sub(before) / 2,
                ClockSource::Monotonic => mono_ns,
            };
            (
                after.saturating_sub(before),
                Self {
                    ticks,
                    mono_ns,
                    wall_ns: wall_ns(),
                },
            )
        };
        let mut best = attempt();
        for _ in 0..4 {
            let next = attempt();
            if next.0 < best.0 {
                best = next;
            }
        }
        best.1
    }
}

/// The anchors taken so far, and the piecewise linear map through them.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    anchors: Vec<Anchor>,
}

impl Timeline {
    pub(crate) fn starting_at(anchor: Anchor) -> Self {
        let mut anchors = Vec::with_capacity(MAX_ANCHORS);
        anchors.push(anchor);
        Self { anchors }
    }

    /// Appends an anchor; one that would run backwards is ignored.
    pub(crate) fn push(&mut self, anchor: Anchor) {
        let last = self.anchors[self.anchors.len() - 1];
        if anchor.ticks <= last.ticks || anchor.mono_ns <= last.mono_ns {
            return;
        }
        if self.anchors.len() == MAX_ANCHORS {
            // The older half keeps every second anchor: precision fades with age, the span does not.
            let mut index = 0;
            self.anchors.retain(|_| {
                index += 1;
                index == 1 || index > MAX_ANCHORS / 2 || index % 2 == 1
            });
        }
        self.anchors.push(anchor);
    }

    pub(crate) fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Monotonic nanoseconds since the first anchor at which the counter stood at `ticks`; instants
    /// before the first anchor are 0.
    pub(crate) fn ns(&self, ticks: u64) -> u64 {
        let first = self.anchors[0];
        if self.anchors.len() == 1 {
            // Not a second old and never dumped: only possible for a monotonic clock or no event at all.
            return ticks.saturating_sub(first.ticks);
        }
        let segment = self
            .anchors
            .partition_point(|anchor| anchor.ticks <= ticks)
            .clamp(1, self.anchors.len() - 1);
        let (from, to) = (self.anchors[segment - 1], self.anchors[segment]);
        let span_ticks = i128::from(to.ticks - from.ticks);
        let span_ns = i128::from(to.mono_ns - from.mono_ns);
        let offset = i128::from(ticks) - i128::from(from.ticks);
        let ns = i128::from(from.mono_ns - first.mono_ns) + offset * span_ns / span_ticks;
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }

    /// The two anchors' ticks between which `ticks` lies, or the nearest such pair.
    pub(crate) fn segment(&self, ticks: u64) -> (u64, u64) {
        if self.anchors.len() == 1 {
            return (
                self.anchors[0].ticks,
                self.anchors[0].ticks.saturating_add(1),
            );
        }
        let segment = self
            .anchors
            .partition_point(|anchor| anchor.ticks <= ticks)
            .clamp(1, self.anchors.len() - 1);
        (self.anchors[segment - 1].ticks, self.anchors[segment].ticks)
    }

    /// A length of `ticks` in nanoseconds, at the average rate of the whole time line.
    pub(crate) fn duration_ns(&self, ticks: u64) -> u64 {
        let (first, last) = (self.anchors[0], self.anchors[self.anchors.len() - 1]);
        let span_ticks = u128::from(last.ticks - first.ticks);
        if span_ticks == 0 {
            return ticks;
        }
        let ns = u128::from(ticks) * u128::from(last.mono_ns - first.mono_ns) / span_ticks;
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(ticks: u64, mono_ns: u64) -> Anchor {
        Anchor {
            ticks,
            mono_ns,
            wall_ns: 0,
        }
    }

    #[test]
    fn ticks_between_two_anchors_are_interpolated() {
        let mut timeline = Timeline::starting_at(anchor(1_000, 500));
        timeline.push(anchor(3_600, 1_500));
        timeline.push(anchor(6_200, 2_600));
        assert_eq!(timeline.ns(1_000), 0);
        assert_eq!(timeline.ns(2_300), 500);
        assert_eq!(timeline.ns(3_600), 1_000);
        assert_eq!(timeline.ns(4_900), 1_550);
        assert_eq!(
            timeline.ns(8_800),
            3_200,
            "beyond the last anchor its rate goes on"
        );
        assert_eq!(timeline.ns(0), 0);
    }

    #[test]
    fn the_map_is_monotone_and_survives_thinning() {
        let mut timeline = Timeline::starting_at(anchor(0, 0));
        for second in 1..5_000_u64 {
            timeline.push(anchor(
                second * 2_600 + second % 7,
                second * 1_000 + second % 3,
            ));
        }
        assert!(timeline.anchors().len() <= MAX_ANCHORS);
        assert_eq!(timeline.anchors()[0], anchor(0, 0));
        let mut last = 0;
        for ticks in (0..13_000_000_u64).step_by(997) {
            let ns = timeline.ns(ticks);
            assert!(ns >= last);
            last = ns;
        }
    }

    #[test]
    fn the_clock_and_its_fall_back_agree_with_real_time() {
        for clock in [Clock::detect(), Clock::monotonic()] {
            let mut timeline = Timeline::starting_at(Anchor::now(clock));
            let before = clock.ticks();
            std::thread::sleep(std::time::Duration::from_millis(20));
            let after = clock.ticks();
            timeline.push(Anchor::now(clock));
            assert!(timeline.ns(after) - timeline.ns(before) >= 19_900_000);
        }
    }
}
