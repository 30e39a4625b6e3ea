//! What follows from a receiver's answer.

use crate::kernel::value::clock::Timestamp;
use crate::webhook::complete::schedule;

/// What came back from a receiver.
#[derive(Default)]
pub struct Answer {
    /// The status; None: no answer came.
    pub http_status: Option<i32>,
    /// Until when the receiver wants nothing, by its header Retry-After.
    pub retry_after: Option<Timestamp>,
    /// What the receiver wants of the sender.
    pub wish: Option<Wish>,
}

/// The receiver's header `webhook-delivery`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// `disable`: nothing more.
    Disable,
    /// `abort-message`: this delivery is not to be tried again.
    Abort,
}

impl Wish {
    /// What the header's value says.
    pub fn of(value: &str) -> Option<Self> {
        match value.trim() {
            "disable" => Some(Self::Disable),
            "abort-message" => Some(Self::Abort),
            _ => None,
        }
    }
}

/// What becomes of a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Retrying(Timestamp),
    Dead,
    /// The receiver is gone, or the webhook is.
    Gone,
}

impl Fate {
    /// As webhook_attempts.outcome has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retrying(_) => "retrying",
            Self::Dead => "dead",
            Self::Gone => "gone",
        }
    }
}

/// How a webhook ends by its receiver's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// 410
    Gone,
    /// [`Wish::Disable`]
    Disabled,
}

/// What follows from an answer.
pub struct Outcome {
    /// Of the delivery.
    pub fate: Fate,
    /// Until when nothing more is sent to the webhook.
    pub pause: Option<Timestamp>,
    /// Of the webhook; None: it goes on.
    pub end: Option<End>,
}

impl Outcome {
    /// What a completion answers.
    pub fn status(&self) -> &'static str {
        if self.end == Some(End::Disabled) { "disabled" } else { self.fate.as_str() }
    }
}

/// Seconds for which an answer 429 without Retry-After pauses the webhook at most.
const PAUSE: i64 = 60;

fn end_of(answer: &Answer) -> Option<End> {
    match (answer.http_status, answer.wish) {
        (Some(410), _) => Some(End::Gone),
        (_, Some(Wish::Disable)) => Some(End::Disabled),
        _ => None,
    }
}

/// Whether the webhook ends by an answer, whatever else is known.
pub fn ends_webhook(answer: &Answer) -> bool {
    end_of(answer).is_some()
}

/// What follows from the answer to the attempt of this number, of so many.
pub fn of(now: Timestamp, answer: &Answer, attempt: i32, max_attempts: i32, entropy: u32) -> Outcome {
    let delivered = answer.http_status.is_some_and(|status| (200..300).contains(&status));
    let due = schedule::due(now, attempt, entropy);
    let told = answer.retry_after.filter(|_| matches!(answer.http_status, Some(429 | 503)));
    let pause = told.or((answer.http_status == Some(429)).then(|| due.min(now.plus_seconds(PAUSE))));
    let end = end_of(answer);
    let fate = match end {
        _ if delivered => Fate::Delivered,
        Some(End::Gone) => Fate::Gone,
        Some(End::Disabled) => Fate::Dead,
        None if answer.wish == Some(Wish::Abort) || attempt >= max_attempts => Fate::Dead,
        None => Fate::Retrying(told.unwrap_or(due)),
    };
    Outcome { fate, pause, end }
}

#[cfg(test)]
mod tests {
    use super::{Answer, End, Fate, Outcome, Wish, of};
    use crate::kernel::value::clock::Timestamp;

    const NOW: Timestamp = Timestamp::from_micros(753_315_200_000_000);
    const HALF: u32 = u32::MAX / 2 + 1;

    fn answered(http_status: i32) -> Answer {
        Answer { http_status: Some(http_status), ..Answer::default() }
    }

    fn seconds(at: Option<Timestamp>) -> Option<i64> {
        at.map(|at| at.micros_since(NOW) / 1_000_000)
    }

    fn due(outcome: &Outcome) -> Option<i64> {
        match outcome.fate {
            Fate::Retrying(due) => seconds(Some(due)),
            _ => None,
        }
    }

    #[test]
    fn only_2xx_delivers() {
        for status in [200, 202, 204, 299] {
            assert_eq!(of(NOW, &answered(status), 10, 10, HALF).status(), "delivered");
        }
        for status in [100, 199, 300, 301, 307, 400, 404, 406, 429, 500, 503] {
            let outcome = of(NOW, &answered(status), 1, 10, HALF);
            assert_eq!((outcome.status(), due(&outcome)), ("retrying", Some(5)), "{status}");
        }
        assert_eq!(due(&of(NOW, &Answer::default(), 2, 10, HALF)), Some(300));
    }

    #[test]
    fn the_last_attempt_leaves_a_dead_letter() {
        assert_eq!(of(NOW, &answered(500), 9, 10, HALF).status(), "retrying");
        assert_eq!(of(NOW, &answered(500), 10, 10, HALF).status(), "dead");
        assert_eq!(of(NOW, &answered(500), 1, 1, HALF).status(), "dead");
        assert_eq!(of(NOW, &answered(500), 11, 10, HALF).status(), "dead");
    }

    #[test]
    fn a_receiver_that_is_gone_ends_the_webhook() {
        let outcome = of(NOW, &answered(410), 1, 10, HALF);
        assert_eq!((outcome.status(), outcome.end), ("gone", Some(End::Gone)));
    }

    #[test]
    fn the_receiver_says_when_and_pauses_the_webhook() {
        let at = |status, after: Option<i64>| {
            let retry_after = after.map(|seconds| NOW.plus_seconds(seconds));
            let answer = Answer { http_status: Some(status), retry_after, wish: None };
            let outcome = of(NOW, &answer, 4, 10, HALF);
            (due(&outcome), seconds(outcome.pause))
        };
        assert_eq!(at(429, Some(7)), (Some(7), Some(7)));
        assert_eq!(at(503, Some(90)), (Some(90), Some(90)));
        assert_eq!(at(500, Some(7)), (Some(7200), None));
        assert_eq!(at(503, None), (Some(7200), None));
        assert_eq!(at(429, None), (Some(7200), Some(60)));
        let last = Answer { http_status: Some(429), retry_after: Some(NOW.plus_seconds(9)), wish: None };
        let last = of(NOW, &last, 10, 10, HALF);
        assert_eq!((last.status(), seconds(last.pause)), ("dead", Some(9)));
    }

    #[test]
    fn the_receiver_may_steer() {
        let wish = |status, wish| {
            let answer = Answer { http_status: Some(status), retry_after: None, wish: Some(wish) };
            let outcome = of(NOW, &answer, 1, 10, HALF);
            (outcome.status(), outcome.fate.as_str(), outcome.end)
        };
        assert_eq!(wish(500, Wish::Abort), ("dead", "dead", None));
        assert_eq!(wish(200, Wish::Abort), ("delivered", "delivered", None));
        assert_eq!(wish(500, Wish::Disable), ("disabled", "dead", Some(End::Disabled)));
        assert_eq!(wish(204, Wish::Disable), ("disabled", "delivered", Some(End::Disabled)));
        assert_eq!(wish(410, Wish::Disable), ("gone", "gone", Some(End::Gone)));
        assert_eq!(Wish::of(" disable "), Some(Wish::Disable));
        assert_eq!(Wish::of("abort-message"), Some(Wish::Abort));
        assert_eq!(Wish::of("Disable"), None);
    }
}
