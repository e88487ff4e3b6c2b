// Drawing notes on the roll: with the pointer (add, move, lengthen) or with the keyboard (a cursor).

import { byId, button, el } from "./dom.js";
import { barAt, barSpan, mainMetre, withNotes, withTime, withTrack } from "./piece.js";
import { count, lengthName, pitchName } from "./words.js";

const GRID = 0.25; // a sixteenth
const EDGE = 6; // px at the right end of a note by which it is lengthened
const METRES = ["4/4", "3/4", "2/4", "6/8", "2/2"];
const HELP =
  "Click to add a note; drag it to move it, or its right end to lengthen it; Delete removes it. " +
  "With the keyboard, on the roll: arrows move the cursor, Enter adds, Delete removes, Shift with left or right " +
  "changes the length, Alt with arrows moves the note.";

const snap = (quarters) => Math.max(0, Math.floor(quarters / GRID + 1e-6) * GRID);
const round = (quarters) => Math.max(0, Math.round(quarters / GRID) * GRID);

export class Draw extends EventTarget {
  constructor({ roll, takes, sound, jobs }) {
    super();
    Object.assign(this, { roll, takes, sound, jobs, track: 0, length: 1, drag: null });
    this.buildBar();
    byId("draw").addEventListener("click", () => this.turn(!roll.drawing));
    roll.svg.addEventListener("pointerdown", (event) => this.begin(event));
    roll.svg.addEventListener("pointermove", (event) => this.move(event));
    roll.svg.addEventListener("pointerup", () => this.finish());
    roll.svg.addEventListener("pointercancel", () => this.finish());
    roll.svg.addEventListener("keydown", (event) => this.key(event));
  }

  get piece() {
    return this.roll.piece;
  }

  get on() {
    return Boolean(this.roll.drawing) && !this.jobs.busy;
  }

  turn(on) {
    this.roll.drawing = on;
    byId("draw").setAttribute("aria-pressed", String(on));
    byId("draw-bar").hidden = !on;
    if (!this.piece) return;
    this.roll.cursor = on ? { onset: 0, pitch: Math.round((this.roll.low + this.roll.high) / 2) } : null;
    this.roll.draw(this.piece);
    this.refresh();
    this.dispatchEvent(new Event("change"));
  }

  buildBar() {
    this.voice = el("select", {
      onchange: () => {
        this.track = Number(this.voice.value);
      },
    });
    this.tempo = el("input", { type: "number", min: 20, max: 300, onchange: () => this.retime() });
    this.metre = el("select", { onchange: () => this.retime() });
    this.told = el("p", { role: "status", class: "hint" });
    byId("draw-bar").append(
      el("label", {}, "Into voice", this.voice),
      button("Add a voice", () => this.change(withTrack(this.piece))),
      el("label", {}, "Tempo", this.tempo),
      el("label", {}, "Metre", this.metre),
      button("Add a bar", () => this.addBar()),
      button("Remove note", () => this.remove()),
      el("details", { class: "more" }, el("summary", {}, "How to draw"), el("p", { class: "hint" }, HELP)),
      this.told,
    );
  }

  /** Shows the piece's voices, tempo and metre in the bar of tools. */
  refresh() {
    if (!this.roll.drawing || !this.piece) return;
    const { tracks, tempos } = this.piece;
    this.track = Math.min(this.track, tracks.length - 1);
    this.voice.replaceChildren(
      ...tracks.map((track, index) => el("option", { value: index, selected: index === this.track }, track.name)),
    );
    this.tempo.value = Math.round(tempos[0]?.qpm ?? 120);
    const { numerator, denominator } = mainMetre(this.piece);
    const now = `${numerator}/${denominator}`;
    this.metre.replaceChildren(
      ...[...new Set([now, ...METRES])].map((name) => el("option", { selected: name === now }, name)),
    );
  }

  retime() {
    const [numerator, denominator] = this.metre.value.split("/").map(Number);
    const qpm = Math.max(20, Math.min(300, Number(this.tempo.value) || 100));
    this.change(withTime(this.piece, qpm, numerator, denominator));
  }

  addBar() {
    const { numerator, denominator } = this.piece.metres.at(-1);
    const end = this.piece.end + (numerator * 4) / denominator;
    this.change({ ...this.piece, midi: null, bars: [...this.piece.bars, end], end });
  }

  /** The first change of a take that was not drawn makes a new one, so that what the model made stays. */
  change(piece) {
    const take = this.takes.current;
    if (take.drawn) this.takes.edit(piece);
    else {
      this.takes.add([
        {
          piece: { ...piece, name: `${piece.name}-edited` },
          drawn: true,
          words: `${take.words}, changed by hand`,
          model: take.model,
          modelName: take.modelName,
          kind: take.kind,
        },
      ]);
    }
  }

  setNotes(notes, picked = null) {
    this.change(withNotes(this.piece, notes));
    this.roll.pick(picked ? this.piece.notes.indexOf(picked) : null);
  }

  noteAt({ quarters, pitch }) {
    const hits = this.piece.notes.flatMap((note, index) =>
      note.pitch === pitch && note.onset <= quarters && quarters < note.onset + note.duration ? [index] : [],
    );
    return hits.find((index) => this.piece.notes[index].track === this.track) ?? hits.at(-1) ?? null;
  }

