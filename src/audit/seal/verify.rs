//! Whether the trail is what was sealed: the chain of heads, the leaves of each segment, and every row against its
//! leaf. Reads alone, also on a standby.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use pgrx::prelude::*;

use crate::audit::seal::compare::Comparison;
use crate::audit::seal::segment::{self, Segment};
use crate::audit::seal::{AuditFinding, MAX_FINDINGS, Range, Report, SKEW, refuse_pin};
use crate::identity::tenant;
use crate::kernel::outcome::{self, Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::server::version;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::hex::hex;
use crate::vault::key;

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn audit_verify(
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    number: default!(Option<i64>, "NULL"),
    head: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, AuditFinding> {
    let range = Range {
        since: since.map_or(Timestamp::from_micros(i64::MIN), Timestamp::from),
        until: until.map_or(Timestamp::from_micros(i64::MAX), Timestamp::from),
    };
    SetOfIterator::new(verify(clock::now(), range, number, head).or_raise())
}

/// The chain of heads, and the rows.
const STEPS: usize = 2;

/// Rows whose leaves are in memory at once, about.
const GROUP: i64 = 262_144;

fn verify(
    now: Timestamp,
    range: Range,
    number: Option<i64>,
    head: Option<&str>,
) -> Result<Vec<AuditFinding>, Mistake> {
    let known = known_head(number, head)?;
    version::ensure_ready()?;
    refuse_pin()?;
    let progress = Progress::begin("audit_verify", None);
    progress.step("heads", 1, STEPS);
    let segments = segment::all()?;
    let mut report = Report::default();
    chain(now, &segments, &mut report)?;
    if let Some((number, head)) = known {
        compare_known(&segments, number, &head, &mut report);
    }
    let limit = segments.last().map_or(Timestamp::from_micros(i64::MIN), |last| last.complete_before);
    let mut comparison =
        Comparison::new(now, &segments, range, limit.plus_micros(-SKEW), &mut report, &progress);
    let wanted: Vec<_> = segments
        .iter()
        .filter(|segment| segment.last_at >= range.since && segment.first_at <= range.until)
        .collect();
    progress.step("rows", 2, STEPS);
    progress.expect(wanted.iter().map(|segment| i64::from(segment.rows)).sum());
    let mut rest = wanted.as_slice();
    while !rest.is_empty() {
        let (group, others) = rest.split_at(group_size(rest));
        comparison.group(group)?;
        rest = others;
    }
    let (rows, unsealed) = comparison.finish()?;
    let found = u64::try_from(report.findings.len()).unwrap_or(u64::MAX).saturating_add(report.more);
    outcome::notice(&format!(
        "auth_store: {} heads and the {rows} rows of {} segments verified: {found} findings; {unsealed} rows are not \
         sealed yet",
        segments.len(),
        wanted.len()
    ));
    if report.more > 0 {
        outcome::warning(&format!("auth_store: only the first {MAX_FINDINGS} findings are returned"));
    }
    Ok(report.findings)
}

/// How many of the first segments are compared at once: of one month, and at least one.
fn group_size(segments: &[&Segment]) -> usize {
    let mut rows = 0;
    let first = segments.first().map(|segment| segment.month());
    let fits = segments.iter().take_while(|segment| {
        rows += i64::from(segment.rows);
        rows <= GROUP && Some(segment.month()) == first
    });
    fits.count().max(1)
}

/// A head that was kept elsewhere, as its 64 hexadecimal digits.
fn known_head(number: Option<i64>, head: Option<&str>) -> Result<Option<(i64, String)>, Mistake> {
    match (number, head) {
        (None, None) => Ok(None),
        (Some(number), Some(head))
            if number >= 1 && head.len() == 64 && head.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            Ok(Some((number, head.to_ascii_lowercase())))
        }
        (Some(number), Some(_)) if number >= 1 => {
            Err(Mistake::invalid("head", "64 hexadecimal digits, as audit_heads shows them"))
        }
        _ => Err(Mistake::invalid("number", "the number of a head, with its head")),
    }
}

fn compare_known(segments: &[Segment], number: i64, head: &str, report: &mut Report) {
    let found = segments.iter().find(|segment| segment.number == number);
    match found {
        Some(segment) if hex(&segment.head) == head => {}
        Some(_) => {
            report.add("head_differs", Some(number), None, "the head that was kept elsewhere is another")
        }
        None => report.add(
            "head_cut_off",
            Some(number),
            None,
            format!(
                "the head was kept elsewhere, and is gone: the last one here is {}",
                segments.last().map_or(0, |last| last.number)
            ),
        ),
    }
}

/// Whether each head is the hash of what it says and of the head before it, and sealed by the vault.
fn chain(now: Timestamp, segments: &[Segment], report: &mut Report) -> Result<(), Mistake> {
    let snapshot = Snapshot::reading();
    let mut keys = HashMap::new();
    let mut previous = (0, vec![0; 32]);
    for segment in segments {
        pgrx::check_for_interrupts!();
        let number = Some(segment.number);
        if segment.number != previous.0 + 1 {
            let detail = format!("the heads {} to {} are gone", previous.0 + 1, segment.number - 1);
            report.add("head_missing", number, None, detail);
        } else if segment.head_behind(&previous.1).as_slice() != segment.head {
            report.add(
                "head_altered",
                number,
                None,
                "what it says, or the head before it, is not what was sealed",
            );
        }
        let key = match keys.entry(segment.key_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let opened = key::open(now, &snapshot, segment.key_id, tenant::DEFAULT)?;
                let key = opened.map_err(|unreadable| Mistake::from(unreadable).message());
                if let Err(message) = &key {
                    report.add("key_missing", number, None, message.as_str());
                }
                unknown.insert(key.ok())
            }
        };
        if let Some(key) = key
            && segment.is_sealed_by(key) != Ok(true)
        {
            report.add("head_forged", number, None, "the vault has not sealed this head");
        }
        previous = (segment.number, segment.head.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::known_head;

    #[test]
    fn a_head_comes_with_its_number() {
        let head = "aB".repeat(32);
        assert!(matches!(known_head(None, None), Ok(None)));
        assert!(matches!(known_head(Some(1), Some(&head)), Ok(Some((1, text))) if text == "ab".repeat(32)));
        assert!(known_head(Some(0), Some(&head)).is_err());
        assert!(known_head(Some(1), None).is_err());
        assert!(known_head(None, Some(&head)).is_err());
        assert!(known_head(Some(1), Some("abc")).is_err());
        assert!(known_head(Some(1), Some(&"xy".repeat(32))).is_err());
    }
}
