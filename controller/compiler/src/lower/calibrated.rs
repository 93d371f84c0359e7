//! What was measured, turned round: the drive that gives an amount lies on the straight line between the two points beside it,
//! and nowhere beyond them. Openings of valves and powers of motors are found so, before the session and by code in it.

use link::program::op::OpCode;

use crate::expression::check::Ir;

/// The drive that gives an amount, to the nearest; none outside what was measured. Points are drives and what each gave, rising.
pub(super) fn drive(points: &[(i64, i64)], amount: i64) -> Option<i64> {
    points.iter().zip(points.iter().skip(1)).find_map(|(&(d0, a0), &(d1, a1))| {
        (a0 <= amount && amount <= a1).then(|| d0 + ((amount - a0) * (d1 - d0) + (a1 - a0) / 2) / (a1 - a0))
    })
}

/// The same as code, which gives `outside` where nothing was measured.
pub(super) fn drive_code(points: &[(i64, i64)], amount: &Ir, outside: i64) -> Ir {
    let asks = |code, limit: i64| binary(code, amount.clone(), limit);
    let choose = |condition, yes, no| Ir::If(Box::new(condition), Box::new(yes), Box::new(no));
    let mut code = Ir::Constant(outside);
    for (&(d0, a0), &(d1, a1)) in points.iter().zip(points.iter().skip(1)).collect::<Vec<_>>().into_iter().rev() {
        let risen = binary(OpCode::Subtract, amount.clone(), a0);
        let scaled = binary(OpCode::Multiply, risen, d1 - d0);
        let rounded = binary(OpCode::Add, scaled, (a1 - a0) / 2);
        let line = binary(OpCode::Add, binary(OpCode::Divide, rounded, a1 - a0), d0);
        code = choose(asks(OpCode::LessOrEqual, a1), line, code);
    }
    let lowest = points.first().map_or(0, |(_, amount)| *amount);
    choose(asks(OpCode::Less, lowest), Ir::Constant(outside), code)
}

fn binary(code: OpCode, left: Ir, right: i64) -> Ir {
    Ir::Binary(code, Box::new(left), Box::new(Ir::Constant(right)))
}

#[cfg(test)]
mod tests {
    use super::drive;

    #[test]
    fn a_drive_lies_on_the_line_between_the_points_beside_it() {
        let points = [(10_000, 2_000), (50_000, 10_000), (100_000, 30_000)];
        assert_eq!(drive(&points, 2_000), Some(10_000));
        assert_eq!(drive(&points, 6_000), Some(30_000));
        assert_eq!(drive(&points, 20_000), Some(75_000));
        assert_eq!(drive(&points, 30_000), Some(100_000));
        assert_eq!((drive(&points, 1_999), drive(&points, 30_001)), (None, None));
    }
}
