//! Draws: what they give, their rows, and the constants that must be worked out on a computer that has logarithms.

use link::program::op::{Op, OpCode};
use link::program::rows::{self, DrawKind as RowKind};
use link::{VariableId, limits};

use super::Lowering;
use super::lists::Target;
use crate::diagnostic::{Reporter, Span, listed};
use crate::expression::check::{Ir, Type};
use crate::expression::{Expr, ExprKind, emit};
use crate::names::{Origin, Scope};
use crate::protocol::{ActionKind, Draw, DrawKind};
use crate::quantity::{ONE, Quantity};
use crate::yaml::Text;

/// 2³², one whole as the device keeps the fraction of an exponential.
const FRACTION: f64 = 4_294_967_296.0;

impl DrawKind {
    fn word(&self) -> &'static str {
        match self {
            Self::Chance(_) => "chance",
            Self::Uniform(..) => "uniform",
            Self::Integer(..) => "integer",
            Self::Exponential { .. } => "exponential",
            Self::Normal { .. } => "normal",
            Self::Weighted(_) => "weighted",
            Self::Deck(_) => "deck",
            Self::Shuffle(_) => "shuffle",
            Self::Sample(_) => "sample",
        }
    }
}

impl Lowering<'_> {
    /// Gives a type to every variable that a draw alone names: one that is drawn between others has theirs, in whatever order
    /// they stand.
    pub(super) fn infer_draws(&mut self) {
        let protocol = self.protocol;
        loop {
            let mut found = false;
            for action in protocol.actions() {
                let ActionKind::Draw(draw) = &action.kind else { continue };
                let Some((id, variable)) = self.names.variable(&draw.variable.text) else { continue };
                if variable.origin != Origin::Drawn || variable.ty.is_some() {
                    continue;
                }
                let ty = self.drawn_type(draw);
                if let Some(variable) = self.names.variables.get_mut(usize::from(id)) {
                    variable.ty = ty;
                }
                found |= ty.is_some();
            }
            if !found {
                break;
            }
        }
    }

    /// Reports draws whose type cannot be told, where no other mistake is why.
    pub(super) fn check_drawn_types(&mut self) {
        if self.reporter.has_errors() {
            return;
        }
        let untold = |variable: &&crate::names::Variable| variable.origin == Origin::Drawn && variable.ty.is_none();
        let untold: Vec<(String, Span)> =
            self.names.variables.iter().filter(untold).map(|one| (one.name.clone(), one.span)).collect();
        // Whatever else is wrong with one is told where it is written out; what is left is asked of itself.
        for (name, span) in untold {
            let own = self.protocol.actions().into_iter().find_map(|action| match &action.kind {
                ActionKind::Draw(draw) if draw.variable.text == name => Some(draw),
                _ => None,
            });
            let (DrawKind::Uniform(of, _) | DrawKind::Exponential { mean: of, .. } | DrawKind::Normal { mean: of, .. }) =
                (match own {
                    Some(draw) => &draw.kind,
                    None => continue,
                })
            else {
                continue;
            };
            let mut quiet = Reporter::silent();
            let told =
                crate::expression::check::Checker::new(&self.names, Scope::default(), &mut quiet).infer(of, None);
            if told.is_none() && !quiet.has_errors() {
                self.reporter
                    .error(
                        "E218-circular",
                        span,
                        format!("what `{name}` measures cannot be told by what it is drawn between"),
                    )
                    .help(format!("say what it begins with: `variables: {{{name}: 1 s}}`"));
            }
        }
    }

    fn drawn_type(&mut self, draw: &Draw) -> Option<Type> {
        Some(match &draw.kind {
            DrawKind::Chance(_) => Type::Truth,
            DrawKind::Integer(..) => Type::Count,
            DrawKind::Weighted(labels) | DrawKind::Deck(labels) => {
                let labels = labels.iter().map(|(label, _)| label.text.clone()).collect();
                Type::Label(self.names.label_set(labels))
            }
            DrawKind::Shuffle(source) | DrawKind::Sample(source) => self.sampled_type(source)?,
            DrawKind::Uniform(value, _)
            | DrawKind::Exponential { mean: value, .. }
            | DrawKind::Normal { mean: value, .. } => {
                let found = match &value.kind {
                    // Its mistakes are told where the draw is written out.
                    ExprKind::Literal(quantity) => Type::of(quantity.natural()?)?,
                    _ => {
                        let mut quiet = Reporter::new(&crate::Source { name: String::new(), text: String::new() });
                        let mut checker =
                            crate::expression::check::Checker::new(&self.names, Scope::default(), &mut quiet);
                        checker.infer(value, None)?.ty
                    }
                };
                if found == Type::Count { Type::Number } else { found }
            }
        })
    }

    /// The operations of a draw, its row written.
    pub(super) fn draw(&mut self, draw: &Draw, scope: Scope) -> Option<Vec<Op>> {
        let ops = self.draw_anew(draw, scope)?;
        if draw.once { Some(self.once(&draw.variable, ops)) } else { Some(ops) }
    }

    /// A draw that is made once in the life of a subject: the first time, unless a session before made it.
    fn once(&mut self, name: &Text, mut ops: Vec<Op>) -> Vec<Op> {
        let made = format!("{}.drawn", name.text);
        let before = self.sitting.drawn_before.iter().any(|(known, _)| *known == name.text);
        self.add_hidden(made.clone(), Some(Type::Truth), i64::from(before), name.span);
        let Some((made, _)) = self.names.variable(&made) else { return ops };
        if let Some((id, _)) = self.names.variable(&name.text)
            && !self.once.contains(&id)
        {
            self.once.push(id);
        }
        ops.push(self.assembly.push(1));
        ops.push(Op::new(OpCode::Store, 0, made));
        let not_yet = Ir::Unary(OpCode::Not, Box::new(Ir::Load(made)));
        super::guarded(Some(&not_yet), ops, &mut self.assembly)
    }

    fn draw_anew(&mut self, draw: &Draw, scope: Scope) -> Option<Vec<Op>> {
        if let DrawKind::Shuffle(source) = &draw.kind {
            return self.shuffle(draw, source);
        }
        let (id, origin, ty, target) = match draw.variable.text.ends_with(']') {
            true => {
                let (target, ty) = self.target_of(&draw.variable, scope)?;
                let id = match target {
                    Target::Variable(id) => id,
                    // Drawn into a variable first, and put where it goes from there.
                    Target::Element { .. } => self.drawn_into(&draw.variable, ty),
                };
                (id, Origin::Declared, Some(ty), Some(target))
            }
            false => {
                let (id, variable) = self.names.variable(&draw.variable.text)?;
                (id, variable.origin, variable.ty, None)
            }
        };
        let what = match origin {
            Origin::Parameter => Some("parameter"),
            Origin::Counter => Some("counter"),
            Origin::Column => Some("column"),
            Origin::Known => Some("value that is fixed for the session"),
            Origin::Outside => Some("value from outside"),
            Origin::Made if !draw.made => Some("variable of something else that is declared"),
            Origin::Declared | Origin::Drawn | Origin::Made => None,
        };
        if let Some(what) = what {
            self.reporter
                .error(
                    "E121-not-settable",
                    draw.variable.span,
                    format!("`{}` is a {what} and cannot be drawn", draw.variable.text),
                )
                .help("draw into another variable");
            return None;
        }
        self.flow.sets(id);
        if let DrawKind::Sample(source) = &draw.kind {
            return self.sample(draw, source, scope);
        }
        let mut row = rows::Draw {
            kind: RowKind::Chance,
            variable: VariableId(id),
            labels: 0,
            constants: 0,
            max_run: 0,
            cells: 0,
            spend_on: rows::Draw::AT_ONCE,
        };
        let mut ops = Vec::new();
        match &draw.kind {
            DrawKind::Chance(chance) => {
                self.expect(ty?, Type::Truth, draw)?;
                let expr = chance;
                let chance = self.value(expr, Type::Number, scope)?;
                let known = self.foreseen(&chance, expr, scope);
                if known.is_some_and(|p| !(0..=ONE).contains(&p)) {
                    self.reporter
                        .error("E140-not-a-probability", chance.span, "a probability lies between 0 and 1")
                        .help("write 0.5 or 50 %");
                }
                emit::emit(&chance.ir, &mut self.assembly, &mut ops);
            }
            DrawKind::Uniform(low, high) | DrawKind::Integer(low, high) => {
                row.kind = RowKind::Uniform;
                let ty = match draw.kind {
                    DrawKind::Integer(..) => self.expect(ty?, Type::Count, draw).map(|()| Type::Count)?,
                    _ => self.continuous(ty?, draw)?,
                };
                let written = (low, high);
                let (low, high) = (self.value(low, ty, scope), self.value(high, ty, scope));
                let (low, high) = (low?, high?);
                let known = (self.foreseen(&low, written.0, scope), self.foreseen(&high, written.1, scope));
                self.check_order(known, (low.span, high.span), ty);
                emit::emit(&low.ir, &mut self.assembly, &mut ops);
                emit::emit(&high.ir, &mut self.assembly, &mut ops);
            }
            DrawKind::Exponential { mean, min, max } => {
                row.kind = RowKind::Exponential;
                let ty = self.continuous(ty?, draw)?;
                row.constants = self.exponential(mean, min, max, ty, scope)?;
            }
            DrawKind::Normal { mean, sd, min, max } => {
                row.kind = RowKind::Normal;
                let ty = self.continuous(ty?, draw)?;
                let (mean, sd) = (self.value(mean, ty, scope), self.value(sd, ty, scope));
                let low = self.known(min, ty, scope, "the least of a normal draw");
                let high = self.known(max, ty, scope, "the most of a normal draw");
                let (mean, sd, low, high) = (mean?, sd?, low?, high?);
                self.check_order((Some(low), Some(high)), (min.span, max.span), ty);
                // A mean outside the bounds would be redrawn for ever, and so is not drawn at all.
                let bounds = format!("bounds are {} to {}", self.shown(low, ty), self.shown(high, ty));
                if mean.constant().is_some_and(|mean| mean < low || mean > high) {
                    self.reporter
                        .error("E141-mean-out-of-bounds", mean.span, "the mean lies outside the bounds of the draw")
                        .help(bounds);
                }
                if sd.constant().is_some_and(|sd| sd < 0) {
                    self.reporter
                        .error("E027-out-of-bounds", sd.span, "a standard deviation is never below zero")
                        .help("write it without a sign");
                }
                row.constants = self.assembly.constants(&[low, high]);
                emit::emit(&mean.ir, &mut self.assembly, &mut ops);
                emit::emit(&sd.ir, &mut self.assembly, &mut ops);
            }
            DrawKind::Weighted(labels) => {
                row.kind = RowKind::Weighted;
                row.labels = self.labels(labels, ty?, draw)?;
                let weights = self.weights(labels, ty?, scope)?;
                let weights = match &draw.max_run {
                    None => weights,
                    Some(most) => self.bounded_run(weights, most, draw)?,
                };
                weights.iter().for_each(|weight| emit::emit(weight, &mut self.assembly, &mut ops));
            }
            // They have operations of their own.
            DrawKind::Shuffle(_) | DrawKind::Sample(_) => return None,
            DrawKind::Deck(labels) => {
                row.kind = RowKind::Deck;
                row.labels = self.labels(labels, ty?, draw)?;
                self.deck(labels, ty?, draw, scope, &mut row)?;
            }
        }
        ops.push(self.draw_row(row, draw.kind.word()));
        if let (DrawKind::Weighted(_), Some(_)) = (&draw.kind, &draw.max_run) {
            ops.extend(self.count_run(draw, id));
        }
        if let Some(target @ Target::Element { .. }) = target {
            ops.extend(self.put(&target, &Ir::Load(id)));
        }
        Some(ops)
    }

    /// The variable must be what the draw gives.
    pub(super) fn expect(&mut self, ty: Type, given: Type, draw: &Draw) -> Option<()> {
        if ty == given {
            return Some(());
        }
        self.reporter
            .error(
                "E142-draw-type",
                draw.kind_span,
                format!(
                    "`{}` gives a {}, and `{}` is a {}",
                    draw.kind.word(),
                    given.name(),
                    draw.variable.text,
                    ty.name()
                ),
            )
            .help("draw into another variable");
        None
    }

    fn continuous(&mut self, ty: Type, draw: &Draw) -> Option<Type> {
        if matches!(ty, Type::Truth | Type::Label(_) | Type::Outcome | Type::Count) {
            let diagnostic = self.reporter.error(
                "E142-draw-type",
                draw.kind_span,
                format!(
                    "`{}` gives a number or a quantity, and `{}` is a {}",
                    draw.kind.word(),
                    draw.variable.text,
                    ty.name()
                ),
            );
            if ty == Type::Count {
                diagnostic.help("a whole number is drawn with `integer: [1, 6]`");
            } else {
                diagnostic.help("draw into another variable");
            }
            return None;
        }
        Some(ty)
    }

    /// Reports bounds that stand the wrong way round, as far as they are known.
    pub(super) fn check_order(&mut self, bounds: (Option<i64>, Option<i64>), (low, high): (Span, Span), ty: Type) {
        if let (Some(least), Some(most)) = bounds
            && least > most
        {
            let (least, most) = (self.shown(least, ty), self.shown(most, ty));
            self.reporter
                .error("E143-bounds-reversed", low.to(high), format!("{least} is more than {most}"))
                .help("the lower bound stands first");
        }
    }

    /// How many labels the variable has; each label of the draw must be one of them.
    fn labels(&mut self, labels: &[(Text, Expr)], ty: Type, draw: &Draw) -> Option<u8> {
        let Type::Label(set) = ty else {
            self.reporter
                .error(
                    "E142-draw-type",
                    draw.kind_span,
                    format!("`{}` gives a label, and `{}` is a {}", draw.kind.word(), draw.variable.text, ty.name()),
                )
                .help(format!("declare it: `variables: {{{}: {{labels: […]}}}}`", draw.variable.text));
            return None;
        };
        let known = self.names.labels(set);
        let mut good = true;
        for (label, _) in labels {
            if !known.contains(&label.text) {
                good = false;
                self.reporter
                    .error(
                        "E061-unknown-label",
                        label.span,
                        format!("`{}` is not one of the labels of `{}`", label.text, draw.variable.text),
                    )
                    .near(&label.text, known.iter().map(String::as_str), |known| {
                        Some(format!(
                            "they are {}; `variables: {{{}: {{labels: […]}}}}` names them all",
                            listed(known.iter().copied()),
                            draw.variable.text
                        ))
                    });
            }
        }
        if known.len() > limits::MAX_LABELS {
            self.reporter
                .error(
                    "E092-too-many",
                    draw.kind_span,
                    format!("{} labels; a draw holds {}", known.len(), limits::MAX_LABELS),
                )
                .help("draw in two steps");
            return None;
        }
        good.then(|| u8::try_from(known.len()).unwrap_or(u8::MAX))
    }

    /// The weight of each label the variable has; 0 for those that are not named.
    fn weights(&mut self, labels: &[(Text, Expr)], ty: Type, scope: Scope) -> Option<Vec<Ir>> {
        let Type::Label(set) = ty else { return None };
        let mut weights = Vec::new();
        for (label, weight) in labels {
            let expr = weight;
            let weight = self.value(expr, Type::Number, scope)?;
            let known = self.foreseen(&weight, expr, scope);
            if known.is_some_and(|weight| weight < 0) {
                self.reporter
                    .error("E144-weights", weight.span, "a weight is never below zero")
                    .help("write 0 for a label that is not drawn");
            }
            weights.push((label.text.as_str(), weight));
        }
        if weights.iter().all(|(_, weight)| weight.constant() == Some(0)) {
            let span = labels.iter().fold(Span::default(), |span, (label, _)| {
                if span == Span::default() { label.span } else { span.to(label.span) }
            });
            self.reporter
                .error("E144-weights", span, "no label has any weight")
                .help("give at least one a weight above 0");
        }
        let weight =
            |label: &String| weights.iter().find(|(name, _)| name == label).map(|(_, weight)| weight.ir.clone());
        Some(self.names.labels(set).iter().map(|label| weight(label).unwrap_or(Ir::Constant(0))).collect())
    }

    /// A label that was drawn as often in a row as is allowed has no weight, as long as another has any.
    fn bounded_run(&mut self, weights: Vec<Ir>, most: &Text, draw: &Draw) -> Option<Vec<Ir>> {
        let most = self.run_length(most)?;
        let (last, run) = self.run_variables(draw);
        let at_most = Ir::Binary(OpCode::LessOrEqual, Box::new(Ir::Constant(i64::from(most))), Box::new(Ir::Load(run)));
        let mut found = Vec::new();
        for (label, weight) in weights.iter().enumerate() {
            let others = weights.iter().enumerate().filter(|(other, _)| *other != label).map(|(_, weight)| weight);
            let sum = others.cloned().reduce(|sum, weight| match (&sum, &weight) {
                (Ir::Constant(x), Ir::Constant(y)) => Ir::Constant(x.saturating_add(*y)),
                _ => Ir::Binary(OpCode::Add, Box::new(sum), Box::new(weight)),
            });
            // 1 + the label, so that 0 is none.
            let is_last = Ir::Binary(OpCode::Equal, Box::new(Ir::Load(last)), Box::new(Ir::Constant(label as i64 + 1)));
            let barred = Ir::Binary(OpCode::And, Box::new(is_last), Box::new(at_most.clone()));
            let barred = match sum {
                None | Some(Ir::Constant(..=0)) => None,
                Some(Ir::Constant(_)) => Some(barred),
                Some(sum) => {
                    let any = Ir::Binary(OpCode::Less, Box::new(Ir::Constant(0)), Box::new(sum));
                    Some(Ir::Binary(OpCode::And, Box::new(barred), Box::new(any)))
                }
            };
            found.push(match (barred, weight) {
                (None, _) | (_, Ir::Constant(0)) => weight.clone(),
                (Some(barred), _) => Ir::If(Box::new(barred), Box::new(Ir::Constant(0)), Box::new(weight.clone())),
            });
        }
        Some(found)
    }

    /// What a weighted draw with a bound on runs remembers: 1 + the label drawn last, and how often in a row.
    fn run_variables(&mut self, draw: &Draw) -> (u16, u16) {
        let span = draw.variable.span;
        (self.hidden_part(&draw.variable, "last", span), self.hidden_part(&draw.variable, "run", span))
    }

    /// Counts how often in a row a label was drawn.
    fn count_run(&mut self, draw: &Draw, id: u16) -> Vec<Op> {
        let (last, run) = self.run_variables(draw);
        let drawn = Ir::Binary(OpCode::Add, Box::new(Ir::Load(id)), Box::new(Ir::Constant(1)));
        let again = Ir::Binary(OpCode::Equal, Box::new(drawn.clone()), Box::new(Ir::Load(last)));
        let longer = Ir::Binary(OpCode::Add, Box::new(Ir::Load(run)), Box::new(Ir::Constant(1)));
        let mut ops = Vec::new();
        for (variable, value) in
            [(run, Ir::If(Box::new(again), Box::new(longer), Box::new(Ir::Constant(1)))), (last, drawn)]
        {
            emit::emit(&value, &mut self.assembly, &mut ops);
            ops.push(Op::new(OpCode::Store, 0, variable));
        }
        ops
    }

    /// How often in a row a label may come.
    fn run_length(&mut self, text: &Text) -> Option<u8> {
        let run =
            Quantity::read(&text.text).ok().and_then(|quantity| quantity.in_base(crate::symbols::Unit::Count).ok());
        let run = run.and_then(|run| u8::try_from(run).ok()).filter(|run| *run > 0);
        if run.is_none() {
            self.reporter
                .error("E145-deck", text.span, format!("`{}` is no number of draws in a row", text.text))
                .help("write 1 to 255, for instance `max_run: 3`");
        }
        run
    }

    /// The variable a draw gives to where the element it goes to is worked out.
    fn drawn_into(&mut self, variable: &Text, ty: Type) -> u16 {
        let id = self.hidden_part(variable, "drawn", variable.span);
        if let Some(variable) = self.names.variables.get_mut(usize::from(id)) {
            variable.ty = Some(ty);
        }
        id
    }

    fn deck(
        &mut self,
        labels: &[(Text, Expr)],
        ty: Type,
        draw: &Draw,
        scope: Scope,
        row: &mut rows::Draw,
    ) -> Option<()> {
        let Type::Label(set) = ty else { return None };
        let mut counts = Vec::new();
        for (label, count) in labels {
            let cards = self.known(count, Type::Count, scope, "the number of cards")?;
            if !(0..=10_000).contains(&cards) {
                self.reporter
                    .error("E145-deck", count.span, format!("a deck cannot hold {cards} cards of one label"))
                    .help("write 0 to 10000");
                return None;
            }
            counts.push((label.text.as_str(), cards, label.span));
        }
        let all: i64 = counts.iter().map(|(_, cards, _)| cards).sum();
        if all == 0 {
            self.reporter
                .error("E145-deck", draw.kind_span, "this deck is empty")
                .help("give at least one label a card");
            return None;
        }
        if let Some(text) = &draw.max_run {
            let run = self.run_length(text)?;
            row.max_run = run;
            // Deck after deck: where this does not hold, cards of the label pile up until the deck cannot hold them.
            if let Some((label, cards, span)) =
                counts.iter().find(|(_, cards, _)| *cards > i64::from(run) * (all - cards))
            {
                self.reporter
                    .error(
                        "E145-deck",
                        *span,
                        format!("{cards} of `{label}` among {all} cards cannot keep to runs of {run}"),
                    )
                    .help("allow longer runs, or add cards of the other labels");
            }
        }
        if let Some(outcome) = &draw.spend_on {
            row.spend_on = self.outcome(outcome)?;
        }
        let cards: Vec<i64> = self
            .names
            .labels(set)
            .iter()
            .map(|label| counts.iter().find(|(name, ..)| name == label).map_or(0, |(_, cards, _)| *cards))
            .collect();
        row.cells = u8::try_from(self.cells).unwrap_or(u8::MAX);
        self.cells += cards.len() + 2;
        row.constants = self.assembly.constants(&cards);
        Some(())
    }

    fn exponential(&mut self, mean: &Expr, min: &Expr, max: &Expr, ty: Type, scope: Scope) -> Option<u16> {
        let wanted = self.known(mean, ty, scope, "the mean of an exponential draw");
        let low = self.known(min, ty, scope, "the least of an exponential draw");
        let high = self.known(max, ty, scope, "the most of an exponential draw");
        let (wanted, low, high) = (wanted?, low?, high?);
        match scale(wanted, low, high) {
            Ok((scale, fraction)) => Some(self.assembly.constants(&[scale, fraction, low, high])),
            Err(error) => {
                let middle = low.saturating_add(high.saturating_sub(low) / 2);
                let (low, middle, high) = (self.shown(low, ty), self.shown(middle, ty), self.shown(high, ty));
                let (message, help) = match error {
                    ScaleError::Bounds => (
                        format!("an exponential draw between {low} and {high} has no room"),
                        "let `max` be more than `min`".to_owned(),
                    ),
                    ScaleError::Low => (
                        format!("no exponential draw between {low} and {high} has its mean so low"),
                        format!("the mean must be more than {low}; values never lie below `min`"),
                    ),
                    ScaleError::Middle => (
                        format!("with its mean in the middle of {low} and {high} the draw is uniform"),
                        format!("write `uniform: [{low}, {high}]`, or a mean below {middle}"),
                    ),
                    ScaleError::High => (
                        format!("no exponential draw between {low} and {high} has its mean so high"),
                        format!("the mean must be less than {middle}, the middle; early values are the more frequent"),
                    ),
                };
                self.reporter.error("E146-exponential", mean.span, message).help(help);
                None
            }
        }
    }
}

