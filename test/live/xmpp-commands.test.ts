// The gateway itself on real servers: registration, search, commands by forms, chat.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { childOf, elementsOf, serialize } from '../../adapters/xmpp/xml.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { eventually } from '../support/eventually.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { bodyText, conditionOf, XmppUser } from '../support/xmpp-user.ts';

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`the gateway itself on ${name}${missing}`, () => {
    suite(server as XmppServer);
  });
}

function suite(server: XmppServer): void {
  let live: LiveGateway;
  let nurse: XmppUser;
  const gateway = server?.components.test.domain;

  beforeAll(async () => {
    live = await LiveGateway.start(server, { registration: 'required', commandsPerMinute: 1_000 });
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
  });
  afterAll(async () => {
    await nurse.logout();
    await live.gateway.stop();
  });

  /** Says a line and waits for the next answer. */
  async function says(line: string): Promise<string> {
    const before = nurse.received.length;
    await nurse.send(`<message type="chat" to="${gateway}"><body>${line}</body></message>`);
    return await eventually(`an answer to ${line}`, () => {
      const answer = nurse.received
        .slice(before)
        .find(({ name, attrs }) => name === 'message' && attrs['from'] === gateway);
      return answer === undefined ? undefined : bodyText(answer);
    });
  }

  const filled = (name: string, value: string): string =>
    `<x xmlns="${NS.dataForm}" type="submit"><field var="${name}"><value>${value}</value></field></x>`;
  const commanded = async (attrs: string, inside = '') => {
    const answer = await nurse.asks(
      gateway,
      'set',
      `<command xmlns="${NS.commands}" ${attrs}>${inside}</command>`,
    );
    return childOf(answer, 'command', NS.commands)?.attrs ?? { condition: conditionOf(answer) ?? '' };
  };

  test('who must register is told so, registers, writes, and is forgotten', async () => {
    const { user, jid } = live.newUser('alice');
    const register = (inside: string) =>
      nurse.asks(gateway, 'set', `<query xmlns="${NS.register}">${inside}</query>`);
    await nurse.send(`<message type="chat" id="r1" to="${jid}"><body>let me in</body></message>`);
    const refused = await nurse.sees(
      'an error',
      ({ attrs }) => attrs['id'] === 'r1' && attrs['type'] === 'error',
    );
    expect(conditionOf(refused)).toBe('registration-required');
    expect((await register('<nick>Nurse</nick>')).attrs['type']).toBe('result');
    const now = serialize(await nurse.asks(gateway, 'get', `<query xmlns="${NS.register}"/>`));
    expect(now).toContain('registered');
    await nurse.send(`<message type="chat" id="r2" to="${jid}"><body>in ${jid}</body></message>`);
    const request = await live.relay.next(
      'SendMessageRequest',
      ({ message }) => message.content.data === `in ${jid}`,
    );
    expect(request.message.recipients).toEqual([{ kind: 'user', user }]);
    expect(request.meta.friendlyName).toBe('Nurse');

    await nurse.send(`<presence type="subscribe" to="${jid}"/>`);
    await live.relay.next('SubscribeRequest', ({ publishers }) => publishers.includes(user));
    expect((await register('<remove/>')).attrs['type']).toBe('result');
    await live.relay.next('UnsubscribeRequest', ({ publishers }) => publishers.includes(user));
    expect([...live.relay.storage.values.keys()]).toEqual([]);
    expect(conditionOf(await register('<remove/>'))).toBe('registration-required');
  });

  test('users are found, by form and by field', async () => {
    const { jid } = live.newUser('finch');
    const search = (inside: string) =>
      nurse.asks(gateway, 'set', `<query xmlns="${NS.search}">${inside}</query>`);
    expect(serialize(await search('<nick>finch</nick>'))).toContain(`jid="${jid}"`);
    expect(serialize(await search(filled('nick', 'finch')))).toContain(`<value>${jid}</value>`);
    const form = await nurse.asks(gateway, 'get', `<query xmlns="${NS.search}"/>`);
    expect(serialize(form)).toContain('instructions');
  });

  test('commands are found, and run in steps', async () => {
    const { jid } = live.newUser('wren');
    const items = await nurse.asks(gateway, 'get', `<query xmlns="${NS.discoItems}" node="${NS.commands}"/>`);
    const [query] = elementsOf(items);
    expect((query === undefined ? [] : elementsOf(query)).map(({ attrs }) => attrs['node'])).toContain(
      'block',
    );
    expect((await commanded('node="status" action="execute"'))['status']).toBe('completed');
    const first = await commanded('node="block" action="execute"');
    expect(first['status']).toBe('executing');
    const session = `node="block" sessionid="${first['sessionid']}"`;
    const user = jid.split('@')[0] ?? '';
    expect((await commanded(`${session} action="complete"`, filled('user', user)))['status']).toBe(
      'completed',
    );
    expect((await commanded(`${session} action="complete"`, filled('user', user)))['condition']).toBe(
      'bad-request',
    );
    expect(await says('privacy')).toContain(`Blocked: ${user}`);
    await nurse.send(`<message type="chat" id="b1" to="${jid}"><body>x</body></message>`);
    await says('register');
    await nurse.send(`<message type="chat" id="b2" to="${jid}"><body>x</body></message>`);
    const refused = await nurse.sees(
      'an error',
      ({ attrs }) => attrs['id'] === 'b2' && attrs['type'] === 'error',
    );
    expect(conditionOf(refused)).toBe('service-unavailable');
    expect(await says('unregister')).toContain('not registered');
  });

  test('chat: help, search, invite', async () => {
    const { user, jid } = live.newUser('lark');
    expect(await says('help')).toContain('search QUERY');
    expect(await says('search lark')).toContain(jid);
    expect(await says(`invite ${user}`)).toContain('was asked');
    await live.relay.next('InviteRequest', ({ invited }) => invited.kind === 'user' && invited.user === user);
  });

  test('the gateway in the roster is seen', async () => {
    await nurse.send(`<presence type="subscribe" to="${gateway}"/>`);
    await nurse.seesPresence(gateway, 'subscribed');
    await nurse.seesPresence(gateway, undefined);
    await nurse.send(`<presence type="unsubscribe" to="${gateway}"/>`);
    await nurse.seesPresence(gateway, 'unavailable');
  });
}
