//! Terminating instances in batches, so that one that cannot be terminated does not keep the others alive.

use std::collections::BTreeMap;

use orca_core::error::{CloudError, Kind};
use orca_core::ids::InstanceId;
use orca_core::instance::{InstanceState, OwnedInstance};

use crate::bisect::Bisect;
use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::convert;
use crate::error::cloud_error;

/// EC2 takes a thousand ids and asks callers to "break up the request into smaller batches".
const IDS_PER_CALL: usize = 500;

/// How often batches are halved for one call of `terminate`: enough to find three bad ids among five hundred. When a policy
/// refuses all of them, the rest waits for the next call, so that EC2 does not get two calls for each instance.
const MOST_SPLITS: usize = 32;

type Outcomes = BTreeMap<InstanceId, Result<InstanceState, CloudError>>;

impl Ec2Client {
    /// One outcome for each instance given.
    pub(crate) async fn terminate_instances(&self, instances: &[OwnedInstance]) -> Outcomes {
        let mut outcomes = Outcomes::new();
        let mut batches = Bisect::new(instances, IDS_PER_CALL);
        let mut splits = MOST_SPLITS;
        while let Some(batch) = batches.take() {
            match self.terminate_batch(batch).await {
                Ok(answered) => outcomes.extend(answered),
                Err(error) if may_be_one_id(&error) && batch.len() > 1 => {
                    if splits == 0 {
                        outcomes.extend(batch.iter().map(|each| (each.id().clone(), Err(not_tried(&error)))));
                    } else {
                        splits -= 1;
                        batches.split(batch);
                    }
                }
                Err(error) => {
                    outcomes.extend(batch.iter().map(|each| (each.id().clone(), Err(error.clone()))));
                }
            }
        }
        outcomes
    }

    async fn terminate_batch(&self, batch: &[OwnedInstance]) -> Result<Outcomes, CloudError> {
        let ids = batch.iter().map(|each| each.id().as_str().to_owned()).collect();
        let request = self.write.terminate_instances().set_instance_ids(Some(ids));
        let output = call(Operation::TerminateInstances, request.send())
            .await
            .map_err(|error| cloud_error(Operation::TerminateInstances, &error))?;
        let states: BTreeMap<&str, _> = output
            .terminating_instances()
            .iter()
            .filter_map(|change| Some((change.instance_id()?, convert::state(change.current_state()))))
            .collect();
        let outcome = |each: &OwnedInstance| {
            let answered = states.get(each.id().as_str()).cloned();
            (each.id().clone(), answered.unwrap_or_else(|| Err(unanswered())))
        };
        Ok(batch.iter().map(outcome).collect())
    }
}

/// Some of the batch cannot be ended, and it is not known which.
fn not_tried(error: &CloudError) -> CloudError {
    let text = format!("it was not tried alone, and with others it failed: {error}");
    CloudError::new(Kind::Unknown, "NotTriedAlone", text)
}

fn unanswered() -> CloudError {
    CloudError::new(
        Kind::Unknown,
        "UnreadableAnswer",
        "TerminateInstances succeeded and left out this instance",
    )
}

/// Whether a single id may have made the batch fail. With one bad id EC2 terminates none; with one protected instance, none
/// of its zone; and a policy that is scoped by tags refuses an id that EC2 no longer lists. Any other error concerns the
/// whole call, so smaller calls would fail as well.
fn may_be_one_id(error: &CloudError) -> bool {
    match error.kind {
        Kind::NotFound | Kind::Invalid(_) => true,
        Kind::Denied => ["UnauthorizedOperation", "AccessDenied"].contains(&error.code.as_str()),
        // EC2 answers with this for an instance that is being changed at the moment.
        Kind::Unknown => ["IncorrectInstanceState", "IncorrectState"].contains(&error.code.as_str()),
        Kind::Throttled | Kind::NoCapacity | Kind::Quota => false,
    }
}

#[cfg(test)]
mod tests;
