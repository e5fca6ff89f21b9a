// Pictures through the upload services of real servers, both ways.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileElements } from '../../adapters/xmpp/files/links.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, serialize, stanza, textOf, xml } from '../../adapters/xmpp/xml.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { PNG } from '../support/file-server.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { textMessage } from '../support/xmpp-requests.ts';
import { bodyText, XmppUser } from '../support/xmpp-user.ts';

const FILES = { insecure: true, allow: ['127.0.0.1'] };

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`files through ${name}${missing}`, () => {
    let live: LiveGateway;
    let nurse: XmppUser;

    beforeAll(async () => {
      live = await LiveGateway.start(server as XmppServer, { files: FILES });
      nurse = await XmppUser.login(live.server, 'nurse', 'desk', '');
    });
    afterAll(async () => {
      await nurse.logout();
      await live.gateway.stop();
    });

    test('a picture of a phone arrives as an address that gives it byte for byte', async () => {
      const { user, jid } = live.newUser('alice');
      const content = { contentType: 'image/png', encoding: 'base64', data: PNG.toString('base64') } as const;
      const request = textMessage(user, live.contact('nurse'), '', { content, report: true });
      expect((await live.gateway.request(request)).result.code).toBe(200);
      const message = await nurse.sees('the picture', ({ attrs }) => attrs['from'] === jid);
      const url = bodyText(message);
      const oob = childOf(message, 'x', NS.oob);
      expect(textOf(oob && childOf(oob, 'url'))).toBe(url);
      expect(childOf(message, 'file-sharing', NS.fileSharing)).toBeDefined();
      expect(childOf(message, 'request', NS.receipts)).toBeDefined();
      const answer = await fetch(url);
      expect(answer.headers.get('content-type')).toBe('image/png');
      expect(Buffer.from(await answer.arrayBuffer()).equals(PNG)).toBe(true);
    });

    test('a picture that an XMPP user uploads arrives as a picture, and his words after it', async () => {
      const { user, jid } = live.newUser('alice');
      await live.gateway.request(textMessage(user, live.contact('nurse'), `hello ${jid}`));
      await nurse.seesMessage(`hello ${jid}`);
      const asked = `<request xmlns="${NS.upload}" filename="a.png" size="${PNG.length}" content-type="image/png"/>`;
      const answer = await nurse.asks(`upload.${live.server.domain}`, 'get', asked);
      const slot = childOf(answer, 'slot', NS.upload);
      const put = slot && childOf(slot, 'put');
      const url = (slot && childOf(slot, 'get')?.attrs['url']) ?? '';
      const headers = Object.fromEntries(
        (put === undefined ? [] : elementsOf(put)).map((header) => [
          header.attrs['name'] ?? '',
          textOf(header),
        ]),
      );
      const stored = await fetch(put?.attrs['url'] ?? '', {
        method: 'PUT',
        body: new Uint8Array(PNG),
        headers: { ...headers, 'content-type': 'image/png' },
      });
      expect(stored.status).toBe(201);
      const file = { url, name: 'a.png', type: 'image/png', size: PNG.length };
      const body = xml(NS.component, 'body', {}, `look at this ${url}`);
      const picture = stanza('message', { type: 'chat', id: 'p1', to: jid }, body, ...fileElements(file));
      await nurse.send(serialize(picture));
      const { message } = await live.relay.next(
        'SendMessageRequest',
        ({ message: { content, recipients } }) =>
          content.encoding === 'base64' && recipients[0]?.kind === 'user' && recipients[0].user === user,
      );
      expect(message.content).toEqual({
        contentType: 'image/png',
        encoding: 'base64',
        data: PNG.toString('base64'),
      });
      await live.relay.next('SendMessageRequest', (sent) => sent.message.content.data === 'look at this');
    });
  });
}
