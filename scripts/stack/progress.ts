// Progress lines: nothing for what is quick, one line after a second, a sign of life every ten.

export interface Progress {
  /** One line about something that happened. */
  note(text: string): void;
  /** Runs a piece of work and reports it, with the time it took, once it lasts over a second. */
  step<T>(label: string, work: () => Promise<T>): Promise<T>;
  /** The same progress under a name, which goes in front of every line. */
  named(name: string): Progress;
}

/** How long work may take before a line says that it is going on, and how often one follows. */
const FIRST_LINE_MS = 1_000;
const NEXT_LINE_MS = 10_000;

/** Progress that nobody sees; for tests. */
export const silentProgress: Progress = {
  note: () => undefined,
  step: (_label, work) => work(),
  named: () => silentProgress,
};

/**
 * Progress on a stream.
 *
 * @param out where the lines go; colours are used only if this is a terminal
 */
export function streamProgress(out: NodeJS.WriteStream, prefix = ''): Progress {
  const dim = (text: string): string => (out.isTTY ? `\u001b[2m${text}\u001b[0m` : text);
  const note = (text: string): void => {
    out.write(`${prefix}${text}\n`);
  };
  return {
    note,
    named: (name) => streamProgress(out, `${name}: `),
    async step(label, work) {
      const started = performance.now();
      const elapsed = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
      let reported = false;
      const report = (): void => {
        note(reported ? dim(`${label}: still at it after ${elapsed()}`) : `${label} ...`);
        reported = true;
        timer = setTimeout(report, NEXT_LINE_MS);
      };
      let timer = setTimeout(report, FIRST_LINE_MS);
      try {
        const result = await work();
        if (reported) note(dim(`${label}: done in ${elapsed()}`));
        return result;
      } catch (error) {
        if (reported) note(dim(`${label}: failed after ${elapsed()}`));
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
