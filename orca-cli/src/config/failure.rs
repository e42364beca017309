//! Why there is no usable config, told so that a person can repair it.

use std::io;
use std::path::PathBuf;

use orca_core::config::ConfigError;

use super::Origin;

/// Why there is no usable config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFailure {
    /// The file cannot be read.
    #[error("the config file {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is no YAML, or has keys or values that the config has not.
    #[error("the config file {} is wrong{}: {text}", path.display(), place(*line, *column))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1; 0 when it is not known.
        line: u64,
        /// The column, from 1; 0 when it is not known.
        column: u64,
        /// What is wrong, with the lines around it.
        text: String,
    },
    /// A variable that names no key.
    #[error("the variable {variable} sets no config key: {reason}")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// Why, and what may be meant.
        reason: String,
    },
    /// A variable whose value does not fit its key.
    #[error("the variable {variable} does not fit {key}: {reason}")]
    BadVariable {
        /// The variable.
        variable: String,
        /// The key.
        key: String,
        /// Why, and what to write instead.
        reason: String,
    },
    /// Each layer is right, and all together are not.
    #[error("file, environment and flags together make no config: {0}")]
    Layers(String),
    /// The values are wrong.
    #[error("the config from {origin} has {}:{}", number(errors.len()), list(errors))]
    Invalid {
        /// Where the file layer came from.
        origin: Origin,
        /// Each wrong value.
        errors: Vec<ConfigError>,
    },
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!(" at line {line}, column {column}") }
}

fn number(errors: usize) -> String {
    if errors == 1 { "an error".into() } else { format!("{errors} errors") }
}

fn list(errors: &[ConfigError]) -> String {
    errors.iter().fold(String::new(), |list, error| list + "\n  " + &error.to_string())
}
