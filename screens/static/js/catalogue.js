// What the catalogue's own words are in the language of the page, and in which language its texts are written.

import { sentence } from "./dictionaries.js";
import { inLanguage } from "./item.js";

/** "Cold drinks" and "cold_drinks" are one word. */
const keyOf = (word) => word.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_").replace(/^_|_$/g, "");

/** As the shop wrote it, but for its first letter and what stands for a space. */
const asWritten = (word) => (word.charAt(0).toUpperCase() + word.slice(1)).replaceAll("_", " ");

/**
 * A common word of catalogues in a language.
 * @param {"category"|"allergen"} kind
 * @returns {string} the shop's own word where the pages have none
 */
export function wordFor(kind, word, language) {
  return sentence(language, `${kind}_${keyOf(word)}`) ?? asWritten(word);
}

/**
 * The `lang` attribute of a name: none (undefined) where it is in the page's language, "" where nobody knows, so
 * that a screen reader does not read English words as German ones.
 */
export const langOfName = (thing, language) => (inLanguage(thing.names, language) ? undefined : "");

/** The same of a description, which may be in English or another language instead. */
export function langOfText(thing, language) {
  if (inLanguage(thing.texts, language)) return undefined;
  return thing.texts?.en ? "en" : (Object.keys(thing.texts || {})[0] ?? "");
}
