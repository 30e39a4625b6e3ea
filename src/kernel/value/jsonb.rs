//! JSON documents as PostgreSQL passes them: kept as they are, numbers to the last digit, and parsed
//! only where the store reads them. A document that nothing here can parse (a number beyond a double, a
//! thousand levels) is then an answer, not a panic.

#![allow(unsafe_code)]

use std::ffi::CStr;

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum, direct_function_call, impl_sql_translatable};

use crate::kernel::outcome::Mistake;
use crate::kernel::value::varlena::{argument, varlena};

/// A `jsonb`: its bytes as on disk, without the length word.
#[derive(Clone, PartialEq, Eq)]
pub struct Jsonb(Vec<u8>);

varlena!(Jsonb = "jsonb", JSONBOID);

/// The bit of a jsonb's first word that says "object".
const OBJECT: u32 = 0x2000_0000;

impl Jsonb {
    /// The document `{}`.
    pub fn empty_object() -> Self {
        Self(OBJECT.to_ne_bytes().to_vec())
    }

    /// The document of a Rust value.
    pub fn of(value: &serde_json::Value) -> Option<Self> {
        Self::read(&value.to_string())
    }

    /// The object of these members, whose values are texts. They must be in the order that a jsonb has: the shorter
    /// names first, and those of one length by their bytes.
    pub fn of_texts(members: &[(&str, &str)]) -> Self {
        const ENDS_AT: u32 = 0x8000_0000;
        let count = |number: usize| u32::try_from(number).unwrap_or(0);
        let texts = || members.iter().map(|(name, _)| *name).chain(members.iter().map(|(_, value)| *value));
        let mut bytes = (OBJECT | count(members.len())).to_ne_bytes().to_vec();
        let mut end = 0;
        for (n, text) in texts().enumerate() {
            end += text.len();
            // Every 32nd entry says where its text ends, the others how long it is.
            let entry = if n % 32 == 0 { ENDS_AT | count(end) } else { count(text.len()) };
            bytes.extend_from_slice(&entry.to_ne_bytes());
        }
        texts().for_each(|text| bytes.extend_from_slice(text.as_bytes()));
        Self(bytes)
    }

    /// Reads a text as a document; the server's own error (22P02) if it is malformed.
    pub fn read(text: &str) -> Option<Self> {
        let text = std::ffi::CString::new(text).ok()?;
        // SAFETY: jsonb_in takes a C string and returns a jsonb.
        unsafe { direct_function_call(pg_sys::jsonb_in, &[text.as_c_str().into_datum()]) }
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        self.0.first_chunk().is_some_and(|word| u32::from_ne_bytes(*word) & OBJECT != 0)
    }

    /// Whether it is an array. On disk a scalar is one too.
    pub fn is_array(&self) -> bool {
        const ARRAY: u32 = 0x4000_0000;
        const SCALAR: u32 = 0x1000_0000;
        self.0.first_chunk().is_some_and(|word| u32::from_ne_bytes(*word) & (ARRAY | SCALAR) == ARRAY)
    }

