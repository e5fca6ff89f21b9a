// What a text, and what is no text, is on the other side, through real servers (bridging section 4). Corrections,
// replies and the like are in xmpp-message-kinds.test.ts, pictures in xmpp-files.test.ts.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, serialize, xml } from '../../adapters/xmpp/xml.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { textMessage } from '../support/xmpp-requests.ts';
import type { MessageOptions } from '../support/xmpp-requests.ts';
import { bodyText, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`texts through ${name}${missing}`, () => suite(server as XmppServer));
}

function suite(server: XmppServer): void {
  let live: LiveGateway;
  let nurse: XmppUser;
  let user: UserAddress;
  let jid: string;

  beforeAll(async () => {
    live = await LiveGateway.start(server, { files: { insecure: true, allow: ['127.0.0.1'] } });
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
  });
  afterAll(async () => {
    await nurse.logout();
    await live.gateway.stop();
  });
  beforeEach(() => {
    ({ user, jid } = live.newUser('alice'));
  });

  describe('from a phone', () => {
    /** What nurse gets of it. */
    const arrives = async (content: MessageContent, options: MessageOptions = {}) => {
      const request = textMessage(user, live.contact('nurse'), '', { ...options, content });
      expect((await live.gateway.request(request)).result.code).toBe(200);
      return await nurse.sees('the message', (each) => each.name === 'message' && each.attrs['from'] === jid);
    };
    const plain = (contentType: string, data: string): MessageContent => ({
      contentType,
      encoding: 'none',
      data,
    });

    test.each([
      ['text/plain', 'a &amp; b <i>c</i> &lt;d&gt; 😀', 'a &amp; b <i>c</i> &lt;d&gt; 😀'],
      ['text/plain; charset=utf-8', 'line\nline', 'line\nline'],
      ['text/plain', 'bell\u0007 and \u0000nul', 'bell and nul'],
      ['text/html', '<p>Tea &amp; <b>cake</b></p><script>x()</script>', 'Tea & cake'],
      ['text/html', 'a &amp;lt; b', 'a &lt; b'],
      ['application/xhtml+xml', '<body>one<br/>two</body>', 'one\ntwo'],
      ['application/vnd.wap.xhtml+xml', '<body>one<br/>two</body>', 'one\ntwo'],
    ])('%s %j reads %j', async (type, data, text) => {
      expect(bodyText(await arrives(plain(type, data)))).toBe(text);
    });

    test('BASE64 of UTF-8 is decoded', async () => {
      const data = Buffer.from('grüße 😀').toString('base64');
      const content = { contentType: 'text/plain', encoding: 'base64', data } as const;
      expect(bodyText(await arrives(content))).toBe('grüße 😀');
    });

    test.each([
      ['text/x-vCard', 'BEGIN:VCARD\r\nFN:Alice\r\nEND:VCARD\r\n'],
      ['text/calendar', 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n'],
    ])('%s is a file with a link', async (type, data) => {
      const message = await arrives(plain(type, data));
      expect(childOf(message, 'x', NS.oob)).toBeDefined();
      const link = bodyText(message);
      expect(link).toMatch(/^https?:/);
      expect(await (await fetch(link)).text()).toBe(data);
    });

    test('an expired message is not sent, and its sender is told 542', async () => {
      const late = textMessage(user, live.contact('nurse'), `late ${jid}`, { expiresAt: Date.now() - 1_000 });
      const { result } = await live.gateway.request(late);
      expect(result.details?.[0]?.code ?? result.code).toBe(542);
      await arrives(plain('text/plain', 'in time'));
      expect(nurse.bodiesFrom(jid)).toEqual(['in time']);
    });
  });

  describe('from XMPP', () => {
    const texts = (): string[] =>
      live.relay.inbox
        .filter(({ message }) =>
          message.recipients.some((party) => party.kind === 'user' && party.user === user),
        )
        .map(({ message }) => message.content.data);
    /** What alice has of it when the next message has come. */
    const read = async (body: string, inside = ''): Promise<readonly string[]> => {
      const text = body === '' ? '' : serialize(xml(NS.component, 'body', {}, body));
      await nurse.send(`<message type="chat" id="${randomUUID()}" to="${jid}">${text}${inside}</message>`);
      await nurse.send(`<message type="chat" id="${randomUUID()}" to="${jid}"><body>fence</body></message>`);
      await eventually('the fence', () => texts().includes('fence'));
      return texts().filter((each) => each !== 'fence');
    };

    test.each([
      ['a &amp; b <i>c</i> &lt;d&gt; 😀', 'a &amp; b <i>c</i> &lt;d&gt; 😀'],
      ['/me waves', '* nurse waves'],
      ['/mean', '/mean'],
      ['  two\nlines  ', '  two\nlines  '],
    ])('%j reads %j', async (body, text) => {
      expect(await read(body)).toEqual([text]);
    });

    test.each([
      ['a chat state', `<composing xmlns="${NS.chatStates}"/>`],
      ['a hint', `<store xmlns="${NS.hints}"/>`],
      ['an unknown element', '<thing xmlns="urn:x-unknown">secret</thing>'],
    ])('%s alone is nothing', async (_, inside) => {
      expect(await read('', inside)).toEqual([]);
    });

    test('formatted words beside a body are left out', async () => {
      const xhtml = `<html xmlns="${NS.xhtmlIm}"><body xmlns="${NS.xhtml}"><b>plain</b></body></html>`;
      expect(await read('plain', xhtml)).toEqual(['plain']);
    });

    test('a link beside the body follows it', async () => {
      const link = `<x xmlns="${NS.oob}"><url>https://pictures.invalid/a.png</url></x>`;
      const [text = ''] = await read('see', link);
      expect(text).toContain('see');
      expect(text).toContain('https://pictures.invalid/a.png');
    });
  });
}
