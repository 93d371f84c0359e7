//! Thousands of random small programs under random inputs: whatever a program does, what must always hold does hold.
//! A failure names the seed, which is all it takes to see it again.

use std::collections::{BTreeMap, HashSet};

use assembler::random::{self, Dice, RandomGiven, RandomProgram};
use engine::{Engine, Given, Start};
use link::program::{Program, Table, check};
use link::record::Request;
use link::{Fault, LineId, Micros, Record};

type Trace = Vec<(Micros, Record)>;

/// The session's first µs: not 0, so that no test passes by leaving it out.
const START: Micros = 1_000_000;

fn cases() -> u64 {
    random::cases(2_000)
}

fn given(given: RandomGiven) -> Given {
    match given {
        RandomGiven::Edge { line, active } => Given::Edge { line, active },
        RandomGiven::Outside(event) => Given::Outside(event),
        RandomGiven::Parameter { variable, value } => Given::Parameter { variable, value },
        RandomGiven::LastTrial(reason) => Given::LastTrial(reason),
        RandomGiven::Stop(reason) => Given::Stop(reason),
    }
}

/// The record that something given must leave.
fn record_of(given: Given, late_us: u32) -> Record {
    match given {
        Given::Edge { line, active } => Record::Input { line, active, late_us },
        Given::Outside(event) => Record::Outside { event, late_us },
        Given::Parameter { variable, value } => Record::Parameter { variable, value },
        Given::LastTrial(reason) => Record::LastTrial(reason),
        Given::Stop(reason) => Record::Stop(reason),
    }
}

/// A session under way: the engine, what it recorded, and what was offered to it while it ran.
struct Session<'p> {
    program: Program<'p>,
    engine: Engine,
    trace: Trace,
    /// In which µs each thing offered must be handled, and its record.
    offered: Trace,
    /// Answers that were known before the time-out they lie behind.
    behind: usize,
}

impl<'p> Session<'p> {
    fn start(random: &'p RandomProgram, seed: u64) -> Self {
        let program = Program::open(&random.image).expect("an image");
        let mut session = Self { program, engine: Engine::new(), trace: Vec::new(), offered: Vec::new(), behind: 0 };
        let trace = &mut session.trace;
        session.engine.start(
            &program,
            Start { at: START, seed, levels: 0, program: program.name() },
            &mut |at, record| trace.push((at, record)),
        );
        session
    }

    fn offer(&mut self, stamp: Micros, given: Given) {
        if self.engine.running() {
            let at = stamp.max(self.engine.clock());
            self.offered.push((at, record_of(given, (at - stamp) as u32)));
        }
        self.engine.offer(stamp, given).expect("room in the inbox");
    }

    fn advance(&mut self, closed: Micros, steps_max: u16) -> bool {
        let before = self.engine.clock();
        let trace = &mut self.trace;
        let left = self.engine.advance(&self.program, closed, steps_max, &mut |at, record| trace.push((at, record)));
        assert!(self.engine.clock() >= before, "the clock ran back");
        assert!(left || self.engine.clock() > closed, "closed is closed");
        left
    }

    /// Gets ready for what comes next, or for a part of it; nothing is recorded meanwhile.
    fn prepare(&mut self, dice: &mut Dice) {
        let patience = if dice.percent(70) { u64::MAX } else { dice.below(200) };
        let mut asked = 0;
        let mut interrupted = || {
            asked += 1;
            asked > patience
        };
        let sink = &mut |at, record| panic!("{record:?} was recorded at {at} in a rehearsal");
        let mut calls = 0;
        while self.engine.prepare(&self.program, sink, &mut interrupted) {
            calls += 1;
            if calls > 100 {
                assert!(patience < u64::MAX, "there is always something left to prepare");
                return;
            }
        }
        assert!(!self.engine.unprepared());
    }

