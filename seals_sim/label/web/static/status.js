/* The progress of the session. */
import { showAdding } from "./adding.js";
import { getPrefix, takeNames } from "./concepts.js";
import { by, formatNumber } from "./elements.js";
import { drawCurve } from "./curve.js";
import { showJudge } from "./judge.js";

export function showStatus(status) {
  takeNames(status.concepts);
  showAdding(status);
  by("name").textContent = status.name;
  document.title = `${formatNumber(status.n_positive)} positive: ${status.name}`;
  by("counts").textContent =
    `${formatNumber(status.n_positive)} positive of ${formatNumber(status.n_answered)} answered, ${formatNumber(status.n_skipped)} skipped; `
    + describeReach(status);
  by("remaining").textContent = status.remaining_words;
  by("stopping").textContent = status.stopping_words;
  by("disputed").hidden = status.n_disputed === 0;
  by("disputed").firstChild.textContent = `${formatNumber(status.n_disputed)} ${status.n_disputed === 1 ? "row has" : "rows have"} different answers: settle`;
  showJudge(status, showStatus);
  by("explanation").textContent = status.explanation;
  by("explanation").hidden = status.explanation === "";
  by("scores").hidden = status.explanation !== ""; // there is no model yet
  by("search").hidden = !(status.can_find || status.has_texts);
  by("how").querySelector("[value=find]").disabled = !status.can_find;
  if (!status.can_find) by("how").value = "words";
  by("curve").replaceChildren(drawCurve(status.curve));
  for (const link of by("export").querySelectorAll("a")) {
    link.dataset.path ??= link.getAttribute("href");
    link.setAttribute("href", getPrefix() + link.dataset.path);
  }
  if (status.each.length) showEach(status.each);
}

/* If all concepts are asked at once, show a line for each; everything else is about a single concept. */
function showEach(each) {
  by("counts").textContent = each.join("; ");
  by("remaining").textContent = "Choose one concept to see its curve, how many positives remain, and whether to stop.";
  by("stopping").textContent = "";
  by("explanation").hidden = true;
  by("scores").hidden = true;
  by("curve").replaceChildren();
}

/* If nearly all rows are candidates, their share says nothing. */
function describeReach(status) {
  const part = status.n_candidates / Math.max(1, status.n_rows);
  const rows = `${formatNumber(status.n_rows)} ${describeRows(status)}`;
  const embedded = status.n_embedded < status.n_rows ? `, ${formatNumber(status.n_embedded)} embedded so far` : "";
  return (part > 0.9 ? rows : `${(100 * part).toFixed(1)}% of ${rows} reached`) + embedded;
}

function describeRows({ n_rows, n_copies }) {
  return n_copies ? `distinct rows (${formatNumber(n_rows + n_copies)} with copies)` : "rows";
}

export function describeUnsent(work) {
  const n = work.filter((one) => one.kind === "answer").length;
  return n ? ` (${n} ${n === 1 ? "answer" : "answers"} not saved yet)` : "";
}
