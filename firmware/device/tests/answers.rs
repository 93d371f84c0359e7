//! Stories of answers: P0 answers an edge by itself when P1 has worked out what it leads to, and never otherwise.

mod common;

use assembler::Assembly;
use common::bench::*;
use common::*;
use device::Preempt;
use link::message::{Answer, Command};
use link::program::op::{Op, OpCode};
use link::program::rows::{Code, Region, Rule, Slice, State};
use link::{EventId, LineId, Record, RegionId, StateId};

/// Counts the orders P1 gives in one call.
struct Orders(usize);

impl Preempt for Orders {
    fn point(&mut self) {}

    fn ordered(&mut self) {
        self.0 += 1;
    }
}

#[test]
fn an_edge_is_answered_before_p1_hears_of_it() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        // The answer is worked out while nothing waits.
        lab.wait(100_000);
        lab.touch(LEVER_PIN, false);
        assert!(!lab.edge.answer(lab.now, &mut lab.board), "another edge may yet come in the same microsecond");
        lab.board.now.set(lab.now + 1);
        assert!(lab.edge.answer(lab.now + 1, &mut lab.board));
        assert_eq!(lab.board.changes_of(WATER_PIN), [(lab.now + 1, true)]);

        let mut orders = Orders(0);
        lab.core.poll(lab.now + 2, &mut orders);
        assert_eq!(orders.0, 0, "its step has nothing left to order");
        let pressed = lab.now;
        lab.wait(50_000);
        assert_eq!(lab.board.changes_of(WATER_PIN).len(), 1);
        let told: Vec<_> = lab.records.iter().filter(|(at, _)| *at >= pressed).collect();
        let place = |wanted: fn(&Record) -> bool| told.iter().position(|(_, record)| wanted(record));
        let [input, request, edge] = [
            place(|record| matches!(record, Record::Input { .. })),
            place(|record| matches!(record, Record::Request { line: LineId(WATER), .. })),
            place(|record| matches!(record, Record::Edge { line: LineId(WATER), .. })),
        ];
        assert!(input < request && request < edge && input.is_some(), "cause before effect: {told:?}");
    });
}

/// Whatever comes between an edge and the end of its microsecond: P0 answers alone only what is the whole of it.
#[test]
fn an_edge_that_is_not_alone_in_its_microsecond_is_left_to_p1() {
    lab(0, |lab| {
        lab.load(&rig(), &heard_twice());
        lab.start();
        lab.wait(100_000);
        let at = lab.now;
        // The spout is heard too, and would have been handled before anything that P0 answered.
        lab.touch(LEVER_PIN, false);
        lab.touch(SPOUT_PIN, true);
        lab.board.now.set(at + 1);
        assert!(!lab.edge.answer(at + 1, &mut lab.board));
        lab.wait(1_000);
        let lit = at + 1 + u64::from(SETTLE_US);
        assert_eq!(
            lab.board.changes_of(MASK_PIN),
            [(lit, true)],
            "the lever comes first, and no rule is left for the spout"
        );
        assert!(lab.board.changes_of(WATER_PIN).is_empty());
    });
}

/// A line that nobody listens to changes as often as it likes: the lever is still answered at once.
#[test]
fn edges_nobody_listens_to_make_no_difference_to_an_answer() {
    lab(0, |lab| {
        lab.load(&rig(), &protocol());
        lab.start();
        lab.wait(100_000);
        for n in 0..40 {
            lab.touch(SPOUT_PIN, n % 2 == 0);
            lab.wait(if n % 3 == 0 { 2_000 } else { 1 });
        }
        let at = lab.now;
        lab.touch(LEVER_PIN, false);
        lab.wait(1_000);
        assert_eq!(lab.board.changes_of(WATER_PIN), [(at + 1, true)]);
    });
}

/// After a trip, a disarm or the word that the session must end, P0 answers nothing that P1 had worked out before.
#[test]
fn what_p1_does_not_know_yet_makes_an_end_of_its_answers() {
    for command in [Command::Abort, Command::Stop] {
        lab(0, |lab| {
            lab.load(&rig(), &protocol());
            lab.start();
            lab.wait(100_000);
            assert_eq!(lab.ask(command.clone()), Answer::Done);
            lab.touch(LEVER_PIN, false);
            lab.board.now.set(lab.now + 1);
            assert!(!lab.edge.answer(lab.now + 1, &mut lab.board), "{command:?}");
            lab.wait(200_000);
            assert!(lab.board.changes_of(WATER_PIN).is_empty() && lab.all_off(), "{command:?}");
        });
    }
}

/// The lever lights the mask, the spout gives water; whichever comes first ends the listening.
fn heard_twice() -> Assembly {
    let mut p = Assembly::default();
    let op = |code, a: u8| Op::new(code, a, 0);
    p.regions.push(Region { start: StateId(0) });
    let entries = [vec![], vec![op(OpCode::On, MASK)], vec![op(OpCode::On, WATER)]];
    for (n, entry) in entries.iter().enumerate() {
        let rules = if n == 0 { Slice { first: 0, len: 2 } } else { Slice::default() };
        let entry = p.code(entry);
        p.states.push(State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(0),
            depth: 0,
            entry,
            exit: Code::NONE,
            rules,
            afters: Slice::default(),
            whens: Slice::default(),
        });
    }
    for (line, target) in [(LEVER, 1), (SPOUT, 2)] {
        let event = EventId::edge(LineId(line), true);
        p.rules.push(Rule { event, target: StateId(target), guard: Code::NONE, action: Code::NONE });
    }
    p
}
