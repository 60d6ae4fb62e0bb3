// The drawing for each dish or place. Pictures are drawn symbols; nobody's photograph is used.
//
// A table of words (art/dishes.json, art/places.json) decides, by whole words of the name inside what the category
// allows. What is not known gets a neutral plate or glass: nothing rather than something wrong.

import { artUrl, drawing } from "./dom.js";

const SHEETS = { items: "dishes", places: "places" };
const OTHERWISE = { dishes: { symbol: "plate", colour: "#dcae72" }, places: { symbol: "pin", colour: "" } };
const JAPANESE = /[\u3040-\u30ff\u3400-\u9fff]/;
const tables = {};

/**
 * Load the table of a catalogue ("items" or "places"). Without it every dish is a plate and every place a pin.
 * @throws {Error} it could not be loaded
 */
export async function load(kind) {
  const sheet = SHEETS[kind];
  if (tables[sheet]) return;
  const reply = await fetch(artUrl(`${sheet}.json`), { credentials: "same-origin" });
  if (!reply.ok) throw new Error(`no table of drawings: ${reply.status}`);
  tables[sheet] = prepared(await reply.json());
}

/** The name of a symbol in dishes.svg, for a row of the catalogue. */
export const pictureOf = (item) => chosen("dishes", item).symbol;

/** The name of a symbol in places.svg; of a sensitive place nobody sees what it is. */
export const symbolOf = (place) => (place.sensitive ? "pin" : chosen("places", place).symbol);

/** The drawing of a dish; a neutral plate has the colour of its category. */
export function dishPicture(item) {
  const { symbol, colour } = chosen("dishes", item);
  return drawing("dishes", symbol, colour);
}

// --- the words of a name ---------------------------------------------------------------------------------------

/** Lower case without accents: "Käse" and "kase", "Crème" and "creme" are one; kana keep their marks. */
export function folded(text) {
  const bare = String(text || "").normalize("NFKD").replace(/[\u0300-\u036f]/g, "").normalize("NFKC");
  return bare.toLowerCase().replaceAll("\u00df", "ss").replace(/['’]/g, "").replace(/[&+]/g, " and ");
}

/** The words of a text; a comma stands where one part ends. What is in brackets does not name the dish. */
function wordsOf(text) {
  const outside = folded(text).replace(/\([^)]*\)|\[[^\]]*\]/g, " ");
  return outside.match(/[\p{L}\p{N}]+|[,;:/、，]/gu) || [];
}

/** The table with its phrases by their last word, and its endings. */
function prepared({ joiners, tags, needs, categories, symbols }) {
  const phrases = new Map(); // by their last word
  const endings = [];
  for (const [symbol, { words, within = [] }] of Object.entries(symbols)) {
    for (const [list, bound] of [[Object.values(words).flat(), false], [within, true]]) {
      for (const phrase of list) {
        const made = { symbol, bound, ending: phrase.startsWith("-"), words: folded(phrase).match(/[\p{L}\p{N}]+/gu) };
        const last = made.words.at(-1);
        if (made.ending) endings.push(made);
        else phrases.set(last, [...(phrases.get(last) || []), made]);
      }
    }
  }
  const named = categories.map((one) => ({ ...one, keys: one.names.map(categoryKey) }));
  return { joiners: new Set(joiners), tags: Object.values(tags), needs, named, symbols, phrases, endings };
}

/** The phrases whose last word is the one at `end`; a plural in -s counts. */
function phrasesAt(table, said, end) {
  const word = said[end];
  const last = [word, ...(word.endsWith("s") ? [word.slice(0, -1)] : []), ...(word.endsWith("es") ? [word.slice(0, -2)] : [])];
  const exact = last.flatMap((one) => table.phrases.get(one) || []).filter(({ words }) =>
    words.slice(0, -1).every((one, k) => said[end - words.length + 1 + k] === one));
  return [...exact, ...table.endings.filter(({ words: [end_] }) => word.length > end_.length && word.endsWith(end_))];
}

