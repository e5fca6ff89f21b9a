// The child's side of bench/child.ts: asks come in as messages, answers go back. A child whose parent went away ends.

type Answerer = (task: never) => unknown;

interface Ask {
  readonly id: number;
  readonly name: string;
  readonly task: unknown;
}

/** Answers what the parent asks until it asks for the end. `release` lets go of sockets and the like before that. */
export function answering(
  answerers: Readonly<Record<string, Answerer>>,
  release: () => Promise<void> | void = () => {},
): void {
  const answer = async ({ name, task }: Ask): Promise<unknown> => {
    if (name === 'end') return release();
    const answerer = answerers[name];
    if (answerer === undefined) throw new TypeError(`nothing is called ${name} here`);
    return answerer(task as never);
  };
  process.on('message', (ask: Ask) => {
    answer(ask)
      .then(
        (value) => process.send?.({ id: ask.id, value }),
        (error: unknown) => process.send?.({ id: ask.id, error: describe(error) }),
      )
      .catch(() => process.exit(1));
  });
  process.on('disconnect', () => process.exit(0));
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
