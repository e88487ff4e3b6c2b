// Shows the take: title, roll, voices, playing position, list of takes and candidates, words for readers.

import { drawVoices } from "./select.js";
import { byId, button, el, redraw } from "./dom.js";
import { barAt, barInWords, firstBar, lastBar, summary } from "./piece.js";
import { miniRoll } from "./roll.js";
import { clock } from "./time.js";
import { capital, count } from "./words.js";

export class View {
  constructor(parts) {
    this.parts = parts;
    const { player, roll, selection } = parts;
    player.addEventListener("change", () => this.showPlaying());
    roll.addEventListener("drawn", () => roll.setMix((track) => player.audible(track)));
    byId("voices").addEventListener("click", () => roll.setMix((track) => player.audible(track)));
    selection.addEventListener("change", () => this.showBarList());
    byId("list-bar").addEventListener("change", () => this.listBar());
    byId("zoom-in").addEventListener("click", () => this.zoom(1.4));
    byId("zoom-out").addEventListener("click", () => this.zoom(1 / 1.4));
    const frame = () => {
      this.tick();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  get piece() {
    return this.parts.live ?? this.parts.takes.current?.piece ?? null;
  }

  zoom(by) {
    const { roll } = this.parts;
    roll.zoom = Math.max(0.1, Math.min(8, roll.zoom * by));
    if (roll.piece) roll.draw(roll.piece);
  }

  showGrowing(piece, bars, first) {
    const { roll, player, selection } = this.parts;
    if (first) {
      this.reveal(true);
      this.scrollToRoll();
      roll.draw(piece, { growing: true, expected: bars });
      selection.refit(piece);
      drawVoices(piece, selection, player);
      byId("piece-facts").textContent = "It grows while it is composed.";
      byId("candidate-row").hidden = true;
    } else roll.draw(piece, { growing: true, expected: bars });
    byId("piece-title").textContent = "Being composed";
    player.setPiece(piece, { growing: true, keep: !first });
  }

  /** Hands the player the whole piece; what plays goes on. */
  endGrowing(piece, grown) {
    const { roll, player } = this.parts;
    roll.growing = false;
    if (grown) {
      player.setPiece(piece, { keep: true });
      this.kept = piece;
    }
  }

  showTake(what) {
    const { takes, roll, player, selection } = this.parts;
    const take = takes.current;
    this.showList();
    byId("undo").disabled = !takes.past.length;
    byId("redo").disabled = !takes.future.length;
    if (what === "list" || this.parts.live) return;
    this.reveal(Boolean(take));
    if (!take) {
      player.setPiece(null);
      return;
    }
    const { piece } = take;
    // Takes that were made together are compared at the same place: one goes on where the other was.
    const keep = what === "edit" || (take.group === this.group && player.playing);
    this.group = take.group;
    if (piece !== player.piece) player.setPiece(piece, { keep });
    roll.pick(null);
    selection.refit(piece);
    roll.draw(piece, { growing: false });
    drawVoices(piece, selection, player);
    selection.show(piece);
    this.showCandidates();
    byId("piece-title").textContent = take.words;
    byId("piece-facts").textContent = [
      summary(piece),
      take.seed !== undefined ? `Seed ${take.seed}.` : "",
      ...(piece.facts ?? []).map((fact) => `${capital(fact)}.`),
    ]
      .filter(Boolean)
      .join(" ");
    byId("summary").textContent = summary(piece);
    this.showLegend(piece);
    this.showBarList();
    this.shownAt = null;
  }

  /** Where one pressed a button far from the roll, the roll comes into view. */
  scrollToRoll() {
    const { top, bottom } = byId("roll").getBoundingClientRect();
    if (bottom < 150 || top > window.innerHeight - 150) byId("roll-card").scrollIntoView({ block: "start" });
  }

  reveal(there) {
    // The button that was pressed goes away with the empty state: the focus goes to the music.
    if (there && byId("empty").contains(document.activeElement)) byId("roll-card").focus({ preventScroll: true });
    byId("empty").hidden = there;
    byId("with-piece").hidden = !there;
    byId("keep-card").hidden = !there;
    if (!there) {
      byId("piece-title").textContent = "No music yet";
      byId("piece-facts").textContent = "";
    }
    for (const id of ["draw", "zoom-in", "zoom-out"]) byId(id).disabled = !there;
  }

  showLegend(piece) {
    const given = piece.notes.some((note) => note.given);
    const made = piece.notes.some((note) => !note.given);
    byId("legend").replaceChildren(
      ...(given && made
        ? [el("i", { class: "swatch v0" }), " made by the model, ", el("i", { class: "swatch v0 given" }), " given"]
        : []),
      given && made ? ". " : "",
      "Click the roll to go there, drag over it to choose bars; on a touch screen, drag over their numbers.",
    );
  }

  showCandidates() {
    const { takes } = this.parts;
    const group = takes.siblings;
    const row = byId("candidate-row");
    row.hidden = group.length < 2;
    redraw(
      row,
      ...(group.length < 2
        ? []
        : group.map((take, index) => {
            const made = button("", () => takes.choose(take.id), {
              class: "candidate",
              "data-key": take.id,
              "aria-pressed": String(take === takes.current),
              "aria-label": `Take ${index + 1} of ${group.length}, ${count(take.piece.notes.length, "note")}`,
              "aria-keyshortcuts": String(index + 1),
            });
            made.append(el("span", {}, String(index + 1)), miniRoll(take.piece));
            return made;
          })),
    );
  }

  showList() {
    const { takes } = this.parts;
    byId("takes-empty").hidden = takes.all.length > 0;
    redraw(
      byId("takes"),
      ...[...takes.all].reverse().map((take) => {
        const made = button("", () => takes.choose(take.id), {
          class: "take",
          "data-key": take.id,
          "aria-current": take === takes.current ? "true" : null,
        });
        made.append(
          miniRoll(take.piece),
          el(
            "span",
            { class: "words" },
            el("strong", {}, take.words),
            el(
              "span",
              { class: "faint" },
              [take.kind, take.seed !== undefined ? `seed ${take.seed}` : ""].filter(Boolean).join(", "),
            ),
          ),
        );
        return el(
          "li",
          {},
          made,
          button("×", () => takes.remove(take.id), {
            class: "tiny remove",
            "aria-label": `Remove the take: ${take.words}`,
            title: "Remove this take",
          }),
        );
      }),
    );
  }

  /** The bar that is read out as a list: the first of those chosen. */
  showBarList() {
    if (!this.piece) return;
    const field = byId("list-bar");
    field.min = firstBar(this.piece);
    field.max = lastBar(this.piece);
    field.value = this.parts.selection.value.bars?.[0] ?? (Number(field.value) || Math.max(1, firstBar(this.piece)));
    this.listBar();
  }

  listBar() {
    const field = byId("list-bar");
    const number = Math.max(firstBar(this.piece), Math.min(lastBar(this.piece), Number(field.value)));
    byId("bar-notes").replaceChildren(
      ...barInWords(this.piece, number).flatMap(({ voice, notes }) => [
        el("h3", {}, voice),
        notes.length
          ? el("ul", {}, ...notes.map((note) => el("li", {}, note)))
          : el("p", { class: "hint" }, "Silent in this bar."),
      ]),
    );
  }

  showPlaying() {
    const { player } = this.parts;
    byId("play").classList.toggle("on", player.playing);
    byId("play").setAttribute("aria-label", player.playing ? "Stop" : "Play");
    byId("play").title = player.playing ? "Stop (space)" : "Play (space)";
    this.shownAt = null;
  }

  /** Once a frame: the playing position in the roll and in numbers. */
  tick() {
    const { player, roll } = this.parts;
    const piece = this.piece;
    byId("play").disabled = !piece;
    if (!piece || !roll.piece || !player.piece) return;
    const place = player.position;
    if (place === this.shownAt) return;
    this.shownAt = place;
    const sounding = player.sounding;
    roll.setPosition(place, sounding, player.playing);
    this.parts.notation?.light(sounding, player.playing);
    byId("clock").textContent = `${clock(player.tempo.seconds(place))} / ${clock(player.tempo.seconds(piece.end))}`;
    byId("bar-now").textContent = barAt(piece, place) ? `Bar ${barAt(piece, place)}` : "Pickup";
    byId("tempo").textContent = `♩ = ${Math.round(player.tempo.qpm(place))}`;
  }
}
