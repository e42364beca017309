//! Writing XML as EC2 does: elements with text, elements with elements, lists of items.

use std::fmt::Display;

use jiff::Timestamp;

use crate::fake_ec2::instance::Tags;

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Xml(String);

impl Xml {
    /// An element with text.
    pub(super) fn leaf(&mut self, name: &str, value: impl Display) {
        self.open(name);
        for letter in value.to_string().chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                _ => self.0.push(letter),
            }
        }
        self.close(name);
    }

    /// An element with text, if there is any.
    pub(super) fn maybe(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    /// An element with elements.
    pub(super) fn nest(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.open(name);
        inside(self);
        self.close(name);
    }

    /// An element with an `item` for each of these.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        each: impl Fn(&mut Self, T),
    ) {
        self.nest(name, |xml| {
            for item in items {
                xml.nest("item", |xml| each(xml, item));
            }
        });
    }

    /// A time as EC2 writes it.
    pub(super) fn time(&mut self, name: &str, time: Timestamp) {
        self.leaf(name, time.strftime("%Y-%m-%dT%H:%M:%S.000Z"));
    }

    /// Tags, if there are any: EC2 leaves the element out otherwise.
    pub(super) fn tags(&mut self, tags: &Tags) {
        if tags.is_empty() {
            return;
        }
        self.list("tagSet", tags, |xml, (key, value)| {
            xml.leaf("key", key);
            xml.leaf("value", value);
        });
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}
