// Keeps the takes of this tab over a reload, in sessionStorage: another tab has its own.

const PREFIX = "studio.take.";
const FIELDS = ["onset", "duration", "pitch", "velocity", "track", "drum", "given"];

/** Notes as rows of numbers take a fifth of the room that they take with names. */
const packed = (piece) => ({
  ...piece,
  notes: piece.notes.map((note) => FIELDS.map((name) => Number(note[name] ?? 0))),
});
const unpacked = (piece) => ({
  ...piece,
  notes: piece.notes.map((row) =>
    Object.fromEntries(FIELDS.map((name, index) => [name, index < 5 ? row[index] : Boolean(row[index])])),
  ),
});

export class Store {
  /** tell: takes a sentence where not all can be kept. */
  constructor(tell) {
    this.tell = tell;
  }

  load() {
    const takes = [];
    try {
      for (let index = 0; index < sessionStorage.length; index += 1) {
        const key = sessionStorage.key(index);
        if (!key.startsWith(PREFIX)) continue;
        try {
          const take = JSON.parse(sessionStorage.getItem(key));
          takes.push({ ...take, piece: unpacked(take.piece) });
        } catch {
          /* one that cannot be read is left out; the others are whole */
        }
      }
      const current = Number(sessionStorage.getItem("studio.current"));
      return { takes: takes.sort((a, b) => a.id - b.id), current };
    } catch {
      // a browser that keeps nothing
      this.tell("This browser keeps nothing: takes are lost when the page is loaded again.");
      return { takes: [], current: null };
    }
  }

  save(take) {
    const text = JSON.stringify({ ...take, piece: packed(take.piece) });
    for (;;) {
      try {
        sessionStorage.setItem(PREFIX + take.id, text);
        return;
      } catch {
        // Full: the oldest take makes room. It stays in the list until the page is loaded again.
        const oldest = Object.keys(sessionStorage)
          .filter((key) => key.startsWith(PREFIX) && key !== PREFIX + take.id)
          .sort((a, b) => Number(a.slice(PREFIX.length)) - Number(b.slice(PREFIX.length)))[0];
        this.tell("The browser's storage is full: the oldest takes will be gone when the page is loaded again.");
        if (!oldest) return;
        sessionStorage.removeItem(oldest);
      }
    }
  }

  saveCurrent(id) {
    try {
      sessionStorage.setItem("studio.current", id ?? "");
    } catch {
      /* said when the take was saved */
    }
  }

  remove(id) {
    try {
      sessionStorage.removeItem(PREFIX + id);
    } catch {
      /* nothing was kept */
    }
  }
}
