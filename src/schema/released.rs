//! What the definitions of 0.1.0 call where today's function has another symbol, which the library of 0.1.0 lacks.
//! After an update a session may still have that library. There these functions would do harm with today's
//! definitions: `user_create()` would take metadata of any type for a jsonb, `check()` would answer a row with a
//! column too few.

use crate::kernel::outcome::{Mistake, OrRaise};
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn user_create() -> bool {
    Err(Mistake::DefinitionDiffers).or_raise()
}

#[pg_extern(sql = false)]
fn check() -> bool {
    Err(Mistake::DefinitionDiffers).or_raise()
}
