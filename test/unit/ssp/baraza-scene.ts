// Two scripted peers that know each other: alice and amy at A, bob with his groups and ben at B; and bare documents.

import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startBarazaPeer, type BarazaPeer, type BarazaPeerOptions } from '../../support/ssp/baraza/peer.ts';
import type { Sent } from '../../support/ssp/baraza/state.ts';

export interface Scene {
  readonly a: BarazaPeer;
  readonly b: BarazaPeer;
}

/** Starts both, with retries fast enough for tests. */
export async function startScene(
  a: Partial<BarazaPeerOptions> = {},
  b: Partial<BarazaPeerOptions> = {},
): Promise<Scene> {
  const left = await startBarazaPeer({
    domain: 'peer-a.example',
    peer: { domain: 'peer-b.example' },
    users: ['alice', 'amy'],
    retryMs: 20,
    ...a,
  });
  const right = await startBarazaPeer({
    domain: 'peer-b.example',
    peer: { domain: 'peer-a.example', url: left.url },
    users: ['bob', 'ben'],
    groups: [
      { name: 'bob/hikers', owner: 'bob', ownerScreenName: 'Bobby' },
      { name: 'bob/closed', owner: 'bob', ownerScreenName: 'Bobby', rejected: ['amy@peer-a.example'] },
    ],
    firstId: 501,
    retryMs: 20,
    ...b,
  });
  left.routeTo(right.url);
  return { a: left, b: right };
}

/** The same for one test, which stops them when it ends. */
export async function scene(
  a: Partial<BarazaPeerOptions> = {},
  b: Partial<BarazaPeerOptions> = {},
): Promise<Scene> {
  const both = await startScene(a, b);
  onTestFinished(async () => {
    await both.a.stop();
    await both.b.stop();
  });
  return both;
}

export const ALICE = 'wv:alice@peer-a.example';
export const BOB = 'wv:bob@peer-b.example';
export const HIKERS = 'wv:bob/hikers@peer-b.example';

/** The first answer. */
export const answered = (sent: Sent) =>
  eventually(
    () => `an answer to ${sent.primitive}`,
    () => sent.answers[0],
    5000,
  );

/** What a peer posted of one kind. */
export const posted = (peer: BarazaPeer, name: string) =>
  peer.log.filter((entry) => entry.direction === 'out' && entry.body.includes(`<${name}`));

export interface Reply {
  readonly status: number | undefined;
  readonly rawHeaders: readonly string[];
}

/** Posts a document as no peer would: over a connection of its own. */
export function post(
  peer: BarazaPeer,
  body: string,
  contentType = 'application/vnd.wv.ssp+xml; charset=utf-8',
): Promise<Reply | 'closed'> {
  return new Promise((resolve) => {
    const sending = request(peer.url, {
      method: 'POST',
      agent: false,
      headers: { 'Content-Type': contentType },
    });
    sending.once('response', ({ statusCode: status, rawHeaders }) => resolve({ status, rawHeaders }));
    sending.once('error', () => resolve('closed'));
    sending.end(body);
  });
}
