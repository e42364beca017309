//! The command line: every flag, its environment variable and its default.

#[cfg(feature = "sandbox")]
mod sandbox;
mod takeover;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
#[cfg(feature = "sandbox")]
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use orca_core::config::{LogFormat, LogLevel};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub use self::takeover::Takeover;

#[cfg(feature = "sandbox")]
pub use self::sandbox::{Chaos, SandboxArgs, SandboxOutput};

/// The version and the revision that it was built from, as `--version` shows them.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("ORCA_REVISION"), ")");

/// A virtual node for Kubernetes: every pod that is bound to it runs as an EC2 instance of its own.
///
/// Without a command, orca runs the controller.
#[derive(Clone, Debug, Parser)]
#[command(name = "orca", version = VERSION, max_term_width = 110)]
pub struct Args {
    /// The flags that every command takes.
    #[command(flatten, next_help_heading = "Options of every command")]
    pub globals: Globals,
    /// What to do. None: run the controller.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The flags that every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Globals {
    /// Config file. Default: /etc/orca/config.yaml, then ./config.yaml, the first that exists.
    #[arg(long, global = true, env = "ORCA_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Kubeconfig file. Default: the cluster that ORCA runs in, then ~/.kube/config.
    #[arg(long, global = true, env = "KUBECONFIG", value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig. Default: its current context.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Namespace of ORCA's own lease. Default: that of the service account, then kube-system.
    #[arg(long, global = true, env = "POD_NAMESPACE", value_name = "NAME")]
    pub namespace: Option<String>,
    /// Name of the virtual node; overrides node.name.
    #[arg(long, visible_alias = "nodename", global = true, env = "ORCA_NODE_NAME", value_name = "NAME")]
    pub node_name: Option<String>,
    /// Least level that is logged; overrides logging.level.
    #[arg(long, global = true, value_name = "LEVEL", value_parser = choice::<LogLevel>(&["trace", "debug", "info", "warn", "error"]))]
    pub log_level: Option<LogLevel>,
    /// Form of log lines; auto is text on a terminal and JSON elsewhere. Overrides logging.format.
    #[arg(long, global = true, value_name = "FORMAT", value_parser = choice::<LogFormat>(&["json", "text", "auto"]))]
    pub log_format: Option<LogFormat>,
    /// Address and port of health and metrics. Default: 0.0.0.0 and metrics.port, which is 8080.
    #[arg(long, global = true, value_name = "HOST:PORT", value_parser = address)]
    pub metrics_addr: Option<SocketAddr>,
    /// What may be taken over or given up.
    #[command(flatten)]
    pub takeover: Takeover,
    /// No colour in log lines.
    #[arg(long, global = true, help = "No colour in log lines; the variable NO_COLOR does the same")]
    pub no_color: bool,
}

/// A command.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the controller (the default).
    Run,
    /// Try ORCA with a cluster and a cloud in this process: no Kubernetes, no AWS.
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    /// Look at the config.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the version.
    Version {
        /// Form of the output.
        #[arg(short, long, value_enum, default_value_t = VersionOutput::Text)]
        output: VersionOutput,
    },
}

/// A command about the config.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a config file together with the environment and the flags; exit code 2 if anything is wrong.
    Validate {
        /// The file. Default: as for --config.
        file: Option<PathBuf>,
    },
    /// Print the config in effect, with secrets hidden.
    Show {
        /// Form of the output.
        #[arg(short, long, value_enum, default_value_t = ConfigOutput::Yaml)]
        output: ConfigOutput,
    },
}

/// How the config is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigOutput {
    /// As a config file.
    Yaml,
    /// As one JSON document.
    Json,
}

/// How the version is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VersionOutput {
    /// One line.
    Text,
    /// As one JSON document.
    Json,
}

impl Args {
    /// Reads the process's own command line.
    ///
    /// # Errors
    ///
    /// It is wrong, or asks for help or the version; what clap says of it.
    pub fn of_process() -> Result<Self, clap::Error> {
        Self::of(std::env::args_os())
    }

