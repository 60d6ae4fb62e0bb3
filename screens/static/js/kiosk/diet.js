// What is in a dish, and which dishes a filter leaves. An allergen that nobody stated is never "none". Pure functions.

import { wordFor } from "../catalogue.js";

const DIETS = ["vegan", "vegetarian", "halal", "kosher"];
const plain = (name) => name.trim().toLowerCase();

/** What a dish contains as a sentence. */
export function allergensOf(item, words) {
  if (!item.allergens) return words.t("allergens_ask");
  if (!item.allergens.length) return words.t("allergens_none");
  const names = item.allergens.map((name) => wordFor("allergen", name, words.language));
  return words.t("allergens_has", { list: names.join(", ") });
}

const eats = (item, diet) => {
  const tags = (item.tags || []).map(plain);
  return tags.includes(diet) || (diet === "vegetarian" && tags.includes("vegan"));
};

/** The filters that say something about this menu: `{diets, allergens}`. */
export function filtersFor(rows) {
  const allergens = new Map(rows.flatMap(({ allergens }) => allergens || []).map((name) => [plain(name), name]));
  return { diets: DIETS.filter((diet) => rows.some((row) => eats(row, diet))), allergens: [...allergens.keys()].sort() };
}

/**
 * Which dishes the filters leave: `{shown, hidden, unknown}`. `hidden` counts all that are left out, `unknown` those
 * of them whose allergens nobody has stated.
 */
export function filtered(rows, { diets, without }) {
  const shown = [];
  let unknown = 0;
  for (const row of rows) {
    const fits = diets.every((diet) => eats(row, diet));
    const has = (row.allergens || []).some((name) => without.includes(plain(name)));
    const unsaid = without.length > 0 && !row.allergens;
    if (fits && !has && !unsaid) shown.push(row);
    else if (fits && unsaid) unknown += 1;
  }
  return { shown, hidden: rows.length - shown.length, unknown };
}
