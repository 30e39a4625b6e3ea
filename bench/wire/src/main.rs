//! An application over the wire: N connections in a closed loop, either doing the classic flow with its own statements
//! in BEGIN … COMMIT and its own hashing, or calling auth_store. Prints what it measured as one line of JSON; any
//! refusal ends it with an error, so that refusals never count as speed.

mod classic;
mod measure;
mod store;

use std::time::Duration;

use tokio_postgres::{Client, NoTls};

pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Outcome<T> = Result<T, Error>;

/// What the command line asks for.
#[derive(Clone)]
pub struct Plan {
    pub flow: String,
    pub operation: String,
    pub clients: usize,
    pub seconds: f64,
    pub tokens: i64,
    pub users: i64,
    /// Calls a second over all connections; 0 is as fast as they go.
    pub rate: f64,
    /// Where to write each call's end (microseconds since 1970) and latency (microseconds).
    pub samples: Option<String>,
    /// Presents what was never issued: the run has to fail.
    pub spoil: bool,
}

pub const IP: &str = "198.51.100.7";
pub const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4";
pub const REDIRECT_URI: &str = "https://app.example/callback";
/// RFC 7636 appendix B
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// One connection's part of an operation.
pub trait Work: Send {
    /// One call; an error or a refusal is an Err.
    fn call(&mut self, client: &mut Client) -> impl Future<Output = Outcome<()>> + Send;
}

/// A number below `bound`, from the operating system's generator.
pub fn random_below(bound: i64) -> Outcome<i64> {
    let n = u64::from_be_bytes(random::<8>()?) % u64::try_from(bound)?;
    Ok(i64::try_from(n)?)
}

pub fn random<const N: usize>() -> Outcome<[u8; N]> {
    use rand::TryRngCore;
    let mut bytes = [0; N];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Connects to the socket that PGHOST, PGPORT, PGUSER and PGDATABASE name.
pub async fn connect() -> Outcome<Client> {
    let mut config = tokio_postgres::Config::new();
    let read = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    config
        .host_path(read("PGHOST")?)
        .port(read("PGPORT")?.parse()?)
        .user(read("PGUSER")?)
        .dbname(read("PGDATABASE")?);
    if let Ok(options) = std::env::var("PGOPTIONS") {
        config.options(options);
    }
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            eprintln!("connection: {error}");
        }
    });
    Ok(client)
}

fn read_plan() -> Outcome<Plan> {
    let mut plan = Plan {
        flow: String::new(),
        operation: String::new(),
        clients: 1,
        seconds: 1.0,
        tokens: 1000,
        users: 1000,
        rate: 0.0,
        samples: None,
        spoil: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--spoil" {
            plan.spoil = true;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--flow" => plan.flow = value,
            "--operation" => plan.operation = value,
            "--clients" => plan.clients = value.parse()?,
            "--seconds" => plan.seconds = value.parse()?,
            "--tokens" => plan.tokens = value.parse()?,
            "--users" => plan.users = value.parse()?,
            "--rate" => plan.rate = value.parse()?,
            "--samples" => plan.samples = Some(value),
            _ => return Err(format!("unknown option {word}").into()),
        }
    }
    Ok(plan)
}

fn main() -> Outcome<()> {
    let plan = read_plan()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(async {
        match plan.flow.as_str() {
            "classic" => measure::run(&plan, classic::Classic::prepare).await,
            "store" => measure::run(&plan, store::Store::prepare).await,
            other => Err(format!("unknown flow {other}").into()),
        }
    })?;
    println!("{}", report.json());
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}
