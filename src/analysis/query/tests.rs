//! What the language means, and what it says to those who get it wrong.

mod few;
mod model;
mod random;
mod slow;

use proptest::prelude::*;

use super::{Completion, Query, Vocabulary};

fn canonical(text: &str) -> String {
    Query::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .to_string()
}

#[test]
fn filters_are_written_in_one_way() {
    for (text, written) in [
        ("", ""),
        ("  ", ""),
        (
            "state=runnable and delay>5ms",
            "state=runnable and delay>5ms",
        ),
        (
            "location~\"db.rs\" or name=flush*",
            "location~db.rs or name=flush*",
        ),
        ("woken_by=42", "woken_by=42"),
        (
            "state = runnable delay > 5 ms",
            "state=runnable and delay>5ms",
        ),
        ("a AND b || c && !d", "a and b or c and not d"),
        ("a and (b or c) and (d)", "a and (b or c) and d"),
        ("not (a or b)", "not (a or b)"),
        ("(a and b) and c", "a and b and c"),
        ("alive !alive", "alive=yes and not alive=yes"),
        ("poll(delay>5ms worker=0)", "poll(delay>5ms and worker=0)"),
        ("poll", "poll"),
        ("name=\"flush*\"", "name=\"flush*\""),
        ("name='it''s'", "name=it and s"),
        ("\"state\" 'say \\'hi\\''", "\"state\" and \"say \\'hi\\'\""),
        ("size>=64KiB busy<=1500us", "size>=64KiB and busy<=1.5ms"),
        ("spawned<-1.25s", "spawned<-1.25s"),
        ("id=r12 or id=7", "id=r12 or id=7"),
        ("wait=none or size=unknown", "wait=none or size=unknown"),
        (
            "state=unknown state=\"not yet spawned\"",
            "state=unknown and state=not-yet-spawned",
        ),
        ("name!~Flush", "name!~Flush"),
    ] {
        assert_eq!(canonical(text), written, "{text}");
    }
}

#[test]
fn errors_point_at_what_is_wrong() {
    for (text, from, wrong, sentence) in [
        (
            "nmae=flush",
            0,
            "nmae",
            "there is no field `nmae`; did you mean `name`?",
        ),
        ("xyzzy=1", 0, "xyzzy", "there is no field `xyzzy`"),
        ("delay>5", 6, "5", "`5` lacks a unit: ns, us, ms or s"),
        (
            "delay>fast",
            6,
            "fast",
            "`fast` is no length of time; write 250us, 5ms or 1.5s",
        ),
        (
            "delay>",
            6,
            "",
            "a value is missing, such as 250us, 5ms or 1.5s",
        ),
        (
            "state=runing",
            6,
            "runing",
            "`state` is one of running, runnable, idle, waiting, unwakeable, not-yet-spawned, done, unknown",
        ),
        (
            "state>running",
            5,
            ">",
            "`state` cannot be compared with >; it takes = !=",
        ),
        (
            "polls~3",
            5,
            "~",
            "`polls` cannot be compared with ~; it takes = != < <= > >=",
        ),
        (
            "state",
            0,
            "state",
            "`state` is a field: compare it, as in state=running, or quote it to look for the word",
        ),
        ("a and", 5, "", "something must follow `and`"),
        ("and a", 0, "and", "something must stand before `and`"),
        ("not", 3, "", "something must follow `not`"),
        ("(a or b", 0, "(", "this parenthesis is not closed"),
        ("a)", 1, ")", "nothing is open that this could close"),
        ("()", 1, ")", "something must stand before this parenthesis"),
        (
            "=5",
            0,
            "=",
            "a field belongs before `=`, such as state or delay",
        ),
        (
            "name=\"flush",
            5,
            "\"",
            "the quote that begins here is not closed",
        ),
        (
            "nmae=\"flush",
            0,
            "nmae",
            "there is no field `nmae`; did you mean `name`?",
        ),
        (
            "poll(poll(delay>1ms))",
            9,
            "(",
            "this is about one poll already",
        ),
        ("id=x", 3, "x", "`x` is no task's id; write 42, or r1"),
        ("alive=maybe", 6, "maybe", "`alive` is yes or no"),
    ] {
        let error = Query::parse(text).expect_err(text);
        assert_eq!(error.to_string(), sentence, "{text}");
        assert_eq!(
            (error.at().start, &text[error.at()]),
            (from, wrong),
            "{text}"
        );
    }
}

#[test]
fn carets_stand_below_what_is_wrong() {
    let text = "漢~字 nmae=x";
    let error = Query::parse("name~字 nmae=x").unwrap_err();
    assert_eq!(
        error.pointed("name~字 nmae=x"),
        "name~字 nmae=x\n        ^^^^"
    );
    assert!(Query::parse(text).is_err());
    let error = Query::parse("delay>").unwrap_err();
    assert_eq!(error.pointed("delay>"), "delay>\n      ^");
}

