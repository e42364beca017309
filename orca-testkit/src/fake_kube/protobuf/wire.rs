//! The wire format: a message is a row of numbered parts.

/// One part of a message.
#[derive(Debug)]
pub(super) struct Part<'b> {
    pub(super) number: u64,
    content: Content<'b>,
}

#[derive(Debug)]
enum Content<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

impl<'b> Part<'b> {
    pub(super) fn bytes(&self) -> Option<&'b [u8]> {
        match self.content {
            Content::Bytes(bytes) => Some(bytes),
            Content::Number(_) => None,
        }
    }

    pub(super) fn number(&self) -> Option<u64> {
        match self.content {
            Content::Number(number) => Some(number),
            Content::Bytes(_) => None,
        }
    }
}

/// The parts of a message; None when it is malformed.
pub(super) fn parts(mut message: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let (tag, rest) = varint(message)?;
        let (content, rest) = match tag & 7 {
            0 => {
                let (number, rest) = varint(rest)?;
                (Content::Number(number), rest)
            }
            1 => {
                let (number, rest) = rest.split_first_chunk::<8>()?;
                (Content::Number(u64::from_le_bytes(*number)), rest)
            }
            2 => {
                let (length, rest) = varint(rest)?;
                let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Content::Bytes(bytes), rest)
            }
            5 => {
                let (number, rest) = rest.split_first_chunk::<4>()?;
                (Content::Number(u64::from(u32::from_le_bytes(*number))), rest)
            }
            _ => return None,
        };
        found.push(Part { number: tag >> 3, content });
        message = rest;
    }
    Some(found)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(7 * at).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}
