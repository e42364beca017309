//! The config in effect, from four layers: built-in defaults, the file, the environment and the flags.
//!
//! Each layer is a JSON document in the config's own shape, and a later one overrides an earlier one key by key.
//! The file is first read strictly into the schema, so that its errors show line and column; each variable is
//! mapped to its exact key, so that `ORCA__AWS__SUBNETID` finds `aws.subnetID`.

use std::fmt;
use std::path::{Path, PathBuf};

use orca_aws::config::Document;
use orca_core::config::Warning;
use serde_json::Value;

use crate::environment::Environment;

mod failure;
mod file;
mod keys;
mod shown;
mod variables;

pub use failure::ConfigFailure;
pub use shown::shown;

/// Where a config file is looked for when none is named.
const PLACES: [&str; 2] = ["/etc/orca/config.yaml", "./config.yaml"];

/// A config that may be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The config in effect, with the section of the back end.
    pub document: Document,
    /// Where the file layer came from.
    pub origin: Origin,
    /// What is said about keys although nothing is wrong.
    pub warnings: Vec<Warning>,
}

/// Where the file layer came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This file.
    File(PathBuf),
    /// There is no file: defaults, environment and flags alone.
    NoFile,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::NoFile => write!(f, "the defaults (there is no {})", PLACES.join(" and no ")),
        }
    }
}

/// Loads and validates the config. `flags` is the last layer, in the config's own shape.
///
/// # Errors
///
/// The file cannot be read, a layer does not fit the schema, or a value is wrong.
pub fn load(file: Option<&Path>, environment: &Environment, flags: &Value) -> Result<Loaded, ConfigFailure> {
    layered_on(find(file), environment, flags)
}

/// The same without any file.
///
/// # Errors
///
/// A variable or a flag does not fit the schema, or a value is wrong.
pub fn without_file(environment: &Environment, flags: &Value) -> Result<Loaded, ConfigFailure> {
    layered_on(Origin::NoFile, environment, flags)
}

fn layered_on(origin: Origin, environment: &Environment, flags: &Value) -> Result<Loaded, ConfigFailure> {
    let mut layers = vec![json(&Document::default())?];
    if let Origin::File(path) = &origin {
        layers.push(json(&file::read(path)?)?);
    }
    layers.push(variables::read(environment)?);
    layers.push(flags.clone());
    let mut document = layered(&layers)?;
    if document.backend.region.is_empty() {
        // The SDK's own variables, in its own order: weaker than any layer that names a region.
        let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| environment.get(name));
        region.unwrap_or_default().clone_into(&mut document.backend.region);
    }
    match document.validate() {
        Ok(warnings) => Ok(Loaded { document, origin, warnings }),
        Err(errors) => Err(ConfigFailure::Invalid { origin, errors }),
    }
}

fn find(file: Option<&Path>) -> Origin {
    match file {
        // An empty path is what `ORCA_CONFIG=` gives: as if it were not set.
        Some(path) if !path.as_os_str().is_empty() => Origin::File(path.to_owned()),
        _ => PLACES.iter().map(PathBuf::from).find(|path| path.exists()).map_or(Origin::NoFile, Origin::File),
    }
}

fn json(config: &Document) -> Result<Value, ConfigFailure> {
    serde_json::to_value(config).map_err(|error| ConfigFailure::Layers(error.to_string()))
}

fn layered(layers: &[Value]) -> Result<Document, ConfigFailure> {
    let mut builder = ::config::Config::builder();
    for layer in layers {
        // As text and not value by value: tables of a file keep keys with dots and slashes as they are.
        builder =
            builder.add_source(::config::File::from_str(&layer.to_string(), ::config::FileFormat::Json));
    }
    let merged = builder.build().and_then(::config::Config::try_deserialize);
    merged.map_err(|error| ConfigFailure::Layers(error.to_string()))
}

#[cfg(test)]
mod tests;
