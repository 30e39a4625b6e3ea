//! Verifies a password each time a line comes in, by the crate that the store uses and with nothing around it. Prints
//! the seconds that it took.

use std::time::Instant;

use argon2::{Argon2, PasswordHash, PasswordVerifier};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(hash), Some(password)) = (words.next(), words.next()) else {
        return Err("usage: auth_store_bench_login HASH PASSWORD".into());
    };
    let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
    // The costs are those of the hash.
    let argon2 = Argon2::default();
    for line in std::io::stdin().lines() {
        line?;
        #[allow(clippy::disallowed_methods)] // a benchmark measures
        let began = Instant::now();
        argon2.verify_password(password.as_bytes(), &hash).map_err(|error| error.to_string())?;
        println!("{:.9}", began.elapsed().as_secs_f64());
    }
    Ok(())
}