#[test]
fn nesting_has_an_end_and_so_has_length() {
    let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Query::parse(&nested(64)).is_ok());
    assert!(Query::parse(&nested(65)).is_err());
    assert!(Query::parse(&"(".repeat(4_000)).is_err());
    assert!(Query::parse(&"not ".repeat(1_000)).is_err());
    assert!(Query::parse(&"!".repeat(4_000)).is_err());
    assert!(Query::parse(&"a ".repeat(2_000)).is_ok());
    assert!(Query::parse(&"a".repeat(4_097)).is_err());
}

fn suggested(text: &str) -> Vec<String> {
    let recording = few::fixed();
    let vocabulary = Vocabulary::new(&recording);
    let completion = Completion::new(text, text.len(), &vocabulary);
    let put = |one: &super::Suggestion| {
        let mut whole = text.to_owned();
        whole.replace_range(completion.replace.clone(), &one.text);
        whole
    };
    completion.suggestions.iter().map(put).collect()
}

#[test]
fn completion_knows_what_may_come() {
    let first =
        |text: &str, count: usize| suggested(text).into_iter().take(count).collect::<Vec<_>>();
    assert_eq!(first("", 2), ["state", "name"]);
    assert_eq!(suggested("loc"), ["location"]);
    assert_eq!(first("dela", 2), ["delay", "delay.p50"]);
    assert_eq!(first("state", 2), ["state=", "state!="]);
    assert_eq!(suggested("state "), ["state =", "state !="]);
    assert_eq!(first("state=r", 2), ["state=running", "state=runnable"]);
    assert_eq!(
        suggested("delay>5"),
        [
            "delay>5ns",
            "delay>5us",
            "delay>5ms",
            "delay>5s",
            "delay>5min",
            "delay>5h"
        ]
    );
    assert_eq!(suggested("delay>5m"), ["delay>5ms", "delay>5min"]);
    assert_eq!(
        first("state=idle ", 3),
        ["state=idle and ", "state=idle or ", "state=idle state"]
    );
    assert_eq!(suggested("state=idle an")[0], "state=idle and ");
    assert_eq!(suggested("name=fl"), ["name=flush"]);
    assert_eq!(suggested("name~LUS"), ["name~flush"]);
    assert_eq!(suggested("name=acc"), ["name=\"accept loop\""]);
    assert_eq!(suggested("name=\"acc"), ["name=\"accept loop\""]);
    assert_eq!(suggested("wait=ord"), ["wait=orders"]);
    assert_eq!(suggested("woken_by=run"), ["woken_by=runtime"]);
    assert_eq!(suggested("(not al"), ["(not alive"]);
    assert_eq!(suggested("xyzzy=a"), [""; 0]);
    assert_eq!(
        suggested("end="),
        [
            "end=ready",
            "end=cancelled",
            "end=panicked",
            "end=dropped",
            "end=ended",
            "end=none"
        ]
    );
}

#[test]
fn searches_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Query>();
    shared::<super::Filter>();
}

#[test]
fn what_moves_with_the_cursor_says_so() {
    for (text, moves) in [
        ("state=idle", true),
        ("name=x or not idle>1s", true),
        ("delay>1ms flush", false),
        ("", false),
    ] {
        assert_eq!(
            Query::parse(text).unwrap().moves_with_cursor(),
            moves,
            "{text}"
        );
    }
}

