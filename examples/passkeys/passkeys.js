// Passkeys in the browser, without a library. The browser itself turns the JSON of auth_store into what its API takes,
// and the API's answer into the JSON that auth_store takes.

async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  });
  const read = await answer.json();
  if (!answer.ok) throw new Error(read.error);
  return read;
}

export const signUp = (email) => post('/signup', { email });
export const logOut = () => post('/logout');

// A user who has logged in makes a passkey.
export async function register(name) {
  const options = await post('/register/options');
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  return post('/register', { credential: credential.toJSON(), name });
}

// Whoever comes logs in with a passkey that the browser offers. With { mediation: 'conditional' } it offers them among
// the suggestions of an <input autocomplete="username webauthn">.
export async function logIn(more) {
  const options = await post('/login/options');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey, ...more });
  return post('/login', { credential: credential.toJSON() });
}
