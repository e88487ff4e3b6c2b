// What can be done with a take that one likes: download it, log it, copy the command that makes it again.

import { ask, exported } from "./api.js";
import { byId, button, bytesOf, download, el, say } from "./dom.js";
import { music } from "./piece.js";
import { capital } from "./words.js";

const KINDS = [
  ["midi", "MIDI", "mid", "audio/midi"],
  ["musicxml", "MusicXML", "musicxml", "application/vnd.recordare.musicxml+xml"],
  ["abc", "ABC", "abc", "text/vnd.abc"],
  ["wav", "WAV", "wav", "audio/wav"],
];

export class Keep {
  constructor({ takes, models }) {
    Object.assign(this, { takes, models });
    this.told = el("p", { class: "told", role: "status" });
    this.log = button("Log to MLflow", () => this.work(this.log, "Logging …", () => this.logTake()));
    byId("downloads").append(
      ...KINDS.map(([kind, label, ending, type]) => {
        const made = button(`Download ${label}`, () =>
          this.work(made, `${label} is being written …`, () => this.fetch(kind, ending, type)),
        );
        if (kind === "abc") this.abc = made;
        return made;
      }),
      this.log,
    );
    byId("keep-error").before(this.told);
  }

  get name() {
    const take = this.takes.current;
    const name = `${take.piece.name || "take"}-${take.id}`.replace(/[^\w.-]+/g, "-").replace(/^[.-]+/, "");
    return name.slice(-80).replace(/^[.-]+/, "");
  }

  async work(source, words, act) {
    say(byId("keep-error"), "");
    this.told.textContent = words;
    source.disabled = true;
    try {
      this.told.replaceChildren(...[await act()].flat());
    } catch (error) {
      this.told.textContent = "";
      say(byId("keep-error"), error.message);
    } finally {
      source.disabled = false;
      if (source === this.log) this.show(this.takes.current);
    }
  }

  async fetch(kind, ending, type) {
    const { piece } = this.takes.current;
    const { name } = this;
    const { data, warnings } =
      kind === "midi" && piece.midi
        ? { data: bytesOf(piece.midi), warnings: [] }
        : await exported(kind, { music: music(piece), name });
    download(data, `${name}.${ending}`, type);
    return [`${name}.${ending} was saved where the browser keeps downloads.`, ...warnings.map(capital)].join(" ");
  }

  /** The server may have been started again since: the model is found by its name. */
  async modelOf(take) {
    const open = this.models.open.find((model) => model.name === take.modelName);
    return open ?? this.models.add(take.modelName);
  }

  async logTake() {
    const take = this.takes.current;
    const model = await this.modelOf(take);
    const answer = await ask("/v1/log", {
      model: model.id,
      music: music(take.piece),
      name: this.name,
      command: (take.command ?? "").slice(0, 4000),
    });
    const words = `The take was logged to the run ${answer.run} of ${answer.name}. `;
    const linked = /^https?:/.test(answer.address ?? "");
    return [
      words,
      linked ? el("a", { href: answer.address, target: "_blank", rel: "noopener" }, "Open it in MLflow") : "",
    ];
  }

  show(take) {
    const voices = new Set(take?.piece.notes.map((note) => note.track)).size;
    this.abc.hidden = voices !== 1; // ABC holds a melody
    this.log.disabled = !take?.modelName;
    this.log.title = take?.modelName ? "" : "Only a take that a model made can be logged.";
    const box = byId("command");
    box.replaceChildren();
    if (!take) return;
    if (this.shown !== take.id) {
      this.told.textContent = "";
      say(byId("keep-error"), "");
    }
    this.shown = take.id;
    if (!take.command) {
      const reason = take.drawn
        ? "This take was changed by hand: no command makes it again."
        : "This take was not made by a model: there is no command that makes it again.";
      box.append(el("p", { class: "reason" }, reason));
      return;
    }
    const files = Object.entries(take.files ?? {});
    box.append(
      el("h3", {}, "The command that makes the same music again"),
      el(
        "div",
        { class: "command" },
        el("pre", { tabindex: "0", role: "region", "aria-label": "Command" }, take.command),
        button("Copy", () => this.copy(take.command)),
      ),
    );
    const [place, many] = take.place ?? [1, 1];
    if (many > 1) this.more(`It makes ${many} pieces, of which this one is number ${place}.`);
    if (files.length) {
      this.more("It reads these files, from the folder in which it is run:");
      box.append(
        el(
          "div",
          { class: "stack told" },
          ...files.map(([name, data]) => button(`Download ${name}`, () => download(bytesOf(data), name))),
        ),
      );
    }
  }

  more(words) {
    byId("command").append(el("p", { class: "hint told" }, words));
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.told.textContent = "The command was copied.";
    } catch {
      // a page that came over plain HTTP from another machine may not copy
      getSelection().selectAllChildren(byId("command").querySelector("pre"));
      this.told.textContent = "The browser does not let this page copy: the command is selected, press Ctrl+C.";
    }
  }
}
