// From one clip to another in steps: two slots, each filled from the take shown or from a file.

import { readFile } from "./api.js";
import { byId, button, el, say } from "./dom.js";
import { allGiven, music } from "./piece.js";
import { miniRoll } from "./roll.js";

export class Interpolate {
  constructor({ takes, models, actions }) {
    Object.assign(this, { takes, models, actions, slots: {} });
    this.card = byId("interpolate-card");
    this.error = el("p", { class: "error", role: "alert", hidden: true });
    this.steps = el("input", { type: "number", min: 2, max: 32, value: 8 });
    this.go = button("Interpolate", () => this.run(), { class: "main", disabled: true });
    this.file = el("input", {
      type: "file",
      hidden: true,
      accept: byId("file").accept,
      "aria-label": "A file of music for this slot",
      onchange: () => {
        this.open(this.file.files[0], this.wanted);
        this.file.value = "";
      },
    });
    this.places = { start: this.slot("start", "From"), to: this.slot("to", "To") };
    this.card.append(
      el("h2", { id: "interpolate-title" }, "From one clip to another"),
      el("div", { class: "slots" }, this.places.start.box, this.places.to.box),
      el("div", { class: "stack told" }, el("label", { class: "choice nowrap" }, "Steps ", this.steps), this.go),
      this.error,
      this.file,
    );
    models.addEventListener("change", () => {
      this.card.hidden = !models.current.can.includes("interpolate");
    });
  }

  slot(name, label) {
    const picture = el("div", { class: "slot-picture" }, el("p", { class: "hint" }, "Empty"));
    const box = el(
      "div",
      { class: "slot", "data-slot": name, role: "group", "aria-label": label },
      el("h3", {}, label),
      picture,
      el(
        "div",
        { class: "stack" },
        button("Use the take shown", () => this.useTake(name)),
        button("Open a file", () => {
          this.wanted = name;
          this.file.click();
        }),
      ),
    );
    return { box, picture };
  }

  useTake(name) {
    const take = this.takes.current;
    if (take) this.fill(name, take.piece, take.words);
    else say(this.error, "There is no take yet: compose one or open a file first.");
  }

  async open(file, name) {
    if (!file) return;
    try {
      this.fill(name, allGiven(await readFile(file)), file.name);
    } catch (error) {
      say(this.error, error.message);
    }
  }

  fill(name, piece, words) {
    say(this.error, "");
    this.slots[name] = piece;
    this.places[name].picture.replaceChildren(miniRoll(piece), el("p", { class: "hint" }, words));
    this.go.disabled = !(this.slots.start && this.slots.to);
  }

  run() {
    const { start, to } = this.slots;
    this.actions.make({
      path: "/v1/interpolate",
      doing: "Interpolating",
      words: "Interpolated",
      body: {
        ...this.actions.settings({ length: false }),
        start: music(start),
        to: music(to),
        steps: Number(this.steps.value) || 8,
      },
    });
    byId("roll-card").scrollIntoView({ block: "start" });
  }
}
