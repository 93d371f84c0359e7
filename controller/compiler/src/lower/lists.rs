//! Lists and tables. What nothing writes is constants; a list that a draw or a `set` writes lies in variables, one an
//! element, called `order.0`, `order.1`, …

use link::program::op::{Op, OpCode};
use link::program::rows::{self, DrawKind as RowKind, Slice};
use link::{VariableId, limits};

use super::declare::literal;
use super::{Lowering, guarded};
use crate::diagnostic::{Span, listed};
use crate::expression::check::{Checker, Ir, Type};
use crate::expression::parse::parse;
use crate::expression::{ExprKind, emit};
use crate::fields;
use crate::names::{List, Origin, Part, Scope, Variable, index};
use crate::protocol::tables::Table;
use crate::protocol::{ActionKind, Draw, DrawKind};
use crate::quantity::{ONE, Quantity};
use crate::symbols::{DrawSymbol, Unit};
use crate::yaml::Text;

/// The longest list that may be written: each element is a variable, and is looked for one after the other.
pub(super) const WRITTEN_MAX: usize = limits::MAX_LABELS;

/// Where a value that is written goes.
pub(super) enum Target {
    /// A variable, or an element whose index is known.
    Variable(u16),
    /// An element whose index is worked out.
    Element { list: usize, index: Ir },
}

