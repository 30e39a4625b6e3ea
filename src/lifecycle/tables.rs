//! All tables of the store, as their domains describe them. A new table gets its line here; a test fails without it.

use crate::audit::seal::{chunk, segment};
use crate::identity::login::{devices, failures};
use crate::identity::{external, mfa, one_time, passkey, password, policy, role, session, tenant, user};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::lifecycle::cursors;
use crate::oauth::client::secret;
use crate::oauth::code::pushed;
use crate::oauth::issuer::{self, resource_server};
use crate::oauth::proof::jti;
use crate::oauth::token::{imported, pointer};
use crate::oauth::{client, code, consent, device, grant, interaction, signing_key, token};
use crate::vault::{connection, key, provider};
use crate::webhook::{self, outbox};
use crate::{api_key, limit, recovery, trail};

/// The facts of the table `schema_version`.
pub static SCHEMA_VERSION: Table = Table {
    name: "schema_version",
    key: &["version", "applied_at"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::Never,
    moves: Moves::Stays,
    restored: true,
};

/// The tables whose rows are locked before the row of a client or a user: a redemption holds its code while it waits
/// for the client, a registration its challenge while it waits for the user.
pub static BEFORE_CLIENTS: [&Table; 5] =
    [&code::TABLE, &device::TABLE, &pushed::TABLE, &interaction::TABLE, &passkey::challenge::TABLE];

/// The tables whose rows are locked after those of clients and users, in the order of the locks: a table stands before
/// the tables that its rows refer to.
pub static AFTER_USERS: [&Table; 49] = [
    &one_time::TABLE,
    &session::TABLE,
    &consent::TABLE,
    &grant::TABLE,
    &imported::TABLE,
    &pointer::TABLE,
    &token::TABLE,
    &api_key::import::TABLE,
    &api_key::TABLE,
    &connection::TABLE,
    &mfa::TABLE,
    &mfa::RECOVERY_TABLE,
    &password::pepper::TABLE,
    &outbox::queue::TABLE,
    &webhook::retry::TABLE,
    &webhook::attempt::TABLE,
    &outbox::event::TABLE,
    &outbox::route::TABLE,
    &webhook::secret::TABLE,
    &webhook::state::TABLE,
    &webhook::subscription::TABLE,
    &outbox::switch::TABLE,
    &secret::TABLE,
    &signing_key::TABLE,
    &segment::TABLE,
    &key::TABLE,
    &jti::CLAIMED_TABLE,
    &jti::REVOKED_TABLE,
    &devices::TABLE,
    &failures::TABLE,
    &password::history::TABLE,
    &password::TABLE,
    &external::TABLE,
    &passkey::TABLE,
    &user::names::TABLE,
    &user::elsewhere::TABLE,
    &role::assign::TABLE,
    &role::TABLE,
    &user::TABLE,
    &client::TABLE,
    &limit::table::TABLE,
    &trail::usage::USERS_TABLE,
    &trail::usage::TABLE,
    &trail::usage::FLAGS_TABLE,
    &trail::TABLE,
    &policy::TABLE,
    &resource_server::TABLE,
    &issuer::TABLE,
    &tenant::TABLE,
];

/// What belongs to nobody.
static OWN: [&Table; 8] = [
    &chunk::TABLE,
    &policy::common::TABLE,
    &policy::breached::TABLE,
    &webhook::event_type::TABLE,
    &provider::TABLE,
    &cursors::TABLE,
    &recovery::TABLE,
    &SCHEMA_VERSION,
];

/// Every table of the store.
pub fn all() -> impl Iterator<Item = &'static Table> {
    BEFORE_CLIENTS.into_iter().chain(AFTER_USERS).chain(OWN)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use super::all;
    use crate::kernel::server::table::{By, Rows};

    /// What a fresh install has: see `sql/shape.txt`.
    const SHAPE: &str = include_str!("../../sql/shape.txt");
    /// The facts as text, for the tests that ask a server.
    const FACTS: &str = include_str!("../../tests/tables.txt");

    /// The parts of this kind that a fresh install has of a table, with what the catalog says of them.
    fn parts<'a>(table: &'a str, kind: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let object = format!("table {table}");
        SHAPE.lines().filter_map(move |line| {
            let [key, part, definition] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let name = part.strip_prefix(kind)?.strip_prefix(' ')?;
            (key == object).then_some((name, definition))
        })
    }

    fn word(rows: &Rows) -> &'static str {
        match rows {
            Rows::None => "none",
            Rows::Deleted(_) => "deleted",
            Rows::Cascade => "cascade",
            Rows::Stay => "stay",
        }
    }

    #[test]
    fn every_table_is_listed_once() {
        let listed: Vec<_> = all().map(|table| table.name).collect();
        let there: BTreeSet<_> =
            SHAPE.lines().filter_map(|line| line.split('\t').next()?.strip_prefix("table ")).collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), there);
        assert_eq!(listed.len(), there.len());
    }

    #[test]
    fn the_keys_are_those_of_the_tables() {
        for table in all() {
            let keys: Vec<_> =
                parts(table.name, "constraint").filter(|(_, text)| text.starts_with("PRIMARY KEY")).collect();
            let expected = format!("PRIMARY KEY ({})", table.key.join(", "));
            assert_eq!(keys.len(), usize::from(!table.key.is_empty()), "{}", table.name);
            assert!(keys.iter().all(|(_, text)| *text == expected), "{}: {keys:?}", table.name);
        }
    }

    #[test]
    fn what_belongs_to_somebody_has_a_way_to_go() {
        for table in all() {
            let owners = [("tenant_id", &table.of_tenant), ("client_id", &table.of_client)];
            for (column, rows) in owners {
                let has = parts(table.name, "column").any(|(name, _)| name == column);
                assert_eq!(has, !matches!(rows, Rows::None), "{}.{column}", table.name);
                let keys: Vec<_> = parts(table.name, "constraint")
                    .map(|(_, text)| text)
                    .filter(|text| text.starts_with(&format!("FOREIGN KEY ({column}")))
                    .collect();
                let cascades = keys.iter().any(|text| text.contains("ON DELETE CASCADE"));
                match rows {
                    Rows::Cascade if column != "tenant_id" => assert!(cascades, "{}.{column}", table.name),
                    // The statement comes before the row that a key without CASCADE would keep.
                    Rows::Deleted(_) | Rows::None | Rows::Cascade => (),
                    Rows::Stay => assert!(keys.is_empty(), "{}.{column}", table.name),
                }
            }
        }
    }

    /// So that no table with a user's data is left out of user_export() and user_erase(), and no column is forgotten.
    #[test]
    fn what_is_held_of_a_user_is_exported_or_withheld() {
        for table in all() {
            let columns: BTreeSet<_> = parts(table.name, "column").map(|(name, _)| name).collect();
            let Some(held) = &table.of_user else {
                assert!(!columns.contains("user_id"), "{} has a user_id", table.name);
                continue;
            };
            assert_eq!(
                matches!(held.by, By::User | By::UserOrAddress),
                columns.contains("user_id") || ["users", "clients"].contains(&table.name),
                "{}",
                table.name
            );
            let listed = |text: &'static str| text.split(',').map(str::trim).filter(|name| !name.is_empty());
            let said: Vec<_> = listed(held.exported.shown).chain(listed(held.exported.withheld)).collect();
            assert_eq!(said.len(), columns.len(), "{}", table.name);
            assert_eq!(said.into_iter().collect::<BTreeSet<_>>(), columns, "{}", table.name);
        }
    }

    #[test]
    fn the_facts_are_those_the_other_tests_read() {
        let mut facts = String::from("table\tended\ttenant\tclient\tuser\tpublished\tmoves\trestored\n");
        for table in all() {
            let ended = if table.ended.is_some() { "cleanup" } else { "never" };
            let [tenant, client] = [&table.of_tenant, &table.of_client].map(word);
            let user = match &table.of_user {
                None => "none",
                Some(held) if held.erased.is_none() => "pseudonymised",
                Some(_) => "deleted",
            };
            let published = format!("{:?}", table.published).to_lowercase();
            let restored = if table.restored { "yes" } else { "no" };
            let moves = table.moves.as_str();
            writeln!(
                facts,
                "{}\t{ended}\t{tenant}\t{client}\t{user}\t{published}\t{moves}\t{restored}",
                table.name
            )
            .unwrap();
        }
        assert_eq!(facts, FACTS, "tests/tables.txt should be:\n{facts}");
    }
}
