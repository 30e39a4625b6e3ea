#!/bin/bash
# What the npm package arctic makes of answers of a token endpoint that are right by RFC 6749.
#
# scope (5.1) may be there and empty: hasScopes() is true then, and scopes() is a list of one scope, the empty text; it
# is not an empty list.
#
# An error (5.2) is told by its code for status 400 and 401 only. With 429, which RFC 6585 has for who asks too often,
# or 503, the JSON with the member "error" is there, but the exception is "Unexpected error response" with the status
# and no code.
#
# expires_in as text, "10", is good until it is asked for: the call succeeds, accessTokenExpiresInSeconds() throws.
#
# arctic 3.7.0, 2026-11-28, seen:
#   scope "a b"       hasScopes true, scopes ["a","b"]
#   scope ""          hasScopes true, scopes [""]
#   no scope          hasScopes false
#   expires_in 10     10
#   expires_in "10"   Missing or invalid 'expires_in' field
#   status 400        OAuth2RequestError, code slow_down
#   status 401        OAuth2RequestError, code slow_down
#   status 429        UnexpectedResponseError, code undefined
#   status 503        UnexpectedResponseError, code undefined
#
# Needs Node.js (20 was used) with npm.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit --prefix "$folder" arctic@3.7.0 > npm.log

cat > client.mjs <<'JS'
import http from 'node:http';
import { OAuth2Client } from 'arctic';

let status = 200, answer = {};
const server = http.createServer((request, response) => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', async () => {
  const endpoint = `http://127.0.0.1:${server.address().port}/token`;
  const ask = () => new OAuth2Client('client', 'secret', null).refreshAccessToken(endpoint, 'token', []);
  const say = (what, seen) => console.log(`${what.padEnd(17)} ${seen}`);
  for (const members of [{ scope: 'a b' }, { scope: '' }, {}]) {
    answer = { access_token: 'a', token_type: 'Bearer', ...members };
    const tokens = await ask();
    say('scope' in members ? `scope ${JSON.stringify(members.scope)}` : 'no scope',
      `hasScopes ${tokens.hasScopes()}${tokens.hasScopes() ? `, scopes ${JSON.stringify(tokens.scopes())}` : ''}`);
  }
  for (const expires_in of [10, '10']) {
    answer = { access_token: 'a', token_type: 'Bearer', expires_in };
    const tokens = await ask();
    let seen;
    try { seen = tokens.accessTokenExpiresInSeconds(); } catch (error) { seen = error.message; }
    say(`expires_in ${JSON.stringify(expires_in)}`, seen);
  }
  answer = { error: 'slow_down' };
  for (status of [400, 401, 429, 503]) {
    try { await ask(); } catch (error) { say(`status ${status}`, `${error.constructor.name}, code ${error.code}`); }
  }
  server.close();
});
JS
seen=$(node client.mjs)
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
