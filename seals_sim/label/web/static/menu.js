/* Closes the menu of files to save when it is no longer used. */
import { by } from "./elements.js";

document.addEventListener("click", (event) => {
  if (!by("export").contains(event.target) || event.target.matches("a")) by("export").open = false;
});

/* Closes the menu; returns whether it was open. */
export function closeMenu() {
  const wasOpen = by("export").open;
  by("export").open = false;
  if (wasOpen) by("export").querySelector("summary").focus();
  return wasOpen;
}
