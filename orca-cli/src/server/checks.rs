//! Health checks and the text that tells how they went, line by line as the API server does it.

use std::fmt;
use std::sync::Arc;

/// Says whether something is well, and why not.
pub type Probe = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A check with its name in paths and bodies.
#[derive(Clone)]
pub struct Check {
    /// The name, such as `node-lease`.
    pub name: &'static str,
    /// How it is found out.
    pub probe: Probe,
}

impl Check {
    /// A check with this name.
    pub fn new(name: &'static str, probe: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self { name, probe: Arc::new(probe) }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// The checks behind one path.
#[derive(Clone, Debug)]
pub(super) struct Group {
    name: &'static str,
    checks: Arc<[Check]>,
}

/// How the checks went, as a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Passed(String),
    Failed(String),
    NoSuchCheck(String),
}

/// What the query asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    is_verbose: bool,
    excluded: Vec<String>,
}

impl Asked {
    /// Reads `verbose` and any number of `exclude=x`. Names of checks need no percent-decoding.
    pub(super) fn read(query: Option<&str>) -> Self {
        let mut asked = Self::default();
        for pair in query.unwrap_or_default().split('&') {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("verbose", value) => asked.is_verbose = value != "false" && value != "0",
                ("exclude", name) => asked.excluded.push(name.to_owned()),
                _ => {}
            }
        }
        asked
    }
}

impl Group {
    pub(super) fn new(name: &'static str, checks: Arc<[Check]>) -> Self {
        Self { name, checks }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// `ping` says that requests are answered at all; it is in every group, as in the API server.
    fn every(&self) -> impl Iterator<Item = (&'static str, Result<(), String>)> {
        std::iter::once(("ping", Ok(()))).chain(self.checks.iter().map(|check| (check.name, (check.probe)())))
    }

    /// All checks. A body that passes is short unless more was asked for; one that fails is always long.
    pub(super) fn all(&self, asked: &Asked) -> Answer {
        let mut lines = Vec::new();
        let mut is_well = true;
        let mut unmatched: Vec<&str> = asked.excluded.iter().map(String::as_str).collect();
        for (name, result) in self.every() {
            unmatched.retain(|excluded| *excluded != name);
            lines.push(match result {
                _ if asked.excluded.iter().any(|excluded| excluded == name) => {
                    format!("[+]{name} excluded: ok")
                }
                Ok(()) => format!("[+]{name} ok"),
                Err(reason) => {
                    is_well = false;
                    format!("[-]{name} failed: {reason}")
                }
            });
        }
        let unmatched = unmatched.iter();
        lines.extend(
            unmatched.map(|name| {
                format!("warn: some health checks cannot be excluded: no matches for \"{name}\"")
            }),
        );
        let lines = lines.join("\n");
        match (is_well, asked.is_verbose) {
            (true, true) => Answer::Passed(format!("{lines}\n{} check passed\n", self.name)),
            (true, false) => Answer::Passed("ok".into()),
            (false, _) => Answer::Failed(format!("{lines}\n{} check failed\n", self.name)),
        }
    }

    /// One check by its name.
    pub(super) fn one(&self, wanted: &str) -> Answer {
        match self.every().find(|(name, _)| *name == wanted) {
            Some((_, Ok(()))) => Answer::Passed("ok".into()),
            Some((name, Err(reason))) => Answer::Failed(format!("[-]{name} failed: {reason}\n")),
            None => {
                let names: Vec<&str> = self.every().map(|(name, _)| name).collect();
                Answer::NoSuchCheck(format!("there is no such check; give one of {}\n", names.join(", ")))
            }
        }
    }
}