    /// Closes one microsecond after the other, prepared for each: how many steps were of a time-out that was foreseen.
    fn close_prepared(&mut self, closed: Micros, dice: &mut Dice) -> usize {
        let mut foreseen = 0;
        loop {
            self.prepare(dice);
            let due = self.engine.foreseen_at();
            let next = due.filter(|at| *at <= closed && Some(*at) == self.engine.next_at());
            let is_foreseen = next.is_some_and(|at| self.engine.goes_as_foreseen(at));
            foreseen += usize::from(is_foreseen);
            let behind = self.engine.behind().filter(|_| is_foreseen);
            let told = behind.map(|span| (span, known(self.engine.answers_behind(0)), self.engine.harmless_behind()));
            let left = self.advance(closed, 1);
            if let Some((span, answers, harmless)) = told {
                self.behind += answers.len();
                assert!(known(self.engine.answers(0)).starts_with(&answers), "what was known behind {due:?} is lost");
                assert!(self.engine.own_due() >= span.end, "something is due before {}", span.end);
                self.prepare(dice);
                // More may have been asked for meanwhile, which takes all of it back.
                let [away, to] = self.engine.harmless();
                let holds = harmless[0] & !away == 0 && harmless[1] & !to == 0;
                assert!(holds || away | to == 0, "not all that was harmless behind {due:?} still is");
            }
            if !left {
                self.prepare(dice);
                return foreseen;
            }
        }
    }

    /// An edge comes that was said to make no difference: it is recorded, and everything is as it was.
    fn passes_by(&mut self, at: Micros, given: Given) {
        // Trains nobody waits for may end before.
        self.advance(at - 1, u16::MAX);
        let (before, answers, due) = (self.trace.len(), known(self.engine.answers(0)), self.engine.own_due());
        self.offer(at, given);
        self.advance(at, 1);
        let told = &self.trace[before..];
        assert!(matches!(told, [(_, Record::Input { .. })]), "{given:?} at {at} made a difference: {told:?}");
        assert_eq!(
            (known(self.engine.answers(0)), self.engine.own_due()),
            (answers, due),
            "{given:?} at {at} was not harmless"
        );
    }

    fn close(&mut self, closed: Micros) {
        assert!(!self.advance(closed, u16::MAX), "more microseconds than a session can hold");
    }
}

type Known = (LineId, bool, Vec<(LineId, Request)>);

/// Answers, each with its edge.
fn known<'a>(answers: impl Iterator<Item = (LineId, bool, &'a [(LineId, Request)])>) -> Vec<Known> {
    answers.map(|(line, active, answer)| (line, active, answer.to_vec())).collect()
}

struct Case {
    random: RandomProgram,
    /// By stamp, in µs since boot.
    givens: Vec<(Micros, Given)>,
    seed: u64,
    /// The seed of the session's draws.
    drawn_from: u64,
}

impl Case {
    fn new(seed: u64) -> Self {
        let random = random::program(seed);
        let count = Dice::new(seed).below(50) as usize;
        // The µs of the start is closed by the start, so on time begins with the next.
        let givens = random.givens(seed, count).into_iter().map(|(at, what)| (START + 1 + at, given(what))).collect();
        Self { random, givens, seed, drawn_from: seed }
    }

    fn end(&self) -> Micros {
        START + self.random.life_us + 10
    }

