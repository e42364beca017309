//! From a decision to the one patch that writes it.

use jiff::Timestamp;
use serde_json::Value;

use super::decision::Decision;
use super::observation::Observation;
use crate::status;

/// The patch of `pods/status` that a decision asks for. None: nothing is to be written, because nothing new is shown,
/// the status shows it already, or it is terminal.
#[must_use]
pub fn render(seen: &Observation<'_>, decision: &Decision, now: Timestamp) -> Option<Value> {
    let (live, write) = (seen.pod?, decision.write.as_ref()?);
    let Some(shown) = &write.shown else {
        return status::record_patch(live, write.record.as_ref()?, now);
    };
    let record = write.record.as_ref().or_else(|| seen.record());
    let status = status::render(live, shown, record, now);
    status::patch(live, &status, &status::annotations(Some(shown), record))
}
