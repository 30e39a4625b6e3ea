//! Pages as texts: what is put into one is escaped unless it is one itself.

use std::fmt::{Display, Formatter, Result};

/// A piece of a page.
#[derive(Clone, Default)]
pub struct Html(pub String);

/// A value that is put into a page.
pub struct Put<'a, T: ?Sized>(pub &'a T);

/// What can be put into a page.
pub trait Piece {
    /// Writes it.
    fn put(&self, page: &mut Formatter<'_>) -> Result;
}

impl<T: Piece + ?Sized> Display for Put<'_, T> {
    fn fmt(&self, page: &mut Formatter<'_>) -> Result {
        self.0.put(page)
    }
}

impl Piece for Html {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        page.write_str(&self.0)
    }
}

impl Piece for str {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        let mut rest = self;
        while let Some(place) = rest.find(['&', '<', '>', '"', '\'']) {
            let (before, after) = rest.split_at(place);
            page.write_str(before)?;
            page.write_str(match after.as_bytes().first() {
                Some(b'&') => "&amp;",
                Some(b'<') => "&lt;",
                Some(b'>') => "&gt;",
                Some(b'"') => "&quot;",
                _ => "&#39;",
            })?;
            rest = after.get(1..).unwrap_or("");
        }
        page.write_str(rest)
    }
}

impl Piece for String {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        self.as_str().put(page)
    }
}

impl<T: Piece + ?Sized> Piece for &T {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        (*self).put(page)
    }
}

impl<T: Piece> Piece for Option<T> {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        self.as_ref().map_or(Ok(()), |piece| piece.put(page))
    }
}

impl<T: Piece> Piece for [T] {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        self.iter().try_for_each(|piece| piece.put(page))
    }
}

impl<T: Piece> Piece for Vec<T> {
    fn put(&self, page: &mut Formatter<'_>) -> Result {
        self.as_slice().put(page)
    }
}

/// A piece of a page: a literal, and what is put where it has braces.
macro_rules! html {
    ($text:literal $(, $piece:expr)* $(,)?) => {
        $crate::pages::html::Html(format!($text $(, $crate::pages::html::Put(&$piece))*))
    };
}
pub(crate) use html;

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn what_is_put_into_a_page_is_escaped_once() {
        let name = "<b>\"A&B's\"</b>ü";
        let inner = html!("<i>{}</i>", name);
        let page =
            html!("<p title=\"{}\">{}{}</p>", name.to_owned(), vec![inner.clone(), inner], None::<Html>);
        let escaped = "&lt;b&gt;&quot;A&amp;B&#39;s&quot;&lt;/b&gt;ü";
        assert_eq!(page.0, format!("<p title=\"{escaped}\"><i>{escaped}</i><i>{escaped}</i></p>"));
    }
}
