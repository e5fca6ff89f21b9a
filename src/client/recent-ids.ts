// Ids seen lately, to recognise what is delivered again. Bounded: the oldest is forgotten first.

export class RecentIds {
  readonly #ids = new Set<string>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** True when the id is new. */
  add(id: string): boolean {
    const isNew = !this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size > this.#capacity)
      for (const oldest of this.#ids) return this.#ids.delete(oldest) && isNew;
    return isNew;
  }

  clear(): void {
    this.#ids.clear();
  }
}