/**
 * The symbol that a name speaks of, or null. The first part of the name counts ("roll with cheese" is a roll), in it
 * the last words ("chocolate cola cake" is a cake), of those the longest ("apple pie" rather than "pie").
 */
function symbolIn(table, text, category) {
  const said = wordsOf(text);
  const parts = [];
  let part = 0;
  for (const word of said) parts.push(/[\p{L}\p{N}]/u.test(word) && !table.joiners.has(word) ? part : part++);
  let found = null;
  for (let end = 0; end < said.length; end += 1) {
    for (const phrase of phrasesAt(table, said, end)) {
      if (phrase.bound && !boundIn(table, phrase.symbol, category)) continue;
      const start = end - phrase.words.length + 1;
      const now = [-parts[start], end, phrase.words.length, phrase.words.join("").length];
      if (!found || later(now, found.rank)) found = { symbol: phrase.symbol, rank: now };
    }
  }
  return found && found.symbol;
}

function later(a, b) {
  const k = a.findIndex((value, at) => value !== b[at]);
  return k >= 0 && a[k] > b[k];
}

/** Words that mean this in some categories only: "chips" are fries beside a steak, and crisps elsewhere. */
function boundIn(table, symbol, category) {
  return Boolean(category) && category.groups[0] === table.symbols[symbol].groups[0];
}

// --- categories and tags ---------------------------------------------------------------------------------------

const categoryKey = (text) => folded(text).match(/[\p{L}\p{N}]+/gu)?.filter((word) => !["and", "und"].includes(word)).join(" ") || "";

/** The known category of a row, or null. One with two known words ("Pizza & Pasta") allows what both allow. */
function categoryOf(table, name) {
  const key = categoryKey(name);
  const exact = table.named.find(({ keys }) => keys.includes(key));
  if (exact || !key) return exact || null;
  const met = key.split(" ").map((word) => table.named.find(({ keys }) => keys.includes(word)));
  const known = [...new Set(met.filter(Boolean))];
  if (known.length < 2) return known[0] || null;
  return { ...known[0], symbol: "", groups: known.flatMap(({ groups = [] }) => groups) };
}

/** What no picture of this row may show, from its tags and from the words of its name. */
function forbidden(table, item) {
  const tagged = new Set((item.tags || []).map(folded));
  const texts = namesOf(item).map((name) => folded(name).match(/[\p{L}\p{N}]+/gu) || []);
  const says = (phrase) => texts.some((words) => JAPANESE.test(phrase)
    ? words.some((word) => word.includes(folded(phrase)))
    : ` ${words.join(" ")} `.includes(` ${folded(phrase)} `));
  const not = table.tags.filter(({ tags, words }) => tags.some((tag) => tagged.has(folded(tag))) || words.some(says));
  const missing = Object.entries(table.needs).filter(([, tags]) => !tags.some((tag) => tagged.has(folded(tag))));
  return new Set([...not.flatMap(({ forbids }) => forbids), ...missing.map(([shown]) => shown)]);
}

const namesOf = (item) => [item.name, ...Object.values(item.names || {})].filter(Boolean);

function chosen(sheet, item) {
  const otherwise = OTHERWISE[sheet];
  const table = tables[sheet];
  if (!table) return otherwise;
  const category = categoryOf(table, item.category);
  const colour = category?.colour || otherwise.colour;
  if (sheet === "places" && category) return { symbol: category.symbol || otherwise.symbol, colour };
  const not = forbidden(table, item);
  const shows = (symbol) => table.symbols[symbol]?.shows || [];
  const fits = (symbol) => !shows(symbol).some((what) => not.has(what));
  const neutral = { symbol: category?.neutral || otherwise.symbol, colour };
  const named = namesOf(item).map((name) => symbolIn(table, name, category)).find(Boolean);
  if (!named) return category?.symbol && fits(category.symbol) ? { symbol: category.symbol, colour } : neutral;
  const { groups, otherwise: others = [] } = table.symbols[named];
  if (category && !groups.some((group) => category.groups.includes(group))) return neutral;
  const symbol = [named, ...others].find(fits);
  return symbol && symbol !== otherwise.symbol ? { symbol, colour } : neutral;
}
