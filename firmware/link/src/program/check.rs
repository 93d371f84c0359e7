//! The check of a program image: walks all of it, so that the engine may follow every index without asking again.
//! Both sides run it, the compiler on what it made and the device on what arrived. Code is walked by `code` below.
//!
//! Owns what makes an image sound; knows nothing of what the program is for. Work is bounded: no more than
//! [`MAX_CHECKED_OPS`] operations are looked at, and every table is walked a fixed number of times.

mod code;
mod draw;
mod flaw;

pub use code::MAX_OPEN_JUMPS;
pub use flaw::{CheckError, CodeFlaw, DrawFlaw, RowFlaw};

use super::rows::{Code, Slice, State};
use super::{Program, Table};
use crate::limits::{
    MAX_DEADLINES_PER_REGION, MAX_DEPTH, MAX_DRAWS, MAX_ENDS, MAX_INVARIANTS, MAX_LINES, MAX_LIST_PULSES,
    MAX_PROGRAM_WORDS, MAX_REGIONS, MAX_STATES, MAX_VARIABLES,
};
use crate::pulses::{self, ListPulse};
use crate::record::{Carrier, Train, Wave};
use crate::vocabulary::{EventId, StateId};
use code::{CodeWalk, Leaves};

/// One past the highest event number: 4096 named ones.
pub const EVENTS_END: u16 = EventId::NAMED + 4096;
/// Operations the check looks at before it gives up, each piece of code counted as often as a row names it.
pub const MAX_CHECKED_OPS: u32 = 1 << 20;

/// What a sound program asks of the device at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Values on the stack at once.
    pub max_stack: usize,
    /// Operations of the longest piece of code, its end included.
    pub longest_code_ops: usize,
}

/// Walks the whole image.
///
/// # Errors
/// With the first thing found that the engine could not trust, and where it stands.
pub fn check(program: &Program<'_>) -> Result<(), CheckError> {
    check_pausing(program, &mut || {})
}

/// As [`check`], for whoever has other duties: `pause` is called at every row.
///
/// # Errors
/// As [`check`].
pub fn check_pausing(program: &Program<'_>, pause: &mut dyn FnMut()) -> Result<(), CheckError> {
    walk(program, pause).map(|_| ())
}

/// Walks the whole image, and says what it asks for.
///
/// # Errors
/// As [`check`].
pub fn cost(program: &Program<'_>) -> Result<Cost, CheckError> {
    walk(program, &mut || {})
}

fn walk(program: &Program<'_>, pause: &mut dyn FnMut()) -> Result<Cost, CheckError> {
    counts(program)?;
    let mut walk = CodeWalk::new(program);
    lists(program)?;
    stimuli(program)?;
    draw::draws(program)?;
    let mut owned = [0; 3];
    for index in 0..program.rows(Table::States) {
        pause();
        state(program, index)?;
        own_rows(program, index, &mut owned)?;
    }
    regions(program)?;
    for index in 0..program.rows(Table::States) {
        actions_of_state(program, &mut walk, index, pause)?;
    }
    invariants(program)?;
    for row in 0..program.rows(Table::Ends) {
        let condition = program.end(row).condition;
        if condition == Code::NONE {
            return Err(flawed(Table::Ends, row, RowFlaw::NoCode));
        }
        walk.piece(Table::Ends, row, condition, Leaves::Value)?;
    }
    Ok(walk.cost())
}

fn flawed(table: Table, row: usize, flaw: RowFlaw) -> CheckError {
    CheckError::Row { table, row, flaw }
}

fn counts(program: &Program<'_>) -> Result<(), CheckError> {
    let words = program.words().len();
    if words > MAX_PROGRAM_WORDS {
        return Err(CheckError::TooLong { words });
    }
    for (table, least, most) in [
        (Table::Regions, 1, MAX_REGIONS),
        (Table::States, 1, MAX_STATES),
        (Table::Variables, 0, MAX_VARIABLES),
        (Table::Draws, 0, MAX_DRAWS),
        (Table::Invariants, 0, MAX_INVARIANTS),
        (Table::Ends, 0, MAX_ENDS),
    ] {
        let rows = program.rows(table);
        if !(least..=most).contains(&rows) {
            return Err(CheckError::Rows { table, rows, least, most });
        }
    }
    Ok(())
}

