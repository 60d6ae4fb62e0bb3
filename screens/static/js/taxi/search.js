// Finding a place by typing. Pure: no page, no network.

const SCRIPTS = { ß: "ss", æ: "a", œ: "o", ø: "o", đ: "d", ł: "l", ı: "i" };
const LEAST_FOR_A_TYPO = 4; // letters: in a shorter word every other word would be a typo
const LEAST_WITHIN = 6; // shorter ones would be found nearly everywhere
const LEAST_FOR_TWO = 8;

/**
 * A text as it is compared: width and case do not count, nor do accents, nor whether an umlaut is written as a letter
 * and an e, nor whether kana are written as hiragana or katakana.
 */
export function fold(text) {
  const plain = String(text || "").normalize("NFKC").toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  return plain
    .normalize("NFC")
    .replace(/[ßæœøđłı]/g, (sign) => SCRIPTS[sign])
    .replace(/[\u30a1-\u30f6]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0x60))
    .replace(/([aou])e/g, "$1");
}

/** The words of a folded text. */
export const wordsOf = (text) => fold(text).split(/[^\p{L}\p{N}]+/u).filter(Boolean);

/**
 * Whether `word` begins with `typed`, but for at most `most` letters that are wrong, missing, too many or swapped.
 * With `within` it may also stand in the middle: German puts words together.
 */
export function beginsNearly(word, typed, most, within = false) {
  if (typed.length - word.length > most) return false;
  let before = [];
  let last = Array.from({ length: word.length + 1 }, (_, k) => (within ? 0 : k));
  for (let row = 1; row <= typed.length; row += 1) {
    const line = [row];
    let least = row;
    for (let k = 1; k <= word.length; k += 1) {
      const same = typed[row - 1] === word[k - 1];
      let cost = Math.min(last[k] + 1, line[k - 1] + 1, last[k - 1] + (same ? 0 : 1));
      if (row > 1 && k > 1 && typed[row - 1] === word[k - 2] && typed[row - 2] === word[k - 1]) {
        cost = Math.min(cost, before[k - 2] + 1);
      }
      line.push(cost);
      least = Math.min(least, cost);
    }
    if (least > most) return false;
    [before, last] = [last, line];
  }
  return Math.min(...last) <= most; // the rest of the word is still to be typed
}

/** How well a typed word fits one of an entry: 3 its beginning, 2 within it, 1 but for a typo, 0 not. */
function fits(entry, typed, typos) {
  if (entry.words.some((word) => word.startsWith(typed))) return 3;
  if (entry.whole.includes(typed)) return 2;
  if (!typos || typed.length < LEAST_FOR_A_TYPO) return 0;
  const most = typed.length < LEAST_FOR_TWO ? 1 : 2;
  return entry.words.some((word) => beginsNearly(word, typed, most, typed.length >= LEAST_WITHIN)) ? 1 : 0;
}

export class PlaceIndex {
  /** @param {{row: object, texts: string[]}[]} entries the rows, and what each can be found by, its name first */
  constructor(entries) {
    this.entries = entries.map(({ row, texts }) => {
      const words = texts.flatMap(wordsOf);
      return { row, words, whole: words.join(""), name: fold(texts[0]) };
    });
  }

  /** The rows that fit everything that was typed, the best first; those with typos only where nothing else fits. */
  find(typed) {
    const asked = wordsOf(typed);
    if (!asked.length) return this.entries.map((entry) => entry.row);
    const exact = this.#ranked(asked, false);
    return exact.length ? exact : this.#ranked(asked, true);
  }

  #ranked(asked, typos) {
    const found = [];
    for (const entry of this.entries) {
      let score = 0;
      for (const word of asked) {
        const fit = fits(entry, word, typos);
        score = fit ? score + fit : -Infinity;
        if (score < 0) break;
      }
      if (score > 0) found.push({ row: entry.row, name: entry.name, score: score + (entry.name.startsWith(asked[0]) ? 1 : 0) });
    }
    found.sort((one, other) => other.score - one.score || one.name.length - other.name.length);
    return found.map((one) => one.row);
  }
}