    /// Each thing offered just before its microsecond closes.
    fn just_in_time(&self) -> Session<'_> {
        let mut session = Session::start(&self.random, self.drawn_from);
        for (at, given) in &self.givens {
            session.close(at - 1);
            session.offer(*at, *given);
        }
        session.close(self.end().max(session.engine.clock()));
        session
    }

    /// Everything offered at the start, one microsecond handled a call.
    fn step_by_step(&self) -> Session<'_> {
        let mut session = Session::start(&self.random, self.drawn_from);
        for (at, given) in &self.givens {
            session.offer(*at, *given);
        }
        let mut calls = 0;
        while session.advance(self.end(), 1) {
            calls += 1;
            assert!(calls <= self.random.life_us, "a microsecond is handled more than once");
        }
        session
    }

    /// Closed up to anywhere, in steps of any number, things offered any time before their microsecond closes.
    fn anyhow(&self) -> Session<'_> {
        let mut dice = Dice::new(!self.seed);
        let mut session = Session::start(&self.random, self.drawn_from);
        let mut waiting = self.givens.iter().peekable();
        let mut closed = START;
        while closed < self.end() {
            let next = waiting.peek().map_or(self.end(), |(at, _)| *at);
            if next > closed && dice.percent(60) {
                let short = dice.below(self.random.life_us / 50 + 2);
                closed = (closed + short).min(next - 1).max(closed);
                session.advance(closed, dice.below(4) as u16);
            } else if let Some((at, given)) = waiting.next() {
                session.offer(*at, *given);
            } else {
                closed = self.end();
            }
        }
        session.close(self.end());
        session
    }

    /// As [`Case::just_in_time`], the engine preparing itself in between, disturbed now and then: for how many edges the
    /// answer was foreseen, how many requests were in them, and how many time-outs were foreseen. What was foreseen is what the step then asks for.
    fn foreseen(&self) -> (Session<'_>, [usize; 5]) {
        let mut dice = Dice::new(self.seed ^ 0x5EED);
        let mut session = Session::start(&self.random, self.drawn_from);
        let (mut edges, mut foreseen, mut asked, mut foreseen_steps) = (0, 0, 0, 0);
        for (n, (at, given)) in self.givens.iter().enumerate() {
            foreseen_steps += session.close_prepared(at - 1, &mut dice);
            let alone = self.givens.iter().enumerate().all(|(m, (other, _))| m == n || other != at);
            let told = match given {
                Given::Edge { line, active } if alone => {
                    edges += 1;
                    let own = session.engine.own_due() <= *at || session.engine.offered_at() <= *at;
                    let runs = session.engine.running();
                    if runs && !own && session.engine.harmless()[usize::from(*active)] & line.bit() != 0 {
                        session.passes_by(*at, *given);
                        continue;
                    }
                    session.engine.foreseen(*line, *active).filter(|_| runs && !own).map(<[_]>::to_vec)
                }
                _ => None,
            };
            session.offer(*at, *given);
            if let Some(told) = told {
                let before = session.trace.len();
                session.advance(*at, 1);
                let requests: Vec<_> = session.trace[before..]
                    .iter()
                    .filter_map(|(_, record)| match record {
                        Record::Request { line, request } => Some((*line, *request)),
                        _ => None,
                    })
                    .collect();
                assert_eq!(told, requests, "what was foreseen at {at} is not what was asked for");
                foreseen += 1;
                asked += requests.len();
            }
        }
        foreseen_steps += session.close_prepared(self.end().max(session.engine.clock()), &mut dice);
        let behind = session.behind;
        (session, [edges, foreseen, asked, foreseen_steps, behind])
    }

    /// Things offered when the engine is past them, or not.
    fn late(&self) -> Session<'_> {
        let mut dice = Dice::new(!self.seed);
        let mut session = Session::start(&self.random, self.drawn_from);
        for (at, given) in &self.givens {
            session.close(at - 1 + dice.below(self.random.life_us / 4));
            session.offer(*at, *given);
        }
        session.close(self.end().max(session.engine.clock()));
        session
    }
}

/// What holds of every session whatever it is.
fn holds_always(case: &Case, session: &Session) {
    let trace = &session.trace;
    assert!(matches!(trace[0], (START, Record::Start { .. })), "the start comes first");
    assert!(trace.iter().filter(|(_, record)| matches!(record, Record::Start { .. })).count() == 1);
    assert!(trace.is_sorted_by_key(|(at, _)| *at), "time never runs back");

    let ends = trace.iter().filter(|(_, record)| matches!(record, Record::End(_))).count();
    let (end, last) = *trace.last().expect("an end");
    assert!(ends == 1 && matches!(last, Record::End(_)), "the end comes once, and last: {last:?}");
    assert!(end <= START + case.random.life_us, "it ends by the end of its life");
    assert!(!session.engine.running() && session.engine.next_at().is_none());

    let mut requests = HashSet::new();
    let mut trials = 0;
    for (at, record) in trace {
        match record {
            Record::Request { line, .. } | Record::Breach { line, .. } => {
                assert!(requests.insert((*at, *line)), "a second request for {line:?} at {at}");
                assert!(case.random.outputs & line.bit() != 0);
            }
            Record::Trial { number } => {
                trials += 1;
                assert_eq!(*number, trials, "trials are counted one by one");
            }
            Record::Enter { region, state } => {
                assert_eq!(session.program.state(state.index()).region, *region);
            }
            Record::Fault(fault) => {
                let unsound = matches!(fault, Fault::BadProgram | Fault::Stack | Fault::TooManyDeadlines);
                assert!(!unsound, "a checked program cannot break this: {fault:?}");
            }
            _ => {}
        }
    }

    // Everything given up to the end is recorded, once, when and as late as it must be.
    let mut expected: Vec<String> =
        session.offered.iter().filter(|(at, _)| *at <= end).map(|given| format!("{given:?}")).collect();
    let given = trace.iter().skip(1).filter(|(_, record)| record.feeds_engine());
    let mut found: Vec<String> = given.map(|given| format!("{given:?}")).collect();
    expected.sort();
    found.sort();
    assert_eq!(expected, found, "what was given is what is recorded");
}

