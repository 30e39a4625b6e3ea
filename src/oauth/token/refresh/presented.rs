//! A refresh token as it comes: one of the store's own, or one of another store that was imported.

use crate::kernel::crypto::token_text::{self, Digest, RefreshToken};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::id::Id;
use crate::oauth::grant::Family;
use crate::oauth::token::imported;

/// A refresh token as presented, with its digests computed once.
pub struct PresentedToken<'a> {
    pub grant_id: Id,
    pub whole: Digest,
    pub form: Form<'a>,
}

/// What kind of refresh token was presented.
pub enum Form<'a> {
    /// One of the store's own, with the digest of its family secret.
    Native { token: RefreshToken, family: Digest },
    /// Another store's text, found by its digest: it proves itself, because only a holder knows the text.
    Imported(&'a str),
}

impl<'a> PresentedToken<'a> {
    /// The refresh token of this text; None if it is not a refresh token, or is one of another store that was not
    /// imported.
    pub fn read(snapshot: &Snapshot, text: Option<&'a str>) -> Result<Option<Self>, Mistake> {
        let Some(text) = text else { return Ok(None) };
        if let Some(token) = RefreshToken::parse(Some(text)) {
            let (grant_id, whole) = (token.id(), token_text::digest(text));
            let family = token.family_digest();
            return Ok(Some(Self { grant_id, whole, form: Form::Native { token, family } }));
        }
        let found = imported::find(snapshot, text)?;
        Ok(found.map(|(grant_id, whole)| Self { grant_id, whole, form: Form::Imported(text) }))
    }

    /// Whether it has the secret of this family.
    pub fn is_of(&self, family: &Family) -> bool {
        match &self.form {
            Form::Native { family: presented, .. } => {
                token_text::digest_matches(presented, &family.family_digest)
            }
            Form::Imported(_) => true,
        }
    }

    /// What its successor is sealed under.
    pub fn key_material(&self) -> &[u8] {
        match &self.form {
            Form::Native { token, .. } => token.key_material(),
            Form::Imported(text) => text.as_bytes(),
        }
    }
}
