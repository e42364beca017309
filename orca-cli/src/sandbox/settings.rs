//! What the sandbox's cloud is like, and the config of the controller in it.

use orca_aws::config::Document;
use orca_testkit::fake_ec2::{Chaos, Ec2Settings, Span};

use crate::args::{Globals, SandboxArgs};
use crate::config;
use crate::environment::Environment;
use crate::report::Failure;

/// The machine image of pods that name none: as in examples/config.yaml.
const AMI_PARAMETER: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
/// The most launches per second that the config takes.
const MOST_LAUNCHES: f64 = 10_000.0;
/// The shortest time between sweeps, in seconds.
const FASTEST_SWEEP: f64 = 0.2;

/// The config: that of `--config`, else the defaults, and in either case with the sandbox's own cloud and pace.
pub(super) fn config(
    args: &SandboxArgs,
    globals: &Globals,
    environment: &Environment,
) -> Result<Document, Failure> {
    let mut flags = globals.overrides();
    // What only a real AWS needs is filled in before it is asked for.
    let cloud = ec2(args);
    flags["aws"]["region"] = cloud.region.into();
    let file = globals.config.as_deref().filter(|path| !path.as_os_str().is_empty());
    let loaded = if let Some(file) = file {
        config::load(Some(file), environment, &flags)?
    } else {
        // Room for the examples.
        flags["node"]["gpu"] = "100".into();
        config::without_file(environment, &flags)?
    };
    let Document { mut config, backend: mut aws } = loaded.document;
    aws.subnet_id = cloud.subnets.first().map(|subnet| subnet.id.clone());
    aws.security_group_ids = Vec::new();
    if aws.ami_id.is_none() && aws.ami_parameter.is_none() {
        aws.ami_parameter = Some(AMI_PARAMETER.into());
    }
    let controller = &mut config.controller;
    controller.launch_rate.per_second = (controller.launch_rate.per_second * args.speed).min(MOST_LAUNCHES);
    controller.fast_sweep_seconds = (controller.fast_sweep_seconds / args.speed).max(FASTEST_SWEEP);
    controller.sweep_seconds = (controller.sweep_seconds / args.speed).max(FASTEST_SWEEP * 5.0);
    controller.capacity_memory_seconds = (controller.capacity_memory_seconds / args.speed).max(1.0);
    Ok(Document { config, backend: aws })
}

/// The cloud: AWS's own times, made shorter by the speed, and what goes wrong by chance.
pub(super) fn ec2(args: &SandboxArgs) -> Ec2Settings {
    let real = Ec2Settings::default();
    let faster = |span: Span| span.faster(args.speed);
    Ec2Settings {
        seed: args.seed,
        boot: faster(real.boot),
        shutdown: faster(real.shutdown),
        stop: faster(real.stop),
        checks: faster(real.checks),
        // The controller keeps below AWS's own limits, which are as much faster here as everything else.
        throttling: false,
        latency: Span::exactly(args.chaos.api_latency),
        chaos: Chaos {
            insufficient_capacity: args.chaos.insufficient_capacity,
            spot_interruptions: args.chaos.spot_interruptions,
            spot_life: faster(real.chaos.spot_life),
            lost_answers: args.chaos.lost_answers,
            throttled: args.chaos.throttling,
        },
        ..real
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn the_config_is_valid_at_every_speed() {
        for speed in ["1x", "30x", "10000x"] {
            let args = Args::try_parse_from(["orca", "sandbox", "--speed", speed]).expect("valid flags");
            let Some(Command::Sandbox(sandbox)) = args.command else { panic!("another command") };
            let config = config(&sandbox, &args.globals, &Environment::default()).expect("a config");
            assert!(config.validate().is_ok(), "{speed}");
        }
    }

    #[test]
    fn the_memory_of_refused_capacity_is_as_much_faster_as_everything_else() {
        for (speed, seconds) in [("1x", 180.0), ("30x", 6.0), ("10000x", 1.0)] {
            let args = Args::try_parse_from(["orca", "sandbox", "--speed", speed]).expect("valid flags");
            let Some(Command::Sandbox(sandbox)) = args.command else { panic!("another command") };
            let document = config(&sandbox, &args.globals, &Environment::default()).expect("a config");
            let memory = document.config.controller.capacity_memory_seconds;
            assert!((memory - seconds).abs() < 0.001, "{speed}: {memory}");
        }
    }
}