/// The state with this number, if there is one.
fn state_at(program: &Program<'_>, id: StateId) -> Option<State> {
    (id.index() < program.rows(Table::States)).then(|| program.state(id.index()))
}

fn regions(program: &Program<'_>) -> Result<(), CheckError> {
    for row in 0..program.rows(Table::Regions) {
        let start = program.region(row).start;
        if state_at(program, start).is_none_or(|state| state.region.index() != row) {
            return Err(flawed(Table::Regions, row, RowFlaw::Start(start)));
        }
    }
    Ok(())
}

/// A state's place among the others, and that its rows are its own.
fn state(program: &Program<'_>, index: usize) -> Result<(), CheckError> {
    let state = program.state(index);
    let fail = |flaw| Err(flawed(Table::States, index, flaw));
    if state.region.index() >= program.rows(Table::Regions) {
        return fail(RowFlaw::Region(state.region));
    }
    if state.parent == StateId::NONE {
        if state.depth != 0 {
            return fail(RowFlaw::Depth(state.depth));
        }
    } else {
        let Some(parent) = state_at(program, state.parent).filter(|_| state.parent.index() < index) else {
            return fail(RowFlaw::Parent(state.parent));
        };
        if parent.region != state.region {
            return fail(RowFlaw::Region(state.region));
        }
        if usize::from(state.depth) != usize::from(parent.depth) + 1 || usize::from(state.depth) >= MAX_DEPTH {
            return fail(RowFlaw::Depth(state.depth));
        }
        if parent.initial == StateId::NONE {
            return Err(flawed(Table::States, state.parent.index(), RowFlaw::Initial(StateId::NONE)));
        }
    }
    // A child stands behind its parent, so a chain of initial states climbs and comes to an end.
    if state.initial != StateId::NONE {
        let child = state_at(program, state.initial);
        if child.is_none_or(|child| child.parent.index() != index) {
            return fail(RowFlaw::Initial(state.initial));
        }
    }
    let deadlines = deadlines_with_ancestors(program, &state);
    if deadlines > MAX_DEADLINES_PER_REGION { fail(RowFlaw::TooManyAfters(deadlines)) } else { Ok(()) }
}

fn slice_of(state: &State, table: Table) -> Slice {
    match table {
        Table::Rules => state.rules,
        Table::Afters => state.afters,
        _ => state.whens,
    }
}

/// A row belongs to one state at most. `owned` is where the rows of the states before end, table by table: what begins
/// there or later is nobody else's, and rows that stand in the order of their states need no further look.
fn own_rows(program: &Program<'_>, index: usize, owned: &mut [usize; 3]) -> Result<(), CheckError> {
    for (table, owned) in [Table::Rules, Table::Afters, Table::Whens].into_iter().zip(owned) {
        let own = slice_of(&program.state(index), table).range();
        if own.end > program.rows(table) {
            return Err(flawed(Table::States, index, RowFlaw::Slice(table)));
        }
        if own.is_empty() {
            continue;
        }
        let shares = |other: &usize| {
            let theirs = slice_of(&program.state(*other), table).range();
            theirs.start < own.end && own.start < theirs.end
        };
        if own.start < *owned
            && let Some(other) = (0..index).find(shares)
        {
            return Err(flawed(Table::States, index, RowFlaw::SharedRows { table, with: StateId(other as u16) }));
        }
        *owned = own.end.max(*owned);
    }
    Ok(())
}

fn deadlines_with_ancestors(program: &Program<'_>, state: &State) -> usize {
    let (mut sum, mut at) = (usize::from(state.afters.len), state.parent);
    for _ in 0..MAX_DEPTH {
        let Some(ancestor) = state_at(program, at) else { break };
        sum += usize::from(ancestor.afters.len);
        at = ancestor.parent;
    }
    sum
}

