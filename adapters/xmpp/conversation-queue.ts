// One queue per conversation: what belongs to one conversation happens in order, conversations run side by side.

/** The queue of a conversation is full. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
}

/** Runs tasks of one key one after another. Holds no memory for keys without tasks. */
export class ConversationQueues {
  readonly #limit: number;
  readonly #total: number;
  #waiting = 0;
  readonly #tails = new Map<string, { last: Promise<void>; waiting: number }>();

  /** @param limit tasks that may wait or run per conversation @param total in all of them together */
  constructor(limit: number, total: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
    this.#total = total;
  }

  /** Conversations with something under way. */
  get busy(): number {
    return this.#tails.size;
  }

  /** False when a task would be rejected. */
  takes(conversation: string): boolean {
    return (this.#tails.get(conversation)?.waiting ?? 0) < this.#limit;
  }

  /**
   * Runs `task` after all earlier tasks of the conversation, whether they succeeded or not.
   * @throws QueueFull as a rejection when too many wait
   */
  run<T>(conversation: string, task: () => Promise<T>): Promise<T> {
    const queue = this.#tails.get(conversation) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= this.#limit)
      return Promise.reject(new QueueFull('too much waits in this conversation'));
    if (this.#waiting >= this.#total)
      return Promise.reject(new QueueFull('too much waits in all conversations'));
    queue.waiting += 1;
    this.#waiting += 1;
    const outcome = queue.last.then(task);
    queue.last = outcome.then(
      () => this.#done(conversation, queue),
      () => this.#done(conversation, queue),
    );
    this.#tails.set(conversation, queue);
    return outcome;
  }

  /** Resolves when everything queued until now is done. */
  async drain(): Promise<void> {
    await Promise.all([...this.#tails.values()].map((queue) => queue.last));
  }

  #done(conversation: string, queue: { waiting: number }): void {
    queue.waiting -= 1;
    this.#waiting -= 1;
    if (queue.waiting === 0) this.#tails.delete(conversation);
  }
}
