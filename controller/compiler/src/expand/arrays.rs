//! Rows and actions about elements of line arrays become rows and actions about lines. `change` is spread in the same way: it
//! is either of two edges.

use std::collections::HashMap;

use super::parts::{action, binary, both, count, each_list, line_of, name, variable};
use crate::diagnostic::{Reporter, Span, listed};
use crate::expression::parse::parse;
use crate::expression::{Binary, Expr, ExprKind, Unary};
use crate::kinds::{self, Kind};
use crate::protocol::arrays::{Array, IS, NUMBER, Which};
use crate::protocol::{Action, ActionKind, DrawKind, Protocol, Row, State, Trigger, Variable};
use crate::rig::RigConfig;
use crate::yaml::{Text, Value};

/// Arrays get the list of their elements and the variable of which it was; lines that the rig lacks are told of at once.
pub(super) fn declare(protocol: &mut Protocol, rig: &RigConfig, reporter: &mut Reporter) {
    for array in &protocol.arrays {
        let span = array.name.span;
        let elements = (0..array.words.len()).map(|element| Text::standing_for(&(element + 1).to_string(), span));
        protocol.lists.push((Text::standing_for(&array.bounds(), span), elements.collect()));
        let first = array.words.first().map_or("", String::as_str);
        let (initial, labels) = if array.labelled { (first, Some(array.words.clone())) } else { ("0", None) };
        protocol.variables.push(variable(&array.kept(), initial, labels, span));
        let own = array.kind.iter().map(|_| None);
        let parts = own.chain(array.parts.iter().map(|(part, _)| Some(part.text.as_str())));
        let lines = parts.flat_map(|part| (0..array.words.len()).map(move |element| array.line(part, element)));
        let missing: Vec<String> = lines.filter(|line| rig.line(line).is_none()).collect();
        protocol.declared.retain(|name| *name != array.name.text);
        if missing.is_empty() {
            continue;
        }
        let (name, file) = (&array.name.text, &rig.file);
        let told = listed(missing.iter().map(String::as_str).take(8));
        let and_more = if missing.len() > 8 { format!(" and {} more", missing.len() - 8) } else { String::new() };
        reporter
            .error(
                "E237-rig-lacks-array",
                span,
                format!("the rig `{}` lacks lines of the array `{name}`: {told}{and_more}", rig.name),
            )
            .help(format!("add them to {file}, one by one or as an array: `{name}: {{kind: …, pin: [2, 3, …]}}`"));
        protocol.lines.retain(|(line, _)| !missing.contains(&line.text));
        protocol.declared.extend(missing);
    }
}

/// Makes every row and every action about one line.
pub(super) fn expand(protocol: &mut Protocol, reporter: &mut Reporter) {
    let mut kinds: HashMap<String, &'static Kind> = HashMap::new();
    for (line, node) in &protocol.lines {
        if let Value::Scalar(kind) = &node.value
            && let Some(kind) = kinds::named(&kind.text)
        {
            kinds.insert(line.text.clone(), kind);
        }
    }
    for stable in &protocol.stable {
        if let Some(kind) = kinds.get(&stable.line.text).copied() {
            kinds.insert(stable.name.text.clone(), kind);
        }
    }
    kinds.extend(protocol.detectors.iter().map(|detector| (detector.name.text.clone(), detector.kind)));
    let arrays = std::mem::take(&mut protocol.arrays);
    let broken = protocol.declared.clone();
    let reach = reach(protocol);
    let mut spread = Spread { arrays: &arrays, broken, reach, kinds, variables: Vec::new(), reporter, element: None };
    for region in &mut protocol.regions {
        let root = if region.name == "main" { "everywhere".to_owned() } else { format!("{}.everywhere", region.name) };
        region.entry = spread.actions(std::mem::take(&mut region.entry), Some(&root));
        spread.block(&mut region.handlers, &mut region.transitions);
        region.states.iter_mut().for_each(|state| spread.state(state, ""));
    }
    protocol.invariants = spread.sentences(std::mem::take(&mut protocol.invariants));
    protocol.picture_show = spread.shown(std::mem::take(&mut protocol.picture_show));
    let variables = spread.variables;
    protocol.variables.extend(variables);
    protocol.arrays = arrays;
}

/// An event that is waited for: of which line, under which guard, and of which element of which array.
struct Heard {
    event: Text,
    guard: Option<Expr>,
    element: Option<(usize, usize)>,
}

