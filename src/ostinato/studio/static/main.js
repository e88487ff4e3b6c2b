// Wires the parts of the page together.

import { Actions } from "./actions.js";
import { readFile } from "./api.js";
import { Compare } from "./compare.js";
import { byId, say } from "./dom.js";
import { Draw } from "./draw.js";
import { listenForFiles } from "./drop.js";
import { Interpolate } from "./interpolate.js";
import { Jobs, alertUser, tellStatus } from "./jobs.js";
import { Keep } from "./keep.js";
import { listen, show } from "./keys.js";
import { Latent } from "./latent.js";
import { Models, kindOf } from "./models.js";
import { Notation } from "./notation.js";
import { Player } from "./player.js";
import { allGiven, barSpan, blank } from "./piece.js";
import { Roll } from "./roll.js";
import { Selection } from "./select.js";
import { Settings } from "./settings.js";
import { Sound } from "./sound.js";
import { Store } from "./store.js";
import { Takes } from "./takes.js";
import { View } from "./view.js";

const sound = new Sound();
const player = new Player(sound);
const takes = new Takes(new Store((sentence) => say(byId("storage-words"), sentence)));
const models = new Models();
const settings = new Settings();
const roll = new Roll(byId("roll"));
const selection = new Selection(roll, player);
const jobs = new Jobs();

const notation = new Notation();
const draw = new Draw({ roll, takes, sound, jobs });

const parts = { sound, player, takes, models, settings, roll, selection, jobs, notation, draw, live: null };
const view = new View(parts);

/** A piece grows: it is shown, and heard where that is wanted, before it is done. */
parts.grow = (piece, bars) => {
  const first = !parts.live;
  parts.live = piece;
  view.showGrowing(piece, bars, first);
  if (first && byId("play-along").checked) play();
};

/** The growth is over. keep: adds the takes; without it (stopped, lost) what had come is kept as a take. */
parts.endGrowth = (piece, keep) => {
  const grown = parts.live;
  parts.live = null;
  const shown = piece ?? grown;
  if (!shown) return;
  view.endGrowing(shown, Boolean(grown));
  if (keep) keep();
  else
    takes.add([
      {
        piece: { ...grown, name: "unfinished" },
        words: "Stopped before it was done",
        model: models.current?.id,
        modelName: models.current?.name,
        kind: kindOf(models.current),
      },
    ]);
};

parts.scrollToRoll = () => view.scrollToRoll();

const actions = new Actions(parts);
parts.actions = actions;

async function play() {
  try {
    await player.play();
  } catch (error) {
    alertUser(error.message || "The browser cannot play sound here.");
  }
}
parts.play = play;

async function openFile(file) {
  if (!file) return;
  tellStatus(`Reading ${file.name} …`);
  alertUser("");
  try {
    const piece = allGiven(await readFile(file));
    takes.add([{ piece, words: `Opened from ${file.name}` }]);
    tellStatus(`${file.name} was read.`);
    if (piece.warnings?.length) alertUser(piece.warnings.join(" "));
  } catch (error) {
    tellStatus("");
    alertUser(error.message);
  }
}
parts.openFile = openFile;

function newSheet() {
  takes.add([{ piece: blank(models.current?.tracks === 4 ? 4 : 1), words: "Drawn by hand", drawn: true }]);
  draw.turn(true);
  roll.svg.focus();
}

/** The loop goes over the chosen bars, or over the whole piece. */
function setLoop(on = byId("loop").getAttribute("aria-pressed") === "true") {
  byId("loop").setAttribute("aria-pressed", String(on));
  const { bars } = selection.value;
  const piece = player.piece;
  const [from, to] = piece && bars ? barSpan(piece, ...bars) : [0, piece?.end ?? 0];
  player.loop = on && piece && !parts.live ? { from, to } : null;
  if (player.playing && player.loop && (player.position < from || player.position >= to)) player.play(from);
}

function loopAndPlay() {
  setLoop(true);
  if (!player.playing) play();
}

