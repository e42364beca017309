//! The steps of a rollout: the new set grows, the old ones shrink, and the oldest are forgotten.

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::super::store::DeleteOptions;
use super::super::controller::Context;
use super::limits::{Limits, is_recreate};
use super::scale;
use super::sets::{REVISION, Sets};

/// How many old sets are kept when the deployment does not say.
const HISTORY: usize = 10;

/// How large the new set may be now.
pub(super) fn size_of_new(limits: Limits, is_recreate: bool, sets: &Sets) -> i64 {
    let now = sets.new.as_ref().map_or(0, |new| new.wished);
    if is_recreate {
        return limits.wished;
    }
    let room = limits.most() - sets.wished();
    if room <= 0 { now } else { now + room.min(limits.wished - now) }
}

/// Brings the new set nearer to the wished size. Says whether it changed.
pub(super) fn grow(
    deployment: &Object,
    sets: &mut Sets,
    context: &mut Context<'_>,
) -> Result<bool, ApiError> {
    let limits = Limits::of(deployment);
    let size = size_of_new(limits, is_recreate(deployment), sets);
    let Some(new) = &mut sets.new else { return Ok(false) };
    if new.wished == limits.wished {
        return Ok(false);
    }
    let size = if new.wished > limits.wished { limits.wished } else { size };
    scale::set(deployment, new, size, context)
}

/// Takes from the old sets what may be missing: first pods that are not available, then others as new ones
/// become available. Says whether anything changed.
pub(super) fn shrink(
    deployment: &Object,
    sets: &mut Sets,
    context: &mut Context<'_>,
) -> Result<bool, ApiError> {
    if sets.old.iter().all(|set| set.wished == 0) {
        return Ok(false);
    }
    let limits = Limits::of(deployment);
    let missing = sets.new.as_ref().map_or(0, |new| new.wished - new.status("availableReplicas"));
    let mut may_go = sets.wished() - limits.fewest() - missing;
    if may_go <= 0 {
        return Ok(false);
    }
    let mut any = false;
    for old in &mut sets.old {
        let unavailable = (old.wished - old.status("availableReplicas")).max(0);
        let surplus = unavailable.min(may_go);
        if surplus > 0 {
            may_go -= surplus;
            any |= scale::set(deployment, old, old.wished - surplus, context)?;
        }
    }
    let available: i64 = sets.all().map(|set| set.status("availableReplicas")).sum();
    let mut may_go = available - limits.fewest();
    for old in &mut sets.old {
        let surplus = old.wished.min(may_go);
        if surplus > 0 {
            may_go -= surplus;
            any |= scale::set(deployment, old, old.wished - surplus, context)?;
        }
    }
    Ok(any)
}

/// Deletes the oldest sets without pods, beyond those that are kept for a return.
pub(super) fn forget_history(
    deployment: &Object,
    sets: &Sets,
    context: &Context<'_>,
) -> Result<(), ApiError> {
    let kept = deployment.number("/spec/revisionHistoryLimit");
    let kept = kept.and_then(|kept| usize::try_from(kept).ok()).unwrap_or(HISTORY);
    let mut empty: Vec<_> = sets
        .old
        .iter()
        .filter(|set| set.wished == 0 && set.status("replicas") == 0 && !set.object.is_deleting())
        .collect();
    empty.sort_by_key(|set| set.annotation(REVISION).unwrap_or(0));
    let surplus = sets.old.len().saturating_sub(kept);
    for set in empty.into_iter().take(surplus) {
        context.delete(&set.object, DeleteOptions::default())?;
    }
    Ok(())
}
