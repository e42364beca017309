//! Log lines on stderr: one flat JSON object a line for machines, or a short text line for people.
//!
//! ```text
//! {"level":"info","time":"2025-10-18T18:00:00.000Z","message":"Starting ORCA","node_name":"orca-aws-node"}
//! 2025-10-18T18:00:00Z INF Starting ORCA node_name=orca-aws-node
//! ```
//!
//! The fields of the spans around an event stand in its line as well, so that each line says which pod it is about.

use std::io::{self, IsTerminal};

use orca_core::config::{LogFormat, LogLevel};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

mod fields;
mod lines;

pub use lines::Lines;

/// How a line looks, decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Form {
    /// Decides for stderr: `auto` is text on a terminal and JSON elsewhere.
    #[must_use]
    pub fn for_stderr(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Auto if io::stderr().is_terminal() => Self::Text,
            LogFormat::Auto | LogFormat::Json => Self::Json,
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The least level of ORCA's own lines.
    pub level: LogLevel,
    /// How a line looks.
    pub form: Form,
    /// Whether text has colour, if stderr is a terminal.
    pub may_colour: bool,
    /// A filter in the syntax of tracing (the variable `ORCA_LOG`), instead of `level`.
    pub filter: Option<String>,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingFailure {
    /// The filter is malformed.
    #[error("ORCA_LOG has the value \"{filter}\": {source}; give directives such as info,orca_aws=debug")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else in this process logs already.
    #[error("logging was set up twice: {0}")]
    Twice(#[from] TryInitError),
}

/// Starts logging to stderr for the whole process.
///
/// # Errors
///
/// The filter is wrong, or a logger is installed already.
pub fn init(settings: &Settings) -> Result<(), LoggingFailure> {
    let filter = filter(settings)?;
    let is_coloured = settings.may_colour && io::stderr().is_terminal();
    let lines = Lines::new(settings.form, orca_core::clock::system(), io::stderr).coloured(is_coloured);
    tracing_subscriber::registry().with(filter).with(lines).try_init()?;
    Ok(())
}

fn filter(settings: &Settings) -> Result<EnvFilter, LoggingFailure> {
    let text = settings.filter.clone().unwrap_or_else(|| directives(settings.level));
    EnvFilter::builder().parse(&text).map_err(|source| LoggingFailure::Filter { filter: text, source })
}

/// The level for every crate whose name begins with `orca`, and warnings from the libraries below; but not those of
/// kube's client about a failed call, which whoever made the call says.
fn directives(level: LogLevel) -> String {
    let others = if level == LogLevel::Error { "error" } else { "warn" };
    format!("{others},kube_client::client::builder=off,orca={}", level.as_str())
}

#[cfg(test)]
mod tests;
