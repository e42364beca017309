//! Both forms, through a writer that keeps what it gets.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use orca_core::clock::Clock;
use tracing::{info, info_span, warn};

use super::*;

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct At(&'static str);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0.parse().expect("a time")
    }
}

fn lines(form: Form, act: impl FnOnce()) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let lines = Lines::new(form, Arc::new(At("2025-10-18T18:00:00.123456Z")), move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), act);
    let bytes = kept.0.lock().expect("not poisoned").clone();
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn json_has_the_designs_keys_and_flat_fields() {
    let text = lines(Form::Json, || {
        let span = info_span!("pod", namespace = "ml", pod = "train-0", pod_uid = tracing::field::Empty);
        span.record("pod_uid", "u-1");
        let _guard = span.entered();
        info!(node_name = "orca-aws-node", attempt = 2, spot = true, "Starting ORCA Virtual Kubelet node");
    });
    assert_eq!(
        text,
        concat!(
            r#"{"level":"info","time":"2025-10-18T18:00:00.123Z","message":"Starting ORCA Virtual Kubelet node","#,
            r#""namespace":"ml","pod":"train-0","pod_uid":"u-1","node_name":"orca-aws-node","attempt":2,"spot":true}"#,
            "\n"
        )
    );
}

#[test]
fn text_looks_like_the_designs_console_example() {
    let text = lines(Form::Text, || {
        info!(node_name = "orca-aws-node", "Starting ORCA Virtual Kubelet node");
    });
    assert_eq!(text, "2025-10-18T18:00:00Z INF Starting ORCA Virtual Kubelet node node_name=orca-aws-node\n");
}

#[test]
fn text_keeps_to_one_line_and_quotes_what_is_ambiguous() {
    let text = lines(Form::Text, || warn!(reason = "no such\nzone", "two\nlines"));
    assert_eq!(text, "2025-10-18T18:00:00Z WRN two\\nlines reason=\"no such\\nzone\"\n");
}

#[test]
fn an_inner_field_replaces_an_outer_one_and_reserved_names_are_kept_apart() {
    let text = lines(Form::Json, || {
        let _outer = info_span!("a", pod = "outer", level = 3).entered();
        info!(pod = "inner", http.method = "GET", "x");
    });
    let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&line["pod"], &line["level"], &line["level_"]), (&"inner".into(), &"info".into(), &3.into()));
    assert_eq!(line["http_method"], "GET");
}

#[test]
fn lines_of_libraries_name_their_origin() {
    let text = lines(Form::Text, || warn!(target: "kube_client::client", "slow"));
    assert_eq!(text, "2025-10-18T18:00:00Z WRN slow target=kube_client::client\n");
}

#[test]
fn libraries_are_heard_from_warn_on() {
    assert_eq!(directives(LogLevel::Debug), "warn,kube_client::client::builder=off,orca=debug");
    assert_eq!(directives(LogLevel::Error), "error,kube_client::client::builder=off,orca=error");
}

#[test]
fn a_malformed_filter_names_the_variable() {
    let settings = Settings {
        level: LogLevel::Info,
        form: Form::Text,
        may_colour: false,
        filter: Some("orca=loud".into()),
    };
    let error = filter(&settings).expect_err("no such level");
    assert!(error.to_string().starts_with("ORCA_LOG has the value \"orca=loud\""), "{error}");
}