    /// Whether it is the JSON null. On disk a scalar is an array of one value, here of type null.
    pub fn is_null(&self) -> bool {
        const SCALAR_OF_ONE: u32 = 0x5000_0001;
        const TYPE_MASK: u32 = 0x7000_0000;
        const NULL_ENTRY: u32 = 0x4000_0000;
        let word = |at: usize| self.0.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word));
        word(0) == Some(SCALAR_OF_ONE) && word(4).is_some_and(|entry| entry & TYPE_MASK == NULL_ENTRY)
    }

    /// How many bytes it takes in a table, before compression.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The value of an object's key.
    pub fn get(&self, key: &str) -> Option<Self> {
        // SAFETY: jsonb_object_field takes a jsonb and a text, and returns a jsonb or NULL.
        unsafe {
            direct_function_call(pg_sys::jsonb_object_field, &[self.clone().into_datum(), key.into_datum()])
        }
    }

    /// The object without this key.
    pub fn without(&self, key: &str) -> Option<Self> {
        // SAFETY: jsonb_delete takes a jsonb object and a text, and returns a jsonb.
        unsafe { direct_function_call(pg_sys::jsonb_delete, &[self.clone().into_datum(), key.into_datum()]) }
    }

    /// The object without these keys.
    pub fn without_all(&self, keys: &[&str]) -> Option<Self> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        // SAFETY: jsonb_delete_array takes a jsonb object and a text[], and returns a jsonb.
        unsafe {
            direct_function_call(pg_sys::jsonb_delete_array, &[self.clone().into_datum(), keys.into_datum()])
        }
    }

    /// The members of both objects; where both have one, the other's.
    pub fn overlaid(&self, other: &Self) -> Option<Self> {
        // SAFETY: jsonb_concat takes two jsonb and returns a jsonb.
        unsafe {
            direct_function_call(
                pg_sys::jsonb_concat,
                &[self.clone().into_datum(), other.clone().into_datum()],
            )
        }
    }

    /// The object with this key set to this value.
    pub fn with(&self, key: &str, value: &Self) -> Option<Self> {
        let path = vec![key.to_owned()].into_datum();
        // SAFETY: jsonb_set takes a jsonb, a text[], a jsonb and a boolean, and returns a jsonb.
        unsafe {
            direct_function_call(
                pg_sys::jsonb_set,
                &[self.clone().into_datum(), path, value.clone().into_datum(), true.into_datum()],
            )
        }
    }

    /// The document as the server prints it.
    pub fn text(&self) -> String {
        // SAFETY: jsonb_out takes a jsonb, which is what into_datum() makes of these bytes; it
        // returns a C string.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[self.clone().into_datum()]) };
        text.unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The array with this object alone.
    pub fn in_array(&self) -> Self {
        const ARRAY_OF_ONE: u32 = 0x4000_0001;
        const OBJECT_ENTRY: u32 = 0xd000_0000;
        let length = u32::try_from(self.0.len()).unwrap_or(0);
        let words = [ARRAY_OF_ONE.to_ne_bytes(), (OBJECT_ENTRY | length).to_ne_bytes()];
        Self([words.as_flattened(), &self.0].concat())
    }

    /// Whether documents are contained in this one, as `@>` has it.
    pub fn container(&self) -> impl Fn(&Self) -> bool {
        let datum = self.clone().into_datum();
        move |part| {
            let arguments = [datum, part.clone().into_datum()];
            // SAFETY: jsonb_contains takes two jsonb and returns a boolean.
            let contained: Option<bool> = unsafe { direct_function_call(pg_sys::jsonb_contains, &arguments) };
            contained == Some(true)
        }
    }

    /// Whether it is an array of objects alone, and of at least one.
    pub fn is_array_of_objects(&self) -> bool {
        let parts = parts(&self.0);
        self.is_array() && !parts.is_empty() && parts.iter().all(Part::is_object)
    }

    /// The values of an array; None if it is none.
    pub fn elements(&self) -> Option<Vec<Part<'_>>> {
        self.is_array().then(|| parts(&self.0))
    }

    /// The members of an object; None if it is none.
    pub fn members(&self) -> Option<Vec<(&str, Part<'_>)>> {
        Part { kind: CONTAINER, bytes: &self.0 }.members()
    }

    /// The members of an object, or of the objects of an array, whose values are texts: each name with its text.
    pub fn texts(&self) -> Vec<(&str, &str)> {
        let objects = match self.elements() {
            Some(elements) => elements,
            None => vec![Part { kind: CONTAINER, bytes: &self.0 }],
        };
        let members = objects.iter().filter_map(Part::members).flatten();
        members.filter_map(|(name, value)| Some((name, value.text()?))).collect()
    }

    /// The document as a Rust value; None if it is too deep, or a number in it is too large.
    pub fn parse(&self) -> Option<serde_json::Value> {
        // SAFETY: jsonb_out takes a jsonb, which is what into_datum() makes of these bytes; it
        // returns a C string.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[self.clone().into_datum()]) };
        serde_json::from_slice(text?.to_bytes()).ok()
    }
}

/// A value within an array or an object.
pub struct Part<'a> {
    /// Its type, of [`TYPE_MASK`].
    kind: u32,
    /// Of a text its characters, of a number, an array or object what it is on disk.
    bytes: &'a [u8],
}

/// The bits of an entry of an array or object that say of what type the value is, and the types.
const TYPE_MASK: u32 = 0x7000_0000;
const TEXT: u32 = 0;
const NUMBER: u32 = 0x1000_0000;
const NULL: u32 = 0x4000_0000;
const CONTAINER: u32 = 0x5000_0000;

impl<'a> Part<'a> {
    fn is_object(&self) -> bool {
        self.kind == CONTAINER && word(self.bytes, 0).is_some_and(|word| word & OBJECT != 0)
    }

    /// Whether it is the JSON null.
    pub fn is_null(&self) -> bool {
        self.kind == NULL
    }

