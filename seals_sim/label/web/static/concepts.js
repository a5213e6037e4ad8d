/* Which concept is asked, if a session has several: one of them, or all at once.

   If all are asked, the answers to a row on screen are collected until there is one for each concept, and are then
   sent together. */
import { by, pause } from "./elements.js";

const KEY = "concept"; // of this tab: a place among the names, or "all"
let names = [];
let whenNamed = () => {};
const marks = new Map(); // row -> {place: answer} as the server has them
const pending = new Map(); // row -> Map of place -> answer, not sent yet

export const getNames = () => names;
export const isAll = () => names.length > 1 && getPlace() === "all";
export const getPrefix = () => (names.length ? `/concept/${getPlace()}` : "");

function getPlace() {
  const place = sessionStorage.getItem(KEY) ?? "0";
  return (names.length > 1 && place === "all") || Number(place) < names.length ? place : "0";
}

/* When another concept is chosen, `change` is called once `isIdle` reports that no call for the previous one is pending.
   `redraw` is called when concepts are added or renamed. */
export function startConcepts(given, isIdle, change, redraw) {
  names = given;
  whenNamed = redraw;
  fillBox();
  const box = by("concept");
  box.addEventListener("change", async () => {
    while (!isIdle()) await pause(20);
    if (box.value === getPlace()) return;
    sessionStorage.setItem(KEY, box.value);
    change();
  });
}

function fillBox() {
  const box = by("concept");
  const options = names.map((name, place) => new Option(name, place));
  if (names.length > 1) options.push(new Option("all at once", "all"));
  box.replaceChildren(...options);
  box.hidden = names.length === 0;
  box.value = getPlace();
}

/* This tab or another may have added or renamed concepts; a concept keeps its place. */
export function takeNames(given) {
  if (given.length < names.length || given.every((name, place) => name === names[place])) return; // or a late reply
  const place = names.length ? getPlace() : "0";
  names = given;
  sessionStorage.setItem(KEY, place);
  fillBox();
  whenNamed();
}

export function choosePlace(place) {
  by("concept").value = String(place);
  by("concept").dispatchEvent(new Event("change"));
}

export function chooseNext() {
  const box = by("concept");
  if (box.options.length < 2) return;
  box.selectedIndex = (box.selectedIndex + 1) % box.options.length;
  box.dispatchEvent(new Event("change"));
}

export function forgetMarks() {
  marks.clear();
  pending.clear();
}

export function learnMarks({ row, marks: given }) {
  if (isAll()) marks.set(row, { ...given });
}

export function dropMarks(row) {
  marks.delete(row);
  pending.delete(row);
}

export function getMark(row, place) {
  const given = pending.get(row);
  return given?.has(place) ? given.get(place) : marks.get(row)?.[place];
}

export const findMissing = (row) => names.map((_, place) => place).filter((place) => getMark(row, place) === undefined);

/* Takes an answer; returns those to be sent, by place, or null while some are missing. */
export function collect(row, value, place, isTogether) {
  const given = pending.get(row) ?? new Map();
  pending.set(row, given);
  const missing = findMissing(row);
  const places = place === "rest" ? missing : [place ?? missing[0] ?? 0];
  for (const one of places) given.set(one, value);
  if (isTogether && findMissing(row).length) return null;
  pending.delete(row);
  const sent = Object.fromEntries(given);
  marks.set(row, { ...marks.get(row), ...sent });
  return sent;
}

/* Takes back the last answer that was not sent yet; returns whether there was one. */
export function dropLast(row) {
  const given = pending.get(row);
  if (!given?.size) return false;
  given.delete([...given.keys()].at(-1));
  return true;
}

export const isPending = () => [...pending.values()].some((given) => given.size);
