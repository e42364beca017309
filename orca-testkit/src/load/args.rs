//! The command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Creates pods by the thousand on ORCA and on its peers, in turn, on one control plane, and says how long they took.
///
/// Exit status: 0 when every pod came up and went away, 1 when not, 2 when the command line or what it needs is wrong.
#[derive(Clone, Debug, Parser)]
#[command(name = "orca-load", version, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) load: Load,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Runs ORCA's virtual node over a cloud in this process, until standard input is closed.
    #[command(hide = true)]
    Contestant(Contestant),
}

/// The contestant ORCA: this program again, in a separate process.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Contestant {
    /// Whose cluster.
    #[arg(long)]
    pub(super) kubeconfig: PathBuf,
    /// The node's name.
    #[arg(long)]
    pub(super) node: String,
    /// How long each call to the cloud takes.
    #[arg(long, value_parser = duration)]
    pub(super) cloud_latency: Duration,
}

/// What is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Load {
    /// Pods in a turn. Each takes an address of the fake cloud's largest subnet.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=65_000))]
    pub(super) pods: u32,
    /// Pods created per second. Without it they are created as fast as the API server takes them.
    #[arg(long, value_parser = rate)]
    pub(super) rate: Option<f64>,
    /// The API server: `real` (a control plane of its own), `fake` (one in this process, with its controllers), or the
    /// path of a kubeconfig.
    #[arg(long, default_value = "real", value_name = "real|fake|KUBECONFIG")]
    pub(super) api: Api,
    /// How long each call to the cloud takes, such as 80ms or 1.5s.
    #[arg(long, default_value = "0ms", value_parser = duration)]
    pub(super) cloud_latency: Duration,
    /// Pods that are being created at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) creators: u32,
    /// Whom to compare ORCA with; several by commas.
    #[arg(long, value_delimiter = ',')]
    pub(super) against: Vec<Peer>,
    /// The `orca` program of a release build, as one more contestant, with its cloud outside of it.
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// Seconds to watch each contestant for while all pods run and nothing changes.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) steady: Option<u32>,
    /// Kill the program while all pods run, and start it again.
    #[arg(long, requires = "program")]
    pub(super) restart: bool,
    /// Write the API server's own processor profile, taken while pods come up, to FOLDER, a file a turn, for `go tool pprof`.
    #[arg(long, value_name = "FOLDER")]
    pub(super) profile: Option<PathBuf>,
    /// Turns of each contestant.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) rounds: u32,
    /// How the result is written to standard output.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// Go on with the next turn after one that failed.
    #[arg(long)]
    pub(super) keep_going: bool,
}

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Tables for people.
    Text,
    /// One JSON object.
    Json,
}

/// A program that ORCA is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Peer {
    /// kwok, which shows pods and runs nothing.
    Kwok,
    /// virtual-kubelet with its mock provider.
    VirtualKubelet,
}

/// Which API server the contestants share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// A real control plane, started for this run.
    Real,
    /// A fake one in this process.
    Fake,
    /// A cluster that is there already.
    Kubeconfig(PathBuf),
}

impl FromStr for Api {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "fake" => Ok(Self::Fake),
            path if std::path::Path::new(path).is_file() => Ok(Self::Kubeconfig(path.into())),
            _ => Err("neither `real` nor `fake` nor the path of a kubeconfig that exists".to_owned()),
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate >= 0.01 => Ok(rate),
        Ok(_) | Err(_) => Err("pods per second, at least 0.01".to_owned()),
    }
}

/// A time span with its unit: `ms` or `s`, up to an hour.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or_default(), 1.0),
    };
    match number.parse::<f64>().map(|number| number * unit) {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        Ok(_) | Err(_) => Err("a time with its unit, such as 80ms or 1.5s, at most an hour".to_owned()),
    }
}

#[cfg(test)]
mod tests;
