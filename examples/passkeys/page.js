import { logIn, logOut, register, signUp } from './passkeys.js';

const say = (text) => { document.querySelector('output').value = text; };
const on = (name, step) => document.getElementById(name).addEventListener('click', async () => {
  try {
    say(JSON.stringify(await step()));
  } catch (error) {
    say(error.message);
  }
});

on('signup', () => signUp(document.getElementById('email').value));
on('register', () => register(document.getElementById('name').value));
on('login', () => logIn());
on('logout', () => logOut());
