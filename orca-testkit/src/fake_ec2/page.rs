//! Filters and pages, by EC2's rules.

use data_encoding::BASE32HEX_NOPAD;
use sha2::{Digest, Sha256};

use super::api_error::{ApiError, bad_value};
use super::instance::Tags;

/// One filter: any of the values, with `*` and `?` as wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// Such as `tag:Name` or `instance-state-name`.
    pub(super) name: String,
    /// At least one of these must match.
    pub(super) values: Vec<String>,
}

impl Filter {
    /// A filter for a tag.
    pub(super) fn tag(key: &str, value: &str) -> Self {
        Self { name: format!("tag:{key}"), values: vec![value.to_owned()] }
    }

    /// A filter for a field.
    pub(super) fn field(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), values: vec![value.to_owned()] }
    }

    pub(super) fn is_about_tags(&self) -> bool {
        self.name.starts_with("tag")
    }
}

/// What a list call may narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Only these ids.
    pub(super) ids: Vec<String>,
    /// Only what passes every filter.
    pub(super) filters: Vec<Filter>,
    /// The size of a page. None: everything at once.
    pub(super) max_results: Option<u32>,
    /// Where the page begins, from the page before.
    pub(super) next_token: Option<String>,
}

impl Listing {
    /// Only these ids.
    pub(super) fn of_ids(ids: Vec<String>) -> Self {
        Self { ids, ..Self::default() }
    }

    /// What passes these filters, in pages of this size.
    pub(super) fn filtered(filters: Vec<Filter>, page: u32) -> Self {
        Self { filters, max_results: Some(page), ..Self::default() }
    }

    pub(super) fn is_everything(&self) -> bool {
        self.ids.is_empty() && self.filters.is_empty() && self.max_results.is_none()
    }

    /// Refuses what EC2 would; else the number that the page begins after.
    pub(super) fn begin(&self) -> Result<u64, ApiError> {
        if self.max_results.is_some() && !self.ids.is_empty() {
            let message = "The parameter instancesSet cannot be used with the parameter maxResults";
            return Err(ApiError::new("InvalidParameterCombination", message));
        }
        if let Some(size) = self.max_results.filter(|size| !(5..=1_000).contains(size)) {
            return Err(bad_value(format!(
                "Value ( {size} ) for parameter maxResults is invalid. Expecting 5 to 1000."
            )));
        }
        let Some(token) = &self.next_token else { return Ok(0) };
        let bytes = BASE32HEX_NOPAD.decode(token.as_bytes()).ok();
        let number = bytes
            .as_deref()
            .and_then(|bytes| bytes.split_first_chunk::<8>())
            .filter(|(_, digest)| **digest == self.digest())
            .map(|(number, _)| u64::from_be_bytes(*number));
        number.ok_or_else(|| ApiError::new("InvalidPaginationToken", "The token is not one of this request."))
    }

    /// The token of the page after this number. It is of no use with other filters.
    fn token(&self, number: u64) -> String {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.extend(self.digest());
        BASE32HEX_NOPAD.encode(&bytes)
    }

    fn digest(&self) -> [u8; 12] {
        let digest: [u8; 32] = Sha256::digest(format!("{:?}", self.filters)).into();
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// Cuts one page from what follows its beginning.
    pub(super) fn page<T>(&self, items: impl Iterator<Item = (u64, T)>) -> Page<T> {
        let size = self.max_results.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        let (mut found, mut last) = (Vec::new(), 0);
        for (number, item) in items {
            if found.len() == size {
                return Page { items: found, next_token: Some(self.token(last)) };
            }
            last = number;
            found.push(item);
        }
        Page { items: found, next_token: None }
    }

    /// Whether something with these tags and fields passes every filter. A name that the resource does not know is
    /// refused.
    pub(super) fn passes(
        &self,
        tags: &Tags,
        field: impl Fn(&str) -> Option<String>,
    ) -> Result<bool, ApiError> {
        for filter in &self.filters {
            let any = |text: &str| filter.values.iter().any(|pattern| is_like(pattern, text));
            let passed = match filter.name.as_str() {
                "tag-key" => tags.keys().any(|key| any(key)),
                "tag-value" => tags.values().any(|value| any(value)),
                name => match name.strip_prefix("tag:") {
                    Some(key) => tags.get(key).is_some_and(|value| any(value)),
                    None => match field(name) {
                        Some(text) => any(&text),
                        None => return Err(bad_value(format!("The filter '{name}' is invalid"))),
                    },
                },
            };
            if !passed {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) next_token: Option<String>,
}

/// Whether the text is like the pattern: `*` is any text, `?` any character.
fn is_like(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return pattern == text;
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Where to go on when what was tried for the last star fails: after the star, one character later.
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(letter) if *letter == '?' || text.get(in_text) == Some(letter) => {
                at += 1;
                in_text += 1;
            }
            Some(_) | None => {
                let Some((star_at, from)) = star else { return false };
                star = Some((star_at, from + 1));
                at = star_at + 1;
                in_text = from + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, like) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("al2023-ami-2023*x86_64", "al2023-ami-2023.9-kernel-6.1-x86_64", true),
            ("al2023-ami-2023*x86_64", "al2023-ami-2023.9-kernel-6.1-arm64", false),
            ("a?c*", "abc", true),
            ("a?c", "ac", false),
            ("*b*b", "abab", true),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
    }

    #[test]
    fn a_token_belongs_to_its_filters() {
        let listing = Listing::filtered(vec![Filter::tag("a", "b")], 5);
        let page = listing.page((1..=6).map(|number| (number, number)));
        assert_eq!(page.items, [1, 2, 3, 4, 5]);
        let next = Listing { next_token: page.next_token.clone(), ..listing };
        assert_eq!(next.begin(), Ok(5));
        let other = Listing { filters: vec![Filter::tag("a", "c")], ..next };
        assert_eq!(other.begin().expect_err("refused").code, "InvalidPaginationToken");
        let torn = Listing { next_token: Some("nonsense".into()), ..other };
        torn.begin().expect_err("refused");
        for size in [4, 1_001] {
            Listing::filtered(Vec::new(), size).begin().expect_err("refused");
        }
    }
}
