//! Buckets that move to another database: which rows go, and the scripts by which they do.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::external;
use crate::identity::user::elsewhere::moved::{self, Buckets, Claims};
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock;
use crate::lifecycle::tables;
use crate::schema::superuser_only;

extension_sql_file!("../../sql/procedures/shard.sql", name = "shard", requires = [shard_tables]);

composite! {
    /// What becomes of a table's rows.
    pub struct ShardTable = "auth_store.shard_table" {
        pub table_name: Option<&'static str>,
        pub moves: Option<&'static str>,
        pub buckets: Vec<String>,
        pub whole_rows: bool,
    }
}

#[pg_extern(immutable, parallel_safe)]
fn shard_tables() -> SetOfIterator<'static, ShardTable> {
    SetOfIterator::new(tables::all().map(|table| ShardTable {
        table_name: Some(table.name),
        moves: Some(table.moves.as_str()),
        buckets: table.moves.buckets().iter().map(|sql| (*sql).to_owned()).collect(),
        whole_rows: table.moves_by_whole_rows(),
    }))
}

#[pg_extern(volatile, parallel_unsafe)]
#[search_path(pg_catalog, pg_temp)]
fn shard_names_claim(users: Option<&str>, names: Option<&str>) -> i64 {
    let claim = || {
        superuser_only("shard_names_claim")?;
        let (now, buckets) = (clock::now(), buckets(users, names)?);
        let claims = Claims::of(buckets)?;
        let names = moved::claim_names(now, buckets, &claims)?;
        Ok(names + external::claim_accounts(now, buckets, &claims)?)
    };
    count(claim().or_raise())
}

fn buckets<'a>(users: Option<&'a str>, names: Option<&'a str>) -> Result<Buckets<'a>, Mistake> {
    drop(Snapshot::writing()?);
    Ok(Buckets { users: multirange_of(users, "users")?, names: multirange_of(names, "names")? })
}

/// A text of the type int4multirange with no more in it than ranges of numbers.
fn multirange_of<'a>(value: Option<&'a str>, argument: &'static str) -> Result<&'a str, Mistake> {
    let value = given(value, argument)?;
    let ranges = value.strip_prefix('{').and_then(|value| value.strip_suffix('}'));
    let is_range = |range: &str| {
        let bounds = range.strip_prefix('[').and_then(|range| range.strip_suffix(')'));
        let bounds = bounds.and_then(|bounds| bounds.split_once(','));
        bounds.is_some_and(|(first, end)| {
            let number =
                |text: &str| text.parse().ok().filter(|number| (0..=LAST_BUCKET + 1).contains(number));
            number(first).zip(number(end)).is_some_and(|(first, end)| first < end)
        })
    };
    match ranges {
        Some("") => Ok(value),
        // Split behind the end of each range.
        Some(ranges) if ranges.split_inclusive(')').all(|range| is_range(range.trim_start_matches(','))) => {
            Ok(value)
        }
        _ => Err(Mistake::invalid(
            argument,
            "an int4multirange of buckets as PostgreSQL prints it: {[0,1366)}",
        )),
    }
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

#[pg_extern(immutable, parallel_safe)]
fn shard_move_sql(
    first_bucket: Option<i32>,
    last_bucket: Option<i32>,
    source: Option<&str>,
    target: Option<&str>,
    source_buckets: Option<&str>,
    target_buckets: Option<&str>,
    part: Option<&str>,
) -> String {
    let write = || {
        Move {
            first: bucket(first_bucket, "first_bucket")?,
            last: bucket(last_bucket, "last_bucket")?,
            source: connection(source, "source")?,
            target: connection(target, "target")?,
            source_buckets: ranges(source_buckets, "source_buckets")?,
            target_buckets: ranges(target_buckets, "target_buckets")?,
        }
        .script(given(part, "part")?)
    };
    write().or_raise()
}

/// A part of a move, by its name.
const PARTS: [(&str, &str); 4] = [
    ("copy", include_str!("../../sql/shard/copy.psql")),
    ("switch", include_str!("../../sql/shard/switch.psql")),
    ("forget", include_str!("../../sql/shard/forget.psql")),
    ("cancel", include_str!("../../sql/shard/cancel.psql")),
];

/// What several parts do: psql's command that includes it stands there.
const STEPS: [(&str, &str); 2] = [
    ("\\ir copied.psql\n", include_str!("../../sql/shard/copied.psql")),
    ("\\ir claim.psql\n", include_str!("../../sql/shard/claim.psql")),
];

/// What each part begins with.
const HEAD: &str = include_str!("../../sql/shard/head.psql");

const LAST_BUCKET: i32 = 4095;

struct Move<'a> {
    first: i32,
    last: i32,
    source: &'a str,
    target: &'a str,
    source_buckets: Vec<(i32, i32)>,
    target_buckets: Vec<(i32, i32)>,
}

