// `npm run demo`: real servers, the gateway in this process, four people at real clients, and a transcript of what
// each of them saw.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHouse, type House } from '../gateway.ts';
import { Cast } from './cast.ts';
import { LogTail } from './log-tail.ts';
import { play, type Score } from './scene.ts';
import { bringUpServers, type Servers } from './servers.ts';
import { checkAlone, demoConfig } from './settings.ts';
import { sayHowToLogIn, sayWhoPlays } from './programme.ts';
import { Transcript } from './transcript.ts';

export interface DemoOptions {
  readonly once: boolean;
  /** False: WV phones only. */
  readonly servers: boolean;
  readonly mayInstall: boolean;
}

/** Resolves with the exit status: 0 when every step that was asked for was observed. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const transcript = new Transcript(process.stdout);
  const ended = endOfDemo();
  const servers = await obtain(options, transcript);
  await checkAlone(servers);
  const folder = await mkdtemp(join(tmpdir(), 'wvgate-demo-'));
  const tail = new LogTail();
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const { house, cast } = await prepare(servers, folder, tail, closing);
    sayWhoPlays(transcript, servers, house);
    const score = await playAll(cast, transcript, tail);
    const complete = sayScore(transcript, score, options.servers ? servers.missing : []);
    if (!options.once) {
      await cast.leave();
      sayHowToLogIn(transcript, servers, house);
      await ended;
    }
    return complete ? 0 : 1;
  } finally {
    await closeAll(closing, transcript);
  }
}

async function obtain(options: DemoOptions, transcript: Transcript): Promise<Servers> {
  if (!options.servers) return { missing: [] };
  transcript.text('Bringing up Prosody and Synapse on loopback …');
  const servers = await bringUpServers(process.stdout, options.mayInstall);
  for (const reason of servers.missing) transcript.bad(`  ${reason}`);
  if (servers.xmpp === undefined && servers.matrix === undefined) {
    transcript.bad('  No real servers can be had here: showing WV phones only.');
  }
  return servers;
}

/** The gateway and everybody at their clients; what servers remember of earlier demos is put aside first. */
async function prepare(
  servers: Servers,
  folder: string,
  tail: LogTail,
  closing: (() => Promise<unknown>)[],
): Promise<{ house: House; cast: Cast }> {
  const cast = new Cast(servers, (error) => tail.log.warn({ err: error }, 'demo client'));
  closing.push(() => cast.leave());
  await cast.gather();
  const house = await startHouse({ config: await demoConfig(servers, folder), log: tail.log });
  // The clients leave first: their farewells still pass through the gateway.
  closing.splice(1, 0, () => house.stop());
  await cast.enter(house);
  return { house, cast };
}

async function playAll(cast: Cast, transcript: Transcript, tail: LogTail): Promise<Score> {
  const total = { seen: 0, steps: 0 };
  for (const scene of cast.scenes()) {
    const { seen, steps } = await play(scene, transcript, tail);
    total.seen += seen;
    total.steps += steps;
  }
  return total;
}

function sayScore(transcript: Transcript, { seen, steps }: Score, missing: readonly string[]): boolean {
  transcript.heading(
    `${seen} of ${steps} steps observed${missing.length > 0 ? ', some servers missing' : ''}.`,
  );
  return seen === steps && missing.length === 0;
}

/** Runs the closers in reverse order; one that fails does not keep the others from running. */
async function closeAll(closing: readonly (() => Promise<unknown>)[], transcript: Transcript): Promise<void> {
  for (const close of closing.toReversed()) {
    await close().catch((error: unknown) => transcript.bad(`not ended in order: ${String(error)}`));
  }
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function endOfDemo(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}