  begin(event) {
    if (!this.on || event.button !== 0) return;
    const place = this.roll.place(event);
    if (place.ruler) return;
    event.preventDefault();
    this.roll.svg.focus({ preventScroll: true });
    this.roll.svg.setPointerCapture(event.pointerId);
    let index = this.noteAt(place);
    let before = index === null ? null : this.piece.notes[index];
    if (!before) {
      before = this.fresh(snap(place.quarters), place.pitch);
      this.setNotes([...this.piece.notes, before], before);
      index = this.piece.notes.indexOf(before);
      this.drag = { index, before, kind: "end", place };
    } else {
      const right = this.roll.x(before.onset + before.duration);
      this.drag = {
        index,
        before,
        place,
        kind: right - place.x < Math.min(EDGE, this.roll.x(before.duration) / 3) ? "end" : "move",
      };
      this.roll.pick(index);
    }
    this.roll.cursor = { onset: snap(before.onset), pitch: before.pitch };
    this.roll.drawCursor();
    this.hear(before);
  }

  fresh(onset, pitch) {
    return {
      onset,
      duration: this.length,
      pitch,
      velocity: 80,
      track: this.track,
      drum: this.piece.tracks[this.track]?.drum ?? false,
      given: true,
    };
  }

  /** While it is dragged only the picture moves; the piece changes when the pointer is let go. */
  move(event) {
    if (!this.drag) return;
    const { before, index, kind, place: from } = this.drag;
    const place = this.roll.place(event);
    if (Math.abs(place.x - from.x) < 4 && place.pitch === from.pitch) return;
    const after =
      kind === "end"
        ? { ...before, duration: Math.max(GRID, round(place.quarters) - before.onset) }
        : { ...before, onset: round(before.onset + place.quarters - from.quarters), pitch: place.pitch };
    if (after.pitch !== (this.drag.after ?? before).pitch) this.hear(after);
    this.drag.after = { ...after, given: true };
    const rect = this.roll.rects[index];
    rect.setAttribute("x", this.roll.x(after.onset) + 0.75);
    rect.setAttribute("y", this.roll.y(after.pitch) + this.roll.inset);
    rect.setAttribute("width", Math.max(2.5, this.roll.x(after.duration) - 1.5));
  }

  finish() {
    const drag = this.drag;
    this.drag = null;
    if (!drag?.after) return;
    this.length = drag.after.duration;
    this.setNotes(
      this.piece.notes.map((note, index) => (index === drag.index ? drag.after : note)),
      drag.after,
    );
  }

  remove() {
    const index = this.roll.picked ?? (this.roll.cursor ? this.underCursor() : null);
    if (index === null || index === undefined) return;
    this.setNotes(this.piece.notes.filter((_, other) => other !== index));
    this.told.textContent = "The note was removed.";
  }

  underCursor() {
    const { onset, pitch } = this.roll.cursor;
    return this.noteAt({ quarters: onset + 0.001, pitch });
  }

  key(event) {
    if (!this.on || event.ctrlKey || event.metaKey) return;
    const step = {
      ArrowLeft: [-GRID, 0],
      ArrowRight: [GRID, 0],
      ArrowUp: [0, 1],
      ArrowDown: [0, -1],
      PageUp: [0, 12],
      PageDown: [0, -12],
    }[event.key];
    if (!step && !["Enter", "Delete", "Backspace"].includes(event.key)) return;
    event.preventDefault();
    const { cursor } = this.roll;
    const index = this.underCursor();
    const note = this.piece.notes[index];
    if (event.key === "Enter") {
      if (note) this.roll.pick(index);
      else {
        const made = this.fresh(cursor.onset, cursor.pitch);
        this.setNotes([...this.piece.notes, made], made);
        this.hear(made);
      }
    } else if (!step) {
      if (note) this.roll.pick(index);
      this.remove();
      return;
    } else if (event.shiftKey && note && step[0]) {
      this.replace(index, { ...note, duration: Math.max(GRID, note.duration + step[0]), given: true });
    } else if (event.altKey && note) {
      const moved = { ...note, onset: Math.max(0, note.onset + step[0]), pitch: note.pitch + step[1], given: true };
      this.replace(index, moved);
      this.goTo(Math.max(0, cursor.onset + step[0]), moved.pitch);
      this.hear(moved);
    } else this.goTo(Math.max(0, Math.min(this.piece.end - GRID, cursor.onset + step[0])), cursor.pitch + step[1]);
    this.tellCursor();
  }

  replace(index, note) {
    this.length = note.duration;
    this.setNotes(
      this.piece.notes.map((each, other) => (other === index ? note : each)),
      note,
    );
  }

  goTo(onset, pitch) {
    this.roll.cursor = { onset, pitch: Math.max(0, Math.min(127, pitch)) };
    if (pitch > this.roll.high || pitch < this.roll.low) {
      [this.roll.low, this.roll.high] = [Math.min(pitch, this.roll.low), Math.max(pitch, this.roll.high)];
      this.roll.draw(this.piece);
    } else this.roll.drawCursor();
    this.roll.reveal(this.roll.x(onset));
    this.roll.pick(this.underCursor());
  }

  tellCursor() {
    const { onset, pitch } = this.roll.cursor;
    const bar = barAt(this.piece, onset);
    const note = this.piece.notes[this.underCursor()];
    const place = Number((onset - barSpan(this.piece, bar)[0] + 1).toFixed(2));
    this.told.textContent = `Bar ${bar}, quarter ${place}, ${pitchName(pitch)}: ${note ? `${this.piece.tracks[note.track].name}, ${lengthName(note.duration)}` : "empty"}. ${count(this.piece.notes.length, "note")}.`;
  }

  hear(note) {
    this.sound.touch(note.pitch, note.drum, this.piece.tracks[note.track]?.program).catch(() => {});
  }
}
