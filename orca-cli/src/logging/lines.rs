//! Makes one line of each event and writes it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use orca_core::clock::Clock;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::Form;
use super::fields::Fields;

const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// A layer that writes one line for each event.
#[derive(Debug)]
pub struct Lines<W> {
    form: Form,
    clock: Arc<dyn Clock>,
    writer: W,
    is_coloured: bool,
}

impl<W> Lines<W> {
    /// Lines of this form, with times of this clock, to this writer.
    pub fn new(form: Form, clock: Arc<dyn Clock>, writer: W) -> Self {
        Self { form, clock, writer, is_coloured: false }
    }

    /// With colour in text lines, or without.
    #[must_use]
    pub fn coloured(self, is_coloured: bool) -> Self {
        Self { is_coloured, ..self }
    }

    fn json(&self, metadata: &Metadata<'_>, fields: &Fields) -> Result<Vec<u8>, serde_json::Error> {
        let mut line = Vec::with_capacity(256);
        let mut serializer = serde_json::Serializer::new(&mut line);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("level", long(*metadata.level()))?;
        map.serialize_entry("time", &format_args!("{:.3}", self.clock.now()))?;
        map.serialize_entry("message", fields.message.as_deref().unwrap_or_default())?;
        for (name, value) in fields.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()?;
        line.push(b'\n');
        Ok(line)
    }

    fn text(&self, metadata: &Metadata<'_>, fields: &Fields) -> Vec<u8> {
        let (level, colour) = short(*metadata.level());
        let (colour, dim, reset) = if self.is_coloured { (colour, DIM, RESET) } else { ("", "", "") };
        let message = one_line(fields.message.as_deref().unwrap_or_default());
        let mut line = format!("{dim}{:.0}{reset} {colour}{level}{reset} {message}", self.clock.now());
        for (name, value) in fields.iter() {
            // Writing to a String cannot fail.
            let _ = write!(line, " {dim}{name}={reset}{}", plain(value));
        }
        line.push('\n');
        line.into_bytes()
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.absorb(outer);
            }
        }
        event.record(&mut fields);
        let metadata = event.metadata();
        if !metadata.target().starts_with("orca") {
            // A line of a library says little without its origin.
            fields.put(Cow::Borrowed("target"), metadata.target().into());
        }
        let line = match self.form {
            Form::Json => self.json(metadata, &fields).unwrap_or_default(),
            Form::Text => self.text(metadata, &fields),
        };
        // One write a line, so that lines of several threads do not mix. There is nowhere to report a failure.
        drop(self.writer.make_writer_for(metadata).write_all(&line));
    }
}

fn long(level: Level) -> &'static str {
    match level {
        Level::TRACE => "trace",
        Level::DEBUG => "debug",
        Level::INFO => "info",
        Level::WARN => "warn",
        Level::ERROR => "error",
    }
}

fn short(level: Level) -> (&'static str, &'static str) {
    match level {
        Level::TRACE => ("TRC", "\x1b[35m"),
        Level::DEBUG => ("DBG", "\x1b[36m"),
        Level::INFO => ("INF", "\x1b[32m"),
        Level::WARN => ("WRN", "\x1b[33m"),
        Level::ERROR => ("ERR", "\x1b[31m"),
    }
}

/// A value as text, in quotation marks when it could be mistaken for several.
fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text)
            if text.is_empty()
                || text.contains(|c: char| c.is_whitespace() || c.is_control() || "\"=".contains(c)) =>
        {
            format!("{text:?}").into()
        }
        Value::String(text) => text.into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string().into()
        }
    }
}

/// A message keeps to its line, whatever a server put into it.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { text.escape_debug().to_string().into() } else { text.into() }
}
