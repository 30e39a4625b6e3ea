//! Where each function goes: the lines of sql/router/roads.txt.

/// The facts, with what they mean in the head.
const ROADS: &str = include_str!("../../sql/router/roads.txt");

/// How a call finds the shards that answer it.
#[derive(Clone, Copy)]
pub enum Road {
    /// The shard of the first of these buckets whose argument is given.
    Bucket(&'static str),
    /// The shard of the user who has a name, by the bucket of the name.
    Home(&'static str),
    Registry,
    Any,
    All(Whole),
    /// Every shard, each named.
    Shard,
    /// Arrays whose elements go to shards: the bucket of the first, and the others.
    Split(&'static str),
    Library,
    Stays,
}

/// What the answers of all shards make together.
#[derive(Clone, Copy)]
pub enum Whole {
    /// Their rows. `by` is a column and perhaps `desc`; `limit` the argument that says how many at most; `of` the
    /// buckets of which one is enough if its argument is given.
    Rows {
        by: &'static str,
        limit: Option<&'static str>,
        of: Option<&'static str>,
    },
    Sum,
    Or,
}

/// A line.
pub struct Fact {
    pub function: &'static str,
    pub road: Road,
}

/// Every line; None in place of one that cannot be read.
pub fn facts() -> impl Iterator<Item = Option<Fact>> {
    ROADS.lines().filter(|line| !line.starts_with('#')).map(read)
}

/// The line of a function.
pub fn of(function: &str) -> Option<Fact> {
    facts().flatten().find(|fact| fact.function == function)
}

fn read(line: &'static str) -> Option<Fact> {
    let mut columns = line.split('\t');
    let (function, road) = (columns.next()?, columns.next()?);
    let of = columns.next().filter(|of| !of.is_empty());
    let road = match (road, of) {
        ("bucket", Some(of)) => Road::Bucket(of),
        ("home", Some(of)) => Road::Home(of),
        ("split", Some(of)) => Road::Split(of),
        ("all", Some(of)) => Road::All(whole(of)?),
        ("stays", Some(_why)) => Road::Stays,
        ("registry", None) => Road::Registry,
        ("any", None) => Road::Any,
        ("shard", None) => Road::Shard,
        ("library", None) => Road::Library,
        _ => return None,
    };
    columns.next().is_none().then_some(Fact { function, road })
}

fn whole(of: &'static str) -> Option<Whole> {
    Some(match of {
        "sum" => Whole::Sum,
        "or" => Whole::Or,
        _ => {
            let (by, of) = before(of.strip_prefix("rows by ")?, " of ");
            let (by, limit) = before(by, " limit ");
            Whole::Rows { by, limit, of }
        }
    })
}

/// What stands before a word, and what behind it if it is there.
fn before(text: &'static str, word: &str) -> (&'static str, Option<&'static str>) {
    text.split_once(word).map_or((text, None), |(front, back)| (front, Some(back)))
}

/// The bucket functions of a line, each with its arguments as they are written: `user_bucket(tenant_id, email)`. An
/// argument may have parentheses of its own.
pub fn buckets(of: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let (mut found, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (at, letter) in of.char_indices() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if letter == ')' && depth == 0 {
            let call = of.get(begin..at).unwrap_or_default().trim();
            found.extend(
                call.split_once('(').map(|(function, words)| (function, words.split(", ").collect())),
            );
            begin = at + 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_can_be_read_and_is_in_its_place() {
        let mut before = "";
        for (line, fact) in ROADS.lines().filter(|line| !line.starts_with('#')).zip(facts()) {
            assert!(fact.is_some(), "{line}");
            let Some(fact) = fact else { continue };
            assert!(before < fact.function, "{line}");
            before = fact.function;
            if let Road::Bucket(of) | Road::All(Whole::Rows { of: Some(of), .. }) = fact.road {
                let calls = buckets(of);
                let read: Vec<_> =
                    calls.iter().map(|(name, of)| format!("{name}({})", of.join(", "))).collect();
                assert_eq!(read.join(" "), of);
            }
        }
    }
}