/// An element that some row of a block names: of which array, what of it, and which.
struct Named {
    array: usize,
    member: String,
    index: Index,
}

enum Index {
    One(usize),
    Worked(Expr),
    /// There is none such, which is told where it stands.
    Wrong,
}

struct Spread<'a> {
    arrays: &'a [Array],
    /// Names that may have been declared wrongly, which was told.
    broken: Vec<String>,
    /// How far a name may reach, where it is a parameter with a range or drawn from integers.
    reach: Vec<(String, i64, i64)>,
    kinds: HashMap<String, &'static Kind>,
    /// Variables that were needed on the way.
    variables: Vec<Variable>,
    reporter: &'a mut Reporter,
    /// The element that the row under way is about.
    element: Option<(usize, usize)>,
}

impl Spread<'_> {
    fn state(&mut self, state: &mut State, prefix: &str) {
        let path = format!("{prefix}{}", state.name.text);
        state.entry = self.actions(std::mem::take(&mut state.entry), Some(&path));
        state.exit = self.actions(std::mem::take(&mut state.exit), None);
        self.block(&mut state.handlers, &mut state.transitions);
        let prefix = format!("{path}.");
        state.states.iter_mut().for_each(|inner| self.state(inner, &prefix));
    }

    fn block(&mut self, handlers: &mut Vec<Row>, transitions: &mut Vec<Row>) {
        let named: Vec<Named> = handlers.iter().chain(transitions.iter()).filter_map(|row| self.named(row)).collect();
        for rows in [handlers, transitions] {
            let written = std::mem::take(rows);
            rows.extend(written.into_iter().flat_map(|row| self.row(row, &named)));
        }
    }

    /// The element a row names, if it names one. What is wrong with it is told when the row is looked at.
    fn named(&mut self, row: &Row) -> Option<Named> {
        let Trigger::Event(text) = &row.trigger else { return None };
        let mut quiet = Reporter::silent();
        let (array, index, member) = reference(text, &mut quiet)?;
        let number = self.arrays.iter().position(|known| known.name.text == array)?;
        let index = match self.arrays.get(number)?.which(&index, &mut quiet) {
            Some(Which::One(element)) => Index::One(element),
            Some(Which::Worked(index)) => Index::Worked(index.clone()),
            Some(Which::Any | Which::All | Which::Other) => return None,
            None => Index::Wrong,
        };
        Some(Named { array: number, member, index })
    }

    fn row(&mut self, mut row: Row, named: &[Named]) -> Vec<Row> {
        let heard = match &row.trigger {
            Trigger::Event(text) => self.heard(text, named),
            _ => {
                row.actions = self.actions(row.actions, None);
                return vec![row];
            }
        };
        if heard.is_empty() {
            row.trigger = Trigger::Broken;
            row.actions = self.actions(row.actions, None);
            return vec![row];
        }
        let mut rows = Vec::new();
        for Heard { event, guard, element } in heard {
            let element = element.or(row.element);
            self.element = element;
            let guard = both(guard, row.guard.clone());
            let actions = self.actions(row.actions.clone(), None);
            rows.push(Row { trigger: Trigger::Event(event), guard, actions, element, ..row.clone() });
        }
        self.element = None;
        rows
    }

    /// What an event stands for; nothing after a mistake, which is reported.
    fn heard(&mut self, text: &Text, named: &[Named]) -> Vec<Heard> {
        let plain = |event: Text| Heard { event, guard: None, element: None };
        if !text.text.contains('[') {
            let owner = text.text.split('.').next().unwrap_or_default();
            if let Some(array) = self.arrays.iter().find(|array| array.name.text == owner) {
                self.which(array, text);
                return Vec::new();
            }
            return self.edges(text.clone()).into_iter().map(plain).collect();
        }
        let Some((number, index, member)) = self.element(text) else { return Vec::new() };
        let Some(array) = self.arrays.get(number) else { return Vec::new() };
        let (part, event) = array.part(&member);
        if event.is_empty() || (part.is_none() && array.kind.is_none()) {
            self.no_part(array, &member, text.span);
            return Vec::new();
        }
        let span = index.span;
        // Whether the index is this element; what is no index is told of once, where it is asked.
        let is = |index: &Expr, element: usize| {
            let (list, index) = (array.name.text.clone(), Box::new(index.clone()));
            let member = Some((format!("{IS}{element}"), span));
            Expr { span, kind: ExprKind::Element { list, list_span: span, index, member } }
        };
        let is_not = |is: Expr| Expr { span, kind: ExprKind::Unary { op: Unary::Not, of: Box::new(is) } };
        let Some(which) = array.which(&index, self.reporter) else { return Vec::new() };
        if matches!(which, Which::All) {
            let told = format!("no event is of all elements of `{}` at once", array.name.text);
            let help = format!(
                "write `{0}[any].{event}`; whether all are active is asked in `when`, with `{0}[all]`",
                array.name.text
            );
            self.reporter.error("E234-elements", span, told).help(help);
            return Vec::new();
        }
        let others: Vec<&Named> =
            named.iter().filter(|other| other.array == number && other.member == member).collect();
        if matches!(which, Which::Other) && others.is_empty() {
            let name = &array.name.text;
            self.reporter
                .error("E235-other-than-which", span, "`other` than which? No row beside this one names an element")
                .help(format!(
                    "wait for the chosen one too, `{name}[target].{member}`, or write `{name}[any].{member}`"
                ));
            return Vec::new();
        }
        let mut found = Vec::new();
        for element in 0..array.words.len() {
            let guard = match which {
                Which::One(one) if one != element => continue,
                Which::One(_) | Which::Any | Which::All => None,
                Which::Worked(index) => Some(is(index, element)),
                Which::Other => {
                    if others.iter().any(|other| matches!(other.index, Index::One(one) if one == element)) {
                        continue;
                    }
                    others.iter().fold(None, |guard, other| match &other.index {
                        Index::Worked(index) => both(guard, Some(is_not(is(index, element)))),
                        Index::One(_) | Index::Wrong => guard,
                    })
                }
            };
            let event = Text::standing_for(&format!("{}.{event}", array.line(part, element)), text.span);
            for event in self.edges(event) {
                found.push(Heard { event, guard: guard.clone(), element: Some((number, element)) });
            }
        }
        if found.is_empty() {
            let message = format!("the rows beside this one name every element of `{}`", array.name.text);
            self.reporter.error("E235-other-than-which", span, message).help("leave this row out");
        }
        found
    }

    /// Either edge of an input is `change`.
    fn edges(&self, event: Text) -> Vec<Text> {
        let input = event.text.rsplit_once('.').filter(|(_, member)| *member == "change");
        let input = input.and_then(|(line, _)| Some((line, self.kinds.get(line)?.input()?)));
        match input {
            Some((line, input)) => {
                [input.on, input.off].map(|edge| Text::standing_for(&format!("{line}.{edge}"), event.span)).to_vec()
            }
            None => vec![event],
        }
    }

    fn actions(&mut self, written: Vec<Action>, entry: Option<&str>) -> Vec<Action> {
        let mut found = Vec::new();
        for mut action in written {
            let text = line_of(&mut action).map(|line| line.clone());
            match text {
                Some(text) if text.text.contains('[') => self.action(action, &text, entry, &mut found),
                Some(text) => match self.arrays.iter().find(|array| array.name.text == text.text) {
                    Some(array) => self.which(array, &text),
                    None => found.push(action),
                },
                None => found.push(action),
            }
        }
        found
    }

    /// An action on an element of an array.
    fn action(&mut self, written: Action, text: &Text, entry: Option<&str>, found: &mut Vec<Action>) {
        let Some((number, index, member)) = self.element(text) else { return };
        let Some(array) = self.arrays.get(number) else { return };
        let (part, rest) = array.part(&member);
        if !rest.is_empty() || (part.is_none() && array.kind.is_none()) {
            self.no_part(array, &member, text.span);
            return;
        }
        let span = index.span;
        let at = |element: usize| {
            let mut action = written.clone();
            if let Some(line) = line_of(&mut action) {
                *line = Text::standing_for(&array.line(part, element), text.span);
            }
            action
        };
        let Some(which) = array.which(&index, self.reporter) else { return };
        match (which, self.element) {
            (Which::One(element), _) => found.push(at(element)),
            (Which::Worked(Expr { kind: ExprKind::Dotted { owner, member, .. }, .. }), Some((of, element)))
                if of == number && *owner == array.name.text && member == "which" =>
            {
                found.push(at(element));
            }
            (Which::All, _) => found.extend((0..array.words.len()).map(at)),
            (Which::Any | Which::Other, _) => {
                let name = &array.name.text;
                self.reporter.error("E234-elements", span, "an output is switched on a line that is named").help(
                    format!("write an index, `{name}[all]` for each, or `{name}[{name}.which]` for the one it was"),
                );
            }
            (Which::Worked(index), _) => {
                // The index is worked out once, and only if the guard holds; one that there is not is a fault there.
                let chosen = format!("{}.index", array.name.text);
                self.need(&chosen, span);
                let number = ExprKind::Element {
                    list: array.name.text.clone(),
                    list_span: span,
                    index: Box::new(index.clone()),
                    member: Some((NUMBER.to_owned(), span)),
                };
                let number = Expr { span, kind: number };
                let value = match &written.guard {
                    None => number,
                    Some(guard) => {
                        let arguments = vec![guard.clone(), number, count(0, span)];
                        Expr { span, kind: ExprKind::Call { name: "if".to_owned(), name_span: span, arguments } }
                    }
                };
                let keep = |variable: &str, value| {
                    action(ActionKind::Keep { variable: variable.to_owned(), value }, None, span)
                };
                found.push(keep(&chosen, value));
                let holds = match (&written.kind, entry) {
                    (kind, Some(state)) if kind.is_held() => {
                        let line = part.map_or(array.name.text.clone(), |part| format!("{}_{part}", array.name.text));
                        let held = self.fresh(&format!("{state}.{line}"), span);
                        found.push(keep(&held, name(&chosen, span)));
                        Some(held)
                    }
                    _ => None,
                };
                let is =
                    |variable: &str, element| binary(name(variable, span), Binary::Equal, count(element + 1, span));
                for element in 0..array.words.len() {
                    let mut action = at(element);
                    action.guard = Some(is(&chosen, element));
                    if let (Some(held_if), Some(held)) = (action.kind.held_if(), &holds) {
                        *held_if = Some(is(held, element));
                    }
                    found.push(action);
                }
            }
        }
    }

    /// Sentences about elements; one about all of them is one about each.
    fn sentences(&mut self, written: Vec<Text>) -> Vec<Text> {
        let mut found = Vec::new();
        for sentence in written {
            let word = sentence.text.split_whitespace().find(|word| word.contains('[')).map(str::to_owned);
            let Some(word) = word else {
                found.push(sentence);
                continue;
            };
            let lines = self.known(&Text::standing_for(&word, sentence.span));
            found.extend(
                lines.iter().map(|line| Text::standing_for(&sentence.text.replace(&word, line), sentence.span)),
            );
        }
        found
    }

    /// Lines to show; an array shows all of its own.
    fn shown(&mut self, written: Vec<Text>) -> Vec<Text> {
        let mut found = Vec::new();
        for text in written {
            let array = self.arrays.iter().find(|array| array.name.text == text.text && array.kind.is_some());
            let lines = match array {
                Some(array) => (0..array.words.len()).map(|element| array.line(None, element)).collect(),
                None if text.text.contains('[') => self.known(&text),
                None => {
                    found.push(text);
                    continue;
                }
            };
            found.extend(lines.iter().map(|line| Text::standing_for(line, text.span)));
        }
        found
    }

    /// The lines that a text names, known before the session.
    fn known(&mut self, text: &Text) -> Vec<String> {
        let Some((number, index, member)) = self.element(text) else { return Vec::new() };
        let Some(array) = self.arrays.get(number) else { return Vec::new() };
        let (part, rest) = array.part(&member);
        if !rest.is_empty() || (part.is_none() && array.kind.is_none()) {
            self.no_part(array, &member, text.span);
            return Vec::new();
        }
        match array.which(&index, self.reporter) {
            Some(Which::One(element)) => vec![array.line(part, element)],
            Some(Which::All) => (0..array.words.len()).map(|element| array.line(part, element)).collect(),
            Some(_) => {
                let name = &array.name.text;
                self.reporter
                    .error("E234-elements", text.span, "which lines are meant must be known before the session")
                    .help(format!("write one of {}, or `{name}[all]` for each", array.told()));
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// What a text with an index means: the array, the index and what of it.
    fn element(&mut self, text: &Text) -> Option<(usize, Expr, String)> {
        let (array, index, member) = reference(text, self.reporter)?;
        let number = self.arrays.iter().position(|known| known.name.text == array);
        if number.is_none() && !self.broken.contains(&array) {
            let known = self.arrays.iter().map(|array| array.name.text.as_str());
            self.reporter.error("E238-unknown-array", text.span, format!("there is no array of lines `{array}`")).near(
                &array,
                known,
                |_| Some(format!("declare it under `lines`: `{array}: {{array: 5, kind: poke}}`")),
            );
        }
        self.check_reach(self.arrays.get(number?)?, &index);
        Some((number?, index, member))
    }

    /// Reports an index that may reach past the elements, as far as it is known.
    fn check_reach(&mut self, array: &Array, index: &Expr) {
        let ExprKind::Name(word) = &index.kind else { return };
        let (first, last) = (1, i64::try_from(array.words.len()).unwrap_or(i64::MAX));
        let past = self.reach.iter().filter(|(name, ..)| name == word && !array.labelled);
        let past = past.flat_map(|(_, low, high)| [*low, *high]).find(|value| !(first..=last).contains(value));
        if let Some(value) = past {
            let (name, told) = (&array.name.text, array.told());
            self.reporter
                .error(
                    "E231-no-such-element",
                    index.span,
                    format!("`{word}` may be {value}, and `{name}` has the elements {told}"),
                )
                .help(format!("let it range from {first} to {last}"));
        }
    }

    /// Reports an array that stands where a line should.
    fn which(&mut self, array: &Array, text: &Text) {
        let (name, count) = (&array.name.text, array.words.len());
        let rest = text.text.strip_prefix(name.as_str()).unwrap_or_default();
        let first = array.words.first().map_or("", String::as_str);
        self.reporter
            .error(
                "E232-which-element",
                text.span,
                format!("`{name}` is an array of {count} lines, and this says not which"),
            )
            .help(format!("write `{name}[{first}]{rest}`, with any index, or `{name}[any]{rest}`"));
    }

    /// Reports what no element has.
    fn no_part(&mut self, array: &Array, member: &str, span: Span) {
        let name = &array.name.text;
        let parts: Vec<&str> = array.parts.iter().map(|(part, _)| part.text.as_str()).collect();
        let message = if member.is_empty() {
            format!("an element of `{name}` is no line itself: it has parts")
        } else if parts.contains(&member) {
            format!("`{member}` is a line of each `{name}`, and something of it is wanted")
        } else {
            format!("an element of `{name}` has no part `{member}`")
        };
        self.reporter.error("E233-line-alone", span, message).near(member, parts.iter().copied(), |parts| {
            Some(format!("its parts are {}", listed(parts.iter().copied())))
        });
    }

    /// A variable of this name, once.
    fn need(&mut self, name: &str, span: Span) {
        if !self.variables.iter().any(|known| known.name.text == name) {
            self.variables.push(variable(name, "0", None, span));
        }
    }

    /// A variable that nothing else uses.
    fn fresh(&mut self, name: &str, span: Span) -> String {
        let taken = |name: &str| self.variables.iter().any(|known| known.name.text == name);
        let free = (2..).map(|n| format!("{name}_{n}")).find(|name| !taken(name));
        let name = if taken(name) { free.unwrap_or_default() } else { name.to_owned() };
        self.need(&name, span);
        name
    }
}

/// The names whose values lie between known bounds: parameters with a range, variables drawn from integers.
fn reach(protocol: &mut Protocol) -> Vec<(String, i64, i64)> {
    let whole = |text: &str| text.trim().parse::<i64>().ok();
    let ranges = protocol.parameters.iter().filter_map(|parameter| {
        let (low, high) = parameter.range.as_ref()?;
        Some((parameter.name.text.clone(), whole(&low.text)?, whole(&high.text)?))
    });
    let mut found: Vec<_> = ranges.collect();
    let known = |expr: &Expr| match &expr.kind {
        ExprKind::Literal(number) => number.in_base(crate::symbols::Unit::Count).ok(),
        _ => None,
    };
    each_list(protocol, &mut |actions| {
        for action in actions {
            if let ActionKind::Draw(draw) = &action.kind
                && let DrawKind::Integer(low, high) = &draw.kind
                && let (Some(low), Some(high)) = (known(low), known(high))
            {
                found.push((draw.variable.text.clone(), low, high));
            }
        }
    });
    found
}

/// `hole[target].light`, taken apart.
fn reference(text: &Text, reporter: &mut Reporter) -> Option<(String, Expr, String)> {
    if !text.text.contains('[') {
        return None;
    }
    match parse(text, reporter).kind {
        ExprKind::Element { list, index, member, .. } => {
            Some((list, *index, member.map(|(member, _)| member).unwrap_or_default()))
        }
        ExprKind::Broken => None,
        _ => {
            reporter
                .error("E238-unknown-array", text.span, "an element of an array is wanted here")
                .help("write for instance `hole[target].light`");
            None
        }
    }
}