#[test]
fn the_examples_find_what_they_say() {
    let recording = few::fixed();
    let found = |text: &str, at| few::ids(&recording, text, at);
    for (text, at, ids) in [
        ("", 500, vec![1, 2, 3, 4]),
        ("flush", 500, vec![2]),
        ("ACCEPT", 500, vec![1]),
        ("4", 500, vec![4]),
        ("name=none", 500, vec![4]),
        ("location~db.rs", 500, vec![2, 3]),
        ("location=src/db.rs:7", 500, vec![2, 3]),
        ("location=src/db.rs:7:9", 500, vec![2, 3]),
        ("location=unknown", 500, vec![4]),
        // Where it was spawned is unknown of 4: neither lists it.
        ("not location~db.rs", 500, vec![1]),
        ("location!~db.rs", 500, vec![1]),
        ("woken_by=1", 500, vec![2]),
        ("woken_by=accept*", 500, vec![2]),
        ("woken_by=runtime", 500, vec![1, 3]),
        ("woken_by!=runtime", 500, vec![2]),
        ("woken_by=unknown", 500, vec![4]),
        ("spawned_by=1", 500, vec![2, 3]),
        ("spawned_by=none", 500, vec![1]),
        ("delay>20ns", 500, vec![2]),
        ("delay.max=unknown", 500, vec![4]),
        ("worker=1", 500, vec![2]),
        ("worker!=1", 500, vec![1, 3, 4]),
        ("poll(worker=1 duration>40ns)", 500, vec![]),
        ("worker=1 duration>40ns", 500, vec![2]),
        ("wait=orders", 500, vec![3]),
        ("wait=orders", 250, vec![]),
        ("wait~db.rs", 500, vec![3]),
        ("waited_on=orders", 0, vec![3]),
        ("state=idle", 500, vec![1, 2, 3]),
        ("state=waiting", 500, vec![3]),
        ("state=unknown", 500, vec![4]),
        ("state=running", 120, vec![2]),
        ("idle>200ns", 500, vec![1]),
        ("polls=2", 500, vec![3]),
        ("alive", 500, vec![1, 2, 3, 4]),
        ("alive", 1_000, vec![1, 2, 3]),
        ("end=panicked", 0, vec![4]),
        ("outcome=panicked", 0, vec![4]),
        ("size>=1KiB", 0, vec![1]),
        ("kind=local", 0, vec![3]),
    ] {
        assert_eq!(found(text, at), ids, "{text}");
    }
}

#[test]
fn the_code_in_which_a_task_was_suspended_is_what_it_waits_on() {
    use crate::recording::{
        Outcome, SymbolFacts,
        testing::{batch, builder},
    };
    let mut builder = builder(1_000);
    let function = builder.intern("service::cache::refill::{{closure}}");
    let file = builder.intern("src/cache.rs");
    builder.symbol(SymbolFacts {
        address: 7,
        inline_depth: 0,
        name: function,
        file,
        line: 12,
    });
    let mut w0 = batch(0);
    for task in [1u8, 2] {
        let (task, at) = (u64::from(task), i64::from(task) * 10);
        w0.poll(task, at, at + 5, Outcome::Pending);
        w0.await_site(task, at + 6, &[99, 7]);
    }
    w0.poll(2, 500, 505, Outcome::Pending);
    builder.batch(w0);
    let recording = builder.finish();
    let found = |text: &str, at| few::ids(&recording, text, at);
    assert_eq!(found("wait~cache.rs", 400), [1, 2]);
    assert_eq!(found("wait~refill", 600), [1]);
    assert_eq!(found("wait=src/cache.rs:12", 600), [1]);
    // Where the other went after its poll nobody saw.
    assert_eq!(found("wait=unknown", 600), [2]);
}

/// Pieces that filters are made of, and some that they are not.
fn piece() -> impl Strategy<Value = String> {
    let names: Vec<&str> = super::FIELDS.iter().map(|field| field.name).collect();
    let field = prop::sample::select(names).prop_map(str::to_owned);
    let word = prop::sample::select(vec![
        " and ", " or ", "not ", "(", ")", "poll(", "=", "!=", "<", ">=", "~", "!~", "!", "5ms",
        "5", " ", "flush*", "\"a b\"", "'", "\"", "\\", "unknown", "none", "yes", "idle", "r1",
        "-1s", "漢", "&&", "|", "é=",
    ]);
    prop_oneof![field, word.prop_map(str::to_owned), ".{0,3}"]
}

proptest! {
    #[test]
    fn every_prefix_is_understood_or_pointed_at(pieces in prop::collection::vec(piece(), 0..14)) {
        let text = pieces.concat();
        let vocabulary = Vocabulary::new(&few::fixed());
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let prefix = &text[..end];
            match Query::parse(prefix) {
                Ok(query) => prop_assert_eq!(&Query::parse(&query.to_string()).unwrap(), &query),
                Err(error) => {
                    prop_assert!(prefix.get(error.at()).is_some(), "{:?} {:?}", prefix, error);
                    let _ = error.pointed(prefix);
                }
            }
            let completion = Completion::new(&text, end, &vocabulary);
            prop_assert!(text.get(completion.replace.clone()).is_some());
            prop_assert!(completion.replace.end <= end);
        }
    }

    #[test]
    fn what_is_suggested_for_a_good_beginning_is_good(expr in random::expr()) {
        let text = expr.to_string();
        let vocabulary = Vocabulary::new(&few::fixed());
        let joined = if text.is_empty() { text } else { text + " and " };
        let completion = Completion::new(&joined, joined.len(), &vocabulary);
        prop_assert!(completion.suggestions.iter().any(|one| one.text == "state"));
        for value in Completion::new(&format!("{joined}state="), joined.len() + 6, &vocabulary).suggestions {
            let whole = format!("{joined}state={}", value.text);
            prop_assert!(Query::parse(&whole).is_ok(), "{}", whole);
        }
    }
}
