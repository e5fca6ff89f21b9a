// The subscription tables: what must never happen, and what is kept.

import { describe, expect, test } from 'vitest';
import type { BareJid } from '../../../adapters/xmpp/jid.ts';
import type { Pair } from '../../../adapters/xmpp/bridge.ts';
import { SEEN, SEEING, Subscriptions } from '../../../adapters/xmpp/subscriptions.ts';
import type { SeenEvent, Side } from '../../../adapters/xmpp/subscriptions.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { MemoryStorage, wv } from '../../support/xmpp-relay.ts';

const PAIR: Pair = {
  user: wv('alice'),
  userJid: 'alice@imps.xmpp.example' as BareJid,
  contact: trusted<UserAddress>('wv:bob@xmpp.example'),
  contactJid: 'bob@xmpp.example' as BareJid,
};
const SIDES: readonly Side[] = ['none', 'pending', 'yes'];

describe('the tables', () => {
  test('subscribed is sent only for a request that waits, or again to one who has it', () => {
    for (const side of SIDES) {
      for (const [event, step] of Object.entries(SEEN[side])) {
        if (!step.actions.includes('sendSubscribed')) continue;
        expect([side, event]).toEqual(side === 'pending' ? ['pending', 'grant'] : ['yes', 'subscribe']);
      }
    }
  });

  test('presence is sent only to contacts who have the subscription', () => {
    for (const side of ['none', 'pending'] as const) {
      for (const event of Object.keys(SEEN[side]) as SeenEvent[]) {
        expect(SEEN[side][event].actions).not.toContain('sendPresence');
      }
    }
  });

  test('a contact cannot make our user watch him', () => {
    expect(SEEING.none.subscribed).toEqual({ next: 'none', actions: [] });
  });

  test('who refused is asked again only when he comes back himself, or after he was given up', () => {
    for (const [event, step] of Object.entries(SEEING.denied))
      expect([event, step.actions.includes('sendSubscribe')]).toEqual([event, event === 'returned']);
    expect(SEEING.denied.giveUp.next).toBe('none');
  });

  test('whoever loses the subscription is told both unsubscribed and unavailable', () => {
    expect(SEEN.yes.refuse.actions).toEqual(['sendUnsubscribed', 'sendUnavailable']);
  });
});

describe('the state of a pair', () => {
  test('survives a restart, and leaves nothing behind when it is over', async () => {
    const storage = new MemoryStorage();
    const before = new Subscriptions(storage, 10);
    await before.seeing(PAIR, 'want');
    await before.seeing(PAIR, 'subscribed');
    await before.seen(PAIR, 'subscribe');
    const after = new Subscriptions(storage, 10);
    expect(await after.get(PAIR)).toEqual({ weSee: 'yes', theySee: 'pending' });
    await after.seeing(PAIR, 'unsubscribed');
    expect(await new Subscriptions(storage, 10).get(PAIR)).toEqual({ weSee: 'denied', theySee: 'pending' });
    await after.seeing(PAIR, 'giveUp');
    await after.seen(PAIR, 'refuse');
    expect(storage.values.size).toBe(0);
  });
});
