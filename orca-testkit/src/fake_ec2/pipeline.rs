//! The way of one call: delay, fault, permits, the model, the ledger, and the way back.

use std::time::Duration;

use super::FakeEc2;
use super::action::Action;
use super::api_error::ApiError;
use super::fault::Effect;
use super::ledger::{Call, CallOutcome};

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// EC2 has refused it.
    Refused(ApiError),
    /// There was no answer.
    Lost,
}

/// What was decided about a call when it arrived.
#[derive(Debug)]
struct Fate {
    before: Duration,
    after: Duration,
    effect: Option<Effect>,
    is_lost: bool,
}

impl FakeEc2 {
    /// Sends one call through. Dropping the future is like a connection that breaks at that point.
    pub(super) async fn call<A: Action>(&self, action: &A) -> Result<A::Answer, Failure> {
        self.thawed().await;
        let fate = self.decide(action);
        wait(fate.before).await;
        let result = self.execute(action, &fate);
        wait(fate.after).await;
        result
    }

    /// Waits while the region stands still.
    async fn thawed(&self) {
        self.shared.frozen.wait_for(|is_frozen| !is_frozen).await;
    }

    fn decide<A: Action>(&self, action: &A) -> Fate {
        let mut model = self.lock();
        let effect = model.faults.next_effect(action.name(), || action.words());
        let latency = model.latency();
        let lost_answers = model.settings.chaos.lost_answers;
        let is_lost = model.by_chance(lost_answers);
        drop(model);
        // The way there is half of it, the way back the rest.
        let mut fate =
            Fate { before: latency / 2, after: latency.saturating_sub(latency / 2), effect, is_lost };
        match fate.effect {
            Some(Effect::DelayBefore(delay)) => fate.before += delay,
            Some(Effect::DelayAfter(delay)) => fate.after += delay,
            Some(Effect::Refuse(_) | Effect::RefuseAfter(_) | Effect::DropBefore | Effect::DropAfter)
            | None => {}
        }
        fate
    }

    /// Everything that happens at one moment: no lock is held when it returns.
    fn execute<A: Action>(&self, action: &A, fate: &Fate) -> Result<A::Answer, Failure> {
        let now = self.now();
        let mut model = self.lock();
        model.catch_up(now);
        let (result, outcome) = match &fate.effect {
            Some(Effect::Refuse(error)) => (Err(Failure::Refused(error.clone())), refused(error)),
            Some(Effect::DropBefore) => (Err(Failure::Lost), CallOutcome::Lost { executed: false }),
            Some(
                Effect::RefuseAfter(_) | Effect::DropAfter | Effect::DelayBefore(_) | Effect::DelayAfter(_),
            )
            | None => {
                let ran = model
                    .admit(action.name(), action.class(), action.resources(), now)
                    .and_then(|()| action.run(&mut model, now));
                deliver(ran, fate)
            }
        };
        let note = action.note();
        let mut instances = note.instances;
        match &result {
            Ok(answer) => instances.extend(A::made(answer)),
            Err(Failure::Refused(_) | Failure::Lost) => {}
        }
        model.ledger.call(Call {
            sequence: 0,
            action: action.name(),
            at: now,
            token: note.token,
            pod: note.pod,
            instances,
            outcome,
        });
        result
    }
}

/// What the caller gets of the outcome, and what the ledger says.
fn deliver<T>(ran: Result<T, ApiError>, fate: &Fate) -> (Result<T, Failure>, CallOutcome) {
    if let Some(Effect::RefuseAfter(error)) = &fate.effect {
        return (Err(Failure::Refused(error.clone())), refused(error));
    }
    if fate.is_lost || fate.effect == Some(Effect::DropAfter) {
        return (Err(Failure::Lost), CallOutcome::Lost { executed: ran.is_ok() });
    }
    match ran {
        Ok(answer) => (Ok(answer), CallOutcome::Done),
        Err(error) => {
            let outcome = refused(&error);
            (Err(Failure::Refused(error)), outcome)
        }
    }
}

fn refused(error: &ApiError) -> CallOutcome {
    CallOutcome::Refused(error.code.clone())
}

/// Waits on tokio's clock; not at all for no time.
async fn wait(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}
