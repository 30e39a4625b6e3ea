#!/bin/bash
# What the npm package @badgateway/oauth2-client makes of two corners of RFC 6749.
#
# Basic credentials (2.3.1): they are neither the form-encoded text that the RFC wants nor sent as they are. The
# client's id and secret go out as they are, but for the colon, which becomes %3A. So a server can't tell how to read
# them from the text: one that form-decodes takes a "+" of the secret for a space, one that does not takes "%3A" for
# three characters. A secret of letters, digits, "-" and "_" is read right by both.
#
# expires_in (5.1): 0 becomes the same as an answer without the member, expiresAt null, which is not an end of the
# token's life. Text, "10", is taken for the number.
#
# @badgateway/oauth2-client 3.3.1, 2026-11-28, seen:
#   secret abc_-9    sent abc_-9
#   secret a:b       sent a%3Ab
#   secret a b       sent a b
#   secret a+b       sent a+b
#   secret a%b       sent a%b
#   expires_in 10    expiresAt a time
#   expires_in "10"  expiresAt a time
#   expires_in 0     expiresAt null
#   no expires_in    expiresAt null
#
# Needs Node.js (20 was used) with npm.
set -euo pipefail

written=$(sed -n 's/^#   //p' "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit --prefix "$folder" @badgateway/oauth2-client@3.3.1 > npm.log

cat > client.mjs <<'JS'
import http from 'node:http';
import { OAuth2Client } from '@badgateway/oauth2-client';

let secret, answer = {};
const server = http.createServer((request, response) => {
  const [, credentials] = request.headers.authorization.split(' ');
  secret = Buffer.from(credentials, 'base64').toString().slice('client:'.length);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ access_token: 'a', token_type: 'Bearer', ...answer }));
});
server.listen(0, '127.0.0.1', async () => {
  const ask = (clientSecret) => new OAuth2Client({
    server: `http://127.0.0.1:${server.address().port}`, tokenEndpoint: '/token', clientId: 'client', clientSecret,
  }).clientCredentials();
  for (const text of ['abc_-9', 'a:b', 'a b', 'a+b', 'a%b']) {
    await ask(text);
    console.log(`${`secret ${text}`.padEnd(16)} sent ${secret}`);
  }
  for (const members of [{ expires_in: 10 }, { expires_in: '10' }, { expires_in: 0 }, {}]) {
    answer = members;
    const { expiresAt } = await ask('secret');
    const given = 'expires_in' in members ? `expires_in ${JSON.stringify(members.expires_in)}` : 'no expires_in';
    console.log(`${given.padEnd(16)} expiresAt ${expiresAt === null ? 'null' : 'a time'}`);
  }
  server.close();
});
JS
seen=$(node client.mjs)
echo "$seen"
diff <(echo "$written") <(echo "$seen") && echo "as written"
