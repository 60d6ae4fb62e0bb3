// Money and numbers as people type them. Text that is no number goes to the server unchanged: it names the field.

// "12,50" -> 1250 with two digits of the currency; "" -> null.
export function minor(text, digits) {
  const given = text.trim().replace(",", ".");
  if (given === "") return null;
  if (!/^\d+(\.\d+)?$/.test(given) || (given.split(".")[1] || "").length > digits) return text;
  return Math.round(Number(given) * 10 ** digits);
}

export const major = (value, digits) => (typeof value === "number" ? (value / 10 ** digits).toFixed(digits) : "");

export function whole(text) {
  const given = text.trim();
  return given === "" ? null : /^[+-]?\d+$/.test(given) ? Number(given) : text;
}
