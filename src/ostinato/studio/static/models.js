// The model in use: what it is in the header, and the dialog that opens another.

import { getModels, openModel } from "./api.js";
import { byId, button, el, say } from "./dom.js";
import { acronyms, capital, count, parameters, plain } from "./words.js";

const KINDS = { folder: "Folders", registered: "Registered models", run: "Runs" };

/** "LSTM on bach": what a model is, shortly. */
export const kindOf = (model) => `${acronyms(model.architecture)} on ${model.corpus}`;

const measured = (model) => model.measured.map(({ name, value }) => `${Number(value.toPrecision(4))} ${plain(name)}`);
const minutes = (model) =>
  model.minutes === null || model.minutes === undefined
    ? null
    : model.minutes < 1
      ? "trained in under a minute"
      : `trained in ${count(Math.round(model.minutes), "minute")}`;

export class Models extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { open: [], known: [] });
    this.current = null;
    byId("open-models").addEventListener("click", () => this.choose((model) => this.use(model)));
  }

  /** Asks what is open; returns a sentence on models that could not be opened, or "". */
  async load() {
    const { open, known, failed = {} } = await getModels();
    Object.assign(this, { open, known });
    if (open.length) this.use(open.find((model) => model.id === this.current?.id) ?? open[0]);
    else this.line();
    return Object.entries(failed)
      .map(([name, reason]) => `${name} could not be opened: ${reason}`)
      .join(" ");
  }

  use(model) {
    this.current = model;
    this.line();
    this.dispatchEvent(new Event("change"));
  }

  async add(name) {
    const model = await openModel(name);
    this.open = [...this.open.filter((each) => each.id !== model.id), model];
    return model;
  }

  line() {
    const model = this.current;
    if (!model) {
      byId("model-line").textContent = "No model is open.";
      return;
    }
    const facts = [
      `${model.representation} representation`,
      parameters(model.parameters),
      ...measured(model),
      minutes(model),
    ];
    byId("model-line").replaceChildren(
      el("strong", {}, capital(kindOf(model))),
      el("span", { class: "path" }, model.name),
      el("span", { class: "faint" }, facts.filter(Boolean).join(" · ")),
    );
  }

  /** Shows the dialog; `done` is called with the model that was chosen. */
  choose(done, title = "Change model") {
    const dialog = byId("models-dialog");
    const error = el("p", { class: "error", role: "alert", hidden: true });
    const name = el("input", {
      id: "model-name",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "outputs/model",
    });
    const status = el("p", { class: "hint", role: "status" });
    const take = (model) => {
      dialog.close();
      done(model);
    };
    const get = async (text) => {
      if (!text) return;
      say(error, "");
      status.textContent = "The model is being opened …";
      try {
        take(await this.add(text));
      } catch (problem) {
        say(error, problem.message);
        error.scrollIntoView({ block: "nearest" });
      }
      status.textContent = "";
    };
    const entry = (label, detail, act, current = false) => {
      const made = button("", act, { class: "item", "aria-current": current ? "true" : null });
      made.append(el("strong", {}, label), el("span", { class: "faint" }, detail));
      return el("li", {}, made);
    };
    const opened = new Set(this.open.map((model) => model.name));
    const known = this.known.filter((each) => !opened.has(each.name));
    const groups = Object.keys(KINDS)
      .map((kind) => [KINDS[kind], known.filter((each) => each.kind === kind)])
      .filter(([, list]) => list.length);
    dialog.replaceChildren(
      el(
        "div",
        { class: "headline" },
        el("h2", { id: "models-title" }, title),
        button("Close", () => dialog.close(), { class: "plain" }),
      ),
      ...(this.open.length
        ? [
            el("h3", {}, "Open"),
            el(
              "ul",
              { class: "items" },
              ...this.open.map((model) =>
                entry(capital(kindOf(model)), model.name, () => take(model), model === this.current),
              ),
            ),
          ]
        : []),
      ...groups.flatMap(([heading, list]) => [
        el("h3", {}, heading),
        el(
          "ul",
          { class: "items" },
          ...list.map((each) => entry(capital(acronyms(each.label)), each.name, () => get(each.name))),
        ),
      ]),
      el(
        "form",
        {
          class: "other",
          onsubmit: (event) => {
            event.preventDefault();
            get(name.value.trim());
          },
        },
        el("label", { for: "model-name" }, "Another: a folder, models:/name/version, or the id of a run"),
        el("div", { class: "joined" }, name, el("button", {}, "Open")),
      ),
      error,
      status,
    );
    dialog.showModal();
    this.refresh();
  }

  /** Models that were trained meanwhile are in the list the next time. */
  refresh() {
    getModels().then(
      ({ known }) => {
        this.known = known;
      },
      () => {},
    );
  }
}
