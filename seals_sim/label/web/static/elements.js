/* Small pieces of the page. Texts of the table become textContent, never markup. */

export const by = (id) => document.getElementById(id);
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const formatNumber = (n) => n.toLocaleString("en");
export const nameRow = (row) => `row ${formatNumber(Number(row))}`;

export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text nodes
  return element;
}

export function makeButton(words, attributes, action) {
  const element = make("button", { type: "button", ...attributes }, words);
  element.addEventListener("click", action);
  return element;
}

export function makeTextBox(row, text, attributes) {
  const box = make("div", { class: "text", dir: "auto", ...attributes });
  box.textContent = text === null ? `${nameRow(row)} (this table has no texts)` : text;
  return box;
}

export function shorten(text, row, length) {
  if (text === null) return nameRow(row);
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
