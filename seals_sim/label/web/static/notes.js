/* Notes on rows: free text, kept whatever the answer is. */
import { call, clearError, showError } from "./calls.js";
import { by, make, makeButton, nameRow } from "./elements.js";

const notes = new Map(); // row -> note, as far as this page knows
const drafts = new Map(); // row -> words that could not be saved
let open = null; // the row whose note is being written

function show(row) {
  for (const element of document.querySelectorAll(`[data-row="${row}"] > .note`)) fill(element, row);
}

function fill(element, row) {
  element.textContent = notes.get(row) ?? "";
  element.hidden = element.textContent === "";
}

export function makeNote({ row, note }) {
  notes.set(row, note);
  const element = make("p", { class: "note", dir: "auto" });
  fill(element, row);
  return element;
}

export const makeNoteButton = (row) => makeButton("Note", { class: "writes", "aria-label": `Note on ${nameRow(row)}` }, () => writeNote(row));

export function writeNote(row) {
  open = row;
  by("note-title").textContent = `Note on ${nameRow(row)}`;
  by("note-words").value = drafts.get(row) ?? notes.get(row) ?? "";
  by("note-box").returnValue = "";
  by("note-box").showModal();
}

async function save(row, text) {
  drafts.set(row, text);
  try {
    const { note } = await call("/api/note", { row, text });
    drafts.delete(row);
    notes.set(row, note);
    show(row);
    clearError(true);
  } catch (error) {
    showError(`the note on ${nameRow(row)} was not saved; save it again: ${error.message}`, true);
  }
}

by("note-box").addEventListener("close", () => {
  if (by("note-box").returnValue === "set") save(open, by("note-words").value);
});
