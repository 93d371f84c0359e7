//! Lines from programs on this computer, as a video tracker or a decoder: a socket on the loopback interface alone. Each program
//! that connects says lines as a person would, and gets one line back for each, in order: `ok …` once the device has taken it,
//! or `error …`. It is also told what the operator is asked: `ask NAME QUESTION`, and `settled NAME`.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use compiler::symbols::Symbols;
use link::Micros;

use super::lines::{Answers, Lines};
use super::{Bell, Heard, Outside, Told};

/// Programs that may be connected at once.
pub const CALLERS_MAX: usize = 8;
/// How long a caller that does not read may hold up its own answers.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long nobody is let in after one who could not be.
const AT_THE_DOOR: Duration = Duration::from_millis(100);
/// Answers that may wait for a caller to read them; who reads none of so many is hung up on.
const ANSWERS_MAX: usize = 1_024;

/// A socket that programs connect to.
pub struct Listener {
    listener: Option<TcpListener>,
    address: SocketAddr,
    arrived: Option<Receiver<TcpStream>>,
    callers: Vec<Caller>,
    symbols: Symbols,
    bell: Bell,
    /// Questions that are open, for whoever connects meanwhile.
    open: Vec<usize>,
    /// Whose each thing is that was heard and not yet answered.
    whose: VecDeque<(u64, usize)>,
    count: u64,
    next_caller: usize,
}

struct Caller {
    number: usize,
    lines: Lines<TcpStream, ToProgram>,
}

impl Listener {
    /// Listens at `address`, which must be one of this computer's loopback interface: others could not be kept out.
    ///
    /// # Errors
    /// With a sentence, when it is no such address or cannot be had.
    pub fn at(address: &str) -> Result<Self, String> {
        let parsed: SocketAddr = address
            .parse()
            .map_err(|_| format!("`{address}` is no address of a socket: write for instance 127.0.0.1:7414"))?;
        if !matches!(parsed.ip(), ip if ip.is_loopback()) {
            return Err(format!(
                "{address} can be reached from other computers, and nobody would be asked who they are: write {}",
                SocketAddr::new(IpAddr::from([127, 0, 0, 1]), parsed.port())
            ));
        }
        let listener =
            TcpListener::bind(parsed).map_err(|error| format!("nothing can listen at {address}: {error}"))?;
        let address = listener.local_addr().map_err(|error| format!("nothing can listen at {address}: {error}"))?;
        Ok(Self {
            listener: Some(listener),
            address,
            arrived: None,
            callers: Vec::new(),
            symbols: Symbols::default(),
            bell: Bell::default(),
            open: Vec::new(),
            whose: VecDeque::new(),
            count: 0,
            next_caller: 0,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes in whoever has connected.
    fn admit(&mut self) {
        while let Some(stream) = self.arrived.as_ref().and_then(|arrived| arrived.try_recv().ok()) {
            let Self { callers, whose, .. } = self;
            callers
                .retain(|caller| !caller.lines.is_over() || whose.iter().any(|(_, number)| *number == caller.number));
            let Some(mut answers) = stream.try_clone().ok().and_then(ToProgram::start) else { continue };
            if self.callers.len() >= CALLERS_MAX {
                answers.tell(&Err(format!("{CALLERS_MAX} programs are connected already")));
                continue;
            }
            let mut lines = Lines::new(stream, answers, false);
            lines.attend(&self.symbols, &self.bell);
            for prompt in &self.open {
                lines.asked(0, *prompt);
            }
            self.callers.push(Caller { number: self.next_caller, lines });
            self.next_caller += 1;
        }
    }
}

impl Outside for Listener {
    fn attend(&mut self, symbols: &Symbols, bell: &Bell) {
        (self.symbols, self.bell) = (symbols.clone(), bell.clone());
        let Some(listener) = self.listener.take() else { return };
        let (called, arrived) = sync_channel(CALLERS_MAX);
        self.arrived = Some(arrived);
        let bell = bell.clone();
        let started = thread::Builder::new().name("socket".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // Who gave up at the door, or no room for another for the moment: the next may come in.
                    thread::sleep(AT_THE_DOOR);
                    continue;
                };
                if called.send(stream).is_err() {
                    return;
                }
                bell.ring();
            }
        });
        if let Err(error) = started {
            tracing::error!("no thread could be had for the socket: {error}");
        }
    }

    fn poll(&mut self, now: Micros, began: Micros) -> Option<Heard> {
        self.admit();
        // Each in turn, so that one that says much does not silence the others.
        for _ in 0..self.callers.len() {
            self.callers.rotate_left(1);
            let Some(caller) = self.callers.last_mut() else { break };
            if let Some(heard) = caller.lines.poll(now, began) {
                self.count += 1;
                self.whose.push_back((self.count, caller.number));
                return Some(Heard { id: self.count, ..heard });
            }
        }
        None
    }

    fn told(&mut self, id: u64, told: &Told) {
        let Some(at) = self.whose.iter().position(|(known, _)| *known == id) else { return };
        let Some((_, number)) = self.whose.remove(at) else { return };
        if let Some(caller) = self.callers.iter_mut().find(|caller| caller.number == number) {
            caller.lines.told(id, told);
        }
    }

    fn asked(&mut self, now: Micros, prompt: usize) {
        self.open.push(prompt);
        self.callers.iter_mut().for_each(|caller| caller.lines.asked(now, prompt));
    }

    fn settled(&mut self, prompt: usize) {
        self.open.retain(|open| *open != prompt);
        self.callers.iter_mut().for_each(|caller| caller.lines.settled(prompt));
    }
}

impl Drop for Listener {
    /// Nobody is let in any more: whoever waits at the door is woken to find that out.
    fn drop(&mut self) {
        if self.arrived.take().is_some() {
            let _ = TcpStream::connect_timeout(&self.address, PATIENCE);
        }
    }
}

/// Answers to a program, written on a thread of their own: a caller that does not read holds up nobody but itself.
struct ToProgram {
    lines: Option<SyncSender<String>>,
}

impl ToProgram {
    fn start(stream: TcpStream) -> Option<Self> {
        let (lines, written) = sync_channel::<String>(ANSWERS_MAX);
        let _ = stream.set_nodelay(true);
        let _ = stream.set_write_timeout(Some(PATIENCE));
        let writing = move || {
            let mut stream = stream;
            // Whoever does not read what it is told is not heard either.
            let _ = written.iter().try_for_each(|line| stream.write_all(line.as_bytes()));
            let _ = stream.shutdown(Shutdown::Both);
        };
        thread::Builder::new().name("socket answers".to_owned()).spawn(writing).ok()?;
        Some(Self { lines: Some(lines) })
    }

    fn line(&mut self, line: String) {
        let Some(Err(error)) = self.lines.as_ref().map(|lines| lines.try_send(line)) else { return };
        if let TrySendError::Full(_) = error {
            tracing::warn!("a program at the socket reads none of its answers, and is told no more");
        }
        self.lines = None;
    }
}

impl Answers for ToProgram {
    fn tell(&mut self, told: &Told) {
        self.line(match told {
            Ok(sentence) if sentence.is_empty() => "ok\n".to_owned(),
            Ok(sentence) => format!("ok {sentence}\n"),
            Err(sentence) => format!("error {sentence}\n"),
        });
    }

    fn ask(&mut self, prompt: &str, question: Option<&str>) {
        self.line(match question {
            Some(question) => format!("ask {prompt} {question}\n"),
            None => format!("settled {prompt}\n"),
        });
    }
}
