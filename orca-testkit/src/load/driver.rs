//! The run as a whole: contestants in turn on one API server, then the result.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use super::args::{Args, Command, Load, Output};
use super::child;
use super::contestant::Contestant;
use super::error::Error;
use super::plane::Plane;
use super::report::{Report, Turn, render};
use super::turn::{Ground, Progress, play};

/// Runs the program and returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // This is also the way of --help and --version, which end with 0.
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX));
        }
    };
    // Already installed is as good.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let result = match args.command {
        Some(Command::Contestant(contestant)) => child::run(&contestant).map(|()| ExitCode::SUCCESS),
        None => drive(&args.load),
    };
    result.unwrap_or_else(|error| {
        drop(writeln!(std::io::stderr(), "error: {}", error.text()));
        error.code()
    })
}

fn drive(load: &Load) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let report = runtime.map_err(Error::system("starting the runtime"))?.block_on(race(load))?;
    let text = match load.output {
        Output::Text => render(&report),
        Output::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::system("writing the result"))?;
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn race(load: &Load) -> Result<Report, Error> {
    let mut contestants = vec![Contestant::Orca];
    if let Some(path) = &load.program {
        if !path.is_file() {
            return Err(Error::NoProgram(path.clone()));
        }
        contestants.push(Contestant::Program);
    }
    for peer in &load.against {
        let contestant = Contestant::from(*peer);
        if !contestants.contains(&contestant) {
            contestants.push(contestant);
        }
    }
    for contestant in &contestants {
        contestant.check()?;
    }
    let progress = Progress::new();
    progress.show("starting the control plane");
    let plane = Plane::start(&load.api).await?;
    let ground = Ground { client: plane.client().await?, plane: &plane, load, progress };
    let mut turns = Vec::new();
    // A B A B: what changes on the machine over time then meets all of them.
    'rounds: for round in 1..=load.rounds {
        for contestant in &contestants {
            let turn = attempt(&ground, *contestant, round).await?;
            let is_bad = !turn.failures.is_empty();
            turns.push(turn);
            if is_bad && !load.keep_going {
                break 'rounds;
            }
        }
    }
    Ok(Report::new(load, turns))
}

/// One turn; what keeps it from being played is an error, or a failed turn when the others are to go on.
async fn attempt(ground: &Ground<'_>, contestant: Contestant, round: u32) -> Result<Turn, Error> {
    match play(ground, contestant, round).await {
        Err(error) if ground.load.keep_going => Ok(Turn::not_played(contestant.name(), round, error.text())),
        result => result,
    }
}
