//! The conditions that ORCA writes: those of a kubelet (B64 to B71), the launch record, and ORCA's own.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{NOT_RUN, Ready, Shown, changes};
use crate::launch::{AttemptState, LaunchRecord};
use crate::pod;
use crate::well_known::{pod_condition, reason};

/// One condition before its times are known.
struct Draft {
    kind: &'static str,
    /// `True`, `False` or `Unknown`.
    status: &'static str,
    reason: Option<String>,
    message: Option<String>,
}

impl Draft {
    fn new(kind: &'static str, is_true: bool) -> Self {
        Self { kind, status: if is_true { "True" } else { "False" }, reason: None, message: None }
    }

    fn unknown(kind: &'static str) -> Self {
        Self { status: "Unknown", ..Self::new(kind, false) }
    }

    fn because(mut self, reason: impl Into<String>, message: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self.message = Some(message.into()).filter(|text| !text.is_empty());
        self
    }
}

/// The conditions that ORCA writes on this pod, in a fixed order.
pub(super) fn render(
    live: &Pod,
    shown: &Shown,
    record: Option<&LaunchRecord>,
    now: Timestamp,
) -> Vec<PodCondition> {
    let mut drafts = kubelet(live, shown);
    if let Shown::Ended { disruption: true, message, .. } = shown {
        drafts.push(
            Draft::new(pod_condition::DISRUPTION_TARGET, true)
                .because(reason::TERMINATION_BY_KUBELET, message.as_str()),
        );
    }
    if matches!(shown, Shown::Running { .. })
        || pod::condition(live, pod_condition::CONTAINERS_NOT_RUN).is_some()
    {
        drafts.push(Draft::new(pod_condition::CONTAINERS_NOT_RUN, true).because("RuntimeInstance", NOT_RUN));
    }
    let is_running = matches!(shown, Shown::Running { .. });
    if is_running && changes::is_resized(live, record) {
        let text = "an instance's size is fixed by its instance type; make a new pod with another type";
        drafts.push(Draft::new(pod_condition::RESIZE_PENDING, true).because("Infeasible", text));
    }
    let kept = if is_running { changes::not_applied(live, record) } else { Vec::new() };
    if !kept.is_empty() {
        drafts.push(
            Draft::new(pod_condition::CHANGE_NOT_APPLIED, true).because("InstanceRuns", kept.join("; ")),
        );
    }
    let is_alive = matches!(shown, Shown::Running { .. } | Shown::Waiting { .. });
    if is_alive && pod::condition(live, pod_condition::INSTANCE_CONFIRMED).is_some() {
        drafts.push(Draft::new(pod_condition::INSTANCE_CONFIRMED, true));
    }
    if let Some(record) = record {
        drafts.push(launch(record));
    }
    drafts.into_iter().map(|draft| finish(live, draft, now)).collect()
}

/// The conditions that change on a pod whose instance could not be confirmed for a while.
pub(super) fn unconfirmed(
    live: &Pod,
    message: &str,
    is_ready_unknown: bool,
    record: Option<&LaunchRecord>,
    now: Timestamp,
) -> Vec<PodCondition> {
    let unknown = |kind| Draft::unknown(kind).because(reason::INSTANCE_UNCONFIRMED, message);
    // A condition that was False before stays False.
    let is_lost =
        |kind: &&str| is_ready_unknown && pod::condition(live, kind).is_some_and(|one| one.status != "False");
    let mut drafts = vec![unknown(pod_condition::INSTANCE_CONFIRMED)];
    drafts.extend(["Ready", "ContainersReady"].into_iter().filter(is_lost).map(unknown));
    drafts.extend(record.map(launch));
    drafts.into_iter().map(|draft| finish(live, draft, now)).collect()
}

/// The launch record's condition alone.
pub(super) fn launch_record(live: &Pod, record: &LaunchRecord, now: Timestamp) -> PodCondition {
    finish(live, launch(record), now)
}

