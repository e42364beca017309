//! What the controllers of workloads do with pods whose end a node agent has reported.

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, pod, same, text};

/// A template of pods that stand on this node, or on none.
fn template(app: &str, node: &str) -> Value {
    let pod = pod(app, node);
    json!({ "metadata": { "labels": { "app": app } }, "spec": pod["spec"] })
}

/// The pods of this label, by name.
async fn pods_of(caller: &Caller, label: &str) -> Result<Vec<Value>, String> {
    let list = caller.get(&caller.path(&format!("pods?labelSelector={label}"))).await?.expect(200)?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

/// The pods with this label, as soon as this many of them are not being deleted.
async fn living(caller: &Caller, label: &str, count: usize) -> Result<Vec<Value>, String> {
    let path = caller.path(&format!("pods?labelSelector={label}"));
    let lives = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
    let all = |list: &Value| list["items"].as_array().cloned().unwrap_or_default();
    let is_so = |list: &Value| all(list).iter().filter(lives).count() == count;
    let list = caller.until(&format!("{count} pods {label}"), &path, is_so).await?;
    Ok(all(&list).into_iter().filter(|pod| lives(&pod)).collect())
}

/// Writes the status of a pod, as a node agent does.
async fn report(caller: &Caller, pod: &Value, phase: &str) -> Outcome {
    let ready = if phase == "Running" { "True" } else { "False" };
    let status =
        json!({ "status": { "phase": phase, "conditions": [{ "type": "Ready", "status": ready }] } });
    let path = caller.path(&format!("pods/{}/status", text(pod, "/metadata/name")));
    caller.patch("strategic-merge", &path, &status).await?.expect(200)?;
    Ok(())
}

/// Lets go of a pod that is to end, as a node agent does.
async fn release(caller: &Caller, pod: &Value) -> Outcome {
    let path = caller.path(&format!("pods/{}", text(pod, "/metadata/name")));
    caller.delete(&path, &json!({ "gracePeriodSeconds": 0 })).await?;
    Ok(())
}

pub(super) async fn a_suspended_job_counts_no_failure(caller: &Caller) -> Outcome {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "paused" },
        "spec": { "parallelism": 2, "completions": 2, "backoffLimit": 0, "template": template("paused", &caller.node) },
    });
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    let jobs = caller.path_of("batch", "jobs");
    caller.post(&jobs, &job).await?.expect(201)?;
    let path = format!("{jobs}/paused");
    let first = living(caller, "app=paused", 2).await?;
    for pod in &first {
        report(caller, pod, "Running").await?;
    }
    let suspend = |is_suspended: bool| json!({ "spec": { "suspend": is_suspended } });
    caller.patch("merge", &path, &suspend(true)).await?.expect(200)?;
    living(caller, "app=paused", 0).await?;
    // The node agent ends them, and nobody counts that.
    for pod in pods_of(caller, "app=paused").await? {
        report(caller, &pod, "Failed").await?;
        release(caller, &pod).await?;
    }
    let condition = |job: &Value| {
        let conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|condition| condition["type"] == "Suspended").cloned();
        found.map(|found| [found["status"].clone(), found["reason"].clone()])
    };
    let says = |status: &str, reason: &str| Some([json!(status), json!(reason)]);
    let is_paused = |job: &Value| {
        condition(job) == says("True", "JobSuspended") && job["status"]["active"].as_i64().unwrap_or(0) == 0
    };
    let paused = caller.until("it is suspended", &path, is_paused).await?;
    same("failed", &paused["status"]["failed"], Value::Null)?;
    same("start", &paused["status"]["startTime"], Value::Null)?;
    let row = caller.table(&path).await?.expect(200)?["rows"][0]["cells"][1].clone();
    same("printed", &row, json!("Suspended"))?;

    caller.patch("merge", &path, &suspend(false)).await?.expect(200)?;
    let again = living(caller, "app=paused", 2).await?;
    for pod in &again {
        report(caller, pod, "Succeeded").await?;
    }
    let is_complete = |job: &Value| job["status"]["completionTime"].is_string();
    let done = caller.until("it is complete", &path, is_complete).await?;
    same("condition", &json!(condition(&done)), json!(["False", "JobResumed"]))?;
    same("counts", &json!([done["status"]["succeeded"], done["status"]["failed"]]), json!([2, null]))
}

