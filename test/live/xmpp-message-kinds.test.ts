// Corrections, retractions, reactions, replies, encrypted and long messages, and what else XMPP clients write, through
// real servers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf } from '../../adapters/xmpp/xml.ts';
import { result } from '../../src/wv/status.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { reportOn, textMessage } from '../support/xmpp-requests.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`kinds of messages through ${name}${missing}`, () => {
    let live: LiveGateway;
    let nurse: XmppUser;
    let user: UserAddress;
    let jid: string;
    let serial = 0;

    beforeAll(async () => {
      live = await LiveGateway.start(server as XmppServer, { splitText: 100 });
      nurse = await XmppUser.login(live.server, 'nurse', 'desk', '');
    });
    afterAll(async () => {
      await nurse.logout();
      await live.gateway.stop();
    });

    /** A new chat: a user nobody wrote to before. */
    const newChat = (): void => {
      ({ user, jid } = live.newUser('alice'));
    };
    const requests = () =>
      live.relay.inbox.filter(({ message: { recipients } }) =>
        recipients.some((party) => party.kind === 'user' && party.user === user),
      );
    const texts = () => requests().map(({ message }) => message.content.data);

    const nurseWrites = async (text: string, children = '', type = 'chat'): Promise<string> => {
      serial += 1;
      const id = `kind-${name}-${serial}`;
      const body = text === '' ? '' : `<body>${text}</body>`;
      await nurse.send(`<message type="${type}" id="${id}" to="${jid}">${body}${children}</message>`);
      return id;
    };
    /** What alice has when a last message has come. */
    const textsUntilFence = async (): Promise<readonly string[]> => {
      await nurseWrites('fence');
      await eventually('the fence has come', () => texts().includes('fence'));
      return texts().filter((text) => text !== 'fence');
    };
    const aliceWrites = async (text: string): Promise<string> => {
      const response = await live.gateway.request(textMessage(user, live.contact('nurse'), text));
      expect(response.result.code).toBe(200);
      return (await nurse.seesMessage(text)).attrs['id'] ?? '';
    };
    const errorFor = (id: string) =>
      nurse.sees(`an error for ${id}`, ({ attrs }) => attrs['id'] === id && attrs['type'] === 'error');

    test('a correction is told once, a retraction once', async () => {
      newChat();
      const id = await nurseWrites('teh');
      const replace = `<replace xmlns="${NS.correction}" id="${id}"/>`;
      await nurseWrites('the', replace);
      await nurseWrites('the end', replace);
      const retract = `<retract xmlns="${NS.retraction}" id="${id}"/><fallback xmlns="${NS.fallback}" for="${NS.retraction}"/>`;
      await nurseWrites('I took something back', retract);
      await nurseWrites('I took something back', retract);
      expect(await textsUntilFence()).toEqual(['teh', 'edited: the', 'message withdrawn']);
    });

    test('a reply quotes, a reaction says to what', async () => {
      newChat();
      const text = `Shall we meet? ${jid}`;
      const id = await aliceWrites(text);
      const fallback = `<fallback xmlns="${NS.fallback}" for="${NS.reply}"><body start="0" end="13"/></fallback>`;
      await nurseWrites(
        '&gt; Shall we 😀\nYes!',
        `<reply xmlns="${NS.reply}" id="${id}" to="${jid}"/>${fallback}`,
      );
      await nurseWrites(
        '',
        `<reactions xmlns="${NS.reactions}" id="${id}"><reaction>👍</reaction></reactions><store xmlns="${NS.hints}"/>`,
      );
      const quote = text.length > 60 ? `${text.slice(0, 59)}…` : text;
      expect(await textsUntilFence()).toEqual([
        `re alice: ${quote} / Yes!`,
        `nurse reacted 👍 to "${quote}"`,
      ]);
    });

    test('OMEMO comes back each time and is explained once', async () => {
      newChat();
      const encrypted = `<encrypted xmlns="${NS.omemoLegacy}"><payload>AAAA</payload></encrypted><store xmlns="${NS.hints}"/>`;
      const ids = [await nurseWrites('[encrypted]', encrypted), await nurseWrites('[encrypted]', encrypted)];
      for (const id of ids) expect(conditionOf(await errorFor(id))).toBe('not-acceptable');
      await aliceWrites(`fence ${jid}`);
      const explained = nurse.received.filter(
        (stanza) => stanza.attrs['from'] === jid && bodyText(stanza).startsWith('This contact cannot read'),
      );
      expect(explained).toHaveLength(1);
      expect(await textsUntilFence()).toEqual([]);
    });

    test('a long text comes in parts and has one receipt', async () => {
      newChat();
      const long = Array.from({ length: 30 }, (_, index) => `word${index}`).join(' ');
      const id = await nurseWrites(long, `<request xmlns="${NS.receipts}"/>`);
      await eventually('all parts have come', () => texts().some((text) => text.startsWith('(3/3)')));
      expect(
        texts()
          .map((text) => text.slice('(1/3) '.length))
          .join(' '),
      ).toBe(long);
      const isReceipt = (stanza: Parameters<typeof childOf>[0]) =>
        childOf(stanza, 'received', NS.receipts)?.attrs['id'] === id;
      for (const request of requests()) {
        expect(nurse.received.some(isReceipt)).toBe(false);
        expect((await live.gateway.request(reportOn(request, 200))).result.code).toBe(200);
      }
      await nurse.sees('the receipt', isReceipt);
      await aliceWrites(`fence ${jid}`);
      expect(nurse.received.filter(isReceipt)).toHaveLength(1);
    });

    test('a marker counts as the receipt, once', async () => {
      newChat();
      const request = textMessage(user, live.contact('nurse'), `mark me ${jid}`, { report: true });
      await live.gateway.request(request);
      const id = (await nurse.seesMessage(`mark me ${jid}`)).attrs['id'];
      await nurseWrites('', `<displayed xmlns="${NS.markers}" id="${id}"/><store xmlns="${NS.hints}"/>`);
      await nurseWrites('', `<received xmlns="${NS.receipts}" id="${id}"/><store xmlns="${NS.hints}"/>`);
      expect(await textsUntilFence()).toEqual([]);
      const reports = () => live.relay.all('DeliveryStatusReport').filter(({ sender }) => sender === user);
      await eventually('the report has come', () => reports().length > 0);
      expect(reports()).toMatchObject([{ messageId: request.message.id, outcome: { code: 200 } }]);
    });

    test('an old message of ours says when it was sent, and one of theirs too', async () => {
      newChat();
      const written = Date.now() - 120_000;
      const text = `late ${jid}`;
      await live.gateway.request(textMessage(user, live.contact('nurse'), text, { sentAt: written }));
      const stamps = (await nurse.seesMessage(text)).children.flatMap((child) =>
        typeof child !== 'string' && child.ns === NS.delay ? [child.attrs['stamp'] ?? ''] : [],
      );
      expect(stamps.map((stamp) => Date.parse(stamp))).toContain(written);
      const stamp = new Date(written).toISOString();
      await nurseWrites('held up', `<delay xmlns="${NS.delay}" from="${nurse.jid}" stamp="${stamp}"/>`);
      expect(await textsUntilFence()).toEqual(['held up']);
      expect(requests()[0]?.message.sentAt).toBe(written);
    });

    test('normal and headline messages are delivered, with subject', async () => {
      newChat();
      await nurseWrites('at five', '<subject>Tea</subject>', 'normal');
      await nurseWrites('news', '', 'headline');
      expect(await textsUntilFence()).toEqual(['Tea\nat five', 'news']);
    });

    test('a forged carbon is not delivered', async () => {
      newChat();
      const forged = `<message xmlns="jabber:client" from="romeo@x.example" to="${jid}"><body>forged</body></message>`;
      const wrapped = `<forwarded xmlns="${NS.forward}">${forged}</forwarded>`;
      await nurseWrites('around', `<received xmlns="${NS.carbons}">${wrapped}</received>`);
      expect(await textsUntilFence()).toEqual([]);
    });

    test('one who is blocked, and a headline that is refused, learn no more than needs be', async () => {
      newChat();
      const blocking = user;
      live.relay.answer = (request) =>
        request.primitive === 'SendMessageRequest' &&
        request.message.recipients.some((party) => party.kind === 'user' && party.user === blocking)
          ? result(532)
          : undefined;
      await nurseWrites('news', '', 'headline');
      const error = await errorFor(await nurseWrites('let me in'));
      live.relay.answer = () => undefined;
      expect(conditionOf(error)).toBe('service-unavailable');
      expect(childOf(error, 'error')?.attrs['type']).toBe('cancel');
      const answers = nurse.received.filter(({ attrs }) => attrs['from'] === jid);
      expect(answers).toHaveLength(1);
    });

    test('an XMPP user who blocks us looks as if he were not there', async () => {
      newChat();
      const item = `<item jid="${jid}"/>`;
      const blocked = await nurse.asks(nurse.jid, 'set', `<block xmlns="urn:xmpp:blocking">${item}</block>`);
      expect(blocked.attrs['type']).toBe('result');
      const request = textMessage(user, live.contact('nurse'), 'anybody?');
      expect((await live.gateway.request(request)).result.code).toBe(200);
      const report = await live.relay.next('DeliveryStatusReport', ({ sender }) => sender === user);
      expect(report).toMatchObject({ messageId: request.message.id, outcome: { code: 410 } });
      await nurse.asks(nurse.jid, 'set', `<unblock xmlns="urn:xmpp:blocking">${item}</unblock>`);
    });
  });
}
