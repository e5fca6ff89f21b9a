// Presence through the Matrix gateway on the real Synapse, both ways.

import { expect, it } from 'vitest';
import { pseudoWatcher } from '../../adapters/matrix/gateway.ts';
import { serviceAddress } from '../../src/wv/address.ts';
import { simple } from '../../src/wv/presence.ts';
import type { PresenceNotification } from '../../src/wv/primitives.ts';
import { eventually } from '../support/eventually.ts';
import { HOME } from '../support/matrix-relay.ts';
import { onSynapse } from '../support/matrix-scene.ts';

onSynapse('Matrix presence', (scene) => {
  it('shows the presence of a Matrix user to his WV watcher', async () => {
    await scene.dave.client.setPresence({ presence: 'online', status_msg: 'at work' });
    const subscription = await scene.gateway.request({
      primitive: 'SubscribeRequest',
      meta: { service: serviceAddress(HOME), user: scene.alice },
      watcher: scene.alice,
      publishers: [scene.daveAddress],
    });
    expect(subscription).toMatchObject({ result: { code: 200 } });
    await scene.daveJoins();
    await scene.dave.client.setPresence({ presence: 'online', status_msg: 'in a meeting' });
    const seen = await eventually('the notification', () =>
      scene.relay
        .all('PresenceNotification')
        .find(({ attributes }) => attributes.StatusText?.value === 'in a meeting'),
    );
    expect(seen).toMatchObject({ publisher: scene.daveAddress, watchers: [scene.alice] });
    const answer = await scene.gateway.request({
      primitive: 'GetPresenceRequest',
      meta: { service: serviceAddress(HOME), user: scene.alice },
      watcher: scene.alice,
      publishers: [scene.daveAddress],
    });
    expect(answer).toMatchObject({
      result: { code: 200 },
      values: [{ attributes: { OnlineStatus: simple('T'), StatusText: simple('in a meeting') } }],
    });
  });

  it('shows a WV user to Matrix only after he authorised the gateway, and offline at the end', async () => {
    const room = await scene.daveStartsChat();
    const watcher = pseudoWatcher(scene.config());
    const asked = await eventually('the question', () => scene.relay.all('SubscribeRequest').at(-1));
    expect(asked).toMatchObject({ watcher, publishers: [scene.alice] });
    const shown = ['OnlineStatus', 'UserAvailability', 'StatusText', 'StatusContent'];
    expect([...(asked.attributes ?? [])]).toEqual(shown);
    const notification: PresenceNotification = {
      primitive: 'PresenceNotification',
      meta: { service: serviceAddress(HOME), user: scene.alice },
      publisher: scene.alice,
      watchers: [scene.daveAddress],
      attributes: {
        OnlineStatus: simple('T'),
        UserAvailability: simple('AVAILABLE'),
        StatusText: simple('hi'),
      },
    };
    await scene.gateway.request(notification);
    expect((await scene.dave.client.getPresence(scene.ghost)).presence).toBe('offline');
    await scene.gateway.request({ ...notification, watchers: [watcher] });
    await eventually(
      'online',
      async () => (await scene.dave.client.getPresence(scene.ghost)).status_msg === 'hi',
    );
    expect((await scene.dave.client.getPresence(scene.ghost)).presence).toBe('online');
    await scene.gateway.stop();
    expect((await scene.dave.client.getPresence(scene.ghost)).presence).toBe('offline');
    expect(scene.dave.messages(room, scene.ghost)).toEqual([]);
  });
});
