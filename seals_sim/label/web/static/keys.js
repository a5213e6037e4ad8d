/* Keys that answer, move and open. */
import { openAdding } from "./adding.js";
import { chooseNext } from "./concepts.js";
import { by } from "./elements.js";
import { closeMenu } from "./menu.js";

const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -3, ArrowDown: 3 };

/* `press` takes a key that answers, `move` steps to another row on screen, `write` opens the current row's note. */
export function startKeys({ press, move, write, lists }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && closeOne(event.target)) return;
    if (event.target.matches("input, select, textarea")) return;
    if (event.key in MOVES) {
      if (move(MOVES[event.key])) event.preventDefault();
      return;
    }
    if (event.repeat) return; // a key held down is one answer
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (["1", "0", "s", "u", "n"].includes(key)) press(key);
    else if (key === "g") by("layout").click();
    else if (key === "/" && !by("search").hidden) by("words").focus();
    else if (key === "a") lists.showAnswers();
    else if (key === "c") chooseNext();
    else if (key === "+") openAdding();
    else if (key === "w") write();
    else if (key === "?") by("keys").showModal();
    else return;
    event.preventDefault();
  });

  /* Escape closes one thing at a time: the menu, the search box, the list. */
  function closeOne(target) {
    if (closeMenu()) return true;
    if (!by("search").contains(target)) return lists.close();
    return target.blur() ?? true;
  }
}
