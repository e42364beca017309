//! What the server says to common mistakes, and how it completes other kinds.

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, pod, same, text};

const SUBDOMAIN: &str =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'";

pub(super) async fn mistakes_are_told(caller: &Caller) -> Outcome {
    let pods = caller.path("pods");
    let mut empty = pod("wrong", "");
    empty["spec"]["containers"] = json!([]);
    let refused = caller.post(&pods, &empty).await?;
    let details = refused.body["details"].clone();
    refused.refused(422, "Invalid", "Pod \"wrong\" is invalid: spec.containers: Required value")?;
    let cause =
        json!({ "reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers" });
    same("details", &details, json!({ "name": "wrong", "kind": "Pod", "causes": [cause] }))?;

    let named = caller.post(&pods, &pod("Wrong", "")).await?;
    let text = format!("Pod \"Wrong\" is invalid: metadata.name: Invalid value: \"Wrong\": {SUBDOMAIN}");
    named.refused(422, "Invalid", &text)?;
    let mut nameless = pod("", "");
    nameless["metadata"] = json!({});
    let nameless = caller.post(&pods, &nameless).await?;
    nameless.refused(422, "Invalid", "metadata.name: Required value: name or generateName is required")?;
    let mut policy = pod("wrong", "");
    policy["spec"]["restartPolicy"] = "Sometimes".into();
    let text = "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"";
    caller.post(&pods, &policy).await?.refused(422, "Invalid", text)?;
    let mut labels = pod("wrong", "");
    labels["metadata"]["labels"] = json!({ "a": "not good" });
    let text =
        "metadata.labels: Invalid value: \"not good\": a valid label must be an empty string or consist of";
    caller.post(&pods, &labels).await?.refused(422, "Invalid", text)?;
    let mut twice = pod("wrong", "");
    let container = twice["spec"]["containers"][0].clone();
    twice["spec"]["containers"] = json!([container, container]);
    let text = "spec.containers[1].name: Duplicate value: \"main\"";
    caller.post(&pods, &twice).await?.refused(422, "Invalid", text)?;
    let mut asked = pod("wrong", "");
    asked["spec"]["containers"][0]["resources"] =
        json!({ "limits": { "cpu": "1" }, "requests": { "cpu": "2" } });
    let text = "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1";
    caller.post(&pods, &asked).await?.refused(422, "Invalid", text)?;
    let mut mount = pod("wrong", "");
    mount["spec"]["containers"][0]["volumeMounts"] = json!([{ "name": "v", "mountPath": "/v" }]);
    let text = "spec.containers[0].volumeMounts[0].name: Not found: \"v\"";
    caller.post(&pods, &mount).await?.refused(422, "Invalid", text)?;
    places(caller, &pods).await?;
    changes(caller).await
}

async fn places(caller: &Caller, pods: &str) -> Outcome {
    let mut unknown = pod("wrong", "");
    unknown["spec"]["nothing"] = json!(1);
    let strict = format!("{pods}?fieldValidation=Strict&dryRun=All");
    let text = "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown field \"spec.nothing\"";
    caller.post(&strict, &unknown).await?.refused(400, "BadRequest", text)?;
    let made = caller.post(&format!("{pods}?dryRun=All"), &unknown).await?.expect(201)?;
    same("unknown field", &made["spec"]["nothing"], Value::Null)?;
    let mut typed = pod("wrong", "");
    typed["spec"]["containers"] = json!("none");
    let text = "Pod in version \"v1\" cannot be handled as a Pod: ";
    caller.post(pods, &typed).await?.refused(400, "BadRequest", text)?;
    let mut elsewhere = pod("wrong", "");
    elsewhere["metadata"]["namespace"] = "default".into();
    let text = "the namespace of the provided object does not match the namespace sent on the request";
    caller.post(pods, &elsewhere).await?.refused(400, "BadRequest", text)?;
    let text = "namespaces \"no-such-namespace\" not found";
    let map = json!({ "metadata": { "name": "a" } });
    caller
        .post("/api/v1/namespaces/no-such-namespace/configmaps", &map)
        .await?
        .refused(404, "NotFound", text)?;
    caller.get("/api/v1/nothings").await?.refused(
        404,
        "NotFound",
        "the server could not find the requested resource",
    )?;
    let refused = caller.put(pods, &json!({})).await?;
    refused.refused(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )
}

async fn changes(caller: &Caller) -> Outcome {
    let made = caller.pod("fixed", "nowhere").await?;
    let path = caller.path("pods/fixed");
    let patch = json!({ "spec": { "nodeName": "elsewhere" } });
    let text = "Pod \"fixed\" is invalid: spec: Forbidden: pod updates may not change fields other than \
                `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations`";
    caller.patch("strategic-merge", &path, &patch).await?.refused(422, "Invalid", text)?;
    let patch = json!({ "spec": { "containers": [{ "name": "main", "image": "example.com/none:2" }] } });
    caller.patch("strategic-merge", &path, &patch).await?.expect(200)?;
    let mut other = made;
    other["metadata"]["name"] = "other".into();
    let text = "the name of the object (other) does not match the name on the URL (fixed)";
    caller.put(&path, &other).await?.refused(400, "BadRequest", text)
}

