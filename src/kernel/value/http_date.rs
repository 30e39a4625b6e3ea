//! Dates of HTTP (RFC 9110 section 5.6.7).

use crate::kernel::value::calendar::{Period, Slot};
use crate::kernel::value::clock::Timestamp;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The moment that a date says in one of the three forms that a recipient must accept; None for another text. A year
/// of two digits that seems more than 50 years ahead is the last century's.
pub fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    let parts: Vec<_> = text.split([' ', ',', '-']).filter(|part| !part.is_empty()).collect();
    let (day, month, year, time) = match parts.as_slice() {
        [_, day, month, year, time, "GMT"] => (*day, *month, *year, *time),
        [_, month, day, time, year] => (*day, *month, *year, *time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let at = |century: i32| moment(century + number(year)?, month, number(day)?, time);
    if year.len() > 2 {
        return at(0);
    }
    const FIFTY_YEARS: i64 = 50 * 31_556_952;
    at(2000).filter(|at| *at <= now.plus_seconds(FIFTY_YEARS)).or_else(|| at(1900))
}

fn moment(year: i32, month: usize, day: i32, time: &str) -> Option<Timestamp> {
    let parts: Vec<_> = time.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return None };
    let (hour, minute, second) = (number(hour)?, number(minute)?, number(second)?);
    let hour = Slot::from_name(Period::Hour, &format!("y{year:04}m{month:02}d{day:02}h{hour:02}"))?;
    // A leap second is the 60th.
    (minute < 60 && second <= 60).then(|| hour.start().plus_seconds(minute * 60 + second))
}

fn number(text: &str) -> Option<i32> {
    (text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::kernel::value::clock::Timestamp;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(753_315_200_000_000);

    /// RFC 9110 section 5.6.7: the examples, three forms of one moment.
    #[test]
    fn the_three_forms_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse(text, NOW).map(Timestamp::unix_seconds), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_is_not_far_ahead() {
        let year = |text| parse(text, NOW).map(|at| 1970 + at.unix_seconds() / 31_556_952);
        assert_eq!(year("Monday, 03-Feb-70 08:00:00 GMT"), Some(2070));
        assert_eq!(year("Monday, 03-Feb-75 08:00:00 GMT"), Some(1975));
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "120",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 19944 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, -6 Nov 1994 08:49:+7 GMT",
        ] {
            assert!(parse(text, NOW).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".*") {
            parse(&text, NOW);
        }
    }
}
