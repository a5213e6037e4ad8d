/* The chunk of a long text that decides, in its text box. */
import { make } from "./elements.js";

export function markChunk(box, text, mark) {
  if (!mark) return box;
  const letters = Array.from(text), [start, end] = mark; // counted as in Python: never half of a surrogate pair
  const chunk = make("mark", { class: "chunk" }, letters.slice(start, end).join(""));
  box.replaceChildren(letters.slice(0, start).join(""), chunk, letters.slice(end).join(""));
  requestAnimationFrame(() => { box.scrollTop = chunk.offsetTop - box.offsetTop; }); // once it is on the page
  return box;
}
