//! Whether somebody still wants the recording that is being made.

/// Says whether to stop; asked now and then from any thread.
#[derive(Clone, Copy)]
pub(crate) struct Stop<'a>(&'a (dyn Fn() -> bool + Sync));

impl<'a> Stop<'a> {
    /// Goes on to the end.
    pub(crate) const NEVER: Stop<'static> = Stop(&|| false);

    pub(crate) fn when(over: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self(over)
    }

    /// `None` when it is over.
    pub(crate) fn check(self) -> Option<()> {
        (!(self.0)()).then_some(())
    }

    /// For loops that must not ask at every step.
    pub(crate) fn pace(self) -> Pace<'a> {
        Pace {
            stop: self,
            steps: 0,
        }
    }
}

/// See [`Stop::pace`].
pub(crate) struct Pace<'a> {
    stop: Stop<'a>,
    steps: u32,
}

impl Pace<'_> {
    /// Whether to break off; asks once in 65,536 steps.
    #[inline]
    pub(crate) fn is_over(&mut self) -> bool {
        self.steps = self.steps.wrapping_add(1);
        self.steps & 0xffff == 0 && self.stop.check().is_none()
    }
}
