// Two models on the same prompt, blind: A and B in an order drawn by chance, then a vote, then the names.

import { ask, streamed } from "./api.js";
import { byId, button, el, say } from "./dom.js";
import { progressWords, queueWords } from "./jobs.js";
import { kindOf } from "./models.js";
import { barCount, music } from "./piece.js";
import { Player } from "./player.js";
import { miniRoll } from "./roll.js";
import { listed } from "./words.js";

const ENOUGH = 5; // seconds of each that must have been heard
const ANSWERS = [
  ["A", "A is better"],
  ["B", "B is better"],
  ["tie", "Equally good"],
  ["both_bad", "Both are bad"],
];

/** A request without the settings that a model does not read: it would refuse them. */
const readBy = (model, body) =>
  Object.fromEntries(
    Object.entries(body).filter(([name]) => !["bars", "temperature", "top_p", "min_p"].includes(name) || model.reads.includes(name)),
  );

export class Compare {
  constructor({ models, settings, takes, sound }) {
    Object.assign(this, { models, settings, takes, sound, second: null, sides: [] });
    this.names = el("p", {});
    this.status = el("p", { class: "hint", role: "status" });
    this.error = el("p", { class: "error", role: "alert", hidden: true });
    this.compose = button("Compose both", () => this.run(), { class: "main", disabled: true });
    this.stop = button("Stop", () => this.controller?.abort(), { hidden: true });
    this.place = el("div", { class: "sides" });
    this.vote = el("div", { class: "vote", hidden: true });
    byId("compare").append(
      el(
        "p",
        { class: "hint" },
        "Both models compose with the same bars, seed, temperature, top-p and min-p, as far as they read them, and begin with the same. Which is A and which is B is drawn by chance and shown after the vote.",
      ),
      this.names,
      el(
        "div",
        { class: "stack told" },
        button("Choose the second model", () => this.choose()),
        this.compose,
        this.stop,
      ),
      this.status,
      this.error,
      this.place,
      this.vote,
    );
    models.addEventListener("change", () => this.sayNames());
    const frame = () => {
      this.tick();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  choose() {
    this.models.choose((model) => {
      this.second = model;
      this.sayNames();
    }, "Choose the second model");
  }

  sayNames() {
    const first = this.models.current;
    const known = first && this.second;
    this.names.textContent = known
      ? `${kindOf(first)} (${first.name}) and ${kindOf(this.second)} (${this.second.name}).`
      : "Choose a second model to set beside the one in use.";
    const blocked = known ? this.lacking() : [];
    this.compose.disabled = !known || blocked.length > 0 || Boolean(this.controller);
    say(
      this.error,
      blocked.length
        ? `${listed(blocked)} cannot ${this.settings.beginsWithTake ? "continue music" : "compose from nothing"}.`
        : "",
    );
  }

  lacking() {
    const need = this.settings.beginsWithTake && this.takes.current ? "continue" : "compose";
    return [this.models.current, this.second].filter((model) => !model.can.includes(need)).map((model) => model.name);
  }

  body() {
    const { candidates, controls, ...settings } = this.settings.value(); // controls: only one of the two may heed them
    const piece = this.settings.beginsWithTake && this.takes.current?.piece;
    if (!piece) return settings;
    const given = Math.min(this.settings.promptBars, barCount(piece));
    return { ...settings, bars: this.settings.continued(given).bars, music: music(piece), prompt_bars: given };
  }

  async run() {
    this.sayNames();
    if (this.compose.disabled) return;
    this.clear();
    this.controller = new AbortController();
    this.stop.hidden = false;
    this.compose.disabled = true;
    const body = this.body();
    const chosen = [this.models.current, this.second];
    const said = chosen.map(() => "");
    try {
      const answers = await Promise.all(
        chosen.map((model, index) =>
          streamed(
            "/v1/compose",
            { ...readBy(model, body), model: model.id },
            (event, data) => {
              if (event === "queued") said[index] = queueWords(data.ahead);
              if (event === "progress") said[index] = progressWords(data);
              this.status.textContent = said
                .map((words, each) => `Piece ${each + 1}: ${words || "waiting."}`)
                .join(" ");
            },
            this.controller.signal,
          ),
        ),
      );
      this.show(answers.map((answer, index) => ({ model: chosen[index], piece: answer.pieces[0], answer })));
      this.status.textContent = `Listen to at least ${ENOUGH} seconds of each, then vote.`;
    } catch (error) {
      this.controller.abort();
      this.status.textContent = error.name === "AbortError" ? "Stopped." : "";
      if (error.name !== "AbortError") say(this.error, error.message);
    } finally {
      this.controller = null;
      this.stop.hidden = true;
      this.compose.disabled = false;
    }
  }

  clear() {
    for (const side of this.sides) side.player.stop();
    this.sides = [];
    this.place.replaceChildren();
    this.vote.hidden = true;
    say(this.error, "");
  }

  show(pair) {
    if (Math.random() < 0.5) pair.reverse();
    this.began = performance.now();
    this.voted = false;
    this.sides = pair.map((side, index) => this.side(side, "AB"[index]));
    this.place.replaceChildren(...this.sides.map((side) => side.box));
    this.buttons = ANSWERS.map(([answer, words]) => button(words, () => this.send(answer), { disabled: true }));
    this.waits = el("p", { class: "hint" });
    this.vote.replaceChildren(
      el("div", { class: "stack", role: "group", "aria-label": "Your vote" }, ...this.buttons),
      this.waits,
    );
    this.vote.hidden = false;
  }

  side({ model, piece, answer }, letter) {
    const player = new Player(this.sound);
    player.setPiece(piece);
    const play = button(
      "Play",
      () => (player.playing ? player.stop() : player.play().catch((error) => say(this.error, error.message))),
      { "aria-label": `Play ${letter}` },
    );
    player.addEventListener("change", () => {
      play.textContent = player.playing ? "Stop" : "Play";
      play.setAttribute("aria-label", `${play.textContent} ${letter}`);
    });
    const heard = el("span", { class: "hint" });
    const line = el("i", { class: "line" });
    const name = el("p", { class: "told", hidden: true });
    const box = el(
      "div",
      { class: "side", role: "group", "aria-label": `Piece ${letter}` },
      el("div", { class: "headline" }, el("h3", {}, letter), heard),
      el("div", { class: "side-roll" }, miniRoll(piece), line),
      play,
      name,
    );
    return { letter, model, piece, answer, player, box, heard, line, name };
  }

  tick() {
    if (!this.sides.length || this.voted) return this.sides.forEach((side) => this.moveLine(side));
    const short = this.sides.filter((side) => side.player.heard < ENOUGH);
    for (const side of this.sides) {
      this.moveLine(side);
      const words =
        side.player.heard < ENOUGH ? `${Math.floor(side.player.heard)} of ${ENOUGH} seconds heard` : "heard";
      if (side.heard.textContent !== words) side.heard.textContent = words;
    }
    for (const each of this.buttons) each.disabled = short.length > 0 || this.sending;
    const words = short.length
      ? `The vote opens when ${ENOUGH} seconds of ${listed(short.map((side) => side.letter))} were heard.`
      : "";
    if (this.waits.textContent !== words) this.waits.textContent = words;
    return undefined;
  }

  moveLine({ player, line, piece }) {
    line.style.left = `${(player.position / piece.end) * 100}%`;
  }

  async send(answer) {
    this.sending = true;
    say(this.error, "");
    for (const side of this.sides) side.player.stop();
    const sides = this.sides.map(({ model, piece, player }) => ({
      model: model.id,
      midi: piece.midi,
      heard: Math.round(player.heard * 10) / 10,
    }));
    try {
      const { file, votes } = await ask("/v1/votes", {
        sides,
        answer,
        seconds: Math.round((performance.now() - this.began) / 100) / 10,
      });
      this.voted = true;
      this.status.textContent = `The vote is in ${file}, which holds ${votes === 1 ? "one" : votes} now.`;
      this.reveal(answer);
    } catch (error) {
      say(this.error, error.message);
    } finally {
      this.sending = false;
    }
  }

  reveal(answer) {
    for (const each of this.buttons) each.disabled = true;
    this.waits.textContent = `You said: ${ANSWERS.find(([name]) => name === answer)[1]}.`;
    for (const { letter, model, piece, answer: made, name } of this.sides) {
      name.hidden = false;
      name.replaceChildren(
        el("strong", {}, `${letter} is ${kindOf(model)} (${model.name}). `),
        button("Add to the takes", (event) => {
          event.target.disabled = true;
          this.takes.add([
            {
              piece,
              words: "From a comparison",
              model: model.id,
              modelName: model.name,
              kind: kindOf(model),
              seed: made.seed,
              command: made.command,
              files: made.files,
            },
          ]);
        }),
      );
    }
  }
}
