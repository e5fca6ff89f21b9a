// What the presence of many WV users costs the homeserver: Synapse's CPU while all of them come and go, beside its CPU
// while nobody does. The gateway runs in this process, before a relay that only says who came and who went.

import { setTimeout as delay } from 'node:timers/promises';
import { createMatrixGateway, pseudoWatcher } from '../adapters/matrix/gateway.ts';
import { stackDown, stackStatus, stackUp } from '../scripts/stack/control.ts';
import type { MatrixServer } from '../scripts/stack/description.ts';
import type { Gateway } from '../src/sap/port.ts';
import { serviceAddress, userAddress } from '../src/wv/address.ts';
import type { UserAddress } from '../src/wv/ids.ts';
import { simple } from '../src/wv/presence.ts';
import { liveConfig, LiveUser } from '../test/support/matrix-live.ts';
import { HOME, TestRelay } from '../test/support/matrix-relay.ts';
import { cpuOf } from './process-cost.ts';
import type { Findings } from './row.ts';

export interface Flapping {
  /** WV users whom Matrix may see. */
  readonly users: number;
  /** Each of them comes or goes so often, in ms. */
  readonly everyMs: number;
  /** Length of each of the two measurements, in ms. */
  readonly windowMs: number;
}

export const FLAPPING: Flapping = { users: 1_000, everyMs: 10_000, windowMs: 60_000 };
/** For a look. */
export const A_LITTLE_FLAPPING: Flapping = { users: 50, everyMs: 10_000, windowMs: 15_000 };

/** Ghosts in one room with the Matrix user who watches. */
const PER_ROOM = 10;
/** Joins at the same time. */
const LANES = 4;
/** What a new homeserver, and ghosts that were just made, take until they are quiet, in ms. */
const SETTLED_MS = 10_000;
/** What Synapse takes, after it was told much, until it has told everybody and timed them out, in ms. */
const DIGESTED_MS = 60_000;
/** Steps of the flapping, in ms. */
const STEP_MS = 100;

/** Synapse's share of one core, in per cent. */
async function load(pid: number, windowMs: number): Promise<number> {
  const [cpu, at] = [cpuOf(pid), performance.now()];
  await delay(windowMs);
  return (cpuOf(pid) - cpu) / ((performance.now() - at) * 10);
}

/** A gateway whose users are all known to Matrix, and share rooms with a user who follows them. */
class Crowd {
  readonly #server: MatrixServer;
  readonly #relay = new TestRelay();
  readonly #gateway: Gateway;
  readonly #users: readonly UserAddress[];
  readonly #online = new Set<UserAddress>();
  #watcher: LiveUser | undefined;
  isFlapping = false;

  constructor(server: MatrixServer, size: number) {
    this.#server = server;
    this.#gateway = createMatrixGateway(liveConfig(server));
    this.#users = Array.from({ length: size }, (_, index) => userAddress(`flap${index}`, HOME));
  }

