//! Pods and nodes: defaults, status, binding, eviction.

use orca_core::quantity::Quantity;
use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, pod, same, text};

pub(super) async fn bare_pods_get_defaults(caller: &Caller) -> Outcome {
    let made = caller.pod("bare", "").await?;
    let spec = &made["spec"];
    let wanted = [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("securityContext", json!({})),
        ("enableServiceLinks", json!(true)),
        ("serviceAccountName", json!("default")),
        ("serviceAccount", json!("default")),
        ("priority", json!(0)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
    ];
    for (key, value) in wanted {
        same(key, &spec[key], value)?;
    }
    let toleration = |key: &str| json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 });
    let both =
        json!([toleration("node.kubernetes.io/not-ready"), toleration("node.kubernetes.io/unreachable")]);
    same("tolerations", &spec["tolerations"], both)?;
    let volume = text(spec, "/volumes/0/name");
    ensure(volume.starts_with("kube-api-access-"), || format!("volumes: {}", spec["volumes"]))?;
    let container = json!({
        "name": "main",
        "image": "example.com/none:1",
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            { "name": volume, "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount" },
        ],
    });
    same("container", &spec["containers"][0], container)?;
    let source = json!({
        "name": volume,
        "projected": { "defaultMode": 420, "sources": [
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [
                { "path": "namespace", "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } },
            ] } },
        ] },
    });
    same("volume", &spec["volumes"][0], source)?;
    let keys: Vec<&String> = spec.as_object().into_iter().flat_map(|map| map.keys()).collect();
    ensure(keys.len() == 13, || format!("fields of the spec: {keys:?}"))?;
    same("status", &made["status"], json!({ "phase": "Pending", "qosClass": "BestEffort" }))?;
    same("generation", &made["metadata"]["generation"], json!(1))?;
    let mut sized = pod("sized", "");
    sized["spec"]["containers"][0]["resources"] = json!({ "limits": { "cpu": "1", "memory": "1Gi" } });
    let sized = caller.post(&caller.path("pods"), &sized).await?.expect(201)?;
    let requests = &sized["spec"]["containers"][0]["resources"]["requests"];
    same("requests", requests, json!({ "cpu": "1", "memory": "1Gi" }))?;
    same("class", &sized["status"]["qosClass"], json!("Guaranteed"))
}

pub(super) async fn pods_have_resources_as_a_whole(caller: &Caller) -> Outcome {
    let of = |name: &str, whole: Value, container: Value| {
        let mut pod = pod(name, "");
        pod["spec"]["resources"] = whole;
        pod["spec"]["containers"][0]["resources"] = container;
        pod
    };
    let cpu = json!({ "cpu": "4" });
    for (name, whole, container, requests, class) in [
        ("whole", json!({ "requests": cpu }), json!({}), cpu.clone(), "Burstable"),
        ("limited", json!({ "limits": cpu }), json!({}), cpu.clone(), "Burstable"),
        (
            "shared",
            json!({ "limits": cpu }),
            json!({ "requests": { "cpu": "1", "memory": "1Gi" } }),
            json!({ "cpu": "1", "memory": "1Gi" }),
            "Burstable",
        ),
        (
            "sure",
            json!({ "limits": { "cpu": "4", "memory": "1Gi" } }),
            json!({}),
            json!({ "cpu": "4", "memory": "1Gi" }),
            "Guaranteed",
        ),
    ] {
        let made = caller.post(&caller.path("pods"), &of(name, whole, container)).await?.expect(201)?;
        same(name, &exact(&made["spec"]["resources"]["requests"]), exact(&requests))?;
        same(name, &made["status"]["qosClass"], json!(class))?;
    }
    Ok(())
}

/// Amounts as one text each, however they are written.
fn exact(amounts: &Value) -> Value {
    let text = |amount: &Value| {
        amount.as_str().and_then(|text| text.parse::<Quantity>().ok()).map(|it| it.to_string())
    };
    amounts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, amount)| (name.clone(), json!(text(amount))))
        .collect()
}

pub(super) async fn status_is_separate(caller: &Caller) -> Outcome {
    caller.pod("parts", "nowhere").await?;
    let path = caller.path("pods/parts");
    let both = json!({
        "metadata": { "labels": { "through": "status" } },
        "spec": { "activeDeadlineSeconds": 9 },
        "status": { "phase": "Running" },
    });
    let status = caller.patch("merge", &format!("{path}/status"), &both).await?.expect(200)?;
    same("phase", &status["status"]["phase"], json!("Running"))?;
    same("spec through status", &status["spec"]["activeDeadlineSeconds"], Value::Null)?;
    same("labels through status", &status["metadata"]["labels"]["through"], json!("status"))?;
    let both = json!({ "spec": { "activeDeadlineSeconds": 9 }, "status": { "phase": "Failed" } });
    let main = caller.patch("merge", &path, &both).await?.expect(200)?;
    same("status through the object", &main["status"]["phase"], json!("Running"))?;
    same("spec", &main["spec"]["activeDeadlineSeconds"], json!(9))?;
    let mut whole = main.clone();
    whole["status"] = json!({ "phase": "Succeeded" });
    let put = caller.put(&format!("{path}/status"), &whole).await?.expect(200)?;
    same("put", &put["status"]["phase"], json!("Succeeded"))?;
    caller.get(&format!("{path}/status")).await?.expect(200)?;
    let stale = caller.put(&format!("{path}/status"), &whole).await?;
    stale.refused(409, "Conflict", "the object has been modified")
}

