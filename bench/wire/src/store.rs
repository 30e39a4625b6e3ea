//! The same operations as calls to auth_store: one statement, one round trip, one transaction each.

use tokio_postgres::{Client, Row, Statement};

use crate::{IP, Outcome, Plan, REDIRECT_URI, USER_AGENT, VERIFIER, Work, random_below};

pub struct Store {
    plan: Plan,
    statement: Statement,
    start: Statement,
    /// What the next call presents, its client and how often it goes on from there.
    hand: Option<(String, String, u32)>,
}

impl Store {
    pub async fn prepare(plan: Plan, _n: usize, client: Client) -> Outcome<(Self, Client)> {
        let (start, statement) = match plan.operation.as_str() {
            "introspect" => (
                "SELECT token, NULL::text FROM bench.introspect_start()",
                "SELECT CASE WHEN active THEN NULL ELSE 'inactive' END, claims->>'next', scope, client_id,
                        issued_at::text, expires_at::text, claims::text
                   FROM auth_store.token_introspect($1)",
            ),
            "redeem" => (
                "SELECT code, client FROM bench.code_start()",
                "SELECT error, claims->>'next', access_token, expires_in, refresh_token, scope
                   FROM auth_store.code_redeem(code => $1, client_id => $2, redirect_uri => $3, code_verifier => $4,
                                               ip => $5::text::inet, user_agent => $6)",
            ),
            "refresh" => (
                "SELECT token, client FROM bench.refresh_start()",
                "SELECT error, refresh_token, access_token, expires_in, scope
                   FROM auth_store.token_refresh(refresh_token => $1, client_id => $2, ip => $3::text::inet,
                                                 user_agent => $4)",
            ),
            "issue" => (
                "SELECT NULL::text, NULL::text",
                "SELECT error, access_token, expires_in, refresh_token, scope
                   FROM auth_store.token_issue(client_id => $1, user_id => bench.user_id($2), scope => 'openid profile',
                                               ip => $3::text::inet, user_agent => $4)",
            ),
            "client_credentials" => (
                "SELECT secret, client_id FROM bench.client_secrets
                  WHERE n = (SELECT 200 + floor(random() * 100)::int)",
                "SELECT error, access_token, expires_in, scope
                   FROM auth_store.token_issue_client_credentials(client_id => $2, client_secret => $1,
                            scope => 'openid profile', ip => $3::text::inet, user_agent => $4)",
            ),
            "audit" => (
                "SELECT NULL::text, NULL::text",
                "SELECT NULL::text, auth_store.audit_write(event => 'order.paid', user_id => bench.user_id($1),
                            client_id => $2, resource_type => 'order', resource_id => $3,
                            details => '{\"amount\": 1290}', ip => $4::text::inet, user_agent => $5)::text",
            ),
            other => return Err(format!("unknown operation {other}").into()),
        };
        let (start, statement) = (client.prepare(start).await?, client.prepare(statement).await?);
        Ok((Self { plan, statement, start, hand: None }, client))
    }

    /// Where to go on: from the last answer, or from a fresh start.
    async fn hand(&mut self, client: &Client, calls: u32) -> Outcome<(String, String, u32)> {
        if let Some(hand) = self.hand.take() {
            return Ok(hand);
        }
        let row = client.query_one(&self.start, &[]).await?;
        let text: Option<String> = row.get(0);
        let mut text = text.unwrap_or_default();
        if self.plan.spoil {
            text.push('A');
        }
        let client_id: Option<String> = row.get(1);
        Ok((text, client_id.unwrap_or_default(), calls))
    }
}

/// The row, unless it is a refusal.
fn accepted(row: Row) -> Outcome<Row> {
    match row.get::<_, Option<&str>>(0) {
        None => Ok(row),
        Some(error) => Err(format!("refused: {error}").into()),
    }
}

impl Work for Store {
    async fn call(&mut self, client: &mut Client) -> Outcome<()> {
        let operation = self.plan.operation.clone();
        match operation.as_str() {
            "introspect" => {
                let (token, name, _) = self.hand(client, 0).await?;
                let row = accepted(client.query_one(&self.statement, &[&token]).await?)?;
                self.hand = Some((row.get(1), name, 0));
            }
            "redeem" => {
                let (code, name, left) = self.hand(client, 50).await?;
                let row = client
                    .query_one(&self.statement, &[&code, &name, &REDIRECT_URI, &VERIFIER, &IP, &USER_AGENT])
                    .await?;
                let next = accepted(row)?.get(1);
                self.hand = (left > 1).then_some((next, name, left - 1));
            }
            "refresh" => {
                let (token, name, left) = self.hand(client, 20).await?;
                let row = client.query_one(&self.statement, &[&token, &name, &IP, &USER_AGENT]).await?;
                let next = accepted(row)?.get(1);
                self.hand = (left > 1).then_some((next, name, left - 1));
            }
            "client_credentials" => {
                let (secret, name, left) = self.hand(client, 50).await?;
                accepted(client.query_one(&self.statement, &[&secret, &name, &IP, &USER_AGENT]).await?)?;
                self.hand = (left > 1).then_some((secret, name, left - 1));
            }
            "issue" => {
                let user = 1 + random_below(self.plan.users)?;
                let name =
                    if self.plan.spoil { "never".into() } else { (100 + random_below(100)?).to_string() };
                accepted(client.query_one(&self.statement, &[&name, &user, &IP, &USER_AGENT]).await?)?;
            }
            "audit" => {
                let user = 1 + random_below(self.plan.users)?;
                let name = (100 + random_below(100)?).to_string();
                let resource = if self.plan.spoil { "\0".to_string() } else { user.to_string() };
                accepted(
                    client.query_one(&self.statement, &[&user, &name, &resource, &IP, &USER_AGENT]).await?,
                )?;
            }
            other => return Err(format!("unknown operation {other}").into()),
        }
        Ok(())
    }
}
