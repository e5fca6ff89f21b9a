// A phone and a client that is not ours (slixmpp) through the whole product, on each of the XMPP servers.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { simple } from '../../src/wv/presence.ts';
import { seesMessage, seesPresence, SHOWN, startScene } from '../support/e2e/scene.ts';
import type { Account, Scene } from '../support/e2e/scene.ts';
import { pythonWithSlixmpp, SlixmppUser } from '../support/slixmpp.ts';
import { liveServers } from '../support/xmpp-live.ts';

const python = pythonWithSlixmpp();
const WITHOUT = python === undefined ? ' (skipped: python3-slixmpp is not installed)' : '';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined || python === undefined)(
    `a phone and slixmpp on ${name}${missing}${WITHOUT}`,
    () => suite(server as XmppServer, python ?? ''),
  );
}

function suite(server: XmppServer, interpreter: string): void {
  let scene: Scene;
  let mercutio: SlixmppUser;
  const address = (): string => `wv:mercutio@${server.domain}`;
  const jidOf = (account: Account): string => `${account.name}@${server.components.test.domain}`;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server });
    await scene.connected();
    mercutio = await SlixmppUser.login(interpreter, server, 'mercutio');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await mercutio.logout();
    await scene.stop();
  });

  test('he adds a phone, they see each other, write, and get receipts', async () => {
    const account = await scene.newAccount('romeo');
    const jid = jidOf(account);
    const phone = await scene.login(account);
    await phone.updatePresence({
      UserAvailability: simple('DISCREET'),
      StatusText: simple('under the balcony'),
    });

    const asked = phone.next('authorization', ({ user }) => user === address());
    mercutio.do({ do: 'add', jid });
    await asked;
    await phone.answerAuthorization(address(), true);
    await mercutio.sees({ event: 'subscribed', from: jid });
    await mercutio.sees({ event: 'available', from: jid, show: 'dnd', status: 'under the balcony' });

    const seen = seesPresence(phone, address(), {
      UserAvailability: 'NOT_AVAILABLE',
      StatusText: 'in Mantua',
    });
    await phone.subscribe({ users: [address()], attributes: SHOWN });
    mercutio.do({ do: 'show', show: 'away', status: 'in Mantua' });
    await seen;

    const heard = seesMessage(phone, address(), 'Nay, gentle Romeo 😀');
    const id = await mercutio.say(jid, 'Nay, gentle Romeo 😀');
    await heard;
    await mercutio.sees({ event: 'receipt', from: jid, id });

    const report = phone.next('report');
    const text = `You have dancing shoes ${jid}`;
    const sent = await phone.sendMessage({ to: { user: address() }, content: text, deliveryReport: true });
    await mercutio.sees({ event: 'message', from: jid, body: text });
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });
    expect(mercutio.count({ event: 'message', from: jid })).toBe(1);
    expect(mercutio.count({ event: 'receipt', from: jid })).toBe(1);

    await phone.logout();
    await mercutio.sees({ event: 'unavailable', from: jid });
  });

  test('he looks at the gateway and at a phone', async () => {
    const account = await scene.newAccount('romeo');
    mercutio.do({ do: 'look', at: server.components.test.domain });
    const gateway = await mercutio.sees({ event: 'looked', name: 'Wireless Village gateway' });
    expect(gateway.identities).toEqual(['gateway/wv']);
    expect(gateway.features).toContain(NS.gateway);
    mercutio.do({ do: 'look', at: jidOf(account) });
    const looked = await mercutio.sees({ event: 'looked', at: jidOf(account) });
    expect(looked.identities).toEqual(['account/registered']);
    expect(looked.features).toContain(NS.receipts);
  });

  test('what he writes to nobody comes back', async () => {
    const id = await mercutio.say(`nobody-${Date.now()}@${server.components.test.domain}`, 'hello?');
    await mercutio.sees({ event: 'error', id, condition: 'service-unavailable' });
  });
}
