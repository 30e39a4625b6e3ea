//! The settings `auth_store.*`: each is a `static` beside what it decides, and one list in lib.rs has them all. Only
//! superusers can set them, because each loosens or pins something.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::ops::RangeInclusive;

use pgrx::guc::GucValue;
use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

use crate::kernel::server::placeholder::Placeholder;
use crate::kernel::server::state;

/// A setting: its name, bounds, unit and description, said once, and its value.
pub struct Setting<T: GucValue> {
    name: &'static CStr,
    /// What the setting is, in one sentence.
    short: &'static CStr,
    /// Further facts.
    long: &'static CStr,
    context: Context,
    unit: Unit,
    /// Of a number.
    bounds: RangeInclusive<i32>,
    /// Of a text that the library itself sets.
    hooks: Option<Hooks>,
    value: GucSetting<T>,
}

/// What the server asks before it takes a text, and tells when it has taken one.
#[derive(Clone, Copy)]
pub struct Hooks {
    pub check: pg_sys::GucStringCheckHook,
    pub assign: pg_sys::GucStringAssignHook,
}

/// Who sets it, and when.
#[derive(Clone, Copy)]
enum Context {
    /// A superuser, at any time.
    Superuser,
    /// The server's operator, in the configuration; only superusers see it.
    Configuration,
    /// The server's operator, before the start.
    Start,
    /// The library; only superusers see it.
    Library,
}

#[derive(Clone, Copy)]
enum Unit {
    None,
    Kilobyte,
    Millisecond,
    Second,
    Minute,
}

impl Setting<i32> {
    /// A number of something.
    pub const fn number(
        name: &'static CStr,
        default: i32,
        bounds: RangeInclusive<i32>,
        short: &'static CStr,
        long: &'static CStr,
    ) -> Self {
        let (context, unit) = (Context::Superuser, Unit::None);
        let (hooks, value) = (None, GucSetting::<i32>::new(default));
        Self { name, short, long, context, unit, bounds, hooks, value }
    }

    /// So many kilobytes.
    pub const fn kilobytes(
        name: &'static CStr,
        default: i32,
        bounds: RangeInclusive<i32>,
        short: &'static CStr,
        long: &'static CStr,
    ) -> Self {
        Self { unit: Unit::Kilobyte, ..Self::number(name, default, bounds, short, long) }
    }

    /// A time of so many milliseconds.
    pub const fn milliseconds(
        name: &'static CStr,
        default: i32,
        bounds: RangeInclusive<i32>,
        short: &'static CStr,
        long: &'static CStr,
    ) -> Self {
        Self { unit: Unit::Millisecond, ..Self::number(name, default, bounds, short, long) }
    }

    /// A time of so many seconds.
    pub const fn seconds(
        name: &'static CStr,
        default: i32,
        bounds: RangeInclusive<i32>,
        short: &'static CStr,
        long: &'static CStr,
    ) -> Self {
        Self { unit: Unit::Second, ..Self::number(name, default, bounds, short, long) }
    }

    /// A time of so many minutes.
    pub const fn minutes(
        name: &'static CStr,
        default: i32,
        bounds: RangeInclusive<i32>,
        short: &'static CStr,
        long: &'static CStr,
    ) -> Self {
        Self { unit: Unit::Minute, ..Self::number(name, default, bounds, short, long) }
    }

    /// Set before the server's start. Without preloading it has no effect, but it is defined anyway, so that the server
    /// does not warn about the line in postgresql.conf.
    pub const fn at_start(self) -> Self {
        Self { context: Context::Start, ..self }
    }

    /// The number, in the setting's own unit.
    pub fn get(&self) -> i32 {
        self.value.get()
    }

    /// The time in microseconds.
    pub fn in_micros(&self) -> i64 {
        i64::from(self.get())
            * match self.unit {
                Unit::None | Unit::Kilobyte => 0,
                Unit::Millisecond => 1000,
                Unit::Second => 1_000_000,
                Unit::Minute => 60_000_000,
            }
    }

    /// The time in whole seconds.
    pub fn in_seconds(&self) -> i64 {
        self.in_micros() / 1_000_000
    }

    /// The least and the most it can be, in its own unit.
    pub fn bounds(&self) -> RangeInclusive<i64> {
        i64::from(*self.bounds.start())..=i64::from(*self.bounds.end())
    }
}

impl Setting<bool> {
    /// A switch.
    pub const fn switch(
        name: &'static CStr,
        default: bool,
        short: &'static CStr,
        long: &'static CStr,
    ) -> Self {
        let (context, unit, value) = (Context::Superuser, Unit::None, GucSetting::<bool>::new(default));
        Self { name, short, long, context, unit, bounds: 0..=0, hooks: None, value }
    }

    /// Whether it is on.
    pub fn get(&self) -> bool {
        self.value.get()
    }
}

impl Setting<Option<CString>> {
    /// A text that is not set by default.
    pub const fn text(name: &'static CStr, short: &'static CStr, long: &'static CStr) -> Self {
        let (context, unit) = (Context::Superuser, Unit::None);
        let value = GucSetting::<Option<CString>>::new(None);
        Self { name, short, long, context, unit, bounds: 0..=0, hooks: None, value }
    }

    /// Set only in the server's configuration, and seen only by superusers.
    pub const fn of_configuration(self) -> Self {
        Self { context: Context::Configuration, ..self }
    }

    /// Set by the library alone, as these say; only superusers see it.
    pub const fn of_the_library(self, hooks: Hooks) -> Self {
        Self { context: Context::Library, hooks: Some(hooks), ..self }
    }