pub(super) async fn generation_counts(caller: &Caller) -> Outcome {
    caller.pod("counted", "nowhere").await?;
    let path = caller.path("pods/counted");
    let running = json!({ "status": { "phase": "Running" } });
    let status = caller.patch("merge", &format!("{path}/status"), &running).await?.expect(200)?;
    same("after status", &status["metadata"]["generation"], json!(1))?;
    let label = json!({ "metadata": { "labels": { "a": "b" } } });
    let labelled = caller.patch("merge", &path, &label).await?.expect(200)?;
    same("after labels", &labelled["metadata"]["generation"], json!(1))?;
    let deadline = json!({ "spec": { "activeDeadlineSeconds": 9 } });
    let changed = caller.patch("merge", &path, &deadline).await?.expect(200)?;
    same("after spec", &changed["metadata"]["generation"], json!(2))
}

pub(super) async fn binding_happens_once(caller: &Caller) -> Outcome {
    caller.pod("bind", "").await?;
    let binding =
        |node: &str| json!({ "metadata": { "name": "bind" }, "target": { "kind": "Node", "name": node } });
    let path = caller.path("pods/bind/binding");
    let status = caller.post(&path, &binding("nowhere")).await?.expect(201)?;
    same("answer", &status["status"], json!("Success"))?;
    let bound = caller.get(&caller.path("pods/bind")).await?.expect(200)?;
    same("node", &bound["spec"]["nodeName"], json!("nowhere"))?;
    same("generation", &bound["metadata"]["generation"], json!(1))?;
    let condition = &bound["status"]["conditions"][0];
    same("condition", &json!([condition["type"], condition["status"]]), json!(["PodScheduled", "True"]))?;
    let why = "Operation cannot be fulfilled on pods/binding \"bind\": pod bind is already assigned to node \"nowhere\"";
    caller.post(&path, &binding("elsewhere")).await?.refused(409, "Conflict", why)?;
    let missing = caller.path("pods/nobody/binding");
    let binding = json!({ "metadata": { "name": "nobody" }, "target": { "kind": "Node", "name": "n" } });
    caller.post(&missing, &binding).await?.refused(404, "NotFound", "pods \"nobody\" not found")
}

pub(super) async fn eviction_deletes(caller: &Caller) -> Outcome {
    caller.pod("evicted", "nowhere").await?;
    let eviction =
        json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": "evicted" } });
    let path = caller.path("pods/evicted/eviction");
    let status = caller.post(&path, &eviction).await?.expect(201)?;
    same("answer", &status["status"], json!("Success"))?;
    let marked = caller.get(&caller.path("pods/evicted")).await?.expect(200)?;
    ensure(marked["metadata"]["deletionTimestamp"].is_string(), || marked["metadata"].to_string())?;
    let missing = caller.path("pods/nobody/eviction");
    let eviction = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": "nobody" } });
    caller.post(&missing, &eviction).await?.refused(404, "NotFound", "pods \"nobody\" not found")
}

pub(super) async fn new_nodes_are_tainted(caller: &Caller) -> Outcome {
    let name = format!("node-of-{}", caller.namespace);
    let node = json!({ "metadata": { "name": name }, "status": { "capacity": { "cpu": "4" } } });
    let made = caller.post("/api/v1/nodes", &node).await?.expect(201)?;
    let taint = json!([{ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" }]);
    same("taints", &made["spec"]["taints"], taint)?;
    same("status of a new node", &made["status"]["allocatable"]["cpu"], json!("4"))?;
    same("generation", &made["metadata"]["generation"], Value::Null)?;
    let path = format!("/api/v1/nodes/{name}");
    let ready = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
    let patched = caller.patch("strategic-merge", &format!("{path}/status"), &ready).await?.expect(200)?;
    same("condition", &patched["status"]["conditions"][0]["type"], json!("Ready"))?;
    let status = caller.delete(&path, &Value::Null).await?.expect(200)?;
    same("deletion", &status["status"], json!("Success"))
}

pub(super) async fn accounts_must_exist(caller: &Caller) -> Outcome {
    let mut pod = pod("unaccounted", "");
    pod["spec"]["serviceAccountName"] = "nobody".into();
    let text = format!(
        "pods \"unaccounted\" is forbidden: error looking up service account {}/nobody: serviceaccount \"nobody\" not found",
        caller.namespace
    );
    caller.post(&caller.path("pods"), &pod).await?.refused(403, "Forbidden", &text)?;
    let mut pod = super::caller::pod("unranked", "");
    pod["spec"]["priorityClassName"] = "nothing".into();
    let text = "pods \"unranked\" is forbidden: no PriorityClass with name nothing was found";
    caller.post(&caller.path("pods"), &pod).await?.refused(403, "Forbidden", text)
}

pub(super) async fn what_was_added_survives_a_client_that_leaves_it_out(caller: &Caller) -> Outcome {
    let own = json!({ "key": "example.com/own", "operator": "Exists" });
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "reapplied" },
        "spec": { "tolerations": [own], "containers": [{ "name": "main", "image": "example.com/main" }] },
    });
    let all = caller.path("pods");
    let created = caller.post(&all, &pod).await?.expect(201)?;
    // As `kubectl apply` sends it: the list of the manifest, which knows nothing of what was added.
    let patch = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "tolerations": [own] } });
    let patched = caller.patch("strategic-merge", &format!("{all}/reapplied"), &patch).await?.expect(200)?;
    same("tolerations", &patched["spec"]["tolerations"], created["spec"]["tolerations"].clone())
}
