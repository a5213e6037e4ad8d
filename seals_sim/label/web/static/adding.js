/* Adding and renaming concepts on the page. */
import { call, showNotice } from "./calls.js";
import { choosePlace, getNames, takeNames } from "./concepts.js";
import { by, nameRow, shorten } from "./elements.js";
import { getName } from "./person.js";

const UNNAMED = "unnamed"; // shown for a search without a name
const MOST = 20; // rows to choose from
const NO_ROW = "none";

export function showAdding(status) {
  by("adding").hidden = !status.can_add;
  by("adding-words").disabled = !status.can_find;
}

export async function openAdding() {
  if (by("adding").hidden) return;
  say("");
  const names = getNames().length ? getNames() : [UNNAMED];
  by("renaming-place").replaceChildren(...names.map((name, place) => new Option(name, place)));
  showRows([]);
  by("adding-box").showModal();
  const { rows } = await call(`/api/answers?answer=yes&n=${MOST}`).catch(() => ({ rows: [] }));
  showRows(rows);
}

/* The highlighted row, and those answered yes. */
function showRows(answered) {
  const options = new Map([[NO_ROW, "none"]]);
  const card = document.querySelector(".card[aria-current=true]");
  if (card) options.set(card.dataset.row, `the highlighted one: ${describe(card.dataset.row, card.querySelector(".text").textContent)}`);
  for (const { row, text } of answered) options.set(String(row), `yes: ${describe(row, text)}`);
  const box = by("adding-row");
  const chosen = box.value;
  box.replaceChildren(...[...options].map(([row, words]) => new Option(words, row)));
  box.value = options.has(chosen) ? chosen : NO_ROW;
}

const describe = (row, text) => `${nameRow(row)}, ${shorten(text, row, 60)}`;

function say(words) {
  by("adding-error").textContent = words && `Error: ${words}`;
  by("adding-error").hidden = words === "";
}

async function add() {
  const row = by("adding-row").value;
  const name = by("adding-name").value;
  const body = { name, words: by("adding-words").disabled ? "" : by("adding-words").value, row: row === NO_ROW ? null : Number(row) };
  const isFirst = getNames().length === 0;
  const { place, concepts } = await call("/api/concepts", body, getName(), "");
  takeNames(concepts);
  choosePlace(place);
  for (const box of ["adding-name", "adding-words"]) by(box).value = "";
  by("adding-row").value = NO_ROW;
  const before = isFirst ? ` The search so far continues as ${concepts[0]}; you can rename it in the same place.` : "";
  return `Added ${concepts[place]}.${before}`;
}

async function rename() {
  const place = Number(by("renaming-place").value);
  const before = getNames()[place] ?? UNNAMED;
  const { concepts } = await call("/api/concepts/name", { place, name: by("renaming-name").value }, getName(), "");
  takeNames(concepts);
  by("renaming-name").value = "";
  return `Renamed ${before} to ${concepts[place]}.`;
}

for (const [form, change] of [["adding-form", add], ["renaming-form", rename]]) {
  let isBusy = false;
  by(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy) return; // pressing a key twice adds one concept
    isBusy = true;
    try {
      const done = await change();
      by("adding-box").close();
      showNotice(done);
    } catch (error) {
      say(error.message);
    }
    isBusy = false;
  });
}

by("adding").addEventListener("click", openAdding);
