/* The page of a label session.

   An answer carries its row from the moment a key is pressed. Answers are sent one at a time, in order, and are retried
   until the server has them. Some rows are fetched ahead, so that the next one appears at once. An answer, an undo or a
   change of layout changes what is on screen; a reply only adds to it. */
import { call, clearError, connection, describeEmpty, showNotice, Refused, showError } from "./calls.js";
import { ANSWERS, makeCard, makeItem } from "./cards.js";
import * as concepts from "./concepts.js";
import { by, nameRow, pause, shorten } from "./elements.js";
import { startKeys } from "./keys.js";
import { makeLists } from "./lists.js";
import { drawMarks } from "./marks.js";
import { writeNote } from "./notes.js";
import { getName, startPerson } from "./person.js";
import { describeUnsent, showStatus } from "./status.js";

const SIZE = { one: 1, grid: 6 };
const AHEAD = { one: 3, grid: 6 };
const RETRY_AFTER = [500, 1000, 2000, 5000]; // ms
const TAB = Math.random().toString(36).slice(2); // distinguishes its answers from those of other tabs

const known = new Map(); // row -> the server's description of an asked row
const answers = new Map(); // row -> 1, 0 or null (skipped), as far as this page knows
let layout = "one";
let screen = []; // rows on screen
let buffer = []; // rows that come next
let current = null; // the row on screen that keys answer
let work = []; // answers and undos to be sent, in order, each with the person who gave it
let nAnswers = 0;
let kept = []; // rows that the tab had before its person gave a name
let isBusy = false;
let isStale = true; // the screen must be rebuilt from the rows that wait on the server
let isExhausted = false;
let undone = null; // the row that a pending undo brings back: "unknown" until the reply
let held = []; // keys pressed in the meantime, meant for that row

/* ---- calls ---- */

/* One call at a time: first what the person did, then the next rows. */
async function drain() {
  if (isBusy) return;
  isBusy = true;
  let failures = 0;
  while (!connection.isStopped && (work.length || wantsRows())) {
    const first = work[0];
    try {
      await (first ? perform(first) : refill());
      if (first) work.shift();
      clearError(Boolean(first));
      failures = 0;
    } catch (error) {
      if (error instanceof Refused) {
        showError(error.message + (connection.isStopped ? describeUnsent(work) : ""), true);
        showEmpty();
        if (!first || connection.isStopped) break;
        work.shift();
        takeBack(first);
      } else {
        if (first && first.kind === "undo") takeBack(work.shift()); // the server may have done it: leave it to the person
        showError(`${error.message}; retrying${describeUnsent(work)}`, false);
        showEmpty();
        await pause(RETRY_AFTER[Math.min(failures++, RETRY_AFTER.length - 1)]);
      }
    }
  }
  isBusy = false;
}

async function perform(one) {
  if (one.kind === "answer") {
    const body = { row: one.row, answer: one.answer, id: one.id, is_again: one.isSent };
    one.isSent = true;
    return showStatus((await call("/api/answer", body, one.who, one.where)).status);
  }
  const { row, left, status } = await call("/api/undo", {}, one.who, one.where);
  showStatus(status);
  if (row === null) {
    showNotice("Nothing to undo.");
    takeBack(one);
    return;
  }
  undone = row;
  if (left.is_answered) {
    answers.set(row, left.answer);
    showNotice(`Undid the last answer for ${nameRow(row)}; the earlier one counts again.`);
  } else {
    answers.delete(row);
    showNotice(`Undid the answer for ${nameRow(row)}.`);
  }
  isStale = true;
  isExhausted = false;
}

/* Revert what a call that failed permanently had changed on screen. */
function takeBack(one) {
  if (one.kind === "undo") {
    undone = null;
    held = [];
    return;
  }
  answers.delete(one.row);
  concepts.dropMarks(one.row);
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
  const [who, where] = [getName(), concepts.getPrefix()];
  const { rows } = await call(`/api/batch?n=${n}`);
  if (who !== getName() || where !== concepts.getPrefix()) return; // these are for the previous person or concept
  const unsent = new Set(work.map((one) => one.row));
  for (const item of rows) {
    known.set(item.row, item);
    if (!unsent.has(item.row)) {
      answers.delete(item.row);
      concepts.learnMarks(item);
    }
    learn(item.neighbors);
  }
  const given = rows.map((item) => item.row).filter((row) => !unsent.has(row) && !kept.includes(row));
  const waiting = isStale ? [...given, ...kept] : [...kept, ...given]; // a row that an undo brings back comes first
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
    concepts.learnMarks(item);
    if (item.is_answered) answers.set(item.row, item.answer);
    else answers.delete(item.row);
  }
}

/* ---- what the person does ---- */

