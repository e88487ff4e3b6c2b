// Wires the parts of the page together.

import { Actions } from "./actions.js";
import { readFile } from "./api.js";
import { byId } from "./dom.js";
import { Jobs, alertUser, tellStatus } from "./jobs.js";
import { Models } from "./models.js";
import { Player } from "./player.js";
import { blank } from "./piece.js";
import { Roll } from "./roll.js";
import { Selection } from "./select.js";
import { Settings } from "./settings.js";
import { Sound } from "./sound.js";
import { Store } from "./store.js";
import { Takes } from "./takes.js";
import { View } from "./view.js";
import { say } from "./dom.js";

const sound = new Sound();
const player = new Player(sound);
const takes = new Takes(new Store((sentence) => say(byId("storage-words"), sentence)));
const models = new Models();
const settings = new Settings();
const roll = new Roll(byId("roll"));
const selection = new Selection(roll, player);
const jobs = new Jobs();

const parts = { sound, player, takes, models, settings, roll, selection, jobs, live: null };
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
  else takes.add([{ piece: { ...grown, name: "unfinished" }, words: "Stopped before it was done", model: models.current?.id, modelName: models.current?.name }]);
};

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
    const piece = await readFile(file);
    takes.add([{ piece, words: `Opened from ${file.name}` }]);
    tellStatus(`${file.name} was read.`);
  } catch (error) {
    tellStatus("");
    alertUser(error.message);
  }
}
parts.openFile = openFile;

function newSheet() {
  takes.add([{ piece: blank(models.current?.tracks === 4 ? 4 : 1), words: "Drawn by hand" }]);
  view.startDrawing?.();
}

byId("compose-form").addEventListener("submit", (event) => { event.preventDefault(); actions.compose(); });
byId("empty-compose").addEventListener("click", () => actions.compose());
for (const id of ["choose-file", "empty-file"]) byId(id).addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", () => { openFile(byId("file").files[0]); byId("file").value = ""; });
for (const id of ["new-sheet", "empty-draw"]) byId(id).addEventListener("click", newSheet);
byId("play").addEventListener("click", () => (player.playing ? player.stop() : play()));
byId("volume").addEventListener("input", () => { sound.volume = Number(byId("volume").value); });
byId("undo").addEventListener("click", () => takes.undo());
byId("redo").addEventListener("click", () => takes.redo());

jobs.addEventListener("change", () => actions.enable());
takes.addEventListener("change", (event) => { view.showTake(event.detail); actions.enable(); settings.setTake(takes.current?.piece); });
models.addEventListener("change", () => {
  settings.setModel(models.current);
  settings.setTake(takes.current?.piece);
  actions.enable();
});

// Facts for tests of the page in a browser; nothing here can be changed from outside.
window.studio = Object.freeze({
  get take() { return takes.current; },
  get takes() { return takes.all; },
  get model() { return models.current; },
  get busy() { return jobs.busy; },
  get growing() { return parts.live; },
  get selection() { return { bars: selection.value.bars, tracks: [...selection.value.tracks] }; },
  player: Object.freeze({
    get playing() { return player.playing; },
    get position() { return player.position; },
    get sounding() { return player.sounding; },
    get rms() { return sound.rms; },
    get ready() { return sound.ready; },
  }),
});

view.showTake("take");
models.load().catch((error) => alertUser(error.message));
