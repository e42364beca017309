//! Ends a server whose test has been killed, and so could not stop it.

use crate::servers::Error;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, which comes when nobody holds the other end of the pipe,
/// and then ends the process, if that is still the one that it was (an id can be given out again).
const WATCH: &str = r#"
started() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null || ps -o lstart= -p "$1"; }
mine=$(started "$1") || exit
read -r _
for signal in TERM CONT KILL; do
  [ "$(started "$1")" = "$mine" ] || exit
  kill -s "$signal" "$1" 2>/dev/null
  [ "$signal" = TERM ] || sleep 3
done
"#;

/// The watcher of one server; dropping it only ends the watching.
#[derive(Debug)]
pub(super) struct Lifeline(Child);

impl Lifeline {
    pub(super) fn hold(pid: u32) -> Result<Self, Error> {
        Command::new("sh")
            .args(["-c", WATCH, "sh", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of an interrupt from the terminal, which would end the watcher first.
            .process_group(0)
            .spawn()
            .map(Self)
            .map_err(|source| Error::Spawn { program: "sh".to_owned(), source })
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        // Killed before its input is closed, so that it does nothing.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait().map(drop)) {
            tracing::warn!(%error, "a watcher was not ended");
        }
    }
}
