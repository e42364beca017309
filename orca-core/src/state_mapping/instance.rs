//! An instance that is there: its state, the reason of that state, and its health (runtime `instance`).

use super::{failed, lost, waiting};
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
        // Stopping cannot be told from ending, and a stopped instance does no work: the pod has ended.
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
    let message = |what: &str| format!("instance {} {what}{said}", instance.id);
    match cause {
        EndCause::SpotInterruption => {
            lost(reason::SPOT_INTERRUPTED, message("was taken back by the spot market"))
        }
        // The instance is the workload, and ended by itself. Whether it succeeded nobody can say; a disruption it was not.
        EndCause::Guest => {
            failed(reason::INSTANCE_GONE, message("shut itself down, and no exit code is known"))
        }
        EndCause::ApiCall => lost(
            reason::INSTANCE_GONE,
            message("was ended by a call of the cloud's API although its pod should run"),
        ),
        EndCause::Provider => lost(reason::INSTANCE_GONE, message("was ended by the cloud")),
        EndCause::LaunchFailed => {
            lost(reason::INSTANCE_GONE, message("was accepted by the cloud, which could not start it"))
        }
        // Another launch would fail in the same way: a Job whose policy ignores disruptions must not launch for ever.
        EndCause::LaunchInvalid => failed(
            reason::INSTANCE_GONE,
            message(
                "was accepted by the cloud and could not be started for what the launch asked for, or for a limit",
            ),
        ),
        EndCause::Other => lost(reason::INSTANCE_GONE, message("ended")),
    }
}
