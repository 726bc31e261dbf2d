use firsthand_ids::UnixMillis;

use super::{Context, Findings, Rule, limits};
use crate::Incident;

pub(super) fn incident(incident: &Incident, context: &Context, found: &mut Findings) {
    let start = incident.occurred_start.and_then(|start| start.span());
    let end = incident.occurred_end.and_then(|end| end.span());
    if let (Some((first, _)), Some((_, last))) = (start, end) {
        found.add_if(last < first, "occurred_end", Rule::EndBeforeStart);
    }
    let clock = context.clock();
    if let Some((first, last)) = start {
        let ahead = first.0.saturating_sub(clock.0);
        found.add_if(ahead > limits::FUTURE_MS, "occurred_start", Rule::InTheFuture);
        let behind = clock.0.saturating_sub(last.0);
        found.add_if(behind > limits::BACKDATED_MS, "occurred_start", Rule::Backdated);
    }
    let off = |device: UnixMillis, other: UnixMillis| device.0.abs_diff(other.0) > limits::SKEW_MS as u64;
    let noted = incident.clock_evidence.as_ref();
    let skewed = context.best_clock.is_some_and(|best| off(context.now, best))
        || noted.is_some_and(|noted| noted.best().is_some_and(|best| off(noted.device_ms, best)));
    found.add_if(skewed, "clock_evidence.device_ms", Rule::ClockSkew);
}
