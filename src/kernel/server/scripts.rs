//! For the unit tests: the scripts of `sql`, and whether what is read and returned agrees with them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pgrx::pg_sys;

use crate::kernel::server::columns::Column;
use crate::kernel::server::datum::IntoColumns;
use crate::kernel::server::row::TableRow;

/// The columns of each table that a script creates: type, and whether it may be NULL.
fn definitions(sql: &str) -> HashMap<String, HashMap<String, (String, bool)>> {
    let tables = sql.split("TABLE IF NOT EXISTS auth_store.").skip(1);
    tables
        .filter_map(|text| {
            let (name, rest) = text.split_once(" (\n")?;
            let (body, _) = rest.split_once("\n)")?;
            let columns = body.lines().filter_map(|line| {
                let (column, rest) = line.trim().split_once(' ')?;
                let words: Vec<_> = rest.trim_end_matches(',').split_whitespace().collect();
                let end =
                    words.iter().position(|word| ["COLLATE", "NOT", "DEFAULT", "GENERATED"].contains(word));
                let sql_type = words.get(..end.unwrap_or(words.len()))?.join(" ");
                let is_column =
                    column.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit());
                is_column.then(|| (column.to_owned(), (sql_type, !rest.contains("NOT NULL"))))
            });
            Some((name.to_owned(), columns.collect()))
        })
        .collect()
}

/// The name of a type in the scripts.
pub fn sql_type(oid: pg_sys::Oid) -> &'static str {
    match oid {
        pg_sys::TEXTOID => "text",
        pg_sys::BYTEAOID => "bytea",
        pg_sys::BOOLOID => "boolean",
        pg_sys::INT4OID => "integer",
        pg_sys::INT8OID => "bigint",
        pg_sys::FLOAT4OID => "real",
        pg_sys::FLOAT8OID => "double precision",
        pg_sys::OIDOID => "oid",
        pg_sys::UUIDOID => "uuid",
        pg_sys::TIMESTAMPTZOID => "timestamptz",
        pg_sys::JSONBOID => "jsonb",
        pg_sys::INETOID => "inet",
        pg_sys::CIDRARRAYOID => "cidr[]",
        pg_sys::TEXTARRAYOID => "text[]",
        pg_sys::INT4ARRAYOID => "integer[]",
        _ => "unknown",
    }
}

/// The script of that name in `sql`, and all scripts in the folder of that name.
pub fn script(name: &str) -> String {
    let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let folder = fs::read_dir(sql.join(name)).into_iter().flatten().flatten().map(|file| file.path());
    let files = [sql.join(format!("{name}.sql"))].into_iter().chain(folder);
    files.filter_map(|file| fs::read_to_string(file).ok()).collect()
}

/// Every column of a struct is a column of its table, with the type that is read, and NOT NULL where the struct takes
/// no NULL.
pub fn agrees_with_table<R: TableRow>() {
    let name = R::TABLE.to_string_lossy();
    let tables = definitions(&script("tables"));
    let table = tables.get(&*name);
    assert!(table.is_some(), "no table {name}");
    for Column { name: column, type_oid, nullable } in R::COLUMNS {
        let column = column.to_string_lossy();
        let found = table.and_then(|table| table.get(&*column));
        assert!(found.is_some(), "{name} has no column {column}");
        assert_eq!(
            found.map(|(sql_type, _)| sql_type.as_str()),
            Some(sql_type(*type_oid)),
            "{name}.{column}"
        );
        assert!(*nullable || found.is_some_and(|(_, null)| !null), "{name}.{column} may be NULL");
    }
}

/// Every field of a struct is the attribute of its type at the same place, by name and by type.
pub fn agrees_with_type<R: IntoColumns>(name: &str) {
    let types = script("types");
    let body = types
        .split_once(&format!("CREATE TYPE {name} AS (\n"))
        .and_then(|(_, rest)| rest.split_once("\n);"))
        .map(|(body, _)| body);
    assert!(body.is_some(), "no type {name}");
    let attributes: Vec<_> = body
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.trim().trim_end_matches(',').split_once(' '))
        .map(|(attribute, sql_type)| (attribute.to_owned(), sql_type.trim().to_owned()))
        .collect();
    let columns: Vec<_> = R::COLUMNS
        .iter()
        .map(|column| (column.name.to_string_lossy().into_owned(), sql_type(column.type_oid).to_owned()))
        .collect();
    assert_eq!(columns, attributes, "{name}");
}

#[test]
fn a_definition_is_read() {
    let sql = "CREATE TABLE IF NOT EXISTS auth_store.t (\n    id text COLLATE \"C\" NOT NULL,\n    n  integer,\n    \
               CONSTRAINT t_pkey PRIMARY KEY (id)\n) WITH (fillfactor = 80);";
    let column = |sql_type: &str, nullable| (sql_type.to_owned(), nullable);
    let columns =
        HashMap::from([("id".to_owned(), column("text", false)), ("n".to_owned(), column("integer", true))]);
    assert_eq!(definitions(sql), HashMap::from([("t".to_owned(), columns)]));
}
