// Files that are dropped on the page.

import { byId } from "./dom.js";

const hasFile = (event) => event.dataTransfer?.types.includes("Files");

/** Calls open(file, place): place is the element it was dropped on. */
export function listenForFiles(open) {
  let depth = 0;
  const shown = (on) => {
    byId("drop").hidden = !on;
  };
  document.addEventListener("dragenter", (event) => {
    if (hasFile(event)) {
      depth += 1;
      shown(true);
    }
  });
  document.addEventListener("dragleave", (event) => {
    if (hasFile(event) && --depth <= 0) {
      depth = 0;
      shown(false);
    }
  });
  document.addEventListener("dragover", (event) => {
    if (hasFile(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    depth = 0;
    shown(false);
    open(event.dataTransfer.files[0], event.target);
  });
}
