// The score of the take shown, as the server engraves it; the notes that sound are coloured.

import { ask } from "./api.js";
import { byId, bytesOf, debounced } from "./dom.js";
import { music } from "./piece.js";

const FACE =
  /@font-face\s*\{[^}]*?font-family:\s*['"]?([\w -]+?)['"]?;[^}]*?url\((['"]?)data:[^,)]*;base64,([^)'"]+)\2\)[^}]*\}/g;
const fonts = new Set();

/** Takes the music font out of a style: the page's policy loads no data: addresses, but bytes are welcome. */
function adoptFonts(style) {
  style.textContent = style.textContent.replace(FACE, (_, family, quote, data) => {
    if (!fonts.has(family)) {
      fonts.add(family);
      const face = new FontFace(family, bytesOf(data));
      face.load().then(
        () => document.fonts.add(face),
        () => {},
      ); // without it a sign of the tempo is a box
    }
    return "";
  });
}

/** Parses one SVG and leaves out all that could act: scripts, foreign markup, handlers, outside links. */
function safeSvg(text) {
  const { documentElement: root } = new DOMParser().parseFromString(text, "image/svg+xml");
  if (root.localName !== "svg" || root.querySelector("parsererror"))
    throw new Error("The notation that came is no picture.");
  for (const style of root.querySelectorAll("style")) adoptFonts(style);
  for (const node of [root, ...root.querySelectorAll("*")]) {
    if (["script", "foreignObject", "iframe", "image", "a"].includes(node.localName)) node.remove();
    for (const { name, value } of [...node.attributes]) {
      const link = name === "href" || name === "xlink:href";
      if (name.startsWith("on") || (link && !value.startsWith("#"))) node.removeAttribute(name);
    }
  }
  return document.importNode(root, true);
}

export class Notation {
  constructor() {
    this.place = byId("notation");
    this.card = byId("notation-card");
    this.piece = null; // the piece wanted
    this.drawn = null; // the piece that is there
    this.elements = new Map(); // index of a note -> its elements
    this.lit = new Set();
    this.later = debounced(() => this.fetch(), 250);
    this.card.addEventListener("toggle", () => this.later());
    let width = 0;
    new ResizeObserver(() => {
      if (Math.abs(this.place.clientWidth - width) < 40) return;
      width = this.place.clientWidth;
      this.drawn = null;
      this.later();
    }).observe(this.place);
  }

  show(piece) {
    this.piece = piece;
    this.later();
  }

  async fetch() {
    const { piece } = this;
    if (!this.card.open || piece === this.drawn) return;
    this.controller?.abort();
    if (!piece || !piece.notes.length) {
      this.clear(piece ? "There are no notes yet." : "The notation is drawn when there is a take.");
      return;
    }
    this.controller = new AbortController();
    this.say("The notation is being drawn …");
    try {
      const width = Math.max(260, this.place.clientWidth - 4);
      const answer = await ask(
        "/v1/notation",
        { music: music(piece), width, scale: width < 500 ? 32 : 40 },
        this.controller.signal,
      );
      this.fill(answer);
      this.drawn = piece;
    } catch (error) {
      if (error.name !== "AbortError") this.clear(error.message);
    }
  }

  fill({ pages, notes, drums }) {
    const drawings = pages.map(safeSvg);
    drawings.forEach((drawing, index) => {
      drawing.setAttribute("role", "img");
      drawing.setAttribute(
        "aria-label",
        pages.length > 1 ? `Notation, page ${index + 1} of ${pages.length}` : "Notation",
      );
    });
    this.place.replaceChildren(...drawings);
    this.elements = new Map();
    for (const [id, indices] of Object.entries(notes)) {
      const element = this.place.querySelector(`[*|id="${CSS.escape(id)}"], #${CSS.escape(id)}`);
      for (const index of element ? indices : [])
        this.elements.set(index, [...(this.elements.get(index) ?? []), element]);
    }
    this.lit = new Set();
    this.say(drums ? `${drums} notes of drums are not in the notation.` : "");
  }

  clear(words) {
    this.place.replaceChildren();
    this.elements.clear();
    this.drawn = null;
    this.say(words);
  }

  say(words) {
    byId("notation-words").textContent = words;
    byId("notation-words").hidden = !words;
  }

  /** Colours what sounds, and scrolls to it where it plays. */
  light(sounding, follow) {
    if (this.drawn !== this.piece || !this.card.open) return;
    const now = new Set(sounding.flatMap((index) => this.elements.get(index) ?? []));
    for (const element of this.lit) if (!now.has(element)) element.classList.remove("heard");
    for (const element of now) element.classList.add("heard");
    const fresh = [...now].find((element) => !this.lit.has(element));
    this.lit = now;
    if (follow && fresh) this.reveal(fresh);
  }

  reveal(element) {
    const frame = this.place.getBoundingClientRect();
    const system = (element.closest(".system") ?? element).getBoundingClientRect();
    if (system.top < frame.top || system.bottom > frame.bottom) this.place.scrollTop += system.top - frame.top - 8;
  }
}
