//! How ORCA ends: exit codes, and the one message that says why.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use orca_core::clock::Clock;
use orca_core::text;
use serde::Serialize;

use crate::config::ConfigFailure;
use crate::logging::Form;

/// Why ORCA ends before it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    exit: Exit,
    error: Box<dyn Error + Send + Sync>,
}

/// The message as a log line, its keys in the order of all others.
#[derive(Serialize)]
struct Line {
    level: &'static str,
    time: String,
    message: String,
    exit_code: u8,
}

/// The exit codes other than 0, which is a clean stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 1: something failed.
    Failure,
    /// 2: the command line or the config is wrong, so starting again cannot help. clap uses 2 as well.
    Usage,
}

impl Exit {
    fn number(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 2,
        }
    }
}

impl Failure {
    /// Something failed: exit code 1.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Failure, error: error.into() }
    }

    /// The command line or the config is wrong: exit code 2.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// Which exit code it means.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The exit code for the operating system.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.exit.number())
    }

    /// The causes from the outermost to the innermost, without those that the text above repeats already.
    fn causes(&self) -> Vec<String> {
        let mut said = self.error.to_string();
        let mut causes = Vec::new();
        for cause in text::causes(self.error.as_ref()).skip(1) {
            let text = orca_kube::in_words(cause);
            if !said.contains(&text) {
                said.push_str(&text);
                causes.push(text);
            }
        }
        causes
    }

    /// Writes the message: lines for people, or one JSON line for machines.
    ///
    /// # Errors
    ///
    /// Nothing can be written there.
    pub fn write(&self, form: Form, clock: &dyn Clock, to: &mut dyn Write) -> io::Result<()> {
        match form {
            Form::Text => {
                writeln!(to, "error: {}", self.error)?;
                self.causes().iter().try_for_each(|cause| writeln!(to, "  caused by: {cause}"))
            }
            Form::Json => {
                let message: Vec<String> =
                    std::iter::once(self.error.to_string()).chain(self.causes()).collect();
                let line = Line {
                    level: "error",
                    time: format!("{:.3}", clock.now()),
                    message: message.join(": "),
                    exit_code: self.exit.number(),
                };
                writeln!(to, "{}", serde_json::to_string(&line)?)
            }
        }
    }
}

impl From<ConfigFailure> for Failure {
    fn from(error: ConfigFailure) -> Self {
        Self::usage(error)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use orca_core::clock::SystemClock;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the node cannot be registered")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("connection refused")]
    struct Inner;

    fn written(failure: &Failure, form: Form) -> String {
        let mut text = Vec::new();
        failure.write(form, &SystemClock, &mut text).expect("a Vec takes everything");
        String::from_utf8(text).expect("UTF-8")
    }

    #[test]
    fn people_get_the_error_and_its_causes() {
        let text = written(&Failure::new(Outer(Inner)), Form::Text);
        assert_eq!(text, "error: the node cannot be registered\n  caused by: connection refused\n");
    }

    #[test]
    fn machines_get_one_json_line() {
        let text = written(&Failure::usage(Outer(Inner)), Form::Json);
        let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(text.lines().count(), 1);
        assert_eq!(line["message"], "the node cannot be registered: connection refused");
        assert_eq!(line["exit_code"], 2);
    }

    #[test]
    fn a_cause_that_the_message_repeats_is_not_shown_twice() {
        #[derive(Debug, thiserror::Error)]
        #[error("no node: {0}")]
        struct Whole(#[source] Inner);
        assert_eq!(written(&Failure::new(Whole(Inner)), Form::Text), "error: no node: connection refused\n");
    }
}
