// Pictures through the upload services of real servers, both ways.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { fileElements } from '../../adapters/xmpp/files/links.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, serialize, stanza, textOf, xml } from '../../adapters/xmpp/xml.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { DEADLINE_MS, PHONES, startScene, WHEREABOUTS } from '../support/e2e/scene.ts';
import type { Scene, Whereabouts } from '../support/e2e/scene.ts';
import { noisyJpeg } from '../support/pictures.ts';
import { PNG } from '../support/file-server.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { textMessage } from '../support/xmpp-requests.ts';
import { upload } from '../support/xmpp-upload.ts';
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
      const url = await upload(nurse, live.server.domain, PNG, 'image/png');
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

  describe.skipIf(server === undefined)(`pictures of phones with ${name}${missing}`, () => {
    describe.each(WHEREABOUTS)('and the gateway %s', (where) => phones(server as XmppServer, where));
  });
}

function phones(server: XmppServer, where: Whereabouts): void {
  let scene: Scene;
  let juliet: XmppUser;
  const julietAddress = `wv:juliet@${server?.domain}`;

  beforeAll(async () => {
    scene = await startScene({ xmpp: server }, where);
    await scene.connected();
    juliet = await XmppUser.login(server, 'juliet', 'window', '');
  });
  afterEach(() => scene.everybodyOut());
  afterAll(async () => {
    await juliet.logout();
    await scene.stop();
  });

  test.each(PHONES)(
    '$phone: its photograph goes out whole, one that comes in is scaled',
    async ({ kind }) => {
      const account = await scene.newAccount('romeo');
      const jid = `${account.name}@${server.components.test.domain}`;
      const phone = await scene.login(account, kind);
      // Phones send no more than a request may have.
      const small = await noisyJpeg(120, 90);
      const photograph = await noisyJpeg(800, 600);

      await phone.sendMessage({
        to: { user: julietAddress },
        content: small,
        contentType: 'image/jpeg',
      });
      const shown = await juliet.sees(
        'a picture',
        ({ name, attrs }) => name === 'message' && attrs['from'] === jid,
      );
      const stored = await fetch(bodyText(shown));
      expect(Buffer.from(await stored.arrayBuffer()).equals(small)).toBe(true);

      const url = await upload(juliet, server.domain, photograph, 'image/jpeg');
      const comes = phone.next('message', ({ from }) => from !== undefined, DEADLINE_MS);
      const oob = `<x xmlns="${NS.oob}"><url>${url}</url></x>`;
      await juliet.send(
        `<message type="chat" id="p-${account.name}" to="${jid}"><body>${url}</body>${oob}</message>`,
      );
      const { contentType, data = new Uint8Array() } = await comes;
      expect(contentType).toBe('image/jpeg');
      expect(photograph.length).toBeGreaterThan(65_536);
      expect(data.length).toBeLessThanOrEqual(65_536);
      const { format, width, height } = await sharp(data).metadata();
      expect(format).toBe('jpeg');
      expect(width / height).toBeCloseTo(4 / 3, 1);
    },
  );
}