    /// The text, valid until the next statement; None if the setting is not set or empty.
    pub fn get<'a>(&self) -> Option<&'a CStr> {
        // SAFETY: the server keeps the setting's value as a C string until the setting changes, which
        // cannot happen while a function of this library runs.
        let value = unsafe { *self.value.as_ptr() };
        if value.is_null() {
            return None;
        }
        // SAFETY: as above; it is not null.
        Some(unsafe { CStr::from_ptr(value) }).filter(|text| !text.is_empty())
    }
}

impl<T: GucValue> Setting<T> {
    /// Whether somebody has set it for this database, or in this session. What the server says, or a role for all its
    /// databases, was not said of this one.
    pub fn is_meant_here(&self) -> bool {
        use pg_sys::GucSource::{PGC_S_DATABASE, PGC_S_USER};
        let source = self.source();
        source >= PGC_S_DATABASE && source != PGC_S_USER
    }

    /// True if its value holds for everybody in this database and is not a role's or a session's own.
    pub fn is_everybodys(&self) -> bool {
        self.source() <= pg_sys::GucSource::PGC_S_DATABASE
    }

    fn source(&self) -> pg_sys::GucSource::Type {
        match state::setting(self.name) {
            // SAFETY: a setting of the server.
            Some(setting) => unsafe { (*setting).source },
            None => pg_sys::GucSource::PGC_S_DEFAULT,
        }
    }
}

impl Context {
    fn of_the_server(self) -> GucContext {
        match self {
            Self::Superuser | Self::Library => GucContext::Suset,
            Self::Start if state::is_preloading() => GucContext::Postmaster,
            Self::Configuration | Self::Start => GucContext::Sighup,
        }
    }

    fn flags(self) -> GucFlags {
        match self {
            Self::Configuration => GucFlags::SUPERUSER_ONLY,
            Self::Library => GucFlags::SUPERUSER_ONLY | GucFlags::DISALLOW_IN_FILE,
            Self::Superuser | Self::Start => GucFlags::empty(),
        }
    }
}

/// A setting of any kind, for the list of all.
pub trait Listed: Sync {
    /// `auth_store.…`
    fn name(&self) -> &'static CStr;

    /// Makes it known to the server.
    fn define(&'static self);
}

impl Listed for Setting<i32> {
    fn name(&self) -> &'static CStr {
        self.name
    }

    fn define(&'static self) {
        let unit = match self.unit {
            Unit::None => GucFlags::empty(),
            Unit::Kilobyte => GucFlags::UNIT_KB,
            Unit::Millisecond => GucFlags::UNIT_MS,
            Unit::Second => GucFlags::UNIT_S,
            Unit::Minute => GucFlags::UNIT_MIN,
        };
        let (least, most) = (*self.bounds.start(), *self.bounds.end());
        let (context, flags) = (self.context.of_the_server(), self.context.flags() | unit);
        GucRegistry::define_int_guc(
            self.name,
            self.short,
            self.long,
            &self.value,
            least,
            most,
            context,
            flags,
        );
    }
}

impl Listed for Setting<bool> {
    fn name(&self) -> &'static CStr {
        self.name
    }

    fn define(&'static self) {
        let (context, flags) = (self.context.of_the_server(), self.context.flags());
        GucRegistry::define_bool_guc(self.name, self.short, self.long, &self.value, context, flags);
    }
}

impl Listed for Setting<Option<CString>> {
    fn name(&self) -> &'static CStr {
        self.name
    }

    fn define(&'static self) {
        let (context, flags) = (self.context.of_the_server(), self.context.flags());
        let Some(hooks) = self.hooks else {
            GucRegistry::define_string_guc(self.name, self.short, self.long, &self.value, context, flags);
            return;
        };
        // SAFETY: C strings and the place of a value that live as long as the library; null is no value.
        unsafe {
            pg_sys::DefineCustomStringVariable(
                self.name.as_ptr(),
                self.short.as_ptr(),
                self.long.as_ptr(),
                self.value.as_ptr(),
                std::ptr::null(),
                context as pg_sys::GucContext::Type,
                flags.bits(),
                hooks.check,
                hooks.assign,
                None,
            );
        }
    }
}

/// Registers the settings with the server. Called once, when the library is loaded.
pub fn define(all: &[&'static dyn Listed]) {
    let placeholders: Vec<_> = all.iter().filter_map(|setting| Placeholder::of(setting.name())).collect();
    outside_parallel_mode(|| all.iter().for_each(|setting| setting.define()));
    // SAFETY: the prefix is a valid C string; the server copies it.
    unsafe { pg_sys::MarkGUCPrefixReserved(c"auth_store".as_ptr()) };
    for placeholder in placeholders {
        placeholder.prove();
    }
}

/// A session's first call may be made in a parallel query, in which the server changes no setting, and so would not
/// carry over the values that the session began with, which the leader and all its workers have. So parallel mode is
/// left for that moment. A server built with assertions forbids that while workers run: there the session ends, see
/// [`Placeholder::prove`].
fn outside_parallel_mode(define: impl FnOnce()) {
    let mut left = 0;
    // SAFETY: levels of this backend's own, entered again as often as they were left; an error ends the transaction,
    // and with it the mode. No subtransaction is about, which would count levels of its own.
    unsafe {
        while pg_sys::IsInParallelMode()
            && pg_sys::GetCurrentTransactionNestLevel() == 1
            && !(pg_sys::ParallelContextActive() && has_assertions())
        {
            pg_sys::ExitParallelMode();
            left += 1;
        }
        define();
        for _ in 0..left {
            pg_sys::EnterParallelMode();
        }
    }
}

fn has_assertions() -> bool {
    // SAFETY: a setting of every server; its text is the server's own.
    unsafe {
        let value = pg_sys::GetConfigOption(c"debug_assertions".as_ptr(), true, false);
        !value.is_null() && CStr::from_ptr(value) != c"off"
    }
}
