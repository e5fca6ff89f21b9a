// Messages between the XMPP gateway and the clients of real servers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { userAddress } from '../../src/wv/address.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { childOf } from '../../adapters/xmpp/xml.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { reportOn, textMessage } from '../support/xmpp-requests.ts';
import { eventually } from '../support/eventually.ts';
import { HOME } from '../support/xmpp-relay.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`messages through ${name}${missing}`, () => {
    let live: LiveGateway;
    let nurse: XmppUser;

    beforeAll(async () => {
      live = await LiveGateway.start(server as XmppServer);
      nurse = await XmppUser.login(live.server, 'nurse', 'desk', '');
    });
    afterAll(async () => {
      await nurse.logout();
      await live.gateway.stop();
    });

    test('a WV message arrives as a chat message and is answered 200', async () => {
      const { user, jid } = live.newUser('alice');
      const request = textMessage(user, live.contact('nurse'), 'Good day 😀 <&> "quoted"');
      const response = await live.gateway.request(request);
      expect(response.result.code).toBe(200);
      const message = await nurse.seesMessage('Good day 😀 <&> "quoted"');
      expect(message.attrs).toMatchObject({ type: 'chat', from: jid });
      expect(childOf(message, 'origin-id', NS.stanzaId)?.attrs['id']).toBe(message.attrs['id']);
    });

    test('an XMPP message arrives as a WV message of its sender', async () => {
      const { user, jid } = live.newUser('alice');
      await nurse.send(`<message type="chat" id="m1" to="${jid}"><body>Peter! ü 😀</body></message>`);
      const { message, deliveryReport } = await live.relay.next(
        'SendMessageRequest',
        ({ message: { content } }) => content.data === 'Peter! ü 😀',
      );
      expect(message.sender).toEqual({ kind: 'user', user: live.contact('nurse') });
      expect(message.recipients).toEqual([{ kind: 'user', user }]);
      expect(deliveryReport).toBe(false);
    });

    test('a receipt from XMPP becomes a delivery report, once', async () => {
      const { user, jid } = live.newUser('alice');
      const request = textMessage(user, live.contact('nurse'), `receipt please ${jid}`, { report: true });
      await live.gateway.request(request);
      const message = await nurse.seesMessage(`receipt please ${jid}`);
      expect(childOf(message, 'request', NS.receipts)).toBeDefined();
      const receipt = `<message to="${jid}" id="r1"><received xmlns="${NS.receipts}" id="${message.attrs['id']}"/></message>`;
      await nurse.send(receipt);
      await nurse.send(receipt);
      await nurse.send(`<message type="chat" to="${jid}"><body>after the receipts</body></message>`);
      const report = await live.relay.next('DeliveryStatusReport', ({ sender }) => sender === user);
      expect(report).toMatchObject({ messageId: request.message.id, outcome: { code: 200 } });
      await live.relay.next(
        'SendMessageRequest',
        ({ message: { content } }) => content.data === 'after the receipts',
      );
      await eventually('the repeat is dropped', () =>
        live.relay.counts.has('xmpp_stanzas_dropped_total no_such_message'),
      );
      expect(live.relay.all('DeliveryStatusReport').filter(({ sender }) => sender === user)).toHaveLength(1);
    });

    test('a delivery report of the WV user becomes a receipt, once', async () => {
      const { user, jid } = live.newUser('alice');
      await nurse.send(
        `<message type="chat" id="want-1" to="${jid}"><body>tell me ${jid}</body><request xmlns="${NS.receipts}"/></message>`,
      );
      const request = await live.relay.next(
        'SendMessageRequest',
        ({ message }) => message.content.data === `tell me ${jid}`,
      );
      expect(request.deliveryReport).toBe(true);
      const isReceipt = (id: string) => (stanza: Parameters<typeof childOf>[0]) =>
        stanza.attrs['from'] === jid && childOf(stanza, 'received', NS.receipts)?.attrs['id'] === id;
      expect((await live.gateway.request(reportOn(request, 200))).result.code).toBe(200);
      expect((await live.gateway.request(reportOn(request, 200))).result.code).toBe(200);
      await nurse.sees('a receipt', isReceipt('want-1'));
      await live.gateway.request(textMessage(user, live.contact('nurse'), `fence ${jid}`));
      await nurse.seesMessage(`fence ${jid}`);
      expect(nurse.received.filter(isReceipt('want-1'))).toHaveLength(1);
    });

    test('a message to a user who does not exist comes back as an error', async () => {
      const jid = `nobody-at-all@${live.server.components.test.domain}`;
      await nurse.send(`<message type="chat" id="lost-1" to="${jid}"><body>hello?</body></message>`);
      const error = await nurse.sees(
        'an error',
        ({ attrs }) => attrs['id'] === 'lost-1' && attrs['from'] === jid,
      );
      expect(error.attrs['type']).toBe('error');
      expect(conditionOf(error)).toBe('service-unavailable');
    });

    test('a message to an XMPP user who does not exist is reported with a mapped code', async () => {
      const { user } = live.newUser('alice');
      const request = textMessage(user, live.contact('no-such-person'), 'hello?');
      expect((await live.gateway.request(request)).result.code).toBe(200);
      const report = await live.relay.next('DeliveryStatusReport', ({ sender }) => sender === user);
      expect(report.messageId).toBe(request.message.id);
      expect(report.outcome.code).toBe(410);
    });

    test('1,000 messages in a burst arrive in order, both ways', async () => {
      const { user, jid } = live.newUser('alice');
      const numbers = Array.from({ length: 1_000 }, (_, index) => index);
      const responses = await Promise.all(
        numbers.map((n) => live.gateway.request(textMessage(user, live.contact('nurse'), `out ${n}`))),
      );
      expect(responses.every(({ result }) => result.code === 200)).toBe(true);
      await eventually('all arrive', () => nurse.bodiesFrom(jid).length === 1_000, 30_000);
      expect(nurse.bodiesFrom(jid)).toEqual(numbers.map((n) => `out ${n}`));
      await nurse.send(
        numbers
          .map((n) => `<message type="chat" id="b${n}" to="${jid}"><body>in ${n}</body></message>`)
          .join(''),
      );
      const taken = () =>
        live.relay.inbox
          .filter(
            ({ message: { recipients } }) => recipients[0]?.kind === 'user' && recipients[0].user === user,
          )
          .map(({ message }) => message.content.data);
      await eventually('all are taken', () => taken().length === 1_000, 30_000);
      expect(taken()).toEqual(numbers.map((n) => `in ${n}`));
    });

    test('an address with every reserved character goes there and back', async () => {
      const user = userAddress(`a b"c&d'e:f<g>h\\20`, HOME);
      live.relay.users.set(user, 'Odd');
      await live.gateway.request(textMessage(user, live.contact('nurse'), 'odd name'));
      const jid = `a\\20b\\22c\\26d\\27e\\3af\\3cg\\3eh\\5c20@${live.server.components.test.domain}`;
      expect((await nurse.seesMessage('odd name')).attrs['from']).toBe(jid);
      await nurse.send(
        `<message type="chat" to="${jid.replace('&', '&amp;')}"><body>odd reply</body></message>`,
      );
      const { message } = await live.relay.next(
        'SendMessageRequest',
        (sent) => sent.message.content.data === 'odd reply',
      );
      expect(message.recipients).toEqual([{ kind: 'user', user }]);
    });
  });
}
