//! Where in the code a task was suspended, in words that a person of the service understands: what was awaited, and
//! in which function of theirs.

use super::stacks;
use crate::recording::{FrameIx, Recording, StackIx};

/// A place in the code where tasks are suspended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site {
    /// What is awaited there: the type of a future, or a function.
    pub what: String,
    /// `file:line` of the code that awaits it, or the name of its function; empty where neither is known.
    pub place: String,
}

/// Crates whose frames are the way from an executor to a future, or from a future to the driver, and nobody's own code.
const PLUMBING: &[&str] = &[
    "tokio::",
    "core::",
    "std::",
    "alloc::",
    "tracing::",
    "futures",
    "dial9_",
];

/// The site that `stack`, leaf last, was taken at; `None` of an empty one.
#[must_use]
pub fn site(recording: &Recording, stack: StackIx) -> Option<Site> {
    let frames = recording.stack(stack);
    let leaf = *frames.last()?;
    let own = frames.iter().rposition(|frame| is_own(recording, *frame));
    // What the own code awaits is the frame right below it, but for what only wraps a future.
    let below = own.and_then(|own| {
        let mut below = frames[own + 1..].iter().copied();
        below.find(|frame| !is_wrapper(recording, *frame))
    });
    let what = short(&stacks::function(recording, below.unwrap_or(leaf)));
    let place = own.map(|own| {
        let frame = frames[own];
        let place = stacks::place(recording, frame);
        if place.is_empty() {
            plain(&stacks::function(recording, frame))
        } else {
            place
        }
    });
    Some(Site {
        what,
        place: place.unwrap_or_else(|| stacks::place(recording, leaf)),
    })
}

fn is_own(recording: &Recording, frame: FrameIx) -> bool {
    let name = stacks::function(recording, frame);
    let name = name.trim_start_matches(['<', '&']);
    // Of an address without a symbol nobody knows whose it is.
    !name.starts_with("0x") && !PLUMBING.iter().any(|of| name.starts_with(of))
}

fn is_wrapper(recording: &Recording, frame: FrameIx) -> bool {
    let name = stacks::function(recording, frame);
    name.starts_with("<tracing::instrument::") || name.starts_with("<core::pin::")
}

/// `<tokio::time::sleep::Sleep as core::future::Future>::poll` is `Sleep`, `a::b::C::d` is `C::d`.
fn short(function: &str) -> String {
    let plain = plain(function);
    let segments: Vec<&str> = plain.split("::").collect();
    let is_type = function.starts_with('<');
    let kept = if is_type { 1 } else { 2 };
    segments[segments.len().saturating_sub(kept)..].join("::")
}

/// A function's path without generics, closures and the trait that it belongs to.
fn plain(function: &str) -> String {
    let inner = match function.strip_prefix('<') {
        // The type in `<type as trait>::method`.
        Some(rest) => rest.split(" as ").next().unwrap_or(rest),
        None => function,
    };
    let mut plain = String::new();
    let mut depth = 0_usize;
    for c in inner.chars() {
        match c {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    let segments = plain
        .split("::")
        .filter(|part| !part.is_empty() && *part != "{{closure}}");
    segments.collect::<Vec<_>>().join("::")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{
        Outcome, SiteIx, SymbolFacts,
        testing::{batch, builder},
    };

    #[test]
    fn paths_are_cut_to_what_tells() {
        for (function, cut) in [
            (
                "<tokio::time::sleep::Sleep as core::future::future::Future>::poll",
                "Sleep",
            ),
            (
                "<tokio::io::util::read_int::ReadU64Le<R> as core::future::future::Future>::poll",
                "ReadU64Le",
            ),
            (
                "tokio::runtime::io::registration::Registration::poll_ready",
                "Registration::poll_ready",
            ),
            ("service::flush::{{closure}}", "service::flush"),
            ("main", "main"),
            ("", ""),
            ("<", ""),
            ("<<a>", ""),
        ] {
            assert_eq!(short(function), cut, "{function}");
        }
    }

    #[test]
    fn the_own_function_and_what_it_awaits_are_told() {
        let mut builder = builder(100);
        for (address, name, file, line) in [
            (
                1,
                "<dial9_tokio_telemetry::traced::TracedFuture<F> as core::future::future::Future>::poll",
                "",
                0,
            ),
            (
                2,
                "service::flush::{{closure}}::h0123456789abcdef",
                "src/flush.rs",
                12,
            ),
            (
                3,
                "<tracing::instrument::Instrumented<T> as core::future::future::Future>::poll",
                "",
                0,
            ),
            (
                4,
                "<tokio::sync::notify::Notified as core::future::future::Future>::poll",
                "",
                0,
            ),
            (5, "tokio::runtime::coop::poll_proceed", "", 0),
            (6, "service::audit::{{closure}}", "", 0),
        ] {
            let [name, file] = [name, file].map(|text| builder.intern(text));
            builder.symbol(SymbolFacts {
                address,
                inline_depth: 0,
                name,
                file,
                line,
            });
        }
        let mut w0 = batch(0);
        w0.poll(1, 10, 20, Outcome::Pending);
        // Leaf first, as traces write them.
        w0.await_site(1, 21, &[5, 4, 3, 2, 1]);
        w0.await_site(1, 22, &[4, 6, 1]);
        w0.await_site(1, 23, &[4, 3, 1]);
        w0.await_site(1, 24, &[99]);
        builder.batch(w0);
        let recording = builder.finish();
        let told: Vec<(String, String)> = (0..recording.await_site_count())
            .map(|number| {
                let stack = recording.await_site(SiteIx::new(number)).stack;
                let site = site(&recording, stack).unwrap();
                (site.what, site.place)
            })
            .collect();
        let expected = [
            ("Notified", "src/flush.rs:12"),
            ("Notified", "service::audit"),
            ("Notified", ""),
            ("0x63", ""),
        ];
        assert_eq!(
            told,
            expected.map(|(what, place)| (what.to_owned(), place.to_owned()))
        );
    }
}
