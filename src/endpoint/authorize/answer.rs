//! The answer of an endpoint that a browser asks, and what the front does with it.

use crate::endpoint::response::{HttpResponse, Response};
use crate::kernel::server::composite::composite;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// The answer of an endpoint that a browser asks, and what the front does with it.
    pub struct AuthorizeResponse = "auth_store.authorize_response" {
        pub http: HttpResponse,
        pub next: Option<&'static str>,
        pub interaction_id: Option<Id>,
        pub request: Option<Jsonb>,
    }
}

/// What the front does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It sends the answer: the request is over.
    Redirect,
    /// It shows an error.
    Page,
    /// It lets the user log in.
    Login,
    /// It asks the user.
    Consent,
    /// It has the user enter the code of a device.
    Enter,
    /// It asks the user whether to log out.
    Confirm,
    /// It calls interaction_accept(): nothing is left to ask.
    Accept,
    /// It fetches a document, calls client_document_store() and then this again.
    Fetch,
}

impl Next {
    /// The column `next`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redirect => "redirect",
            Self::Page => "page",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::Enter => "enter",
            Self::Confirm => "confirm",
            Self::Accept => "accept",
            Self::Fetch => "fetch",
        }
    }
}

/// An answer that is being made.
pub struct Answer {
    pub response: Response,
    pub next: Next,
    pub interaction_id: Option<Id>,
    pub request: Option<Jsonb>,
}

impl Answer {
    /// One that has no interaction.
    pub fn of(response: Response, next: Next) -> Self {
        Self { response, next, interaction_id: None, request: None }
    }

    /// Says which user it is about.
    pub fn of_user(mut self, user_id: Option<Id>) -> Self {
        self.response = self.response.of_user(user_id);
        self
    }
}

impl From<Answer> for AuthorizeResponse {
    fn from(answer: Answer) -> Self {
        Self {
            http: answer.response.into(),
            next: Some(answer.next.as_str()),
            interaction_id: answer.interaction_id,
            request: answer.request,
        }
    }
}
