//! The hash of a pod template, as it stands in names and labels.

use serde_json::Value;

/// Letters that form no words, in the place of the digits of the hash.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Offset and prime of the FNV-1a hash with 32 bits.
const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// Differs for different templates. A collision is resolved by the count.
pub(super) fn of(template: &Value, collisions: u64) -> String {
    let text = format!("{template}{}", if collisions == 0 { String::new() } else { collisions.to_string() });
    let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(PRIME));
    let letter = |digit: u8| char::from(LETTERS[usize::from(digit) % LETTERS.len()]);
    hash.to_string().bytes().map(letter).collect()
}