pub(super) async fn events_have_two_shapes(caller: &Caller) -> Outcome {
    let about =
        json!({ "kind": "Pod", "namespace": caller.namespace, "name": "p", "uid": "u", "apiVersion": "v1" });
    let event = json!({
        "metadata": { "name": "old-shape" },
        "involvedObject": about, "reason": "Tested", "message": "a text", "type": "Normal",
        "source": { "component": "contract" }, "count": 2,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:01Z",
    });
    caller.post(&caller.path("events"), &event).await?.expect(201)?;
    let new = caller.get(&caller.path_of("events.k8s.io", "events/old-shape")).await?.expect(200)?;
    let found = json!([new["note"], new["regarding"]["name"], new["deprecatedCount"], new["apiVersion"]]);
    same("in the new shape", &found, json!(["a text", "p", 2, "events.k8s.io/v1"]))?;
    let event = json!({
        "metadata": { "name": "new-shape" },
        "regarding": about, "reason": "Tested", "note": "a text", "type": "Normal", "action": "Test",
        "reportingController": "example.com/contract", "reportingInstance": "one",
        "eventTime": "2026-01-01T00:00:00.000000Z",
    });
    caller.post(&caller.path_of("events.k8s.io", "events"), &event).await?.expect(201)?;
    let old = caller.get(&caller.path("events/new-shape")).await?.expect(200)?;
    let found = json!([old["message"], old["involvedObject"]["name"], old["reportingComponent"]]);
    same("in the old shape", &found, json!(["a text", "p", "example.com/contract"]))?;
    let selector = "fieldSelector=involvedObject.uid%3Du,reason%3DTested";
    let list = caller.get(&caller.path(&format!("events?{selector}"))).await?.expect(200)?;
    same("selected", &json!(list["items"].as_array().map(Vec::len)), json!(2))
}

pub(super) async fn jobs_get_defaults(caller: &Caller) -> Outcome {
    let template = json!({ "spec": {
        "restartPolicy": "Never", "schedulerName": "nobody", "containers": [{ "name": "c", "image": "example.com/c" }],
    } });
    let mut job = json!({ "metadata": { "name": "job" }, "spec": { "suspend": true, "template": template } });
    let jobs = caller.path_of("batch", "jobs");
    let made = caller.post(&jobs, &job).await?.expect(201)?;
    let spec = &made["spec"];
    let found = json!([
        spec["completions"],
        spec["parallelism"],
        spec["backoffLimit"],
        spec["completionMode"],
        spec["podReplacementPolicy"],
    ]);
    same("spec", &found, json!([1, 1, 6, "NonIndexed", "TerminatingOrFailed"]))?;
    let uid = &made["metadata"]["uid"];
    same(
        "selector",
        &spec["selector"],
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } }),
    )?;
    let labels = json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": "job",
        "controller-uid": uid, "job-name": "job",
    });
    same("labels", &spec["template"]["metadata"]["labels"], labels)?;
    same("generation", &made["metadata"]["generation"], json!(1))?;
    job["metadata"]["name"] = "forever".into();
    job["spec"]["template"]["spec"]["restartPolicy"] = "Always".into();
    let refused = caller.post(&jobs, &job).await?;
    refused.refused(
        422,
        "Invalid",
        "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
    )
}

pub(super) async fn deployments_get_defaults(caller: &Caller) -> Outcome {
    let template = json!({
        "metadata": { "labels": { "app": "d" } },
        "spec": { "containers": [{ "name": "c", "image": "example.com/c" }] },
    });
    let selector = json!({ "matchLabels": { "app": "d" } });
    let mut deployment = json!({ "metadata": { "name": "plain" }, "spec": { "replicas": 0, "selector": selector, "template": template } });
    let path = caller.path_of("apps", "deployments");
    let made = caller.post(&path, &deployment).await?.expect(201)?;
    let spec = &made["spec"];
    let strategy =
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } });
    same("strategy", &spec["strategy"], strategy)?;
    same(
        "history",
        &json!([spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]]),
        json!([10, 600]),
    )?;
    same("policy", &spec["template"]["spec"]["containers"][0]["imagePullPolicy"], json!("Always"))?;
    deployment["metadata"]["name"] = "astray".into();
    deployment["spec"]["template"]["metadata"]["labels"] = json!({ "app": "e" });
    let text = "spec.template.metadata.labels: Invalid value: {\"app\":\"e\"}: `selector` does not match template `labels`";
    caller.post(&path, &deployment).await?.refused(422, "Invalid", text)?;
    let patch = json!({ "spec": { "selector": { "matchLabels": { "more": "d" } }, "template": { "metadata": { "labels": { "more": "d" } } } } });
    let refused = caller.patch("merge", &format!("{path}/plain"), &patch).await?;
    refused.refused(422, "Invalid", "field is immutable")
}

pub(super) async fn tokens_are_minted(caller: &Caller) -> Outcome {
    let path = caller.path("serviceaccounts/default/token");
    let request = json!({ "spec": { "expirationSeconds": 600 } });
    let minted = caller.post(&path, &request).await?.expect(201)?;
    ensure(!text(&minted, "/status/token").is_empty(), || "no token".to_owned())?;
    ensure(text(&minted, "/status/expirationTimestamp").ends_with('Z'), || minted["status"].to_string())?;
    let short = json!({ "spec": { "expirationSeconds": 60 } });
    let refused = caller.post(&path, &short).await?;
    refused.refused(
        422,
        "Invalid",
        "spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes",
    )
}
