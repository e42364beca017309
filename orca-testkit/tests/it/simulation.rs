//! Whole runs in simulated time: nothing leaks, nothing is doubled, and a run can be repeated from its seed.

use std::time::Duration;

use orca_testkit::simulation::{self, Outcome, Plan};

fn run(plan: &Plan) -> Outcome {
    simulation::run(plan).expect("a runtime")
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let plan = Plan::rough(7, 30);
    let (first, second) = (run(&plan), run(&plan));
    let differs = first.trace.iter().zip(&second.trace).position(|(one, other)| one != other);
    if let Some(at) = differs {
        let (from, to) = (at.saturating_sub(5), at + 3);
        panic!("line {at} differs:\n{:#?}\n{:#?}", first.trace.get(from..to), second.trace.get(from..to));
    }
    assert_eq!(first.trace.len(), second.trace.len());
    assert_ne!(first.trace, run(&Plan::rough(8, 30)).trace, "another seed is another run");
}

#[test]
fn five_hundred_pods_in_a_rough_world_leave_nothing_and_double_nothing() {
    let outcome = run(&Plan::rough(1, 500));
    println!(
        "figure: 500 pods, {} launches, {} lines of trace, {:.0?} of simulated time",
        outcome.launched,
        outcome.trace.len(),
        outcome.took
    );
    assert_eq!(outcome.violations, Vec::<String>::new());
    assert!(outcome.launched >= 400, "most pods got a machine: {}", outcome.launched);
}

#[test]
fn a_process_killed_at_any_poll_leaks_and_doubles_nothing() {
    // Two kills in a world: the second hits a process that has to take up what the first left.
    let over = Duration::from_mins(1);
    for poll in (100..1_900).step_by(150) {
        let dies_at = vec![poll, poll / 2 + 60];
        let plan = Plan { crashes: 0, over, dies_at, ..Plan::rough(poll, 4) };
        let outcome = run(&plan);
        assert_eq!(outcome.violations, Vec::<String>::new(), "killed before poll {poll}");
        assert!(outcome.lives.values().all(|life| life.launches <= 1), "S2: {:?}", outcome.lives);
    }
}

#[test]
fn many_small_worlds_keep_the_rules() {
    for seed in 100..120 {
        let outcome = run(&Plan::rough(seed, 12));
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}
