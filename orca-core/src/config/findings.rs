//! What is wrong with a config: the key, the value, and what to write instead.

use std::collections::BTreeMap;
use std::fmt;

use crate::tags;
use crate::well_known::tag;

/// How many of an instance's tags are ORCA's own.
const OWN_TAGS: usize = 11;

/// One wrong value: the key, the value and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The key, dotted from the top, such as `node.cpu`.
    pub key: String,
    /// The value. None: it is missing.
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

/// A key that has no effect, or for which there is a better way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key, dotted from the top.
    pub key: &'static str,
    /// Whether the key has an effect.
    pub has_effect: bool,
    /// Why it has no effect, or why another way is better.
    pub text: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.key, if self.has_effect { "" } else { " has no effect" }, self.text)
    }
}

/// Collects errors and warnings about a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What keeps ORCA from starting.
    pub errors: Vec<ConfigError>,
    /// Keys without effect, and keys for which there is a better way.
    pub warnings: Vec<Warning>,
}

impl Findings {
    /// Adds an error: a required key has no value.
    pub fn missing(&mut self, key: &str, remedy: &str) {
        self.errors.push(ConfigError { key: key.into(), value: None, remedy: remedy.into() });
    }

    /// Adds an error: a key has a wrong value. The remedy says what to write instead.
    pub fn wrong(&mut self, key: &str, value: impl fmt::Display, remedy: impl Into<String>) {
        self.errors.push(ConfigError {
            key: key.into(),
            value: Some(value.to_string()),
            remedy: remedy.into(),
        });
    }

    /// Adds a warning if a key without effect is set.
    pub fn warn_if(&mut self, is_set: bool, key: &'static str, text: &'static str) {
        if is_set {
            self.warnings.push(Warning { key, has_effect: false, text });
        }
    }

    /// Adds a warning if a key is set for which there is a better way.
    pub fn advise_if(&mut self, is_set: bool, key: &'static str, text: &'static str) {
        if is_set {
            self.warnings.push(Warning { key, has_effect: true, text });
        }
    }

    /// Checks the user's tags under the key `path`: none may be one of ORCA's own, each must have a length that clouds
    /// accept, and all of them must fit on an instance together with ORCA's.
    pub fn tags(&mut self, path: &str, tags: &BTreeMap<String, String>) {
        for (key, value) in tags {
            let path = format!("{path}.{key}");
            let fits = (1..=tag::MAX_KEY_CHARS).contains(&key.chars().count())
                && value.chars().count() <= tag::MAX_VALUE_CHARS;
            if tags::is_own(key) {
                self.wrong(&path, value, "ORCA sets this tag itself; choose another key");
            } else if !fits {
                self.wrong(&path, value, "a key has 1 to 128 characters and a value at most 256");
            }
        }
        let room = tag::MAX_TAGS - OWN_TAGS;
        if tags.len() > room {
            self.wrong(path, format!("{} tags", tags.len()), format!("give at most {room}"));
        }
    }

    /// The warnings, if there is no error.
    ///
    /// # Errors
    ///
    /// All errors that were added. The warnings are dropped then.
    pub fn into_result(self) -> Result<Vec<Warning>, Vec<ConfigError>> {
        if self.errors.is_empty() { Ok(self.warnings) } else { Err(self.errors) }
    }
}
