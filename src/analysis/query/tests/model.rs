//! Random filters over random recordings, asked in both ways: by the evaluator, and by one that is slow and obvious.

use proptest::prelude::*;

use super::{
    super::{Basis, Query, Scope},
    random::{expr, life, recording},
    slow::slow,
};
use crate::recording::PollIx;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_written_means_the_same(expr in expr()) {
        let text = expr.to_string();
        let parsed = Query::parse(&text);
        prop_assert_eq!(parsed.as_ref().map(|query| &query.expr), Ok(&expr), "{}", text);
    }

    #[test]
    fn the_evaluator_agrees_with_a_slow_one(
        lives in prop::collection::vec(life(), 1..5),
        exprs in prop::collection::vec(expr(), 6),
        at in -50..1_000i64,
        range in prop::option::of((0..600i64, 0..400i64)),
    ) {
        let recording = recording(&lives);
        let scope = Scope { at, range: range.map(|(from, length)| (from, from + length)) };
        for expr in exprs {
            let query = Query::new(expr.clone());
            let filter = query.bind(&recording);
            let moves = query.moves_with_cursor();
            prop_assert_eq!(moves, expr.any(&mut |field| field.basis == Basis::Cursor));
            for task in recording.tasks() {
                let wanted = slow(&expr, &recording, task, None, &scope) == Some(true);
                prop_assert_eq!(query.matches(&recording, task, &scope), wanted, "{} of {:?}", expr, recording.task(task));
                prop_assert_eq!(filter.matches(&recording, task, &scope), wanted, "{} bound", expr);
            }
            for poll in (0..recording.poll_count()).map(PollIx::new) {
                let task = recording.poll(poll).task;
                let wanted = slow(&expr, &recording, task, Some(poll), &scope) == Some(true);
                prop_assert_eq!(filter.matches_poll(&recording, poll, &scope), wanted, "{} of a poll", expr);
                prop_assert_eq!(query.matches_poll(&recording, poll, &scope), wanted);
            }
        }
    }
}