impl Move<'_> {
    fn script(&self, part: &str) -> Result<String, Mistake> {
        if self.last < self.first {
            return Err(Mistake::invalid("last_bucket", "a bucket from first_bucket to 4095"));
        }
        let text = PARTS.iter().find(|(name, _)| *name == part).map(|(_, text)| text);
        let text = text.ok_or_else(|| Mistake::one_of("part", &PARTS.map(|(name, _)| name)))?;
        // The ranges are apart and in order, so the range that moves lies in one of them.
        let holds = |ranges: &[(i32, i32)], first, last| {
            ranges.iter().any(|(from, to)| *from <= first && last <= *to)
        };
        if !holds(&self.source_buckets, self.first, self.last) {
            return Err(Mistake::invalid("source_buckets", "ranges of which one has all buckets that move"));
        }
        if self.target_buckets.iter().any(|(from, to)| *from <= self.last && self.first <= *to) {
            return Err(Mistake::invalid("target_buckets", "ranges without a bucket that moves"));
        }
        let (first, last) = (self.first.to_string(), self.last.to_string());
        let variables = [
            ("move", format!("auth_store_move_{first}_{last}")),
            ("first", first),
            ("last", last),
            ("source", self.source.to_owned()),
            ("target", self.target.to_owned()),
            ("source_buckets", multirange(&self.source_buckets)),
            ("target_buckets", multirange(&self.target_buckets)),
        ];
        let set: String =
            variables.iter().map(|(name, value)| format!("\\set {name} {}\n", quoted(value))).collect();
        Ok(format!("{HEAD}{set}{}", with_steps(text)))
    }
}

/// A part with the text of its steps.
fn with_steps(part: &str) -> String {
    STEPS.iter().fold(part.to_owned(), |text, (command, step)| text.replace(command, step))
}

/// A text as psql reads an argument of a command in quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn multirange(ranges: &[(i32, i32)]) -> String {
    let ranges: Vec<_> = ranges.iter().map(|(first, last)| format!("[{first},{last}]")).collect();
    format!("{{{}}}", ranges.join(","))
}

fn bucket(value: Option<i32>, argument: &'static str) -> Result<i32, Mistake> {
    let value = given(value, argument)?;
    if (0..=LAST_BUCKET).contains(&value) { Ok(value) } else { Err(Mistake::invalid(argument, "0 to 4095")) }
}

fn connection<'a>(value: Option<&'a str>, argument: &'static str) -> Result<&'a str, Mistake> {
    let value = given(value, argument)?;
    if value.trim().is_empty() || value.len() > 2000 || value.chars().any(char::is_control) {
        return Err(Mistake::invalid(argument, "a connection string of one line, 1 to 2000 bytes"));
    }
    Ok(value)
}

/// Ranges of buckets, as `0-1365, 2048-2303`; the empty text is none.
fn ranges(value: Option<&str>, argument: &'static str) -> Result<Vec<(i32, i32)>, Mistake> {
    let accepted = || Mistake::invalid(argument, "ranges as 0-1365, 2048-2303, in order and apart");
    let number = |text: &str| text.trim().parse::<i32>().ok().filter(|n| (0..=LAST_BUCKET).contains(n));
    let mut found: Vec<(i32, i32)> = Vec::new();
    for range in given(value, argument)?.split(',').filter(|range| !range.trim().is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = number(first).zip(number(last)).ok_or_else(accepted)?;
        let next = found.last().map_or(0, |(_, before)| before + 1);
        if first < next || last < first {
            return Err(accepted());
        }
        match found.last_mut() {
            // One that goes on from the one before it is a part of it.
            Some((_, before)) if *before + 1 == first => *before = last,
            _ => found.push((first, last)),
        }
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Move, multirange, multirange_of, quoted, ranges};

    fn read(text: &str) -> Option<String> {
        ranges(Some(text), "source_buckets").ok().map(|ranges| multirange(&ranges))
    }

    #[test]
    fn ranges_are_read_and_joined() {
        assert_eq!(read("0-1365, 2048-2303").unwrap(), "{[0,1365],[2048,2303]}");
        assert_eq!(read("0-9,10-20,30").unwrap(), "{[0,20],[30,30]}");
        assert_eq!(read("").unwrap(), "{}");
        for text in ["5-4", "0-9,9-12", "20-30,0-9", "0-4096", "-1", "a", "1-2-3", "0–9"] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_multirange_is_what_the_server_prints() {
        for text in ["{}", "{[0,4096)}", "{[0,256),[512,1366)}"] {
            assert!(multirange_of(Some(text), "users").is_ok(), "{text}");
        }
        for text in [
            "",
            "{",
            "[0,1)",
            "{(,)}",
            "{[0,1]}",
            "{[5,5)}",
            "{[0,4097)}",
            "{[0,1),}",
            "{[0,1)x[2,3)}",
            "{a}",
        ] {
            assert!(multirange_of(Some(text), "users").is_err(), "{text}");
        }
    }

    #[test]
    fn a_connection_string_stays_one_argument() {
        assert_eq!(quoted("host=/tmp password='a\\b'"), "'host=/tmp password=''a\\\\b'''");
    }

    #[test]
    fn a_range_moves_whole_and_away() {
        let script = |first, last, source: &str, target: &str| {
            Move {
                first,
                last,
                source: "service=one",
                target: "service=two",
                source_buckets: ranges(Some(source), "source_buckets").unwrap(),
                target_buckets: ranges(Some(target), "target_buckets").unwrap(),
            }
            .script("copy")
        };
        let text = script(256, 511, "0-255,256-1365", "1366-4095").unwrap();
        assert!(text.contains("\\set move 'auth_store_move_256_511'\n"));
        assert!(super::PARTS.iter().all(|(_, part)| !super::with_steps(part).contains("\\ir ")));
        assert!(script(256, 511, "0-300", "1366-4095").is_err());
        assert!(script(256, 511, "0-1365", "500-4095").is_err());
        assert!(script(511, 256, "0-1365", "1366-4095").is_err());
    }
}
