//! Programs that a kubeconfig gets credentials from: what kubectl asks of them, and what is said when one is missing.

use std::io::{self, IsTerminal};

use kube::client::AuthError;
use kube::config::{ExecConfig, ExecInteractiveMode};

const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// Why a credential plugin gives no credentials.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// No program is named.
    #[error("exec has no command; name the credential plugin there")]
    NoCommand,
    /// Its protocol is none that is spoken, by kubectl neither.
    #[error(
        "exec has the apiVersion \"{0}\"; give client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1"
    )]
    Version(String),
    /// It wants to ask somebody.
    #[error("the credential plugin \"{0}\" wants a terminal (interactiveMode: Always), and there is none")]
    WantsTerminal(String),
    /// There is no such program.
    #[error("the credential plugin \"{command}\" is not installed, or not in PATH{}", hint(install_hint.as_deref()))]
    NotInstalled {
        /// The program.
        command: String,
        /// What the kubeconfig says about installing it.
        install_hint: Option<String>,
    },
    /// It cannot be started.
    #[error("the credential plugin \"{command}\" cannot be started: {source}")]
    NotStarted {
        /// The program.
        command: String,
        /// What the operating system says.
        source: io::Error,
    },
}

fn hint(text: Option<&str>) -> String {
    text.map(str::trim).filter(|text| !text.is_empty()).map(|text| format!(". {text}")).unwrap_or_default()
}

/// Checks the plugin, and keeps it from a terminal that there is not.
pub(super) fn check(exec: &mut ExecConfig) -> Result<(), PluginError> {
    let command = exec.command.clone().filter(|name| !name.is_empty()).ok_or(PluginError::NoCommand)?;
    let version = exec.api_version.as_deref().unwrap_or_default();
    if !VERSIONS.contains(&version) {
        return Err(PluginError::Version(version.to_owned()));
    }
    if io::stdin().is_terminal() {
        return Ok(());
    }
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(PluginError::WantsTerminal(command));
    }
    // What it writes to stderr then becomes a part of the error.
    exec.interactive_mode = Some(ExecInteractiveMode::Never);
    Ok(())
}

/// The plugin's own error, if it is one that names what to do.
pub(super) fn failure(exec: &ExecConfig, error: kube::Error) -> Result<PluginError, kube::Error> {
    let kube::Error::Auth(AuthError::AuthExecStart(source)) = error else {
        return Err(error);
    };
    let command = exec.command.clone().unwrap_or_default();
    Ok(if source.kind() == io::ErrorKind::NotFound {
        PluginError::NotInstalled { command, install_hint: exec.install_hint.clone() }
    } else {
        PluginError::NotStarted { command, source }
    })
}
