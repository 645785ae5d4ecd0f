// The marks of a case while they are corrected.  A list is never changed in place, so a former one is what undo goes to.

export class Marks {
  #past = [];
  #future = [];

  constructor(list, show) {
    this.list = list;
    this.selected = -1; // place in the list
    this.show = show; // is called after each change
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  differFrom(list) {
    return JSON.stringify(this.list) !== JSON.stringify(list);
  }

  change(next) {
    this.#past.push(this.list);
    this.#future = [];
    this.list = next;
    this.show();
  }

  undo() {
    this.#go(this.#past, this.#future);
  }

  redo() {
    this.#go(this.#future, this.#past);
  }

  #go(from, to) {
    if (!from.length) return;
    to.push(this.list);
    this.list = from.pop();
    this.selected = -1;
    this.show();
  }

  add(mark) {
    this.change(this.list.concat([mark]));
  }

  drop(place) {
    this.selected = -1;
    this.change(this.list.filter((_, each) => each !== place));
  }

  retype(place, type) {
    if (this.list[place].type === type) return;
    this.change(this.list.map((mark, each) => (each === place ? { ...mark, type } : mark)));
  }
}
