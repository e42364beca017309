//! The sections for the program `orca` itself: log lines, health and metrics, and switches for development.
//!
//! A `VirtualNode` in another program does not read them, but it checks `metrics` and `development`.

use serde::{Deserialize, Serialize};

/// `logging`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Logging {
    /// The lowest level that is shown. Default: info.
    pub level: LogLevel,
    /// The format of a line. Default: auto.
    pub format: LogFormat,
    /// No effect: `level: debug` shows AWS calls.
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
    /// Every detail.
    Trace,
    /// Also calls to the cloud and events of pods.
    Debug,
    /// One line for each change.
    Info,
    /// What may need attention.
    Warn,
    /// What failed.
    Error,
}

impl LogLevel {
    /// The level as in the config, such as `info`.
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
    /// One JSON object for each line.
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
    /// Whether metrics are served. Health always is. Default: true.
    pub enabled: bool,
    /// The port of health and metrics. Default: 8080.
    pub port: u16,
    /// The path of the metrics: it begins with `/`, and is not below a path of health. Default: `/metrics`.
    pub path: String,
    /// No effect.
    pub prometheus: Prometheus,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, port: 8080, path: "/metrics".into(), prometheus: Prometheus::default() }
    }
}

/// `metrics.prometheus`: no effect, because metrics always have Prometheus' format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Prometheus {
    /// No effect.
    pub enabled: bool,
}

/// `development`: switches of ORCA's predecessor, so that its config files load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Development {
    /// Refused when true, because ORCA would launch real instances all the same.
    #[serde(rename = "mockAWS")]
    pub mock_aws: bool,
    /// Refused when true, because ORCA would launch real instances all the same.
    pub dry_run: bool,
    /// No effect.
    pub enable_fast_cleanup: bool,
    /// No effect.
    pub cleanup_interval: Option<String>,
}
