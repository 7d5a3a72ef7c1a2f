//! Sentences about what the code said of itself: spans, custom events, await sites.

use super::text::plural;
use crate::{
    analysis::stacks,
    recording::{
        CustomIx, Field, PollIx, Recording, SiteIx, SpanIx, StackIx,
        time::{duration, instant},
    },
};

/// The most frames of an await site that fit below a list.
const MOST_FRAMES: usize = 3;

fn fields(recording: &Recording, fields: &[Field]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| field.text(recording)).collect();
    fields.join(" ")
}

fn joined(name: &str, fields: &str) -> String {
    match (name, fields) {
        (name, "") => name.to_owned(),
        (name, fields) => format!("{name} {fields}"),
    }
}

/// `request path="/a"`.
pub(super) fn named(recording: &Recording, span: SpanIx) -> String {
    let name = recording.str(recording.span(span).name);
    joined(name, &fields(recording, recording.fields_of_span(span)))
}

/// `request after 12.5 ms`.
pub(super) fn closed(recording: &Recording, span: SpanIx) -> String {
    let row = recording.span(span);
    let name = recording.str(row.name);
    row.closed.map_or_else(
        || name.to_owned(),
        |closed| {
            format!(
                "{name} after {}",
                duration(closed.saturating_sub(row.opened))
            )
        },
    )
}

/// A line about a span, further to the right the more spans it lies in.
pub(super) fn indented(recording: &Recording, span: SpanIx, text: &str) -> String {
    /// Beyond this, only the nesting would be seen.
    const DEEPEST: usize = 8;
    let depth = usize::from(recording.span(span).depth).min(DEEPEST);
    "  ".repeat(depth) + text
}

/// How many samples fell into a poll, and where most of them were.
pub(super) fn sampled(recording: &Recording, poll: PollIx) -> Option<String> {
    let samples = recording.samples_in(poll);
    let folded = stacks::fold(recording, samples.iter().copied(), None);
    let heaviest = folded.frames.first()?;
    Some(format!(
        "{} of its {} in {}",
        heaviest.leaf,
        plural(folded.samples as u64, "sample"),
        stacks::frame(recording, heaviest.frame)
    ))
}

/// From when to when, how often it was entered, and inside what.
pub(super) fn span_in_full(recording: &Recording, span: SpanIx) -> Vec<String> {
    let row = recording.span(span);
    let end = row.closed.map_or_else(
        || "and still open at the end".to_owned(),
        |closed| {
            format!(
                "to {}, {}",
                instant(closed),
                duration(closed.saturating_sub(row.opened))
            )
        },
    );
    let entries = recording.entries_of(span).len();
    let times = if entries == 1 { "once" } else { "times" };
    let entered = if entries == 1 {
        times.to_owned()
    } else {
        format!("{entries} {times}")
    };
    let inside = row.parent.map_or_else(String::new, |parent| {
        format!(", inside {}", recording.str(recording.span(parent).name))
    });
    vec![
        format!(
            "span {} from {} {end}",
            named(recording, span),
            instant(row.opened)
        ),
        format!("entered {entered}{inside}"),
    ]
}

/// `order_rejected reason="late"`.
pub(super) fn custom(recording: &Recording, custom: CustomIx) -> String {
    let name = recording.str(recording.custom(custom).name);
    joined(name, &fields(recording, recording.fields_of_custom(custom)))
}

/// The event with all its fields.
pub(super) fn custom_in_full(recording: &Recording, of: CustomIx) -> Vec<String> {
    let at = instant(recording.custom(of).at);
    vec![format!("{} at {at}", custom(recording, of))]
}

/// Where the stack ends.
pub(super) fn leaf(recording: &Recording, stack: StackIx) -> String {
    stacks::leaf(recording, stack).unwrap_or_else(|| "at a place that is not known".to_owned())
}

/// The async backtrace from the leaf on.
pub(super) fn site_in_full(recording: &Recording, site: SiteIx) -> Vec<String> {
    let site = recording.await_site(site);
    let mut lines = vec![format!(
        "suspended at {}, seen at {}",
        leaf(recording, site.stack),
        instant(site.at)
    )];
    let outer = recording.stack(site.stack).iter().rev().skip(1);
    lines.extend(
        outer
            .take(MOST_FRAMES - 1)
            .map(|frame| format!("in {}", stacks::frame(recording, *frame))),
    );
    lines
}
