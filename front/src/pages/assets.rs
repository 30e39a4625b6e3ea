//! The files of the pages.

use hyper::header::{CACHE_CONTROL, HeaderName};

use crate::answer::Answer;

const FILES: [(&str, &str, &str); 2] = [
    ("/assets/style.css", "text/css; charset=utf-8", include_str!("../../assets/style.css")),
    ("/assets/passkey.js", "text/javascript; charset=utf-8", include_str!("../../assets/passkey.js")),
];

/// The file at a path. It is asked for anew after an hour, as a newer front may have another.
pub fn asset(path: &str) -> Option<Answer> {
    let (_, kind, text) = FILES.iter().find(|(name, ..)| *name == path)?;
    let answer = Answer::new(200, kind, *text).with(CACHE_CONTROL, "public, max-age=3600");
    Some(answer.with(HeaderName::from_static("x-content-type-options"), "nosniff"))
}