byId("compose-form").addEventListener("submit", (event) => {
  event.preventDefault();
  actions.compose();
});
byId("empty-compose").addEventListener("click", () => actions.compose());
for (const id of ["choose-file", "empty-file"]) byId(id).addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", () => {
  openFile(byId("file").files[0]);
  byId("file").value = "";
});
for (const id of ["new-sheet", "empty-draw"]) byId(id).addEventListener("click", newSheet);
byId("play").addEventListener("click", () => (player.playing ? player.stop() : play()));
byId("volume").addEventListener("input", () => {
  sound.volume = Number(byId("volume").value);
});
byId("undo").addEventListener("click", () => takes.undo());
byId("redo").addEventListener("click", () => takes.redo());

byId("loop").addEventListener("click", () => setLoop(byId("loop").getAttribute("aria-pressed") !== "true"));
selection.addEventListener("change", () => setLoop());

const interpolate = new Interpolate(parts);
new Compare(parts);
new Latent({ ...parts, loopAndPlay });
const keep = new Keep(parts);

listenForFiles((file, target) => {
  const slot = target instanceof Element && target.closest("[data-slot]")?.dataset.slot;
  if (slot) interpolate.open(file, slot);
  else openFile(file);
});

const candidate = (number) => {
  const take = takes.siblings[number - 1];
  if (take) takes.choose(take.id);
};
const shortcuts = [
  { key: " ", words: "Play or stop", act: () => byId("play").click() },
  { key: "n", words: "Compose", act: () => actions.compose() },
  { key: "a", words: "Again, with a new seed", act: () => byId("do-again").click() },
  { key: "i", words: "Infill what is chosen", act: () => byId("do-infill").click() },
  { key: "v", words: "Vary", act: () => byId("do-vary").click() },
  { key: "h", words: "Harmonise", act: () => byId("do-harmonise").click() },
  { key: "c", words: "Continue", act: () => byId("do-continue").click() },
  { key: "d", words: "Draw notes, or stop drawing", act: () => byId("draw").click() },
  { key: "l", words: "Loop", act: () => byId("loop").click() },
  { key: "1", shown: "1 … 8", words: "Choose one of the takes that were made together", act: () => candidate(1) },
  ...[2, 3, 4, 5, 6, 7, 8].map((number) => ({ key: String(number), act: () => candidate(number) })),
  { key: "z", ctrl: true, words: "Undo", act: () => takes.undo() },
  { key: "z", ctrl: true, shift: true, words: "Redo", act: () => takes.redo() },
  { key: "y", ctrl: true, act: () => takes.redo() },
  {
    key: "Escape",
    words: "Choose nothing; stop drawing",
    act: () => (roll.drawing ? draw.turn(false) : selection.clear()),
  },
  { key: "?", words: "This list", act: () => show(shortcuts) },
];
listen(shortcuts);

jobs.addEventListener("change", () => actions.enable());
takes.addEventListener("change", (event) => showTake(event.detail));
models.addEventListener("change", () => {
  settings.setModel(models.current);
  settings.setTake(takes.current?.piece);
  actions.enable();
});

// Facts for tests of the page in a browser; nothing here can be changed from outside.
window.studio = Object.freeze({
  get take() {
    return takes.current;
  },
  get takes() {
    return takes.all;
  },
  get model() {
    return models.current;
  },
  get busy() {
    return jobs.busy;
  },
  get growing() {
    return parts.live;
  },
  get selection() {
    return { bars: selection.value.bars, tracks: [...selection.value.tracks] };
  },
  player: Object.freeze({
    get playing() {
      return player.playing;
    },
    get position() {
      return player.position;
    },
    get sounding() {
      return player.sounding;
    },
    get rms() {
      return sound.rms;
    },
    get ready() {
      return sound.ready;
    },
  }),
});

function showTake(what) {
  const take = takes.current;
  view.showTake(what);
  draw.refresh();
  keep.show(take);
  notation.show(take?.piece ?? null);
  actions.enable();
  settings.setTake(take?.piece);
  setLoop();
}

showTake("take");
/** Asks for the models until the server answers: the page may have been loaded before it was ready. */
async function loadModels() {
  try {
    alertUser(await models.load());
  } catch (error) {
    alertUser(error.message);
    setTimeout(loadModels, 4000);
  }
}
loadModels();

// On a narrow screen the music comes first, and the settings open when they are wanted.
if (matchMedia("(max-width: 860px)").matches) for (const id of ["compose-card", "takes-card"]) byId(id).open = false;
