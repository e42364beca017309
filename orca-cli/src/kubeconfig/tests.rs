//! The order in which clusters are found, and what is said when none is.

use std::fs;

use super::*;

const TEXT: &str = "
apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: c
  cluster: { server: 'https://127.0.0.1:6443' }
contexts:
- name: dev
  context: { cluster: c, user: u }
- name: production
  context: { cluster: c, user: u, namespace: orca }
users:
- name: u
  user: { token: t }
";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn request(path: &Path) -> Request {
    Request { kubeconfig: Some(path.into()), ..Request::default() }
}

#[test]
fn the_given_file_comes_first_and_its_context_is_named() {
    let folder = folder();
    let path = folder.path().join("k");
    fs::write(&path, TEXT).expect("written");
    let (access, source) = resolve(&Request { is_in_cluster: true, ..request(&path) }).expect("found");
    assert_eq!(access.config.cluster_url.to_string(), "https://127.0.0.1:6443/");
    assert_eq!(source.to_string(), format!("{}, context dev", path.display()));
}

#[test]
fn the_home_folder_comes_last() {
    let folder = folder();
    fs::create_dir(folder.path().join(".kube")).expect("made");
    fs::write(folder.path().join(".kube/config"), TEXT).expect("written");
    let request = Request {
        home: Some(folder.path().into()),
        context: Some("production".into()),
        ..Request::default()
    };
    let (access, source) = resolve(&request).expect("found");
    assert_eq!(access.config.default_namespace, "orca");
    assert!(source.to_string().ends_with(".kube/config, context production"), "{source}");
}

#[test]
fn an_unknown_context_names_those_that_there_are() {
    let folder = folder();
    let path = folder.path().join("k");
    fs::write(&path, TEXT).expect("written");
    let request = Request { context: Some("prodution".into()), ..request(&path) };
    let text = resolve(&request).expect_err("no such context").to_string();
    assert!(
        text.ends_with("no context \"prodution\", did you mean \"production\"?; it has: dev, production"),
        "{text}"
    );
}

#[test]
fn a_missing_file_and_a_malformed_one_are_named() {
    let folder = folder();
    let path = folder.path().join("k");
    let text = resolve(&request(&path)).expect_err("missing").to_string();
    assert!(text.contains("cannot be read") && text.contains("--kubeconfig"), "{text}");
    fs::write(&path, "contexts: {").expect("written");
    let text = resolve(&request(&path)).expect_err("malformed").to_string();
    assert!(text.contains("is not usable"), "{text}");
}

#[test]
fn of_a_list_the_files_that_exist_are_merged() {
    let folder = folder();
    let path = folder.path().join("k");
    fs::write(&path, TEXT).expect("written");
    let list = std::env::join_paths([folder.path().join("missing"), path]).expect("joined");
    resolve(&request(Path::new(&list))).expect("the second exists");
}

#[test]
fn without_any_the_error_says_what_to_do() {
    let text = resolve(&Request::default()).expect_err("none").to_string();
    assert!(text.contains("give --kubeconfig FILE"), "{text}");
}

/// What is said about a kubeconfig with this cluster and this user.
fn said(cluster: &str, user: &str) -> String {
    let folder = folder();
    let text = TEXT.replace("{ server: 'https://127.0.0.1:6443' }", cluster).replace("{ token: t }", user);
    let path = folder.path().join("k");
    fs::write(&path, text).expect("written");
    fs::write(folder.path().join("version-1.crt"), include_str!("../../tests/pem/version-1.crt"))
        .expect("written");
    match resolve(&request(&path)) {
        Ok((access, _)) => access.client().err().expect("no client").to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn what_cannot_work_is_said_before_the_first_connection() {
    let here = "{ server: 'https://127.0.0.1:6443' }";
    for (cluster, user, says) in [
        (here, "{ client-certificate: version-1.crt, client-key: k }", "is of X.509 version 1"),
        (
            here,
            "{ client-certificate: version-1.crt }",
            "client-certificate is given without client-key-data",
        ),
        (here, "{ client-key-data: a2V5 }", "client-key-data is given without client-certificate-data"),
        (
            here,
            "{ client-certificate-data: '-----BEGIN', client-key: k }",
            "client-certificate-data is not base64",
        ),
        (here, "{ client-certificate-data: a2V5, client-key: k }", "holds no certificate in PEM form"),
        (here, "{ tokenFile: nowhere }", "of tokenFile cannot be read"),
        (here, "{ exec: { command: x } }", "exec has the apiVersion \"\""),
        (here, "{ exec: { apiVersion: client.authentication.k8s.io/v1 } }", "exec has no command"),
        ("{ server: '' }", "{}", "the cluster \"c\" has no server"),
        ("{ server: 'ftp://h' }", "{}", "server has the value \"ftp://h\""),
        ("{ server: 'https://h', proxy-url: 'proxy:3128' }", "{}", "proxy-url has the scheme \"\""),
        (
            "{ server: 'https://h', certificate-authority: nowhere }",
            "{}",
            "of certificate-authority cannot be read",
        ),
    ] {
        let text = said(cluster, user);
        assert!(text.contains(says), "{says} is missing in: {text}");
        assert!(text.contains("with the context \"dev\""), "{text}");
    }
}

#[tokio::test]
async fn a_missing_plugin_is_named_with_its_hint() {
    let plugin = "{ exec: { apiVersion: client.authentication.k8s.io/v1, command: nowhere-get-token, interactiveMode: Never, installHint: 'Install it.' } }";
    let text = said("{ server: 'http://127.0.0.1:9' }", plugin);
    assert_eq!(
        text,
        "the credential plugin \"nowhere-get-token\" is not installed, or not in PATH. Install it."
    );
}

#[test]
fn an_entry_that_is_not_there_is_named() {
    let folder = folder();
    let path = folder.path().join("k");
    for (from, to, says) in [
        (
            "cluster: c, user: u }",
            "cluster: d, user: u }",
            "names the cluster \"d\", which the file does not have; it has: c",
        ),
        (
            "cluster: c, user: u }",
            "cluster: c, user: v }",
            "names the user \"v\", which the file does not have; it has: u",
        ),
        (
            "current-context: dev",
            "current-context: ''",
            "has no current context; give --context, one of: dev, production",
        ),
    ] {
        fs::write(&path, TEXT.replace(from, to)).expect("written");
        let text = resolve(&request(&path)).expect_err(says).to_string();
        assert!(text.contains(says), "{text}");
    }
}