fn kubelet(live: &Pod, shown: &Shown) -> Vec<Draft> {
    let names = || -> Vec<&str> {
        let containers = live.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
        let mut names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
        names.sort_unstable();
        names
    };
    let unready = || format!("containers with unready status: [{}]", names().join(" "));
    let has_init = live
        .spec
        .as_ref()
        .is_some_and(|spec| spec.init_containers.as_ref().is_some_and(|init| !init.is_empty()));
    let initialized = match shown {
        Shown::Waiting { .. } | Shown::Ended { .. } | Shown::Deleted { .. }
            if has_init && !was_running(live) =>
        {
            Draft::new("Initialized", false)
                .because("ContainersNotInitialized", "init containers have not run")
        }
        Shown::Waiting { .. }
        | Shown::Running { .. }
        | Shown::Unconfirmed { .. }
        | Shown::Ended { .. }
        | Shown::Deleted { .. } => Draft::new("Initialized", true),
    };
    let (unready_because, network) = match shown {
        Shown::Running { ready: Ready::Yes, .. } | Shown::Unconfirmed { .. } => (None, true),
        Shown::Running { ready: Ready::No(why), .. } => {
            (Some(("ContainersNotReady", format!("{}: {why}", unready()))), true)
        }
        Shown::Waiting { .. } => (Some(("ContainersNotReady", unready())), false),
        Shown::Ended { .. } | Shown::Deleted { .. } => (Some(("PodFailed", String::new())), false),
    };
    let is_ready = unready_because.is_none();
    let with_cause = |kind: &'static str| match &unready_because {
        Some((reason, message)) => Draft::new(kind, false).because(*reason, message.as_str()),
        None => Draft::new(kind, true),
    };
    let mut drafts = vec![
        Draft::new("PodReadyToStartContainers", network),
        initialized,
        readiness(live, is_ready, with_cause("Ready")),
        with_cause("ContainersReady"),
    ];
    if pod::condition(live, "PodScheduled").is_none_or(|scheduled| scheduled.status != "True") {
        drafts.push(Draft::new("PodScheduled", true));
    }
    drafts
}

/// Readiness gates hold Ready back although the containers are ready (B67).
fn readiness(live: &Pod, containers_ready: bool, otherwise: Draft) -> Draft {
    let gates = live.spec.as_ref().and_then(|spec| spec.readiness_gates.as_deref()).unwrap_or_default();
    let open: Vec<String> = gates
        .iter()
        .filter(|gate| {
            pod::condition(live, &gate.condition_type).is_none_or(|condition| condition.status != "True")
        })
        .map(|gate| {
            format!("corresponding condition of pod readiness gate \"{}\" is not True", gate.condition_type)
        })
        .collect();
    if !containers_ready || open.is_empty() {
        return otherwise;
    }
    Draft::new("Ready", false).because("ReadinessGatesNotReady", open.join(", "))
}

fn was_running(live: &Pod) -> bool {
    pod::condition(live, "Initialized").is_some_and(|condition| condition.status == "True")
}

/// The launch record as a condition: True when there is an instance, False with the state of the attempt otherwise.
fn launch(record: &LaunchRecord) -> Draft {
    let (is_true, reason) = match record.state() {
        AttemptState::Launched(_) => (true, "Launched"),
        AttemptState::Closed(_) => (false, "Refused"),
        AttemptState::Mismatch => (false, "Mismatch"),
        AttemptState::Unresolved { .. } => (false, "Sent"),
        AttemptState::Unsent => (false, "NotSent"),
    };
    Draft::new(pod_condition::LAUNCH, is_true).because(reason, record.encode())
}

/// Adds the times: the transition time is kept while the status does not change (B79).
fn finish(live: &Pod, draft: Draft, now: Timestamp) -> PodCondition {
    let status = draft.status;
    let before = pod::condition(live, draft.kind).filter(|condition| condition.status == status);
    PodCondition {
        type_: draft.kind.to_owned(),
        status: status.to_owned(),
        reason: draft.reason,
        message: draft.message,
        last_probe_time: None,
        last_transition_time: before
            .and_then(|condition| condition.last_transition_time.clone())
            .or(Some(Time(now))),
        observed_generation: live.metadata.generation,
    }
}
