// One request at a time that makes music: its progress in words, a Stop button, and what came of it.

import { streamed } from "./api.js";
import { byId } from "./dom.js";
import { capital, count } from "./words.js";

export const alertUser = (sentence) => {
  byId("alert-words").textContent = sentence;
  byId("alert").hidden = !sentence;
};

export const tellStatus = (sentence) => {
  byId("status").textContent = sentence;
};

/** "bar 7 of 32", whatever the unit. */
export function progressWords({ done, of, unit }) {
  if (of === 1) return `${Math.round(100 * done)} % done.`;
  const one = unit.replace(/s$/, "");
  return of
    ? `${capital(one)} ${Math.min(Math.floor(done) + 1, of)} of ${of}.`
    : `${count(Math.floor(done), one)} so far.`;
}

export const queueWords = (ahead) =>
  ahead > 0 ? `Waiting: ${count(ahead, "request")} before yours.` : "Next in turn.";

export class Jobs extends EventTarget {
  constructor() {
    super();
    this.controller = null;
    byId("stop").addEventListener("click", () => this.stop());
    byId("alert-close").addEventListener("click", () => alertUser(""));
  }

  get busy() {
    return this.controller !== null;
  }

  stop() {
    this.controller?.abort();
  }

  /**
   * Sends a request and tells how it goes. onPiece: called with the piece so far and the bars to come.
   * Returns the answer, or null where it was stopped or refused (which has then been said).
   */
  async run(path, body, doing, onPiece = () => {}) {
    if (this.busy) return null;
    this.controller = new AbortController();
    this.show(true);
    alertUser("");
    tellStatus(`${doing} …`);
    let expected = 0;
    try {
      const answer = await streamed(
        path,
        body,
        (event, data) => {
          if (event === "queued") tellStatus(queueWords(data.ahead));
          else if (event === "started") tellStatus(`${doing} …`);
          else if (event === "progress") {
            if (data.unit === "bars") expected = data.of;
            tellStatus(`${doing}. ${progressWords(data)}`);
            this.amount(data.of ? data.done / data.of : null);
          } else if (event === "piece") onPiece(data, expected);
        },
        this.controller.signal,
      );
      tellStatus(`Done in ${count(Number(answer.seconds.toFixed(1)), "second")}.`);
      if (answer.warnings?.length) alertUser(answer.warnings.join(" "));
      return answer;
    } catch (error) {
      if (error.name === "AbortError" || error.message === "cancelled") tellStatus("Stopped.");
      else {
        tellStatus("");
        alertUser(error.message);
      }
      return null;
    } finally {
      this.controller = null;
      this.show(false);
    }
  }

  amount(part) {
    const bar = byId("progress");
    if (part === null) bar.removeAttribute("value");
    else bar.value = part;
  }

  show(busy) {
    byId("stop").hidden = !busy;
    byId("progress").hidden = !busy;
    if (busy) byId("progress").removeAttribute("value");
    document.body.classList.toggle("busy", busy);
    this.dispatchEvent(new Event("change"));
  }
}
