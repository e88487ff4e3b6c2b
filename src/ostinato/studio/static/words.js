// How the page says things: pitches, bars, voices, counts.

const PITCHES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

export const pitchName = (pitch) => PITCHES[pitch % 12] + (Math.floor(pitch / 12) - 1);

export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** "Alto", "Alto and Tenor", "Alto, Tenor and Bass". */
export function listed(words, joint = "and") {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${joint} ${words.at(-1)}`;
}

export const barRange = (first, last) => (first === last ? `bar ${first}` : `bars ${first} to ${last}`);

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** note_density -> "note density". */
export const plain = (name) => name.replaceAll("_", " ");

/** Names of networks as people write them: lstm -> LSTM. */
export const acronyms = (text) =>
  text.replaceAll("_", " ").replace(/\b(lstm|gru|rnn|vae|gan|tcn|cnn)\b/g, (name) => name.toUpperCase());

/** A length in quarter notes as a musician says it. */
export function lengthName(quarters) {
  const names = [
    [4, "whole"],
    [3, "dotted half"],
    [2, "half"],
    [1.5, "dotted quarter"],
    [1, "quarter"],
    [0.75, "dotted eighth"],
    [0.5, "eighth"],
    [0.25, "sixteenth"],
  ];
  for (const [length, name] of names) if (Math.abs(length - quarters) < 0.01) return name;
  return `${Number(quarters.toFixed(2))} quarters`;
}

export function parameters(number) {
  if (number >= 1e6) return `${Number((number / 1e6).toPrecision(2))} million parameters`;
  if (number >= 1e4) return `${Math.round(number / 1e3)} thousand parameters`;
  return `${number} parameters`;
}

const VERBS = {
  compose: "compose from nothing",
  continue: "continue music",
  infill: "infill",
  harmonise: "harmonise a melody",
  vary: "vary a clip",
  interpolate: "interpolate",
  latent: "move by attributes",
};

/** Why a model cannot do something: as the server says it, or in general words. */
export function cannot(model, ...abilities) {
  const reasons = abilities.map((name) => model?.why_not?.[name]);
  if (reasons.every(Boolean)) return [...new Set(reasons)].join(" ");
  return `This model cannot ${listed(
    abilities.map((name) => VERBS[name]),
    "or",
  )}.`;
}
