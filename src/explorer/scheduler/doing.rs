//! What a lane does at an instant, and the events before and after it.

use crate::{
    explorer::steps::{Moment, What},
    recording::{CustomIx, EntryIx, LaneIx, Ns, ParkIx, PollIx, Recording},
};

/// How many rows back an outer poll is looked for: nested polls are few.
const NESTED: usize = 64;

/// What a lane does at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It is inside this poll, the innermost if they are nested.
    Polls(PollIx),
    /// It is parked.
    Parked(ParkIx),
    /// Neither of them: it looks for work, asks the driver, or nothing is known.
    Nothing,
}

/// Something that begins on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Poll(PollIx),
    Park(ParkIx),
    /// Something that the code said of itself.
    Custom(CustomIx),
    /// A span is entered.
    Enters(EntryIx),
}

impl Event {
    /// When it begins.
    pub(super) fn at(self, recording: &Recording) -> Ns {
        match self {
            Self::Poll(poll) => recording.poll_start(poll),
            Self::Park(park) => recording.park(park).start,
            Self::Custom(custom) => recording.custom(custom).at,
            Self::Enters(entry) => recording.entry(entry).begin,
        }
    }
}

/// What `lane` does at `at`.
pub(super) fn doing(recording: &Recording, lane: LaneIx, at: Ns) -> Doing {
    if let Some(poll) = poll_at(recording, lane, at) {
        return Doing::Polls(poll);
    }
    match recording.park_on(lane, at) {
        Some(park) => Doing::Parked(park),
        None => match recording.parks_on(lane).last() {
            Some(last) if recording.park(*last).open && recording.park(*last).start <= at => {
                Doing::Parked(*last)
            }
            _ => Doing::Nothing,
        },
    }
}

/// The poll that goes on at `at` on `lane`, the innermost if they are nested.
pub(super) fn poll_at(recording: &Recording, lane: LaneIx, at: Ns) -> Option<PollIx> {
    // One that ends in this very instant does not go on, but one around it may.
    let goes_on = |poll: &PollIx| recording.poll(*poll).covers(at);
    let innermost = recording.poll_on(lane, at)?;
    if goes_on(&innermost) {
        return Some(innermost);
    }
    let polls = recording.polls_on(lane);
    let begun = polls.partition_point(|poll| recording.poll_start(*poll) <= at);
    polls[..begun]
        .iter()
        .rev()
        .take(NESTED)
        .copied()
        .find(goes_on)
}

/// The first of a lane's `polls` and `parks` that begins after `at`, or the last one that begins before it.
pub(super) fn step(
    recording: &Recording,
    polls: &[PollIx],
    parks: &[ParkIx],
    at: Ns,
    next: bool,
) -> Option<Moment> {
    let poll_start = |poll: &PollIx| recording.poll_start(*poll);
    let park_start = |park: &ParkIx| recording.park(*park).start;
    let (poll, park) = if next {
        let poll = polls.partition_point(|poll| poll_start(poll) <= at);
        let park = parks.partition_point(|park| park_start(park) <= at);
        (polls.get(poll), parks.get(park))
    } else {
        let poll = polls.partition_point(|poll| poll_start(poll) < at);
        let park = parks.partition_point(|park| park_start(park) < at);
        (polls[..poll].last(), parks[..park].last())
    };
    let poll = poll.map(|poll| Moment {
        at: poll_start(poll),
        what: What::Poll(*poll),
    });
    let park = park.map(|park| Moment {
        at: park_start(park),
        what: What::Park(*park),
    });
    let both = [park, poll].into_iter().flatten();
    if next {
        both.min_by_key(|moment| moment.at)
    } else {
        both.max_by_key(|moment| moment.at)
    }
}

/// Custom events before and after an instant that are looked at for those of one lane.
const CUSTOMS: usize = 256;

/// What begins on `lane` about `at`: up to `before` events that begin by then, and up to `after` later ones, ascending;
/// and how many of them are the former.
pub(super) fn about(
    recording: &Recording,
    lane: LaneIx,
    at: Ns,
    before: usize,
    after: usize,
) -> (Vec<Event>, usize) {
    let (mut earlier, mut later) = (Vec::new(), Vec::new());
    {
        let mut take = |rows: &mut dyn FnMut(bool, usize) -> Vec<Event>| {
            earlier.extend(rows(false, before));
            later.extend(rows(true, after));
        };
        let polls = recording.polls_on(lane);
        let poll = polls.partition_point(|poll| recording.poll_start(*poll) <= at);
        take(&mut |next, most| side(polls, poll, next, most, Event::Poll));
        let parks = recording.parks_on(lane);
        let park = parks.partition_point(|park| recording.park(*park).start <= at);
        take(&mut |next, most| side(parks, park, next, most, Event::Park));
        let entries = recording.entries_on(lane);
        let entry = entries.partition_point(|entry| recording.entry(*entry).begin <= at);
        take(&mut |next, most| side(entries, entry, next, most, Event::Enters));
        let custom = recording.customs_from(at.saturating_add(1)).index();
        take(&mut |next, most| {
            let rows = if next {
                custom..recording.custom_count().min(custom + CUSTOMS)
            } else {
                custom.saturating_sub(CUSTOMS)..custom
            };
            let mut rows: Vec<CustomIx> = rows
                .map(CustomIx::new)
                .filter(|custom| recording.custom(*custom).lane == Some(lane))
                .collect();
            let first = if next { 0 } else { rows.len() };
            rows = side(&rows, first, next, most, |custom| custom);
            rows.into_iter().map(Event::Custom).collect()
        });
    }
    for events in [&mut earlier, &mut later] {
        events.sort_by_key(|event| event.at(recording));
    }
    earlier.drain(..earlier.len().saturating_sub(before));
    later.truncate(after);
    let count = earlier.len();
    earlier.append(&mut later);
    (earlier, count)
}

/// Up to `most` of `rows` right behind `place`, or right before it.
fn side<R: Copy, E>(
    rows: &[R],
    place: usize,
    next: bool,
    most: usize,
    event: impl Fn(R) -> E,
) -> Vec<E> {
    let rows = if next {
        &rows[place..rows.len().min(place.saturating_add(most))]
    } else {
        &rows[place.saturating_sub(most)..place]
    };
    rows.iter().copied().map(event).collect()
}
