// Every sentence of the screens, a file for each language. A language is complete or it is not there (a test).

import de from "./strings/de.js";
import en from "./strings/en.js";
import ja from "./strings/ja.js";

export const STRINGS = { en, de, ja };
