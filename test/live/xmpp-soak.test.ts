// Minutes of people on phones and at XMPP clients, short: the server's memory stays what it is, and nobody stays behind.
// The long one is `npm run bench -- --only xmpp-soak`.

import { describe, expect, test } from 'vitest';
import { growth, SHORT_SOAK, soak } from '../../bench/soak.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { liveServers } from '../support/xmpp-live.ts';

/** What a round may leave for good: a durable link of each message has its page in SQLite's cache, outside of the heap. */
const GROWTH_OCTETS = 1_048_576;

const servers = await liveServers();
// It is our memory, whichever of them we speak with.
const one = servers.find(({ server }) => server !== undefined) ?? servers[0];

describe.skipIf(one?.server === undefined)(`a soak with ${one?.name}${one?.missing}`, () => {
  test('messages, presence, visits and subscriptions leave nothing behind', async () => {
    const { heaps, guests, failures } = await soak(one?.server as XmppServer, SHORT_SOAK);
    expect(growth(heaps)).toBeLessThan(GROWTH_OCTETS);
    expect(guests).toBe(0);
    expect(failures).toBe(0);
  }, 90_000);
});
