//! The flags of `orca sandbox`.

use std::path::PathBuf;
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{ArgMatches, ValueEnum};

/// The names of what can go wrong, for messages.
const KINDS: &str = "spot-interruptions=5%, ice=10%, lost-answers=5%, throttling=5%, api-latency=200ms";

/// What `orca sandbox` is to do.
#[derive(Clone, Debug, clap::Args)]
pub struct SandboxArgs {
    /// Apply these manifests, follow their pods until each is Running and Ready or has ended, delete everything again, and end. Exit code 1 if not every pod came up.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub apply: Vec<PathBuf>,
    /// With --apply: keep everything running afterwards, until Ctrl-C.
    #[arg(long, requires = "apply")]
    pub keep: bool,
    /// With --apply: how long to wait for everything to come up, in seconds.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 120,
        requires = "apply",
        allow_negative_numbers = true
    )]
    pub timeout: u64,
    /// How many times faster than AWS instances boot, pass their checks and end, such as 30x.
    #[arg(long, value_name = "FACTOR", default_value = "30x", value_parser = speed)]
    pub speed: f64,
    /// What ids, delays and failures are drawn from.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// What goes wrong by chance: spot-interruptions=5%, ice=10%, lost-answers=5%, throttling=5% and api-latency=200ms, or some of these with commas between them.
    #[arg(long, value_name = "KIND=VALUE,...", value_parser = chaos, default_value = "", hide_default_value = true)]
    pub chaos: Chaos,
    /// Port of the API server on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Form of what is told: text for people, or one JSON object a line.
    #[arg(short, long, value_enum, default_value_t = SandboxOutput::Text)]
    pub output: SandboxOutput,
}

/// How the sandbox tells what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SandboxOutput {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What goes wrong by chance, as parts of one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chaos {
    /// Of spot instances: taken back after a while.
    pub spot_interruptions: f64,
    /// Of launches: `InsufficientInstanceCapacity`.
    pub insufficient_capacity: f64,
    /// Of calls to EC2: executed, and the answer gets lost.
    pub lost_answers: f64,
    /// Of calls to EC2: `RequestLimitExceeded`.
    pub throttling: f64,
    /// From a call to EC2 or to the API server to its answer.
    pub api_latency: Duration,
}

fn speed(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix(['x', 'X']).unwrap_or(text).parse::<f64>();
    match number {
        Ok(factor) if (1.0..=10_000.0).contains(&factor) => Ok(factor),
        Ok(_) | Err(_) => Err("give a factor from 1 to 10000, such as 30x".into()),
    }
}

fn chaos(text: &str) -> Result<Chaos, String> {
    let mut chaos = Chaos::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((kind, value)) = part.split_once('=') else {
            return Err(format!("\"{part}\" has no value; known are {KINDS}"));
        };
        match kind.trim() {
            "spot-interruptions" => chaos.spot_interruptions = share(kind, value)?,
            "ice" => chaos.insufficient_capacity = share(kind, value)?,
            "lost-answers" => chaos.lost_answers = share(kind, value)?,
            "throttling" => chaos.throttling = share(kind, value)?,
            "api-latency" => chaos.api_latency = latency(value)?,
            other => return Err(format!("\"{other}\" is unknown; known are {KINDS}")),
        }
    }
    Ok(chaos)
}

fn share(kind: &str, text: &str) -> Result<f64, String> {
    let wrong = || format!("{kind} has the value \"{text}\"; give a percentage from 0% to 100%");
    let number = text.trim().strip_suffix('%').ok_or_else(wrong)?;
    let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent / 100.0) } else { Err(wrong()) }
}

fn latency(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("api-latency has the value \"{text}\"; give a time up to 10s, such as 200ms or 1.5s");
    let text = text.trim();
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1.0),
    };
    let seconds = number.trim().parse::<f64>().map_err(|_| wrong())? * scale;
    if (0.0..=10.0).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

/// The flags of every command that the sandbox has no use for: where a real cluster is, and what may be taken over there.
const UNUSED: [(&str, &str); 8] = [
    ("kubeconfig", "it makes a kubeconfig of its own and prints where"),
    ("context", "its cluster is its own"),
    ("namespace", "its cluster is its own"),
    ("log_format", "--output says how it tells what happens"),
    ("metrics_addr", "it serves no metrics"),
    ("adopt_node", "nothing was there before"),
    ("adopt_identity", "nothing was there before"),
    ("abandon", "nothing was there before"),
];

/// Why these flags are refused, if one of them would have no effect. Variables of the environment are for other commands,
/// and do no harm.
pub(super) fn unused(matches: &ArgMatches) -> Option<String> {
    let sandbox = matches.subcommand_matches("sandbox")?;
    let (id, why) =
        UNUSED.into_iter().find(|(id, _)| sandbox.value_source(id) == Some(ValueSource::CommandLine))?;
    Some(format!("--{} has no effect in the sandbox: {why}; leave it out", id.replace('_', "-")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_chaos_is_read() {
        let read = chaos("spot-interruptions=5%, ice=10%,lost-answers=1.5%,throttling=2%,api-latency=200ms");
        let expected = Chaos {
            spot_interruptions: 0.05,
            insufficient_capacity: 0.1,
            lost_answers: 0.015,
            throttling: 0.02,
            api_latency: Duration::from_millis(200),
        };
        assert_eq!(read, Ok(expected));
        assert_eq!(chaos(""), Ok(Chaos::default()));
        assert_eq!(chaos("api-latency=1.5s").map(|chaos| chaos.api_latency), Ok(Duration::from_millis(1500)));
    }

    #[test]
    fn the_help_of_chaos_names_every_kind() {
        use clap::CommandFactory;
        let mut command = crate::args::Args::command();
        let help =
            command.find_subcommand_mut("sandbox").expect("the command").render_long_help().to_string();
        for kind in KINDS.split(", ").map(|kind| kind.split('=').next().unwrap_or_default()) {
            assert!(help.contains(&format!("{kind}=")), "{kind} is missing:\n{help}");
        }
    }

    #[test]
    fn wrong_chaos_names_the_value_and_what_is_known() {
        for (text, says) in [
            ("ice", "has no value"),
            ("fire=5%", "\"fire\" is unknown; known are spot-interruptions=5%"),
            ("ice=5", "\"5\"; give a percentage"),
            ("ice=101%", "from 0% to 100%"),
            ("ice=NaN%", "from 0% to 100%"),
            ("api-latency=200", "such as 200ms"),
            ("api-latency=-1s", "up to 10s"),
            ("api-latency=1h", "up to 10s"),
        ] {
            let error = chaos(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_speed_is_a_factor_from_one() {
        assert_eq!((speed("60x"), speed("1"), speed("2.5X")), (Ok(60.0), Ok(1.0), Ok(2.5)));
        for text in ["0", "-3x", "fast", "NaN", "inf", ""] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