/* `place` is the concept's, if all are asked at once: by default the first that has no answer. */
function answer(row, value, place) {
  showNotice("");
  const isAll = concepts.isAll();
  const given = isAll ? concepts.collect(row, value, place, screen.includes(row)) : value;
  if (isAll && given === null) return showMarks();
  if (!isAll || !concepts.findMissing(row).length) answers.set(row, given);
  const [who, where, id] = [getName(), concepts.getPrefix(), `${TAB}-${nAnswers++}`];
  work.push({ kind: "answer", row, answer: given, who, where, id, isSent: false });
  buffer = buffer.filter((other) => other !== row);
  kept = kept.filter((other) => other !== row);
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

function answerRest() {
  const rest = screen.filter((row) => !answers.has(row));
  rest.forEach((row) => answer(row, 0, "rest"));
  if (rest.length > 1) showNotice(`No to ${rest.length} rows. Undo takes them back one by one.`);
}

function undo() {
  if (concepts.isAll() && current !== null && concepts.dropLast(current)) return showMarks();
  undone = "unknown";
  work.push({ kind: "undo", who: getName(), where: concepts.getPrefix() });
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
  else if (key === "n" && layout === "grid") answerRest();
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
  by("rest").hidden = layout !== "grid";
  by("cards").replaceChildren();
  nextScreen();
  drain();
}

function select(row) {
  if (row !== current && screen.includes(row) && !answers.has(row)) makeCurrent(row);
}

const showSimilar = (row, text) => lists.showFound(`More like: ${shorten(text, row, 60)}`, `/api/similar?row=${row}`);

const actions = { answer, select, showSimilar };
const lists = makeLists({ actions, learn, showMarks });

/* ---- what is shown ---- */

function showCards() {
  const cards = by("cards");
  const isFocusOurs = document.activeElement === document.body || cards.contains(document.activeElement);
  const there = new Set();
  for (const card of [...cards.children]) {
    const row = Number(card.dataset.row);
    if (screen.includes(row)) there.add(row);
    else card.remove();
  }
  for (const row of screen) if (!there.has(row)) cards.append(makeCard(known.get(row), actions));
  for (const card of cards.children) {
    const isCurrent = Number(card.dataset.row) === current;
    if (isCurrent && isFocusOurs && card.getAttribute("aria-current") !== "true") {
      card.querySelector(".text").focus({ preventScroll: true });
      card.scrollIntoView({ block: "nearest" });
    }
    card.setAttribute("aria-current", String(isCurrent));
  }
  showEmpty();
  forget();
}

/* The message in place of a row. */
function showEmpty() {
  const words = describeEmpty(isExhausted);
  by("empty").textContent = words;
  by("empty").hidden = screen.length > 0 || words === "";
}

/* Drop the texts of rows that are done. */
function forget() {
  const needed = new Set([...screen, ...buffer, ...kept, ...work.map((one) => one.row)]);
  for (const row of known.keys()) if (!needed.has(row)) known.delete(row);
}

function showNear() {
  const near = current === null ? [] : known.get(current).neighbors;
  by("near-list").replaceChildren(...near.map((item) => makeItem(item, actions)));
}

function showMarks() { drawMarks(answers, current); }

/* ---- keys and buttons ---- */

const write = () => current !== null && writeNote(current);
startKeys({ press, move: (step) => undone === null && move(step), write, lists });
by("layout").addEventListener("click", () => undone === null && changeLayout());
by("undo").addEventListener("click", () => press("u"));
by("rest").addEventListener("click", () => press("n"));
by("answers").addEventListener("click", () => lists.showAnswers());
by("disputed").addEventListener("click", () => lists.showAnswers("disputed"));
by("help").addEventListener("click", () => by("keys").showModal());
const hasUnsent = () => work.length > 0 || concepts.isPending();
window.addEventListener("beforeunload", (event) => hasUnsent() && !connection.isStopped && event.preventDefault());

/* Another person gets other rows, but someone who only gives a name keeps those of the tab: nobody else would be asked
   for them. Unsent answers go out first, in the name of the person who gave them. */
function changePerson(before) {
  kept = before ? [] : [...screen, ...buffer].filter((row) => !answers.has(row));
  isStale = isStale || before !== "";
  isExhausted = false;
  drain();
}

/* Another concept has other rows and other answers. */
function changeConcept() {
  lists.close();
  answers.clear();
  known.clear();
  concepts.forgetMarks();
  [buffer, kept, isStale, isExhausted] = [[], [], true, false];
  by("cards").replaceChildren();
  nextScreen();
  call("/api/status").then(showStatus, () => {}); // fetching rows reports the error
  drain();
}

const redraw = () => { by("cards").replaceChildren(); makeCurrent(current); }; // cards may have a line for each concept

async function start() {
  startPerson(changePerson);
  try {
    let status = await call("/api/status");
    concepts.startConcepts(status.concepts, () => !work.length && undone === null, changeConcept, redraw);
    if (status.concepts.length) status = await call("/api/status");
    showStatus(status);
    if (status.has_images) changeLayout(); // pictures are judged side by side
  } catch (error) {
    showError(error.message, false);
  }
  drain();
}

start();
