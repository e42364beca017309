//! kubectl with its own identity, which leaves no trace in the user's home folder.

use super::Error;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The longest that one run may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A way to run kubectl as one identity.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Kubectl {
    pub(crate) fn new(program: PathBuf, kubeconfig: PathBuf, home: PathBuf) -> Self {
        Self { program, kubeconfig, home }
    }

    /// The same kubectl with another identity.
    #[must_use]
    pub fn with_kubeconfig(&self, kubeconfig: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned(), ..self.clone() }
    }

    /// The bare command, for a test that wants to stream, wait or fail in its own way.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .env("KUBECACHEDIR", self.home.join("cache"))
            .env_remove("KUBERC")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs kubectl and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// kubectl ended with another code than 0; what it said is in the error.
    pub async fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = self.command();
        command.args(arguments);
        self.finish(command, arguments, None).await
    }

    /// `kubectl apply -f -` with this manifest.
    ///
    /// # Errors
    ///
    /// kubectl ended with another code than 0; what it said is in the error.
    pub async fn apply(&self, manifest: &str) -> Result<String, Error> {
        let arguments = ["apply", "-f", "-"];
        let mut command = self.command();
        command.args(arguments);
        self.finish(command, &arguments, Some(manifest)).await
    }

    async fn finish(
        &self,
        mut command: Command,
        arguments: &[&str],
        input: Option<&str>,
    ) -> Result<String, Error> {
        let failed = |message: String| Error::Kubectl { arguments: arguments.join(" "), message };
        let spawn = |source| Error::Spawn { program: "kubectl".to_owned(), source };
        if input.is_some() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(spawn)?;
        let run = async {
            if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
                pipe.write_all(input.as_bytes()).await?;
            }
            child.wait_with_output().await
        };
        let output = tokio::time::timeout(LIMIT, run)
            .await
            .map_err(|_| failed(format!("not done within {LIMIT:?}")))?
            .map_err(spawn)?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }
}