/// Why no exponential between bounds has a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScaleError {
    Bounds,
    Low,
    Middle,
    High,
}

/// The scale τ of the exponential that, kept between `low` and `high`, has the mean `wanted`; and 1 − e^(−(high−low)/τ)
/// in 2⁻³².
fn scale(wanted: i64, low: i64, high: i64) -> Result<(i64, i64), ScaleError> {
    let width = high.checked_sub(low).filter(|width| *width > 0).ok_or(ScaleError::Bounds)?;
    if wanted <= low {
        return Err(ScaleError::Low);
    }
    // The mean as a share of the width; an exponential has it below one half.
    let share = (wanted as f64 - low as f64) / width as f64;
    if (share - 0.5).abs() < 1e-4 {
        return Err(ScaleError::Middle);
    }
    if share > 0.5 {
        return Err(ScaleError::High);
    }
    // With x = width / τ the mean is 1/x − 1/(e^x − 1), which falls from one half to nothing: halve until it fits.
    let (mut least, mut most) = (1e-4_f64, 1e12_f64);
    for _ in 0..200 {
        let x = (least * most).sqrt();
        let mean = 1.0 / x - 1.0 / x.exp_m1();
        if mean > share { least = x } else { most = x }
    }
    let scale = (width as f64 / (least * most).sqrt()).round().max(1.0);
    let fraction = (-(-(width as f64) / scale).exp_m1() * FRACTION).round().min(FRACTION);
    Ok((scale as i64, fraction as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of the truncated exponential by adding up ten thousand slices of its density.
    fn realised_mean(scale: i64, low: i64, high: i64) -> f64 {
        let slices = 10_000;
        let width = (high - low) as f64 / f64::from(slices);
        let (mut area, mut moment) = (0.0, 0.0);
        for n in 0..slices {
            let at = (f64::from(n) + 0.5) * width;
            let density = (-at / scale as f64).exp();
            area += density;
            moment += density * at;
        }
        low as f64 + moment / area
    }

    #[test]
    fn the_mean_asked_for_is_the_mean_of_what_is_drawn() {
        for (mean, low, high) in
            [(8_000_000, 4_000_000, 20_000_000), (1_000, 0, 1_000_000), (499_000, 0, 1_000_000), (30, 10, 60)]
        {
            let (scale, fraction) = scale(mean, low, high).unwrap();
            let realised = realised_mean(scale, low, high);
            let tolerance = (high - low) as f64 * 1e-3 + 0.5;
            assert!((realised - mean as f64).abs() < tolerance, "{mean}: realised {realised}, scale {scale}");
            let expected = (1.0 - (-((high - low) as f64) / scale as f64).exp()) * FRACTION;
            assert!((fraction as f64 - expected).abs() < 2.0);
        }
    }

    #[test]
    fn a_mean_that_no_exponential_has_is_told_apart() {
        assert_eq!(scale(5, 5, 10), Err(ScaleError::Low));
        assert_eq!(scale(500_000, 0, 1_000_000), Err(ScaleError::Middle));
        assert_eq!(scale(700_000, 0, 1_000_000), Err(ScaleError::High));
        assert_eq!(scale(7, 10, 10), Err(ScaleError::Bounds));
        assert_eq!(scale(i64::MAX, -1, 5), Err(ScaleError::High));
    }
}
