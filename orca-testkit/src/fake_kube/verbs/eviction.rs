//! Evicting a pod: a deletion that a disruption budget may forbid.

use std::sync::Arc;

use serde_json::{Value, json};

use super::delete::of_body;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::resource::{PODDISRUPTIONBUDGETS, PODS};
use crate::fake_kube::route::Place;
use crate::fake_kube::selector::LabelSelector;
use crate::fake_kube::store::{DeleteOptions, Store, Write};
use crate::fake_kube::time;

/// Seconds after which a client asks again about a budget that nobody has counted yet.
const UNCOUNTED_SECONDS: u32 = 10;

pub(super) fn evict(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let body = request.json()?;
    let name = body["metadata"]["name"].as_str().unwrap_or_default();
    if !name.is_empty() && name != place.title() {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut options = of_body(&body["deleteOptions"])?;
    options.dry_run |= request.write()? == Write::DryRun;
    let store = &cluster.store;
    let pod = store.get(&PODS, place.space(), place.title())?;
    if !is_ended_or_unstarted(&pod) {
        ask_budgets(store, &pod, options.dry_run)?;
    }
    if !options.dry_run {
        let marked = mark(store, &pod, &options)?;
        if options.resource_version.is_some() {
            options.resource_version = Some(marked.version().to_string());
        }
    }
    store.delete(&PODS, place.space(), place.title(), &options)?;
    let status =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(Answer::json(201, &status))
}

/// No budget protects what does not work: it would not be disrupted.
fn is_ended_or_unstarted(pod: &Object) -> bool {
    pod.is_deleting() || ["Pending", "Succeeded", "Failed"].contains(&pod.text("/status/phase"))
}

/// Takes one disruption off the budget of this pod, if it has one and needs to.
fn ask_budgets(store: &Store, pod: &Object, is_dry: bool) -> Result<(), ApiError> {
    let (all, _) = store.list(&PODDISRUPTIONBUDGETS, Some(pod.namespace()));
    let own = |budget: &&Arc<Object>| selects(budget, pod);
    let mut budgets = all.iter().filter(own);
    let Some(budget) = budgets.next() else { return Ok(()) };
    if budgets.next().is_some() {
        return Err(ApiError {
            reason: "",
            ..ApiError::internal(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            )
        });
    }
    let is_ready = pod
        .items("/status/conditions")
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let number = |pointer: &str| budget.number(pointer).unwrap_or(0);
    let needed = number("/status/desiredHealthy");
    let is_served = needed > 0 && number("/status/currentHealthy") >= needed;
    if !is_ready && (is_served || budget.text("/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow") {
        return Ok(());
    }
    let write = if is_dry { Write::DryRun } else { Write::Commit };
    let now = time::seconds(store.now());
    store
        .update_with(&PODDISRUPTIONBUDGETS, (budget.namespace(), budget.name()), write, |budget| {
            decrement(budget, pod.name(), &now)
        })
        .map(drop)
}

/// Whether this budget protects the pod. An empty selector protects all of its namespace, a missing one none.
pub(crate) fn selects(budget: &Object, pod: &Object) -> bool {
    let selector = &budget.value()["spec"]["selector"];
    match LabelSelector::of_object(selector) {
        Some(selector) => selector.matches(pod),
        None => selector
            .as_object()
            .is_some_and(|map| map.values().all(|part| part == &json!({}) || part == &json!([]))),
    }
}

fn decrement(budget: &mut Value, pod: &str, now: &str) -> Result<(), ApiError> {
    let name = budget["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let status = &budget["status"];
    if number(&status["observedGeneration"]) < number(&budget["metadata"]["generation"]) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refused(&why, Some(UNCOUNTED_SECONDS)));
    }
    let (healthy, needed) = (number(&status["currentHealthy"]), number(&status["desiredHealthy"]));
    let allowed = number(&status["disruptionsAllowed"]);
    if allowed <= 0 {
        let why = if healthy <= needed {
            format!("The disruption budget {name} needs {needed} healthy pods and has {healthy} currently")
        } else {
            format!("The disruption budget {name} does not allow evicting pods currently")
        };
        return Err(refused(&why, None));
    }
    budget["status"]["disruptionsAllowed"] = (allowed - 1).into();
    budget["status"]["disruptedPods"][pod] = now.into();
    Ok(())
}

fn refused(why: &str, retry_after: Option<u32>) -> ApiError {
    let mut details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": why }] });
    if let Some(seconds) = retry_after {
        details["retryAfterSeconds"] = seconds.into();
    }
    ApiError {
        code: 429,
        reason: "TooManyRequests",
        message: "Cannot evict pod as it would violate the pod's disruption budget.".to_owned(),
        details: Some(details),
    }
}

/// Says on the pod that neither it nor its program is the cause of its end.
fn mark(store: &Store, pod: &Object, options: &DeleteOptions) -> Result<Arc<Object>, ApiError> {
    let now = time::seconds(store.now());
    store.update(&PODS, pod.namespace(), pod.name(), |value| {
        let metadata = &value["metadata"];
        let is_meant = |wanted: &Option<String>, key: &str| {
            wanted.as_deref().is_none_or(|wanted| metadata[key] == *wanted)
        };
        if !is_meant(&options.uid, "uid") || !is_meant(&options.resource_version, "resourceVersion") {
            return Err(ApiError::modified(&PODS, pod.name()));
        }
        let said = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": now,
        });
        let conditions = value["status"]["conditions"].take();
        let mut conditions = conditions.as_array().cloned().unwrap_or_default();
        let is_known = |one: &Value| one["type"] == "DisruptionTarget" && one["reason"] == said["reason"];
        if !conditions.iter().any(is_known) {
            conditions.retain(|one| one["type"] != "DisruptionTarget");
            conditions.push(said);
        }
        value["status"]["conditions"] = conditions.into();
        Ok(())
    })
}