  async gather(): Promise<void> {
    this.#watcher = await LiveUser.login(this.#server, 'dave');
    for (const user of this.#users) this.#relay.users.set(user, user);
    await this.#gateway.start(this.#relay);
    for (let first = 0; first < this.#users.length; first += PER_ROOM) {
      const { room_id: room } = await this.#watcher.client.createRoom({ preset: 'public_chat' as never });
      const lanes = Array.from({ length: LANES }, async (_, lane) => {
        for (let at = first + lane; at < Math.min(first + PER_ROOM, this.#users.length); at += LANES)
          await this.#enter(at, room);
      });
      await Promise.all(lanes);
    }
    await delay(SETTLED_MS);
  }

  async #enter(index: number, room: string): Promise<void> {
    const { baseUrl, serverName, registrations } = this.#server;
    const { asToken, prefix } = registrations.test;
    const headers = { authorization: `Bearer ${asToken}` };
    const username = `${prefix}flap${index}`;
    const body = JSON.stringify({ type: 'm.login.application_service', username, inhibit_login: true });
    await fetch(`${baseUrl}/_matrix/client/v3/register`, { method: 'POST', headers, body });
    const as = encodeURIComponent(`@${username}:${serverName}`);
    const path = `${baseUrl}/_matrix/client/v3/join/${encodeURIComponent(room)}?user_id=${as}`;
    const answer = await fetch(path, { method: 'POST', headers, body: '{}' });
    if (!answer.ok) throw new Error(`a ghost may not join: ${answer.status}`);
  }

  /** From now on everybody comes or goes once in `everyMs`, one after the other. Resolves after `stop`. */
  async flap(everyMs: number): Promise<void> {
    this.isFlapping = true;
    const begun = performance.now();
    for (let done = 0; this.isFlapping;) {
      const due = ((performance.now() - begun) / everyMs) * this.#users.length;
      for (; done < due; done += 1) await this.#turn(this.#users[done % this.#users.length] as UserAddress);
      await delay(STEP_MS);
    }
  }

  async #turn(publisher: UserAddress): Promise<void> {
    const isOnline = this.#online.delete(publisher);
    if (!isOnline) this.#online.add(publisher);
    await this.#gateway.request({
      primitive: 'PresenceNotification',
      meta: { service: serviceAddress(HOME), user: publisher },
      publisher,
      watchers: [pseudoWatcher(liveConfig(this.#server))],
      attributes: { OnlineStatus: simple(isOnline ? 'F' : 'T') },
    });
  }

  counted(outcome: string): number {
    return this.#relay.metrics.counts.get(`matrix_presence_total matrix ${outcome}`) ?? 0;
  }

  /** Ends the flapping. */
  rest(): void {
    this.isFlapping = false;
  }

  async disperse(): Promise<void> {
    this.rest();
    await this.#gateway.stop();
    await this.#watcher?.logout();
  }
}

async function measured(server: MatrixServer, { users, everyMs, windowMs }: Flapping): Promise<Findings> {
  const crowd = new Crowd(server, users);
  try {
    await crowd.gather();
    const idle = await load(server.pid, windowMs);
    const flapping = crowd.flap(everyMs);
    // The first changes of each are shown: it is what comes after that which must not go on like that.
    const first = await load(server.pid, windowMs);
    await delay(DIGESTED_MS);
    const [passed, suppressed] = [crowd.counted('passed'), crowd.counted('suppressed')];
    const busy = await load(server.pid, windowMs);
    const seconds = windowMs / 1000;
    const shown = (crowd.counted('passed') - passed) / seconds;
    const kept = (crowd.counted('suppressed') - suppressed) / seconds;
    crowd.rest();
    await flapping;
    const name = `Synapse ${server.version}, the same users, nobody comes or goes`;
    return {
      rows: [
        {
          what: `Synapse’s CPU, ${users} WV users flapping every ${everyMs / 1000} s`,
          ours: busy,
          unit: '% of a core',
          reference: { name, value: idle },
          aim: '≤ 2 × the reference',
        },
        {
          what: '… in the first minute of it',
          ours: first,
          unit: '% of a core',
          reference: { name, value: idle },
        },
        { what: '… presence shown', ours: shown, unit: '/s' },
        { what: '… presence not shown (coalesced, unchanged)', ours: kept, unit: '/s' },
      ],
      notes: [],
    };
  } finally {
    await crowd.disperse();
  }
}

/** Synapse of the test stack; nothing is installed for a benchmark. */
export async function benchMatrixPresence(flapping: Flapping): Promise<Findings> {
  const before = await stackStatus();
  const isOurs = before.every(({ name, state }) => name !== 'synapse' || state === 'stopped');
  const stack = await stackUp({ only: ['synapse'], consent: () => Promise.resolve(false) });
  const server = stack.synapse;
  if (server === undefined) {
    return {
      rows: [],
      notes: [`Presence towards Matrix: no Synapse, ${stack.missing['synapse'] ?? 'not running'}.`],
    };
  }
  try {
    return await measured(server, flapping);
  } finally {
    if (isOurs) await stackDown({ only: ['synapse'] });
  }
}
