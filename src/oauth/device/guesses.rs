//! The cap on wrong user codes (RFC 8628 section 5.1): a user code is short, so guessing must be slow.
//!
//! Only wrong codes count, for the network they come from (a /24 of IPv4, a /64 of IPv6) and for the tenant. Over
//! either cap the call is refused before it looks at a code. So many log-ins never make the store refuse a right code,
//! and once the cap is reached a refusal says nothing about the guess.
//!
//! Anybody with many networks can use up the tenant's cap. Then a network from which a user has approved a request
//! lately still gets through, with its own cap and one that all such networks share, as large as the tenant's. So the
//! store answers at most twice what the setting says, and using up the second cap takes accounts, which the trail
//! names.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::Timestamp;
use crate::limit::{self, HOUR};
use crate::trail::Context;

/// How many wrong user codes an hour the store answers for one network.
pub static PER_NETWORK: Setting<i32> = Setting::number(
    c"auth_store.user_code_guesses_per_network",
    20,
    1..=1_000_000,
    c"How many wrong user codes an hour are answered to one network.",
    c"A network is a /24 of IPv4 or a /64 of IPv6 (RFC 8628 section 5.1).",
);

/// How many wrong user codes an hour the store answers in one tenant.
pub static PER_TENANT: Setting<i32> = Setting::number(
    c"auth_store.user_code_guesses_per_tenant",
    3600,
    1..=1_000_000,
    c"How many wrong user codes an hour are answered in one tenant.",
    c"Against guesses from many networks (RFC 8628 section 5.1). Networks from which a user has approved a request \
      within 30 days have as many more together.",
);

const OF_TENANT: &str = "user_code";

/// The cap that known networks share where the tenant's is used up.
const OF_KNOWN: &str = "user_code:known";

const DAY: i64 = 86_400;

/// Seconds for which a network is known after an approval.
const KNOWN: i64 = 30 * DAY;

/// The seconds to wait where the network or the tenant has had too many wrong codes.
pub fn wait(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<Option<i32>, Mistake> {
    let network = of_network(context);
    let mut wait = 0;
    if let Some(key) = &network {
        wait = limit::retry_after(now, tenant_id, key, PER_NETWORK.get(), HOUR)?;
    }
    let per_tenant = PER_TENANT.get();
    let mut of_all = limit::retry_after(now, tenant_id, OF_TENANT, per_tenant, HOUR)?;
    if of_all > 0 && is_known(now, tenant_id, network.as_deref())? {
        of_all = limit::retry_after(now, tenant_id, OF_KNOWN, per_tenant, HOUR)?;
    }
    wait = wait.max(of_all);
    Ok((wait > 0).then_some(wait))
}

/// Counts a wrong code. The network first, as everywhere: where the limits are in the table, its row is locked before
/// the row that all share.
pub fn count(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<(), Mistake> {
    let network = of_network(context);
    if let Some(key) = &network {
        limit::hit(now, tenant_id, key, PER_NETWORK.get(), HOUR, 1)?;
    }
    let per_tenant = PER_TENANT.get();
    let counted = limit::hit(now, tenant_id, OF_TENANT, per_tenant, HOUR, 1)?.allowed;
    if !counted && is_known(now, tenant_id, network.as_deref())? {
        limit::hit(now, tenant_id, OF_KNOWN, per_tenant, HOUR, 1)?;
    }
    Ok(())
}

/// Notes that a user has approved a request from this network; once a day is enough.
pub fn know(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<(), Mistake> {
    let Some(key) = of_network(context).map(|network| known(&network)) else { return Ok(()) };
    match limit::noted(now, tenant_id, &key, KNOWN)? {
        Some(left) if i64::from(left) > KNOWN - DAY => Ok(()),
        _ => limit::note(now, tenant_id, &key, KNOWN),
    }
}

fn is_known(now: Timestamp, tenant_id: &str, network: Option<&str>) -> Result<bool, Mistake> {
    match network {
        Some(network) => Ok(limit::noted(now, tenant_id, &known(network), KNOWN)?.is_some()),
        None => Ok(false),
    }
}

fn known(network: &str) -> String {
    format!("{network}:known")
}

/// Whether the audit trail should say that this network is over the cap.
pub fn audit_due(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<bool, Mistake> {
    limit::audit_due(now, tenant_id, of_network(context).as_deref().unwrap_or(OF_TENANT))
}

/// None where the application did not say where the request came from.
fn of_network(context: &Context<'_>) -> Option<String> {
    Some(format!("{OF_TENANT}:{}", context.ip.as_ref()?.subnet_name()?))
}
