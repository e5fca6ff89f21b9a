// Receipts and delivery reports exactly once, both ways, through real servers (bridging section 5).

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mucDomain } from '../../scripts/stack/layout.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { GroupAddress, UserAddress } from '../../src/wv/ids.ts';
import type { DeliveryStatusReport, SendMessageRequest } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { StatusCode } from '../../src/wv/status.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { RoomClient } from '../support/xmpp-muc-guest.ts';
import { reportOn, textMessage } from '../support/xmpp-requests.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const REQUEST = `<request xmlns="${NS.receipts}"/>`;

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`receipts through ${name}${missing}`, () =>
    suite(server as XmppServer),
  );
}

function suite(server: XmppServer): void {
  let live: LiveGateway;
  let desk: XmppUser;
  let phone: XmppUser;
  let user: UserAddress;
  let jid: string;

  beforeAll(async () => {
    live = await LiveGateway.start(server, { groupDomains: [mucDomain(server.domain)] });
    // Messages to the bare JID come to both: their priorities are equal.
    desk = await XmppUser.login(server, 'nurse', 'desk', '');
    phone = await XmppUser.login(server, 'nurse', 'phone', '');
  });
  afterAll(async () => {
    await desk.logout();
    await phone.logout();
    await live.gateway.stop();
  });
  beforeEach(() => {
    ({ user, jid } = live.newUser('alice'));
  });

  describe('of XMPP clients become reports', () => {
    const reports = (): DeliveryStatusReport[] =>
      live.relay.all('DeliveryStatusReport').filter(({ sender }) => sender === user);
    /** Alice's message, and its id as the client has it. */
    const sent = async (report: boolean): Promise<{ id: string; request: SendMessageRequest }> => {
      const request = textMessage(user, live.contact('nurse'), randomUUID(), { report });
      expect((await live.gateway.request(request)).result.code).toBe(200);
      const { attrs } = await desk.seesMessage(request.message.content.data);
      return { id: attrs['id'] ?? '', request };
    };
    /** Everything the clients wrote to alice has been dealt with. */
    const settled = async (): Promise<void> => {
      for (const client of [desk, phone]) {
        const text = randomUUID();
        await client.send(`<message type="chat" to="${jid}"><body>${text}</body></message>`);
        await live.relay.next('SendMessageRequest', ({ message }) => message.content.data === text);
      }
    };
    const received = (id: string): string =>
      `<message to="${jid}" id="${randomUUID()}"><received xmlns="${NS.receipts}" id="${id}"/></message>`;

    test('one from each client of a contact is one report', async () => {
      const { id, request } = await sent(true);
      await desk.send(received(id));
      await phone.send(received(id));
      await settled();
      await eventually('the report', () => reports().length > 0);
      await settled();
      expect(reports()).toMatchObject([{ messageId: request.message.id, outcome: { code: 200 } }]);
    });

    test('a receipt after an error, and a marker after a receipt, change nothing', async () => {
      const failed = await sent(true);
      const error = `<error type="wait"><resource-constraint xmlns="${NS.stanzaError}"/></error>`;
      await desk.send(`<message type="error" id="${failed.id}" to="${jid}">${error}</message>`);
      await eventually('the failure', () => reports().length === 1);
      await desk.send(received(failed.id));
      const { id } = await sent(true);
      await desk.send(received(id));
      await desk.send(`<message to="${jid}"><displayed xmlns="${NS.markers}" id="${id}"/></message>`);
      await settled();
      await eventually('the report', () => reports().length === 2);
      await settled();
      expect(reports().map(({ outcome }) => outcome.code)).toEqual([507, 200]);
    });

    test('a receipt nobody asked for is no report', async () => {
      const { id } = await sent(false);
      await desk.send(received(id));
      await settled();
      expect(reports()).toEqual([]);
    });

    test('a receipt that bounces, or is for what alice never wrote, is no report', async () => {
      const { id } = await sent(true);
      await desk.send(received('what-never-was'));
      const bounce = `<received xmlns="${NS.receipts}" id="${id}"/>`;
      const error = `<error type="cancel"><service-unavailable xmlns="${NS.stanzaError}"/></error>`;
      await desk.send(`<message type="error" id="${randomUUID()}" to="${jid}">${bounce}${error}</message>`);
      await settled();
      expect(reports()).toEqual([]);
    });
  });

  describe('of WV users', () => {
    const isFor =
      (id: string) =>
      (stanza: XmlElement): boolean =>
        childOf(stanza, 'received', NS.receipts)?.attrs['id'] === id;
    /** A message of the client, as the relay has it. */
    const asks = async (inside = REQUEST, type = 'chat'): Promise<SendMessageRequest> => {
      const id = randomUUID();
      await desk.send(`<message type="${type}" id="${id}" to="${jid}"><body>${id}</body>${inside}</message>`);
      return await live.relay.next('SendMessageRequest', ({ message }) => message.content.data === id);
    };
    const idOf = ({ message }: SendMessageRequest): string => message.content.data;
    const outcome = async (request: SendMessageRequest, code: StatusCode): Promise<void> => {
      expect((await live.gateway.request(reportOn(request, code))).result.code).toBe(200);
    };
    /** Everything sent to the client has come. */
    const settled = async (): Promise<void> => {
      const text = randomUUID();
      await live.gateway.request(textMessage(user, live.contact('nurse'), text));
      await desk.seesMessage(text);
    };

    test('come to the client that asked, when the phone has the message and not before', async () => {
      const request = await asks();
      expect(request.deliveryReport).toBe(true);
      await outcome(request, 202);
      await settled();
      expect(desk.received.filter(isFor(idOf(request)))).toEqual([]);
      await outcome(request, 200);
      await outcome(request, 200);
      const receipt = await desk.sees('the receipt', isFor(idOf(request)));
      await settled();
      expect(receipt.attrs).toMatchObject({ from: jid });
      expect(childOf(receipt, 'request', NS.receipts)).toBeUndefined();
      expect(desk.received.filter(isFor(idOf(request)))).toHaveLength(1);
      expect(phone.received.filter(isFor(idOf(request)))).toEqual([]);
    });

    test.each([
      ['a message that asks for none', '', 'chat'],
      ['a headline', REQUEST, 'headline'],
      [
        'a copy of an older message',
        `${REQUEST}<delay xmlns="${NS.delay}" stamp="2026-01-01T00:00:00Z"/>`,
        'chat',
      ],
      ['a receipt', `${REQUEST}<received xmlns="${NS.receipts}" id="x"/>`, 'chat'],
    ])('are not sent for %s', async (_, inside, type) => {
      const request = await asks(inside, type);
      expect(request.deliveryReport).toBe(false);
      await outcome(request, 200);
      await settled();
      expect(desk.received.filter(isFor(idOf(request)))).toEqual([]);
    });

    test('are not sent to one who is blocked, nor after a failure', async () => {
      live.relay.answer = (request) => (request.primitive === 'SendMessageRequest' ? result(532) : undefined);
      const blocked = await asks();
      live.relay.answer = () => undefined;
      const failed = await asks();
      await outcome(failed, 542);
      await outcome(failed, 200);
      await settled();
      const answers = desk.received.filter(({ attrs }) =>
        [blocked, failed].map(idOf).includes(attrs['id'] ?? ''),
      );
      expect(answers.map(conditionOf)).toEqual(['service-unavailable', 'recipient-unavailable']);
      expect(desk.received.filter((each) => isFor(idOf(blocked))(each) || isFor(idOf(failed))(each))).toEqual(
        [],
      );
    });

    test('are not sent to rooms', async () => {
      const local = `tea-${randomUUID()}`;
      const room = `${local}@${mucDomain(server.domain)}`;
      await desk.send(`<presence to="${room}/Nurse"><x xmlns="${NS.muc}"/></presence>`);
      await desk.sees('herself', ({ attrs }) => attrs['from'] === `${room}/Nurse`);
      const open = `<query xmlns="${NS.mucOwner}"><x xmlns="${NS.dataForm}" type="submit"/></query>`;
      await desk.asks(room, 'set', open);
      const group = trusted<GroupAddress>(`wv:/${local}@${mucDomain(server.domain)}`);
      const alice = new RoomClient(live.gateway, user, group);
      await alice.enter('Alice');
      await desk.send(
        `<message type="groupchat" id="g1" to="${room}"><body>all here?</body>${REQUEST}</message>`,
      );
      await eventually('it is heard', () => alice.heard(live.relay).includes('Nurse: all here?'));
      const heard = await live.relay.next(
        'SendMessageRequest',
        ({ message }) => message.content.data === 'all here?' && message.sender.kind === 'group',
      );
      expect(heard.deliveryReport).toBe(false);
      expect(await alice.say('yes')).toBe(200);
      const yes = await desk.seesMessage('yes');
      expect(childOf(yes, 'request', NS.receipts)).toBeUndefined();
      expect(desk.received.filter(isFor('g1'))).toEqual([]);
      await alice.leave();
    });
  });
}
