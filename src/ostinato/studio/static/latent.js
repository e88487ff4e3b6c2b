// A model with attributes: one moves a clip by so much more or less of each, on a plane or with sliders.

import { ask } from "./api.js";
import { byId, button, debounced, el, say } from "./dom.js";
import { kindOf } from "./models.js";
import { music } from "./piece.js";
import { miniRoll } from "./roll.js";
import { newSeed } from "./settings.js";
import { capital, plain } from "./words.js";

const MOST = 3; // about standard deviations
const STEP = 0.25;

const signed = (value) => (value > 0 ? "+" : "") + value.toFixed(1).replace("-", "−");
const kept = (value) => Math.max(-MOST, Math.min(MOST, Math.round(value * 20) / 20));

export class Latent {
  constructor({ takes, models, settings, jobs, loopAndPlay }) {
    Object.assign(this, { takes, models, settings, jobs, loopAndPlay });
    this.card = byId("latent-card");
    this.base = null; // {music, words}: the clip that is moved; without it the seed draws one
    this.seed = newSeed();
    this.later = debounced(() => this.request(), 250);
    models.addEventListener("change", () => this.setModel(models.current));
  }

  setModel(model) {
    const able = model.can.includes("latent") && model.attributes.length > 0;
    this.card.hidden = !able;
    if (!able || this.model === model) return;
    this.model = model;
    this.base = null;
    this.values = Object.fromEntries(model.attributes.map((name) => [name, 0]));
    this.axes = [model.attributes[0], model.attributes[1] ?? model.attributes[0]];
    this.build();
  }

  build() {
    const { attributes } = this.model;
    const axis = (which, label) => {
      const select = el(
        "select",
        {
          onchange: () => {
            this.axes[which] = select.value;
            this.show();
          },
        },
        ...attributes.map((name) =>
          el("option", { value: name, selected: name === this.axes[which] }, capital(plain(name))),
        ),
      );
      return el("label", {}, label, select);
    };
    this.dot = el("i", { class: "dot" });
    this.names = { x: el("span", { class: "axis x" }), y: el("span", { class: "axis y" }) };
    this.plane = el(
      "div",
      {
        class: "latent-plane",
        tabindex: "0",
        role: "application",
        onkeydown: (event) => this.key(event),
        onpointerdown: (event) => this.point(event, true),
        onpointermove: (event) => this.point(event, false),
      },
      this.names.x,
      this.names.y,
      this.dot,
    );
    this.sliders = Object.fromEntries(
      attributes.map((name) => [
        name,
        el("input", {
          type: "range",
          min: -MOST,
          max: MOST,
          step: 0.05,
          id: `attribute-${name}`,
          oninput: (event) => this.set({ [name]: Number(event.target.value) }),
        }),
      ]),
    );
    this.outs = Object.fromEntries(attributes.map((name) => [name, el("output", { for: `attribute-${name}` })]));
    this.loop = el("input", { type: "checkbox", checked: true });
    this.told = el("p", { class: "hint", role: "status" });
    this.error = el("p", { class: "error", role: "alert", hidden: true });
    this.picture = el("div", { class: "latent-picture" });
    this.source = el("p", { class: "hint" });
    this.card.replaceChildren(
      el("h2", { id: "latent-title" }, "Change a clip by its attributes"),
      el(
        "div",
        { class: "latent" },
        el(
          "div",
          {},
          el("div", { class: "pair" }, axis(0, "To the right: more"), axis(1, "Upwards: more")),
          this.plane,
        ),
        el(
          "div",
          { class: "latent-side" },
          this.picture,
          ...attributes.map((name) =>
            el(
              "div",
              { class: "field" },
              el("label", { for: `attribute-${name}` }, capital(plain(name))),
              this.outs[name],
              this.sliders[name],
            ),
          ),
          el("label", { class: "choice" }, this.loop, "Play the clip in a loop"),
          el(
            "div",
            { class: "stack" },
            button("All to the middle", () => this.set(Object.fromEntries(attributes.map((name) => [name, 0])))),
            button("Move the take shown", () => this.setBase(true)),
            button("Draw another clip", () => this.setBase(false)),
          ),
          this.source,
          this.told,
          this.error,
        ),
      ),
    );
    this.show();
    this.sayBase();
  }

