//! Stories of answers: P0 answers an edge by itself when P1 has worked out what it leads to, and never otherwise.

mod common;

use assembler::Assembly;
use common::bench::*;
use common::*;
use device::Preempt;
use link::message::{Answer, Command};
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{After, Code, Region, Rule, Slice, State, When};
use link::rig::{Limits, Pull, Rig, Role};
use link::{EventId, LineId, Record, RegionId, StateId, Verdict};

/// Counts the orders P1 gives in one call.
struct Orders(usize);

impl Preempt for Orders {
    fn point(&mut self) {}

    fn ordered(&mut self) {
        self.0 += 1;
    }
}

/// A session is under way, and what an edge leads to is worked out: nothing waited for so long.
fn rehearsed(lab: &mut Lab<'_>, rig: &Rig, program: &Assembly) {
    lab.load(rig, program);
    lab.start();
    lab.wait(100_000);
}

#[test]
fn an_edge_is_answered_before_p1_hears_of_it() {
    lab(0, |lab| {
        rehearsed(lab, &rig(), &protocol());
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

/// A drop that P0 gives by itself: nothing but what P0 then asks for calls it back, and that must be in time for the drop's end.
#[test]
fn a_pulse_that_answers_an_edge_ends_at_its_time_though_nothing_else_happens() {
    lab(0, |lab| {
        let mut bare = rig();
        // A lever without a debounce window, whose end would call P0 as well.
        bare.lines[usize::from(LEVER)].role = Role::input(Pull::None, 0);
        rehearsed(lab, &bare, &protocol());
        lab.touch(LEVER_PIN, false);
        let opens = lab.now + 1;
        lab.board.now.set(opens);
        assert!(lab.edge.answer(opens, &mut lab.board));
        let closes = opens + DROP_US;
        for _ in 0..100 {
            let Some(due) = lab.edge.poll_at().filter(|due| *due <= closes) else { break };
            let now = due.max(opens);
            lab.board.now.set(now);
            lab.edge.poll(now, &mut lab.board);
        }
        assert_eq!(lab.board.changes_of(WATER_PIN), [(opens, true), (closes, false)]);
    });
}

/// Whatever comes between an edge and the end of its microsecond: P0 answers alone only what is the whole of it.
#[test]
fn an_edge_that_is_not_alone_in_its_microsecond_is_left_to_p1() {
    lab(0, |lab| {
        rehearsed(lab, &rig(), &heard_twice());
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

/// A lick that nobody listens to yet, and would right behind the press of its very microsecond: what follows is not what the
/// press alone would lead to.
#[test]
fn an_edge_that_is_heard_only_behind_another_of_its_microsecond_leaves_both_to_p1() {
    for lick_first in [true, false] {
        lab(0, |lab| {
            rehearsed(lab, &rig(), &heard_behind());
            let at = lab.now;
            let mut touches = [(LEVER_PIN, false), (SPOUT_PIN, true)];
            touches.rotate_left(lick_first.into());
            for (pin, high) in touches {
                lab.touch(pin, high);
            }
            lab.wait(1_000);
            let lit = at + 1 + u64::from(SETTLE_US);
            assert_eq!(lab.board.changes_of(MASK_PIN), [(lit, true)], "lick first: {lick_first}");
            assert_eq!(lab.board.changes_of(WATER_PIN), [(lit, true)], "lick first: {lick_first}");
            assert!(!lab.records.iter().any(|(_, record)| matches!(record, Record::Trip(_))), "{:?}", lab.records);
        });
    }
}

/// A lick that no state of the program ever listens to may come with the press: it is handled in its microsecond as ever, and
/// keeps nobody from answering.
#[test]
fn an_edge_that_is_never_heard_may_share_the_microsecond_of_one_that_is_answered() {
    for lick_first in [true, false] {
        lab(0, |lab| {
            rehearsed(lab, &rig(), &protocol());
            let at = lab.now;
            let mut touches = [(LEVER_PIN, false), (SPOUT_PIN, true)];
            touches.rotate_left(lick_first.into());
            for (pin, high) in touches {
                lab.touch(pin, high);
            }
            lab.board.now.set(at + 1);
            assert!(lab.edge.answer(at + 1, &mut lab.board), "lick first: {lick_first}");
            assert_eq!(lab.board.changes_of(WATER_PIN), [(at + 1, true)]);
            lab.wait(50_000);
            let told = lab.records.iter().filter(|(of, record)| *of == at && matches!(record, Record::Input { .. }));
            let inputs = [LEVER, SPOUT].map(|line| Record::Input { line: LineId(line), active: true, late_us: 0 });
            assert!(told.map(|(_, record)| *record).eq(inputs), "both, in the order of their lines: {:?}", lab.records);
            assert!(!lab.records.iter().any(|(_, r)| matches!(r, Record::Trip(_))));
        });
    }
}

/// A program that asks somewhere for the level of the spout hears each of its edges there.
#[test]
fn a_line_whose_level_is_asked_in_any_state_shares_no_microsecond() {
    for asks in [false, true] {
        lab(0, |lab| {
            let mut program = listening(&[vec![], vec![Op::new(OpCode::On, MASK, 0)], vec![]], &[(0, LEVER, 1)], None);
            if asks {
                let guard = program.code(&[Op::new(OpCode::Special, Special::Level as u8, SPOUT.into())]);
                program.whens.push(When { guard, target: StateId(0), action: Code::NONE });
                program.states[2].whens = Slice { first: 0, len: 1 };
            }
            rehearsed(lab, &rig(), &program);
            lab.touch(SPOUT_PIN, true);
            lab.touch(LEVER_PIN, false);
            lab.board.now.set(lab.now + 1);
            assert_eq!(lab.edge.answer(lab.now + 1, &mut lab.board), !asks, "asks: {asks}");
        });
    }
}

/// What P0 answers by itself passes the interlock like anything the program asks for: a line nobody armed, one that is
/// forbidden and one whose session's share is spent stay off.
#[test]
fn an_answer_that_p0_gives_by_itself_may_be_refused() {
    type Limited = (u8, u8, Verdict, fn(&mut Limits));
    let refusals: [Limited; 3] = [
        (LASER, LASER_PIN, Verdict::Withheld, |_| {}),
        (WATER, WATER_PIN, Verdict::Forbidden, |limits| limits.forbidden = true),
        (WATER, WATER_PIN, Verdict::OverTotal, |limits| limits.total.pulses = 0),
    ];
    for (line, pin, verdict, forbid) in refusals {
        lab(0, |lab| {
            let mut rig = rig();
            if let Role::Output { limits, .. } = &mut rig.lines[usize::from(line)].role {
                forbid(limits);
            }
            lab.load(&rig, &listening(&[vec![], vec![Op::new(OpCode::On, line, 0)]], &[(0, LEVER, 1)], None));
            lab.start();
            lab.wait(100_000);
            lab.touch(LEVER_PIN, false);
            lab.board.now.set(lab.now + 1);
            assert!(lab.edge.answer(lab.now + 1, &mut lab.board), "{verdict:?}");
            let answered_at = lab.now + 1;
            lab.wait(200_000);
            assert_eq!(lab.board.changes_of(pin), [], "{verdict:?}");
            assert_eq!(lab.times_of(Record::Verdict { line: LineId(line), verdict }), [answered_at]);
        });
    }
}

/// Touches an input and lets P0 answer it by itself, a microsecond later.
fn answered(lab: &mut Lab<'_>, pin: u8, high: bool) -> u64 {
    lab.touch(pin, high);
    let at = lab.now + 1;
    lab.board.now.set(at);
    assert!(lab.edge.answer(at, &mut lab.board), "it is answered at {at}");
    at
}

#[test]
fn a_light_that_p0_switches_on_by_itself_is_cut_at_its_max_on() {
    const MAX_ON_US: u32 = 200_000;
    lab(0, |lab| {
        let mut rig = rig();
        rig.lines[usize::from(MASK)].role = Role::Output { limits: Limits::on_for(MAX_ON_US), speaker: false };
        rehearsed(lab, &rig, &lit_and_dark());
        let lit = answered(lab, LEVER_PIN, false);
        lab.wait(1_000_000);
        let cut = lit + u64::from(MAX_ON_US);
        assert_eq!(lab.board.changes_of(MASK_PIN), [(lit, true), (cut, false)]);
        let verdict = Record::Verdict { line: LineId(MASK), verdict: Verdict::CutAtMaxOn };
        assert_eq!(lab.times_of(verdict), [cut]);
    });
}

#[test]
fn a_light_goes_off_by_an_answer_too_and_stays_off() {
    lab(0, |lab| {
        rehearsed(lab, &rig(), &lit_and_dark());
        let lit = answered(lab, LEVER_PIN, false);
        lab.wait(50_000);
        let dark = answered(lab, SPOUT_PIN, true);
        lab.wait(70_000_000);
        assert_eq!(lab.board.changes_of(MASK_PIN), [(lit, true), (dark, false)]);
        assert!(!lab.records.iter().any(|(_, record)| matches!(record, Record::Trip(_) | Record::Verdict { .. })));
    });
}

/// A window of the spout has ended, and what it held back was not told yet: that came before the lever.
#[test]
fn what_a_window_held_back_comes_before_an_edge() {
    for behind_us in [0, 1, 5] {
        lab(0, |lab| {
            rehearsed(lab, &rig(), &protocol());
            lab.touch(SPOUT_PIN, true);
            lab.wait(10);
            lab.touch(SPOUT_PIN, false);
            lab.until(lab.now - 10 + SPOUT_WINDOW_US - 1);
            lab.now += 1 + behind_us;
            lab.touch(LEVER_PIN, false);
            let pressed = lab.now;
            lab.board.now.set(pressed + 1);
            assert!(!lab.edge.answer(pressed + 1, &mut lab.board), "{behind_us} µs behind the window");
            lab.wait(100_000);
            let inputs: Vec<_> = lab.records.iter().filter(|(_, r)| matches!(r, Record::Input { .. })).collect();
            assert!(inputs.is_sorted_by_key(|(at, _)| *at) && inputs.len() == 3, "{inputs:?}");
            assert_eq!(lab.board.changes_of(WATER_PIN).len(), 2, "one drop");
        });
    }
}

/// A line that nobody listens to changes as often as it likes: the lever is still answered at once.
#[test]
fn edges_nobody_listens_to_make_no_difference_to_an_answer() {
    lab(0, |lab| {
        rehearsed(lab, &rig(), &protocol());
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
            rehearsed(lab, &rig(), &protocol());
            assert_eq!(lab.ask(command.clone()), Answer::Done);
            lab.touch(LEVER_PIN, false);
            lab.board.now.set(lab.now + 1);
            assert!(!lab.edge.answer(lab.now + 1, &mut lab.board), "{command:?}");
            lab.wait(200_000);
            assert!(lab.board.changes_of(WATER_PIN).is_empty() && lab.all_off(), "{command:?}");
        });
    }
}

/// A press a moment after a time-out, whose step P1 has not come to yet: P0 answers as the time-out leaves things.
#[test]
fn an_edge_behind_a_time_out_is_answered_as_that_leaves_things() {
    for behind_us in [1, 3, 40] {
        lab(0, |lab| {
            lab.load(&rig(), &heard_anew());
            lab.start();
            lab.wait(50_000);
            let due = lab.records[0].0 + PATIENCE_US;
            lab.until(due - 1);
            let pressed = due + behind_us;
            lab.now = pressed;
            lab.touch(LEVER_PIN, false);
            lab.board.now.set(pressed + 1);
            assert!(lab.edge.answer(pressed + 1, &mut lab.board), "{behind_us} µs behind it");
            lab.wait(100_000);
            assert_eq!(lab.board.changes_of(WATER_PIN), [(pressed + 1, true)]);
            assert!(lab.board.changes_of(MASK_PIN).is_empty(), "the mask is for those who press in time");
            let told: Vec<_> = lab.records.iter().map(|(_, record)| *record).collect();
            let entered =
                |state| told.iter().position(|record| matches!(record, Record::Enter { state: s, .. } if *s == state));
            let input = told.iter().position(|record| matches!(record, Record::Input { .. }));
            assert!(entered(StateId(2)) < input && input < entered(StateId(3)), "{told:?}");
            assert!(!told.iter().any(|record| matches!(record, Record::Trip(_))), "{told:?}");
        });
    }
}

/// A lick that nobody listens to in the microsecond of the time-out makes its step another one, and leads to the same.
#[test]
fn a_harmless_edge_in_the_microsecond_of_a_time_out_does_not_spoil_the_answer_behind_it() {
    lab(0, |lab| {
        lab.load(&rig(), &heard_anew());
        lab.start();
        lab.wait(50_000);
        let due = lab.records[0].0 + PATIENCE_US;
        lab.until(due - 1);
        for (at, pin, high) in [(due, SPOUT_PIN, true), (due + 3, LEVER_PIN, false)] {
            lab.now = at;
            lab.touch(pin, high);
        }
        lab.board.now.set(due + 4);
        assert!(lab.edge.answer(due + 4, &mut lab.board));
        lab.wait(100_000);
        assert_eq!(lab.board.changes_of(WATER_PIN), [(due + 4, true)]);
        let trips = lab.records.iter().filter(|(_, record)| matches!(record, Record::Trip(_)));
        assert_eq!(trips.count(), 0);
    });
}

/// In the very microsecond of a time-out an edge comes first, and nothing of that was foreseen.
#[test]
fn an_edge_in_the_microsecond_of_a_time_out_is_left_to_p1() {
    lab(0, |lab| {
        lab.load(&rig(), &heard_anew());
        lab.start();
        lab.wait(50_000);
        let due = lab.records[0].0 + PATIENCE_US;
        lab.until(due - 1);
        lab.now = due;
        lab.touch(LEVER_PIN, false);
        lab.board.now.set(due + 1);
        assert!(!lab.edge.answer(due + 1, &mut lab.board));
        lab.wait(1_000);
        assert_eq!(lab.board.changes_of(MASK_PIN), [(due + 1 + u64::from(SETTLE_US), true)], "it was in time");
        assert!(lab.board.changes_of(WATER_PIN).is_empty());
    });
}

/// The lever lights the mask, the spout gives water; whichever comes first ends the listening.
fn heard_twice() -> Assembly {
    let entries = [vec![], vec![Op::new(OpCode::On, MASK, 0)], vec![Op::new(OpCode::On, WATER, 0)]];
    listening(&entries, &[(0, LEVER, 1), (0, SPOUT, 2)], None)
}

/// The lever lights the mask, the spout makes it dark again.
fn lit_and_dark() -> Assembly {
    let entries = [vec![], vec![Op::new(OpCode::On, MASK, 0)], vec![Op::new(OpCode::Off, MASK, 0)]];
    listening(&entries, &[(0, LEVER, 1), (1, SPOUT, 2)], None)
}

/// The lever lights the mask; from then on the spout gives water.
fn heard_behind() -> Assembly {
    let entries = [vec![], vec![Op::new(OpCode::On, MASK, 0)], vec![Op::new(OpCode::On, WATER, 0)]];
    listening(&entries, &[(0, LEVER, 1), (1, SPOUT, 2)], None)
}

/// How long the spout of the bench is ignored behind an edge, in µs.
const SPOUT_WINDOW_US: u64 = 1_000;
/// How long the lever lights the mask in [`heard_anew`], in µs.
const PATIENCE_US: u64 = 100_000;

/// The lever lights the mask for a while, and gives water from then on.
fn heard_anew() -> Assembly {
    let entries = [vec![], vec![Op::new(OpCode::On, MASK, 0)], vec![], vec![Op::new(OpCode::On, WATER, 0)]];
    listening(&entries, &[(0, LEVER, 1), (2, LEVER, 3)], Some(2))
}

/// States by what they do on entry; the lines they listen to and where those lead; where the first leads after a while.
fn listening(entries: &[Vec<Op>], rules: &[(usize, u8, u16)], after: Option<u16>) -> Assembly {
    let mut p = Assembly::default();
    p.regions.push(Region { start: StateId(0) });
    for (n, entry) in entries.iter().enumerate() {
        let first = rules.iter().take_while(|(state, ..)| *state != n).count() as u16;
        let len = rules.iter().filter(|(state, ..)| *state == n).count() as u16;
        let entry = p.code(entry);
        let afters = if n == 0 && after.is_some() { Slice { first: 0, len: 1 } } else { Slice::default() };
        p.states.push(State {
            parent: StateId::NONE,
            initial: StateId::NONE,
            region: RegionId(0),
            depth: 0,
            entry,
            exit: Code::NONE,
            rules: if len == 0 { Slice::default() } else { Slice { first, len } },
            afters,
            whens: Slice::default(),
        });
    }
    for (_, line, target) in rules {
        let event = EventId::edge(LineId(*line), true);
        p.rules.push(Rule { event, target: StateId(*target), guard: Code::NONE, action: Code::NONE });
    }
    if let Some(target) = after {
        let push = p.push(PATIENCE_US as i64);
        let duration = p.code(&[push]);
        p.afters.push(After { duration, target: StateId(target), guard: Code::NONE, action: Code::NONE });
    }
    p
}
