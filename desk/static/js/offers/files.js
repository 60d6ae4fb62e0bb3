// CSV with quotes, as spreadsheets write it; the first row names the columns. A quote in front of a formula goes. What
// an offer has by language stands in a column for each: `name_de`, `terms_ja`.

const BY_LANGUAGE = { name_: "names", terms_: "terms_in" };

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
  return body.map((row) => gathered(header.map((name, at) => [name.trim(), value(row[at] ?? "")]).filter(([, one]) => one !== "")));
}

function gathered(cells) {
  const row = {};
  for (const [column, text] of cells) {
    const begins = Object.keys(BY_LANGUAGE).find((one) => column.startsWith(one) && column !== one);
    if (begins) row[BY_LANGUAGE[begins]] = { ...row[BY_LANGUAGE[begins]], [column.slice(begins.length)]: text };
    else row[column] = text;
  }
  return row;
}

/** A row for a file: a column for each language that it has. */
export function spread(row) {
  const fields = Object.values(BY_LANGUAGE);
  const plain = Object.entries(row).filter(([name]) => !fields.includes(name));
  const columns = Object.entries(BY_LANGUAGE).flatMap(([begins, field]) =>
    Object.entries(row[field] || {}).map(([language, text]) => [begins + language, text]));
  return Object.fromEntries([...plain, ...columns]);
}