  setBase(fromTake) {
    const take = this.takes.current;
    if (fromTake && !take) {
      say(this.error, "There is no take yet: compose one or open a file first.");
      return;
    }
    if (!fromTake) this.seed = newSeed();
    this.base = fromTake ? { music: music(take.piece), words: take.words } : null;
    this.takes.current && (this.fresh = true);
    this.sayBase();
    this.set(Object.fromEntries(this.model.attributes.map((name) => [name, 0])));
  }

  sayBase() {
    this.source.textContent = this.base
      ? `The clip that is moved: the first bars of “${this.base.words}”.`
      : `The clip that is moved was drawn by the model with seed ${this.seed}.`;
  }

  point(event, begin) {
    if (begin) {
      this.plane.setPointerCapture(event.pointerId);
      this.plane.focus({ preventScroll: true });
      event.preventDefault();
    } else if (!this.plane.hasPointerCapture(event.pointerId)) return;
    const box = this.plane.getBoundingClientRect();
    const part = (at, from, size) => kept((((at - from) / size) * 2 - 1) * MOST);
    const [x, y] = this.axes;
    this.set({ [x]: part(event.clientX, box.left, box.width), [y]: -part(event.clientY, box.top, box.height) });
  }

  key(event) {
    const step = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [x, y] = this.axes;
    this.set({ [x]: kept(this.values[x] + step[0]), [y]: kept(this.values[y] + step[1]) });
  }

  set(values) {
    Object.assign(this.values, values);
    this.show();
    this.later();
  }

  show() {
    const [x, y] = this.axes;
    this.dot.style.left = `${(this.values[x] / MOST + 1) * 50}%`;
    this.dot.style.top = `${(1 - this.values[y] / MOST) * 50}%`;
    this.names.x.textContent = `more ${plain(x)} →`;
    this.names.y.textContent = `more ${plain(y)} →`;
    for (const [name, value] of Object.entries(this.values)) {
      this.sliders[name].value = value;
      this.outs[name].value = signed(value);
    }
    this.plane.setAttribute(
      "aria-label",
      `Plane: ${plain(x)} ${signed(this.values[x])} to the right, ${plain(y)} ${signed(this.values[y])} upwards. Arrow keys move.`,
    );
  }

  async request() {
    this.controller?.abort();
    this.controller = new AbortController();
    say(this.error, "");
    this.told.textContent = "The clip is being made …";
    const { candidates, controls, ...settings } = this.settings.value({ seed: this.seed, length: false });
    const attributes = { ...this.values };
    try {
      const answer = await ask(
        "/v1/latent",
        { model: this.model.id, attributes, ...settings, ...(this.base ? { music: this.base.music } : {}) },
        this.controller.signal,
      );
      this.took(answer, attributes);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.told.textContent = "";
      say(this.error, error.message);
    }
  }

  /** One journey over the plane is one take; the next one begins with another take or another clip. */
  took(answer, attributes) {
    const moved = Object.entries(attributes)
      .filter(([, value]) => value)
      .map(([name, value]) => `${plain(name)} ${signed(value)}`);
    const piece = answer.pieces[0];
    const facts = {
      words: moved.length ? `A clip with ${moved.join(", ")}` : "A clip of the model",
      seed: answer.seed,
      command: answer.command,
      files: answer.files,
    };
    this.told.textContent = `${facts.words}.`;
    this.picture.replaceChildren(miniRoll(piece));
    if (this.takes.current?.latent && !this.fresh) this.takes.edit(piece, { step: false, ...facts });
    else {
      this.takes.add([
        { piece, latent: true, model: this.model.id, modelName: this.model.name, kind: kindOf(this.model), ...facts },
      ]);
    }
    this.fresh = false;
    if (this.loop.checked) this.loopAndPlay();
  }
}
