// The settings of a request: length, seed, how it chooses, and the model's own controls.

import { byId, button, el, say } from "./dom.js";
import { cannot, capital, plain } from "./words.js";

export const newSeed = () => Math.floor(Math.random() * 100_000);

export class Settings {
  constructor() {
    byId("die").addEventListener("click", () => {
      byId("seed").value = newSeed();
    });
    for (const id of ["temperature", "top-p", "min-p"]) byId(id).addEventListener("input", () => this.words());
    byId("bars").addEventListener("change", () => this.drawBarSliders());
    byId("prompt-bars").addEventListener("focus", () => {
      if (!byId("begin-take").disabled) byId("begin-take").checked = true;
    });
  }

  setModel(model) {
    this.model = model;
    const { defaults } = model;
    byId("bars").value = defaults.bars ?? 16;
    byId("temperature").value = defaults.temperature ?? 1;
    byId("top-p").value = defaults.top_p ?? 1;
    byId("min-p").value = defaults.min_p ?? 0;
    this.untouched = Object.fromEntries(["temperature", "top-p", "min-p"].map((id) => [id, byId(id).value]));
    this.words();
    const read = (name) => model.reads.includes(name);
    byId("bars").closest("label").hidden = !read("bars");
    byId("temperature-field").hidden = !read("temperature");
    byId("top-p-field").hidden = !read("top_p");
    byId("min-p-field").hidden = !read("min_p");
    byId("more-settings").hidden = !["temperature", "top_p", "min_p"].some(read);
    const composes = model.can.includes("compose");
    byId("compose").disabled = !composes;
    byId("compose").title = composes ? "" : cannot(model, "compose");
    say(byId("compose-reason"), composes ? "" : cannot(model, "compose"));
    this.controls = Object.fromEntries(model.controls.map((name) => [name, { on: false, value: 0.5, bars: null }]));
    this.drawControls();
  }

  /** Whether the take shown can be begun with. */
  setTake(piece) {
    const able = this.model?.can.includes("continue");
    const choice = byId("begin-take");
    const reason = !this.model || able ? "" : cannot(this.model, "continue");
    choice.disabled = !able || !piece;
    byId("prompt-bars").disabled = choice.disabled;
    choice.title = reason || (piece ? "" : "There is no take yet.");
    say(byId("continue-reason"), reason);
    if (choice.disabled) document.querySelector("input[name=begin][value=nothing]").checked = true;
    if (piece) byId("prompt-bars").max = Math.max(1, piece.bars.length - 1);
  }

  words() {
    byId("temperature-out").value = Number(byId("temperature").value).toFixed(2);
    const top = Number(byId("top-p").value);
    byId("top-p-out").value = top >= 1 ? "off" : top.toFixed(2);
    const least = Number(byId("min-p").value);
    byId("min-p-out").value = least ? least.toFixed(2) : "off";
  }

  get beginsWithTake() {
    return byId("begin-take").checked;
  }

  get promptBars() {
    return Number(byId("prompt-bars").value) || 4;
  }

  get bars() {
    return Number(byId("bars").value) || this.model.defaults.bars || 16;
  }

  /**
   * The settings as a request takes them. A seed that is not written is drawn here, so that it is known.
   * What the model does not read, or stands as the model has it, is left out.
   */
  value({ seed = byId("seed").value === "" ? newSeed() : Number(byId("seed").value), length = true } = {}) {
    const reads = (name) => this.model.reads.includes(name);
    const moved = (id) => reads(id.replace("-", "_")) && byId(id).value !== this.untouched[id];
    const controls = Object.fromEntries(
      Object.entries(this.controls)
        .filter(([, control]) => control.on)
        .map(([name, control]) => [name, control.bars ?? control.value]),
    );
    return {
      seed,
      candidates: Number(byId("candidates").value),
      ...(moved("temperature") ? { temperature: Number(byId("temperature").value) } : {}),
      ...(moved("top-p") ? { top_p: Number(byId("top-p").value) } : {}),
      ...(moved("min-p") ? { min_p: Number(byId("min-p").value) } : {}),
      ...(length && reads("bars") ? { bars: this.bars } : {}),
      ...(Object.keys(controls).length ? { controls } : {}),
    };
  }

  /** The same for music that goes on: the server counts the given bars among those asked for. */
  continued(given) {
    return { ...this.value(), bars: Math.min(256, this.bars + given) };
  }

  drawControls() {
    const names = Object.keys(this.controls);
    byId("controls").replaceChildren(
      ...(names.length
        ? [
            el(
              "fieldset",
              { class: "bare" },
              el("legend", {}, "What it should be like"),
              ...names.map((name) => this.control(name)),
            ),
          ]
        : []),
    );
  }

  control(name) {
    const control = this.controls[name];
    const id = `control-${name}`;
    const label = capital(plain(name));
    const out = el("output", { for: id });
    const slider = el("input", {
      type: "range",
      id,
      min: 0,
      max: 1,
      step: 0.05,
      "aria-label": label,
      oninput: () => {
        Object.assign(control, { on: true, value: Number(slider.value), bars: null });
        show();
      },
    });
    const free = button(
      "Let the model choose",
      () => {
        Object.assign(control, { on: false, bars: null });
        show();
      },
      { class: "tiny" },
    );
    const byBar = button(
      "Bar by bar",
      () => {
        Object.assign(control, { on: true, bars: control.bars ? null : Array(this.bars).fill(control.value) });
        show();
      },
      { class: "tiny", "aria-pressed": "false" },
    );
    const row = el("div", { class: "bar-sliders", role: "group", "aria-label": `${label}, bar by bar` });
    const show = () => {
      slider.value = control.value;
      slider.classList.toggle("unset", !control.on);
      out.value = control.on ? (control.bars ? "by bar" : control.value.toFixed(2)) : "the model chooses";
      free.hidden = !control.on;
      byBar.setAttribute("aria-pressed", String(Boolean(control.bars)));
      row.hidden = !control.bars;
      row.replaceChildren(
        ...(control.bars ?? []).map((value, index) =>
          el(
            "label",
            {},
            el("input", {
              type: "range",
              min: 0,
              max: 1,
              step: 0.05,
              value,
              "aria-label": `${label} of bar ${index + 1}`,
              oninput: (event) => {
                control.bars[index] = Number(event.target.value);
              },
            }),
            el("span", { "aria-hidden": "true" }, String(index + 1)),
          ),
        ),
      );
    };
    control.show = show;
    show();
    return el(
      "div",
      { class: "field" },
      el("label", { for: id }, label),
      out,
      slider,
      el("div", { class: "small-buttons" }, byBar, free),
      row,
    );
  }

  /** As many sliders as bars will be made; those there are keep their places. */
  drawBarSliders() {
    for (const control of Object.values(this.controls ?? {})) {
      if (!control.bars) continue;
      control.bars = Array.from({ length: this.bars }, (_, index) => control.bars[index] ?? control.value);
      control.show();
    }
  }
}
