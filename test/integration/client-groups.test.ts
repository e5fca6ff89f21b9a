// Groups through the client library against the whole house, in every version and encoding.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WvClient } from '../../src/client/client.ts';
import { stcp } from '../../src/client/stcp.ts';
import { startScene, type Scene } from '../support/phone-scene.ts';
import { systemClock } from '../../src/ops/clock.ts';

let scene: Scene;
const clients: WvClient[] = [];
beforeAll(async () => {
  scene = await startScene({ clock: systemClock });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.logout();
});
afterAll(() => scene.stop());

const VARIANTS = (['1.1', '1.2', '1.3'] as const).flatMap((version) =>
  (['xml', 'wbxml'] as const).map((encoding) => ({ version, encoding })),
);

describe.each(VARIANTS)('groups in CSP $version in $encoding', (variant) => {
  async function online(user: string): Promise<WvClient> {
    const { port } = scene.house.house.addresses.csp;
    const client = new WvClient({
      url: `http://127.0.0.1:${port}/csp`,
      user,
      password: 'sesame',
      pollSeconds: 0,
      cirPollSeconds: 0,
      cir: stcp(),
      ...variant,
    });
    clients.push(client);
    await client.connect();
    return client;
  }

  it('two people meet in a group, talk, whisper, and one is put out', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const [a, b] = [await online(ann), await online(bea)];
    const group = ann.replace('@', '/rocket@');
    await a.groups.create(group, {
      screenName: 'Annie',
      welcomeNote: 'Grüße <&>',
      properties: { Name: 'Rocket club' },
    });
    const came = a.next('group');
    const joined = await b.groups.join(group, { screenName: 'Bea' });
    expect(joined.welcomeNote).toBe('Grüße <&>');
    expect(joined.participants.map(({ screenName }) => screenName)).toEqual(
      expect.arrayContaining(['Annie', 'Bea']),
    );
    expect(await came).toMatchObject({ group, joined: [{ screenName: 'Bea' }], left: [] });

    const heard = b.next('message');
    await a.sendMessage({ to: { group }, content: 'Hi all' });
    expect(await heard).toMatchObject({
      from: { group, screenName: 'Annie' },
      to: [{ group }],
      text: 'Hi all',
    });
    const whispered = a.next('message');
    await b.sendMessage({ to: { group, screenName: 'Annie' }, content: 'psst' });
    expect(await whispered).toMatchObject({
      from: { group, screenName: 'Bea' },
      to: [{ group, screenName: 'Annie' }],
      text: 'psst',
    });

    if (variant.version !== '1.1') {
      expect(await a.groups.participants(group)).toContainEqual({ screenName: 'Bea', user: bea });
    }
    const out = b.next('groupExit');
    expect(await a.groups.rejected(group, { add: [bea] })).toEqual([bea]);
    expect(await out).toMatchObject({ group, outcome: { code: 809 } });
    await expect(b.groups.join(group)).rejects.toMatchObject({ code: 809 });
  });

  it('an owner keeps members and properties', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const [a, b] = [await online(ann), await online(bea)];
    const group = ann.replace('@', '/rocket@');
    await a.groups.create(group, { join: false, properties: { Accesstype: 'Restricted' } });
    await expect(b.groups.join(group)).rejects.toMatchObject({ code: 803 });
    await a.groups.addMembers(group, bea);
    expect(await a.groups.members(group)).toEqual({ admins: [ann], moderators: [], users: [bea] });
    await a.groups.setAccess(group, { moderators: [bea] });
    expect((await b.groups.members(group)).moderators).toEqual([bea]);
    await b.groups.join(group, { screenName: 'Bea' });
    const changed = b.next('group');
    await a.groups.setProperties(group, { properties: { Topic: 'Launch' } });
    expect(await changed).toMatchObject({ properties: { Topic: 'Launch' } });
    expect((await b.groups.properties(group)).properties).toMatchObject({ Topic: 'Launch' });
    await b.groups.leave(group);
    await a.groups.removeMembers(group, bea);
    await a.groups.delete(group);
    await expect(a.groups.properties(group)).rejects.toMatchObject({ code: 800 });
  });
});
