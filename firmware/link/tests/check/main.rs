//! The check of program images: one sound program that uses everything, and, rule by rule, the one change to it that the
//! check must refuse, with the place and the reason it gives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mutations;
mod sound;

use link::limits::{MAX_DEADLINES_PER_REGION, MAX_DEPTH, MAX_LABELS, MAX_STACK};
use link::program::check::{CheckError, CodeFlaw, Cost, DrawFlaw, EVENTS_END, RowFlaw, check, cost};
use link::program::op::{Op, OpCode, Special};
use link::program::rows::{After, Code, Draw, DrawKind, End, Region, Rule, Slice, When};
use link::program::{Program, Table};
use link::record::Train;
use link::{EventId, LineId, RegionId, StateId, VariableId};
use sound::{Sound, leaf, op, verdict_of};

fn row(table: Table, row: usize, flaw: RowFlaw) -> Result<(), CheckError> {
    Err(CheckError::Row { table, row, flaw })
}

fn draw(flaw: DrawFlaw) -> Result<(), CheckError> {
    row(Table::Draws, 0, RowFlaw::Draw(flaw))
}

/// What the check says of the sound program after a change.
fn after(change: impl FnOnce(&mut Sound)) -> Result<(), CheckError> {
    let mut sound = Sound::new();
    change(&mut sound);
    verdict_of(&sound.assembly)
}

/// What is wrong with these operations as the entry action of the first state.
fn as_action(ops: &[Op]) -> Option<CodeFlaw> {
    code_flaw(after(|sound| sound.assembly.states[0].entry = sound.assembly.code(ops)))
}

/// What is wrong with these operations as a guard.
fn as_guard(ops: &[Op]) -> Option<CodeFlaw> {
    code_flaw(after(|sound| sound.assembly.rules[0].guard = sound.assembly.code(ops)))
}

fn code_flaw(verdict: Result<(), CheckError>) -> Option<CodeFlaw> {
    match verdict {
        Ok(()) => None,
        Err(CheckError::Code { flaw, .. }) => Some(flaw),
        Err(other) => panic!("the code was to be refused, and the check says: {other}"),
    }
}

#[test]
fn the_sound_program_passes_and_its_cost_is_known() {
    assert_eq!(after(|_| {}), Ok(()));
    let words = Sound::new().assembly.image().unwrap();
    let found = cost(&Program::open(&words).unwrap());
    assert_eq!(found, Ok(Cost { max_stack: 3, longest_code_ops: 18 }));
}

#[test]
fn there_is_a_region_and_a_state_and_never_too_many_of_anything() {
    let rows = |table, rows, least, most| Err(CheckError::Rows { table, rows, least, most });
    assert_eq!(after(|s| s.assembly.regions.clear()), rows(Table::Regions, 0, 1, 8));
    assert_eq!(after(|s| s.assembly.states.clear()), rows(Table::States, 0, 1, 1024));
    assert_eq!(after(|s| s.assembly.states.resize(1025, leaf(0))), rows(Table::States, 1025, 1, 1024));
    let region = Region { start: StateId(0) };
    assert_eq!(after(|s| s.assembly.regions.resize(9, region)), rows(Table::Regions, 9, 1, 8));
    assert_eq!(after(|s| s.assembly.variables.resize(257, 0)), rows(Table::Variables, 257, 0, 256));
    let end = End { condition: Code::NONE };
    assert_eq!(after(|s| s.assembly.ends.resize(9, end)), rows(Table::Ends, 9, 0, 8));
}

#[test]
fn a_region_starts_in_a_state_of_its_own() {
    for wrong in [StateId(3), StateId(999), StateId::NONE, StateId::BACK] {
        let verdict = after(|s| s.assembly.regions[0].start = wrong);
        assert_eq!(verdict, row(Table::Regions, 0, RowFlaw::Start(wrong)));
    }
}

#[test]
fn a_parent_stands_before_its_child_in_the_same_region_one_level_up() {
    let change = |parent, depth, region| {
        after(|s| {
            let state = &mut s.assembly.states[2];
            (state.parent, state.depth, state.region) = (parent, depth, RegionId(region));
        })
    };
    let state = |flaw| row(Table::States, 2, flaw);
    assert_eq!(change(StateId(0), 1, 0), Ok(()));
    for parent in [StateId(2), StateId(3), StateId(99), StateId::BACK] {
        assert_eq!(change(parent, 1, 0), state(RowFlaw::Parent(parent)));
    }
    assert_eq!(change(StateId(0), 2, 0), state(RowFlaw::Depth(2)));
    assert_eq!(change(StateId(0), 0, 0), state(RowFlaw::Depth(0)));
    assert_eq!(change(StateId::NONE, 1, 0), state(RowFlaw::Depth(1)));
    assert_eq!(change(StateId(0), 1, 1), state(RowFlaw::Region(RegionId(1))));
    assert_eq!(change(StateId::NONE, 0, 2), state(RowFlaw::Region(RegionId(2))));
    // A parent without an initial state would be entered as if it held nothing.
    assert_eq!(change(StateId(1), 2, 0), row(Table::States, 1, RowFlaw::Initial(StateId::NONE)));
}

