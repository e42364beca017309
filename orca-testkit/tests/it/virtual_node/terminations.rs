//! An end that hangs holds up no other, and is told.

use std::time::Duration;

use super::support::Harness;

#[tokio::test(start_paused = true)]
async fn a_termination_that_hangs_delays_no_other_and_is_reported() {
    let harness = Harness::new();
    harness.create_many("pod", 8).await;
    harness.eventually(&[("Running", 8)], Duration::from_mins(1)).await;
    let hangs = harness.ec2.alive().remove(0).id.clone();
    *harness.node.cloud.hangs_at.lock().expect("a lock") = Some(hangs.as_str().into());
    for number in 0..4 {
        harness.delete(&format!("pod-{number}")).await;
    }
    // The first call names all four, the next ones each alone.
    tokio::time::sleep(Duration::from_mins(1)).await;
    for number in 4..8 {
        harness.delete(&format!("pod-{number}")).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    tokio::time::sleep(Duration::from_secs(70)).await;
    let left: Vec<String> = harness.ec2.alive().iter().map(|instance| instance.id.clone()).collect();
    assert_eq!(left, [hangs.as_str()]);
    assert!(harness.was_told("TerminationUnanswered").await, "L10");
    *harness.node.cloud.hangs_at.lock().expect("a lock") = None;
    harness.eventually(&[], Duration::from_mins(5)).await;
    assert_eq!(harness.ec2.alive().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_hangs_for_long_takes_no_place_of_others() {
    let harness = Harness::new();
    harness.create("bad").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    let hangs = harness.ec2.alive().remove(0);
    harness.create_many("pod", 3).await;
    harness.eventually(&[("Running", 4)], Duration::from_mins(1)).await;
    *harness.node.cloud.hangs_at.lock().expect("a lock") = Some(hangs.id.as_str().into());
    harness.delete("bad").await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    // One call at a time names it, however long it hangs: another place is always free.
    let began = tokio::time::Instant::now();
    for number in 0..3 {
        harness.delete(&format!("pod-{number}")).await;
    }
    while harness.ec2.alive().len() > 1 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", harness.ec2.alive().len());
    }
}
