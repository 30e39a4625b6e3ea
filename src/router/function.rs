//! The text of one function of a router: what stands for the store's function of that name.

use crate::router::catalog::{Argument, Catalog, Column, Function};
use crate::router::roads::{Fact, Road, Whole, buckets};

/// What all functions of a script have in common.
pub struct Script<'a> {
    pub catalog: &'a Catalog,
    /// The name of the cluster: of a foreign server.
    pub cluster: &'a str,
    /// Where PL/Proxy finds the shard that publishes what all know.
    pub registry: usize,
}

/// What a function returns: the columns of a row, or one value.
struct Answer<'a> {
    columns: Option<&'a [Column]>,
    r#type: &'a str,
    is_set: bool,
}

/// The tenant of a call as the shard will see it.
const TENANT: &str =
    "COALESCE(tenant_id, NULLIF(pg_catalog.current_setting('auth_store.tenant_id', true), ''), 'default')";
const NAMES: &str = "shards text[], numbers integer[]";

impl Script<'_> {
    /// The statements that make a function, with its privileges. None for a road that makes none.
    pub fn function(&self, fact: &Fact, function: &Function) -> Option<String> {
        let mut text = match fact.road {
            Road::Stays => return None,
            Road::Library => return Some(library(function)),
            Road::Bucket(of) => self.plain(function, &partition(&hash(of))),
            Road::Registry => self.plain(function, &partition(&self.registry.to_string())),
            Road::Any => self.plain(function, &partition("(pg_catalog.random() * 4095)::integer")),
            Road::Home(of) => self.home(function, of),
            Road::Shard => self.by_shard(function),
            Road::Split(of) => self.split(function, of),
            Road::All(whole) => self.all(function, whole),
        };
        text += &may(&format!("FUNCTION auth_store.{}", function.name), &function.may, "EXECUTE");
        let is_one =
            matches!(fact.road, Road::Bucket(_) | Road::Registry | Road::Any) && !self.is_row(function);
        if !is_one {
            text += &may(&format!("FUNCTION auth_store_router.{}", function.name), &function.may, "EXECUTE");
        }
        Some(text)
    }

    fn answer<'a>(&'a self, function: &'a Function) -> Answer<'a> {
        let columns = function.row.as_deref().map(|row| self.catalog.columns(row));
        Answer { columns, r#type: &function.result, is_set: function.is_set }
    }

    /// Whether a function returns one row.
    fn is_row(&self, function: &Function) -> bool {
        function.row.is_some() && !function.is_set
    }

    /// A function that PL/Proxy passes on as it is. One that returns a row has another one do it, which gets the row
    /// as JSON: planning a statement of many columns for each call costs a shard more than the call. JSON has names,
    /// so that a shard with more columns or fewer is understood, and says times as every session reads them.
    fn plain(&self, function: &Function, run_on: &str) -> String {
        let Function { name, arguments, result, .. } = function;
        let outer = format!("auth_store.{name}");
        if !self.is_row(function) {
            let select = self.answer(function).select(&call(name, arguments, 0), "");
            let returns = returns(function.is_set, result);
            return self.proxy(&outer, &listed(arguments, true), &returns, "", run_on, &select);
        }
        let passed = self.row_of(function, &numbered(arguments, 0));
        self.as_json(function, &listed(arguments, false), run_on)
            + &format!(
                "CREATE FUNCTION {outer}({})\nRETURNS {result} LANGUAGE sql AS $$\n    SELECT {passed}\n$$;\n",
                listed(arguments, true)
            )
    }

    /// The function that gets a row as JSON.
    fn as_json(&self, function: &Function, takes: &str, run_on: &str) -> String {
        let Function { name, arguments, .. } = function;
        let select = format!("pg_catalog.row_to_json({})", call(name, arguments, 0));
        self.proxy(&format!("auth_store_router.{name}"), takes, "json", "", run_on, &select)
    }

    /// The row that it has got.
    fn row_of(&self, Function { name, result, .. }: &Function, passed: &str) -> String {
        format!("pg_catalog.json_populate_record(NULL::{result}, auth_store_router.{name}({passed}))")
    }

    fn proxy(
        &self,
        name: &str,
        takes: &str,
        returns: &str,
        split: &str,
        run_on: &str,
        select: &str,
    ) -> String {
        format!(
            "CREATE FUNCTION {name}({takes})\nRETURNS {returns} LANGUAGE plproxy AS $$\n    CLUSTER '{}';\n{split}    \
             RUN ON {run_on};\n    SELECT {select};\n$$;\n",
            self.cluster
        )
    }

    /// One function that finds out where a user is, and one that goes there.
    fn home(&self, function: &Function, of: &'static str) -> String {
        let Function { name, arguments, .. } = function;
        let Some((_, named)) = buckets(of).into_iter().next() else { return String::new() };
        let mut words = named.iter().map(|word| in_numbers(arguments, word));
        let mut word = || words.next().unwrap_or_default();
        let (tenant, user, kind) = (word(), word(), word());
        let (takes, run_on) = (format!("{}, bucket integer", listed(arguments, false)), partition("bucket"));
        let passed = format!("{}, bucket", numbered(arguments, 0));
        let result = returns(function.is_set, &function.result);
        let (inner, back) = if self.is_row(function) {
            let back = format!("RETURN {}", self.row_of(function, &passed));
            (self.as_json(function, &takes, &run_on), back)
        } else {
            let inner = format!("auth_store_router.{name}");
            let select = self.answer(function).select(&call(name, arguments, 0), "");
            let back = if function.is_set { "RETURN QUERY SELECT * FROM" } else { "RETURN" };
            let back = format!("{back} {inner}({passed})");
            (self.proxy(&inner, &takes, &result, "", &run_on, &select), back)
        };
        inner
            + &format!(
                "CREATE FUNCTION auth_store.{name}({})\nRETURNS {result} LANGUAGE plpgsql AS $$\nDECLARE\n    \
                 home   uuid;\n    bucket integer;\nBEGIN\n    IF {user} IS NOT NULL THEN\n        BEGIN\n            \
                 home := auth_store.user_locate(name => {user}, kind => {kind}, tenant_id => {tenant});\n        \
                 EXCEPTION WHEN invalid_parameter_value OR foreign_key_violation THEN\n            \
                 NULL; -- what is wrong is for the shard to say\n        END;\n    END IF;\n    \
                 bucket := CASE WHEN home IS NOT NULL THEN auth_store.id_bucket(home)\n                   \
                 ELSE auth_store.user_bucket({}, {user}, {kind}) END;\n    {back};\nEND\n$$;\n",
                listed(arguments, true),
                TENANT.replace("tenant_id,", &format!("{tenant},")),
            )
    }

    /// One function that asks all shards, each for its own name, and one that says the names.
    fn by_shard(&self, function: &Function) -> String {
        let Function { name, arguments, .. } = function;
        let answer = self.answer(function);
        let table = match answer.columns {
            Some(columns) => defined(columns),
            None => format!("{name} {}", answer.r#type),
        };
        let source = call(name, arguments, 2);
        let select = match answer.columns {
            Some(_) => answer.select(&source, "($1)[1] AS shard, "),
            None => format!("($1)[1] AS shard, r.{name} FROM {source} r ({name})"),
        };
        let (inner, outer) = (format!("auth_store_router.{name}"), format!("auth_store.{name}"));
        let passed = numbered(arguments, 0);
        let comma = if passed.is_empty() { "" } else { ", " };
        // Without their names: PL/Proxy would take the word FROM for one of them.
        let types: Vec<_> = arguments.iter().map(|a| a.r#type.as_str()).collect();
        self.named_by_shard(&inner, &format!("{comma}{}", types.join(", ")), &table, &select)
            + &format!(
                "CREATE FUNCTION {outer}({})\nRETURNS TABLE (shard text, {table}) LANGUAGE sql AS $$\n    \
                 SELECT * FROM {inner}(auth_store_router.names(), auth_store_router.numbers(){comma}{passed})\n$$;\n",
                listed(arguments, true),
            )
    }

    fn named_by_shard(&self, inner: &str, more: &str, table: &str, select: &str) -> String {
        let returns = format!("TABLE (shard text, {table})");
        let takes = format!("{NAMES}{more}");
        self.proxy(inner, &takes, &returns, "    SPLIT shards, numbers;\n", &partition("numbers"), select)
    }

    /// A view over all shards.
    pub fn view(&self, name: &str, columns: &[Column], roles: &[String]) -> String {
        let inner = format!("auth_store_router.{name}");
        let answer = Answer { columns: Some(columns), r#type: "", is_set: true };
        let select = answer.select(&format!("auth_store.{name}"), "($1)[1] AS shard, ");
        self.named_by_shard(&inner, "", &defined(columns), &select)
            + &format!(
                "CREATE VIEW auth_store.{name} AS\n    \
                 SELECT * FROM {inner}(auth_store_router.names(), auth_store_router.numbers());\n"
            )
            + &may(&format!("FUNCTION {inner}"), roles, "EXECUTE")
            + &may(&format!("auth_store.{name}"), roles, "SELECT")
    }

    /// One function that takes arrays apart, and one that numbers their elements and puts the rows in that order.
    fn split(&self, function: &Function, of: &'static str) -> String {
        let Function { name, arguments, .. } = function;
        let columns = self.answer(function).columns.unwrap_or_default();
        let positions = arguments.len() + 1;
        let asked: Vec<_> = columns
            .iter()
            .map(
                |c| if c.name == "n" { format!("(${positions})[r.n] AS n") } else { format!("r.{}", c.name) },
            )
            .collect();
        let select = format!("{} FROM {} r", asked.join(", "), call(name, arguments, 0));
        let arrays: Vec<_> =
            buckets(of).into_iter().flat_map(|(_, of)| of).chain(of.split(' ').skip(1)).collect();
        let first = at(arguments, arrays.first().copied().unwrap_or_default());
        let inner = format!("auth_store_router.{name}");
        let takes = format!("{}, positions integer[]", listed(arguments, false));
        let split = format!("    SPLIT {}, positions;\n", arrays.join(", "));
        let mut passed = Vec::new();
        let mut checks = format!(
            "    IF {first} IS NULL THEN\n        RAISE EXCEPTION 'argument \"{}\" must not be NULL' \
                                  USING ERRCODE = 'null_value_not_allowed';\n",
            arrays.first().unwrap_or(&"")
        );
        for (n, a) in arguments.iter().enumerate() {
            let given = format!("${}", n + 1);
            if !arrays.contains(&a.name.as_str()) {
                passed.push(given);
                continue;
            }
            // PL/Proxy wants arrays of one dimension and length.
            let flat = format!("ARRAY(SELECT pg_catalog.unnest({given}))");
            if given == first {
                passed.push(flat);
                continue;
            }
            let element = a.r#type.trim_end_matches("[]");
            passed.push(format!(
                "CASE WHEN {given} IS NULL THEN pg_catalog.array_fill(NULL::{element}, \
                 ARRAY[pg_catalog.cardinality({first})])\n        ELSE {flat} END"
            ));
            checks += &format!(
                "    ELSIF pg_catalog.cardinality({given}) <> pg_catalog.cardinality({first}) THEN\n        RAISE \
                 EXCEPTION 'invalid value for argument \"{}\"' USING ERRCODE = 'invalid_parameter_value',\n            \
                 HINT = 'Accepted: NULL, or as many elements as the first argument has.';\n",
                a.name
            );
        }
        let result = returns(function.is_set, &function.result);
        self.proxy(&inner, &takes, &result, &split, &partition(&hash(of)), &select)
            + &format!(
                "CREATE FUNCTION auth_store.{name}({})\nRETURNS {result} LANGUAGE plpgsql AS $$\nBEGIN\n{checks}    \
                 END IF;\n    RETURN QUERY\n    SELECT * FROM {inner}({},\n        \
                 ARRAY(SELECT pg_catalog.generate_series(1, pg_catalog.cardinality({first})))) r\n     \
                 ORDER BY r.n;\nEND\n$$;\n",
                listed(arguments, true),
                passed.join(", "),
            )
    }

    /// One function that asks all shards, and one that makes one answer of theirs.
    fn all(&self, function: &Function, whole: Whole) -> String {
        let Function { name, arguments, result, .. } = function;
        let inner = format!("auth_store_router.{name}");
        let run_on = match whole {
            Whole::Rows { of: Some(of), .. } => {
                format!("auth_store_router.one_or_all({})", hash_if_given(of))
            }
            _ => "auth_store_router.one_or_all(NULL)".to_owned(),
        };
        let select = self.answer(function).select(&call(name, arguments, 0), "");
        let set = returns(true, result);
        let from = format!("FROM {inner}({}) r", numbered(arguments, 0));
        let answer = match whole {
            Whole::Sum => format!("SELECT pg_catalog.sum(r)::{result} {from}"),
            Whole::Or => format!("SELECT pg_catalog.bool_or(r) {from}"),
            Whole::Rows { by, limit, .. } => {
                let limit = limit.map_or(String::new(), |limit| format!(" LIMIT {}", at(arguments, limit)));
                format!("SELECT * {from} ORDER BY r.{by}{limit}")
            }
        };
        self.proxy(&inner, &listed(arguments, false), &set, "", &run_on, &select)
            + &format!(
                "CREATE FUNCTION auth_store.{name}({})\nRETURNS {} LANGUAGE sql AS $$\n    {answer}\n$$;\n",
                listed(arguments, true),
                returns(function.is_set, result),
            )
    }
}

impl Answer<'_> {
    /// What is asked of a shard. Columns by name, so that a shard that has more of them is understood; without casts,
    /// which cost more than the call.
    fn select(&self, source: &str, more: &str) -> String {
        match self.columns {
            Some(columns) => {
                let columns: Vec<_> = columns.iter().map(|c| format!("r.{}", c.name)).collect();
                format!("{more}{} FROM {source} r", columns.join(", "))
            }
            None if self.is_set => format!("{more}r FROM {source} r"),
            None => format!("{more}{source}"),
        }
    }
}

/// A function that the router's own library computes.
fn library(function: &Function) -> String {
    let Function { name, arguments, result, volatility, symbol, .. } = function;
    format!(
        "CREATE FUNCTION auth_store.{name}({})\nRETURNS {result} LANGUAGE c {volatility} PARALLEL SAFE\n    \
         AS '$libdir/auth_store', '{symbol}';\n",
        listed(arguments, true)
    )
}

fn returns(is_set: bool, result: &str) -> String {
    format!("{}{result}", if is_set { "SETOF " } else { "" })
}

fn defined(columns: &[Column]) -> String {
    columns.iter().map(|c| format!("{} {}", c.name, c.r#type)).collect::<Vec<_>>().join(", ")
}

/// The arguments of a function, as CREATE FUNCTION lists them.
fn listed(arguments: &[Argument], with_presets: bool) -> String {
    let listed: Vec<_> = arguments
        .iter()
        .map(|a| {
            let preset = a.preset.as_ref().filter(|_| with_presets);
            let preset = preset.map_or(String::new(), |preset| format!(" DEFAULT {preset}"));
            format!("{} {}{preset}", a.name, a.r#type)
        })
        .collect();
    listed.join(", ")
}

fn numbered(arguments: &[Argument], before: usize) -> String {
    (1..=arguments.len()).map(|n| format!("${}", n + before)).collect::<Vec<_>>().join(", ")
}

fn call(name: &str, arguments: &[Argument], before: usize) -> String {
    format!("auth_store.{name}({})", numbered(arguments, before))
}

/// An argument by its number.
fn at(arguments: &[Argument], name: &str) -> String {
    let place = arguments.iter().position(|a| a.name == name);
    place.map_or_else(|| name.to_owned(), |n| format!("${}", n + 1))
}

/// An expression with its arguments by their numbers.
fn in_numbers(arguments: &[Argument], expression: &str) -> String {
    expression.split(' ').map(|word| at(arguments, word)).collect::<Vec<_>>().join(" ")
}

/// Where PL/Proxy goes, if the session may.
fn partition(number: &str) -> String {
    format!("auth_store_router.at({number})")
}

/// What a call's bucket is computed by: the first whose argument is given, else the last.
fn hash(of: &'static str) -> String {
    let mut all = buckets(of);
    let Some((function, arguments)) = all.pop() else { return String::new() };
    let last = bucket(function, &arguments);
    if all.is_empty() { last } else { format!("COALESCE({}, {last})", if_given(&all).join(", ")) }
}

/// The same, NULL where no argument is given.
fn hash_if_given(of: &'static str) -> String {
    format!("COALESCE({})", if_given(&buckets(of)).join(", "))
}

fn if_given(buckets: &[(&str, Vec<&str>)]) -> Vec<String> {
    let case = |(function, arguments): &(&str, Vec<&str>)| {
        let given = arguments.iter().find(|a| **a != "tenant_id").copied().unwrap_or_default();
        format!("CASE WHEN {given} IS NOT NULL THEN {} END", bucket(function, arguments))
    };
    buckets.iter().map(case).collect()
}

fn bucket(function: &str, arguments: &[&str]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|a| if *a == "tenant_id" { TENANT } else { a }).collect();
    format!("auth_store.{function}({})", arguments.join(", "))
}

/// The privilege of the roles that have it on a shard.
pub fn may(object: &str, roles: &[String], privilege: &str) -> String {
    if roles.is_empty() {
        return String::new();
    }
    format!("GRANT {privilege} ON {object} TO {};\n", roles.join(", "))
}
