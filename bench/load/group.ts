// A large group of which some are logged in, one who writes to it, and two who have nothing to do with it and look how
// long the server takes to answer them.

import { setTimeout as pause } from 'node:timers/promises';
import { answering } from '../answering.ts';
import type { HttpPost } from './http-post.ts';
import { Phone } from './phone.ts';
import { GROUP } from './tasks.ts';

export interface GroupTask {
  readonly port: number;
  /** u0 writes; u1 … u`live` are logged in and in the group. */
  readonly live: number;
  /** This user and the next are not in the group. */
  readonly strangers: number;
  /** Length of a message, octets. */
  readonly octets: number;
}

/** What others noticed while something was done. */
export interface Watched {
  /** How long it took, milliseconds. */
  readonly took: number;
  /** How long the strangers waited for their answers, milliseconds. */
  readonly waits: readonly number[];
}

const CONNECTIONS = 16;
/** Between an answer and the next request of a stranger. */
const PAUSE_MS = 1;

let connections: HttpPost[] = [];
let sender: Phone | undefined;
let strangers: readonly (() => Promise<unknown>)[] = [];

async function loggedIn(port: number, index: number): Promise<Phone> {
  const connection = await Phone.connect(port);
  connections.push(connection);
  return Phone.login(connection, index);
}

/** All that are live log in, join and poll once, as phones do. */
async function enter({ port, live, strangers: first, octets }: GroupTask): Promise<void> {
  connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Phone.connect(port)));
  const share = async (connection: HttpPost, from: number) => {
    for (let index = from; index <= live; index += CONNECTIONS) {
      const phone = await Phone.login(connection, index);
      await phone.join(GROUP);
      await phone.poll();
    }
  };
  await Promise.all(connections.map((connection, at) => share(connection, at + 1)));
  const [writer, one, another] = [
    await loggedIn(port, 0),
    await loggedIn(port, first),
    await loggedIn(port, first + 1),
  ];
  await writer.join(GROUP);
  writer.writeToGroup(0, GROUP, octets);
  sender = writer;
  strangers = [() => one.keepAlive(), () => another.poll()];
}

/** One message to the group; how long the sender waited for the 200, milliseconds. */
async function send(): Promise<number> {
  const begun = performance.now();
  await sender?.send();
  return performance.now() - begun;
}

/** The same, and what the strangers noticed of it. */
async function sendWatched(): Promise<Watched> {
  return watched(send);
}

/** What the strangers notice while nothing happens. */
async function quiet(ms: number): Promise<Watched> {
  return watched(() => pause(ms, ms));
}

async function watched(work: () => Promise<number>): Promise<Watched> {
  const waits: number[] = [];
  let over = false;
  const watching = strangers.map(async (ask) => {
    while (!over) {
      const begun = performance.now();
      await ask();
      waits.push(performance.now() - begun);
      await pause(PAUSE_MS);
    }
  });
  const took = await work();
  over = true;
  await Promise.all(watching);
  return { took, waits };
}

answering({ enter, send, sendWatched, quiet }, () => connections.forEach((connection) => connection.close()));
