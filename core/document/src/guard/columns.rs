//! The columns of a change's operations, read without Automerge.
//!
//! A column is a list of runs. Each run's length is compared with what is left of the limit before the run is expanded,
//! so a few bytes can never ask for much memory.

use firsthand_log::codec::Reader;

use super::Rule;
use crate::GuardError;

fn malformed(_: firsthand_log::LogError) -> GuardError {
    Rule::Operations.broken("a column ends early")
}

/// Two's-complement LEB128.
fn signed(reader: &mut Reader<'_>) -> Result<i64, GuardError> {
    let mut value = 0i64;
    let mut shift = 0;
    loop {
        let byte = reader.byte("run").map_err(malformed)?;
        if shift >= 63 && byte != 0 && byte != 0x7f {
            return Err(Rule::Operations.broken("a number is too large"));
        }
        value |= i64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            if shift < 64 && byte & 0x40 != 0 {
                value |= -1i64 << shift;
            }
            return Ok(value);
        }
        if shift >= 64 {
            return Err(Rule::Operations.broken("a number is too large"));
        }
    }
}

/// A value of a run-length column.
pub(super) trait Cell<'a>: Sized + Clone {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GuardError>;
}

impl<'a> Cell<'a> for u64 {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GuardError> {
        reader.number("number").map_err(malformed)
    }
}

impl<'a> Cell<'a> for i64 {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GuardError> {
        signed(reader)
    }
}

impl<'a> Cell<'a> for &'a str {
    fn read(reader: &mut Reader<'a>) -> Result<Self, GuardError> {
        let bytes = reader.sized(firsthand_log::MAX_BODY_BYTES, "text").map_err(malformed)?;
        std::str::from_utf8(bytes).map_err(|_| Rule::Operations.broken("a text is not UTF-8"))
    }
}

/// Reads a run-length column of at most `limit` cells; an absent column has none.
pub(super) fn runs<'a, T: Cell<'a>>(
    column: Option<&'a [u8]>,
    limit: usize,
) -> Result<Vec<Option<T>>, GuardError> {
    let mut reader = Reader::new(column.unwrap_or_default());
    let mut out = Vec::new();
    while reader.remaining() > 0 {
        let length = signed(&mut reader)?;
        let count = if length == 0 { u64::read(&mut reader)? } else { length.unsigned_abs() };
        let left = (limit - out.len()) as u64;
        if count == 0 || count > left {
            return Err(Rule::Operations.broken("a run is too long"));
        }
        let count = count as usize;
        match length {
            0 => out.resize(out.len() + count, None),
            1.. => {
                let value = T::read(&mut reader)?;
                out.resize(out.len() + count, Some(value));
            }
            _ => {
                for _ in 0..count {
                    out.push(Some(T::read(&mut reader)?));
                }
            }
        }
    }
    Ok(out)
}

/// Reads a column of differences, summed up.
pub(super) fn deltas(column: Option<&[u8]>, limit: usize) -> Result<Vec<Option<u64>>, GuardError> {
    let mut sum = 0i64;
    let mut out = Vec::new();
    for delta in runs::<i64>(column, limit)? {
        out.push(match delta {
            Some(delta) => {
                sum = sum
                    .checked_add(delta)
                    .filter(|sum| *sum >= 0)
                    .ok_or(Rule::Operations.broken("a counter is out of range"))?;
                Some(sum as u64)
            }
            None => None,
        });
    }
    Ok(out)
}

/// Reads a column of truth values: the lengths of runs that take turns, false first.
pub(super) fn booleans(column: Option<&[u8]>, limit: usize) -> Result<Vec<bool>, GuardError> {
    let mut reader = Reader::new(column.unwrap_or_default());
    let mut out = Vec::new();
    let mut value = false;
    while reader.remaining() > 0 {
        let count = u64::read(&mut reader)?;
        if count > (limit - out.len()) as u64 {
            return Err(Rule::Operations.broken("a run is too long"));
        }
        out.resize(out.len() + count as usize, value);
        value = !value;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_literals_and_gaps() {
        // 3 times 7, nothing twice, then 1 and 2.
        let column = [3, 7, 0, 2, 0x7e, 1, 2];
        let read: Vec<Option<u64>> = runs(Some(&column), 10).unwrap();
        assert_eq!(read, [Some(7), Some(7), Some(7), None, None, Some(1), Some(2)]);
        assert_eq!(runs::<u64>(Some(&column), 6).unwrap_err().rule, Rule::Operations);
        assert_eq!(deltas(Some(&[2, 5, 1, 0x7d]), 10).unwrap(), [Some(5), Some(10), Some(7)]);
        assert_eq!(booleans(Some(&[0, 2, 1]), 10).unwrap(), [true, true, false]);
    }

    #[test]
    fn a_run_is_compared_before_it_is_expanded() {
        // A run of 2^40 ones, and as many gaps.
        assert!(runs::<u64>(Some(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1]), 10_000).is_err());
        assert!(runs::<u64>(Some(&[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), 10_000).is_err());
        assert!(booleans(Some(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), 10_000).is_err());
    }

    proptest! {
        #[test]
        fn garbage_is_read_or_refused(bytes: Vec<u8>) {
            let _ = runs::<u64>(Some(&bytes), 1_000);
            let _ = runs::<&str>(Some(&bytes), 1_000);
            let _ = deltas(Some(&bytes), 1_000);
            let _ = booleans(Some(&bytes), 1_000);
        }
    }
}
