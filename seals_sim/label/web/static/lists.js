/* The list beside the row to be answered: search results, rows like another one, or the answers given so far. */
import { call, clearError, showError } from "./calls.js";
import { makeItem } from "./cards.js";
import { by, formatNumber, makeButton, shorten } from "./elements.js";

const PAGE = 20;
const TITLES = { all: "Answers", yes: "Answers: yes", no: "Answers: no", skipped: "Skipped rows", noted: "Rows with a note", disputed: "Rows with different answers: the next answer settles a row" };

/* `actions` holds what the buttons of a row do; `learn` takes over answers from rows, and `showMarks` marks them. */
export function makeLists({ actions, learn, showMarks }) {
  let shown = 0; // counts lists, so that a late reply to an earlier one is dropped
  let opener = null; // gets the focus back when the list is closed

  async function show(title, path, hasPages, start = 0) {
    const mine = start ? shown : ++shown;
    try {
      const { rows, n_found: nFound } = await call(`${path}&n=${PAGE}${hasPages ? `&start=${start}` : ""}`);
      if (mine !== shown) return;
      learn(rows);
      const items = rows.map((item) => makeItem(item, actions));
      if (start) by("results-list").append(...items);
      else by("results-list").replaceChildren(...items);
      by("results-title").textContent = title;
      by("results-count").textContent = describe(by("results-list").children.length, nFound, hasPages);
      const next = start + rows.length;
      const more = makeButton("Show more", {}, () => show(title, path, hasPages, next));
      by("results-more").replaceChildren(...(next < nFound ? [more] : []));
      if (start && items.length) items[0].querySelector("button").focus();
      showMarks();
      clearError(true);
    } catch (error) {
      showError(error.message, true);
    }
  }

  function open(isOfAnswers) {
    if (by("results").hidden) opener = document.activeElement;
    by("filter").hidden = !isOfAnswers;
    by("results").hidden = false;
    by("results").scrollIntoView({ block: "nearest" });
  }

  function close() {
    if (by("results").hidden) return false;
    by("results").hidden = true;
    shown += 1;
    (opener && opener.isConnected ? opener : by("cards").querySelector("[aria-current=true] .text"))?.focus();
    return true;
  }

  async function showFound(title, path, hasPages = false) {
    await show(title, path, hasPages);
    open(false);
  }

  function filterAnswers() {
    const kind = by("filter-answer").value;
    const words = encodeURIComponent(by("filter-words").value.trim());
    return show(TITLES[kind], `/api/answers?answer=${kind}&words=${words}`, true);
  }

  async function showAnswers(kind) {
    if (kind) by("filter-answer").value = kind;
    await filterAnswers();
    open(true);
    by("filter-answer").focus();
  }

  function search() {
    const words = by("words").value.trim();
    const how = by("how").value; // the name of the call
    const title = `Results for: ${shorten(words, null, 60)}`;
    if (words) showFound(title, `/api/${how}?text=${encodeURIComponent(words)}`, how === "words");
  }

  by("search").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  by("results-close").addEventListener("click", close);
  by("filter-answer").addEventListener("change", filterAnswers);
  by("filter-words").addEventListener("input", filterAnswers);
  by("filter").addEventListener("submit", (event) => event.preventDefault());
  return { showFound, showAnswers, close };
}

function describe(n, nFound, hasPages) {
  if (nFound === 0) return "None.";
  if (!hasPages) return "Nearest first.";
  return n < nFound ? `${formatNumber(n)} of ${formatNumber(nFound)}` : `${formatNumber(nFound)} in all`;
}
