/* The page of a label session.

   An answer carries its row from the moment a key is pressed. Answers are sent one at a time, in order, and again until
   the server has them. Some rows are fetched ahead, so that the next one is on screen at once. An answer, an undo, or a
   change of layout changes what is on screen; a reply only adds to it. Texts of the table become textContent, never
   markup. */
"use strict";

const SIZE = { one: 1, grid: 6 };
const AHEAD = { one: 3, grid: 6 };
const RETRY_AFTER = [500, 1000, 2000, 5000]; // ms
const ANSWERS = [[1, "Yes", "1"], [0, "No", "0"], [null, "Skip", "s"]];
const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 };
const SVG = "http://www.w3.org/2000/svg";

const known = new Map(); // row -> the server's description of an asked row
const answers = new Map(); // row -> 1, 0 or null (skipped), as far as this page knows
let layout = "one";
let screen = []; // rows on screen
let buffer = []; // rows that come next
let current = null; // the row on screen that keys answer
let work = []; // answers and undos to be sent, in order
let isBusy = false;
let isStale = true; // the screen must be laid out again from the rows that wait on the server
let isExhausted = false;
let isStopped = false; // the server rejects our token
let undone = null; // the row that a pending undo brings back: "unknown" until the reply
let held = []; // keys pressed meanwhile, meant for that row
let isErrorOfCall = false; // the error shown is about something the person did, not about the connection

const by = (id) => document.getElementById(id);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const number = (n) => n.toLocaleString("en");

/* ---- calls ---- */

class Refused extends Error {}

async function call(path, body) {
  const json = { "Content-Type": "application/json" };
  let response;
  try {
    response = await fetch(path, body && { method: "POST", headers: json, body: JSON.stringify(body) });
  } catch {
    throw new Error("the server does not respond (is it still running?)");
  }
  if (response.ok) return response.json();
  if (response.status >= 500) throw new Error("the server failed; see its output for the reason");
  if (response.status === 403) {
    isStopped = true;
    throw new Refused("this page has expired; open the address that the program printed last");
  }
  const reply = await response.json().catch(() => ({}));
  throw new Refused(reply.error || `the server refused (${response.status})`);
}

function showError(words, isOfCall) {
  isErrorOfCall = isOfCall;
  by("error").textContent = words && `Error: ${words}`;
  by("error").hidden = words === "";
}

function clearError(isOfCall) {
  if (isOfCall || !isErrorOfCall) showError("", false);
}

function notice(words) {
  by("notice").textContent = words;
  by("notice").hidden = words === "";
}

/* One call at a time: first what the person did, then rows to come. */
async function drain() {
  if (isBusy) return;
  isBusy = true;
  let failures = 0;
  while (!isStopped && (work.length || wantsRows())) {
    const first = work[0];
    try {
      await (first ? perform(first) : refill());
      if (first) work.shift();
      clearError(Boolean(first));
      failures = 0;
    } catch (error) {
      if (error instanceof Refused) {
        showError(error.message + (isStopped ? unsentWords() : ""), true);
        if (!first || isStopped) break;
        work.shift();
        takeBack(first);
      } else {
        if (first && first.kind === "undo") takeBack(work.shift()); // it may have been done: leave it to the person
        else if (first) first.isRepeated = true;
        showError(`${error.message}; retrying${unsentWords()}`, false);
        await pause(RETRY_AFTER[Math.min(failures++, RETRY_AFTER.length - 1)]);
      }
    }
  }
  isBusy = false;
}

function unsentWords() {
  const n = work.filter((one) => one.kind === "answer").length;
  return n ? ` (${n} ${n === 1 ? "answer" : "answers"} not saved yet)` : "";
}

async function perform(one) {
  if (one.kind === "answer") {
    const body = { row: one.row, answer: one.answer, is_repeated: Boolean(one.isRepeated) };
    showStatus((await call("/api/answer", body)).status);
    return;
  }
  const { row, left, status } = await call("/api/undo", {});
  showStatus(status);
  if (row === null) {
    notice("Nothing to undo.");
    takeBack(one);
    return;
  }
  undone = row;
  if (left.is_answered) {
    answers.set(row, left.answer);
    notice(`Undid the last answer for row ${row}; the earlier one counts again.`);
  } else {
    answers.delete(row);
    notice(`Undid the answer for row ${row}.`);
  }
  isStale = true;
  isExhausted = false;
}