impl Lowering<'_> {
    /// Names the tables and their rows, which labels of variables may be.
    pub(super) fn name_tables(&mut self) {
        let protocol = self.protocol;
        for table in &protocol.tables {
            let rows = table.rows.iter().map(|row| row.text.clone()).collect();
            let set = self.names.label_set(rows);
            self.names.tables.push((table.name.text.clone(), set));
        }
    }

    pub(super) fn declare_lists(&mut self) {
        let protocol = self.protocol;
        for (name, items) in &protocol.lists {
            let Some((ty, values)) = self.column(items) else { continue };
            self.list(name, name.text.clone(), ty, &values);
        }
        for table in &protocol.tables {
            for (column, items) in &table.columns {
                let called = format!("{}.{}", table.name.text, column.text);
                match self.column(items) {
                    Some((ty, values)) => self.list(column, called, ty, &values),
                    None => self.names.broken.push(called),
                }
            }
        }
        for action in protocol.actions() {
            let ActionKind::Draw(draw) = &action.kind else { continue };
            let DrawKind::Shuffle(source) = &draw.kind else { continue };
            if self.names.list(&draw.variable.text).is_some() {
                continue;
            }
            let found = self.names.list(&source.text).map(|(id, list)| (id, list.ty));
            let (ty, values) = match (found, self.names.table(&source.text)) {
                (Some((id, ty)), _) => (ty, self.first_values(id)),
                (None, Some(set)) => (Type::Label(set), (0..self.names.labels(set).len()).map(|n| n as i64).collect()),
                // It is told of where the draw is written out.
                (None, None) => continue,
            };
            self.list(&draw.variable, draw.variable.text.clone(), ty, &values);
        }
    }

    /// What a list holds at the start.
    fn first_values(&self, list: u16) -> Vec<i64> {
        let slice = self.assembly.lists.get(usize::from(list)).copied().unwrap_or_default();
        slice.range().map(|at| self.assembly.constant_at(at)).collect()
    }

    /// Declares a list of values, in variables if anything writes it.
    fn list(&mut self, name: &Text, called: String, ty: Type, values: &[i64]) {
        if self.names.list(&called).is_some() || self.names.variable(&called).is_some() {
            self.reporter
                .error("E074-named-twice", name.span, format!("`{called}` is named twice"))
                .help("give one of them another name");
            return;
        }
        if !self.is_written(&called) {
            self.constants_list(called, ty, values);
            return;
        }
        if values.len() > WRITTEN_MAX {
            let message = format!("`{called}` is written, and has {} values", values.len());
            self.reporter
                .error("E203-list-too-long", name.span, message)
                .help(format!("a list that is drawn or set holds {WRITTEN_MAX} at most"));
            return;
        }
        self.variables_list(called, name.span, ty, values, true);
    }

    /// A list of constants; its number.
    pub(super) fn constants_list(&mut self, name: String, ty: Type, values: &[i64]) -> u16 {
        let first = self.assembly.constants(values);
        self.assembly.lists.push(Slice { first, len: index(values.len()) });
        self.names.lists.push(List { name, ty, length: values.len(), cells: None });
        index(self.names.lists.len() - 1)
    }

    /// A list that lies in variables; the first of them.
    pub(super) fn variables_list(&mut self, name: String, span: Span, ty: Type, values: &[i64], column: bool) -> u16 {
        let mut cells = None;
        for (n, value) in values.iter().enumerate() {
            let id = self.made(format!("{name}.{n}"), span, Some(ty), *value, column);
            cells = cells.or(Some(id));
        }
        self.constants_list(name, ty, values);
        if let Some(list) = self.names.lists.last_mut() {
            list.cells = cells;
        }
        cells.unwrap_or(0)
    }

    /// The columns of a table whose row is that of a variable: `block.p_left`. `taken` are names that mean something else.
    pub(super) fn columns_of(&mut self, table: &Table, variable: u16, taken: &[&str]) {
        let owner = &table.name.text;
        for (column, items) in &table.columns {
            if taken.contains(&column.text.as_str()) {
                self.reporter
                    .error(
                        "E209-column-taken",
                        column.span,
                        format!("`{owner}.{}` has a meaning of its own", column.text),
                    )
                    .help("give the column another name");
                continue;
            }
            let called = format!("{owner}.{}", column.text);
            let Some((ty, values)) = self.column(items) else {
                self.names.broken.push(called);
                continue;
            };
            let list = self.constants_list(called, ty, &values);
            let ir = Ir::Element(list, Box::new(Ir::Load(variable)));
            self.names.parts.push(Part { owner: owner.clone(), member: column.text.clone(), ir, ty });
        }
    }

    /// A constant of a type: a value with its unit, a parameter, or a label.
    pub(super) fn constant(&mut self, text: &Text, ty: Type) -> Option<i64> {
        let expr = parse(text, self.reporter);
        self.known(&expr, ty, Scope::default(), "this value")
    }

    /// A variable that something else that is declared is made of.
    pub(super) fn made(&mut self, name: String, span: Span, ty: Option<Type>, initial: i64, column: bool) -> u16 {
        self.assembly.variables.push(initial);
        self.names.add_variable(Variable { name, span, ty, initial, column, parameter: None, origin: Origin::Made })
    }

    fn is_written(&self, list: &str) -> bool {
        let element = |word: &str| word.split_once('[').is_some_and(|(name, _)| name.trim() == list);
        self.protocol.actions().iter().any(|action| match &action.kind {
            ActionKind::Set { variable, .. } => element(&variable.text),
            ActionKind::Draw(draw) => match draw.kind {
                DrawKind::Shuffle(_) => draw.variable.text == list,
                _ => element(&draw.variable.text),
            },
            _ => false,
        })
    }

    /// The values of a list or a column, which all measure the same: constants, parameters, labels.
    pub(super) fn column(&mut self, items: &[Text]) -> Option<(Type, Vec<i64>)> {
        let is_label = |this: &Self, text: &Text| {
            fields::is_name(&text.text)
                && !matches!(text.text.as_str(), "true" | "false")
                && this.names.variable(&text.text).is_none()
        };
        if items.first().is_some_and(|first| is_label(self, first)) {
            return self.labels_of(items);
        }
        let plain = |text: &Text| Quantity::read(&text.text).ok().and_then(|quantity| quantity.natural());
        let fraction = items.iter().any(|text| plain(text) == Some(Unit::Number));
        let mut values = Vec::new();
        let mut column: Option<Type> = None;
        for text in items {
            let parsed = match plain(text).is_none() && !matches!(text.text.as_str(), "true" | "false") {
                true if text.text.chars().any(char::is_alphabetic) && Quantity::read(&text.text).is_err() => {
                    self.value_before(text)
                }
                _ => literal(text, self.reporter),
            };
            let (found, value) = match parsed? {
                (Type::Count, value) if fraction || column == Some(Type::Number) => {
                    (Type::Number, value.saturating_mul(ONE))
                }
                other => other,
            };
            if column == Some(Type::Count) && found == Type::Number {
                values.iter_mut().for_each(|value: &mut i64| *value = value.saturating_mul(ONE));
                column = Some(Type::Number);
            }
            if let Some(first) = column.filter(|first| *first != found) {
                self.reporter
                    .error(
                        "E060-wrong-type",
                        text.span,
                        format!("this is a {}, and the list began with a {}", found.name(), first.name()),
                    )
                    .help("the values of a list all measure the same");
                return None;
            }
            column = column.or(Some(found));
            values.push(value);
        }
        column.map(|ty| (ty, values))
    }

    /// A value that parameters tell before the session.
    fn value_before(&mut self, text: &Text) -> Option<(Type, i64)> {
        let expr = parse(text, self.reporter);
        let mut checker = Checker::new(&self.names, Scope::default(), self.reporter);
        checker.fixed = true;
        let ty = checker.infer(&expr, None)?.ty;
        let value = self.known(&expr, ty, Scope::default(), "a value of a list")?;
        Some((ty, value))
    }

    /// Labels; those of the first table, parameter or variable that has them all, else a set of their own.
    fn labels_of(&mut self, items: &[Text]) -> Option<(Type, Vec<i64>)> {
        if let Some(other) = items.iter().find(|text| !fields::is_name(&text.text)) {
            self.reporter
                .error(
                    "E060-wrong-type",
                    other.span,
                    format!("`{}` is no label, and the list began with one", other.text),
                )
                .help("the values of a list are all labels, or all measure the same");
            return None;
        }
        let has_all = |set: &usize| {
            let labels = self.names.labels(*set);
            items.iter().all(|item| labels.contains(&item.text))
        };
        let tables = self.names.tables.iter().map(|(_, rows)| *rows);
        let variables = self.names.variables.iter().filter_map(|variable| match variable.ty {
            Some(Type::Label(set)) => Some(set),
            _ => None,
        });
        let set = tables.chain(variables).find(has_all).unwrap_or_else(|| {
            let mut own: Vec<String> = Vec::new();
            for item in items {
                if !own.contains(&item.text) {
                    own.push(item.text.clone());
                }
            }
            self.names.label_set(own)
        });
        let labels = self.names.labels(set);
        let at = |item: &Text| labels.iter().position(|label| *label == item.text).unwrap_or(0) as i64;
        Some((Type::Label(set), items.iter().map(at).collect()))
    }

    /// Where a value goes, and its type: a variable, or `list[index]`.
    pub(super) fn target_of(&mut self, name: &Text, scope: Scope) -> Option<(Target, Type)> {
        if !name.text.contains('[') {
            let Some((id, variable)) = self.names.variable(&name.text) else {
                self.unknown_variable(&name.text, name.span);
                return None;
            };
            return Some((Target::Variable(id), variable.ty?));
        }
        let expr = parse(name, self.reporter);
        let ExprKind::Element { list, list_span, index, member: None } = &expr.kind else {
            if !matches!(expr.kind, ExprKind::Broken) {
                self.reporter
                    .error("E204-not-an-element", name.span, format!("`{}` is nothing that takes a value", name.text))
                    .help("write a variable, or an element of a list: `order[0]`");
            }
            return None;
        };
        // Asked as if it were read: what is no list, and what is past its end, is told there.
        let mut checker = Checker::new(&self.names, scope, self.reporter);
        let found = checker.infer(&expr, None)?;
        let read = std::mem::take(&mut checker.read);
        self.uses.variables.extend(read.iter().map(|(variable, _)| *variable));
        let at = self.names.lists.iter().position(|known| known.name == *list)?;
        let Some(first) = self.names.lists.get(at).and_then(|known| known.cells) else {
            self.reporter
                .error("E204-not-an-element", *list_span, format!("`{list}` cannot be written"))
                .help("write to a list of `lists`");
            return None;
        };
        let index = Checker::new(&self.names, scope, self.reporter).infer(index, Some(Type::Count))?;
        let target = match index.constant().and_then(|n| u16::try_from(n).ok()) {
            Some(n) => Target::Variable(first + n),
            None => Target::Element { list: at, index: index.ir },
        };
        Some((target, found.ty))
    }

    /// The operations that put a value where it goes.
    pub(super) fn put(&mut self, target: &Target, value: &Ir) -> Vec<Op> {
        let mut ops = Vec::new();
        let (list, at) = match target {
            Target::Variable(id) => {
                emit::emit(value, &mut self.assembly, &mut ops);
                ops.push(Op::new(OpCode::Store, 1, *id));
                return ops;
            }
            Target::Element { list, index } => (*list, index),
        };
        let Some((first, length)) = self.names.lists.get(list).and_then(|list| Some((list.cells?, list.length))) else {
            return ops;
        };
        // Past the end, reading the constants there is what ends the session; nothing is stored then.
        let mut tail = Vec::new();
        emit::emit(&Ir::Element(index(list), Box::new(at.clone())), &mut self.assembly, &mut tail);
        tail.push(Op::new(OpCode::Store, 0, first));
        for n in (0..length).rev() {
            let is_it = Ir::Binary(OpCode::Equal, Box::new(at.clone()), Box::new(Ir::Constant(n as i64)));
            let mut branch = Vec::new();
            emit::emit(value, &mut self.assembly, &mut branch);
            branch.push(Op::new(OpCode::Store, 1, first + index(n)));
            branch.push(Op::new(OpCode::Jump, 0, emit::length(&tail)));
            let mut ops = guarded(Some(&is_it), branch, &mut self.assembly);
            ops.append(&mut tail);
            tail = ops;
        }
        tail
    }

    /// The source of a shuffle or a sample: how many there are, their type, and each one's value.
    fn drawn_from(&mut self, source: &Text) -> Option<(Type, Vec<Ir>)> {
        if let Some((id, list)) = self.names.list(&source.text) {
            let (ty, cells, length) = (list.ty, list.cells, list.length);
            let values = match cells {
                Some(first) => (0..length).map(|n| Ir::Load(first + index(n))).collect(),
                None => self.first_values(id).into_iter().map(Ir::Constant).collect(),
            };
            return Some((ty, values));
        }
        if let Some(set) = self.names.table(&source.text) {
            let values = (0..self.names.labels(set).len()).map(|n| Ir::Constant(n as i64)).collect();
            return Some((Type::Label(set), values));
        }
        if self.names.is_broken(&source.text) {
            return None;
        }
        let lists = self.names.lists.iter().map(|list| list.name.as_str()).filter(|name| !name.contains('.'));
        let known: Vec<&str> = lists.chain(self.names.tables.iter().map(|(name, _)| name.as_str())).collect();
        self.reporter
            .error("E067-unknown-list", source.span, format!("there is no list and no table `{}`", source.text))
            .near(&source.text, known.iter().copied(), |known| {
                Some(match known {
                    [] => "declare it: `lists: {sizes: [5 µl, 10 µl]}`".to_owned(),
                    _ => format!("there are {}", listed(known.iter().copied())),
                })
            });
        None
    }

    /// The type of what is drawn from a list or a table.
    pub(super) fn sampled_type(&self, source: &Text) -> Option<Type> {
        let list = self.names.list(&source.text).map(|(_, list)| list.ty);
        list.or_else(|| self.names.table(&source.text).map(Type::Label))
    }

    /// One of a list, without putting back: a deck of the places, and what stands at the one that is drawn.
    pub(super) fn sample(&mut self, draw: &Draw, source: &Text, scope: Scope) -> Option<Vec<Op>> {
        let (ty, values) = self.drawn_from(source)?;
        let (target, wanted) = self.target_of(&draw.variable, scope)?;
        self.expect(wanted, ty, draw)?;
        if values.len() > limits::MAX_LABELS {
            let message = format!("`{}` has {} values; a draw holds {}", source.text, values.len(), limits::MAX_LABELS);
            self.reporter.error("E203-list-too-long", source.span, message).help("draw in two steps");
            return None;
        }
        // A row is its own card; what stands in a list is looked up by the card.
        let card = match (&target, self.names.list(&source.text)) {
            (Target::Variable(id), None) => *id,
            _ => self.hidden_part(&draw.variable, "card", draw.variable.span),
        };
        let cards = vec![1; values.len()];
        let row = rows::Draw {
            kind: RowKind::Deck,
            variable: VariableId(card),
            labels: u8::try_from(values.len()).unwrap_or(u8::MAX),
            constants: self.assembly.constants(&cards),
            max_run: 0,
            cells: u8::try_from(self.cells).unwrap_or(u8::MAX),
            spend_on: rows::Draw::AT_ONCE,
        };
        self.cells += values.len() + 2;
        let mut ops = vec![self.draw_row(row, "sample")];
        let drawn = match self.names.list(&source.text) {
            Some((id, _)) => self.at(usize::from(id), &Ir::Load(card)),
            None => Ir::Load(card),
        };
        if !matches!(target, Target::Variable(id) if id == card) {
            ops.extend(self.put(&target, &drawn));
        }
        Some(ops)
    }

    /// A list in random order: each place, from the last on, takes one of those not placed yet.
    pub(super) fn shuffle(&mut self, draw: &Draw, source: &Text) -> Option<Vec<Op>> {
        let (ty, values) = self.drawn_from(source)?;
        let list = self.names.lists.iter().position(|list| list.name == draw.variable.text)?;
        let (first, length, own) =
            self.names.lists.get(list).and_then(|list| Some((list.cells?, list.length, list.ty)))?;
        self.expect(own, ty, draw)?;
        if length != values.len() {
            let (name, source) = (&draw.variable.text, &source.text);
            let message = format!("`{name}` holds {length} values, and `{source}` {}", values.len());
            self.reporter.error("E205-lengths", draw.variable.span, message).help("shuffle into a list of that length");
            return None;
        }
        let (place, held) = (
            self.hidden_part(&draw.variable, "place", draw.variable.span),
            self.hidden_part(&draw.variable, "held", draw.variable.span),
        );
        let store = |recorded, id| Op::new(OpCode::Store, recorded, id);
        let load = |id| Op::new(OpCode::Load, 0, id);
        let mut ops = Vec::new();
        for (n, value) in values.iter().enumerate() {
            let cell = first + index(n);
            if *value != Ir::Load(cell) {
                emit::emit(value, &mut self.assembly, &mut ops);
                ops.push(store(0, cell));
            }
        }
        let row = rows::Draw {
            kind: RowKind::Uniform,
            variable: VariableId(place),
            labels: 0,
            constants: 0,
            max_run: 0,
            cells: 0,
            spend_on: rows::Draw::AT_ONCE,
        };
        let turn = self.draw_row(row, "shuffle");
        for last in (1..length).rev() {
            let cell = first + index(last);
            ops.extend([self.assembly.push(0), self.assembly.push(last as i64), turn, load(cell), store(0, held)]);
            for n in 0..last {
                let is_it = Ir::Binary(OpCode::Equal, Box::new(Ir::Load(place)), Box::new(Ir::Constant(n as i64)));
                let other = first + index(n);
                let swap = vec![load(other), store(0, cell), load(held), store(0, other)];
                ops.extend(guarded(Some(&is_it), swap, &mut self.assembly));
            }
        }
        for n in 0..length {
            let cell = first + index(n);
            ops.extend([load(cell), store(1, cell)]);
        }
        Some(ops)
    }

    /// An element whose index is worked out.
    fn at(&self, list: usize, at: &Ir) -> Ir {
        self.names.lists.get(list).map_or(Ir::Constant(0), |found| found.at(index(list), at.clone()))
    }

    /// A variable that is a part of what is declared, made when it is first asked for; a count that is no column.
    pub(super) fn hidden_part(&mut self, of: &Text, part: &str, span: Span) -> u16 {
        let owner = of.text.split('[').next().unwrap_or_default().trim();
        let name = format!("{owner}.{part}");
        match self.names.variable(&name) {
            Some((id, _)) => id,
            None => self.made(name, span, Some(Type::Count), 0, false),
        }
    }

    /// Adds the row of a draw; the operation that draws it.
    pub(super) fn draw_row(&mut self, row: rows::Draw, kind: &str) -> Op {
        let number = index(self.assembly.draws.len());
        self.draws.push(DrawSymbol { variable: row.variable.0, kind: kind.to_owned() });
        self.assembly.draws.push(row);
        Op::new(OpCode::Draw, 0, number)
    }
}

impl List {
    /// An element: of constants at once; of variables by asking for one after the other.
    pub(crate) fn at(&self, list: u16, at: Ir) -> Ir {
        let Some(first) = self.cells else { return Ir::Element(list, Box::new(at)) };
        if let Ir::Constant(n) = at
            && let Ok(n) = u16::try_from(n)
        {
            return Ir::Load(first + n);
        }
        // Past the end, the constants are asked, which have no such element: the device says so.
        let mut value = Ir::Element(list, Box::new(at.clone()));
        for n in (0..self.length).rev() {
            let is_it = Ir::Binary(OpCode::Equal, Box::new(at.clone()), Box::new(Ir::Constant(n as i64)));
            value = Ir::If(Box::new(is_it), Box::new(Ir::Load(first + index(n))), Box::new(value));
        }
        value
    }
}
