// Moods, names and pictures between the XMPP gateway and the clients and event services (PEP) of real servers.

import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { restartServer } from '../../scripts/stack/control.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { verOf } from '../../adapters/xmpp/caps.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, serialize, textOf, xml } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { leaf } from '../../src/wv/element.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { simple } from '../../src/wv/presence.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { authorisation, notification, subscribe } from '../support/xmpp-requests.ts';
import { eventually } from '../support/eventually.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const INFO = xml(
  NS.discoInfo,
  'query',
  {},
  xml(NS.discoInfo, 'identity', { category: 'client', type: 'pc' }),
  ...[NS.mood, NS.nick, NS.avatarMetadata].map((node) =>
    xml(NS.discoInfo, 'feature', { var: `${node}+notify` }),
  ),
);
const NODE = 'https://desk.example';
const CAPS = serialize(xml(NS.caps, 'c', { hash: 'sha-1', node: NODE, ver: verOf(INFO) }));

const PICTURE = await sharp({ create: { width: 200, height: 200, channels: 3, background: '#336699' } })
  .png()
  .toBuffer();
const CARD_PICTURE = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#996633' } })
  .jpeg()
  .toBuffer();
const HASH = createHash('sha1').update(PICTURE).digest('hex');

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`personal events through ${name}${missing}`, () => {
    let live: LiveGateway;
    let desk: XmppUser;

    const start = async (): Promise<void> => {
      desk = await XmppUser.login(live.server, 'mercutio', 'desk');
      desk.answersWith(INFO);
      await desk.send(`<presence>${CAPS}</presence>`);
    };

    beforeAll(async () => {
      live = await LiveGateway.start(server as XmppServer);
      await start();
    });
    afterAll(async () => {
      await desk.logout();
      await live.gateway.stop();
    });

    const publish = async (node: string, item: XmlElement, id = 'current'): Promise<void> => {
      const payload = xml(NS.pubsub, 'item', { id }, item);
      const pubsub = xml(NS.pubsub, 'pubsub', {}, xml(NS.pubsub, 'publish', { node }, payload));
      const bare = desk.jid;
      expect((await desk.asks(bare, 'set', serialize(pubsub))).attrs['type']).toBe('result');
    };

    const latest = (user: UserAddress): PresenceAttributes =>
      live.relay
        .all('PresenceNotification')
        .filter(({ watchers }) => watchers[0] === user)
        .at(-1)?.attributes ?? {};

    const seeing = async (user: UserAddress, jid: string): Promise<void> => {
      await live.gateway.request(subscribe(user, live.contact('mercutio')));
      const request = await desk.seesPresence(jid, 'subscribe');
      expect(textOf(childOf(request, 'nick', NS.nick))).toBe('alice');
      await desk.send(`<presence type="subscribed" to="${jid}"/>`);
      await eventually('presence', () => latest(user).OnlineStatus?.value === 'T');
    };

    const seen = async (user: UserAddress, jid: string, attributes: PresenceAttributes): Promise<void> => {
      await desk.send(`<presence type="subscribe" to="${jid}"/>`);
      await live.relay.next('SubscribeRequest', ({ publishers }) => publishers[0] === user);
      await live.gateway.request(authorisation(user, live.contact('mercutio'), 'GRANTED'));
      await desk.seesPresence(jid, 'subscribed');
      await live.gateway.request(notification(user, live.contact('mercutio'), attributes));
      live.relay.presence.set(user, attributes);
    };

    const ONLINE = { OnlineStatus: simple('T') };

    test('a mood set before is asked for, of a contact who does not see our user', async () => {
      await publish(NS.mood, xml(NS.mood, 'mood', {}, xml(NS.mood, 'grumpy')));
      const { user, jid } = live.newUser('alice');
      await seeing(user, jid);
      await eventually('the mood', () => latest(user).StatusMood?.value === 'ANGRY');
    });

    test('moods, names and pictures of a contact come by themselves', async () => {
      const { user, jid } = live.newUser('alice');
      await seeing(user, jid);
      await seen(user, jid, ONLINE);
      await publish(NS.mood, xml(NS.mood, 'mood', {}, xml(NS.mood, 'happy')));
      await eventually('the mood', () => latest(user).StatusMood?.value === 'HAPPY');
      await publish(NS.nick, xml(NS.nick, 'nick', {}, 'Merc'));
      await eventually('the name', () => latest(user).Alias?.value === 'Merc');
      await publish(NS.avatarData, xml(NS.avatarData, 'data', {}, PICTURE.toString('base64')), HASH);
      const info = xml(NS.avatarMetadata, 'info', { id: HASH, type: 'image/png', bytes: '1' });
      await publish(NS.avatarMetadata, xml(NS.avatarMetadata, 'metadata', {}, info), HASH);
      await eventually('the picture', () => latest(user).StatusContent?.valid === true);
    });

    test('a picture in the vCard of a contact is fetched for the hash in his presence', async () => {
      const { user, jid } = live.newUser('alice');
      const card = xml(
        NS.vcard,
        'vCard',
        {},
        xml(NS.vcard, 'PHOTO', {}, xml(NS.vcard, 'BINVAL', {}, CARD_PICTURE.toString('base64'))),
      );
      await publish(NS.avatarMetadata, xml(NS.avatarMetadata, 'metadata'));
      expect((await desk.asks(desk.jid, 'set', serialize(card))).attrs['type']).toBe('result');
      const hash = createHash('sha1').update(CARD_PICTURE).digest('hex');
      const update = `<x xmlns="${NS.vcardUpdate}"><photo>${hash}</photo></x>`;
      await desk.send(`<presence>${CAPS}${update}</presence>`);
      await seeing(user, jid);
      await eventually('the picture', () => latest(user).StatusContent?.valid === true);
    });

    test('moods, names and pictures of a user come to clients that ask for them', async () => {
      const { user, jid } = live.newUser('alice');
      await seeing(user, jid);
      const fields = [leaf('DirectContent', PICTURE.toString('base64'))];
      await seen(user, jid, {
        ...ONLINE,
        StatusMood: simple('IN_LOVE'),
        Alias: simple('Juliet'),
        StatusContent: { valid: true, fields },
      });
      const event = async (node: string): Promise<string> =>
        serialize(
          await desk.sees(
            `${node} of ${jid}`,
            (each) => each.name === 'message' && each.attrs['from'] === jid && serialize(each).includes(node),
          ),
        );
      expect(await event(NS.mood)).toContain('in_love');
      expect(await event(NS.nick)).toContain('Juliet');
      expect(await event(NS.avatarMetadata)).toContain(HASH);
      const presence = await desk.seesPresence(jid, undefined);
      expect(serialize(presence)).toContain(`<photo>${HASH}</photo>`);

      const items = xml(NS.pubsub, 'items', { node: NS.avatarData }, xml(NS.pubsub, 'item', { id: HASH }));
      const data = await desk.asks(jid, 'get', serialize(xml(NS.pubsub, 'pubsub', {}, items)));
      expect(serialize(data)).toContain(PICTURE.toString('base64'));
      const card = await desk.asks(jid, 'get', `<vCard xmlns="${NS.vcard}"/>`);
      expect(elementsOf(elementsOf(card)[0] ?? card).map((each) => each.name)).toContain('PHOTO');
    });

    test('after a restart of the XMPP server presence is right within 5 s', async () => {
      const { user, jid } = live.newUser('alice');
      await seeing(user, jid);
      await seen(user, jid, ONLINE);
      await desk.logout();
      const before = live.relay.usable;
      await restartServer(name);
      await eventually('a new stream', () => live.relay.usable > before);
      const back = Date.now();
      await start();
      // What the relay does when a gateway is usable again.
      await live.gateway.request(subscribe(user, live.contact('mercutio')));
      await live.gateway.request(notification(user, live.contact('mercutio'), ONLINE));
      await desk.seesPresence(jid, undefined);
      await eventually('the contact', () => latest(user).OnlineStatus?.value === 'T');
      expect(Date.now() - back).toBeLessThan(5_000);
    });
  });
}
