// Patterns of messages, filled in with the browser's own rules for plurals, numbers and days. Pure.
// The server makes them from Fluent files: plumbing/patterns.py says what they look like.

const made = new Map();

/** One of `Intl`'s formatters, made once for each language and its options. */
export function intl(Kind, language, options = {}) {
  const key = `${Kind.name} ${language} ${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Kind(language, options));
  return made.get(key);
}

const shown = (value, language) =>
  typeof value === "number" ? intl(Intl.NumberFormat, language).format(value) : String(value ?? "");

function part(one, values, language) {
  if (typeof one === "string") return one;
  const value = values[one.value ?? one.select];
  if (one.number) return intl(Intl.NumberFormat, language, one.number).format(value);
  if (one.date) return intl(Intl.DateTimeFormat, language, one.date).format(value);
  return "select" in one ? format(chosen(one, value, language), values, language) : shown(value, language);
}

/** The variant for a value: the one that names it, else the one of its plural, else the default. */
function chosen({ of, default: other, ordinal }, value, language) {
  if (Object.hasOwn(of, String(value))) return of[value];
  const plural = typeof value === "number" && intl(Intl.PluralRules, language, { type: ordinal ? "ordinal" : "cardinal" }).select(value);
  return of[plural || other] ?? of[other];
}

/**
 * A pattern as a sentence.
 * @param {string|Array} pattern a text with `{name}`, or a list of parts
 * @param {Record<string, string|number|Date>} values
 */
export function format(pattern, values, language) {
  if (typeof pattern !== "string") return pattern.map((one) => part(one, values, language)).join("");
  return pattern.replace(/\{([\w-]+)\}/g, (_, name) => shown(values[name], language));
}
