//! What keeps pods from a node, and what protects them there: scheduling gates, eviction, budgets.

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Answer, Caller, ensure, pod, same, text};

pub(super) async fn gates_keep_the_scheduler_away(caller: &Caller) -> Outcome {
    let gate = |name: &str| json!({ "name": format!("example.com/{name}") });
    let mut gated = pod("gated-pod", "");
    gated["spec"]["schedulerName"] = "default-scheduler".into();
    gated["spec"]["schedulingGates"] = json!([gate("a"), gate("b")]);
    gated["spec"]["nodeSelector"] = json!({ "one": "1" });
    let made = caller.post(&caller.path("pods"), &gated).await?.expect(201)?;
    let condition = &made["status"]["conditions"][0];
    let said = json!([condition["type"], condition["status"], condition["reason"], condition["message"]]);
    let blocked = "Scheduling is blocked due to non-empty scheduling gates";
    same("condition", &said, json!(["PodScheduled", "False", "SchedulingGated", blocked]))?;
    let path = caller.path("pods/gated-pod");
    let binding =
        json!({ "metadata": { "name": "gated-pod" }, "target": { "kind": "Node", "name": "nowhere" } });
    let refused = caller.post(&format!("{path}/binding"), &binding).await?;
    refused.refused(409, "Conflict", "pod gated-pod has non-empty .spec.schedulingGates")?;

    let change = |spec: Value| json!({ "spec": spec });
    let more = change(json!({ "schedulingGates": [gate("a"), gate("b"), gate("c")] }));
    let why = "spec.schedulingGates[2].name: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/c'";
    caller.patch("merge", &path, &more).await?.refused(422, "Invalid", why)?;
    let narrower = change(json!({ "nodeSelector": { "two": "2" } }));
    caller.patch("merge", &path, &narrower).await?.expect(200)?;
    let wider = change(json!({ "nodeSelector": { "one": null } }));
    let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    caller.patch("merge", &path, &wider).await?.refused(422, "Invalid", why)?;
    let one = change(json!({ "schedulingGates": [gate("b")] }));
    let fewer = caller.patch("merge", &path, &one).await?.expect(200)?;
    same("reason", &fewer["status"]["conditions"][0]["reason"], json!("SchedulingGated"))?;

    // Without the last gate it is a pod like any other, and no node has these labels.
    caller.patch("merge", &path, &change(json!({ "schedulingGates": [] }))).await?.expect(200)?;
    let is_looked_at = |pod: &Value| pod["status"]["conditions"][0]["reason"] == "Unschedulable";
    let last = caller.until("the scheduler looks at it", &path, is_looked_at).await?;
    same("gates", &last["spec"]["schedulingGates"], Value::Null)?;
    caller.patch("merge", &path, &more).await?.refused(422, "Invalid", "only deletion is allowed")?;

    let mut bound = pod("gated-and-bound", "nowhere");
    bound["spec"]["schedulingGates"] = json!([gate("a")]);
    let why = "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared";
    caller.post(&caller.path("pods"), &bound).await?.refused(422, "Invalid", why)
}

async fn evict(caller: &Caller, name: &str, query: &str) -> Result<Answer, String> {
    let eviction = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": name } });
    caller.post(&caller.path(&format!("pods/{name}/eviction{query}")), &eviction).await
}

/// A pod with this label on the node of the run, ready or in this phase.
async fn labelled(caller: &Caller, name: &str, phase: &str) -> Outcome {
    let mut labelled = pod(name, &caller.node);
    labelled["metadata"]["labels"] = json!({ "guarded": "yes" });
    caller.post(&caller.path("pods"), &labelled).await?.expect(201)?;
    let ready = json!([{ "type": "Ready", "status": if phase == "Running" { "True" } else { "False" } }]);
    let status = json!({ "status": { "phase": phase, "conditions": ready } });
    caller.patch("merge", &caller.path(&format!("pods/{name}/status")), &status).await?.expect(200)?;
    Ok(())
}

/// Whether the first condition that says so names the eviction, and the pod is to end.
async fn is_evicted(caller: &Caller, name: &str) -> Outcome {
    let pod = caller.get(&caller.path(&format!("pods/{name}"))).await?.expect(200)?;
    let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == "DisruptionTarget");
    let found = found.cloned().unwrap_or_default();
    let said = json!([found["status"], found["reason"], found["message"]]);
    same("condition", &said, json!(["True", "EvictionByEvictionAPI", "Eviction API: evicting"]))?;
    let deleted = &pod["metadata"]["deletionTimestamp"];
    ensure(deleted.is_string(), || format!("{name} is not to end"))
}

const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

pub(super) async fn budgets_answer_evictions(caller: &Caller) -> Outcome {
    for (name, phase) in [("guarded-1", "Running"), ("guarded-2", "Running"), ("guarded-late", "Pending")] {
        labelled(caller, name, phase).await?;
    }
    let budgets = caller.path_of("policy", "poddisruptionbudgets");
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "guard" },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "guarded": "yes" } } },
    });
    let made = caller.post(&budgets, &budget).await?.expect(201)?;
    same("generation", &made["metadata"]["generation"], json!(1))?;
    let guard = format!("{budgets}/guard");
    let counts = |budget: &Value| {
        let status = &budget["status"];
        ["expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"]
            .map(|key| status[key].clone())
    };
    let counted = |wanted: [u8; 4]| move |budget: &Value| counts(budget) == wanted.map(Value::from);
    caller.until("the budget is counted", &guard, counted([3, 1, 2, 1])).await?;
    let row = caller.table(&guard).await?.expect(200)?["rows"][0]["cells"].clone();
    same("printed", &json!([row[0], row[1], row[2], row[3]]), json!(["guard", "1", "N/A", 1]))?;

    // What does not work is not protected.
    evict(caller, "guarded-late", "").await?.expect(201)?;
    is_evicted(caller, "guarded-late").await?;
    evict(caller, "guarded-1", "?dryRun=All").await?.expect(201)?;
    evict(caller, "guarded-1", "").await?.expect(201)?;
    is_evicted(caller, "guarded-1").await?;
    caller.until("the eviction is counted", &guard, counted([3, 1, 1, 0])).await?;
    for query in ["", "?dryRun=All"] {
        let answer = evict(caller, "guarded-2", query).await?;
        let cause = answer.body["details"]["causes"][0].clone();
        answer.refused(429, "TooManyRequests", REFUSED)?;
        let why = "The disruption budget guard needs 1 healthy pods and has 1 currently";
        same("cause", &cause, json!({ "reason": "DisruptionBudget", "message": why }))?;
    }
    // A pod that is to end already needs no leave.
    evict(caller, "guarded-1", "").await?.expect(201)?;

    let mut second = budget;
    second["metadata"]["name"] = "second".into();
    caller.post(&budgets, &second).await?.expect(201)?;
    let answer = evict(caller, "guarded-2", "").await?;
    let said = text(&answer.body, "/message").to_owned();
    ensure(said.contains("more than one PodDisruptionBudget"), || format!("{answer:?}"))?;
    same("code", &json!([answer.code, answer.body["code"]]), json!([500, 500]))?;
    for name in ["guard", "second"] {
        caller.delete(&format!("{budgets}/{name}"), &Value::Null).await?.expect(200)?;
    }
    evict(caller, "guarded-2", "").await?.expect(201)?;
    is_evicted(caller, "guarded-2").await
}
