// Lets only so many through at once for each key; the others wait in line.

/** Those who wait for one key; more are turned away. */
const MAX_WAITING = 1_000;

interface Line {
  inside: number;
  readonly waiting: (() => void)[];
}

export class Turnstile {
  private readonly width: number;
  private readonly lines = new Map<string, Line>();

  constructor(width: number) {
    this.width = width;
  }

  /** Runs `task` when it is its turn. undefined = the line was too long. */
  async pass<T>(key: string, task: () => Promise<T>): Promise<T | undefined> {
    let line = this.lines.get(key);
    if (line === undefined) this.lines.set(key, (line = { inside: 0, waiting: [] }));
    if (line.inside >= this.width) {
      if (line.waiting.length >= MAX_WAITING) return undefined;
      // Whoever leaves hands his place over, so `inside` stays as it is.
      const { waiting } = line;
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else line.inside += 1;
    try {
      return await task();
    } finally {
      this.leave(key, line);
    }
  }

  private leave(key: string, line: Line): void {
    const next = line.waiting.shift();
    if (next !== undefined) return next();
    line.inside -= 1;
    if (line.inside === 0) this.lines.delete(key);
  }
}
