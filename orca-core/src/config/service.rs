//! The sections about the program itself: log lines, health and metrics, switches for development.

use serde::{Deserialize, Serialize};

/// `logging`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Logging {
    /// The least level that is shown.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
    /// Not acted on: `level: debug` shows AWS calls.
    #[serde(rename = "logAWSCalls")]
    pub log_aws_calls: bool,
}

impl Default for Logging {
    fn default() -> Self {
        Self { level: LogLevel::Info, format: LogFormat::Auto, log_aws_calls: false }
    }
}

/// `logging.level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything that helps to find a fault.
    Trace,
    /// AWS calls and pod events.
    Debug,
    /// One line per change.
    Info,
    /// What may need somebody.
    Warn,
    /// What failed.
    Error,
}

impl LogLevel {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// `logging.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    #[serde(alias = "console")]
    Text,
    /// Text on a terminal, JSON elsewhere.
    Auto,
}

/// `metrics`: the port for health and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Metrics {
    /// Whether metrics are served; health always is.
    pub enabled: bool,
    /// The port.
    pub port: u16,
    /// The path of the metrics.
    pub path: String,
    /// Not acted on.
    pub prometheus: Prometheus,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, port: 8080, path: "/metrics".into(), prometheus: Prometheus::default() }
    }
}

/// `metrics.prometheus`: not acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Prometheus {
    /// Not acted on.
    pub enabled: bool,
}

/// `development`: switches of the predecessor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Development {
    /// Refused when true: ORCA would launch real instances.
    #[serde(rename = "mockAWS")]
    pub mock_aws: bool,
    /// Refused when true: ORCA would launch real instances.
    pub dry_run: bool,
    /// Not acted on.
    pub enable_fast_cleanup: bool,
    /// Not acted on.
    pub cleanup_interval: Option<String>,
}
