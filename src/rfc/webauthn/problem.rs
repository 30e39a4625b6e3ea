//! What every part of an answer is read with, and what can be wrong with it.

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Without padding; what is read may have it, because some programs between a browser and here add it.
pub const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// This part of it is missing or malformed.
    Malformed(&'static str),
    /// It is of the other ceremony.
    Type,
    /// Made by a page of another origin, or in another origin's frame.
    Origin,
    /// Made for another relying party.
    RelyingParty,
    /// Nobody was there, or was verified.
    User,
    /// Backed up, although the credential cannot be.
    Backup,
    /// The key is of an algorithm that was not offered.
    Algorithm,
}
