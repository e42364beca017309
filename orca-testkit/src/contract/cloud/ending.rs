//! Rules about ends.

use std::time::Duration;

use super::CloudContract;
use super::world::ensure;

impl CloudContract<'_> {
    pub(super) async fn ending_repeats(&self) -> Result<(), String> {
        let instance = self.launch("repeat").await?;
        self.only("repeat", &instance.id).await?;
        self.end("repeat", &instance).await?;
        let proof = self.proof("repeat", instance.id.clone())?;
        for _ in 0..2 {
            let answers = self.client.terminate(std::slice::from_ref(&proof)).await;
            let is_ended = matches!(answers.get(&instance.id), Some(Ok(state)) if !state.is_alive());
            ensure(is_ended, || format!("ended again, it answers {:?}", answers.get(&instance.id)))?;
        }
        Ok(())
    }

    pub(super) async fn one_bad_id(&self) -> Result<(), String> {
        let (first, second) = (self.launch("bad-1").await?, self.launch("bad-2").await?);
        self.only("bad-1", &first.id).await?;
        self.only("bad-2", &second.id).await?;
        let proofs = [
            self.proof("bad-1", first.id.clone())?,
            self.proof("bad-0", self.no_id.clone())?,
            self.proof("bad-2", second.id.clone())?,
        ];
        let mut waited = Duration::ZERO;
        loop {
            let answers = self.client.terminate(&proofs).await;
            let answered = proofs.iter().all(|each| answers.contains_key(each.id()));
            ensure(answered && answers.len() == proofs.len(), || {
                format!("three instances, and answers for {:?}", answers.keys().collect::<Vec<_>>())
            })?;
            let ended = |id| matches!(answers.get(id), Some(Ok(state)) if !state.is_alive());
            if ended(&first.id) && ended(&second.id) {
                return Ok(());
            }
            // What can be listed may not be known by its id yet.
            ensure(waited < self.patience, || format!("a bad id kept others alive: {answers:?}"))?;
            self.wait().await;
            waited += self.pause;
        }
    }
}
