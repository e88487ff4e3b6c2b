// Choosing bars and voices, with the pointer on the roll, with fields and check boxes, or with the keyboard.

import { byId, el, button, redraw } from "./dom.js";
import { barAt, firstBar, lastBar } from "./piece.js";
import { barRange, capital, listed } from "./words.js";

/** A selection in words: "bars 5 to 6, Alto and Tenor". */
export function selectionWords(piece, { bars, tracks }) {
  const voices = tracks.size
    ? listed([...tracks].sort((a, b) => a - b).map((index) => piece.tracks[index]?.name ?? `Voice ${index + 1}`))
    : "all voices";
  return `${bars ? barRange(...bars) : "all bars"}, ${voices}`;
}

export class Selection extends EventTarget {
  constructor(roll, player) {
    super();
    Object.assign(this, { roll, player });
    const { svg } = roll;
    svg.addEventListener("pointerdown", (event) => this.begin(event));
    svg.addEventListener("pointermove", (event) => this.drag(event));
    svg.addEventListener("pointerup", (event) => this.end(event));
    svg.addEventListener("pointercancel", () => {
      this.start = null;
    });
    svg.addEventListener("keydown", (event) => this.key(event));
    byId("clear-selection").addEventListener("click", () => this.clear());
    for (const id of ["from-bar", "to-bar"])
      byId(id).addEventListener("change", () => setTimeout(() => this.typed(id)));
  }

  get value() {
    return this.roll.selection;
  }

  set(change) {
    this.roll.selection = { ...this.value, ...change };
    if (this.roll.piece) this.roll.drawSelection();
    this.show();
    this.dispatchEvent(new Event("change"));
  }

  clear() {
    this.set({ bars: null, tracks: new Set() });
  }

  /** Bars count as in a score: a pickup, bar 0, is none that can be chosen. */
  clamp(number) {
    return Math.max(Math.max(1, firstBar(this.roll.piece)), Math.min(lastBar(this.roll.piece), number));
  }

  setBars(one, other) {
    const [first, last] = [this.clamp(one), this.clamp(other)].sort((a, b) => a - b);
    this.set({ bars: [first, last] });
  }

  toggleTrack(index, on) {
    const tracks = new Set(this.value.tracks);
    on ? tracks.add(index) : tracks.delete(index);
    if (tracks.size === this.roll.piece.tracks.length) tracks.clear();
    this.set({ tracks });
  }

  begin(event) {
    if (this.roll.drawing || event.button !== 0) return;
    const place = this.roll.place(event);
    this.start = {
      ...place,
      bar: barAt(this.roll.piece, place.quarters),
      moved: false,
      touch: event.pointerType === "touch",
    };
    // A finger scrolls the roll; it chooses bars on the ruler.
    if (this.start.touch && !place.ruler) return;
    this.roll.svg.setPointerCapture(event.pointerId);
  }

  drag(event) {
    if (!this.start || (this.start.touch && !this.start.ruler)) return;
    const place = this.roll.place(event);
    if (!this.start.moved && Math.abs(place.x - this.start.x) < 5) return;
    this.start.moved = true;
    this.setBars(this.start.bar, barAt(this.roll.piece, place.quarters));
  }

  end(event) {
    const start = this.start;
    this.start = null;
    if (!start || start.moved) return;
    if (event.shiftKey && this.value.bars) this.setBars(this.value.bars[0], start.bar);
    else this.player.seek(Math.min(start.quarters, this.roll.piece.end));
  }

  key(event) {
    if (
      this.roll.drawing ||
      !["ArrowLeft", "ArrowRight"].includes(event.key) ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    event.preventDefault();
    const step = event.key === "ArrowRight" ? 1 : -1;
    const { piece } = this.roll;
    if (event.shiftKey) {
      const now = barAt(piece, this.player.position);
      const [first, last] = this.value.bars ?? [now, now - step];
      this.setBars(first, Math.max(first, last + step));
      return;
    }
    const index = barAt(piece, this.player.position) - firstBar(piece) + step;
    this.player.seek(piece.bars[Math.max(0, Math.min(piece.bars.length - 2, index))]);
  }

  typed(id) {
    const value = Number(byId(id).value);
    if (!value) return this.set({ bars: null });
    const [first, last] = this.value.bars ?? [value, value];
    return id === "from-bar" ? this.setBars(value, Math.max(value, last)) : this.setBars(Math.min(first, value), value);
  }

  /** After another take is shown: the selection stays where it makes sense. */
  refit(piece) {
    const { bars, tracks } = this.value;
    const kept = bars && bars[0] <= lastBar(piece) ? [bars[0], Math.min(bars[1], lastBar(piece))] : null;
    this.roll.selection = { bars: kept, tracks: new Set([...tracks].filter((index) => index < piece.tracks.length)) };
    this.show(piece);
  }

  show(piece = this.roll.piece) {
    if (!piece) return;
    const { bars, tracks } = this.value;
    for (const [id, value] of [
      ["from-bar", bars?.[0]],
      ["to-bar", bars?.[1]],
    ]) {
      const field = byId(id);
      field.min = Math.max(1, firstBar(piece));
      field.max = lastBar(piece);
      field.placeholder = id === "from-bar" ? field.min : field.max;
      field.value = value ?? "";
      if (field === document.activeElement) field.select(); // what one types next replaces it
    }
    for (const box of byId("voices").querySelectorAll("input[type=checkbox]"))
      box.checked = tracks.has(Number(box.value));
    const nothing = !bars && !tracks.size;
    byId("selection-words").textContent = nothing
      ? "Nothing is chosen: the buttons act on the whole piece."
      : `${capital(selectionWords(piece, this.value))}.`;
    byId("clear-selection").hidden = nothing;
  }
}

/** The voices of a piece: a check box to choose each, and buttons to mute it or hear it alone. */
export function drawVoices(piece, selection, player) {
  const toggle = (text, label, on, act) => {
    const made = button(
      text,
      () => {
        const now = made.getAttribute("aria-pressed") !== "true";
        made.setAttribute("aria-pressed", now);
        act(now);
      },
      { class: "tiny", "data-key": label, "aria-pressed": String(on), "aria-label": label, title: label },
    );
    return made;
  };
  redraw(
    byId("voices"),
    ...piece.tracks.map((track, index) =>
      el(
        "span",
        { class: "voice" },
        el(
          "label",
          { title: `Choose ${track.name}` },
          el("input", {
            type: "checkbox",
            value: index,
            "data-key": `choose-${index}`,
            "aria-label": `Choose ${track.name}`,
            onchange: (event) => selection.toggleTrack(index, event.target.checked),
          }),
          el("i", { class: `swatch v${index % 8}` }),
          track.name,
        ),
        toggle("Mute", `Mute ${track.name}`, player.muted.has(index), (on) => player.setMuted(index, on)),
        toggle("Solo", `Solo ${track.name}`, player.solo.has(index), (on) => player.setSolo(index, on)),
      ),
    ),
  );
}
