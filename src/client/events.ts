// A small typed emitter that runs in a browser too.

type Listener<T> = (value: T) => void;

/** Events by name. A listener that throws does not disturb the others: its error goes to `onError`. */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onError: (error: unknown, event: keyof Events) => void;

  constructor(onError: (error: unknown, event: keyof Events) => void) {
    this.#onError = onError;
  }

  /** Returns the function that takes the listener away again. */
  on<E extends keyof Events>(event: E, listener: Listener<Events[E]>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return () => this.off(event, listener);
  }

  off<E extends keyof Events>(event: E, listener: Listener<Events[E]>): void {
    this.#listeners.get(event)?.delete(listener);
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    // A copy: listeners may come and go meanwhile.
    for (const listener of Array.from(this.#listeners.get(event) ?? [])) {
      try {
        (listener as Listener<Events[E]>)(value);
      } catch (error) {
        this.#onError(error, event);
      }
    }
  }

  /** The next event that `predicate` likes; rejects after `timeoutMs` (default 5,000). */
  next<E extends keyof Events>(
    event: E,
    predicate: (value: Events[E]) => boolean = () => true,
    timeoutMs = 5000,
  ): Promise<Events[E]> {
    const promise = new Promise<Events[E]>((resolve, reject) => {
      const timer = setTimeout(() => {
        off();
        reject(new Error(`no ${String(event)} within ${timeoutMs} ms`));
      }, timeoutMs);
      const off = this.on(event, (value) => {
        if (!predicate(value)) return;
        clearTimeout(timer);
        off();
        resolve(value);
      });
    });
    // Whoever waits for it later still gets the rejection; until then it is not "unhandled".
    promise.catch(() => {});
    return promise;
  }
}
