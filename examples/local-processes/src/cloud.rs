//! The back end: an instance is a process of this machine, and its type says for how long it sleeps.

use std::{collections::BTreeMap, time::Duration};

use orca_core::clock::{Clock, SystemClock};
use orca_core::config::BackendSection as _;
use orca_core::prelude::*;
use tokio::process::{Child, Command};

use crate::config::Processes;

/// The table of tokens has to last as long as the instances. Here a token is the id of its process, and all end when the
/// table is dropped; where instances outlive ORCA, the table belongs on a disk.
#[derive(Debug, Default)]
pub struct LocalProcesses {
    settings: Processes,
    clock: SystemClock,
    table: tokio::sync::Mutex<BTreeMap<InstanceId, (Offer, Child)>>,
}

impl LocalProcesses {
    pub fn new(settings: Processes) -> Self {
        Self { settings, ..Self::default() }
    }
}

/// What the domain sees of a process: its tags say whose it is. Only for a child that is gone does waiting fail.
fn look(id: &InstanceId, (offer, child): &mut (Offer, Child)) -> Instance {
    let is_running = matches!(child.try_wait(), Ok(None));
    let state = if is_running { InstanceState::Running } else { InstanceState::Terminated };
    Instance::from_tags(id.clone(), &format!("process://{id}"), state, &offer.tags)
}

fn failed(kind: Kind, what: impl ToString) -> CloudError {
    CloudError::new(kind, "LocalProcess", what.to_string())
}

#[async_trait::async_trait]
impl CloudClient for LocalProcesses {
    fn info(&self) -> CloudInfo {
        self.settings.info()
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        Ok("this-machine".into())
    }

    async fn offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        let seconds = wish.instance_type.strip_prefix("sleep.").and_then(|text| text.parse::<u32>().ok());
        let wrong = || failed(Kind::Invalid(Fault::Pod), "types are sleep.SECONDS");
        if self.table.lock().await.len() >= self.settings.most {
            return Ok(Vec::new());
        }
        Ok(vec![Offer::new(wish, seconds.ok_or_else(wrong)?.to_string().into())])
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: jiff::Timestamp) -> LaunchOutcome {
        let (mut table, id) = (self.table.lock().await, InstanceId::new(token.as_str()));
        if self.clock.now() > not_after {
            return LaunchOutcome::NotSent(failed(Kind::Unknown, "its time is over"));
        }
        if table.get(&id).is_some_and(|(known, _)| known != offer) {
            return LaunchOutcome::Mismatch;
        }
        if !table.contains_key(&id) {
            match Command::new("sleep").args(offer.parameters.as_str()).kill_on_drop(true).spawn() {
                Ok(child) => table.insert(id.clone(), (offer.clone(), child)),
                Err(error) => return LaunchOutcome::Refused(failed(Kind::Quota, error)),
            };
        }
        let seen = table.get_mut(&id).map(|process| look(&id, process)).filter(|seen| seen.state.is_alive());
        seen.map_or(LaunchOutcome::Ended, |seen| LaunchOutcome::Launched(Box::new(seen)))
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        let mut table = self.table.lock().await;
        let all = table.iter_mut().map(|(id, process)| look(id, process));
        Ok(all.filter(|seen| seen.owner.as_ref() == Some(owner)).collect())
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        let mut table = self.table.lock().await;
        Ok(ids.iter().filter_map(|id| Some(look(id, table.get_mut(id)?))).collect())
    }

    async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations {
        let (mut table, mut answers) = (self.table.lock().await, BTreeMap::new());
        for id in instances.iter().map(OwnedInstance::id) {
            let ended = match table.get_mut(id) {
                Some((_, child)) => child.kill().await.map_err(|error| failed(Kind::Unknown, error)),
                None => Err(failed(Kind::NotFound, "there is no such process")),
            };
            answers.insert(id.clone(), ended.map(|()| InstanceState::Terminated));
        }
        answers
    }

    fn token_memory(&self) -> Duration {
        Duration::MAX
    }
}

#[cfg(test)]
mod tests {
    use orca_testkit::contract::cloud::CloudContract;

    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract_of_all_back_ends() {
        let cloud = LocalProcesses::default();
        let clock = orca_core::clock::system();
        let suite = CloudContract::for_type(&cloud, clock, "local", "sleep.600").types("sleep.601", "none");
        suite.run().await.into_result().expect("the contract");
    }
}
