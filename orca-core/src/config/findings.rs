//! What is wrong with a config: the key, the value, and what to write instead.

use std::fmt;

/// One wrong value: the key, the value and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The key, dotted from the top, such as `node.cpu`.
    pub key: String,
    /// The value, or nothing when it is missing.
    pub value: Option<String>,
    /// What is wrong, and what to write instead.
    pub remedy: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} has the value \"{value}\": {}", self.key, self.remedy),
            None => write!(f, "{} is required: {}", self.key, self.remedy),
        }
    }
}

/// A key that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key.
    pub key: &'static str,
    /// Why it has none.
    pub text: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no effect: {}", self.key, self.text)
    }
}

/// Everything that was found.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<ConfigError>,
    pub(super) warnings: Vec<Warning>,
}

impl Findings {
    pub(super) fn missing(&mut self, key: &str, remedy: &str) {
        self.errors.push(ConfigError { key: key.into(), value: None, remedy: remedy.into() });
    }

    pub(super) fn wrong(&mut self, key: &str, value: impl fmt::Display, remedy: impl Into<String>) {
        self.errors.push(ConfigError {
            key: key.into(),
            value: Some(value.to_string()),
            remedy: remedy.into(),
        });
    }

    pub(super) fn warn_if(&mut self, is_set: bool, key: &'static str, text: &'static str) {
        if is_set {
            self.warnings.push(Warning { key, text });
        }
    }

    pub(super) fn id(&mut self, key: &str, value: Option<&String>, prefix: &str) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            let hex = value
                .strip_prefix(prefix)
                .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit()));
            if hex.is_none() {
                self.wrong(key, value, format!("give an id such as {prefix}0123456789abcdef0"));
            }
        }
    }
}
