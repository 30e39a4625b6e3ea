//! The cap on wrong user codes (RFC 8628 section 5.1): a user code is short, so whoever guesses must be slow.
//!
//! Wrong ones alone are counted, for the network they come from (a /24 of IPv4, a /64 of IPv6) and for the
//! tenant; who is over either cap is refused before a code is looked at. So a right code is never refused because
//! many have logged in, and guesses that miss say nothing once the cap is reached.

use crate::audit::Context;
use crate::kernel::clock::Timestamp;
use crate::kernel::outcome::Mistake;
use crate::kernel::settings;
use crate::limit::{self, HOUR};

const OF_TENANT: &str = "user_code";

/// The seconds to wait where the network or the tenant has had too many wrong codes.
pub fn wait(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<Option<i32>, Mistake> {
    let per_tenant = settings::user_code_guesses_per_tenant();
    let mut wait = limit::retry_after(now, tenant_id, OF_TENANT, per_tenant, HOUR)?;
    if let Some(key) = of_network(context) {
        let per_network = settings::user_code_guesses_per_network();
        wait = wait.max(limit::retry_after(now, tenant_id, &key, per_network, HOUR)?);
    }
    Ok((wait > 0).then_some(wait))
}

/// Counts a wrong code. The network first, as everywhere: its row, where the limits are in the table, is
/// locked before the one that all share.
pub fn count(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<(), Mistake> {
    if let Some(key) = of_network(context) {
        limit::hit(now, tenant_id, &key, settings::user_code_guesses_per_network(), HOUR, 1)?;
    }
    limit::hit(now, tenant_id, OF_TENANT, settings::user_code_guesses_per_tenant(), HOUR, 1)?;
    Ok(())
}

/// Whether the audit trail should say that somebody of this network is over the cap.
pub fn is_to_be_told(now: Timestamp, tenant_id: &str, context: &Context<'_>) -> Result<bool, Mistake> {
    limit::is_to_be_told(now, tenant_id, of_network(context).as_deref().unwrap_or(OF_TENANT))
}

/// None where the application did not say where the request came from.
fn of_network(context: &Context<'_>) -> Option<String> {
    Some(format!("{OF_TENANT}:{}", context.ip.as_ref()?.subnet_name()?))
}
