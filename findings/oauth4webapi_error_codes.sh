#!/bin/bash
# What the npm package oauth4webapi, on which openid-client stands, tells of refusals of a token endpoint that are right
# by RFC 6749 section 5.2, each with the same JSON {"error": "invalid_client"}.
#
# The code is in the error for 400, 401 and 429 without a challenge. A 401 with WWW-Authenticate, which the RFC demands
# where the client has used the Authorization header, is another class of error without the code: the body is not read.
# With a 5xx, as 503 with temporarily_unavailable, the code is lost too. So a server that wants its codes seen sends a
# challenge only where it must, and 429 where a client asks too often.
#
# An answer that grants nothing of the scope is right with "scope": ""; null, which some servers write, is an error.
# The token type N_A of RFC 8693 section 2.2.1 is refused unless the caller names it.
#
# oauth4webapi 3.8.8, 2026-11-29, seen:
#   400                            ResponseBodyError invalid_client
#   401                            ResponseBodyError invalid_client
#   401 with a challenge           WWWAuthenticateChallengeError undefined
#   429                            ResponseBodyError invalid_client
#   503                            OperationProcessingError undefined
#   200 with scope ""              a token
#   200 with scope null            OperationProcessingError undefined
#   200 with refresh_token ""      OperationProcessingError undefined
#   200 with token_type N_A        UnsupportedOperationError undefined
#
# Needs Node.js (20 was used) with npm.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit --prefix "$folder" oauth4webapi@3.8.8 > npm.log

cat > client.mjs <<'JS'
import * as oauth from 'oauth4webapi';

const as = { issuer: 'https://as.example' }, client = { client_id: 'c' };
const read = async (what, status, body, headers = {}) => {
  const answer = new Response(JSON.stringify(body), { status,
    headers: { 'content-type': 'application/json', ...headers } });
  let seen = 'a token';
  try {
    await oauth.processClientCredentialsResponse(as, client, answer);
  } catch (error) {
    seen = `${error.constructor.name} ${error.error}`;
  }
  console.log(`${what.padEnd(30)} ${seen}`);
};
const refusal = { error: 'invalid_client' }, token = { access_token: 'a', token_type: 'Bearer' };
await read('400', 400, refusal);
await read('401', 401, refusal);
await read('401 with a challenge', 401, refusal, { 'www-authenticate': 'Basic realm="as"' });
await read('429', 429, refusal);
await read('503', 503, refusal);
await read('200 with scope ""', 200, { ...token, scope: '' });
await read('200 with scope null', 200, { ...token, scope: null });
await read('200 with refresh_token ""', 200, { ...token, refresh_token: '' });
await read('200 with token_type N_A', 200, { ...token, token_type: 'N_A' });
JS
seen=$(node client.mjs)
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
