//! A plan that breaks a rule, made as small as it can be while it breaks the same rule.

use super::args::{Shrink, plan};
use super::{Error, say};
use crate::simulation::check::Rule;
use crate::simulation::plan::{Plan, Settings, Step};
use crate::simulation::trial::Trial;

/// The command.
pub(super) fn run(args: &Shrink) -> Result<bool, Error> {
    let plan = plan(&args.world)?;
    let Some(rule) = broken(&plan) else {
        return Err(Error::Nothing("this plan breaks no rule".into()));
    };
    say(&format!("{} steps break {rule:?}", plan.steps.len()))?;
    let small = smaller(plan, rule);
    say(&format!("{} steps are left", small.steps.len()))?;
    say(&small.text())?;
    if let Some(folder) = args.out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&args.out, small.text())?;
    Ok(true)
}

/// The first rule that it breaks.
fn broken(plan: &Plan) -> Option<Rule> {
    Trial::of(plan, &[]).ok()?.violations.first().map(|violation| violation.rule)
}

fn breaks(plan: &Plan, rule: Rule) -> bool {
    Trial::of(plan, &[]).is_ok_and(|trial| trial.violations.iter().any(|violation| violation.rule == rule))
}

/// Delta debugging: parts of the steps are left out, half of them first, then less.
fn smaller(mut plan: Plan, rule: Rule) -> Plan {
    let mut size = plan.steps.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        let mut was_smaller = false;
        while from < plan.steps.len() {
            let mut tried = plan.clone();
            tried.steps.drain(from..(from + size).min(plan.steps.len()));
            if breaks(&tried, rule) {
                plan = tried;
                was_smaller = true;
            } else {
                from += size;
            }
        }
        size = if size == 1 && was_smaller { 1 } else { size / 2 };
    }
    plain(plan, rule)
}

/// The usual world, round times and an early calm, as far as the rule is still broken.
fn plain(mut plan: Plan, rule: Rule) -> Plan {
    let mut tries: Vec<Plan> = vec![Plan { world: Settings::default(), ..plan.clone() }];
    for round in [60_000, 10_000, 1_000] {
        let rounded = |step: &Step| Step { at_ms: step.at_ms / round * round, what: step.what.clone() };
        tries.push(Plan { steps: plan.steps.iter().map(rounded).collect(), ..plan.clone() });
    }
    let last = |step: &Step| step.at_ms + step.what.lasts().unwrap_or_default().min(plan.calm_ms);
    let calm_ms = plan.steps.iter().map(last).max().unwrap_or_default() + 1_000;
    tries.push(Plan { calm_ms: calm_ms.min(plan.calm_ms), ..plan.clone() });
    for tried in tries {
        // Each is one change of the plan as it is by then.
        let next = Plan {
            world: if tried.world == Settings::default() { tried.world.clone() } else { plan.world.clone() },
            calm_ms: tried.calm_ms.min(plan.calm_ms),
            steps: if tried.steps == plan.steps { plan.steps.clone() } else { tried.steps },
            ..plan.clone()
        };
        if breaks(&next, rule) {
            plan = next;
        }
    }
    plan.steps.sort_by_key(|step| step.at_ms);
    plan
}
