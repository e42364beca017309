//! The file layer: strict YAML, whose errors show line, column, the lines around and what may be meant.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use orca_aws::config::Document;
use orca_core::text::nearest;
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter};

use super::failure::ConfigFailure;

/// Reads a config file. A file without any key is a config of defaults.
pub(super) fn read(path: &Path) -> Result<Document, ConfigFailure> {
    let text =
        fs::read_to_string(path).map_err(|source| ConfigFailure::Unreadable { path: path.into(), source })?;
    parse(path, &text)
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Document, ConfigFailure> {
    match serde_saphyr::from_str::<Option<Document>>(text) {
        Ok(config) => Ok(config.unwrap_or_default()),
        Err(error) => {
            let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
            let name = path.display().to_string();
            let formatter = ForPeople { text };
            let options = serde_saphyr::render_options! { formatter: &formatter, source_name: Some(&name) };
            let rendered = error.render_with_options(options);
            // The place stands in the headline already.
            let repeated = format!("error: line {line} column {column}: ");
            let rendered = rendered.strip_prefix(&repeated).unwrap_or(&rendered);
            Err(ConfigFailure::Malformed {
                path: path.into(),
                line,
                column,
                text: without_secrets(rendered.trim_end()),
            })
        }
    }
}

/// The wording of the errors that people make most, about this text.
struct ForPeople<'t> {
    text: &'t str,
}

impl ForPeople<'_> {
    /// The single value that stands at the place of an error, or first in a list there.
    fn value(&self, error: &Error) -> Option<String> {
        let at = error.location()?;
        let line = self.text.lines().nth(usize::try_from(at.line()).ok()?.checked_sub(1)?)?;
        let rest: String = line.chars().skip(usize::try_from(at.column()).ok()?.checked_sub(1)?).collect();
        let value = rest.trim_start_matches(['[', '-', ' ']).split([',', '}', ']', '#']).next()?.trim();
        let is_plain =
            !value.is_empty() && !value.contains(['{', ':']) && !value.starts_with(['&', '*', '|', '>']);
        is_plain.then(|| value.to_owned())
    }
}

impl MessageFormatter for ForPeople<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the reader has 60 other errors, and words for each")]
    fn format_message<'a>(&self, error: &'a Error) -> Cow<'a, str> {
        match error.without_snippet() {
            Error::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected).into(),
            Error::SerdeUnknownVariant { variant, expected, .. } => {
                unknown("value", variant, expected).into()
            }
            Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("the key `{key}` stands here twice").into()
            }
            Error::Unexpected { expected: "mapping start", .. } => {
                "this section must hold keys; indent them below it, or remove it".into()
            }
            Error::Unexpected { expected: "sequence start", .. } => {
                let value = self.value(error).unwrap_or_else(|| "one, two".into());
                format!("this key holds a list, so give a list: [{value}]").into()
            }
            Error::Unexpected { expected: "string scalar" | "scalar", .. } => match self.value(error) {
                Some(value) => format!("this key holds one value, so give one value: {value}").into(),
                None => "this key holds one value, so give one value and no list or section".into(),
            },
            Error::InvalidScalar { ty: "u16", .. } => "give a whole number from 0 to 65535".into(),
            Error::InvalidScalar { ty: "u32" | "u64", .. } => "give a whole number from 0".into(),
            Error::InvalidScalar { ty: "floating point", .. } => "give a number".into(),
            Error::InvalidScalar { ty: "boolean", .. } | Error::InvalidBooleanStrict { .. } => {
                "give true or false".into()
            }
            _ => DefaultMessageFormatter.format_message(error),
        }
    }
}

fn unknown(what: &str, given: &str, known: &[&str]) -> String {
    match nearest(given, known.iter().copied()) {
        Some(meant) => format!("unknown {what} `{given}`, did you mean `{meant}`?"),
        None => format!("unknown {what} `{given}`, give one of {}", known.join(", ")),
    }
}

/// The lines around an error go to logs, so static keys must not be among them.
fn without_secrets(rendered: &str) -> String {
    let lines: Vec<Cow<'_, str>> = rendered.lines().map(hide).collect();
    lines.join("\n")
}

fn hide(line: &str) -> Cow<'_, str> {
    let lower = line.to_ascii_lowercase();
    let secret = ["accesskey", "secret"].iter().filter_map(|word| lower.find(word)).min();
    match secret.and_then(|start| Some(start + line.get(start..)?.find(':')?)) {
        // A message, such as "unknown key `secretKey`", has no colon after the word and stays whole.
        Some(colon) if lower.contains(" | ") => {
            format!("{}: (hidden)", line.get(..colon).unwrap_or_default()).into()
        }
        _ => line.into(),
    }
}
