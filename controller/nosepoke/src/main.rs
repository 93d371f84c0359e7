//! The command line: reads arguments, calls the controller, shows what came of it. Knows nothing of how a session is
//! run.

// Whoever reads the terminal may be gone, and these would end a session for it.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod commands;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use controller::tell;
use tracing_subscriber::EnvFilter;

/// Runs behavioural experiments on rigs, and on simulated ones.
#[derive(Debug, Parser)]
#[command(name = "nosepoke", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    /// Tells more of what it does, on standard error; twice for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(commands::run::Run),
    Resume(commands::resume::Resume),
    Devices(commands::devices::Devices),
    Flash(commands::flash::Flash),
    Flush(commands::flush::Flush),
    Selftest(commands::selftest::Selftest),
    Check(commands::check::Check),
    Explain(commands::explain::Explain),
    Test(commands::test::Test),
    Graph(commands::graph::Graph),
    Schema(commands::schema::Schema),
    Replay(commands::replay::Replay),
    Show(commands::show::Show),
    Subject(commands::subject::Subject),
    Unblind(commands::subject::Unblind),
    Barcodes(commands::barcodes::Barcodes),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = ["warn", "info", "debug"][usize::from(arguments.verbose.min(2))];
    let filter = EnvFilter::try_from_env("NOSEPOKE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(arguments.verbose > 0)
        .without_time()
        .init();
    let done = match arguments.command {
        Command::Run(run) => run.execute(),
        Command::Resume(resume) => resume.execute(),
        Command::Devices(devices) => devices.execute(),
        Command::Flash(flash) => flash.execute(),
        Command::Flush(flush) => flush.execute(),
        Command::Selftest(selftest) => selftest.execute(),
        Command::Check(check) => check.execute(),
        Command::Explain(explain) => explain.execute(),
        Command::Test(test) => test.execute(),
        Command::Graph(graph) => graph.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Replay(replay) => replay.execute(),
        Command::Show(show) => show.execute(),
        Command::Subject(subject) => subject.execute(),
        Command::Unblind(unblind) => unblind.execute(),
        Command::Barcodes(barcodes) => barcodes.execute(),
    };
    match done {
        Ok(code) => code,
        Err(complaint) => {
            tell!("{complaint}");
            ExitCode::FAILURE
        }
    }
}
