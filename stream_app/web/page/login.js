/** Asks for the token where the server wants one. */

import { forgetToken, hasToken, keepToken } from './api.js';
import { byId } from './elements.js';

/** Returns once there is another token to try. */
export function anotherToken() {
  const [form, field, wrong] = ['token', 'token-field', 'token-wrong'].map(byId);
  wrong.textContent = hasToken() ? 'The server does not know this token: look for white space or another server’s.' : '';
  forgetToken();
  form.hidden = false;
  field.focus();
  return new Promise((given) => {
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        keepToken(field.value.trim());
        field.value = '';
        form.hidden = true;
        given();
      },
      { once: true },
    );
  });
}
