//! By what an event finds the webhooks that may want it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::hex::hex;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::webhook::outbox::CHANGED;

/// The facts of the table `webhook_routes`.
pub static TABLE: Table = Table {
    name: "webhook_routes",
    key: &["value", "member", "pattern", "tenant_id", "webhook_id"],
    ended: None,
    of_tenant: Rows::Cascade,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

/// The longest name of an event type, in bytes.
const MAX_NAME: usize = 100;

/// Whether this is a name of an event type: words of a-z, 0-9 and underscores with dots between them.
pub fn is_name(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    name.len() <= MAX_NAME && name.split('.').all(word)
}

/// Whether this stands for event types: a name, a name with `.*` behind it, or `*`.
pub fn is_pattern(pattern: &str) -> bool {
    pattern == "*" || is_name(pattern.strip_suffix(".*").unwrap_or(pattern))
}

/// The patterns that stand for a type: `a.b.c`, `a.b.*`, `a.*`, `*`.
fn patterns(event_type: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let wild = event_type.rmatch_indices('.').map(|(dot, _)| event_type.get(..=dot).unwrap_or_default());
    [event_type.into()].into_iter().chain(wild.map(|start| format!("{start}*").into())).chain(["*".into()])
}

/// The bytes of a text that are kept as it is.
const MAX_TEXT: usize = 200;
/// Of a longer one the start, and a digest.
const START: usize = 100;

/// A member's name or text as it is stored. An index takes no text of any length.
fn stored(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return text.into();
    }
    let start = text.get(..text.floor_char_boundary(START)).unwrap_or_default();
    format!("{start}{}", hex(&Sha256::digest(text.as_bytes()))).into()
}

/// The member of a filter by which its events are found, with its text; two empty texts if it has none. A member
/// without a name is not used, because the empty name means none.
fn discriminating(filters: Option<&Jsonb>) -> (String, String) {
    let texts = filters.map(Jsonb::texts).unwrap_or_default();
    let found = texts.into_iter().find(|(member, _)| !member.is_empty());
    found.map(|(member, text)| (stored(member).into(), stored(text).into())).unwrap_or_default()
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.webhook_routes (webhook_id, tenant_id, pattern, member, value)
      SELECT DISTINCT $1, $2, pattern COLLATE \"C\", $4, $5 FROM unnest($3) AS pattern",
);

/// Puts the routes of a webhook that gets events (it is active or suspended) in the place of those that it has. The
/// webhook's row must be locked.
pub fn put(
    webhook_id: Id,
    tenant_id: &str,
    event_types: &[String],
    filters: Option<&Jsonb>,
) -> Result<(), Mistake> {
    drop(webhook_id, tenant_id)?;
    let (member, value) = discriminating(filters);
    INSERT.run(&params![webhook_id, tenant_id, event_types.to_vec(), member, value])?;
    Ok(())
}

static DELETE: Statement =
    Statement::latest(c"DELETE FROM auth_store.webhook_routes WHERE webhook_id = $1 AND tenant_id = $2");

/// Removes the routes of a webhook that gets no more events. The webhook's row must be locked.
pub fn drop(webhook_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    CHANGED.send()?;
    DELETE.run(&params![webhook_id, tenant_id])?;
    Ok(())
}

/// What the routes of a tenant have in common: which look-ups may find one.
pub enum Routes {
    /// Pattern by pattern the members.
    Few(HashMap<String, BTreeSet<String>>),
    /// More than are worth to be remembered: every look-up may.
    Many,
}

/// The most pairs of pattern and member that are remembered of a tenant.
const MAX_PAIRS: usize = 1000;

row! {
    struct AnyRoute in webhook_routes {}
}

static ANY: Lookup<AnyRoute> = Lookup::by(c"webhook_routes_tenant_idx");

row! {
    struct Pair {
        pattern: String,
        member: String,
    }
}

// From pair to pair by the index, past the routes of a pair.
static PAIRS: Statement<Pair> = Statement::latest(
    c"WITH RECURSIVE pairs AS (
          (SELECT pattern, member FROM auth_store.webhook_routes
            WHERE tenant_id = $1 ORDER BY pattern, member LIMIT 1)
          UNION ALL
          SELECT n.pattern, n.member
            FROM pairs p CROSS JOIN LATERAL (
                 SELECT r.pattern, r.member FROM auth_store.webhook_routes r
                  WHERE r.tenant_id = $1 AND (r.pattern, r.member) > (p.pattern, p.member)
                  ORDER BY r.pattern, r.member LIMIT 1) n
      )
      SELECT pattern, member FROM pairs LIMIT $2",
);

