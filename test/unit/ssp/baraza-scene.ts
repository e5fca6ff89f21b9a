// Two scripted peers that know each other: alice and amy at A, bob with his groups and ben at B.

import { startBarazaPeer, type BarazaPeer, type BarazaPeerOptions } from '../../support/ssp/baraza/peer.ts';

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