pub(super) async fn stateful_sets_keep_names_and_order(caller: &Caller) -> Outcome {
    let set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "db" },
        "spec": {
            "replicas": 2, "serviceName": "dbs", "selector": { "matchLabels": { "app": "db" } },
            "template": template("db", &caller.node),
        },
    });
    let sets = caller.path_of("apps", "statefulsets");
    let made = caller.post(&sets, &set).await?.expect(201)?;
    let first = living(caller, "app=db", 1).await?.remove(0);
    same("name", &first["metadata"]["name"], json!("db-0"))?;
    let labels = &first["metadata"]["labels"];
    let found = json!([labels["statefulset.kubernetes.io/pod-name"], labels["apps.kubernetes.io/pod-index"]]);
    same("labels", &found, json!(["db-0", "0"]))?;
    let found = json!([first["spec"]["hostname"], first["spec"]["subdomain"]]);
    same("host", &found, json!(["db-0", "dbs"]))?;
    let owner = &first["metadata"]["ownerReferences"][0];
    let found = json!([owner["kind"], owner["uid"], owner["controller"]]);
    same("owner", &found, json!(["StatefulSet", made["metadata"]["uid"], true]))?;
    let revision = text(&first, "/metadata/labels/controller-revision-hash");
    ensure(revision.starts_with("db-"), || format!("revision: {revision}"))?;

    report(caller, &first, "Running").await?;
    let both = living(caller, "app=db", 2).await?;
    for pod in &both {
        report(caller, pod, "Running").await?;
    }
    let path = format!("{sets}/db");
    let counts = |set: &Value| {
        json!([set["status"]["replicas"], set["status"]["readyReplicas"], set["status"]["availableReplicas"]])
    };
    caller.until("both are counted", &path, |set: &Value| counts(set) == json!([2, 2, 2])).await?;

    // One that has failed is deleted, and comes again under its name when it is gone.
    report(caller, &first, "Failed").await?;
    let name = caller.path("pods/db-0");
    let is_next =
        |pod: &Value| pod["metadata"]["uid"] != first["metadata"]["uid"] && pod["metadata"]["name"] == "db-0";
    let second = caller.until("db-0 is there again", &name, is_next).await?;
    report(caller, &second, "Running").await?;
    caller.patch("merge", &path, &json!({ "spec": { "replicas": 1 } })).await?.expect(200)?;
    let is_ending = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_string();
    let last = caller.until("the last one goes first", &caller.path("pods/db-1"), is_ending).await?;
    release(caller, &last).await?;
    caller.until("one is left", &path, |set: &Value| counts(set) == json!([1, 1, 1])).await?;
    Ok(())
}

pub(super) async fn daemon_sets_have_a_pod_a_node(caller: &Caller) -> Outcome {
    let node = format!("daemon-of-{}", caller.namespace);
    let labels = json!({ "contract": caller.namespace });
    let node_object =
        json!({ "metadata": { "name": node, "labels": labels }, "status": { "capacity": { "cpu": "4" } } });
    caller.post("/api/v1/nodes", &node_object).await?.expect(201)?;
    let mut template = template("daemon", "");
    template["spec"]["nodeSelector"] = labels;
    template["spec"]["tolerations"] = json!([{ "operator": "Exists", "effect": "NoSchedule" }]);
    let set = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": { "name": "daemon" },
        "spec": { "selector": { "matchLabels": { "app": "daemon" } }, "template": template },
    });
    let sets = caller.path_of("apps", "daemonsets");
    let made = caller.post(&sets, &set).await?.expect(201)?;
    same(
        "defaults",
        &made["spec"]["updateStrategy"],
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } }),
    )?;
    let first = living(caller, "app=daemon", 1).await?.remove(0);
    let required =
        &first["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let field = json!({ "key": "metadata.name", "operator": "In", "values": [node] });
    same("affinity", required, json!({ "nodeSelectorTerms": [{ "matchFields": [field] }] }))?;
    let owner = &first["metadata"]["ownerReferences"][0];
    let found = json!([owner["kind"], owner["uid"], owner["controller"]]);
    same("owner", &found, json!(["DaemonSet", made["metadata"]["uid"], true]))?;
    let borne = |key: &str, effect: &str| json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect });
    let tolerations = json!([
        { "operator": "Exists", "effect": "NoSchedule" },
        borne("not-ready", "NoExecute"),
        borne("unreachable", "NoExecute"),
        borne("disk-pressure", "NoSchedule"),
        borne("memory-pressure", "NoSchedule"),
        borne("pid-pressure", "NoSchedule"),
        borne("unschedulable", "NoSchedule"),
    ]);
    same("tolerations", &first["spec"]["tolerations"], tolerations)?;
    let path = format!("{sets}/daemon");
    daemons_are_counted(caller, &path, &first).await?;
    // As a node agent refuses a pod: it is replaced, and the set says so.
    report(caller, &first, "Failed").await?;
    let is_next = |list: &Value| {
        let pods = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        pods.iter().any(|pod| pod["metadata"]["uid"] != first["metadata"]["uid"])
    };
    caller.until("another one comes", &caller.path("pods?labelSelector=app%3Ddaemon"), is_next).await?;
    let events = caller.path("events?fieldSelector=involvedObject.name%3Ddaemon,reason%3DFailedDaemonPod");
    let is_told = |list: &Value| text(list, "/items/0/message").starts_with("Found failed daemon pod ");
    caller.until("it is told", &events, is_told).await?;
    caller.delete(&path, &json!({ "propagationPolicy": "Background" })).await?.expect(200)?;
    living(caller, "app=daemon", 0).await?;
    caller.delete(&format!("/api/v1/nodes/{node}"), &Value::Null).await?.expect(200)?;
    Ok(())
}

async fn daemons_are_counted(caller: &Caller, path: &str, first: &Value) -> Outcome {
    let counts = |set: &Value| {
        let status = &set["status"];
        let keys = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "updatedNumberScheduled",
            "numberReady",
            "numberUnavailable",
            "numberMisscheduled",
        ];
        json!(keys.map(|key| status[key].clone()))
    };
    caller.until("it is counted", path, |set: &Value| counts(set) == json!([1, 1, 1, 0, 1, 0])).await?;
    report(caller, first, "Running").await?;
    caller.until("it is ready", path, |set: &Value| counts(set) == json!([1, 1, 1, 1, null, 0])).await?;
    let row = caller.table(path).await?.expect(200)?["rows"][0]["cells"].clone();
    same(
        "printed",
        &json!([row[0], row[1], row[2], row[3], row[4], row[5]]),
        json!(["daemon", 1, 1, 1, 1, 1]),
    )
}
