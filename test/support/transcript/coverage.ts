// What the transcripts went through: transaction × binding × status codes.

/** One cell: codes, or `sent` for what the server began. */
export class Coverage {
  readonly #cells = new Map<string, Map<string, Set<string>>>();
  readonly #distorted = new Set<string>();

  note(transaction: string, binding: string, code: string): void {
    const row = this.#cells.get(transaction) ?? new Map<string, Set<string>>();
    this.#cells.set(transaction, row);
    row.set(binding, (row.get(binding) ?? new Set()).add(code));
  }

  /** True once per transaction and binding: whether its distortions are still to be played. */
  distorts(transaction: string, binding: string, how: string): boolean {
    const key = `${transaction} ${binding} ${how}`;
    if (this.#distorted.has(key)) return false;
    this.#distorted.add(key);
    return true;
  }

  get transactions(): readonly string[] {
    return [...this.#cells.keys()];
  }

  codes(transaction: string, binding: string): readonly string[] {
    return [...(this.#cells.get(transaction)?.get(binding) ?? [])].toSorted(byNumber);
  }
}

const byNumber = (a: string, b: string): number => Number(a) - Number(b) || (a < b ? -1 : 1);