#[test]
fn states_are_nested_no_deeper_than_the_device_follows() {
    let nested = |levels: usize| {
        after(|s| {
            for level in 0..levels {
                let own = s.assembly.states.len() as u16;
                let mut state = leaf(0);
                state.depth = level as u8;
                state.parent = if level == 0 { StateId::NONE } else { StateId(own - 1) };
                state.initial = if level + 1 == levels { StateId::NONE } else { StateId(own + 1) };
                s.assembly.states.push(state);
            }
        })
    };
    assert_eq!(nested(MAX_DEPTH), Ok(()));
    assert_eq!(nested(MAX_DEPTH + 1), row(Table::States, 4 + MAX_DEPTH, RowFlaw::Depth(MAX_DEPTH as u8)));
}

#[test]
fn what_holds_children_is_entered_through_one_of_them() {
    let state = |initial| row(Table::States, 0, RowFlaw::Initial(initial));
    for wrong in [StateId::NONE, StateId(0), StateId(2), StateId(3), StateId(77)] {
        assert_eq!(after(|s| s.assembly.states[0].initial = wrong), state(wrong));
    }
}

#[test]
fn rows_belong_to_one_state_each() {
    let slice = |first, len| Slice { first, len };
    let past = |table| row(Table::States, 2, RowFlaw::Slice(table));
    assert_eq!(after(|s| s.assembly.states[2].rules = slice(1, 9)), past(Table::Rules));
    assert_eq!(after(|s| s.assembly.states[2].afters = slice(9, 1)), past(Table::Afters));
    assert_eq!(after(|s| s.assembly.states[2].whens = slice(0xFFFF, 0xFFFF)), past(Table::Whens));
    let shared = |table| row(Table::States, 2, RowFlaw::SharedRows { table, with: StateId(0) });
    assert_eq!(after(|s| s.assembly.states[2].rules = slice(0, 1)), shared(Table::Rules));
    // The order of the slices is free as long as they do not overlap.
    let swapped = after(|s| {
        s.assembly.rules.swap(0, 1);
        (s.assembly.states[0].rules, s.assembly.states[2].rules) = (slice(1, 1), slice(0, 1));
    });
    assert_eq!(swapped, Ok(()));
    let shared_all_the_same = after(|s| {
        (s.assembly.states[0].rules, s.assembly.states[2].rules) = (slice(1, 1), slice(0, 1));
        s.assembly.states[3].rules = slice(1, 1);
    });
    let flaw = RowFlaw::SharedRows { table: Table::Rules, with: StateId(0) };
    assert_eq!(shared_all_the_same, row(Table::States, 3, flaw));
}

#[test]
fn no_more_time_outs_run_at_once_than_the_device_counts() {
    let with = |count: usize| {
        after(|s| {
            let first = s.assembly.afters.len() as u16;
            let duration = s.assembly.code(&[op(OpCode::Int, 0, 5)]);
            let row = After { duration, target: StateId::NONE, guard: Code::NONE, action: Code::NONE };
            s.assembly.afters.extend(vec![row; count]);
            // State 1 lies in state 0, which has a time-out of its own.
            s.assembly.states[1].afters = Slice { first, len: count as u16 };
        })
    };
    let most = MAX_DEADLINES_PER_REGION;
    assert_eq!(with(most - 1), Ok(()));
    assert_eq!(with(most), row(Table::States, 1, RowFlaw::TooManyAfters(most + 1)));
}

