/* Calls to the server, and the messages about them. */
import { getPrefix } from "./concepts.js";
import { by } from "./elements.js";
import { getName } from "./person.js";

export const connection = {
  isStopped: false, // whether the server rejects our token
  isAway: false, // whether it did not respond last time
};
let isErrorOfCall = false; // the error shown is about something the person did, not about the connection

export class Refused extends Error {}

export async function call(path, body, who = getName(), where = getPrefix()) {
  const headers = { "Content-Type": "application/json", "X-Person": encodeURIComponent(who) };
  let response;
  try {
    response = await fetch(where + path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  } catch {
    connection.isAway = true;
    throw new Error("the server does not respond (is it still running?)");
  }
  connection.isAway = false;
  if (response.ok) return response.json();
  if (response.status === 503) throw new Error((await response.json().catch(() => ({}))).error || "the server is busy");
  if (response.status >= 500) throw new Error("the server failed; see its output for the reason");
  if (response.status === 403) {
    connection.isStopped = true;
    throw new Refused("this page has expired; open the last address that the program printed");
  }
  const reply = await response.json().catch(() => ({}));
  throw new Refused(reply.error || `the server refused (${response.status})`);
}

/* Why there is no row; empty if one may still come. */
export function describeEmpty(isExhausted) {
  if (connection.isStopped) return "This page has expired. Open the last address that the program printed.";
  if (connection.isAway) return "The server does not respond, so there is no row to show. Leave this page open; it continues once the server is back.";
  return isExhausted ? "Every row has an answer." : "";
}

export function showError(words, isOfCall) {
  isErrorOfCall = isOfCall;
  by("error").textContent = words && `Error: ${words}`;
  by("error").hidden = words === "";
}

export function clearError(isOfCall) {
  if (isOfCall || !isErrorOfCall) showError("", false);
}

export function showNotice(words) {
  by("notice").textContent = words;
  by("notice").hidden = words === "";
}
