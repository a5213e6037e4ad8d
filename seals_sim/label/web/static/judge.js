/* What an automatic judge has done. While it works, the page polls the server. */
import { call, connection } from "./calls.js";
import { by } from "./elements.js";

const EVERY = 3000; // ms
let isAsking = false;

export function showJudge(status, showStatus) {
  by("judge").textContent = status.judge_words;
  by("judge").hidden = status.judge_words === "";
  if (!status.judge_works || isAsking) return;
  isAsking = true;
  setTimeout(() => ask(showStatus), EVERY);
}

async function ask(showStatus) {
  isAsking = false;
  if (connection.isStopped) return;
  try {
    showStatus(await call("/api/status"));
  } catch {
    showJudge({ judge_words: by("judge").textContent, judge_works: true }, showStatus); // the next call says what is wrong
  }
}
