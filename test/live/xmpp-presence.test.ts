// Presence and subscriptions between the XMPP gateway and the clients of real servers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { childOf, textOf } from '../../adapters/xmpp/xml.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { authorisation, notification, subscribe, unsubscribe } from '../support/xmpp-requests.ts';
import { eventually } from '../support/eventually.ts';
import { XmppUser } from '../support/xmpp-user.ts';

const ONLINE = {
  OnlineStatus: simple('T'),
  UserAvailability: simple('DISCREET'),
  StatusText: simple('in the orchard'),
};

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`presence through ${name}${missing}`, () => {
    let live: LiveGateway;
    let mercutio: XmppUser;

    beforeAll(async () => {
      live = await LiveGateway.start(server as XmppServer);
      mercutio = await XmppUser.login(live.server, 'mercutio', 'desk', '<status>at the desk</status>');
    });
    afterAll(async () => {
      await mercutio.logout();
      await live.gateway.stop();
    });

    /** What a user was told of mercutio's presence, as OnlineStatus/UserAvailability/StatusText. */
    const told = (user: UserAddress): string[] =>
      live.relay
        .all('PresenceNotification')
        .filter(({ watchers }) => watchers[0] === user)
        .map(({ attributes: { OnlineStatus, UserAvailability, StatusText } }) =>
          [OnlineStatus, UserAvailability, StatusText].map((value) => value?.value ?? '-').join(' '),
        );

    /** mercutio grants a user of ours his presence. */
    const grantedBy = async (user: UserAddress, jid: string): Promise<void> => {
      expect((await live.gateway.request(subscribe(user, live.contact('mercutio')))).result.code).toBe(200);
      await mercutio.seesPresence(jid, 'subscribe');
      await mercutio.send(`<presence type="subscribed" to="${jid}"/>`);
    };

    /** A user of ours grants mercutio his presence. */
    const grantedTo = async (user: UserAddress, jid: string): Promise<void> => {
      await mercutio.send(`<presence type="subscribe" to="${jid}"/>`);
      await live.relay.next('SubscribeRequest', ({ publishers }) => publishers[0] === user);
      await live.gateway.request(authorisation(user, live.contact('mercutio'), 'GRANTED'));
      await mercutio.seesPresence(jid, 'subscribed');
    };

    test('a WV user subscribes, is granted, and sees the contact', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedBy(user, jid);
      await eventually('the first notification', () => told(user).includes('T AVAILABLE at the desk'));
    });

    test('a repeated subscription probes and repeats the value', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedBy(user, jid);
      await eventually('the first notification', () => told(user).length === 1);
      await live.gateway.request(subscribe(user, live.contact('mercutio')));
      await eventually('the second notification', () => told(user).length === 2);
      expect(told(user)[1]).toBe(told(user)[0]);
    });

    test('a denied subscription is told as withheld presence', async () => {
      const { user, jid } = live.newUser('alice');
      await live.gateway.request(subscribe(user, live.contact('mercutio')));
      await mercutio.seesPresence(jid, 'subscribe');
      await mercutio.send(`<presence type="unsubscribed" to="${jid}"/>`);
      const { attributes } = await live.relay.next(
        'PresenceNotification',
        ({ watchers }) => watchers[0] === user,
      );
      expect(attributes.OnlineStatus).toEqual(WITHDRAWN);
    });

    test('the resource of highest priority counts, and the next when it leaves', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedBy(user, jid);
      await eventually('the desk', () => told(user).at(-1) === 'T AVAILABLE at the desk');
      const phone = await XmppUser.login(
        live.server,
        'mercutio',
        'phone',
        '<priority>5</priority><show>dnd</show><status>duelling</status>',
      );
      await eventually('the phone', () => told(user).at(-1) === 'T DISCREET duelling');
      await phone.send('<presence><priority>-1</priority><show>away</show></presence>');
      await eventually('the desk again', () => told(user).at(-1) === 'T AVAILABLE at the desk');
      await phone.logout();
      const known = await live.gateway.request({
        ...subscribe(user, live.contact('mercutio')),
        primitive: 'GetPresenceRequest',
      });
      expect(known).toMatchObject({
        result: { code: 200 },
        values: [{ attributes: { OnlineStatus: { value: 'T' } } }],
      });
    });

    test('GetPresence of a contact who granted nothing withholds OnlineStatus', async () => {
      const { user } = live.newUser('alice');
      const request = {
        ...subscribe(user, live.contact('mercutio')),
        primitive: 'GetPresenceRequest',
      } as const;
      expect(await live.gateway.request(request)).toMatchObject({
        result: { code: 200 },
        values: [{ attributes: { OnlineStatus: { valid: false } } }],
      });
    });

    test('a final unsubscribe ends the subscription at the server', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedBy(user, jid);
      await eventually('the first notification', () => told(user).length === 1);
      await live.gateway.request(unsubscribe(user, live.contact('mercutio'), true));
      await mercutio.seesPresence(jid, 'unsubscribe');
    });

    test('an XMPP user subscribes: the WV user is asked, and his grant shows his presence', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedTo(user, jid);
      const contact = live.contact('mercutio');
      expect((await live.gateway.request(notification(user, contact, ONLINE))).result.code).toBe(200);
      const presence = await mercutio.seesPresence(jid, undefined);
      expect(textOf(childOf(presence, 'show'))).toBe('dnd');
      expect(textOf(childOf(presence, 'status'))).toBe('in the orchard');
      await live.gateway.request(notification(user, contact, { StatusText: simple('in the orchard') }));
      await live.gateway.request(notification(user, contact, { OnlineStatus: simple('F') }));
      await mercutio.seesPresence(jid, 'unavailable');
      const shown = mercutio.received.filter(
        ({ attrs }) => attrs['from'] === `${jid}/imps` && attrs['type'] === undefined,
      );
      expect(shown).toHaveLength(1);
    });

    test('nobody is granted unasked, and a denial is unsubscribed', async () => {
      const { user, jid } = live.newUser('alice');
      const contact = live.contact('mercutio');
      expect((await live.gateway.request(notification(user, contact, ONLINE))).result.code).toBe(404);
      await mercutio.send(`<presence type="subscribe" to="${jid}"/>`);
      await live.relay.next('SubscribeRequest', ({ publishers }) => publishers[0] === user);
      await live.gateway.request(authorisation(user, contact, 'DENIED'));
      await mercutio.seesPresence(jid, 'unsubscribed');
      expect(
        mercutio.received.some(({ attrs }) => attrs['from'] === jid && attrs['type'] === 'subscribed'),
      ).toBe(false);
    });

    test('a subscription to a user who does not exist is refused', async () => {
      const jid = `nobody-${Date.now()}@${live.server.components.test.domain}`;
      await mercutio.send(`<presence type="subscribe" to="${jid}"/>`);
      await mercutio.seesPresence(jid, 'unsubscribed');
    });

    test('a cancelled grant takes the presence back', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedTo(user, jid);
      await live.gateway.request(notification(user, live.contact('mercutio'), ONLINE));
      await mercutio.seesPresence(jid, undefined);
      await live.gateway.request(authorisation(user, live.contact('mercutio'), 'CANCELLED'));
      await mercutio.seesPresence(jid, 'unsubscribed');
      await mercutio.seesPresence(jid, 'unavailable');
    });

    test('a contact who unsubscribes ends his subscription at the relay', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedTo(user, jid);
      await mercutio.send(`<presence type="unsubscribe" to="${jid}"/>`);
      const request = await live.relay.next('UnsubscribeRequest', ({ publishers }) => publishers[0] === user);
      expect(request).toMatchObject({ watcher: live.contact('mercutio'), final: true });
    });

    test('a contact who logs in again is shown the present value', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedTo(user, jid);
      await live.gateway.request(notification(user, live.contact('mercutio'), ONLINE));
      await mercutio.seesPresence(jid, undefined);
      const tablet = await XmppUser.login(live.server, 'mercutio', 'tablet', '');
      await tablet.seesPresence(jid, undefined);
      await tablet.logout();
    });

    test('a gateway that stops takes its users offline', async () => {
      const { user, jid } = live.newUser('alice');
      await grantedTo(user, jid);
      await live.gateway.request(notification(user, live.contact('mercutio'), ONLINE));
      await mercutio.seesPresence(jid, undefined);
      await live.gateway.stop();
      await mercutio.seesPresence(jid, 'unavailable');
    });
  });
}
