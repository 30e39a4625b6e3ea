//! Where the endpoints are that pages answer. The database is asked for each of them once, and then again every minute:
//! so a request for one of them is one call of the database, and the issuers' settings may change.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An endpoint that browsers ask, which pages answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub endpoint: Browsed,
    pub tenant_id: String,
}

/// What such an endpoint is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Browsed {
    Authorization,
    EndSession,
    DeviceVerification,
}

impl Browsed {
    /// By the database's name for it.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "authorization" => Some(Self::Authorization),
            "end_session" => Some(Self::EndSession),
            "device_verification" => Some(Self::DeviceVerification),
            _ => None,
        }
    }

    /// What its requests are counted as.
    pub fn counted(self) -> &'static str {
        match self {
            Self::Authorization => "authorize",
            Self::EndSession => "logout",
            Self::DeviceVerification => "page",
        }
    }
}

/// The places that were found, by their paths.
#[derive(Default)]
pub struct Places(Mutex<HashMap<String, (Place, Instant)>>);

/// How long a place is taken for where it was.
const LIFE: Duration = Duration::from_secs(60);

/// A tenant has three.
const MOST: usize = 4096;

impl Places {
    /// What was found at this path lately.
    pub fn at(&self, path: &str) -> Option<Place> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(path).filter(|(_, found)| found.elapsed() < LIFE).map(|(place, _)| place.clone())
    }

    /// Remembers what was found now.
    pub fn note(&self, path: &str, place: &Place) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST {
            places.clear();
        }
        places.insert(path.to_owned(), (place.clone(), Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::{Browsed, MOST, Place, Places};

    #[test]
    fn places_are_remembered_but_not_without_end() {
        let places = Places::default();
        let place = Place { endpoint: Browsed::EndSession, tenant_id: "acme".to_owned() };
        places.note("/acme/logout", &place);
        assert_eq!((places.at("/acme/logout"), places.at("/logout")), (Some(place.clone()), None));
        for n in 0..MOST {
            places.note(&n.to_string(), &place);
        }
        assert_eq!(places.at("/acme/logout"), None);
        assert!(places.0.lock().is_ok_and(|places| places.len() <= MOST));
    }
}
