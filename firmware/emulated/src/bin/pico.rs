//! The emulated Pico on a pseudo-terminal, paced by the wall clock, for the real daemon. Owns the terminal and what a hand
//! can do to the rig: pull the cable, cut the supply, press reset.
//!
//!   pico IMAGE LINK [--usb]        LINK is where the terminal appears, as a serial port would
//!
//! Commands on the standard input, one a line: `unplug`, `plug`, `off`, `on`, `reset`, `pin N 0|1|z`, `quit`.
//! What happens at pins is told on the standard output: `edge NS PIN LEVEL`, `reset NS CAUSE`, `fault NS …`.

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use emulated::pace::SLICE_NANOS;
use emulated::{Bench, Event, Pace, Port, Source, Stop, Tools};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [image, link, options @ ..] = arguments.as_slice() else {
        eprintln!("usage: pico IMAGE LINK [--usb]");
        return ExitCode::from(2);
    };
    let source = if options.iter().any(|option| option == "--usb") { Source::Usb } else { Source::Uart(0) };
    match serve(Path::new(image), Path::new(link), source) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(image: &Path, link: &Path, source: Source) -> Result<(), Box<dyn std::error::Error>> {
    let mut bench = Bench::start(&Tools::ready()?.script, image, true)?;
    let commands = listen();
    let mut port = Some(Port::open(link)?);
    bench.plug(source == Source::Usb);
    println!("ready {}", link.display());
    let mut events = Vec::new();
    let mut bytes = [0; 4096];
    let mut pace = Pace::from(0);
    loop {
        match commands.try_recv() {
            Ok(line) if line == "quit" => return Ok(()),
            Ok(line) => obey(&line, &mut bench, &mut port, link, source)?,
            Err(TryRecvError::Disconnected) => return Ok(()),
            Err(TryRecvError::Empty) => {}
        }
        if let Some(port) = &mut port {
            let count = port.read(&mut bytes)?;
            bench.send(source, &bytes[..count]);
        }
        let now = bench.run(bench.now() + SLICE_NANOS, Stop::default(), &mut events)?;
        for event in events.drain(..) {
            tell(event, &mut port, source)?;
        }
        pace.wait_for(now);
    }
}

/// The lines of the standard input; its end is the end of the chip.
fn listen() -> Receiver<String> {
    let (to, commands) = channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                return;
            }
        }
    });
    commands
}

fn obey(line: &str, bench: &mut Bench, port: &mut Option<Port>, link: &Path, source: Source) -> io::Result<()> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["unplug"] => {
            *port = None;
            bench.plug(false);
        }
        ["plug"] => {
            *port = Some(Port::open(link)?);
            bench.plug(source == Source::Usb);
        }
        ["off"] => {
            *port = None;
            bench.plug(false);
            bench.power(false);
        }
        ["on"] => {
            bench.power(true);
            *port = Some(Port::open(link)?);
            bench.plug(source == Source::Usb);
        }
        ["reset"] => bench.reset(),
        ["pin", pin, level] => {
            let level = match *level {
                "1" => Some(true),
                "0" => Some(false),
                _ => None,
            };
            if let Ok(pin) = pin.parse() {
                bench.pin(bench.now(), pin, level);
            }
        }
        _ => eprintln!("`{line}` is no command: unplug, plug, off, on, reset, pin N 0|1|z, quit"),
    }
    Ok(())
}

fn tell(event: Event, port: &mut Option<Port>, wanted: Source) -> io::Result<()> {
    match event {
        Event::Bytes { source, bytes, .. } if source == wanted => {
            if let Some(port) = port {
                port.write(&bytes)?;
            }
            return Ok(());
        }
        Event::Edge { at, pin, high } => println!("edge {at} {pin} {}", u8::from(high)),
        Event::Sound { at, pin, heard } => println!("sound {at} {pin} {}", u8::from(heard.is_none())),
        Event::Reset { at, cause } => println!("reset {at} {cause}"),
        Event::Fault { at, what } => println!("fault {at} {what}"),
        Event::LockUp { at } => println!("lockup {at}"),
        Event::Zero { .. } | Event::Lap { .. } | Event::Wave { .. } | Event::Wrong { .. } | Event::Bytes { .. } => {}
    }
    io::stdout().flush()
}