/* Revert what a call that failed for good had changed on screen. */
function takeBack(one) {
  if (one.kind === "undo") {
    undone = null;
    held = [];
    return;
  }
  answers.delete(one.row);
  if (known.has(one.row) && !screen.includes(one.row)) buffer.unshift(one.row);
  if (!screen.length) nextScreen();
  showMarks();
}

function wantsRows() {
  return isStale || (!isExhausted && buffer.length < AHEAD[layout]);
}

async function refill() {
  const isNew = isStale || !screen.length;
  const n = AHEAD[layout] + (isNew ? SIZE[layout] : screen.filter((row) => !answers.has(row)).length);
  const { rows } = await call(`/api/batch?n=${n}`);
  const unsent = new Set(work.map((one) => one.row));
  for (const item of rows) {
    known.set(item.row, item);
    if (!unsent.has(item.row)) answers.delete(item.row);
    learn(item.neighbors);
  }
  const waiting = rows.map((item) => item.row).filter((row) => !unsent.has(row));
  isExhausted = rows.length < n;
  if (isStale) {
    isStale = false;
    buffer = waiting;
    by("cards").replaceChildren();
    nextScreen();
    afterUndo();
  } else {
    buffer = waiting.filter((row) => !screen.includes(row));
    while (screen.length && screen.length < SIZE[layout] && buffer.length) screen.push(buffer.shift());
    if (screen.length) showCards();
    else nextScreen();
  }
  showMarks();
}

/* Take over answers from a list of the server, except where newer ones are unsent. */
function learn(items) {
  const unsent = new Set(work.map((one) => one.row));
  for (const item of items) {
    if (unsent.has(item.row)) continue;
    if (item.is_answered) answers.set(item.row, item.answer);
    else answers.delete(item.row);
  }
}

/* ---- what the person does ---- */

function answer(row, value) {
  notice("");
  answers.set(row, value);
  work.push({ kind: "answer", row, answer: value });
  buffer = buffer.filter((other) => other !== row);
  if (screen.includes(row)) {
    const place = screen.indexOf(row);
    const following = [...screen.slice(place + 1), ...screen.slice(0, place)];
    const next = following.find((other) => !answers.has(other));
    if (next === undefined) nextScreen();
    else if (row === current) makeCurrent(next);
  }
  showMarks();
  drain();
}

function undo() {
  undone = "unknown";
  work.push({ kind: "undo" });
  drain();
}

function afterUndo() {
  const isBack = undone !== null && undone === current;
  undone = null;
  const keys = held;
  held = [];
  if (isBack) keys.forEach(press);
}

function press(key) {
  if (undone !== null) {
    held.push(key);
    return;
  }
  const choice = ANSWERS.find(([, , letter]) => letter === key);
  if (key === "u") undo();
  else if (choice && current !== null) answer(current, choice[0]);
}

function nextScreen() {
  screen = buffer.splice(0, SIZE[layout]);
  makeCurrent(screen.length ? screen[0] : null);
}

function makeCurrent(row) {
  current = row;
  showCards();
  showNear();
  showMarks();
}

function move(step) {
  const place = screen.indexOf(current) + step;
  if (screen.length < 2 || place < 0 || place >= screen.length) return false;
  makeCurrent(screen[place]);
  return true;
}

function changeLayout() {
  const unanswered = screen.filter((row) => !answers.has(row));
  layout = layout === "one" ? "grid" : "one";
  const first = layout === "one" && unanswered.includes(current) ? [current] : [];
  buffer = [...first, ...unanswered.filter((row) => !first.includes(row)), ...buffer];
  by("cards").classList.toggle("grid", layout === "grid");
  by("layout").setAttribute("aria-pressed", String(layout === "grid"));
  by("cards").replaceChildren();
  nextScreen();
  drain();
}

