//! What only some recorders know, in the Task pane: spans in each other, samples of a slow poll, a task dump, an event.

use super::{app, assert_screen, press};
use crate::recording::{
    Field, MILLISECOND, Outcome, Recording, SampleKind, SpanFacts, StrId, SymbolFacts, TaskFacts,
    Value, WakerKey,
    testing::{batch, builder, runtime, spawn},
};

fn recording() -> Recording {
    let mut builder = builder(100 * MILLISECOND);
    runtime(&mut builder, 1);
    let mut facts = spawn(0);
    facts.name = builder.intern("handle_order");
    facts.location = builder.intern("src/orders.rs:12:5");
    builder.task(TaskFacts {
        id: 7,
        spawn: facts,
        wakes_recorded: true,
        ended_at: None,
    });
    for (address, name, line) in [(1, "parse", 40), (2, "handle_order", 14), (3, "recv", 9)] {
        let name = builder.intern(&format!("orders::{name}"));
        let file = builder.intern("src/orders.rs");
        builder.symbol(SymbolFacts {
            address,
            inline_depth: 0,
            name,
            file,
            line,
        });
    }
    let target = builder.intern("orders");
    let names = ["request", "query"].map(|name| builder.intern(name));
    let path = Value::Str(builder.intern("/orders"));
    let path = Field {
        name: builder.intern("path"),
        value: path,
        unit: StrId::NONE,
    };
    let mut worker = batch(0);
    let ms = |at: i64| at * MILLISECOND;
    for (id, from, to) in [(1, 5, 80), (2, 10, 30), (3, 40, 60)] {
        let facts = SpanFacts {
            id,
            parent: (id > 1).then_some(1),
            name: names[usize::from(id > 1)],
            target,
        };
        let fields = if id == 1 { &[path][..] } else { &[] };
        worker.span_enter(ms(from), facts, Some(7), fields);
        worker.span_exit(ms(to), id);
        worker.span_close(ms(to), id);
    }
    worker.poll(7, ms(5), ms(30), Outcome::Pending);
    worker.poll(7, ms(40), ms(80), Outcome::Pending);
    worker.wake(7, ms(39), WakerKey::Runtime);
    for at in [12, 14, 16] {
        let leaf = if at == 12 { 2 } else { 1 };
        worker.sample(ms(at), SampleKind::OnCpu, &[leaf, 2]);
    }
    let rejected = builder.intern("order_rejected");
    worker.custom(ms(20), rejected, Some(7), &[path]);
    worker.await_site(7, ms(85), &[3, 2]);
    builder.batch(worker);
    builder.finish()
}

fn snapshot(name: &str, keys: &str) {
    let mut app = app(recording(), 120, 40);
    press(&mut app, keys);
    assert_screen!(name, &app);
}

#[test]
fn spans_samples_and_dumps_of_a_task() {
    snapshot("traced_end", "\n$");
    snapshot("traced_poll", "\n0jj");
}
