// The history: takes (pieces and where they came from), undo and redo, and which takes were made together.

/**
 * A take: {id, group, piece, words, model, modelName, command, files, seed, request, warnings}.
 * Pieces are never changed in place, so a step of the history is just [id of a take, its piece then].
 */
export class Takes extends EventTarget {
  constructor(store) {
    super();
    this.store = store;
    const saved = store.load();
    this.all = saved.takes;
    this.current = this.all.find((take) => take.id === saved.current) ?? this.all.at(-1) ?? null;
    this.past = [];
    this.future = [];
    this.counter = Math.max(0, ...this.all.map((take) => take.id));
  }

  step() {
    return this.current && [this.current.id, this.current.piece];
  }

  remember() {
    this.past.push(this.step());
    this.future = [];
  }

  /** Adds takes that were made together; the first one is shown. */
  add(takes) {
    this.remember();
    const group = this.counter + 1;
    for (const take of takes) {
      this.counter += 1;
      Object.assign(take, { id: this.counter, group });
      this.all.push(take);
      this.store.save(take);
    }
    this.show(takes[0]);
    return takes[0];
  }

  choose(id) {
    const take = this.all.find((each) => each.id === id);
    if (!take || take === this.current) return;
    this.remember();
    this.show(take);
  }

  /** Gives the take shown another piece: an edit by hand. `step`: whether undo goes back to before it. */
  edit(piece, { step = true, ...rest } = {}) {
    if (step) this.remember();
    Object.assign(this.current, { piece, ...rest });
    this.store.save(this.current);
    this.tell("edit");
  }

  undo() {
    this.travel(this.past, this.future);
  }

  redo() {
    this.travel(this.future, this.past);
  }

  travel(from, to) {
    if (!from.length) return;
    to.push(this.step());
    const step = from.pop();
    if (!step) return this.show(null);
    const take = this.all.find((each) => each.id === step[0]);
    if (!take) return this.travel(from, to);
    if (take.piece !== step[1]) {
      take.piece = step[1];
      this.store.save(take);
    }
    return this.show(take);
  }

  remove(id) {
    const index = this.all.findIndex((each) => each.id === id);
    if (index < 0) return;
    this.all.splice(index, 1);
    this.store.remove(id);
    for (const steps of [this.past, this.future]) {
      steps.splice(0, steps.length, ...steps.filter((step) => step?.[0] !== id));
    }
    if (this.current?.id === id) this.show(this.all[Math.max(0, index - 1)] ?? null);
    else this.tell("list");
  }

  /** The takes that were made with the one shown. */
  get siblings() {
    return this.current ? this.all.filter((take) => take.group === this.current.group) : [];
  }

  show(take) {
    this.current = take;
    this.store.saveCurrent(take?.id ?? null);
    this.tell("take");
  }

  tell(what) {
    this.dispatchEvent(new CustomEvent("change", { detail: what }));
  }
}
