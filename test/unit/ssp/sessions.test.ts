// The sessions with one peer: which one we speak in, which the peer may speak in, and what a restart leaves.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PeerSessions, type PeerSession } from '../../../src/access/ssp/sessions.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { SILENT } from '../../support/silence.ts';

let store: Store;
let clock: ManualClock;
beforeEach(async () => {
  clock = new ManualClock();
  store = await openSqliteStore({ file: ':memory:', clock });
});
afterEach(() => store.close());

const session = (number: number): PeerSession => ({
  ownId: `own-${number}@a.test`,
  peerId: `peer-${number}@b.test`,
  version: '1.3',
  timeToLive: 60_000,
  since: number,
  dialect: 'standard',
  callers: ['127.0.0.1'],
  url: 'https://b.test/',
});

async function run(): Promise<PeerSessions> {
  const sessions = new PeerSessions({ clock, log: SILENT });
  await sessions.restore(store.gatewayStorage('ssp:b.test'));
  return sessions;
}

describe('the session in which we speak', () => {
  it('is the newest; in the others the peer may go on', async () => {
    const sessions = await run();
    sessions.add(session(1));
    sessions.add(session(2));
    expect(sessions.current).toEqual(session(2));
    expect(sessions.ofPeer('peer-1@b.test')).toEqual(session(1));
  });

  it('is none when we fall silent, until there is another; the peer may go on in all', async () => {
    const sessions = await run();
    sessions.add(session(1));
    sessions.add(session(2));
    sessions.fallSilent();
    expect(sessions.current).toBeUndefined();
    expect(sessions.ofPeer('peer-1@b.test')).toEqual(session(1));
    expect(sessions.ofPeer('peer-2@b.test')).toEqual(session(2));
    sessions.add(session(3));
    expect(sessions.current).toEqual(session(3));
  });

  it('does not live for ever when we fell silent in it', async () => {
    const sessions = await run();
    sessions.add(session(1));
    clock.advance(60_000);
    sessions.expire();
    expect(sessions.current).toEqual(session(1));
    sessions.fallSilent();
    sessions.expire();
    expect(sessions.ofPeer('peer-1@b.test')).toBeUndefined();
  });

  it('takes the place of one that the peer calls the same', async () => {
    const sessions = await run();
    sessions.add(session(1));
    sessions.add({ ...session(2), peerId: 'peer-1@b.test' });
    expect(sessions.ofPeer('peer-1@b.test')).toEqual(sessions.current);
    await sessions.saved();
    const kept = await store.gatewayStorage('ssp:b.test').get('sessions');
    expect(JSON.parse(kept ?? '[]')).toHaveLength(1);
  });

  it('is one of four at most: the oldest goes', async () => {
    const sessions = await run();
    for (const number of [1, 2, 3, 4, 5]) sessions.add(session(number));
    expect(sessions.ofPeer('peer-1@b.test')).toBeUndefined();
    expect(sessions.ofPeer('peer-2@b.test')).toEqual(session(2));
  });

  it('idles until something goes either way in it', async () => {
    const sessions = await run();
    expect(sessions.idle).toBe(Infinity);
    sessions.add(session(1));
    clock.advance(500);
    expect(sessions.idle).toBe(500);
    sessions.touch(session(2));
    expect(sessions.idle).toBe(500);
    sessions.touch(session(1));
    expect(sessions.idle).toBe(0);
  });
});

describe('a session that is being set up', () => {
  it('is one in which the peer may speak, not we', async () => {
    const sessions = await run();
    sessions.expect(session(1));
    expect(sessions.ofPeer('peer-1@b.test')).toEqual(session(1));
    expect(sessions.current).toBeUndefined();
    sessions.expect(session(2));
    expect(sessions.ofPeer('peer-1@b.test')).toBeUndefined();
    sessions.add(session(2));
    expect(sessions.current).toEqual(session(2));
  });
});

describe('a restart', () => {
  it('leaves what was up, newest first, with what was agreed on, and not what was expected', async () => {
    const sessions = await run();
    sessions.add(session(1));
    sessions.add(session(2));
    sessions.agree(['IMSendFunc']);
    sessions.expect(session(3));
    await sessions.saved();
    clock.advance(1_000);
    const later = await run();
    expect(later.current).toEqual({ ...session(2), functions: ['IMSendFunc'] });
    expect(later.ofPeer('peer-1@b.test')).toEqual(session(1));
    expect(later.ofPeer('peer-3@b.test')).toBeUndefined();
    expect(later.idle).toBe(0);
  });

  it('leaves nothing of what ended', async () => {
    const sessions = await run();
    sessions.add(session(1));
    sessions.end();
    sessions.agree(['IMSendFunc']);
    await sessions.saved();
    expect((await run()).current).toBeUndefined();
    expect(await store.gatewayStorage('ssp:b.test').list('')).toEqual([]);
  });

  it('goes on in memory when the disk fails', async () => {
    const sessions = await run();
    await store.close();
    sessions.add(session(1));
    await sessions.saved();
    expect(sessions.current).toEqual(session(1));
  });
});
