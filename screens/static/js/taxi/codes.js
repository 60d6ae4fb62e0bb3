// The short code that binds a driver's screen. Pure.

const TYPED = /^[2-9A-HJ-NP-Z]{10}$/;

/** As it is shown: in groups that can be read aloud. */
export const grouped = (code) => code.replace(/(.{5})(?=.)/g, "$1-");

/** What was typed, as the server knows it: a short code in capitals without dashes; the code of a link as it is. */
export function codeOf(typed) {
  const plain = typed.normalize("NFKC").trim();
  const short = plain.toUpperCase().replace(/[\s-]/g, "");
  return TYPED.test(short) ? short : plain;
}