#[test]
fn a_target_lies_in_the_same_region() {
    for wrong in [StateId(3), StateId(500), StateId(0xFFFD)] {
        assert_eq!(after(|s| s.assembly.rules[0].target = wrong), row(Table::Rules, 0, RowFlaw::Target(wrong)));
        assert_eq!(after(|s| s.assembly.afters[0].target = wrong), row(Table::Afters, 0, RowFlaw::Target(wrong)));
        assert_eq!(after(|s| s.assembly.whens[0].target = wrong), row(Table::Whens, 0, RowFlaw::Target(wrong)));
    }
    let none = StateId::NONE;
    assert_eq!(after(|s| s.assembly.whens[0].target = none), row(Table::Whens, 0, RowFlaw::Target(none)));
    assert_eq!(after(|s| s.assembly.rules[0].target = none), Ok(()));
    assert_eq!(after(|s| s.assembly.afters[0].target = none), Ok(()));
    assert_eq!(after(|s| s.assembly.whens[0].target = StateId::BACK), Ok(()));
}

#[test]
fn events_lines_and_what_must_run_are_there() {
    let event = EventId(EVENTS_END);
    assert_eq!(after(|s| s.assembly.rules[0].event = event), row(Table::Rules, 0, RowFlaw::Event(event)));
    assert_eq!(after(|s| s.assembly.afters[0].duration = Code::NONE), row(Table::Afters, 0, RowFlaw::NoCode));
    assert_eq!(after(|s| s.assembly.ends[0].condition = Code::NONE), row(Table::Ends, 0, RowFlaw::NoCode));
    let list = Slice { first: 1, len: 200 };
    assert_eq!(after(|s| s.assembly.lists[0] = list), row(Table::Lists, 0, RowFlaw::Slice(Table::Constants)));
}

#[test]
fn a_train_has_pulses_that_do_not_overlap() {
    let train = Train { delay_us: 0, width_us: 10, period_us: 20, count: 3, carrier: None };
    for wrong in [Train { count: 0, ..train }, Train { width_us: 0, ..train }, Train { period_us: 9, ..train }] {
        assert_eq!(after(|s| s.assembly.stimuli[0].train = wrong), row(Table::Stimuli, 0, RowFlaw::Train(wrong)));
    }
    let single = Train { count: 1, period_us: 0, ..train };
    assert_eq!(after(|s| s.assembly.stimuli[0].train = single), Ok(()));
}

#[test]
fn invariants_stand_in_the_order_of_their_lines() {
    let invariant = |flaw| row(Table::Invariants, 1, flaw);
    let line = LineId(32);
    assert_eq!(after(|s| s.assembly.invariants[1].line = line), invariant(RowFlaw::Line(line)));
    assert_eq!(after(|s| s.assembly.invariants[1].state = StateId(9)), invariant(RowFlaw::State(StateId(9))));
    // The assembler sorts them, and knows no scope that means nothing: both are written into the image itself.
    let mut words = Sound::new().assembly.image().unwrap();
    let at = Sound::offset(&words, Table::Invariants);
    words.swap(at, at + 2);
    words.swap(at + 1, at + 3);
    assert_eq!(check(&Program::open(&words).unwrap()), invariant(RowFlaw::Order));
    let mut words = Sound::new().assembly.image().unwrap();
    words[at + 2] |= 0x0300;
    assert_eq!(check(&Program::open(&words).unwrap()), invariant(RowFlaw::Scope(3)));
}

#[test]
fn draws_have_their_constants_labels_and_cells() {
    let sound = Draw {
        kind: DrawKind::Deck,
        variable: VariableId(0),
        labels: 2,
        constants: 0,
        max_run: 0,
        cells: 0,
        spend_on: Draw::AT_ONCE,
    };
    let with = |change: Draw, values: &[i64]| {
        after(|s| s.assembly.draws[0] = Draw { constants: s.assembly.constants(values), ..change })
    };
    assert_eq!(with(sound, &[3, 0]), Ok(()));
    assert_eq!(with(Draw { variable: VariableId(9), ..sound }, &[1, 1]), draw(DrawFlaw::Variable(VariableId(9))));
    for labels in [0, MAX_LABELS as u8 + 1] {
        assert_eq!(with(Draw { labels, ..sound }, &[1; 20]), draw(DrawFlaw::Labels(labels)));
        let weighted = Draw { kind: DrawKind::Weighted, labels, ..sound };
        assert_eq!(with(weighted, &[]), draw(DrawFlaw::Labels(labels)));
    }
    for values in [[0, 0], [-1, 5], [1, 65_536]] {
        assert_eq!(with(sound, &values), draw(DrawFlaw::Values), "a deck of {values:?}");
    }
    assert_eq!(with(sound, &[1]), draw(DrawFlaw::Constants));
    assert_eq!(with(Draw { cells: 252, ..sound }, &[1, 1]), Ok(()));
    assert_eq!(with(Draw { cells: 253, ..sound }, &[1, 1]), draw(DrawFlaw::Cells));
    let normal = Draw { kind: DrawKind::Normal, ..sound };
    assert_eq!(with(normal, &[5, 4]), draw(DrawFlaw::Values));
    let exponential = Draw { kind: DrawKind::Exponential, ..sound };
    for values in [[0, 1, 0, 1], [1, -1, 0, 1], [1, (1 << 32) + 1, 0, 1], [1, 1, 2, 1]] {
        assert_eq!(with(exponential, &values), draw(DrawFlaw::Values), "an exponential draw of {values:?}");
    }
    assert_eq!(with(exponential, &[1, 1, 0]), draw(DrawFlaw::Constants));

    // Two decks in the same cells would take each other's cards.
    let shared = after(|s| s.assembly.draws.push(Draw { cells: 3, ..s.assembly.draws[0] }));
    assert_eq!(shared, row(Table::Draws, 6, RowFlaw::Draw(DrawFlaw::SharedCells(0))));
    // The assembler knows no kind that means nothing.
    let mut words = Sound::new().assembly.image().unwrap();
    let at = Sound::offset(&words, Table::Draws);
    words[at] = (words[at] & !0xFF) | 6;
    assert_eq!(check(&Program::open(&words).unwrap()), draw(DrawFlaw::Kind(6)));
}

