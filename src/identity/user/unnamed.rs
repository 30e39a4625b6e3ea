//! Users who are not found by their e-mail address: after the migration from tables that had no keys, and where two
//! users had one mailbox, until an administrator has settled which of them has it.

use crate::identity::user::name::{self, Kind, Name};
use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::progress::Progress;
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::transaction::as_owner;
use crate::kernel::server::version;
use crate::kernel::value::id::Id;

const BATCH: i64 = 1000;

/// How many of them check() lists.
const LISTED: i64 = 100;

/// Gives every address that is no name its name. Of two users with one address the user with the smaller id (the older
/// one, where the store made the id) gets it. The other user keeps the address but is not found by it, and a notice
/// says so. For migrate(), which runs as a superuser, whom no policy binds.
pub fn fill(progress: &Progress) -> Result<(), Mistake> {
    if marked(Id::from_bytes([0; 16]), 1)?.is_empty() {
        return Ok(());
    }
    // Nobody makes a user or a name meanwhile.
    spi::run_script("LOCK TABLE auth_store.users, auth_store.user_names IN SHARE ROW EXCLUSIVE MODE")?;
    let (mut after, mut left) = (Id::from_bytes([0; 16]), 0);
    loop {
        let batch = marked(after, BATCH)?;
        let Some(last) = batch.last() else { break };
        after = last.id;
        let count = batch.len();
        let (ids, (keys, buckets)): (Vec<_>, (Vec<_>, Vec<_>)) =
            batch.into_iter().map(|user| (user.id, (user.key, user.bucket))).unzip();
        let filled = spi::run_once::<i64>(
            "WITH named AS (
                 INSERT INTO auth_store.user_names
                        (user_id, created_at, bucket, tenant_id, kind, name_key, name, verified_at)
                 SELECT u.id, u.created_at, k.bucket, u.tenant_id, 'email', k.key, u.email,
                        CASE WHEN u.email_verified THEN u.updated_at END
                   FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3))
                        AS k (id, key, bucket)
                   JOIN auth_store.users u ON u.id = k.id
                  ORDER BY u.id
                 ON CONFLICT DO NOTHING
                 RETURNING user_id),
             filled AS (
                 UPDATE auth_store.users u SET email_unnamed = false FROM named WHERE u.id = named.user_id
                 RETURNING 1)
             SELECT pg_catalog.count(*) FROM filled",
            &params![ids, keys, buckets],
        )?;
        left += count - usize::try_from(filled.first().copied().unwrap_or(0)).unwrap_or(0);
        progress.add(i64::try_from(count).unwrap_or(0));
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
        for user in seen(Id::from_bytes([0; 16]), LISTED)? {
            let (problem, hint) = match twin(&user)? {
                Some(twin) => (
                    format!("has the e-mail address of user {twin} too and is not found by it"),
                    "Take the address from one of the two: see docs/how-to/install.md; then \
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
          WHERE n.nspname = 'auth_store'
            AND pg_catalog.has_schema_privilege('auth_store_owner', n.oid, 'USAGE')
            AND pg_catalog.has_table_privilege('auth_store_owner', c.oid, 'SELECT')
            AND (SELECT pg_catalog.count(*) = 4 FROM pg_catalog.pg_attribute a
                  WHERE a.attrelid = c.oid AND NOT a.attisdropped
                    AND (c.relname, a.attname) IN (
                        ('users', 'id'), ('users', 'tenant_id'), ('users', 'email'), ('users', 'email_unnamed'),
                        ('user_names', 'user_id'), ('user_names', 'tenant_id'), ('user_names', 'kind'),
                        ('user_names', 'name_key')))",
        &[],
    )?;
    Ok(found.len() == 2)
}

struct Unnamed {
    id: Id,
    tenant_id: String,
    key: String,
    bucket: i32,
}

const UNNAMED: &str = "SELECT id, tenant_id, email FROM auth_store.users
          WHERE email_unnamed AND email IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";

/// Those who are so by now: the migration of this transaction has marked them.
fn marked(after: Id, limit: i64) -> Result<Vec<Unnamed>, Mistake> {
    Ok(keyed(spi::run_once(UNNAMED, &params![after, limit])?))
}

/// Those whom the calling query sees.
fn seen(after: Id, limit: i64) -> Result<Vec<Unnamed>, Mistake> {
    Ok(keyed(spi::read_once(UNNAMED, &params![after, limit])?))
}

fn keyed(rows: Vec<(Id, String, String)>) -> Vec<Unnamed> {
    rows.into_iter()
        .map(|(id, tenant_id, email)| {
            let name = Name { kind: Kind::Email, key: name::email_key(&email).into(), text: &email };
            let bucket = name.bucket(&tenant_id).number();
            Unnamed { id, key: name.key.into_owned(), tenant_id, bucket }
        })
        .collect()
}

/// The user who is found by the address of another.
fn twin(user: &Unnamed) -> Result<Option<Id>, Mistake> {
    let rows = spi::read_once::<Id>(
        "SELECT user_id FROM auth_store.user_names WHERE tenant_id = $1 AND kind = $2 AND name_key = $3",
        &params![user.tenant_id.as_str(), Kind::Email.as_str(), user.key.as_str()],
    )?;
    Ok(rows.into_iter().next())
}
