//! An instance that is there: its state, the reason of that state, and its health (runtime `instance`).

use super::{lost, waiting};
use crate::instance::{EndCause, Health, Instance, InstanceState};
use crate::planted::{Bug, planted};
use crate::status::{Ready, Shown};
use crate::well_known::reason;

pub(super) fn shown(instance: &Instance, health: Option<Health>, was_ready: bool) -> Shown {
    match instance.state {
        InstanceState::Pending if !planted(Bug::RunningAtLaunch) => waiting(
            reason::INSTANCE_BOOTING,
            format!("instance {} ({}) is starting", instance.id, instance.instance_type),
        ),
        // The machine image is the workload, so it runs when its instance does.
        InstanceState::Pending | InstanceState::Running => {
            Shown::Running { instance: Box::new(instance.clone()), ready: ready(health, was_ready) }
        }
        // Stopping cannot be told from ending, and a stopped instance does not work any more: the pod has ended.
        InstanceState::Stopping
        | InstanceState::Stopped
        | InstanceState::ShuttingDown
        | InstanceState::Terminated => ended(instance),
    }
}

fn ready(health: Option<Health>, was_ready: bool) -> Ready {
    match health {
        Some(Health::Passed) => Ready::Yes,
        Some(Health::Impaired) => Ready::No("the instance's status checks fail".into()),
        // A new process does not know yet what its predecessor knew.
        Some(Health::Initializing) | None if was_ready => Ready::Yes,
        Some(Health::Initializing) | None => {
            Ready::No("the instance's status checks have not passed yet".into())
        }
    }
}

/// It ended, or is about to, without the pod's deletion.
fn ended(instance: &Instance) -> Shown {
    let (cause, said) = instance.state_reason.as_ref().map_or((EndCause::Other, String::new()), |reason| {
        (reason.cause, format!(" ({}: {})", reason.code, reason.message))
    });
    let (reason, what) = match cause {
        EndCause::SpotInterruption => (reason::SPOT_INTERRUPTED, "was taken back by the spot market"),
        EndCause::Guest => (reason::INSTANCE_GONE, "shut itself down, and no exit code is known"),
        EndCause::ApiCall => {
            (reason::INSTANCE_GONE, "was ended by a call of the cloud's API that was not ORCA's")
        }
        EndCause::Provider => (reason::INSTANCE_GONE, "was ended by the cloud"),
        EndCause::LaunchFailed => {
            (reason::INSTANCE_GONE, "was accepted by the cloud and could not be started")
        }
        EndCause::Other => (reason::INSTANCE_GONE, "ended"),
    };
    lost(reason, format!("instance {} {what}{said}", instance.id))
}