#[test]
fn random_programs_keep_what_must_always_hold() {
    let (mut records, mut differ, mut drawn, mut late) = (0, 0, 0, 0);
    let mut reflexes = [0; 5];
    let mut ends: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..cases() {
        let told = std::panic::catch_unwind(|| {
            let case = Case::new(seed);
            check::check(&Program::open(&case.random.image).expect("an image")).expect("a sound program");
            let session = case.just_in_time();
            holds_always(&case, &session);
            assert!(session.trace == case.step_by_step().trace, "advancing step by step gives something else");
            let anyhow = case.anyhow();
            assert!(session.trace == anyhow.trace, "advancing anyhow gives something else");
            let (prepared, counts) = case.foreseen();
            assert!(session.trace == prepared.trace, "being prepared gives something else");
            let late = case.late();
            holds_always(&case, &late);
            (session.trace, late.trace, counts)
        });
        let Ok((trace, late_trace, counts)) = told else { panic!("the program of seed {seed} broke what must hold") };
        records += trace.len();
        reflexes.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let draws = trace.iter().any(|(_, record)| matches!(record, Record::Draw { .. }));
        if draws && seed % 8 == 0 {
            let other = Case { drawn_from: seed + 1, ..Case::new(seed) };
            drawn += 1;
            differ += u64::from(trace[1..] != other.just_in_time().trace[1..]);
        }
        late += late_trace.iter().filter(|(_, r)| matches!(r, Record::Input { late_us: 1.., .. })).count();
        if let Some((_, Record::End(reason))) = trace.last() {
            *ends.entry(format!("{reason:?}")).or_default() += 1;
        }
    }
    println!(
        "{} programs, {records} records, {late} late inputs, {differ} of {drawn} that draw differ by seed",
        cases()
    );
    println!("ends: {ends:#?}");
    let [edges, foreseen, asked, time_outs, behind] = reflexes;
    println!(
        "of {edges} edges alone in their µs, {foreseen} were foreseen, with {asked} requests; {time_outs} time-outs were; \
         {behind} answers were known before the time-out they lie behind"
    );
    assert!(behind as u64 > cases() / 10, "hardly an answer was known behind a time-out");
    assert!(time_outs as u64 > cases(), "hardly any time-out was foreseen");
    assert!(foreseen as u64 > cases() / 2 && asked as u64 > cases() / 10, "hardly any answer was foreseen");
    let faults: u64 = ends.iter().filter(|(reason, _)| reason.starts_with("Fault")).map(|(_, count)| count).sum();
    assert!(faults < cases() / 3, "{faults} of {} programs ended in a fault: too few say anything else", cases());
    assert!(records as u64 > 20 * cases(), "the programs hardly did anything");
    assert!(late > 0 && differ > drawn / 2, "chance and lateness were hardly tried");
}

#[test]
fn random_programs_use_every_part_of_the_engine() {
    let mut ops = HashSet::new();
    let mut tables = [0; link::program::TABLES];
    for seed in 0..200 {
        let random = random::program(seed);
        let program = Program::open(&random.image).expect("an image");
        for (table, rows) in Table::ALL.into_iter().zip(&mut tables) {
            *rows += program.rows(table);
        }
        ops.extend((0..program.rows(Table::Code)).map(|address| program.code(address) & 0xFF));
    }
    assert!(tables.iter().all(|rows| *rows > 0), "{tables:?}");
    let missing: Vec<_> =
        link::program::op::OpCode::ALL.iter().filter(|code| !ops.contains(&(**code as u32))).collect();
    assert!(missing.is_empty(), "never used: {missing:?}");
}
