//! The process environment, read once at the start and then passed on as a value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where Kubernetes mounts what a pod knows of its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The namespace when neither a flag nor a service account names one.
const DEFAULT_NAMESPACE: &str = "kube-system";

/// A snapshot of the environment variables. Values that are not UTF-8 are left out.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// The environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// All variables in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names of the variables that change what ORCA does, without their values: they can be secret.
    #[must_use]
    pub fn names_of_config(&self) -> Vec<&str> {
        const OTHERS: [&str; 10] = [
            "DEFAULT_NODE_NAME",
            "KUBECONFIG",
            "POD_NAMESPACE",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
        ];
        let counts = |name: &&str| {
            let name = name.to_ascii_uppercase();
            let is_own = ["ORCA__", "ORCA_CONFIG", "ORCA_NODE_NAME", "ORCA_LOG"];
            is_own.iter().any(|start| name.starts_with(start)) || OTHERS.contains(&name.as_str())
        };
        self.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name).filter(counts).collect()
    }

    /// The value of a variable. An empty one counts as not set, as is the custom.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The user's home folder.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// Whether this process runs in a pod that may talk to its API server.
    #[must_use]
    pub fn is_in_cluster(&self) -> bool {
        self.get("KUBERNETES_SERVICE_HOST").is_some() && Path::new(SERVICE_ACCOUNT).join("token").exists()
    }

    /// Whether colour is unwanted (<https://no-color.org>).
    #[must_use]
    pub fn is_colourless(&self) -> bool {
        self.get("NO_COLOR").is_some() || self.get("TERM") == Some("dumb")
    }

    /// ORCA's own namespace: the given one, else that of the service account, else `kube-system`.
    #[must_use]
    pub fn namespace(&self, given: Option<&str>) -> String {
        let mounted = || std::fs::read_to_string(Path::new(SERVICE_ACCOUNT).join("namespace")).ok();
        given
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .or_else(mounted)
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| DEFAULT_NAMESPACE.into())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self { variables: pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment = Environment::from_iter([("NO_COLOR", ""), ("HOME", "/h")]);
        assert!(!environment.is_colourless());
        assert_eq!(environment.home(), Some(PathBuf::from("/h")));
    }

    #[test]
    fn the_variables_that_count_are_named_without_their_values() {
        let pairs = [
            ("ORCA__NODE__CPU", "1"),
            ("https_proxy", "http://u:s3cret@p"),
            ("HOME", "/h"),
            ("KUBECONFIG", ""),
        ];
        assert_eq!(Environment::from_iter(pairs).names_of_config(), ["ORCA__NODE__CPU", "https_proxy"]);
    }

    #[test]
    fn a_given_namespace_comes_first() {
        assert_eq!(Environment::default().namespace(Some("orca")), "orca");
    }
}
