// The words of this page in its language; the server put them into the page.

const words = JSON.parse(document.getElementById("words").textContent);
export const language = document.documentElement.lang;

// The message `id` with its values; a missing one shows its id, so that it is noticed.
export function t(id, values = {}) {
  const pattern = words[id] ?? id;
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const has = (id) => id in words;

const formats = new Map();

function format(kind, options) {
  const key = kind + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl[kind](language, options));
  return formats.get(key);
}

export const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : format("NumberFormat", { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);

export const percent = (share, digits = 0) =>
  share === null || share === undefined ? "–" : format("NumberFormat", { style: "percent", maximumFractionDigits: digits }).format(share);

// `minor` is in minor units of `currency` (ISO 4217): 980 is 9.80 EUR and 980 JPY.
export function money(minor, currency) {
  if (minor === null || minor === undefined) return "–";
  const shown = format("NumberFormat", { style: "currency", currency });
  return shown.format(minor / 10 ** shown.resolvedOptions().maximumFractionDigits);
}

// The same without the small change: for sums of thousands.
export function wholeMoney(minor, currency) {
  if (minor === null || minor === undefined) return "–";
  const digits = format("NumberFormat", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  return format("NumberFormat", { style: "currency", currency, maximumFractionDigits: 0 }).format(minor / 10 ** digits);
}

export const when = (text) => (text ? format("DateTimeFormat", { dateStyle: "medium", timeStyle: "short" }).format(new Date(text)) : "–");
export const day = (text) => (text ? format("DateTimeFormat", { dateStyle: "medium", timeZone: "UTC" }).format(new Date(`${text.slice(0, 10)}T00:00:00Z`)) : "–");