#[test]
fn every_operand_is_in_range() {
    let int = |n| op(OpCode::Int, 0, n);
    let special = |special, b| op(OpCode::Special, special as u8, b);
    for ops in [
        vec![op(OpCode::Constant, 0, 60)],
        vec![op(OpCode::Load, 0, 2)],
        vec![int(0), op(OpCode::Element, 0, 1)],
        vec![op(OpCode::InState, 0, 4)],
        vec![op(OpCode::Special, 8, 0)],
        vec![special(Special::Level, 32)],
        vec![special(Special::TimerLeft, 64)],
        vec![special(Special::TimerRunning, 64)],
        vec![special(Special::StateTime, 4)],
    ] {
        assert_eq!(as_guard(&ops), Some(CodeFlaw::Operand), "{ops:?}");
    }
    for ops in [
        vec![int(1), op(OpCode::Store, 0, 2)],
        vec![int(1), op(OpCode::Store, 2, 0)],
        vec![op(OpCode::On, 32, 0)],
        vec![op(OpCode::Off, 32, 0)],
        vec![op(OpCode::Play, 32, 0)],
        vec![op(OpCode::Play, 0, 1)],
        vec![int(1), op(OpCode::Pulse, 32, 0)],
        vec![int(1), int(1), op(OpCode::Deliver, 32, 0)],
        vec![op(OpCode::Signal, 0, EventId::NAMED - 1)],
        vec![op(OpCode::Signal, 0, EVENTS_END)],
        vec![op(OpCode::Outcome, 0, 0xFFFF)],
        vec![op(OpCode::Draw, 0, 6)],
        vec![int(1), op(OpCode::TimerStart, 64, 0)],
        vec![op(OpCode::TimerStop, 64, 0)],
        vec![op(OpCode::TimerPause, 64, 0)],
        vec![op(OpCode::TimerResume, 64, 0)],
    ] {
        assert_eq!(as_action(&ops), Some(CodeFlaw::Operand), "{ops:?}");
    }
}

#[test]
fn what_works_out_a_value_does_nothing_else() {
    for code in OpCode::ALL.iter().skip_while(|code| **code != OpCode::Store) {
        let ops = [op(OpCode::Int, 0, 1), op(OpCode::Int, 0, 1), op(*code, 0, EventId::NAMED)];
        assert_eq!(as_guard(&ops), Some(CodeFlaw::NotPure), "{code:?} in a guard");
    }
    let acting = [op(OpCode::Int, 0, 1), op(OpCode::On, 0, 0)];
    let duration = after(|s| s.assembly.afters[0].duration = s.assembly.code(&acting));
    assert_eq!(code_flaw(duration), Some(CodeFlaw::NotPure));
    let end = after(|s| s.assembly.ends[0].condition = s.assembly.code(&acting));
    assert_eq!(code_flaw(end), Some(CodeFlaw::NotPure));
}

