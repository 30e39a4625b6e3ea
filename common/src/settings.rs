//! What the environment says: the programs have no other configuration, beside what their own settings name.

use std::env::{self, VarError};
use std::time::Duration;

use tokio_postgres::config::SslMode;

/// The value of a variable; None: it is not set.
pub fn text(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is no UTF-8")),
    }
}

/// Whether a variable is on; the default where it is not set.
pub fn switch(name: &str, default: bool) -> Result<bool, String> {
    match text(name)?.as_deref() {
        None => Ok(default),
        Some("on") => Ok(true),
        Some("off") => Ok(false),
        Some(_) => Err(format!("{name} must be on or off")),
    }
}

/// The number of a variable, 1 to 100000.
pub fn number(name: &str, default: usize) -> Result<usize, String> {
    match text(name)? {
        None => Ok(default),
        Some(value) => match value.parse() {
            Ok(number) if (1..=100_000).contains(&number) => Ok(number),
            _ => Err(format!("{name} must be a number from 1 to 100000")),
        },
    }
}

/// The server as psql finds it, by PGHOST and its like.
pub fn database(program: &str) -> Result<tokio_postgres::Config, String> {
    let mut config = tokio_postgres::Config::new();
    config.application_name(program).connect_timeout(Duration::from_secs(10));
    let host = text("PGHOST")?.unwrap_or_else(|| "/var/run/postgresql".to_owned());
    let port: u16 = number("PGPORT", 5432)?.try_into().map_err(|_| "PGPORT is no port".to_owned())?;
    let user = match text("PGUSER")? {
        Some(user) => user,
        None => text("USER")?.ok_or("PGUSER is not set")?,
    };
    let database = text("PGDATABASE")?.unwrap_or_else(|| user.clone());
    let password = match (text("PGPASSWORD")?, text("PGPASSFILE")?) {
        (None, Some(path)) => {
            let lines =
                std::fs::read_to_string(&path).map_err(|error| format!("PGPASSFILE {path}: {error}"))?;
            password(&lines, [&host, &port.to_string(), &database, &user])
        }
        (password, _) => password,
    };
    if let Some(password) = password {
        config.password(password);
    }
    config.host(host).port(port).dbname(database).user(user);
    config.ssl_mode(match text("PGSSLMODE")?.as_deref() {
        Some("disable") => SslMode::Disable,
        None | Some("prefer" | "allow") => SslMode::Prefer,
        Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(_) => return Err("PGSSLMODE must be disable, prefer or require".to_owned()),
    });
    Ok(config)
}

/// The password for this server in lines of `host:port:database:user:password`, where `*` fits everything and `\:` is a
/// colon: the first that fits.
fn password(lines: &str, server: [&str; 4]) -> Option<String> {
    lines.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line).into_iter();
        // A socket's directory is localhost there.
        let fits = |field: &str, wanted: &str| {
            field == "*" || field == wanted || (wanted.starts_with('/') && field == "localhost")
        };
        let all = server.iter().all(|wanted| fields.next().is_some_and(|field| fits(&field, wanted)));
        all.then(|| fields.next()).flatten()
    })
}

/// The five fields of a line; the last one may have colons in it.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut characters) = (vec![String::new()], line.chars());
    while let Some(character) = characters.next() {
        let ends = character == ':' && fields.len() < 5;
        if ends {
            fields.push(String::new());
        } else if let Some(field) = fields.last_mut() {
            field.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::password;

    #[test]
    fn a_password_is_that_of_the_first_line_that_fits() {
        let lines = "# db:5432:app:worker:commented\n\
            other:5432:app:worker:a\n\
            db:5433:app:worker:b\n\
            db:5432:app:worker\n\
            db:*:app:worker:c:d\\\\e\\:f\n\
            localhost:*:a\\:b:*:g\n\
            *:*:*:*:h\n";
        for (server, found) in [
            (["db", "5432", "app", "worker"], "c:d\\e:f"),
            (["db", "5433", "app", "worker"], "b"),
            (["/run/postgresql", "5432", "a:b", "worker"], "g"),
            (["db", "5432", "app", "other"], "h"),
        ] {
            assert_eq!(password(lines, server).as_deref(), Some(found), "{server:?}");
        }
        assert_eq!(password("db:5432:app:worker:x", ["db", "5432", "app", "other"]), None);
    }
}
