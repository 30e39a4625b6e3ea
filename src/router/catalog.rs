//! What a router's script is made of: the functions, types, views and roles of the store, as this database has them.

use serde::Deserialize;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::spi::read_once;
use crate::kernel::value::jsonb::Jsonb;

/// The document of sql/router/catalog.sql.
#[derive(Deserialize)]
pub struct Catalog {
    pub version: String,
    pub functions: Vec<Function>,
    /// Composite types and views.
    pub rows: Vec<RowType>,
    /// The store's own roles, which hold no log-in.
    pub roles: Vec<String>,
    pub logins: Vec<Login>,
}

/// A function or procedure of the extension.
#[derive(Deserialize)]
pub struct Function {
    pub name: String,
    /// What the library calls it, of a function in C.
    pub symbol: String,
    pub volatility: String,
    pub arguments: Vec<Argument>,
    pub result: String,
    /// The composite type that it returns, if that is the store's.
    pub row: Option<String>,
    pub is_set: bool,
    /// The roles that may call it, beside superusers and its owner.
    pub may: Vec<String>,
}

/// An argument of a function; `preset` is its default.
#[derive(Deserialize)]
pub struct Argument {
    pub name: String,
    pub r#type: String,
    pub preset: Option<String>,
}

/// A composite type or a view of the store.
#[derive(Deserialize)]
pub struct RowType {
    pub name: String,
    pub is_view: bool,
    pub columns: Vec<Column>,
    pub may: Vec<String>,
}

/// A column of one of these.
#[derive(Deserialize)]
pub struct Column {
    pub name: String,
    pub r#type: String,
}

/// A role that logs in and has privileges of the store's roles.
#[derive(Deserialize)]
pub struct Login {
    pub name: String,
    pub of: Vec<String>,
    pub pin: Option<String>,
}

impl Catalog {
    /// Reads it from this database.
    pub fn read() -> Result<Self, Mistake> {
        let found = read_once::<Jsonb>(include_str!("../../sql/router/catalog.sql"), &[])?;
        found
            .first()
            .and_then(|document| serde_json::from_str(&document.text()).ok())
            .ok_or_else(|| Mistake::TypeDiffers("the catalog of a router".into()))
    }

    /// The columns of a composite type or view.
    pub fn columns(&self, name: &str) -> &[Column] {
        self.rows.iter().find(|row| row.name == name).map_or(&[], |row| &row.columns)
    }
}
