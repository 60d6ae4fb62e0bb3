// The picture of a dish: the catalogue's own where there is one, else the drawing that fits, else nothing.

import { dishPicture } from "./art.js";
import { h } from "./dom.js";

const WIDTHS = [160, 400, 800]; // the files of a picture of the house: see plumbing/pictures/convert.py
const OURS = /^[0-9a-f]{32}-([1-9]\d{0,4})x([1-9]\d{0,4})$/;
const SIZES = { card: "(max-width: 34rem) 5rem, 15rem", large: "(max-width: 46rem) 40vw, 30rem", line: "10rem" };

/** The widths of the files of a picture whose largest is so wide. */
const widthsOf = (width) => [...WIDTHS.filter((one) => one < width), width];

const fileOf = (image, width) => `/images/${image}/${width}.webp`;

/** The attributes of an <img> for what the catalogue says; null: that is no picture. */
export function sourcesOf(image) {
  const ours = OURS.exec(image || "");
  if (!ours) return /^https:\/\//.test(image || "") ? { src: image, referrerpolicy: "no-referrer" } : null;
  const [width, height] = ours.slice(1).map(Number);
  const widths = widthsOf(width);
  return {
    src: fileOf(image, widths.length > 1 ? widths[1] : width), // for who does not know srcset
    srcset: widths.map((one) => `${fileOf(image, one)} ${one}w`).join(", "),
    width,
    height,
  };
}

/**
 * What stands in the tile of a dish. Decorative: its name stands beside it. A picture that does not load makes room
 * for the drawing.
 * @param {{image?: string}} item a row of the menu
 * @param {"card"|"large"|"line"} place how large it is shown
 * @returns {Element}
 */
export function pictureFor(item, place = "card") {
  const sources = sourcesOf(item.image);
  if (!sources) return dishPicture(item);
  const { src, srcset, ...rest } = sources;
  const image = h("img", { class: "photo", alt: "", loading: "lazy", decoding: "async", sizes: SIZES[place], draggable: "false", ...rest });
  image.addEventListener("error", () => image.replaceWith(dishPicture(item)), { once: true });
  if (srcset) image.setAttribute("srcset", srcset);
  image.setAttribute("src", src); // last: whoever knows srcset loads one file
  return image;
}
