// One house with two real XMPP servers: a WV user chats with both, and nobody goes through the house from one to the other.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { WvClient } from '../../src/client/client.ts';
import { stcp } from '../../src/client/stcp.ts';
import { DEADLINE_MS, PHONES, seesMessage } from '../support/e2e/scene.ts';
import { eventually } from '../support/eventually.ts';
import { startTestHouse, type TestHouse } from '../support/house.ts';
import { liveServers } from '../support/xmpp-live.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

const found = await liveServers();
const servers = found.flatMap(({ server }) => (server === undefined ? [] : [server]));
const missing = found.map((each) => each.missing).join('');

describe.skipIf(servers.length < 2)(`a house with two XMPP servers${missing}`, () => {
  const [first, second] = servers as [XmppServer, XmppServer];
  let house: TestHouse;
  let phone: WvClient;
  const people: XmppUser[] = [];

  beforeAll(async () => {
    const sections = servers.map(({ host, componentPort, domain, components }) => ({
      host,
      port: componentPort,
      component: components.test.domain,
      secret: components.test.secret,
      domains: [domain],
    }));
    house = await startTestHouse({ users: ['ann'], config: { xmpp: sections } });
    const names = ['xmpp', `xmpp:${second.components.test.domain}`];
    await eventually('both are connected', () =>
      names.every((name) => house.house.readiness().parts[name] === 'up'),
    );
    for (const server of servers) people.push(await XmppUser.login(server, 'nurse', 'desk', ''));
    const user = `wv:ann@${house.domain}`;
    const called = { pollSeconds: 0, cirPollSeconds: 0, cir: stcp({ reconnectMs: 100 }) };
    phone = new WvClient({ url: house.url, user, password: 'ann-secret', ...called, ...PHONES[1].kind });
    await phone.connect();
  });
  afterAll(async () => {
    for (const person of people) await person.logout();
    await phone.logout();
    await house.stop();
  });

  test('a WV user talks with users of both', async () => {
    for (const [index, { domain, components }] of servers.entries()) {
      const nurse = people[index];
      const text = `to ${domain} ${Date.now()}`;
      await phone.sendMessage({ to: { user: `wv:nurse@${domain}` }, content: text });
      expect((await nurse?.seesMessage(text))?.attrs['from']).toBe(`ann@${components.test.domain}`);
      const heard = seesMessage(phone, `wv:nurse@${domain}`, `back ${text}`);
      await nurse?.send(
        `<message type="chat" to="ann@${components.test.domain}"><body>back ${text}</body></message>`,
      );
      await heard;
    }
  });

  test('both find users of the house', async () => {
    for (const [index, { components }] of servers.entries()) {
      await people[index]?.send(`<message to="${components.test.domain}"><body>search ann</body></message>`);
      await people[index]?.sees('what was found', (stanza) =>
        bodyText(stanza).includes(`ann@${components.test.domain}`),
      );
    }
  });

  test(
    'nobody goes through the house to the other server',
    async () => {
      const across = `nurse\\40${second.domain}@${first.components.test.domain}`;
      await people[0]?.send(`<message type="chat" id="across" to="${across}"><body>across</body></message>`);
      const refused = await people[0]?.sees(
        'an error',
        ({ attrs }) => attrs['id'] === 'across' && attrs['type'] === 'error',
      );
      expect(refused === undefined ? '' : conditionOf(refused)).toBe('service-unavailable');
      expect(people[1]?.received.map(bodyText)).not.toContain('across');
    },
    DEADLINE_MS,
  );
});
