//! What a parser is given and gives, and what parsers share.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::super::hash::{Form, Function, Hash};

/// What the parser of a format finds.
pub struct Found {
    /// the hash
    pub hash: Hash,
    /// the secret that goes into it
    pub pepper: Option<Zeroizing<Vec<u8>>>,
}

/// What the parser of a format is given beside the text.
pub struct Given<'a> {
    /// the secret, if one is given
    pub pepper: Option<&'a [u8]>,
    /// the parameters, if some are given
    pub parameters: Option<&'a Map<String, Value>>,
}

impl Given<'_> {
    /// The pepper to keep.
    pub fn pepper(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.pepper.map(|pepper| Zeroizing::new(pepper.to_vec()))
    }

    /// A parameter under one of its names.
    pub fn get(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.parameters?.get(*name))
    }

    /// A parameter that is text.
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        self.get(names)?.as_str()
    }

    /// A parameter that is a number, if it is given.
    pub fn number(&self, names: &[&str], default: u32) -> Option<u32> {
        self.get(names).map_or(Some(default), |value| u32::try_from(value.as_u64()?).ok())
    }

    /// Whether all parameters have one of these names.
    pub fn has_only(&self, names: &[&str]) -> bool {
        self.parameters.is_none_or(|parameters| parameters.keys().all(|key| names.contains(&key.as_str())))
    }
}

/// A hash of what was typed, without a pepper.
pub fn typed(function: Function, salt: Vec<u8>, digest: Vec<u8>) -> Hash {
    Hash { form: Form::Typed, pepper: None, function, salt, digest }
}

/// The parts of a text between these characters, as many as asked for.
pub fn parts<const N: usize>(text: &str, between: char) -> Option<[&str; N]> {
    text.split(between).collect::<Vec<_>>().try_into().ok()
}
