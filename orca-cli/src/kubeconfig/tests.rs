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

#[tokio::test]
async fn the_given_file_comes_first_and_its_context_is_named() {
    let folder = folder();
    let path = folder.path().join("k");
    fs::write(&path, TEXT).expect("written");
    let (config, source) = resolve(&Request { is_in_cluster: true, ..request(&path) }).await.expect("found");
    assert_eq!(config.cluster_url.to_string(), "https://127.0.0.1:6443/");
    assert_eq!(source.to_string(), format!("{}, context dev", path.display()));
}

#[tokio::test]
async fn the_home_folder_comes_last() {
    let folder = folder();
    fs::create_dir(folder.path().join(".kube")).expect("made");
    fs::write(folder.path().join(".kube/config"), TEXT).expect("written");
    let request = Request {
        home: Some(folder.path().into()),
        context: Some("production".into()),
        ..Request::default()
    };
    let (config, source) = resolve(&request).await.expect("found");
    assert_eq!(config.default_namespace, "orca");
    assert!(source.to_string().ends_with(".kube/config, context production"), "{source}");
}

#[tokio::test]
async fn an_unknown_context_names_those_that_there_are() {
    let folder = folder();
    let path = folder.path().join("k");
    fs::write(&path, TEXT).expect("written");
    let request = Request { context: Some("prodution".into()), ..request(&path) };
    let text = resolve(&request).await.expect_err("no such context").to_string();
    assert!(
        text.ends_with("no context \"prodution\", did you mean \"production\"?; it has: dev, production"),
        "{text}"
    );
}

#[tokio::test]
async fn a_missing_file_and_a_malformed_one_are_named() {
    let folder = folder();
    let path = folder.path().join("k");
    let text = resolve(&request(&path)).await.expect_err("missing").to_string();
    assert!(text.contains("cannot be read") && text.contains("--kubeconfig"), "{text}");
    fs::write(&path, "contexts: {").expect("written");
    let text = resolve(&request(&path)).await.expect_err("malformed").to_string();
    assert!(text.contains("is not usable"), "{text}");
}

#[tokio::test]
async fn of_a_list_the_files_that_exist_are_merged() {
    let folder = folder();
    let path = folder.path().join("k");
    fs::write(&path, TEXT).expect("written");
    let list = std::env::join_paths([folder.path().join("missing"), path]).expect("joined");
    resolve(&request(Path::new(&list))).await.expect("the second exists");
}

#[tokio::test]
async fn without_any_the_error_says_what_to_do() {
    let text = resolve(&Request::default()).await.expect_err("none").to_string();
    assert!(text.contains("give --kubeconfig FILE"), "{text}");
}
