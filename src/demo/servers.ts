// The real servers of the demo: Prosody and Synapse, by the project's own stack.

import { createInterface } from 'node:readline/promises';
import { stackUp } from '../../scripts/stack/control.ts';
import type { MatrixServer, XmppServer } from '../../scripts/stack/description.ts';
import { streamProgress } from '../../scripts/stack/progress.ts';

export type { MatrixServer, XmppServer } from '../../scripts/stack/description.ts';

export interface Servers {
  readonly xmpp?: XmppServer;
  readonly matrix?: MatrixServer;
  /** Why a server cannot be had, one line each. */
  readonly missing: readonly string[];
}

/** Brings the servers up; what is not installed is installed, after a question when there is a terminal. */
export async function bringUpServers(out: NodeJS.WriteStream, mayInstall: boolean): Promise<Servers> {
  const { prosody, synapse, missing } = await stackUp({
    only: ['prosody', 'synapse'],
    progress: streamProgress(out, '  '),
    consent: mayInstall || !process.stdin.isTTY ? () => Promise.resolve(true) : askOneByOne(),
  });
  return {
    ...(prosody === undefined ? {} : { xmpp: prosody }),
    ...(synapse === undefined ? {} : { matrix: synapse }),
    missing: (['prosody', 'synapse'] as const).flatMap((name) =>
      missing[name] === undefined ? [] : [`no ${name}: ${missing[name]}`],
    ),
  };
}

/** Servers come up side by side; their questions come one after another. */
function askOneByOne(): (question: string) => Promise<boolean> {
  let turn: Promise<unknown> = Promise.resolve();
  return (question) => {
    const answer = turn.then(() => ask(question));
    turn = answer.catch(() => undefined);
    return answer;
  };
}

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^(?:y|yes|)$/iu.test((await terminal.question(`  ${question} [Y/n] `)).trim());
  } finally {
    terminal.close();
  }
}
