//! Users whose e-mail address has no key yet: after the migration that added the column, and after an
//! administrator has settled which of two users has an address.

use crate::identity::user::name;
use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::transaction::as_owner;
use crate::kernel::server::version;
use crate::kernel::value::id::Id;
const BATCH: i64 = 1000;

/// How many of them check() lists.
const LISTED: i64 = 100;

/// Gives every address that lacks a key its key. Of two users with one address the user with the smaller id (the older
/// one, where the store made the id) gets the key. The other user keeps the address but is not found by it, and a
/// notice says so. For migrate(), which runs as a superuser, whom no policy binds.
pub fn fill() -> Result<(), Mistake> {
    if unkeyed(Id::from_bytes([0; 16]), 1)?.is_empty() {
        return Ok(());
    }
    // Nobody makes a user meanwhile.
    spi::run_script("LOCK TABLE auth_store.users IN SHARE ROW EXCLUSIVE MODE")?;
    let (mut after, mut left) = (Id::from_bytes([0; 16]), 0);
    loop {
        let batch = unkeyed(after, BATCH)?;
        let Some(last) = batch.last() else { break };
        after = last.id;
        let count = batch.len();
        let (ids, keys): (Vec<_>, Vec<_>) = batch.into_iter().map(|user| (user.id, user.key)).unzip();
        let filled = spi::run_once::<i64>(
            "WITH first AS (
                 SELECT DISTINCT ON (u.tenant_id, k.key COLLATE \"C\") u.id, u.tenant_id, k.key
                   FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS k (id, key)
                   JOIN auth_store.users u ON u.id = k.id
                  ORDER BY u.tenant_id, k.key COLLATE \"C\", u.id),
             filled AS (
                 UPDATE auth_store.users u SET email_key = first.key FROM first
                  WHERE u.id = first.id AND u.tenant_id = first.tenant_id
                    AND NOT EXISTS (SELECT FROM auth_store.users o
                                     WHERE o.tenant_id = first.tenant_id AND o.email_key = first.key)
                 RETURNING 1)
             SELECT pg_catalog.count(*) FROM filled",
            &params![ids, keys],
        )?;
        left += count - usize::try_from(filled.first().copied().unwrap_or(0)).unwrap_or(0);
        pgrx::check_for_interrupts!();
    }
    if left > 0 {
        outcome::notice(&format!(
            "auth_store: the e-mail address of {left} user(s) is that of another user too; \
             SELECT * FROM auth_store.check() names them"
        ));
    }
    Ok(())
}

/// The rows of check() about them: object, problem and hint of each, the first hundred. It runs as the owner of the
/// tables, because the roles that may call check() may not read them.
pub fn problems() -> Result<Vec<(String, String, String)>, Mistake> {
    // check() itself reports a table that is missing, another owner's or of another version.
    if version::ensure_ready().is_err() || !readable()? {
        return Ok(Vec::new());
    }
    as_owner(|| {
        let mut found = Vec::new();
        for user in unkeyed(Id::from_bytes([0; 16]), LISTED)? {
            let (problem, hint) = match twin(&user)? {
                Some(twin) => (
                    format!("has the e-mail address of user {twin} too and is not found by it"),
                    "Give one of the two another address, or none, with a NULL email_key; then \
                     SELECT auth_store.migrate()",
                ),
                None => ("is not found by the e-mail address".into(), "SELECT auth_store.migrate()"),
            };
            found.push((format!("user {}", user.id), problem, hint.into()));
        }
        Ok(found)
    })
}

/// Whether the owner of the tables may read the columns that the query needs.
fn readable() -> Result<bool, Mistake> {
    let found = spi::read_once::<bool>(
        "SELECT true
           FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'auth_store' AND c.relname = 'users'
            AND pg_catalog.has_schema_privilege('auth_store_owner', n.oid, 'USAGE')
            AND pg_catalog.has_table_privilege('auth_store_owner', c.oid, 'SELECT')
            AND (SELECT pg_catalog.count(*) = 4 FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND NOT a.attisdropped
                    AND a.attname IN ('id', 'tenant_id', 'email', 'email_key'))",
        &[],
    )?;
    Ok(!found.is_empty())
}

struct Unkeyed {
    id: Id,
    tenant_id: String,
    key: String,
}

fn unkeyed(after: Id, limit: i64) -> Result<Vec<Unkeyed>, Mistake> {
    let rows = spi::read_once::<(Id, String, String)>(
        "SELECT id, tenant_id, email FROM auth_store.users
          WHERE email IS NOT NULL AND email_key IS NULL AND id > $1 ORDER BY id LIMIT $2",
        &params![after, limit],
    )?;
    Ok(rows
        .into_iter()
        .map(|(id, tenant_id, email)| Unkeyed { id, tenant_id, key: name::email_key(&email) })
        .collect())
}

/// The user who is found by the address of another.
fn twin(user: &Unkeyed) -> Result<Option<Id>, Mistake> {
    let rows = spi::read_once::<Id>(
        "SELECT id FROM auth_store.users WHERE tenant_id = $1 AND email_key = $2",
        &params![user.tenant_id.as_str(), user.key.as_str()],
    )?;
    Ok(rows.into_iter().next())
}
