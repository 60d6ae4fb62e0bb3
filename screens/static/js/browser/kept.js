// Small things that this browser keeps: the catalogue and the device's own settings. Nothing about a person.
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
