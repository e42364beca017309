//! The four kinds of patches, and who owns which field.

pub(crate) mod apply;
pub(crate) mod fields;
pub(crate) mod json;
pub(crate) mod managers;
pub(crate) mod merge;
pub(crate) mod shape;
pub(crate) mod strategic;

#[cfg(test)]
mod tests;
