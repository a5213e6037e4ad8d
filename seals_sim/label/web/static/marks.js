/* Which buttons are pressed, which rows are done, and, if all concepts are asked at once, which one comes next. */
import { findMissing, getMark } from "./concepts.js";

export function drawMarks(answers, current) {
  for (const element of document.querySelectorAll("[data-row]")) {
    const row = Number(element.dataset.row);
    const mark = answers.has(row) ? String(answers.get(row)) : "none";
    element.classList.toggle("is-answered", mark !== "none");
    for (const one of element.querySelectorAll("[data-answer]")) {
      const { place } = one.dataset;
      const its = place === undefined ? mark : String(getMark(row, Number(place)));
      one.setAttribute("aria-pressed", String(one.dataset.answer === its));
    }
    const [next] = findMissing(row);
    for (const line of element.querySelectorAll(".concept")) {
      line.classList.toggle("is-next", row === current && Number(line.dataset.place) === next);
    }
  }
}
