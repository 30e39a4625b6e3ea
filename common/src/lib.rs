//! What the programs beside the database share: settings, the way to the server, requests to servers of strangers.

pub mod address;
pub mod scrape;
pub mod send;
pub mod server;
pub mod settings;
pub mod stop;
pub mod tls;

use std::io::Write;

/// A line for the operator, on the standard output. Nobody has to read it.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// An error of the database in one line, without its context, which may hold the values of parameters.
pub fn why(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("database: {} {}", error.code().code(), error.message()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("database: {error}: {cause}"),
            None => format!("database: {error}"),
        },
    }
}
