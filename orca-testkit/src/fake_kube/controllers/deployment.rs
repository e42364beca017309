//! The deployment controller: moves pods from the replica sets of old templates to that of the new one.

mod hash;
mod limits;
mod newest;
mod rollout;
mod scale;
mod sets;
mod status;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{DEPLOYMENTS, PODS, REPLICASETS};
use super::controller::{Context, Controller, RETRY};
use super::json::{self, Condition};
use super::pods;
use super::queue::Queue;
use super::view::{Delta, Key};
use sets::Sets;

/// Keeps deployments.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    queue: Queue<Key>,
}

impl Controller for Deployments {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&DEPLOYMENTS) {
            let is_news = delta.moved("/spec")
                || delta.moved("/metadata/annotations")
                || delta.moved("/metadata/deletionTimestamp");
            if let Some(new) = delta.new.as_deref().filter(|_| is_news) {
                self.queue.add(Key::of(new), context.now);
            }
        } else if delta.is(&REPLICASETS) {
            for set in [&delta.old, &delta.new].into_iter().flatten() {
                if let Some(owner) = deployment_of(set) {
                    self.queue.add(owner, context.now);
                }
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(key) = self.queue.pop(context.now) {
            let Some(deployment) = context.get(&DEPLOYMENTS, &key) else { continue };
            match sync(&deployment, context) {
                Ok(None) => {}
                Ok(Some(wait)) => self.queue.add(key, context.now + wait),
                Err(error) => {
                    tracing::debug!(%error, deployment = key.name, "a deployment is looked at again");
                    self.queue.add(key, context.now + RETRY);
                }
            }
        }
        self.queue.next()
    }
}

/// The deployment that controls this replica set.
fn deployment_of(set: &Object) -> Option<Key> {
    let owners = set.items("/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true && owner["kind"] == "Deployment")?;
    Some(Key::new(set.namespace(), owner["name"].as_str()?))
}

/// One step of the deployment. What it changes comes back as changes of replica sets, and leads to the next.
fn sync(deployment: &Arc<Object>, context: &mut Context<'_>) -> Result<Option<Duration>, ApiError> {
    let mut sets = Sets::of(deployment, context.view);
    if deployment.is_deleting() {
        return status::write(deployment, &sets, context);
    }
    tell_pause(deployment, context)?;
    let is_paused = deployment.value()["spec"]["paused"] == true;
    if is_paused || sets.were_resized(deployment) {
        sets.adopt_revision(deployment, context)?;
        scale::resize(deployment, &mut sets, context)?;
        if is_paused {
            rollout::forget_history(deployment, &sets, context)?;
        }
        return status::write(deployment, &sets, context);
    }
    if deployment.text("/spec/strategy/type") == "Recreate" {
        recreate(deployment, &mut sets, context)?;
    } else {
        sets.ensure_new(deployment, context)?;
        let _ = rollout::grow(deployment, &mut sets, context)?
            || rollout::shrink(deployment, &mut sets, context)?;
    }
    if status::is_complete(deployment, &status::Counts::of(deployment, &sets)) {
        rollout::forget_history(deployment, &sets, context)?;
    }
    status::write(deployment, &sets, context)
}

/// First everything old goes, then the new set grows.
fn recreate(deployment: &Object, sets: &mut Sets, context: &mut Context<'_>) -> Result<(), ApiError> {
    sets.adopt_revision(deployment, context)?;
    if scale::empty_old(deployment, sets, context)? || old_pods_live(sets, context) {
        return Ok(());
    }
    sets.ensure_new(deployment, context)?;
    rollout::grow(deployment, sets, context)?;
    Ok(())
}

fn old_pods_live(sets: &Sets, context: &Context<'_>) -> bool {
    let mut pods = sets.old.iter().flat_map(|set| context.view.controlled(&PODS, set.object.uid()));
    pods.any(|pod| !pods::is_terminal(pod))
}

/// The condition Progressing shows a pause, because the deadline does not run meanwhile.
fn tell_pause(deployment: &Object, context: &Context<'_>) -> Result<(), ApiError> {
    if limits::deadline(deployment).is_none() {
        return Ok(());
    }
    let is_paused = deployment.value()["spec"]["paused"] == true;
    let known = json::condition(deployment.value(), "Progressing");
    let reason = known.map_or("", |known| known["reason"].as_str().unwrap_or_default());
    let condition = match (is_paused, reason) {
        (_, "ProgressDeadlineExceeded") | (true, "DeploymentPaused") => return Ok(()),
        (true, _) => Condition::new("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"),
        (false, "DeploymentPaused") => {
            Condition::new("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed")
        }
        (false, _) => return Ok(()),
    };
    status::tell(deployment, condition, context)
}

#[cfg(test)]
mod tests;
