// What can be asked of the model: compose, and change the take shown. Each answer becomes takes.

import { byId, button, el, say } from "./dom.js";
import { chosenNotes, barCount, firstBar, givenUntil, lastBar, music } from "./piece.js";
import { kindOf } from "./models.js";
import { newSeed } from "./settings.js";
import { selectionWords } from "./select.js";
import { cannot, count } from "./words.js";

/** The bars of a selection as the server counts them: from 1, a pickup is none. */
const barsOf = (piece, { bars }) => bars ?? [Math.max(1, firstBar(piece)), lastBar(piece)];

/** Which ability a request needs: compose, continue, infill, … */
const kindOfRequest = ({ path, body }) =>
  body.music && path === "/v1/compose" ? "continue" : path.slice("/v1/".length);

export class Actions {
  /** studio: {models, settings, takes, selection, jobs, live} */
  constructor(studio) {
    this.studio = studio;
    this.distance = 0.5;
    const make = (name, text, act, key) => button(text, act, { id: `do-${name}`, "aria-keyshortcuts": key });
    this.distanceField = el(
      "label",
      { class: "inline", hidden: true },
      "Distance ",
      el("input", {
        type: "range",
        min: 0.1,
        max: 2,
        step: 0.1,
        value: 0.5,
        oninput: (event) => {
          this.distance = Number(event.target.value);
        },
      }),
    );
    byId("actions").append(
      make("again", "Again", () => this.again(), "a"),
      make("infill", "Infill", () => this.infill(), "i"),
      make("vary", "Vary", () => this.vary(), "v"),
      this.distanceField,
      make("harmonise", "Harmonise", () => this.harmonise(), "h"),
      make("continue", "Continue", () => this.goOn(), "c"),
    );
    this.enable();
  }

  get piece() {
    return this.studio.takes.current?.piece;
  }

  get model() {
    return this.studio.models.current;
  }

  /** What the model cannot do is off, with the reason as a title and in a line below. */
  enable() {
    const can = this.model?.can ?? [];
    const busy = this.studio.jobs?.busy;
    const { request } = this.studio.takes.current ?? {};
    const able = {
      again: Boolean(request) && can.includes(kindOfRequest(request)),
      infill: can.includes("infill"),
      vary: can.includes("infill") || can.includes("vary"),
      harmonise: can.includes("harmonise"),
      continue: can.includes("continue"),
    };
    const why = {
      again: request ? cannot(this.model, kindOfRequest(request)) : "This take was not made by a model.",
      ...Object.fromEntries(
        ["infill", "vary", "harmonise", "continue"].map((name) => [name, cannot(this.model, name)]),
      ),
    };
    const what = {
      again: "The same request with a new seed",
      infill: "Make the chosen bars and voices anew",
      vary: can.includes("vary") ? "A clip like this one" : "Make a random half of the chosen notes anew",
      harmonise: "Keep the first voice and make the others",
      continue: "Go on from the end of the chosen bars",
    };
    for (const [name, on] of Object.entries(able)) {
      byId(`do-${name}`).disabled = !on || busy;
      byId(`do-${name}`).title = on ? what[name] : why[name];
    }
    this.distanceField.hidden = !can.includes("vary");
    const lacking = ["infill", "vary", "harmonise", "continue"].filter((name) => !able[name]);
    const reasons = [lacking.length && this.model ? cannot(this.model, ...lacking) : "", able.again ? "" : why.again];
    say(byId("actions-reason"), this.studio.live || busy ? "" : reasons.filter(Boolean).join(" "));
    byId("compose").disabled = busy || !can.includes("compose");
    byId("empty-compose").disabled = byId("compose").disabled;
  }

