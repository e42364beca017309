//! From the command line to the command, and from its end to the exit code.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use orca_core::clock::SystemClock;
use orca_core::config::LogFormat;
use serde_json::json;
use tracing::{info, warn};

use crate::args::{Args, Command, ConfigCommand, ConfigOutput, Globals, VersionOutput};
use crate::config::{self, Loaded};
use crate::environment::Environment;
use crate::logging::{self, Form, Settings};
use crate::report::Failure;
use crate::run;

/// Runs the program and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::of_process() {
        Ok(args) => args,
        // This is also the way of --help and --version, which end with 0.
        Err(error) => return misused(&error),
    };
    let environment = Environment::of_process();
    // Until the config is read, only the flag can say how the message must look. What collects the lines of a controller
    // reads JSON; whoever calls another command is a person.
    let mut form = match (args.globals.log_format, &args.command) {
        (Some(format), _) => Form::for_stderr(format),
        (None, None | Some(Command::Run)) => Form::for_stderr(LogFormat::Auto),
        (None, Some(_)) => Form::Text,
    };
    match dispatch(args, environment, &mut form) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            drop(failure.write(form, &SystemClock, &mut io::stderr().lock()));
            failure.code()
        }
    }
}

/// Prints help and version, or what is wrong with the command line: as a line of the log where a controller's log is read.
fn misused(error: &clap::Error) -> ExitCode {
    let names_command =
        |word: OsString| ["config", "sandbox", "version", "help"].iter().any(|name| *name == word);
    let is_run = !env::args_os().skip(1).any(names_command);
    let form = if is_run { Form::for_stderr(LogFormat::Auto) } else { Form::Text };
    if !error.use_stderr() || form == Form::Text {
        drop(error.print());
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX));
    }
    let text = error.render().to_string();
    let failure = Failure::usage(text.trim().trim_start_matches("error: "));
    drop(failure.write(form, &SystemClock, &mut io::stderr().lock()));
    failure.code()
}

fn dispatch(args: Args, environment: Environment, form: &mut Form) -> Result<(), Failure> {
    match args.command.unwrap_or(Command::Run) {
        Command::Run => controller(args.globals, environment, form),
        Command::Config(ConfigCommand::Validate { file }) => {
            check(file.as_deref(), &args.globals, &environment)
        }
        Command::Config(ConfigCommand::Show { output }) => show(output, &args.globals, &environment),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(sandbox) => crate::sandbox::main(sandbox, args.globals, &environment),
        Command::Version { output } => version(output),
    }
}

fn controller(globals: Globals, environment: Environment, form: &mut Form) -> Result<(), Failure> {
    let loaded = load(None, &globals, &environment)?;
    let logging = &loaded.document.config.logging;
    *form = Form::for_stderr(logging.format);
    let settings = Settings {
        level: logging.level,
        form: *form,
        may_colour: !globals.no_color && !environment.is_colourless(),
        filter: environment.get("ORCA_LOG").map(str::to_owned),
    };
    logging::init(&settings).map_err(Failure::usage)?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        revision = env!("ORCA_REVISION"),
        config = %loaded.origin,
        variables = environment.names_of_config().join(" "),
        node_name = loaded.document.config.node.name,
        "Starting ORCA"
    );
    for warning in &loaded.warnings {
        warn!(key = warning.key, "{warning}");
    }
    // A program chooses its TLS once; libraries must not. It fails only if one is chosen already, which is as well.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(Box::pin(run::run(loaded, globals, environment)))
}

fn load(file: Option<&Path>, globals: &Globals, environment: &Environment) -> Result<Loaded, Failure> {
    Ok(config::load(file.or(globals.config.as_deref()), environment, &globals.overrides())?)
}

fn check(file: Option<&Path>, globals: &Globals, environment: &Environment) -> Result<(), Failure> {
    let loaded = load(file, globals, environment)?;
    for warning in &loaded.warnings {
        print(&format!("warning: {warning}\n"))?;
    }
    print(&format!("The config from {} is valid.\n", loaded.origin))
}

fn show(output: ConfigOutput, globals: &Globals, environment: &Environment) -> Result<(), Failure> {
    let visible = config::shown(&load(None, globals, environment)?.document);
    let text = match output {
        ConfigOutput::Yaml => serde_saphyr::to_string(&visible).map_err(Failure::new)?,
        ConfigOutput::Json => format!("{visible:#}\n"),
    };
    print(&text)
}

fn version(output: VersionOutput) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let platform = format!("{}/{}", env::consts::OS, env::consts::ARCH);
    let revision = env!("ORCA_REVISION");
    let backends: &[&str] = if cfg!(feature = "aws") { &["aws"] } else { &[] };
    match output {
        VersionOutput::Text => print(&format!("orca {version} ({revision}, {platform})\n")),
        VersionOutput::Json => {
            let whole = json!({ "version": version, "revision": revision, "platform": platform, "backends": backends });
            print(&format!("{whole:#}\n"))
        }
    }
}

/// Writes to stdout. Who stops reading, as `head` does, has what he wants.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
