//! The devices of a user, for the user's own page.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::login::devices;
use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event};

row! {
    /// What is shown of a device.
    pub struct Shown {
        device_id: Option<Id>,
        first_seen_at: Option<Timestamp>,
        last_seen_at: Option<Timestamp>,
        trusted_until: Option<Timestamp>,
        has_token: Option<bool>,
        ip: Option<Inet>,
        user_agent: Option<String>,
    }
    returned
}

composite! {
    /// A row of user_device_list().
    pub struct UserDevice = "auth_store.user_device" {
        pub shown: Shown,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_device_list(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, UserDevice> {
    let since = clock::now().plus_seconds(-devices::RETENTION.in_seconds());
    let devices = given(user_id, "user_id").and_then(|user_id| LIST.all(&params![Id::from(user_id), since]));
    SetOfIterator::new(devices.or_raise().into_iter().map(|shown| UserDevice { shown }))
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_device_forget(
    user_id: Option<pgrx::Uuid>,
    device_id: Option<pgrx::Uuid>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> bool {
    let context = Context { ip, user_agent };
    forget(clock::now(), user_id.map(Id::from), device_id.map(Id::from), &context).or_raise()
}

static LIST: Statement<Shown> = Statement::read(
    c"SELECT id AS device_id, first_seen_at, last_seen_at, trusted_until, digest IS NOT NULL AS has_token, ip,
             user_agent
        FROM auth_store.devices WHERE user_id = $1 AND last_seen_at > $2 ORDER BY last_seen_at DESC, id DESC",
);

fn forget(
    now: Timestamp,
    user_id: Option<Id>,
    device_id: Option<Id>,
    context: &Context<'_>,
) -> Result<bool, Mistake> {
    let user_id = given(user_id, "user_id")?;
    let device_id = given(device_id, "device_id")?;
    let tenant_id = user::tenant_of(user_id)?;
    if !devices::forget_one(device_id, user_id, &tenant_id)? {
        return Ok(false);
    }
    let resource_id = device_id.to_string();
    trail::record(
        now,
        &Event {
            event: "login.device_forgotten",
            tenant_id: &tenant_id,
            user_id: Some(user_id),
            resource_type: Some("device"),
            resource_id: Some(&resource_id),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(true)
}