  /** request: {path, body, doing, words, until?}; until: the end of what is given, while the piece grows. */
  async make(request, { seed } = {}) {
    const { path, body, doing, words, until } = request;
    const sent = { ...body, model: this.model.id, ...(seed === undefined ? {} : { seed }) };
    const answer = await this.studio.jobs.run(path, sent, doing, (piece, bars) =>
      this.studio.grow(until ? givenUntil(piece, until) : piece, bars),
    );
    if (!answer) {
      this.studio.endGrowth(null);
      return;
    }
    const many = answer.pieces.length;
    const takes = answer.pieces.map((piece, index) => ({
      piece,
      words: many > 1 ? `${words}, ${index + 1} of ${many}` : words,
      seed: answer.seed,
      command: answer.command,
      files: answer.files,
      place: [index + 1, many],
      model: this.model.id,
      modelName: this.model.name,
      kind: kindOf(this.model),
      request: { path, body, doing, words, until },
    }));
    this.studio.endGrowth(takes[0].piece, () => this.studio.takes.add(takes));
    this.studio.scrollToRoll();
  }

  settings(options) {
    return this.studio.settings.value(options);
  }

  compose() {
    if (byId("compose").disabled) return undefined;
    const { settings } = this.studio;
    const prompt = settings.beginsWithTake && this.piece;
    if (prompt) return this.continueFrom(Math.min(settings.promptBars, barCount(this.piece)));
    return this.make({ path: "/v1/compose", doing: "Composing", words: "Composed", body: this.settings() });
  }

  continueFrom(bars) {
    return this.make({
      path: "/v1/compose",
      doing: "Continuing",
      words: `Continued after bar ${bars}`,
      until: this.piece.bars[Math.min(bars + 1 - Math.min(1, firstBar(this.piece)), barCount(this.piece))],
      body: { ...this.studio.settings.continued(bars), music: music(this.piece), prompt_bars: bars },
    });
  }

  again() {
    const { request } = this.studio.takes.current ?? {};
    if (request)
      this.make({ ...request, body: { ...request.body, candidates: this.settings().candidates } }, { seed: newSeed() });
  }

  target() {
    const { value } = this.studio.selection;
    const tracks = value.tracks.size
      ? { tracks: [...value.tracks].sort((a, b) => a - b).map((index) => index + 1) }
      : {};
    return { ...(value.bars ? { bars: barsOf(this.piece, value) } : {}), ...tracks };
  }

  infill() {
    const settings = this.settings({ length: false });
    const where = selectionWords(this.piece, this.studio.selection.value);
    this.make({
      path: "/v1/infill",
      doing: `Infilling ${where}`,
      words: `Infilled: ${where}`,
      body: { ...settings, music: music(this.piece), ...this.target() },
    });
  }

  vary() {
    const settings = this.settings({ length: false });
    if (this.model.can.includes("vary")) {
      this.make({
        path: "/v1/vary",
        doing: "Varying",
        words: "Varied",
        body: { ...settings, music: music(this.piece), distance: this.distance },
      });
      return;
    }
    const chosen = chosenNotes(this.piece, this.studio.selection.value);
    const half = shuffled(chosen)
      .slice(0, Math.max(1, Math.round(chosen.length / 2)))
      .sort((a, b) => a - b);
    if (!half.length) return;
    this.make({
      path: "/v1/infill",
      doing: `Varying ${count(half.length, "note")}`,
      words: `Varied: ${count(half.length, "note")}`,
      body: { ...settings, music: music(this.piece), notes: half.map((index) => index + 1) },
    });
  }

  harmonise() {
    this.make({
      path: "/v1/harmonise",
      doing: "Harmonising",
      words: "Harmonised",
      body: { ...this.settings({ length: false }), music: music(this.piece) },
    });
  }

  goOn() {
    const last = this.studio.selection.value.bars?.[1] ?? lastBar(this.piece);
    this.continueFrom(Math.max(1, last - Math.max(1, firstBar(this.piece)) + 1));
  }
}

function shuffled(list) {
  const mixed = [...list];
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = Math.floor(Math.random() * (index + 1));
    [mixed[index], mixed[other]] = [mixed[other], mixed[index]];
  }
  return mixed;
}
