// The contract of the store: what gateways keep.

import { expect, it } from 'vitest';
import type { GatewayStorage } from '../../src/store/gateway-storage.ts';
import type { Store } from '../../src/store/store.ts';
import { inDays, messageId } from '../support/store-samples.ts';

type Current = () => Store;

export function gatewayValueContract(current: Current): void {
  it('keeps values apart by gateway', async () => {
    const [xmpp, matrix] = [current().gatewayStorage('xmpp'), current().gatewayStorage('matrix')];
    await xmpp.put('key', '1');
    await xmpp.put('key', '2');
    expect(await xmpp.get('key')).toBe('2');
    expect(await matrix.get('key')).toBeUndefined();
    await xmpp.delete('key');
    expect(await xmpp.get('key')).toBeUndefined();
  });

  it('lists by prefix, which is no pattern, in key order', async () => {
    const storage = current().gatewayStorage('xmpp');
    for (const key of ['a%b2', 'a%b1', 'a%c', 'axb', 'a%b\u{10ffff}']) await storage.put(key, key);
    const found = await storage.list('a%b');
    expect(found.map(([key]) => key)).toEqual(['a%b1', 'a%b2', 'a%b\u{10ffff}']);
    expect(await storage.list('')).toHaveLength(5);
    expect(await current().gatewayStorage('matrix').list('')).toEqual([]);
  });
}

export function gatewayEventContract(current: Current): void {
  const storage = (name = 'xmpp'): GatewayStorage => current().gatewayStorage(name);
  const event = (id: string) => ({ id, conversation: 'room', payload: `payload of ${id}` });

  it('links a remote id once', async () => {
    expect(await storage().link('room', 'r1', messageId('m1'))).toBe(true);
    expect(await storage().link('room', 'r1', messageId('m2'))).toBe(false);
    expect(await storage().link('other', 'r1', messageId('m3'))).toBe(true);
    expect(await storage('matrix').link('room', 'r1', messageId('m4'))).toBe(true);
    expect(await storage().messageOf('room', 'r1')).toBe('m1');
    expect(await storage().messageOf('room', 'r2')).toBeUndefined();
  });

  it('answers the first remote id of a message', async () => {
    await storage().link('room', 'r9', messageId('m1'));
    await storage().link('room', 'r1', messageId('m1'));
    expect(await storage().remoteOf(messageId('m1'))).toEqual({ conversation: 'room', remoteId: 'r9' });
    expect(await storage('matrix').remoteOf(messageId('m1'))).toBeUndefined();
  });

  it('receives an event once and keeps it until it was handled', async () => {
    expect(await storage().receive([event('e2'), event('e1'), event('e2')])).toEqual([
      event('e2'),
      event('e1'),
    ]);
    expect(await storage().receive([event('e1'), event('e3')])).toEqual([event('e3')]);
    expect(await storage('matrix').receive([event('e1')])).toEqual([event('e1')]);
    await storage().handled('e1');
    expect(await storage().unhandled()).toEqual([event('e2'), event('e3')]);
    expect(await storage().receive([event('e1')])).toEqual([]);
  });

  it('forgets links and handled events after 30 days, unhandled events never', async () => {
    await storage().link('room', 'r1', messageId('m1'));
    await storage().receive([event('e1'), event('e2')]);
    await storage().handled('e1');
    await current().prune(inDays(29));
    expect(await storage().receive([event('e1')])).toEqual([]);
    expect(await storage().messageOf('room', 'r1')).toBe('m1');
    await current().prune(inDays(31));
    expect(await storage().receive([event('e1'), event('e2')])).toEqual([event('e1')]);
    expect(await storage().messageOf('room', 'r1')).toBeUndefined();
  });
}
