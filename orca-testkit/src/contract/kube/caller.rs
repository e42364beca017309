//! Requests and answers without types, so that cases see what is sent.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};

use super::Outcome;

/// How long a watch waits for its next event.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often something is looked at that comes by itself.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// A client with the namespace of the run.
pub(super) struct Caller {
    client: kube::Client,
    pub(super) namespace: String,
    /// A node that nothing runs, for pods that nobody may collect.
    pub(super) node: String,
}

/// An answer: code and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Value,
}

impl Answer {
    /// The body, if the code is this one.
    pub(super) fn expect(self, code: u16) -> Result<Value, String> {
        if self.code == code {
            Ok(self.body)
        } else {
            Err(format!("wanted {code}, got {}: {}", self.code, self.body))
        }
    }

    /// That it is an error with this code, this reason and a text with this in it.
    pub(super) fn refused(self, code: u16, reason: &str, text: &str) -> Outcome {
        let message = self.body["message"].as_str().unwrap_or_default();
        let is_as_wanted = self.code == code && self.body["reason"] == reason && message.contains(text);
        ensure(is_as_wanted, || {
            format!(
                "wanted {code} {reason} with \"{text}\", got {} {} \"{message}\"",
                self.code, self.body["reason"]
            )
        })
    }
}

/// The text, unless the condition holds.
pub(super) fn ensure(holds: bool, text: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(text()) }
}

/// That both are the same.
pub(super) fn same(what: &str, found: &Value, wanted: Value) -> Outcome {
    ensure(*found == wanted, || format!("{what}: wanted {wanted}, got {found}"))
}

impl Caller {
    pub(super) async fn new(client: kube::Client) -> Result<Self, String> {
        let mut caller = Self { client, namespace: String::new(), node: String::new() };
        let namespace = json!({ "metadata": { "generateName": "contract-" } });
        let made = caller.post("/api/v1/namespaces", &namespace).await?.expect(201)?;
        text(&made, "/metadata/name").clone_into(&mut caller.namespace);
        caller.node = format!("stand-of-{}", caller.namespace);
        caller.post("/api/v1/nodes", &json!({ "metadata": { "name": caller.node } })).await?.expect(201)?;
        let account = caller.path("serviceaccounts/default");
        for _ in 0..LOOKS {
            if caller.get(&account).await?.code == 200 {
                return Ok(caller);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err("the default service account does not come".to_owned())
    }

    /// Deletes the namespace; what remains of it is no failure.
    pub(super) async fn clean(&self) {
        let deleted = self.delete(&format!("/api/v1/nodes/{}", self.node), &Value::Null).await;
        tracing::debug!(?deleted, "the node of the contract suite");
        let deleted = self.delete(&format!("/api/v1/namespaces/{}", self.namespace), &Value::Null).await;
        tracing::debug!(?deleted, "the namespace of the contract suite");
    }

    /// A path in the core group and the namespace of the run.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// A path in another group.
    pub(super) fn path_of(&self, group: &str, rest: &str) -> String {
        format!("/apis/{group}/v1/namespaces/{}/{rest}", self.namespace)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, String> {
        self.send(Method::GET, path, "", &Value::Null).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        self.send(Method::POST, path, "application/json", body).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Answer, String> {
        self.send(Method::PUT, path, "application/json", body).await
    }

    pub(super) async fn delete(&self, path: &str, options: &Value) -> Result<Answer, String> {
        self.send(Method::DELETE, path, "application/json", options).await
    }

    /// Kinds: `json`, `merge`, `strategic-merge`.
    pub(super) async fn patch(&self, kind: &str, path: &str, body: &Value) -> Result<Answer, String> {
        self.send(Method::PATCH, path, &format!("application/{kind}-patch+json"), body).await
    }

    pub(super) async fn apply(&self, path: &str, manager: &str, body: &Value) -> Result<Answer, String> {
        let path = format!("{path}{}fieldManager={manager}", if path.contains('?') { '&' } else { '?' });
        self.send(Method::PATCH, &path, "application/apply-patch+yaml", body).await
    }

    /// What kubectl prints of this path.
    pub(super) async fn table(&self, path: &str) -> Result<Answer, String> {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        self.send_for(accept, Method::GET, path, ("", &Value::Null)).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> Result<Answer, String> {
        self.send_for("application/json", method, path, (kind, body)).await
    }

    async fn send_for(
        &self,
        accept: &'static str,
        method: Method,
        path: &str,
        (kind, body): (&str, &Value),
    ) -> Result<Answer, String> {
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap_or_default() };
        let mut request = Request::new(Body::from(bytes));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|error| format!("{path}: {error}"))?;
        request.headers_mut().insert(header::ACCEPT, header::HeaderValue::from_static(accept));
        if !kind.is_empty() {
            let value = kind.parse().map_err(|error| format!("{kind}: {error}"))?;
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        let response = self.client.send(request).await.map_err(|error| format!("{path}: {error}"))?;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.map_err(|error| error.to_string())?;
        Ok(Answer { code, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    /// What is at this path, as soon as it is so.
    pub(super) async fn until(
        &self,
        what: &str,
        path: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let mut last = Value::Null;
        for _ in 0..LOOKS {
            let answer = self.get(path).await?;
            if answer.code == 200 && is_so(&answer.body) {
                return Ok(answer.body);
            }
            last = answer.body;
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!(
            "{what}: not within {} s; {last}",
            (PAUSE * u32::try_from(LOOKS).unwrap_or(u32::MAX)).as_secs()
        ))
    }

    /// The first events of a watch, that many or fewer.
    pub(super) async fn watch(&self, path: &str, count: usize) -> Result<Vec<(String, Value)>, String> {
        let path =
            format!("{path}{}watch=true&timeoutSeconds=10", if path.contains('?') { '&' } else { '?' });
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().map_err(|error| format!("{path}: {error}"))?;
        request.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
        let response = self.client.send(request).await.map_err(|error| error.to_string())?;
        let mut frames = response.into_body().into_data_stream().map_err(|error| error.to_string());
        let mut buffer = Vec::new();
        let mut events = Vec::new();
        while events.len() < count {
            let Ok(Some(frame)) = tokio::time::timeout(PATIENCE, frames.next()).await else {
                break;
            };
            buffer.extend_from_slice(&frame?);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let event: Value = serde_json::from_slice(&line).map_err(|error| error.to_string())?;
                events.push((text(&event, "/type").to_owned(), event["object"].clone()));
            }
        }
        Ok(events)
    }

    /// A pod in the namespace of the run that no scheduler takes; the node may be empty.
    pub(super) async fn pod(&self, name: &str, node: &str) -> Result<Value, String> {
        self.post(&self.path("pods"), &pod(name, node)).await?.expect(201)
    }

    pub(super) async fn map(&self, name: &str, data: Value) -> Result<Value, String> {
        self.post(&self.path("configmaps"), &json!({ "metadata": { "name": name }, "data": data }))
            .await?
            .expect(201)
    }
}

/// A pod that no scheduler takes.
pub(super) fn pod(name: &str, node: &str) -> Value {
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name, "labels": { "contract": name } },
        "spec": {
            "schedulerName": "nobody",
            "containers": [{ "name": "main", "image": "example.com/none:1" }],
        },
    });
    if !node.is_empty() {
        pod["spec"]["nodeName"] = node.into();
    }
    pod
}

/// The string at a pointer; empty when there is none.
pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The resource version as a number.
pub(super) fn version(value: &Value) -> u64 {
    text(value, "/metadata/resourceVersion").parse().unwrap_or(0)
}