#[test]
fn the_stack_is_as_deep_as_it_should_be_everywhere() {
    let int = op(OpCode::Int, 0, 1);
    let add = op(OpCode::Add, 0, 0);
    assert_eq!(as_guard(&[int, int]), Some(CodeFlaw::Leaves(2)));
    assert_eq!(as_guard(&[int, op(OpCode::JumpIfFalse, 0, 0)]), Some(CodeFlaw::Leaves(0)));
    assert_eq!(as_action(&[int]), Some(CodeFlaw::Leaves(1)));
    assert_eq!(as_guard(&[int, add]), Some(CodeFlaw::Underflow));
    let deep = |depth: usize| [vec![int; depth], vec![add; depth - 1]].concat();
    assert_eq!(as_guard(&deep(MAX_STACK)), None);
    assert_eq!(as_guard(&deep(MAX_STACK + 1)), Some(CodeFlaw::Overflow));
    // A draw takes what its kind takes: chance 1, uniform 2, normal 2, weighted one per label, the others
    // nothing.
    for (draw, takes) in [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 0)] {
        let drawing = |values| [vec![int; values], vec![op(OpCode::Draw, 0, draw)]].concat();
        assert_eq!(as_action(&drawing(takes)), None, "draw {draw}");
        assert_eq!(as_action(&drawing(takes + 1)), Some(CodeFlaw::Leaves(1)), "draw {draw}");
        if takes > 0 {
            assert_eq!(as_action(&drawing(takes - 1)), Some(CodeFlaw::Underflow), "draw {draw}");
        }
    }
}

#[test]
fn jumps_lead_forward_to_an_operation_of_the_same_code() {
    let int = op(OpCode::Int, 0, 1);
    let (jump, unless) = (|by| op(OpCode::Jump, 0, by), |by| op(OpCode::JumpIfFalse, 0, by));
    // if c { 1 } else { 1 }
    assert_eq!(as_guard(&[int, unless(2), int, jump(1), int]), None);
    assert_eq!(as_guard(&[int, unless(2), int, jump(0), int]), Some(CodeFlaw::Join), "one side leaves a value more");
    assert_eq!(as_guard(&[int, unless(2), int, jump(2), int]), Some(CodeFlaw::Jump), "past the end");
    assert_eq!(as_guard(&[int, jump(0xFFFF)]), Some(CodeFlaw::Unreachable), "nothing leads to the end");
    assert_eq!(as_guard(&[jump(1), int, int]), Some(CodeFlaw::Unreachable));
    assert_eq!(as_guard(&[int, int, unless(1), int]), Some(CodeFlaw::Join));
    // A long chain of else-ifs leads to one place and is followed as one.
    let chain: Vec<Op> = (0..100).flat_map(|n| [int, unless(1), jump(3 * (99 - n))]).collect();
    assert_eq!(as_action(&chain), None);
    let nested = |depth: u16| -> Vec<Op> {
        (0..depth).flat_map(|n| [int, unless(2 * depth - n)]).chain(vec![op(OpCode::Trial, 0, 0); 80]).collect()
    };
    assert_eq!(as_action(&nested(32)), None);
    assert_eq!(as_action(&nested(33)), Some(CodeFlaw::TooManyJumps));
}

#[test]
fn code_is_known_and_comes_to_an_end() {
    assert_eq!(code_flaw(after(|s| s.assembly.rules[0].guard = Code(0xFFF0))), Some(CodeFlaw::NoEnd));
    // The assembler ends all code, and knows no operation that means nothing.
    let sound = Sound::new().assembly.image().unwrap();
    let at = Sound::offset(&sound, Table::Code);
    let last = at + Program::open(&sound).unwrap().rows(Table::Code) - 1;
    for (place, word, flaw) in
        [(last, op(OpCode::Trial, 0, 0).to_word(), CodeFlaw::NoEnd), (last, 0xEE, CodeFlaw::Unknown(0xEE))]
    {
        let mut words = sound.clone();
        words[place] = word;
        assert_eq!(code_flaw(check(&Program::open(&words).unwrap())), Some(flaw));
    }
}

#[test]
fn code_run_by_too_many_rows_is_not_walked_for_ever() {
    let verdict = after(|s| {
        let long = vec![op(OpCode::Trial, 0, 0); 4_000];
        let action = s.assembly.code(&long);
        let first = s.assembly.rules.len() as u16;
        let rule = Rule { event: EventId(0), target: StateId::NONE, guard: Code::NONE, action };
        s.assembly.rules.extend(vec![rule; 300]);
        s.assembly.states[3].rules = Slice { first, len: 300 };
    });
    assert_eq!(verdict, Err(CheckError::TooMuchCode));
}

#[test]
fn every_refusal_is_a_sentence_with_the_place_in_it() {
    let verdict = after(|s| s.assembly.whens[0] = When { target: StateId(3), ..s.assembly.whens[0] });
    assert_eq!(verdict.unwrap_err().to_string(), "row 0 of table Whens: its target 3 is none this row may have");
}
