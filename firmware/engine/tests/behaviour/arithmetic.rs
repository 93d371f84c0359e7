//! Expressions: what each operation gives, and what is a fault.

use link::program::op::OpCode::*;
use link::{Fault, Record};

use crate::support::*;

/// What an expression comes to at the start of a session.
fn value(expression: impl Into<Script>) -> Result<i64, Fault> {
    let run = state().entry(set("x", expression));
    let all = protocol("").variable("x", 0).variable("seven", 7).list("sizes", &[10, 20, 30]).state("run", run);
    let records = all.bench().run(0);
    let found = records.iter().find_map(|(_, record)| match record {
        Record::Set { value, .. } => Some(Ok(*value)),
        Record::Fault(fault) => Some(Err(*fault)),
        _ => None,
    });
    let faults = records.iter().filter(|(_, record)| matches!(record, Record::Fault(_) | Record::End(_))).count();
    assert_eq!(faults, if found.is_some_and(|found| found.is_err()) { 2 } else { 0 }, "a fault ends the session");
    found.unwrap_or(Err(Fault::BadProgram))
}

const MIN: i64 = i64::MIN;
const MAX: i64 = i64::MAX;

#[test]
fn operations_on_one_value() {
    for (code, x, expected) in [
        (Negate, 5, Ok(-5)),
        (Negate, MIN, Err(Fault::Overflow)),
        (Absolute, -5, Ok(5)),
        (Absolute, MIN, Err(Fault::Overflow)),
        (Not, 0, Ok(1)),
        (Not, 7, Ok(0)),
    ] {
        assert_eq!(value(unary(code, x)), expected, "{code:?} {x}");
    }
}

#[test]
fn operations_on_two_values() {
    let (over, zero) = (Err(Fault::Overflow), Err(Fault::DivideByZero));
    for (x, code, y, expected) in [
        (2, Add, 3, Ok(5)),
        (MAX, Add, 1, over),
        (2, Subtract, 3, Ok(-1)),
        (MIN, Subtract, 1, over),
        (-2, Multiply, 3, Ok(-6)),
        (MAX, Multiply, 2, over),
        (-7, Divide, 2, Ok(-3)),
        (7, Divide, 0, zero),
        (MIN, Divide, -1, over),
        (-7, Remainder, 2, Ok(-1)),
        (7, Remainder, 0, zero),
        (MIN, Remainder, -1, over),
        (20_000, MultiplyScaled, 500_000, Ok(10_000)),
        (1, MultiplyScaled, 500_000, Ok(1)),
        (-1, MultiplyScaled, 500_000, Ok(-1)),
        (1, MultiplyScaled, 499_999, Ok(0)),
        (MAX, MultiplyScaled, 2, over),
        (1, DivideScaled, 3, Ok(333_333)),
        (2, DivideScaled, 3, Ok(666_667)),
        (1, DivideScaled, 0, zero),
        (MAX, DivideScaled, 1, over),
        (2, Minimum, -3, Ok(-3)),
        (2, Maximum, -3, Ok(2)),
        (2, Equal, 2, Ok(1)),
        (2, NotEqual, 2, Ok(0)),
        (2, Less, 2, Ok(0)),
        (1, Less, 2, Ok(1)),
        (2, LessOrEqual, 2, Ok(1)),
        (3, LessOrEqual, 2, Ok(0)),
        (5, And, 7, Ok(1)),
        (5, And, 0, Ok(0)),
        (0, Or, 7, Ok(1)),
        (0, Or, 0, Ok(0)),
    ] {
        assert_eq!(value(binary(x, code, y)), expected, "{x} {code:?} {y}");
    }
}

#[test]
fn numbers_of_every_size_are_pushed_as_they_are() {
    for x in [0, 1, -1, 32_767, 32_768, -32_768, -32_769, 1 << 40, MIN, MAX] {
        assert_eq!(value(x), Ok(x));
    }
}

#[test]
fn variables_and_lists_are_read() {
    assert_eq!(value("seven"), Ok(7));
    assert_eq!(value(element("sizes", 2)), Ok(30));
    assert_eq!(value(element("sizes", 3)), Err(Fault::IndexOutOfRange));
    assert_eq!(value(element("sizes", -1)), Err(Fault::IndexOutOfRange));
    assert_eq!(value(element("sizes", 65_536)), Err(Fault::IndexOutOfRange));
}

#[test]
fn a_condition_leaves_out_what_it_does_not_hold_for() {
    assert_eq!(value(plus(1, 1)), Ok(2));
    let chosen = |holds: i64| {
        let run = state().entry([only_if(holds, set("x", 1)), set("x", 2)]);
        protocol("").variable("x", 0).state("run", run).bench().run(0).len()
    };
    // The start, the entry, and one or two sets.
    assert_eq!((chosen(0), chosen(1)), (3, 4));
}

#[test]
fn thirty_two_values_fit_on_the_stack_and_one_more_is_a_fault() {
    let sum =
        |n: usize| Script::from([times(n, 1.into()), times(n - 1, op(Add, Operand::Number(0), Operand::Number(0)))]);
    assert_eq!(value(sum(32)), Ok(32));
    assert_eq!(value(sum(33)), Err(Fault::Stack));
}
