/* The page while the table is being prepared: the steps so far and the progress of the last one; then the question page.
 *
 * The server holds each reply for half a second, so no timer is needed here; a hidden tab would slow one down. */
import { by, formatNumber, make, pause } from "./elements.js";

const RETRY_AFTER = 1000; // ms, while the server does not respond
const GO_ON = "Start it again with the same command, and this page will continue.";
const SPOKEN_EVERY = 25; // percent
let spoken = "";

async function watch() {
  for (let again = ""; ; again = "?again") {
    let reply;
    try {
      reply = await fetch(`/api/opening${again}`);
    } catch {
      if (by("error").hidden) showNotice(`The program does not respond; it may have stopped. ${GO_ON}`);
      by("opening").hidden = true; // its progress means nothing now
      await pause(RETRY_AFTER);
      continue;
    }
    if (reply.status === 403) return showError("this page has expired; open the last address that the program printed");
    const state = reply.ok ? await reply.json() : { is_ready: true }; // only a session has no such call
    if (state.is_ready) return location.reload();
    showNotice(state.error === null ? "" : `The program has stopped. ${GO_ON}`);
    show(state);
  }
}

function show({ name, error, steps }) {
  by("name").textContent = name;
  showError(error ?? "");
  by("opening").hidden = error !== null;
  by("steps").replaceChildren(...steps.map(makeStep));
  const last = steps.at(-1);
  const part = last ? getPart(last) : null;
  document.title = `${error ? "Error" : part === null ? "Getting ready" : `${part}%`}: ${name}`;
  const words = last ? `${capitalize(last.name)}${part === null ? "" : `: ${part - (part % SPOKEN_EVERY)}%`}` : "";
  if (words !== spoken && !error) by("said").textContent = spoken = words; // else a screen reader would never be silent
}

function makeStep(step) {
  const words = make("p", {}, capitalize(step.name), make("span", { class: "amount" }, describe(step)));
  if (step.is_done) return make("li", { class: "step" }, words);
  const part = getPart(step);
  const bar = make("progress", { max: 100, "aria-label": capitalize(step.name), ...(part === null ? {} : { value: part }) });
  return make("li", { class: "step", "aria-current": "step" }, words, bar);
}

const getPart = ({ done, total }) => (total ? Math.min(100, Math.floor((100 * done) / total)) : null);
const capitalize = (words) => words.charAt(0).toUpperCase() + words.slice(1);

function describe(step) {
  if (step.is_done) return `${step.total ? `${describeAmount(step.total, step.unit)}, ` : ""}${describeTime(step.seconds)}`;
  const amount = step.total ? `${describeAmount(step.done, step.unit, true)} of ${describeAmount(step.total, step.unit)}` : describeTime(step.seconds);
  return step.seconds_left === null ? amount : `${amount}, about ${describeTime(step.seconds_left)} left`;
}

function describeAmount(n, unit, isBare = false) {
  if (unit === "B") return `${formatNumber(Math.round(n / 1e6))}${isBare ? "" : " MB"}`;
  return `${formatNumber(n)}${isBare ? "" : ` ${unit}s`}`;
}

/* In steps that do not flicker. */
function describeTime(seconds) {
  if (seconds < 10) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90) return `${5 * Math.round(seconds / 5)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(seconds / 3600).toFixed(1)} hours`;
}

function showError(words) {
  const text = words && `Error: ${words}`;
  if (by("error").textContent !== text) by("error").textContent = text; // a screen reader says it once
  by("error").hidden = words === "";
}

function showNotice(words) {
  if (by("notice").textContent !== words) by("notice").textContent = words;
  by("notice").hidden = words === "";
}

watch();
