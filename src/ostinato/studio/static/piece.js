// What a Piece holds: bars, voices, the notes of a selection; and new pieces after an edit.

import { count, lengthName, listed, pitchName } from "./words.js";

const EDGE = 1e-6; // quarter notes: places nearer than this are the same place

export const barCount = (piece) => Math.max(0, piece.bars.length - 1);
export const firstBar = (piece) => piece.first_bar ?? 1;
export const lastBar = (piece) => firstBar(piece) + barCount(piece) - 1;

/** The number of the bar that holds a place; a place past the end is in the last bar. */
export function barAt(piece, quarters) {
  let index = 0;
  while (index < barCount(piece) - 1 && piece.bars[index + 1] <= quarters + EDGE) index += 1;
  return firstBar(piece) + index;
}

/** [start, end] in quarters of the bars first to last. */
export function barSpan(piece, first, last = first) {
  const at = (number) => piece.bars[Math.max(0, Math.min(piece.bars.length - 1, number - firstBar(piece)))];
  return [at(first), at(last + 1)];
}

export const metreAt = (piece, quarters) =>
  piece.metres.findLast((metre) => metre.onset <= quarters + EDGE) ?? { onset: 0, numerator: 4, denominator: 4 };

/** The metre of the first whole bar: a pickup may have one of its own. */
export const mainMetre = (piece) => metreAt(piece, barSpan(piece, Math.min(1, lastBar(piece)))[0]);

/** Indices of the notes in a selection {bars: [first, last] | null, tracks: Set}; an empty set is all. */
export function chosenNotes(piece, { bars, tracks }) {
  const [start, end] = bars ? barSpan(piece, ...bars) : [-Infinity, Infinity];
  return piece.notes.flatMap((note, index) =>
    note.onset >= start - EDGE && note.onset < end - EDGE && (!tracks.size || tracks.has(note.track)) ? [index] : [],
  );
}

/** A piece that no model made: each of its notes is given. */
export const allGiven = (piece) => ({ ...piece, notes: piece.notes.map((note) => ({ ...note, given: true })) });

/** A piece whose notes before a place are given. */
export const givenUntil = (piece, end) => ({
  ...piece,
  notes: piece.notes.map((note) => ({ ...note, given: note.onset < end - EDGE })),
});

/** The piece as requests take it: its MIDI file, or its notes where a hand has changed them. */
export function music(piece) {
  if (piece.midi) return { midi: piece.midi };
  return {
    notes: piece.notes.map(({ onset, duration, pitch, velocity, track, drum }) => ({
      onset,
      duration,
      pitch,
      velocity,
      track,
      drum: Boolean(drum),
    })),
    tempos: piece.tempos,
    metres: piece.metres,
    tracks: piece.tracks.map(({ name, program }) => ({ name, program })),
  };
}

export function blank(tracks = 1) {
  const names =
    tracks === 4
      ? ["Soprano", "Alto", "Tenor", "Bass"]
      : Array.from({ length: tracks }, (_, i) => (i ? `Voice ${i + 1}` : "Melody"));
  return {
    name: "drawn",
    midi: null,
    notes: [],
    tracks: names.map((name) => ({ name, program: 0, drum: false })),
    tempos: [{ onset: 0, qpm: 100 }],
    metres: [{ onset: 0, numerator: 4, denominator: 4 }],
    bars: [0, 4, 8, 12, 16],
    first_bar: 1,
    end: 16,
    ended: null,
    facts: [],
  };
}

/** A piece with other notes: in order, with bars enough, and without the MIDI file, which is no longer its. */
export function withNotes(piece, notes) {
  const sorted = [...notes].sort((a, b) => a.onset - b.onset || a.track - b.track || a.pitch - b.pitch);
  const end = Math.max(...sorted.map((note) => note.onset + note.duration), 0);
  const metre = piece.metres.at(-1) ?? { numerator: 4, denominator: 4 };
  const bars = [...piece.bars];
  while (bars.at(-1) < end - EDGE) bars.push(bars.at(-1) + (metre.numerator * 4) / metre.denominator);
  return { ...piece, midi: null, notes: sorted, bars, end: bars.at(-1), facts: [] };
}

/** The piece with one tempo and one metre from its start on; its notes stay where they are. */
export function withTime(piece, qpm, numerator, denominator) {
  const length = (numerator * 4) / denominator;
  const bars = Array.from(
    { length: Math.max(1, Math.ceil(piece.end / length - EDGE)) + 1 },
    (_, index) => index * length,
  );
  return {
    ...piece,
    midi: null,
    tempos: [{ onset: 0, qpm }],
    metres: [{ onset: 0, numerator, denominator }],
    bars,
    first_bar: 1,
    end: bars.at(-1),
  };
}

export function withTrack(piece) {
  const name = `Voice ${piece.tracks.length + 1}`;
  return {
    ...piece,
    midi: null,
    tracks: [...piece.tracks, { name, program: piece.tracks.at(-1)?.program ?? 0, drum: false }],
  };
}

export function summary(piece) {
  const metre = mainMetre(piece);
  const pitched = piece.notes.filter((note) => !note.drum).map((note) => note.pitch);
  const range = pitched.length ? `, from ${pitchName(Math.min(...pitched))} to ${pitchName(Math.max(...pitched))}` : "";
  const given = piece.notes.filter((note) => note.given).length;
  const made = piece.notes.length - given;
  const whose = given && made ? ` ${count(made, "note")} of them were made by the model.` : "";
  return (
    `${count(barCount(piece), "bar")} in ${metre.numerator}/${metre.denominator}, ` +
    `${Math.round(piece.tempos[0]?.qpm ?? 120)} quarter notes a minute, ${voiceWords(piece)}, ` +
    `${count(piece.notes.length, "note")}${range}.${whose}`
  );
}

const voiceWords = (piece) =>
  piece.tracks.length <= 6
    ? `${count(piece.tracks.length, "voice")} (${listed(piece.tracks.map((track) => track.name))})`
    : count(piece.tracks.length, "voice");

/** [{voice, notes: ["C5, quarter", …]}] of one bar, for reading aloud. */
export function barInWords(piece, number) {
  const [start, end] = barSpan(piece, number);
  return piece.tracks.map((track, index) => ({
    voice: track.name,
    notes: piece.notes
      .filter((note) => note.track === index && note.onset >= start - EDGE && note.onset < end - EDGE)
      .map(
        (note) =>
          `${note.drum ? `drum ${note.pitch}` : pitchName(note.pitch)}, ${lengthName(note.duration)}, ` +
          `at quarter ${Number((note.onset - start + 1).toFixed(2))}`,
      ),
  }));
}
