// Keyboard shortcuts and the list of them. They sleep while one types in a field.

import { byId, button, el } from "./dom.js";

const SWITCH = "studio.keys"; // "off" where a user does not want single keys to act

/** shortcuts: [{key, words, act, ctrl?, shift?}] */
export function listen(shortcuts) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]") || typing(event)) return;
    const ctrl = event.ctrlKey || event.metaKey;
    if (!ctrl && off() && event.key !== "Escape") return;
    const found = shortcuts.find(
      (each) =>
        Boolean(each.ctrl) === ctrl &&
        (!each.ctrl || Boolean(each.shift) === event.shiftKey) &&
        each.key.toLowerCase() === event.key.toLowerCase(),
    );
    if (!found || (event.repeat && !found.ctrl)) return;
    event.preventDefault();
    found.act(event);
  });
  byId("show-keys").addEventListener("click", () => show(shortcuts));
}

function typing(event) {
  const { target } = event;
  if (!(target instanceof Element)) return false;
  if (target.matches("textarea, select, input:not([type=range], [type=checkbox], [type=radio])")) return true;
  // Space presses what has the focus.
  return event.key === " " && target.matches("button, summary, a, input");
}

function off() {
  try {
    return localStorage.getItem(SWITCH) === "off";
  } catch {
    return false;
  }
}

const name = (each) =>
  [
    each.ctrl ? "Ctrl" : "",
    each.shift ? "Shift" : "",
    each.key === " " ? "Space" : each.key.length === 1 ? each.key.toUpperCase() : each.key,
  ].filter(Boolean);

export function show(shortcuts) {
  const dialog = byId("keys-dialog");
  const rows = shortcuts
    .filter((each) => each.words)
    .flatMap((each) => [
      el("dt", {}, ...(each.shown ? [el("kbd", {}, each.shown)] : name(each).map((part) => el("kbd", {}, part)))),
      el("dd", {}, each.words),
    ]);
  const box = el("input", {
    type: "checkbox",
    checked: !off(),
    onchange: () => {
      try {
        localStorage.setItem(SWITCH, box.checked ? "on" : "off");
      } catch {
        /* it holds for no longer than this browser keeps things */
      }
    },
  });
  dialog.replaceChildren(
    el(
      "div",
      { class: "headline" },
      el("h2", { id: "keys-title" }, "Keyboard shortcuts"),
      button("Close", () => dialog.close(), { class: "plain" }),
    ),
    el(
      "dl",
      { class: "keys" },
      ...rows,
      el("dt", {}, el("kbd", {}, "←"), " ", el("kbd", {}, "→")),
      el("dd", {}, "On the roll: go to the bar before or after; with Shift: choose bars"),
    ),
    el("label", { class: "choice" }, box, "Single keys act"),
  );
  dialog.showModal();
}
