/* A row as a card to be answered, or as an item of a list. `actions` holds what its buttons do: answer, select, showSimilar. */
import { markChunk } from "./chunks.js";
import { getNames, isAll } from "./concepts.js";
import { makeNote, makeNoteButton } from "./notes.js";
import { makePicture } from "./pictures.js";
import { by, formatNumber, make, makeButton, makeTextBox, nameRow, shorten } from "./elements.js";

export const ANSWERS = [[1, "Yes", "1"], [0, "No", "0"], [null, "Skip", "s"]];
const PURPOSES = {
  check: "the judge answered this; it was drawn at random for you to check",
  unable: "the judge could not answer this",
};

function makeAnswerButtons(row, hasKeys, actions) {
  if (!isAll()) return makeButtons(row, hasKeys, actions);
  const lines = getNames().map((name, place) => make(
    "div", { class: "concept", "data-place": place, role: "group", "aria-label": name },
    make("span", { dir: "auto" }, name), ...makeButtons(row, hasKeys, actions, place, `, ${name}`),
  ));
  return [make("div", { class: "concepts" }, ...lines)];
}

function makeButtons(row, hasKeys, actions, place, name = "") {
  const at = place === undefined ? {} : { "data-place": place };
  return ANSWERS.map(([value, words, key]) => {
    const shown = hasKeys ? `${words} (${key})` : words;
    const label = `${shown}${name}, ${nameRow(row)}`; // begins with the visible text, for people who use voice control
    const attributes = { "data-answer": String(value), "aria-pressed": "false", "aria-label": label, ...at };
    return makeButton(shown, attributes, () => actions.answer(row, value, place));
  });
}

function makeReason(item) {
  const line = make("p", { class: "why" });
  if (item.purpose) line.textContent = PURPOSES[item.purpose];
  else if (item.is_control) line.textContent = "drawn at random, to estimate how many positives remain";
  else if (item.because) {
    const near = make("bdi", {});
    near.textContent = shorten(item.because.text, item.because.row, 300);
    line.append("similar to: ", near, ` (similarity ${item.because.similarity.toFixed(2)})`);
  } else line.textContent = "no positives marked yet";
  if (item.concept) line.prepend(`${item.concept}: `);
  return line;
}

function makeCopies({ n_copies }) {
  if (n_copies < 2) return "";
  const title = "The table has this text several times; one answer counts for all copies";
  return make("span", { class: "copies", title }, `${formatNumber(n_copies)} copies`);
}

export function makeCard(item, actions) {
  const { row } = item;
  const score = item.score === null ? "" : `score ${item.score.toFixed(2)}`;
  const title = "the model's score from 0 to 1, which ranks rows and is not a probability; until there is a model, the similarity to the examples";
  const more = makeButton("More", { "aria-label": `More like this, ${nameRow(row)}` }, () => actions.showSimilar(row, item.text));
  more.append(make("span", { class: "wide" }, " like this"));
  const card = make(
    "article", { class: "card", "data-row": row, "aria-label": `Example, ${nameRow(row)}` },
    make("p", { class: "facts" }, nameRow(row), makeCopies(item), make("span", { title }, score)),
    item.has_image ? makePicture(row, by("cards").classList.contains("grid") ? "small" : "large") : "",
    markChunk(makeTextBox(row, item.text, { tabindex: "0", "aria-label": `Text of ${nameRow(row)}`, role: "group" }), item.text, item.mark),
    makeReason(item),
    makeNote(item),
    make(
      "div", { class: "answers" }, ...makeAnswerButtons(row, true, actions),
      more, makeNoteButton(row),
    ),
  );
  card.addEventListener("click", () => actions.select(row));
  return card;
}

function makeSaid({ said }) {
  const words = (answer) => ANSWERS.find(([value]) => value === answer)[1].toLowerCase();
  const line = said.map(({ who, answer }) => `${who}: ${words(answer)}`).join(", ");
  return line && make("p", { class: "why", dir: "auto" }, line);
}

function makeSimilarity({ similarity }) {
  return similarity === null ? "" : make("span", { class: "similarity" }, `similarity ${similarity.toFixed(2)}`);
}

export function makeItem(listed, actions) {
  const { row, text } = listed;
  const open = makeButton("Open", { "aria-expanded": "false", "aria-label": `Open ${nameRow(row)}` }, () => {
    const isOpen = item.classList.toggle("is-open");
    open.textContent = isOpen ? "Close" : "Open";
    open.setAttribute("aria-label", `${open.textContent} ${nameRow(row)}`);
    open.setAttribute("aria-expanded", String(isOpen));
  });
  const more = makeButton("More", { "aria-label": `More like ${nameRow(row)}` }, () => actions.showSimilar(row, text));
  const item = make(
    "li", { class: "item", "data-row": row },
    listed.has_image ? makePicture(row, "small") : "",
    makeTextBox(row, text, {}),
    makeSaid(listed),
    makeNote(listed),
    make("div", { class: "answers" }, ...makeAnswerButtons(row, false, actions), open, more, makeNoteButton(row), makeCopies(listed), makeSimilarity(listed)),
  );
  return item;
}
