// Small things that this browser keeps: the catalogue, the device's own settings, and the random id of a ride until
// the server knows that it is over. Nothing about a person.
//
// A store that is forbidden throws when it is touched, a full one when it is written: then the page works without.

/** What was kept under a name, or `otherwise`. */
export function kept(name, otherwise = null) {
  try {
    return JSON.parse(localStorage.getItem(`usual-${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Keep a value. @returns {boolean} whether it is kept */
export function keep(name, value) {
  try {
    localStorage.setItem(`usual-${name}`, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Keep it no longer. */
export function drop(name) {
  try {
    localStorage.removeItem(`usual-${name}`);
  } catch {
    // a store that is forbidden keeps nothing
  }
}
