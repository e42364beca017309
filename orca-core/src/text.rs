//! Helpers for texts that people read: the nearest spelling, cutting to a length, and an error with its causes.

use std::error::Error;
use std::io;

/// The candidate that is spelled most like `given`, if one is near enough: up to a third of the letters may differ, at least
/// one and at most three. Case does not matter.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (given.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&given.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The text, cut to at most `chars` characters. A text that was cut ends with an ellipsis.
#[must_use]
pub fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// The error and its causes, from the outermost to the innermost.
///
/// [`Error::source`] of an [`io::Error`] skips the error that it wraps; this does not.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(outer) => outer.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

/// The error and its causes on one line, none twice. It is safe to log, while `Debug` might show the body of an answer.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in causes(error) {
        let words = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if !words.is_empty() && !said.iter().any(|before| before.contains(&words)) {
            said.push(words);
        }
    }
    said.join(": ")
}

/// The Levenshtein distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, to) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = *cell;
            left = substituted.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_is_found_and_a_far_one_is_not() {
        let known = ["instance-type", "launch-type", "ami"];
        assert_eq!(nearest("instnace-type", known), Some("instance-type"));
        assert_eq!(nearest("lunchtype", known), Some("launch-type"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn an_error_is_shown_with_all_causes_and_none_twice() {
        #[derive(Debug)]
        struct Told(&'static str, Option<Box<dyn Error>>);
        impl std::fmt::Display for Told {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        impl Error for Told {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                self.1.as_deref()
            }
        }
        #[derive(Debug)]
        struct Certificate;
        impl std::fmt::Display for Certificate {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("unknown\n issuer")
            }
        }
        impl Error for Certificate {}
        let inner = io::Error::other(io::Error::other(Certificate));
        let error = Told("client error: connect", Some(Box::new(Told("connect", Some(Box::new(inner))))));
        assert_eq!(chain(&error), "client error: connect: unknown issuer");
        assert!(causes(&error).any(<dyn Error>::is::<Certificate>), "found by its type");
    }

    #[test]
    fn a_text_is_cut_by_characters_not_bytes() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
    }

    #[test]
    fn the_distance_counts_letters_that_are_added_left_out_or_changed() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("flaw", "lawn", 2),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn near_is_a_third_of_the_letters_and_at_most_three() {
        assert_eq!((nearest("a", ["b"]), nearest("abc", ["abx", "abd"])), (Some("b"), Some("abx")));
        assert_eq!((nearest("abcdef", ["abcdxy"]), nearest("abcdef", ["abcxyz"])), (Some("abcdxy"), None));
        assert_eq!(nearest("abcdefghijklmnop", ["abcdefghijklWXYZ"]), None);
    }
}
