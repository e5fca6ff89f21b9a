// Many users who are logged in and do nothing, over a few connections; then all of them watch one of them.

import { answering } from '../answering.ts';
import type { HttpPost } from './http-post.ts';
import { Phone } from './phone.ts';
import { userAddress } from './tasks.ts';
import { NAMESPACES } from '../../src/wv/version.ts';

export interface CrowdTask {
  readonly port: number;
  /** u1 … are the crowd; u0 is the one they watch. */
  readonly size: number;
}

const CONNECTIONS = 16;
const PRESENCE = NAMESPACES['1.2'].presence;

let connections: HttpPost[] = [];
let crowd: Phone[] = [];
let watched: Phone | undefined;
let changes = 0;

/** Every connection takes every CONNECTIONS-th user, one after another. */
async function forEachOfMany(count: number, task: (index: number, connection: HttpPost) => Promise<void>) {
  const share = async (connection: HttpPost, first: number) => {
    for (let index = first; index < count; index += CONNECTIONS) await task(index, connection);
  };
  await Promise.all(connections.map(share));
}

async function connect({ port }: CrowdTask): Promise<void> {
  connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Phone.connect(port)));
}

async function login({ size }: CrowdTask): Promise<void> {
  crowd = [];
  await forEachOfMany(size, async (index, connection) => {
    crowd[index] = await Phone.login(connection, index + 1);
  });
}

/** Others log in first: what the first log-ins load and compile is no cost of a session. */
async function warm({ first, size }: { readonly first: number; readonly size: number }): Promise<void> {
  await forEachOfMany(size, async (index, connection) => void (await Phone.login(connection, first + index)));
}

/** The watched one lets everybody see everything, so that nobody is asked. */
async function watch({ port, size }: CrowdTask): Promise<void> {
  watched = await Phone.login(await Phone.connect(port), 0);
  await watched.say(
    '<CreateAttributeList-Request><DefaultList>T</DefaultList></CreateAttributeList-Request>',
  );
  const target = `<User><UserID>${userAddress(0)}</UserID></User>`;
  const subscription = `<SubscribePresence-Request>${target}<AutoSubscribe>F</AutoSubscribe></SubscribePresence-Request>`;
  await forEachOfMany(size, async (index) => crowd[index]?.say(subscription));
}

/** The watched one changes the status text so many times. */
async function change(times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    changes += 1;
    await watched?.say(
      `<UpdatePresence-Request><PresenceSubList xmlns="${PRESENCE}"><StatusText><Qualifier>T</Qualifier>` +
        `<PresenceValue>On train ${changes}</PresenceValue></StatusText></PresenceSubList></UpdatePresence-Request>`,
    );
  }
}

/** Every watcher polls and confirms. How many got something. */
async function collect({ size }: CrowdTask): Promise<number> {
  let got = 0;
  await forEachOfMany(size, async (index) => {
    if ((await crowd[index]?.collect()) === true) got += 1;
  });
  return got;
}

answering({ connect, warm, login, watch, change, collect }, () =>
  connections.forEach((connection) => connection.close()),
);
