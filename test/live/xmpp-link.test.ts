// The component's stream on real servers: cut characters, cut connections, restarts, discovery.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restartServer } from '../../scripts/stack/control.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { childOf, elementsOf, textOf } from '../../adapters/xmpp/xml.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { XmppProxy } from '../support/xmpp-proxy.ts';
import { textMessage } from '../support/xmpp-requests.ts';
import { eventually } from '../support/eventually.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`the stream to ${name}${missing}`, () => {
    let live: LiveGateway;
    let proxy: XmppProxy;
    let nurse: XmppUser;

    beforeAll(async () => {
      const { host, componentPort } = server as XmppServer;
      proxy = await XmppProxy.start(host, componentPort);
      live = await LiveGateway.start(server as XmppServer, { host: '127.0.0.1', port: proxy.port });
      nurse = await XmppUser.login(live.server, 'nurse', 'desk', '');
    });
    afterAll(async () => {
      await nurse.logout();
      await live.gateway.stop();
      await proxy.stop();
    });

    const online = () => eventually('online', () => live.gateway.health() === 'up', 30_000);

    test('discovery, ping and version of the component are answered', async () => {
      const { domain } = live.server.components.test;
      const info = await nurse.asks(domain, 'get', `<query xmlns="${NS.discoInfo}"/>`);
      const [query] = elementsOf(info);
      expect(query === undefined ? undefined : childOf(query, 'identity')?.attrs).toMatchObject({
        category: 'gateway',
        type: 'wv',
      });
      expect((await nurse.asks(domain, 'get', `<query xmlns="${NS.discoItems}"/>`)).attrs['type']).toBe(
        'result',
      );
      expect((await nurse.asks(domain, 'get', `<ping xmlns="${NS.ping}"/>`)).attrs['type']).toBe('result');
      expect((await nurse.asks(domain, 'get', `<query xmlns="${NS.version}"/>`)).attrs['type']).toBe(
        'result',
      );
    });

    test('a user has a vCard with his display name; what is not supported is refused', async () => {
      const { user, jid } = live.newUser('alice');
      live.relay.users.set(user, 'Alice');
      const answer = await nurse.asks(jid, 'get', `<vCard xmlns="${NS.vcard}"/>`);
      const card = childOf(answer, 'vCard', NS.vcard);
      expect(card === undefined ? '' : textOf(childOf(card, 'FN'))).toBe('Alice');
      const refused = await nurse.asks(jid, 'set', '<query xmlns="jabber:iq:register"/>');
      expect(conditionOf(refused)).toBe('service-unavailable');
    });

    test('the address prompt turns a WV address into a JID', async () => {
      const { user, jid } = live.newUser('alice');
      const query = `<query xmlns="${NS.gateway}"><prompt>${user}</prompt></query>`;
      const answer = childOf(
        await nurse.asks(live.server.components.test.domain, 'set', query),
        'query',
        NS.gateway,
      );
      expect(answer === undefined ? '' : textOf(childOf(answer, 'jid'))).toBe(jid);
    });

    test('an emoji cut between TCP chunks arrives whole', async () => {
      const { jid } = live.newUser('alice');
      proxy.slicing = true;
      await nurse.send(`<message type="chat" to="${jid}"><body>😀 für 😀 und €</body></message>`);
      await live.relay.next(
        'SendMessageRequest',
        ({ message }) => message.content.data === '😀 für 😀 und €',
      );
      proxy.slicing = false;
    });

    test('messages that the dying stream swallowed are answered 503 and go again under the same id', async () => {
      const { user, jid } = live.newUser('alice');
      proxy.swallowing = true;
      const requests = [1, 2, 3].map((n) => textMessage(user, live.contact('nurse'), `again ${n} ${jid}`));
      const first = requests.map((request) => live.gateway.request(request));
      await eventually('written', () =>
        live.relay.storage.links.some(({ messageId }) => messageId === requests[2]?.message.id),
      );
      const usable = live.relay.usable;
      proxy.cut();
      expect((await Promise.all(first)).map(({ result }) => result.code)).toEqual([503, 503, 503]);
      proxy.swallowing = false;
      await eventually('the relay is told', () => live.relay.usable > usable);
      const second = await Promise.all(requests.map((request) => live.gateway.request(request)));
      expect(second.map(({ result }) => result.code)).toEqual([200, 200, 200]);
      await nurse.seesMessage(`again 3 ${jid}`);
      expect(nurse.bodiesFrom(jid)).toEqual([1, 2, 3].map((n) => `again ${n} ${jid}`));
      const stanzas = nurse.received
        .filter(({ attrs }) => attrs['from'] === jid)
        .map(({ attrs }) => attrs['id']);
      const linked = requests.map(
        ({ message }) => live.relay.storage.links.find(({ messageId }) => messageId === message.id)?.remoteId,
      );
      expect(stanzas).toEqual(linked);
    });

    test('after a restart of the server the gateway is back, and waiting messages are delivered once', async () => {
      const { user, jid } = live.newUser('alice');
      const restarted = restartServer(name);
      await eventually('the stream is lost', () => live.gateway.health() === 'down', 60_000);
      const requests = [1, 2, 3].map((n) => textMessage(user, live.contact('nurse'), `waited ${n} ${jid}`));
      const refused = await Promise.all(requests.map((request) => live.gateway.request(request)));
      expect(refused.map(({ result }) => result.code)).toEqual([503, 503, 503]);
      await restarted;
      await online();
      await nurse.logout().catch(() => undefined);
      nurse = await XmppUser.login(live.server, 'nurse', 'desk', '');
      for (const request of requests) expect((await live.gateway.request(request)).result.code).toBe(200);
      await nurse.seesMessage(`waited 3 ${jid}`);
      const waited = nurse.received.filter(({ attrs }) => attrs['from'] === jid).map(bodyText);
      expect(waited).toEqual([1, 2, 3].map((n) => `waited ${n} ${jid}`));
    });
  });
}
