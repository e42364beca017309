//! `orca sandbox`: a cluster and a cloud in this process, with the real controller between them.
//!
//! Nothing here is a demonstration of its own: the API server and EC2 are the fakes that the tests use, the controller
//! is the one that `orca run` runs, and with the feature `aws` it reaches its EC2 through the AWS SDK over HTTP.

mod apply;
mod manifests;
mod object;
mod output;
mod progress;
mod servers;
mod settings;
mod story;
mod timeline;

use std::io::{self, IsTerminal};

use orca_aws::config::Document;
use orca_core::config::LogLevel;
use tokio_util::sync::CancellationToken;

use self::manifests::Manifest;
use self::output::Output;
use self::servers::Sandbox;
use crate::args::{Globals, SandboxArgs, SandboxOutput};
use crate::environment::Environment;
use crate::logging::{self, Form, Settings};
use crate::report::Failure;
use crate::run::{self, signals};

/// Runs the sandbox until Ctrl-C, or until the applied manifests were followed to their end.
pub(crate) fn main(args: SandboxArgs, globals: Globals, environment: &Environment) -> Result<(), Failure> {
    let manifests = manifests::read(&args.apply).map_err(Failure::usage)?;
    let config = settings::config(&args, &globals, environment)?;
    let is_plain = globals.no_color || environment.is_colourless();
    // What the controller warns of is told as an event: its log is for those who ask for it.
    let logging = Settings {
        level: globals.log_level.unwrap_or(LogLevel::Error),
        form: if args.output == SandboxOutput::Json { Form::Json } else { Form::Text },
        may_colour: !is_plain,
        filter: environment.get("ORCA_LOG").map(str::to_owned),
    };
    logging::init(&logging).map_err(Failure::usage)?;
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let is_coloured = !is_plain && io::stdout().is_terminal();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(Box::pin(run(args, config, manifests, is_coloured)))
}

async fn run(
    args: SandboxArgs,
    config: Document,
    manifests: Vec<Manifest>,
    is_coloured: bool,
) -> Result<(), Failure> {
    let told_to_stop = signals::shutdown().map_err(Failure::new)?;
    let output = Output::new(args.output, is_coloured, told_to_stop.clone());
    let sandbox = Sandbox::start(&args, config).await?;
    output.greet(&sandbox, &args);
    let stop = CancellationToken::new();
    let node = run::operate(sandbox.parts(stop.clone()).await?);
    let mut node = std::pin::pin!(node);
    let tidy = async {
        told_to_stop.cancelled().await;
        sandbox.remove_kubeconfig();
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        biased;
        () = tidy => Ok(()),
        () = told_to_stop.cancelled(), if manifests.is_empty() => Ok(()),
        ended = &mut node => return ended,
        () = sandbox.controllers() => Err(Failure::new("the sandbox's controllers ended")),
        () = output.tell(&sandbox) => Err(Failure::new("the sandbox has nothing more to tell")),
        applied = apply::run(&sandbox, &output, &args, &manifests, &told_to_stop), if !manifests.is_empty() => applied,
    };
    stop.cancel();
    let ended = node.await;
    result.and(ended)
}