async function list(title, path) {
  try {
    const { rows } = await call(path);
    learn(rows);
    by("results-title").textContent = title;
    by("results-list").replaceChildren(...rows.map(itemOf));
    by("results").hidden = false;
    by("results").scrollIntoView({ block: "nearest" });
    showMarks();
    clearError(true);
  } catch (error) {
    showError(error.message, true);
  }
}

const similar = (row, text) => list(`More like: ${short(text, row, 60)}`, `/api/similar?row=${row}&n=10`);

/* ---- what is shown ---- */

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text nodes
  return element;
}

function button(words, attributes, action) {
  const element = make("button", { type: "button", ...attributes }, words);
  element.addEventListener("click", action);
  return element;
}

function textBox(row, text, attributes) {
  const box = make("div", { class: "text", dir: "auto", ...attributes });
  box.textContent = text === null ? `row ${row} (this table has no texts)` : text;
  return box;
}

function short(text, row, length) {
  if (text === null) return `row ${row}`;
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

function answerButtons(row, hasKeys) {
  return ANSWERS.map(([value, words, key]) => button(
    hasKeys ? `${words} (${key})` : words,
    { "data-answer": String(value), "aria-pressed": "false", "aria-label": `${words}, row ${row}` },
    () => answer(row, value),
  ));
}

function reason(item) {
  const line = make("p", { class: "why" });
  if (item.is_control) line.textContent = "drawn at random, to estimate how many positives remain";
  else if (item.because) {
    const near = make("bdi", {});
    near.textContent = short(item.because.text, item.because.row, 300);
    line.append("similar to: ", near, ` (similarity ${item.because.similarity.toFixed(2)})`);
  } else line.textContent = "no positives marked yet";
  return line;
}

function cardOf(row) {
  const item = known.get(row);
  const score = item.score === null ? "" : `score ${item.score.toFixed(2)}`;
  const title = "the model's probability that this is a positive, or, before there is a model, its similarity to the examples";
  const more = button("More", { "aria-label": `More like row ${row}` }, () => similar(row, item.text));
  more.append(make("span", { class: "wide" }, " like this"));
  const card = make(
    "article", { class: "card", "data-row": row, "aria-label": `Example, row ${row}` },
    make("p", { class: "facts" }, `row ${number(row)}`, make("span", { title }, score)),
    textBox(row, item.text, { tabindex: "0", "aria-label": `Text of row ${row}`, role: "group" }),
    reason(item),
    make(
      "div", { class: "answers" }, ...answerButtons(row, true),
      more,
    ),
  );
  card.addEventListener("click", () => {
    if (row !== current && screen.includes(row) && !answers.has(row)) makeCurrent(row);
  });
  return card;
}

function itemOf({ row, text }) {
  const open = button("Open", { "aria-expanded": "false", "aria-label": `Open row ${row}` }, () => {
    const isOpen = item.classList.toggle("is-open");
    open.textContent = isOpen ? "Close" : "Open";
    open.setAttribute("aria-expanded", String(isOpen));
  });
  const more = button("More", { "aria-label": `More like row ${row}` }, () => similar(row, text));
  const item = make(
    "li", { class: "item", "data-row": row },
    textBox(row, text, {}), make("div", { class: "answers" }, ...answerButtons(row, false), open, more),
  );
  return item;
}

function showCards() {
  const cards = by("cards");
  const isFocusOurs = document.activeElement === document.body || cards.contains(document.activeElement);
  const there = new Set();
  for (const card of [...cards.children]) {
    const row = Number(card.dataset.row);
    if (screen.includes(row)) there.add(row);
    else card.remove();
  }
  for (const row of screen) if (!there.has(row)) cards.append(cardOf(row));
  for (const card of cards.children) {
    const isCurrent = Number(card.dataset.row) === current;
    if (isCurrent && isFocusOurs && card.getAttribute("aria-current") !== "true") {
      card.querySelector(".text").focus({ preventScroll: true });
      card.scrollIntoView({ block: "nearest" });
    }
    card.setAttribute("aria-current", String(isCurrent));
  }
  by("empty").hidden = screen.length > 0 || !isExhausted;
  forget();
}

/* Drop the texts of rows that are done. */
function forget() {
  const needed = new Set([...screen, ...buffer, ...work.map((one) => one.row)]);
  for (const row of known.keys()) if (!needed.has(row)) known.delete(row);
}

function showNear() {
  const near = current === null ? [] : known.get(current).neighbors;
  by("near-list").replaceChildren(...near.map(itemOf));
}

function showMarks() {
  for (const element of document.querySelectorAll("[data-row]")) {
    const row = Number(element.dataset.row);
    const mark = answers.has(row) ? String(answers.get(row)) : "none";
    element.classList.toggle("is-answered", mark !== "none");
    for (const one of element.querySelectorAll("[data-answer]")) {
      one.setAttribute("aria-pressed", String(one.dataset.answer === mark));
    }
  }
}

function showStatus(status) {
  by("name").textContent = status.name;
  document.title = `${number(status.n_positive)} positive: ${status.name}`;
  const part = (100 * status.n_candidates) / Math.max(1, status.n_rows);
  by("counts").textContent =
    `${number(status.n_positive)} positive of ${number(status.n_answered)} answered, ${number(status.n_skipped)} skipped; `
    + `${part.toFixed(1)}% of ${number(status.n_rows)} rows reached`;
  by("remaining").textContent = status.remaining_words;
  by("stopping").textContent = status.stopping_words;
  by("explanation").textContent = status.explanation;
  by("explanation").hidden = status.explanation === "";
  by("scores").hidden = status.explanation !== ""; // there is no model yet
  by("search").hidden = !status.can_find;
  by("curve").replaceChildren(curveOf(status.curve));
}

function curveOf(curve) {
  const [width, height, left, bottom, top] = [250, 100, 34, 18, 10];
  const most = Math.max(1, ...curve.slice(-1));
  const x = (i) => left + ((width - left - 8) * i) / Math.max(1, curve.length);
  const y = (n) => height - bottom - ((height - bottom - top) * n) / most;
  const step = Math.max(1, Math.ceil(curve.length / 250));
  const places = [...curve.keys()].filter((i) => i % step === 0 || i === curve.length - 1);
  const points = [[x(0), y(0)], ...places.map((i) => [x(i + 1), y(curve[i])])];
  const draw = (tag, attributes, words = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = words;
    return element;
  };
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.setAttribute("aria-label", `Positives in the answers to the search: ${curve.at(-1) ?? 0} of ${curve.length}`);
  svg.append(
    draw("path", { class: "axis", d: `M${left},${top}V${height - bottom}H${width - 8}` }),
    draw("polyline", { class: "line", points: points.map((point) => point.map((c) => c.toFixed(1)).join(",")).join(" ") }),
    draw("text", { x: left - 4, y: top + 6, "text-anchor": "end" }, number(most)),
    draw("text", { x: left - 4, y: height - bottom, "text-anchor": "end" }, "0"),
    draw("text", { x: width - 8, y: height - 4, "text-anchor": "end" }, `${number(curve.length)} answers to the search`),
    draw("text", { x: left + 4, y: top + 6 }, "positives"),
  );
  return svg;
}

/* ---- keys and buttons ---- */

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || by("keys").open) return;
  if (event.target.matches("input, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key in MOVES) {
    if (undone === null && move(MOVES[event.key])) event.preventDefault();
    return;
  }
  if (event.repeat) return; // a key held down is one answer
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (["1", "0", "s", "u"].includes(key)) press(key);
  else if (key === "g") by("layout").click();
  else if (key === "/" && !by("search").hidden) by("words").focus();
  else if (key === "?") by("keys").showModal();
  else return;
  event.preventDefault();
});

by("layout").addEventListener("click", () => undone === null && changeLayout());
by("undo").addEventListener("click", () => press("u"));
by("help").addEventListener("click", () => by("keys").showModal());
by("results-close").addEventListener("click", () => { by("results").hidden = true; });
by("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = by("words").value.trim();
  if (words) list(`Results for: ${short(words, null, 60)}`, `/api/find?n=20&text=${encodeURIComponent(words)}`);
});
window.addEventListener("beforeunload", (event) => work.length && !isStopped && event.preventDefault());

async function start() {
  try {
    showStatus(await call("/api/status"));
  } catch (error) {
    showError(error.message, false);
  }
  drain();
}

start();
