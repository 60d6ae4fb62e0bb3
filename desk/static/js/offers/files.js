// CSV with quotes, as spreadsheets write it; the first row names the columns. A quote in front of a formula goes.

export function parse(text) {
  const rows = [[]];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') { cell += '"'; at += 1; } else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"') quoted = true;
    else if (sign === "," || sign === "\n") {
      rows[rows.length - 1].push(cell.replace(/\r$/, ""));
      cell = "";
      if (sign === "\n") rows.push([]);
    } else cell += sign;
  }
  rows[rows.length - 1].push(cell.replace(/\r$/, ""));
  const [header = [], ...body] = rows.filter((row) => row.some((one) => one !== ""));
  const value = (one) => (/^'\s*['=+\-@]/.test(one) ? one.slice(1) : one);
  return body.map((row) => Object.fromEntries(header.map((name, at) => [name.trim(), value(row[at] ?? "")]).filter(([, one]) => one !== "")));
}
