/** Small helpers around the page's elements. Whatever comes from outside is set as text, never as markup. */

export const byId = (id) => document.getElementById(id);

export function create(name, className, text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

export function onSubmit(form, action) {
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault();
    action();
  });
}

/** Where the error of each field is shown. */
const ERROR_PLACES = {
  url: 'url-error',
  message: 'send-error',
  file: 'send-error',
  code: 'close-error',
  reason: 'close-error',
  token: 'token-error',
  'load-connections': 'load-error',
  'load-rate': 'load-error',
  'load-seconds': 'load-error',
  'load-size': 'load-error',
};

/** Shows what is wrong with a field, or with '' that nothing is. */
export function setError(field, text) {
  byId(ERROR_PLACES[field]).textContent = text;
  byId(field).setAttribute('aria-invalid', String(text !== ''));
}

/** An error is gone once its field is changed. */
export function clearErrorsOnInput() {
  for (const field of Object.keys(ERROR_PLACES)) {
    byId(field).addEventListener('input', () => setError(field, ''));
  }
}
