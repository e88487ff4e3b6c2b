// The piano-roll: draws a piece as SVG, with the selection, the playing position and what sounds.

import { barCount, firstBar, barSpan, summary } from "./piece.js";
import { el, svg } from "./dom.js";
import { pitchName } from "./words.js";

const RULER = 22; // px for the numbers of bars above the notes
const PATIENCE = 3000; // ms
const BLACK = new Set([1, 3, 6, 8, 10]);
export const COLOURS = 8; // voices have one of so many colours

export class Roll extends EventTarget {
  constructor(place) {
    super();
    this.zoom = 1;
    this.rects = []; // of each note its element
    this.lit = new Set(); // notes that are shown as sounding
    this.piece = null;
    this.expected = 0; // bars there will be, while a piece grows
    this.selection = { bars: null, tracks: new Set() };
    this.picked = null; // index of the note that is edited
    this.cursor = null; // {onset, pitch} of the keyboard in draw mode
    this.gutter = svg("svg", { class: "gutter", "aria-hidden": "true" });
    this.svg = svg("svg", {
      class: "plane",
      tabindex: "0",
      role: "application",
      "aria-label": "Piano-roll",
      "aria-describedby": "summary",
    });
    this.scroller = el("div", { class: "scroller" }, this.svg);
    place.append(this.gutter, this.scroller);
    // Who scrolls looks at something: the roll does not follow the music for a while.
    this.looked = -Infinity;
    for (const kind of ["wheel", "touchmove", "pointerdown"]) {
      this.scroller.addEventListener(
        kind,
        () => {
          this.looked = performance.now();
        },
        { passive: true },
      );
    }
    new ResizeObserver(() => this.piece && this.draw(this.piece)).observe(place);
  }

  measure() {
    const piece = this.piece;
    const pitches = piece.notes.map((note) => note.pitch);
    let low = Math.min(...pitches, 127) - 2;
    let high = Math.max(...pitches, 0) + 2;
    if (!pitches.length) [low, high] = [55, 84];
    // Room to draw above and below; a growing piece keeps the range it has reached, so that it does not jump.
    const least = this.drawing ? 25 : 18;
    while (high - low < least) {
      high += 1;
      low -= 1;
    }
    if (this.drawing || this.growing) [low, high] = [Math.min(low, this.low ?? low), Math.max(high, this.high ?? high)];
    this.low = Math.max(0, low);
    this.high = Math.min(127, high);
    const wide = this.scroller.clientWidth || 800;
    const rows = this.high - this.low + 1;
    const tall = (window.innerWidth < 700 ? 260 : 340) / rows;
    this.row = tall > 6 ? Math.min(14, Math.round(tall)) : Math.max(3, tall);
    const last = piece.bars.at(-1);
    const bar = barCount(piece) ? last - piece.bars.at(-2) : 4;
    this.end = Math.max(last, (this.expected - barCount(piece)) * bar + last);
    const fit = (wide - 2) / this.end;
    this.quarter = Math.max(Math.max(fit, 15) * this.zoom, ((wide - 2) / this.end) * Math.min(1, this.zoom));
    this.width = Math.ceil(this.end * this.quarter) + 1;
    this.height = RULER + rows * this.row;
  }

  get inset() {
    return this.row > 6 ? 0.75 : 0.25;
  }
  x(quarters) {
    return quarters * this.quarter;
  }
  y(pitch) {
    return RULER + (this.high - pitch) * this.row;
  }
  quartersAt(x) {
    return Math.max(0, x / this.quarter);
  }
  pitchAt(y) {
    return Math.max(this.low, Math.min(this.high, this.high - Math.floor((y - RULER) / this.row)));
  }

