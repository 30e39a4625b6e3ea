//! Which shards there are, and which of the buckets each of them has, as the caller of router_sql() says it.

use serde_json::Value;

use crate::kernel::outcome::Mistake;
use crate::kernel::value::jsonb::Jsonb;

/// How many buckets there are: the 12 bits of an id.
pub const BUCKETS: usize = 4096;

const SHARDS: &str = "an object with the connection string of each shard, without user and password: \
                      {\"a\": \"host=10.0.0.1 dbname=auth\", \"b\": \"host=10.0.0.2 dbname=auth\"}";
/// What a user mapping says, and everybody could read in the options of a server.
const OF_A_MAPPING: [&str; 3] = ["user", "password", "sslpassword"];
const MAP: &str = "an array of the first bucket of each range and its shard, from bucket 0 on: \
                   [[0, \"a\"], [2048, \"b\"]], with buckets up to 4095";

/// The shards in their order, and whose each bucket is.
pub struct Places {
    pub shards: Vec<Shard>,
    /// The first bucket of each range, and the number of its shard.
    pub ranges: Vec<(usize, usize)>,
    /// The number of the shard that publishes what all know.
    pub registry: usize,
}

/// One of the databases: its name in the cluster, and how a router connects to it.
pub struct Shard {
    pub name: String,
    pub connection: String,
}

impl Places {
    /// Without a map the buckets are in equal parts, in the order of the names. The registry is on the shard of bucket
    /// 0 where nothing else is said.
    pub fn read(shards: &Jsonb, map: Option<&Jsonb>, registry: Option<&str>) -> Result<Self, Mistake> {
        let refused = || Mistake::invalid("shards", SHARDS);
        let shards: Vec<_> = shards
            .members()
            .ok_or_else(refused)?
            .into_iter()
            .map(|(name, part)| {
                let connection = part.text().filter(|text| is_place(text));
                let (name, connection) = (name.to_owned(), connection.ok_or_else(refused)?.to_owned());
                Ok(Shard { name, connection })
            })
            .collect::<Result<_, Mistake>>()?;
        if shards.is_empty() || shards.iter().any(|shard| shard.name.is_empty()) {
            return Err(refused());
        }
        let number = |name: &str| shards.iter().position(|shard| shard.name == name);
        let ranges = match map {
            Some(map) => ranges(map, number)
                .filter(|found| in_order(found))
                .ok_or_else(|| Mistake::invalid("map", MAP))?,
            None => (0..shards.len()).map(|n| ((n * BUCKETS).div_ceil(shards.len()), n)).collect(),
        };
        let registry = match registry {
            Some(name) => {
                number(name).ok_or_else(|| Mistake::invalid("registry", "the name of one of the shards"))?
            }
            None => ranges.first().map_or(0, |(_, shard)| *shard),
        };
        Ok(Self { shards, ranges, registry })
    }

    /// The buckets of a shard as an int4multirange.
    pub fn buckets(&self, shard: usize) -> String {
        let ends = self.ranges.iter().skip(1).map(|(first, _)| *first).chain([BUCKETS]);
        let mine: Vec<_> = self
            .ranges
            .iter()
            .zip(ends)
            .filter(|((_, of), _)| *of == shard)
            .map(|((first, _), end)| format!("[{first},{end})"))
            .collect();
        format!("{{{}}}", mine.join(","))
    }
}

/// Whether a text is a connection string of keywords (not a URI, which could stand in dbname too), which names a server
/// and nobody who logs in.
fn is_place(text: &str) -> bool {
    let mut rest = text.trim_ascii_start();
    let is_empty = rest.is_empty();
    while !rest.is_empty() {
        let Some((keyword, after)) = rest.split_once('=') else { return false };
        let keyword = keyword.trim_ascii_end();
        let is_plain = !keyword.is_empty() && keyword.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !is_plain || OF_A_MAPPING.contains(&keyword) {
            return false;
        }
        let Some(after) = after_value(after.trim_ascii_start()) else { return false };
        rest = after.trim_ascii_start();
    }
    !is_empty && !text.contains('\n') && !text.contains("://")
}

/// What follows the value that a text begins with, by libpq's rules: in single quotes or up to a space, where a
/// backslash takes the next character as it is.
fn after_value(text: &str) -> Option<&str> {
    let (quoted, value) = text.strip_prefix('\'').map_or((false, text), |value| (true, value));
    let mut characters = value.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '\'' if quoted => return value.get(at + 1..),
            c if !quoted && c.is_ascii_whitespace() => return value.get(at..),
            _ => {}
        }
    }
    (!quoted).then_some("")
}

fn ranges(map: &Jsonb, number: impl Fn(&str) -> Option<usize>) -> Option<Vec<(usize, usize)>> {
    let Value::Array(ranges) = map.parse()? else { return None };
    ranges
        .iter()
        .map(|range| match range.as_array()?.as_slice() {
            [first, shard] => Some((usize::try_from(first.as_u64()?).ok()?, number(shard.as_str()?)?)),
            _ => None,
        })
        .collect()
}

fn in_order(ranges: &[(usize, usize)]) -> bool {
    ranges.first().is_some_and(|(first, _)| *first == 0)
        && ranges.is_sorted_by(|(a, _), (b, _)| a < b)
        && ranges.last().is_some_and(|(first, _)| *first < BUCKETS)
}
