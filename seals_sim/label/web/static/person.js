/* Who uses this tab, if several people label: a name from the address (?name=Ada), or typed in. */
import { by } from "./elements.js";

const KEY = "name"; // of this tab alone, so that two tabs can be two people

export const getName = () => sessionStorage.getItem(KEY) ?? "";

function setName(name) {
  sessionStorage.setItem(KEY, name.trim().replace(/\s+/g, " "));
  by("person").textContent = getName() || "Your name";
}

/* When another person takes over, `change` is called with the previous name. */
export function startPerson(change) {
  const given = new URLSearchParams(location.search).get("name");
  if (given !== null) history.replaceState(null, "", "/");
  setName((given ?? getName()).slice(0, 100));
  by("person").addEventListener("click", () => {
    by("person-name").value = getName();
    by("person-box").showModal();
  });
  by("person-box").addEventListener("close", () => {
    const name = by("person-name").value;
    const before = getName();
    if (by("person-box").returnValue !== "set" || name === before) return;
    setName(name);
    change(before);
  });
}
