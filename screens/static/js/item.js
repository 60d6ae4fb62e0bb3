// A dish or a place of the catalogue in the reader's language, and what can be chosen of a dish. Pure functions.

/** A language and the wider ones it belongs to: "zh-Hant-TW" is also "zh-Hant" and "zh". */
function widening(language) {
  const parts = String(language || "").split("-");
  return parts.map((_, place) => parts.slice(0, parts.length - place).join("-"));
}

/** The text of a table by language, in `language` or a wider one; "" when there is none. */
export function inLanguage(table, language) {
  const found = widening(language).find((one) => table?.[one]);
  return found ? table[found] : "";
}

/** The name of a dish, a place, a group of options or a choice; its plain `name` where the language is missing. */
export const nameIn = (thing, language) => inLanguage(thing.names, language) || thing.name || "";

/** The short description, in English or whatever there is where the language is missing; "" when there is none. */
export const textIn = (thing, language) =>
  inLanguage(thing.texts, language) || thing.texts?.en || Object.values(thing.texts || {})[0] || "";

/** The groups of options of a dish: `[{id, name, names, choose, choices: [{id, name, names, price}]}]`. */
export const groupsOf = (item) => item.options || [];

/** What is chosen when nothing is said: the first of each group of which one must be. Ids of choices. */
export const usualChoices = (item) => chosenOf(item, []);

/**
 * The choices that hold of those asked for: what the dish does not have is left out, exactly one stays of a group
 * that takes one.
 * @param {string[]} ids ids of choices; an id names one choice of the dish
 * @returns {string[]} in the order of the catalogue
 */
export function chosenOf(item, ids = []) {
  return groupsOf(item).flatMap(({ choose, choices }) => {
    const asked = choices.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
    if (choose === "many") return asked;
    return asked.length ? [asked.at(-1)] : choices.slice(0, 1).map(({ id }) => id);
  });
}

/** The choices behind ids, in the order of the catalogue. */
const choicesOf = (item, ids) => groupsOf(item).flatMap(({ choices }) => choices.filter(({ id }) => ids.includes(id)));

/** The price of one with these choices, in minor units. */
export const priceWith = (item, ids = []) =>
  choicesOf(item, ids).reduce((sum, choice) => sum + (choice.price || 0), item.price || 0);

/** The names of choices, for a line of a basket or a ticket. */
export const choiceNames = (item, ids, language) => choicesOf(item, ids).map((choice) => nameIn(choice, language));

/** One text for a dish with its choices: two lines of a basket with the same text are one line. */
export const lineKey = (item, ids = []) => JSON.stringify([item.item_id, ...[...ids].sort()]);
