// A notice's markdown as elements. Text is always text: no HTML is parsed, and a link is shown as its words.

import { h } from "./dom.js";

/** `**strong**`, `*emphasis*` and `[words](address)` of one line, as nodes. */
function inline(text) {
  const parts = text.split(/(\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)\s]*\))/);
  return parts.filter(Boolean).map((part) => {
    if (/^\*\*[^*]+\*\*$/.test(part)) return h("strong", {}, part.slice(2, -2));
    if (/^\*[^*\s][^*]*\*$/.test(part)) return h("em", {}, part.slice(1, -1));
    const link = /^\[([^\]]+)\]\([^)\s]*\)$/.exec(part);
    return link ? link[1] : part;
  });
}

const ITEM = /^\s*(?:[-*•]|\d+[.)])\s+/;
const HEADING = /^(#{1,6})\s+/;
const ANCHOR = /\s*\{#[\w-]+\}\s*$/;

/** The blocks of a text: headings, lists, paragraphs; a single new line inside a paragraph means nothing. */
function blocksOf(text) {
  const blocks = [];
  let open = null; // the block that the next line may continue
  for (const line of String(text).split(/\r?\n/)) {
    const kind = !line.trim() ? "gap" : HEADING.test(line) ? "heading" : ITEM.test(line) ? "item" : "words";
    if (kind === "gap") open = null;
    else if (kind === "heading") {
      blocks.push({ kind, lines: [line.replace(HEADING, "").replace(ANCHOR, "")] });
      open = null;
    } else if (kind === "item") {
      const list = blocks.at(-1)?.kind === "list" ? blocks.at(-1) : { kind: "list", items: [] };
      if (blocks.at(-1) !== list) blocks.push(list);
      open = { lines: [line.replace(ITEM, "")] };
      list.items.push(open);
    } else if (open) open.lines.push(line);
    else blocks.push((open = { kind: "paragraph", lines: [line] }));
  }
  return blocks;
}

/** Words that stand in one paragraph. Between two Japanese signs a new line is no space. */
function joined(lines) {
  const text = lines.map((line) => line.trim()).join("\n");
  return text.replace(/([\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])/g, "$1").replaceAll("\n", " ");
}

/**
 * The elements of a text.
 * @param {string} text markdown
 * @param {string} heading the tag of every heading: the page has a heading of its own above
 */
export function markdown(text, heading = "h3") {
  return blocksOf(text).map((block) => {
    if (block.kind === "list") return h("ul", {}, ...block.items.map((item) => h("li", {}, ...inline(joined(item.lines)))));
    return h(block.kind === "heading" ? heading : "p", {}, ...inline(joined(block.lines)));
  });
}

/**
 * The elements of a notice: its essentials (the first two paragraphs, with what stands above them), and the rest.
 * @returns {{essentials: Element[], rest: Element[]}}
 */
export function noticeParts(text) {
  const elements = markdown(text);
  const paragraphs = elements.filter((element) => element.tagName === "P");
  const end = elements.indexOf(paragraphs[Math.min(1, paragraphs.length - 1)]) + 1;
  return { essentials: elements.slice(0, end), rest: elements.slice(end) };
}
