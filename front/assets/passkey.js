// Passkeys: the only thing on these pages that needs a script. Without one the buttons stay hidden.

const form = document.querySelector('meta[name=form]').content;
const problem = document.getElementById('passkey-problem');

async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Form': form },
    body: JSON.stringify(body),
  });
  const read = await answer.json();
  if (!answer.ok) throw new Error(read.error_description);
  return read;
}

// The browser turns the JSON of the store into what its API takes, and the API's answer into JSON.
async function logIn(way) {
  const options = await post('/passkey/options' + way, { ceremony: 'login' });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = await navigator.credentials.get({ publicKey });
  return post('/passkey/login' + way, credential.toJSON());
}

async function register() {
  const options = await post('/passkey/options', { ceremony: 'registration' });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  const credential = await navigator.credentials.create({ publicKey });
  const name = document.getElementById('passkey-name').value;
  return post('/passkey/register', { name, credential: credential.toJSON() });
}

for (const button of document.querySelectorAll('button[data-passkey]')) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) break;
  button.hidden = false;
  button.addEventListener('click', async () => {
    problem.hidden = true;
    button.disabled = true;
    try {
      const { location } = await (button.dataset.passkey === 'login' ? logIn(button.dataset.way) : register());
      window.location.assign(location);
    } catch (error) {
      problem.textContent = error.name === 'NotAllowedError' ? 'No passkey was used. Try again.' : error.message;
      problem.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}
