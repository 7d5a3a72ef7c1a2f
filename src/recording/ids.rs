//! Typed row numbers, so that a poll's number never ends up where a task's belongs.

macro_rules! row_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(transparent)]
        pub struct $name(u32);

        impl $name {
            /// The row number `index`; recordings hold fewer than `u32::MAX` rows of a kind.
            #[must_use]
            pub const fn new(index: usize) -> Self {
                Self(if index < u32::MAX as usize { index as u32 } else { u32::MAX })
            }

            /// The number as an index.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The number as it is stored.
            #[must_use]
            pub fn raw(self) -> u32 {
                self.0
            }
        }
    };
}

row_number!(
    /// A task of a recording: dense, in the order in which the reader met them.
    TaskIx
);
row_number!(
    /// A poll; ascending by start.
    PollIx
);
row_number!(
    /// A wake; ascending by time.
    WakeIx
);
row_number!(
    /// A marked wait; ascending by begin.
    WaitIx
);
row_number!(
    /// A worker's park; ascending by start.
    ParkIx
);
row_number!(
    /// A thread that the recording names.
    ThreadIx
);
row_number!(
    /// A lane of the timeline: a worker, or a thread that polled without being one.
    LaneIx
);
row_number!(
    /// A runtime.
    RuntimeIx
);
row_number!(
    /// A custom event; ascending by time.
    CustomIx
);
row_number!(
    /// A span; ascending by opening.
    SpanIx
);
row_number!(
    /// An interval in which a span was entered; ascending by begin.
    EntryIx
);
row_number!(
    /// A sample; ascending by time.
    SampleIx
);
row_number!(
    /// An await site; ascending by time.
    SiteIx
);
row_number!(
    /// A stack.
    StackIx
);
row_number!(
    /// A frame.
    FrameIx
);
row_number!(
    /// A series.
    SeriesIx
);