  /** Place of a pointer: {x, y, quarters, pitch, ruler}. */
  place(event) {
    const box = this.svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, quarters: this.quartersAt(x), pitch: this.pitchAt(y), ruler: y < RULER };
  }

  draw(piece, { growing = this.growing, expected = this.expected } = {}) {
    if (piece !== this.piece && !growing && !this.drawing) [this.low, this.high] = [null, null];
    Object.assign(this, { piece, growing, expected: growing ? expected : 0 });
    this.measure();
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", this.height);
    this.shade = svg("g", { class: "shade" });
    this.layer = svg("g", { class: "notes" });
    this.playhead = svg("line", { class: "playhead", y1: 0, y2: this.height });
    this.mark = svg("rect", { class: "cursor", rx: 2, visibility: "hidden" });
    const ruler = svg("rect", { class: "ruler", width: this.width, height: RULER }); // a finger on it chooses, and does not scroll
    this.svg.replaceChildren(this.lanes(), this.grid(), this.shade, this.layer, this.mark, this.playhead, ruler);
    this.svg.setAttribute("aria-label", `Piano-roll of ${piece.name}`);
    this.svg.toggleAttribute("data-drawing", Boolean(this.drawing));
    this.drawGutter();
    this.rects = piece.notes.map((note, index) => this.rect(note, index));
    this.layer.append(...this.rects);
    this.lit = new Set();
    this.drawSelection();
    this.drawCursor();
    this.dispatchEvent(new Event("drawn"));
  }

  rect(note, index) {
    return svg("rect", {
      class: `note v${note.track % COLOURS}${note.given ? " given" : ""}${index === this.picked ? " picked" : ""}`,
      x: this.x(note.onset) + 0.75,
      y: this.y(note.pitch) + this.inset,
      rx: Math.min(3, this.row / 4),
      "data-i": index,
      width: Math.max(2.5, this.x(note.duration) - 1.5),
      height: this.row - 2 * this.inset,
    });
  }

  lanes() {
    const group = svg(
      "g",
      { class: "lanes" },
      svg("rect", { class: "ground", width: this.width, height: this.height - RULER, y: RULER }),
    );
    for (let pitch = this.low; pitch <= this.high; pitch += 1) {
      if (BLACK.has(pitch % 12)) group.append(svg("rect", { y: this.y(pitch), width: this.width, height: this.row }));
    }
    const done = this.x(this.piece.bars.at(-1));
    if (this.growing && done < this.width - 2) {
      group.append(
        svg("rect", { class: "unwritten", x: done, y: RULER, width: this.width - done, height: this.height - RULER }),
      );
    }
    return group;
  }

  grid() {
    const group = svg("g", { class: "grid" });
    const line = (quarters, name) =>
      group.append(
        svg("line", {
          class: name,
          x1: this.x(quarters),
          x2: this.x(quarters),
          y1: name === "bar" ? 0 : RULER,
          y2: this.height,
        }),
      );
    const { bars } = this.piece;
    const beat = 4 / (this.piece.metres[0]?.denominator ?? 4);
    for (let index = 0; index < bars.length - 1; index += 1) {
      if (this.drawing) for (let at = bars[index] + 0.25; at < bars[index + 1] - 0.01; at += 0.25) line(at, "fine");
      if (this.x(beat) > 7) for (let at = bars[index] + beat; at < bars[index + 1] - 0.01; at += beat) line(at, "beat");
    }
    const widest = Math.min(...bars.slice(1).map((at, index) => this.x(at - bars[index])), Infinity);
    const step = widest >= 24 ? 1 : widest >= 12 ? 2 : 4;
    bars.forEach((at, index) => {
      line(at, "bar");
      const number = firstBar(this.piece) + index;
      if (index < bars.length - 1 && (step === 1 || number % step === 1)) {
        group.append(svg("text", { x: this.x(at) + 4, y: 15 }, String(number)));
      }
    });
    for (const pitch of this.octaves()) {
      group.append(
        svg("line", {
          class: "octave",
          x1: 0,
          x2: this.width,
          y1: this.y(pitch) + this.row,
          y2: this.y(pitch) + this.row,
        }),
      );
    }
    return group;
  }

  octaves() {
    const found = [];
    for (let pitch = this.low; pitch <= this.high; pitch += 1) if (pitch % 12 === 0) found.push(pitch);
    return found;
  }

  drawGutter() {
    this.gutter.setAttribute("width", 34);
    this.gutter.setAttribute("height", this.height);
    this.gutter.replaceChildren(
      ...this.octaves().map((pitch) =>
        svg(
          "text",
          { x: 28, y: this.y(pitch) + this.row - Math.max(0, (this.row - 9) / 2), "text-anchor": "end" },
          pitchName(pitch),
        ),
      ),
    );
  }

  drawSelection() {
    const { bars, tracks } = this.selection;
    const parts = [];
    if (bars && this.piece) {
      const [from, to] = barSpan(this.piece, ...bars).map((at) => this.x(at));
      parts.push(svg("rect", { x: from, width: Math.max(0, to - from), y: 0, height: this.height }));
    }
    this.shade.replaceChildren(...parts);
    this.rects.forEach((rect, index) =>
      rect.classList.toggle("aside", tracks.size > 0 && !tracks.has(this.piece.notes[index].track)),
    );
  }

  drawCursor() {
    const shown = this.drawing && this.cursor;
    this.mark.setAttribute("visibility", shown ? "visible" : "hidden");
    if (!shown) return;
    const places = {
      x: this.x(this.cursor.onset),
      y: this.y(this.cursor.pitch),
      width: this.x(0.25),
      height: this.row,
    };
    for (const [name, value] of Object.entries(places)) this.mark.setAttribute(name, value);
  }

  pick(index) {
    this.rects[this.picked]?.classList.remove("picked");
    this.picked = index;
    this.rects[index]?.classList.add("picked");
  }

  setMix(audible) {
    this.rects.forEach((rect, index) => rect.classList.toggle("quiet", !audible(this.piece.notes[index].track)));
  }

  /** Moves the line to a place and lights the notes that sound; follows by scrolling where asked. */
  setPosition(quarters, sounding, follow) {
    if (!this.playhead) return;
    const x = this.x(quarters);
    this.playhead.setAttribute("x1", x);
    this.playhead.setAttribute("x2", x);
    const lit = new Set(sounding);
    for (const index of this.lit) if (!lit.has(index)) this.rects[index]?.classList.remove("sounding");
    for (const index of lit) this.rects[index]?.classList.add("sounding");
    this.lit = lit;
    if (follow && performance.now() - this.looked > PATIENCE) this.reveal(x);
  }

  /** Scrolls a place into view, with room after it. */
  reveal(x) {
    const { scrollLeft, clientWidth } = this.scroller;
    if (x < scrollLeft || x > scrollLeft + clientWidth * 0.9) this.scroller.scrollLeft = x - clientWidth * 0.1;
  }

  get inWords() {
    return summary(this.piece);
  }
}

/** A picture of a whole piece in little, for takes to choose from. */
export function miniRoll(piece, label = null) {
  const pitches = piece.notes.map((note) => note.pitch);
  const [low, high] = pitches.length ? [Math.min(...pitches), Math.max(...pitches)] : [60, 72];
  const height = Math.max(12, high - low + 1);
  return svg(
    "svg",
    {
      class: "mini",
      viewBox: `0 0 ${Math.max(1, piece.end)} ${height}`,
      preserveAspectRatio: "none",
      ...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }),
    },
    ...piece.notes.map((note) =>
      svg("rect", {
        class: `v${note.track % COLOURS}${note.given ? " given" : ""}`,
        x: note.onset,
        y: high - note.pitch + (height - (high - low + 1)) / 2,
        width: Math.max(0.1, note.duration),
        height: 0.9,
      }),
    ),
  );
}