    /// A text.
    pub fn text(&self) -> Option<&'a str> {
        (self.kind == TEXT).then(|| std::str::from_utf8(self.bytes).ok()).flatten()
    }

    /// A whole number.
    pub fn integer(&self) -> Option<i32> {
        if self.kind != NUMBER {
            return None;
        }
        // Aligned, as the server reads it.
        let words: Vec<u64> = self.bytes.chunks(8).map(padded).collect();
        let number = pg_sys::Datum::from(words.as_ptr());
        // SAFETY: numeric_out takes a numeric, which these bytes are as a document has them; it returns a C string.
        let text = unsafe { direct_function_call::<&CStr>(pg_sys::numeric_out, &[Some(number)]) };
        text?.to_str().ok()?.parse().ok()
    }

    /// An array or an object as a document of its own.
    pub fn document(&self) -> Option<Jsonb> {
        (self.kind == CONTAINER).then(|| Jsonb(self.bytes.to_vec()))
    }

    /// The values of an array; None if it is none.
    pub fn elements(&self) -> Option<Vec<Part<'a>>> {
        (self.kind == CONTAINER && !self.is_object()).then(|| parts(self.bytes))
    }

    /// The members of an object; None if it is none.
    pub fn members(&self) -> Option<Vec<(&'a str, Part<'a>)>> {
        if !self.is_object() {
            return None;
        }
        let mut keys = parts(self.bytes);
        let values = keys.split_off(keys.len() / 2);
        keys.iter().zip(values).map(|(key, value)| Some((key.text()?, value))).collect()
    }
}

fn padded(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.iter_mut().zip(bytes).for_each(|(word, byte)| *word = *byte);
    u64::from_ne_bytes(word)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

/// The values of an array, or an object's keys and behind them its values in the order of the keys. An entry for each
/// comes first, with the value's length or where it ends; a value that is not a text begins at a multiple of four.
fn parts(container: &[u8]) -> Vec<Part<'_>> {
    const COUNT_MASK: u32 = 0x0fff_ffff;
    const ENDS: u32 = 0x8000_0000;
    let header = word(container, 0).unwrap_or(0);
    let each = if header & OBJECT != 0 { 2 } else { 1 };
    let count = usize::try_from(header & COUNT_MASK).unwrap_or(0).saturating_mul(each);
    let first = count.saturating_mul(4).saturating_add(4);
    let (mut parts, mut end) = (Vec::new(), 0);
    for n in 0..count {
        let Some(entry) = word(container, n * 4 + 4) else { break };
        let (kind, number) = (entry & TYPE_MASK, usize::try_from(entry & COUNT_MASK).unwrap_or(0));
        let start = if kind == TEXT { end } else { usize::next_multiple_of(end, 4) };
        end = if entry & ENDS != 0 { number } else { end + number };
        parts.push(Part { kind, bytes: container.get(first + start..first + end).unwrap_or_default() });
    }
    parts
}

// SAFETY: the result is declared as jsonb, and into_datum() makes one of these bytes.
unsafe impl BoxRet for Jsonb {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: as above; pgrx calls this with the call info of the running function.
        unsafe {
            match self.into_datum() {
                Some(datum) => fcinfo.return_raw_datum(datum),
                None => fcinfo.return_null(),
            }
        }
    }
}

/// An argument that takes a document as `jsonb`, `json` or text. A function call casts neither of the latter two, and a
/// function has one form only; so the argument is declared as of any type, and its type is checked here. A literal and
/// a parameter without a type are then text.
pub enum AnyJson {
    /// The argument as jsonb.
    Document(Jsonb),
    /// A value of a type that holds no document.
    Other,
}

impl_sql_translatable!(AnyJson, "anycompatible");

argument!(AnyJson, Self::Other);

impl AnyJson {
    /// The document; 22023 for a value of another type.
    pub fn document(self, argument: &'static str) -> Result<Jsonb, Mistake> {
        match self {
            Self::Document(document) => Ok(document),
            Self::Other => Err(Mistake::invalid(argument, "a jsonb, a json or a text")),
        }
    }
}

impl FromDatum for AnyJson {
    const GET_TYPOID: bool = true;

    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the value is of the type that the call says, or of the one its domain is over; json and the types of
        // text are stored alike.
        let document = unsafe {
            match pg_sys::getBaseType(oid) {
                pg_sys::JSONBOID => Jsonb::from_datum(datum, false),
                pg_sys::JSONOID | pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID => {
                    <&str>::from_datum(datum, false).and_then(Jsonb::read)
                }
                _ => None,
            }
        };
        Some(document.map_or(Self::Other, Self::Document))
    }
}
