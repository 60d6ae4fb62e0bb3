// The languages of the pages: one file each, addressed by its content. The first one is loaded before anything is
// shown, the others right behind it, so that a change of the language happens on the spot and without a line.

import { format } from "./fluent.js";

const RETRY_MS = 2000;
const LISTED = JSON.parse(document.body.dataset.languages); // {de: {name: "Deutsch", url: "..."}}
const loaded = {};
const coming = {};

/** Every language that the server has. */
export const LANGUAGES = Object.freeze(Object.keys(LISTED));

/** How a language is called by those who speak it. */
export const nameOfLanguage = (language) => LISTED[language].name;

/** The best language there is for what somebody wants: "de-AT" is "de"; English otherwise. */
export function languageFor(...wanted) {
  for (const one of wanted.flat()) {
    const tag = String(one || "").toLowerCase();
    const found = LANGUAGES.find((name) => name.toLowerCase() === tag)
      ?? LANGUAGES.find((name) => name.toLowerCase() === tag.split("-")[0]);
    if (found) return found;
  }
  return "en";
}

/** Whether the words of a language are here. */
export const has = (language) => language in loaded;

/** Fetch the words of a language, once. A failure is forgotten: the next call tries again. */
export function load(language) {
  coming[language] ??= fetch(LISTED[language].url)
    .then((reply) => (reply.ok ? reply.json() : Promise.reject(new Error(`${reply.status} for ${language}`))))
    .then((dictionary) => {
      loaded[language] = dictionary;
    })
    .catch((error) => {
      delete coming[language];
      throw error;
    });
  return coming[language];
}

/** "ltr" or "rtl". */
export const directionOf = (language) => loaded[language].direction;

/** A sentence, or undefined where no language has one of this id. */
export function sentence(language, id, values = {}) {
  const { messages, english } = loaded[language];
  if (!Object.hasOwn(messages, id)) return undefined;
  return format(messages[id], values, english.includes(id) ? "en" : language);
}

async function patiently(language) {
  for (;;) {
    try {
      return await load(language);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // nothing can be said without words
    }
  }
}

/** The language that the page starts with: of the address, else of the browser. */
export const FIRST = languageFor(new URLSearchParams(location.search).get("lang"), navigator.languages || []);

await patiently(FIRST);
for (const language of LANGUAGES) load(language).catch(() => {}); // tried again when somebody chooses it
