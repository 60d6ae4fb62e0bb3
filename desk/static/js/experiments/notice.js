// What is said once the page is drawn again after a change.

let kept = "";

export const sayAfterwards = (text) => { kept = text; };

export function taken() {
  const text = kept;
  kept = "";
  return text;
}
