// One server of ours and one scripted Baraza that know each other, and people with clients at ours.

import { mkdtemp } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigInput } from '../../../src/config.ts';
import type { Clock } from '../../../src/ops/ports.ts';
import { eventually } from '../eventually.ts';
import { startBarazaPeer, type BarazaPeer, type BarazaPeerOptions } from './baraza/peer.ts';
import type { Answer, Sent } from './baraza/state.ts';
import { createTestCa, pem } from './test-ca.ts';
import { Side } from './two-houses.ts';

export interface HouseAndBarazaOptions {
  /** Both by HTTPS, with certificates of the test authority. */
  readonly secure?: boolean;
  readonly ours?: string;
  readonly theirs?: string;
  readonly config?: Partial<ConfigInput>;
  readonly clock?: Clock;
  readonly baraza?: Partial<BarazaPeerOptions>;
}

export interface HouseAndBaraza {
  readonly house: Side;
  /** Where ours listens for the peer. */
  readonly port: number;
  /** bob and ben; bob's group bob/hikers, and bob/closed, which rejects everybody named `rejected`. */
  readonly baraza: BarazaPeer;
  /** Address of one of its users. */
  readonly at: (name: string) => string;
  readonly close: () => Promise<void>;
}

const USERS: BarazaPeerOptions['users'] = ['bob', { name: 'ben', client: 'rejects' }];

/** Retries of the peer are fast. Stopped when the test ends. */
export async function houseAndBaraza(options: HouseAndBarazaOptions = {}): Promise<HouseAndBaraza> {
  const { secure = false, ours = 'a.test', theirs = 'b.test', config = {}, clock } = options;
  const ca = secure ? createTestCa() : undefined;
  const baraza = await startBarazaPeer({
    domain: theirs,
    peer: {
      domain: ours,
      ...(ca === undefined ? {} : { ca: readFileSync(ca.cert, 'utf8') }),
    },
    users: USERS,
    groups: [
      { name: 'bob/hikers', owner: 'bob', ownerScreenName: 'Bobby' },
      { name: 'bob/closed', owner: 'bob', ownerScreenName: 'Bobby', rejected: [`ann1@${ours}`] },
    ],
    firstId: 501,
    retryMs: 20,
    ...(ca === undefined ? {} : { certificate: pem(ca.issue([theirs, '127.0.0.1'])) }),
    ...options.baraza,
  });
  const folder = await mkdtemp(join(tmpdir(), 'wvgate-baraza-'));
  const door = { port: 0, ...(ca === undefined ? {} : { tls: ca.issue([ours, '127.0.0.1']) }) };
  const house = new Side(
    ours,
    door.port,
    folder,
    {
      domain: ours,
      data: folder,
      login: { userBurst: 1000, sourceBurst: 1000 },
      presence: { coalesceMs: 0 },
      listen: {
        csp: { port: 0 },
        cir: { tcp: { port: 0 } },
        ops: { port: 0 },
        ssp: door,
      },
      ssp: {
        discovery: { enabled: false },
        ...(ca === undefined ? {} : { tls: { ca: ca.cert } }),
        peers: [
          {
            domain: theirs,
            url: baraza.url,
            ...(ca === undefined ? { allowPlain: true } : { certificateNames: [theirs] }),
          },
        ],
      },
      ...config,
    },
    clock === undefined ? {} : { clock },
  );
  await house.start();
  // The one it was given: it keeps it over restarts.
  door.port = house.house.addresses.ssp?.port ?? 0;
  baraza.routeTo(`${secure ? 'https' : 'http'}://127.0.0.1:${door.port}/`);
  const close = async (): Promise<void> => {
    await house.close();
    await baraza.stop();
    ca?.remove();
  };
  onTestFinished(close);
  return { house, port: door.port, baraza, at: (name) => `wv:${name}@${theirs}`, close };
}

/** The first answer to a request of the peer. */
export const answered = (sent: Sent): Promise<Answer> =>
  eventually(
    () => `an answer to ${sent.primitive}`,
    () => sent.answers[0],
  );

/** A counter of the server of ours, over all series whose line has `label`; 0 when nothing was counted. */
export async function counted(house: Side, name: string, label = ''): Promise<number> {
  const { text } = await house.house.metrics.expose();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`wvgate_${name}`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Deletes what the server of ours knows of its sessions with the peer: for a restart that forgets. */
export const forgetSessions = (house: Side, domain: string): Promise<void> =>
  house.house.store.gatewayStorage(`ssp:${domain}`).delete('sessions');