/// Everything a state runs, and where its rows lead.
fn actions_of_state(
    program: &Program<'_>,
    walk: &mut CodeWalk<'_, '_>,
    index: usize,
    pause: &mut dyn FnMut(),
) -> Result<(), CheckError> {
    pause();
    let state = program.state(index);
    walk.piece(Table::States, index, state.entry, Leaves::Nothing)?;
    walk.piece(Table::States, index, state.exit, Leaves::Nothing)?;
    let leads = |table, row, target: StateId, may_stay: bool| {
        let there = state_at(program, target).is_some_and(|to| to.region == state.region);
        if there || target == StateId::BACK || (may_stay && target == StateId::NONE) {
            Ok(())
        } else {
            Err(flawed(table, row, RowFlaw::Target(target)))
        }
    };
    for row in state.rules.range() {
        pause();
        let rule = program.rule(row);
        if rule.event.0 >= EVENTS_END {
            return Err(flawed(Table::Rules, row, RowFlaw::Event(rule.event)));
        }
        leads(Table::Rules, row, rule.target, true)?;
        walk.piece(Table::Rules, row, rule.guard, Leaves::Value)?;
        walk.piece(Table::Rules, row, rule.action, Leaves::Nothing)?;
    }
    for row in state.afters.range() {
        pause();
        let after = program.after(row);
        if after.duration == Code::NONE {
            return Err(flawed(Table::Afters, row, RowFlaw::NoCode));
        }
        leads(Table::Afters, row, after.target, true)?;
        walk.piece(Table::Afters, row, after.duration, Leaves::Value)?;
        walk.piece(Table::Afters, row, after.guard, Leaves::Value)?;
        walk.piece(Table::Afters, row, after.action, Leaves::Nothing)?;
    }
    for row in state.whens.range() {
        pause();
        let when = program.when(row);
        leads(Table::Whens, row, when.target, false)?;
        walk.piece(Table::Whens, row, when.guard, Leaves::Value)?;
        walk.piece(Table::Whens, row, when.action, Leaves::Nothing)?;
    }
    Ok(())
}

fn lists(program: &Program<'_>) -> Result<(), CheckError> {
    for row in 0..program.rows(Table::Lists) {
        if program.list(row).range().end > program.rows(Table::Constants) {
            return Err(flawed(Table::Lists, row, RowFlaw::Slice(Table::Constants)));
        }
    }
    Ok(())
}

fn stimuli(program: &Program<'_>) -> Result<(), CheckError> {
    for row in 0..program.rows(Table::Stimuli) {
        let train = program.stimulus(row).train;
        let touches = train.count > 1 && train.period_us < train.width_us;
        if train.count == 0 || train.width_us == 0 || touches || !is_as_it_says(program, &train) {
            return Err(flawed(Table::Stimuli, row, RowFlaw::Train(train)));
        }
    }
    Ok(())
}

/// Whether bursts lie apart, and whether a list is what its row says of it: the device goes by the row when it holds it to
/// limits.
fn is_as_it_says(program: &Program<'_>, train: &Train) -> bool {
    match train.carrier.map(|carrier| carrier.wave) {
        Some(Wave::Bursts { pulses, interval_us, .. }) => {
            pulses != 0 && interval_us != 0 && train.period_us > train.width_us && train.least_gap_us() != 0
        }
        Some(Wave::List { first, gap_us, .. }) => {
            let places = usize::from(first)..usize::from(first).saturating_add(train.count as usize);
            let pulses = places.take(MAX_LIST_PULSES + 1).map(|place| ListPulse::of(program, place));
            let said = Train { carrier: Some(Carrier::silent(Wave::List { first, gap_us, powered: false })), ..*train };
            pulses::list(train.delay_us, first, pulses) == Some(said)
        }
        Some(Wave::Sweep { from_mhz, .. }) => from_mhz != 0 && from_mhz < 1 << 28,
        _ => true,
    }
}

fn invariants(program: &Program<'_>) -> Result<(), CheckError> {
    let mut line_before = 0;
    for (row, words) in program.table(Table::Invariants).chunks(Table::Invariants.row_words()).enumerate() {
        // The raw byte: reading the row makes a known scope of any number.
        let [line, scope, ..] = words.first().copied().unwrap_or(0).to_le_bytes();
        let invariant = program.invariant(row);
        let fail = |flaw| Err(flawed(Table::Invariants, row, flaw));
        if usize::from(line) >= MAX_LINES {
            return fail(RowFlaw::Line(invariant.line));
        }
        if line < line_before {
            return fail(RowFlaw::Order);
        }
        line_before = line;
        if scope > super::rows::Scope::State as u8 {
            return fail(RowFlaw::Scope(scope));
        }
        if scope == super::rows::Scope::State as u8 && state_at(program, invariant.state).is_none() {
            return fail(RowFlaw::State(invariant.state));
        }
    }
    Ok(())
}
