//! What a lane does at an instant, and the events before and after it.

use crate::recording::{LaneIx, Ns, ParkIx, PollIx, Recording};

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
}

impl Event {
    /// When it begins.
    pub(super) fn at(self, recording: &Recording) -> Ns {
        match self {
            Self::Poll(poll) => recording.poll_start(poll),
            Self::Park(park) => recording.park(park).start,
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
) -> Option<Event> {
    let start = |event: &Event| event.at(recording);
    if next {
        let poll = polls.partition_point(|poll| recording.poll_start(*poll) <= at);
        let park = parks.partition_point(|park| recording.park(*park).start <= at);
        let poll = polls.get(poll).copied().map(Event::Poll);
        let park = parks.get(park).copied().map(Event::Park);
        [poll, park].into_iter().flatten().min_by_key(start)
    } else {
        let poll = polls.partition_point(|poll| recording.poll_start(*poll) < at);
        let park = parks.partition_point(|park| recording.park(*park).start < at);
        let poll = poll.checked_sub(1).map(|last| Event::Poll(polls[last]));
        let park = park.checked_sub(1).map(|last| Event::Park(parks[last]));
        [park, poll].into_iter().flatten().max_by_key(start)
    }
}

/// What begins on `lane` about `at`: up to `before` events that begin by then, and up to `after` later ones, ascending;
/// and how many of them are the former.
pub(super) fn about(
    recording: &Recording,
    lane: LaneIx,
    at: Ns,
    before: usize,
    after: usize,
) -> (Vec<Event>, usize) {
    let (polls, parks) = (recording.polls_on(lane), recording.parks_on(lane));
    let poll = polls.partition_point(|poll| recording.poll_start(*poll) <= at);
    let park = parks.partition_point(|park| recording.park(*park).start <= at);
    let merged = |polls: &[PollIx], parks: &[ParkIx]| {
        let polls = polls.iter().copied().map(Event::Poll);
        let mut events: Vec<Event> = polls
            .chain(parks.iter().copied().map(Event::Park))
            .collect();
        events.sort_by_key(|event| event.at(recording));
        events
    };
    let mut events = merged(
        &polls[poll.saturating_sub(before)..poll],
        &parks[park.saturating_sub(before)..park],
    );
    events.drain(..events.len().saturating_sub(before));
    let earlier = events.len();
    let mut later = merged(
        &polls[poll..polls.len().min(poll + after)],
        &parks[park..parks.len().min(park + after)],
    );
    later.truncate(after);
    events.append(&mut later);
    (events, earlier)
}