/// What the routes of a tenant have in common.
pub fn of_tenant(snapshot: &Snapshot, tenant_id: &str) -> Result<Routes, Mistake> {
    let mut few: HashMap<String, BTreeSet<String>> = HashMap::new();
    if ANY.find(snapshot, Key::Text(tenant_id))?.is_some() {
        let pairs = PAIRS.all(&params![tenant_id, i64::try_from(MAX_PAIRS).unwrap_or(0) + 1])?;
        if pairs.len() > MAX_PAIRS {
            return Ok(Routes::Many);
        }
        for Pair { pattern, member } in pairs {
            few.entry(pattern).or_default().insert(member);
        }
    }
    Ok(Routes::Few(few))
}

row! {
    struct Route in webhook_routes {
        webhook_id: Id,
    }
}

static BY_VALUE: Lookup<Route> = Lookup::by(c"webhook_routes_pkey");

/// What a text takes in a set or a map, beside its bytes: its place there, and what the allocator adds.
const TEXT: usize = 64;

impl Routes {
    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        let Self::Few(pairs) = self else { return 0 };
        let text = |text: &String| TEXT + text.len();
        pairs.iter().map(|(pattern, members)| text(pattern) + members.iter().map(text).sum::<usize>()).sum()
    }

    /// Whether no webhook gets events.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Few(pairs) if pairs.is_empty())
    }

    /// The webhooks that may want an event of this type with a payload with these texts, in order and each once.
    pub fn find(
        &self,
        snapshot: &Snapshot,
        tenant_id: &str,
        event_type: &str,
        mut texts: Vec<(&str, &str)>,
    ) -> Result<Vec<Id>, Mistake> {
        let mut found = Vec::new();
        if self.is_empty() {
            return Ok(found);
        }
        texts.retain(|(member, _)| !member.is_empty());
        texts.push(("", ""));
        texts.sort_unstable();
        texts.dedup();
        for pattern in patterns(event_type) {
            let members = match self {
                Self::Many => None,
                Self::Few(pairs) => match pairs.get(&*pattern) {
                    None => continue,
                    members => members,
                },
            };
            for (member, text) in &texts {
                let member = stored(member);
                if members.is_none_or(|all| all.contains(&*member)) {
                    let text = stored(text);
                    let key =
                        [Key::Text(&text), Key::Text(&member), Key::Text(&pattern), Key::Text(tenant_id)];
                    found.extend(BY_VALUE.all_by(snapshot, key)?.into_iter().map(|route| route.webhook_id));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{is_name, is_pattern, patterns, stored};

    #[test]
    fn a_type_is_words_with_dots_between() {
        for name in ["agent.created", "code_replay", "a.b.c", "a1._", &"a".repeat(100)] {
            assert!(is_name(name) && is_pattern(name), "{name}");
        }
        for name in ["", ".", "a.", ".a", "a..b", "A.b", "a b", "a-b", "é", "a.b\n", &"a".repeat(101)] {
            assert!(!is_name(name) && !is_pattern(name), "{name:?}");
        }
        for pattern in ["*", "a.*", "a.b.*"] {
            assert!(is_pattern(pattern) && !is_name(pattern), "{pattern}");
        }
        for pattern in ["", ".*", "a*", "*.a", "a.*.b", "**", "a.**", "*.*"] {
            assert!(!is_pattern(pattern), "{pattern:?}");
        }
    }

    #[test]
    fn a_type_has_a_pattern_for_each_word() {
        let all = |name| patterns(name).map(String::from).collect::<Vec<_>>();
        assert_eq!(all("a.b.c"), ["a.b.c", "a.b.*", "a.*", "*"]);
        assert_eq!(all("refresh_reuse"), ["refresh_reuse", "*"]);
    }

    #[test]
    fn a_long_text_is_stored_by_its_start_and_a_digest() {
        assert_eq!(stored("short"), "short");
        assert_eq!(stored(&"x".repeat(200)).len(), 200);
        let (one, other) = ("é".repeat(150), format!("{}x", "é".repeat(150)));
        assert_eq!(stored(&one).len(), 100 + 64);
        assert_eq!(stored(&format!("x{one}")).len(), 99 + 64);
        assert!(stored(&one) != stored(&other) && stored(&one) == stored(&one.clone()));
    }
}