    fn of(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words)?;
        #[cfg(feature = "sandbox")]
        if let Some(text) = sandbox::unused(&matches) {
            return Err(command.error(ErrorKind::ArgumentConflict, text));
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

impl Globals {
    /// The flags that override keys of the config, in the config's own shape.
    pub(crate) fn overrides(&self) -> Value {
        let mut layer = json!({});
        if let Some(name) = self.node_name.as_ref().filter(|name| !name.is_empty()) {
            layer["node"]["name"] = json!(name);
        }
        if let Some(level) = self.log_level {
            layer["logging"]["level"] = json!(level);
        }
        if let Some(format) = self.log_format {
            layer["logging"]["format"] = json!(format);
        }
        if let Some(address) = self.metrics_addr {
            layer["metrics"]["port"] = json!(address.port());
        }
        layer
    }

    /// Where health and metrics are served.
    #[must_use]
    pub fn metrics_address(&self, config: &orca_core::config::Metrics) -> SocketAddr {
        self.metrics_addr.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, config.port)))
    }
}

/// Takes one of the config's own spellings.
fn choice<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    values: &[&'static str],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.to_vec()).try_map(|text| serde_json::from_value(Value::String(text)))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    // ":8080" is how Go programs write "every address".
    let whole =
        if text.starts_with(':') { format!("{}{text}", Ipv4Addr::UNSPECIFIED) } else { text.to_owned() };
    whole.parse().map_err(|_| "give an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Args {
        Args::try_parse_from(words).expect("valid")
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn no_command_runs_the_controller_with_the_designs_flags() {
        let args = parse(&["orca", "--kubeconfig", "k", "--config", "c.yaml", "--log-level", "debug"]);
        assert!(args.command.is_none());
        assert_eq!(args.globals.kubeconfig, Some("k".into()));
        assert_eq!(args.globals.overrides(), json!({ "logging": { "level": "debug" } }));
    }

    #[test]
    fn the_spelling_of_virtual_kubelet_is_taken_too() {
        let args = parse(&["orca", "run", "--nodename", "n1", "--metrics-addr", ":9090"]);
        assert_eq!(
            args.globals.overrides(),
            json!({ "node": { "name": "n1" }, "metrics": { "port": 9090 } })
        );
        let address = args.globals.metrics_address(&orca_core::config::Metrics::default());
        assert_eq!(address.to_string(), "0.0.0.0:9090");
    }

    #[test]
    fn the_metrics_address_defaults_to_every_address_and_the_configs_port() {
        let address = Globals::default().metrics_address(&orca_core::config::Metrics::default());
        assert_eq!(address.to_string(), "0.0.0.0:8080");
    }

    #[cfg(feature = "sandbox")]
    #[test]
    fn flags_without_effect_in_the_sandbox_are_refused_wherever_they_stand() {
        for (words, flag) in [
            (&["orca", "sandbox", "--kubeconfig", "k"][..], "--kubeconfig has no effect in the sandbox"),
            (&["orca", "--context", "c", "sandbox"], "--context has"),
            (&["orca", "sandbox", "--namespace", "n"], "--namespace has"),
            (&["orca", "sandbox", "--log-format", "json"], "--output says"),
            (&["orca", "sandbox", "--metrics-addr", ":1"], "--metrics-addr has"),
            (&["orca", "sandbox", "--adopt-node"], "--adopt-node has"),
            (&["orca", "sandbox", "--adopt-identity", "1/r"], "--adopt-identity has"),
            (&["orca", "sandbox", "--abandon", "1/r"], "--abandon has"),
        ] {
            let error = Args::of(words.iter().copied()).expect_err(flag);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(flag), "{words:?}: {error}");
        }
        drop(Args::of(["orca", "sandbox", "--config", "c", "--node-name", "n"]).expect("valid"));
        drop(Args::of(["orca", "run", "--context", "c", "--adopt-node"]).expect("valid"));
    }

    #[test]
    fn a_wrong_address_names_the_remedy() {
        let error = Args::try_parse_from(["orca", "--metrics-addr", "localhost"]).expect_err("no port");
        assert!(error.to_string().contains("such as 127.0.0.1:8080"), "{error}");
    }
}
