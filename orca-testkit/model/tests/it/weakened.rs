//! The protocol with one rule left out, or one promise of the cloud broken: the model finds what goes wrong. So the rules
//! are needed, and the model is awake.

use crate::promises::{NO_FALSE_END, NO_ORPHAN, NO_WRONG_END, ONE_ALIVE, ONE_LAUNCH};
use crate::protocol::Protocol;
use crate::runs::{CALM, HALVES, PROMPT, WHOLE, visit};
use crate::state::Budget;
use crate::time::Time;
use crate::weakness::Weakness;

const LOST: Budget = Budget { faults: 1, ..CALM };
const LOST_AND_REFUSED: Budget = Budget { refusals: 1, sends: 3, ..LOST };
const KILLED: Budget = Budget { kills: 1, ticks: 3, ..CALM };
const FORCED: Budget = Budget { forced: 1, remakes: 1, ..CALM };

#[track_caller]
fn breaks(weakness: Weakness, budget: Budget, time: Time, promise: &str) {
    let run = visit(&format!("{weakness:?}"), Protocol::new(budget, time, weakness), 1);
    assert!(
        run.broken.contains_key(promise),
        "{weakness:?} must break {promise}, and breaks {:?}",
        run.broken
    );
}

#[test]
fn a_send_that_never_left_must_not_close_an_attempt() {
    let budget = Budget { unsent: 1, sends: 3, ..LOST };
    breaks(Weakness::UnsentCloses, budget, WHOLE, ONE_ALIVE);
    breaks(Weakness::UnsentCloses, budget, WHOLE, ONE_LAUNCH);
}

#[test]
fn a_send_that_never_left_must_not_be_called_a_refusal() {
    let budget = Budget { unsent: 1, sends: 3, ticks: 1, ..LOST };
    breaks(Weakness::UnsentIsRefusal, budget, WHOLE, ONE_LAUNCH);
}

#[test]
fn a_send_without_an_answer_may_have_launched() {
    breaks(Weakness::UnansweredIsUnsent, LOST_AND_REFUSED, WHOLE, ONE_LAUNCH);
}

#[test]
fn a_refusal_alone_must_not_close_an_attempt() {
    breaks(Weakness::RefusalCloses, LOST_AND_REFUSED, WHOLE, ONE_LAUNCH);
}

#[test]
fn an_empty_list_does_not_settle_an_attempt() {
    breaks(Weakness::SettledByList, Budget { ticks: 1, ..LOST_AND_REFUSED }, WHOLE, ONE_LAUNCH);
}

#[test]
fn old_tokens_must_not_be_sent() {
    breaks(Weakness::OldTokens, KILLED, WHOLE, ONE_LAUNCH);
}

#[test]
fn tokens_must_be_remembered_until_the_last_send_is_void() {
    breaks(Weakness::ShortMemory, Budget { ticks: 2, ..KILLED }, Time { memory: 2, ..HALVES }, ONE_LAUNCH);
}

#[test]
fn a_cloud_without_tokens_launches_twice() {
    breaks(Weakness::NoTokens, LOST, WHOLE, ONE_LAUNCH);
}

#[test]
fn a_zone_that_is_not_recorded_launches_twice() {
    breaks(Weakness::ZoneOfNow, LOST, WHOLE, ONE_LAUNCH);
}

#[test]
fn records_must_be_written_by_compare_and_swap() {
    breaks(Weakness::BlindWrites, CALM, WHOLE, ONE_LAUNCH);
}

#[test]
fn a_late_send_must_be_stopped() {
    breaks(Weakness::NoFence, Budget { kills: 0, ticks: 2, ..LOST }, WHOLE, NO_FALSE_END);
}

#[test]
fn nothing_is_launched_without_a_list_after_a_restore() {
    let budget = Budget { refusals: 1, sends: 3, ticks: 1, restores: 1, ..CALM };
    breaks(Weakness::NoLists, budget, PROMPT, ONE_LAUNCH);
}

#[test]
fn one_list_proves_no_absence() {
    breaks(Weakness::OneList, Budget { ticks: 1, ..LOST }, WHOLE, NO_FALSE_END);
}

#[test]
fn instances_are_found_by_uid_and_not_by_name() {
    breaks(Weakness::ByName, FORCED, WHOLE, NO_WRONG_END);
}

#[test]
fn garbage_collection_must_not_believe_a_cache() {
    breaks(Weakness::CollectsByCache, FORCED, WHOLE, NO_WRONG_END);
}

#[test]
fn garbage_collection_must_list_instances_before_it_asks_for_pods() {
    breaks(Weakness::PodsFirst, FORCED, WHOLE, NO_WRONG_END);
}

#[test]
fn without_garbage_collection_instances_leak() {
    breaks(Weakness::NoCollection, Budget { forced: 1, ..LOST }, WHOLE, NO_ORPHAN);
}
