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

/// A key that does not do what its author may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The key.
    pub key: &'static str,
    /// Whether it does anything.
    pub has_effect: bool,
    /// Why it has no effect, or why another way is better.
    pub text: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}: {}", self.key, if self.has_effect { "" } else { " has no effect" }, self.text)
    }
}

/// Everything that was found in a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What keeps ORCA from starting.
    pub errors: Vec<ConfigError>,
    /// What has no effect, and what would be better otherwise.
    pub warnings: Vec<Warning>,
}

impl Findings {
    /// A key that is required and has no value.
    pub fn missing(&mut self, key: &str, remedy: &str) {
        self.errors.push(ConfigError { key: key.into(), value: None, remedy: remedy.into() });
    }

    /// A key with a value that is wrong.
    pub fn wrong(&mut self, key: &str, value: impl fmt::Display, remedy: impl Into<String>) {
        self.errors.push(ConfigError {
            key: key.into(),
            value: Some(value.to_string()),
            remedy: remedy.into(),
        });
    }

    /// A key that is set and has no effect.
    pub fn warn_if(&mut self, is_set: bool, key: &'static str, text: &'static str) {
        if is_set {
            self.warnings.push(Warning { key, has_effect: false, text });
        }
    }

    /// A key that is set and has an effect for which there is a better way.
    pub fn advise_if(&mut self, is_set: bool, key: &'static str, text: &'static str) {
        if is_set {
            self.warnings.push(Warning { key, has_effect: true, text });
        }
    }

    /// Tags of the user's, below this key: none may be one of ORCA's own, and all of them together have to fit on an instance.
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

    /// The warnings if nothing is wrong.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub fn into_result(self) -> Result<Vec<Warning>, Vec<ConfigError>> {
        if self.errors.is_empty() { Ok(self.warnings) } else { Err(self.errors) }
    }
}
