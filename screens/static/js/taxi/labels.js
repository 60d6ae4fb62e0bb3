// What of a place may be read by others before the rider has confirmed it. Pure.

/** Whether a place says where somebody lives, or something that is nobody's business. */
export const isPrivate = (row) => Boolean(row.sensitive) || isHome(row);

const isHome = (row) => /residen|home/i.test(row.category || "");

const NUMBERED = Object.freeze({ home_area: "home_area_number", private_place: "private_place_number" });

/**
 * The names of sentences for the places shown beside each other: null for a public place, which shows its name. A
 * private one shows nothing of its name, also not its first word; two of a kind are numbered.
 * @returns {(null | {key: string, number: number})[]}
 */
export function coarseLabels(rows) {
  const counts = { home_area: 0, private_place: 0 };
  const kindOf = (row) => (isHome(row) ? "home_area" : isPrivate(row) ? "private_place" : null);
  const kinds = rows.map(kindOf);
  const several = (kind) => kinds.filter((one) => one === kind).length > 1;
  return kinds.map((kind) => {
    if (kind === null) return null;
    counts[kind] += 1;
    return { key: several(kind) ? NUMBERED[kind] : kind, number: counts[kind] };
  });
}
