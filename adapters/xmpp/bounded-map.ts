// A map with a limit: everything keyed by remote input lives in one of these.

/** At the limit the entry unused for longest is dropped. `get` and `set` count as use. */
export class BoundedMap<Key, Value> {
  readonly #limit: number;
  readonly #onEvict: (key: Key, value: Value) => void;
  readonly #entries = new Map<Key, Value>();

  constructor(limit: number, onEvict: (key: Key, value: Value) => void = () => undefined) {
    this.#limit = limit;
    this.#onEvict = onEvict;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#evictOldest();
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#entries.entries();
  }

  values(): IterableIterator<Value> {
    return this.#entries.values();
  }

  #evictOldest(): void {
    for (const [key, value] of this.#entries) {
      this.#entries.delete(key);
      this.#onEvict(key, value);
      return;
    }
  }
}
