// Addresses through real servers (bridging section 2): every reserved character, capitals, the pseudo-domain, rooms,
// the address prompt, and what is refused. None of the server's domains is routed, so XMPP users are in the pseudo-domain.

import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, serialize, textOf, xml } from '../../adapters/xmpp/xml.ts';
import { userAddress } from '../../src/wv/address.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { Domain, GroupAddress, UserAddress } from '../../src/wv/ids.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import { subscribe, textMessage } from '../support/xmpp-requests.ts';
import { HOME } from '../support/xmpp-relay.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

const PSEUDO = trusted<Domain>('xmpp.wv.example');

/** The table of XEP-0106, and what must not be taken for one of its escapes. */
const RESERVED: readonly (readonly [text: string, escaped: string])[] = [
  [' ', '\\20'],
  ['"', '\\22'],
  ['&', '\\26'],
  ["'", '\\27'],
  ['/', '\\2f'],
  [':', '\\3a'],
  ['<', '\\3c'],
  ['>', '\\3e'],
  ['@', '\\40'],
  ['\\', '\\'],
  ['\\20', '\\5c20'],
  ['\\5c', '\\5c5c'],
  ['+', '+'],
  ['%', '%'],
  ['=', '='],
];

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`addresses through ${name}${missing}`, () =>
    suite(server as XmppServer),
  );
}

function suite(server: XmppServer): void {
  let live: LiveGateway;
  let nurse: XmppUser;
  const unique = (): string => randomBytes(4).toString('hex');
  const component = (): string => server.components.test.domain;
  const rooms = (): string => server.components.test.groups;
  const nurseAddress = (): UserAddress => userAddress(`nurse@${server.domain}`, PSEUDO);

  beforeAll(async () => {
    live = await LiveGateway.start(server, { domains: [], pseudoDomain: PSEUDO, groupsComponent: rooms() });
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
  });
  afterAll(async () => {
    await nurse.logout();
    await live.gateway.stop();
  });

  const newUser = (part: string): UserAddress => {
    const user = userAddress(part, HOME);
    live.relay.users.set(user, part);
    return user;
  };
  const nurseWrites = async (to: string, text: string): Promise<void> =>
    nurse.send(
      serialize(
        xml(NS.component, 'message', { type: 'chat', id: text, to }, xml(NS.component, 'body', {}, text)),
      ),
    );
  /** Both write to each other under these two addresses. */
  const talk = async (user: UserAddress, jid: string): Promise<void> => {
    const [question, reply] = [`question ${unique()}`, `reply ${unique()}`];
    expect((await live.gateway.request(textMessage(user, nurseAddress(), question))).result.code).toBe(200);
    expect((await nurse.seesMessage(question)).attrs['from']).toBe(jid);
    await nurseWrites(jid, reply);
    const { message } = await live.relay.next(
      'SendMessageRequest',
      (sent) => sent.message.content.data === reply,
    );
    expect(message).toMatchObject({
      sender: { kind: 'user', user: nurseAddress() },
      recipients: [{ kind: 'user', user }],
    });
  };

  test.each(RESERVED)('a name with %j is written %s, there and back', async (text, escaped) => {
    const id = unique();
    await talk(newUser(`a${text}b-${id}`), `a${escaped}b-${id}@${component()}`);
  });

  test('a phone number keeps its plus', async () => {
    const number = `+4477${String(Date.now()).slice(-8)}`;
    await talk(newUser(number), `${number}@${component()}`);
  });

  test('capitals in a JID are those of the one user in small letters', async () => {
    const id = unique();
    const user = newUser(`alice-${id}`);
    await nurseWrites(`ALICE-${id.toUpperCase()}@${component().toUpperCase()}/Phone`, `loud ${id}`);
    const { message } = await live.relay.next(
      'SendMessageRequest',
      (sent) => sent.message.content.data === `loud ${id}`,
    );
    expect(message.recipients).toEqual([{ kind: 'user', user }]);
  });

  test('names beyond ASCII go there and back', async () => {
    const id = unique();
    await talk(newUser(`zoë-łukasz-наталья-${id}`), `zoë-łukasz-наталья-${id}@${component()}`);
  });

  test('subscriptions work in the pseudo-domain', async () => {
    const id = unique();
    const user = newUser(`ann-${id}`);
    await live.gateway.request(subscribe(user, nurseAddress()));
    await nurse.seesPresence(`ann-${id}@${component()}`, 'subscribe');
    await nurse.send(`<presence type="subscribed" to="ann-${id}@${component()}"/>`);
    const { attributes } = await live.relay.next(
      'PresenceNotification',
      ({ watchers, publisher }) => watchers[0] === user && publisher === nurseAddress(),
    );
    expect(attributes.OnlineStatus).toEqual({ valid: true, value: 'T' });
  });

  test.each([
    ['a second spelling of an escape', 'ann\\5cx', 'jid-malformed'],
    ['a user of another WV operator', 'carol\\40other.example', 'service-unavailable'],
  ])('%s is refused', async (_, local, condition) => {
    const text = `refused ${unique()}`;
    await nurseWrites(`${local}@${component()}`, text);
    const error = await nurse.sees(
      'an error',
      ({ attrs }) => attrs['id'] === text && attrs['type'] === 'error',
    );
    expect(conditionOf(error)).toBe(condition);
  });

  test.each([
    ['a user of another WV operator as sender', 'wv:carol@other.example', undefined, 516],
    ['a name that XMPP would change', 'wv:fi%ef%ac%81@wv.example', undefined, 901],
    ['what is no JID', undefined, 'nurse@no domain', 901],
    ['a ghost of another bridge', undefined, '_xmpp_nurse@xmpp.example', 516],
    ['a ghost of ours', undefined, '_imps_nurse@xmpp.example', 516],
    ['a domain of ours', undefined, 'alice@wv.example', 516],
  ] as const)('%s has no counterpart', async (_, from, to, code) => {
    const sender = from === undefined ? newUser(`ann-${unique()}`) : trusted<UserAddress>(from);
    const contact = to === undefined ? nurseAddress() : userAddress(to, PSEUDO);
    const request = textMessage(sender, contact, 'hello?');
    const { result } = await live.gateway.request(request);
    expect(result.details?.[0]?.code ?? result.code).toBe(code);
  });

  test('the component itself is not one of its users abroad', async () => {
    const self = userAddress(`alice@${component()}`, PSEUDO);
    const { result } = await live.gateway.request(textMessage(newUser(`ann-${unique()}`), self, 'hello?'));
    expect(result.details?.[0]?.code ?? result.code).toBe(516);
  });

  test.each([
    ['wv:ann@wv.example', 'ann'],
    ['Ann', 'ann'],
    ['wv:a%20b%26c%2fd@wv.example', 'a\\20b\\26c\\2fd'],
    ['+44 7700 900123', '+447700900123'],
  ])('the prompt makes a JID of %s', async (typed, local) => {
    const query = xml(NS.gateway, 'query', {}, xml(NS.gateway, 'prompt', {}, typed));
    const answer = childOf(await nurse.asks(component(), 'set', serialize(query)), 'query', NS.gateway);
    expect(answer === undefined ? '' : textOf(childOf(answer, 'jid'))).toBe(`${local}@${component()}`);
  });

  test('the prompt asks, and refuses what is no address here', async () => {
    const asked = childOf(
      await nurse.asks(component(), 'get', `<query xmlns="${NS.gateway}"/>`),
      'query',
      NS.gateway,
    );
    expect(asked === undefined ? '' : textOf(childOf(asked, 'desc'))).toContain(HOME);
    for (const typed of ['wv:carol@other.example', '']) {
      const query = xml(NS.gateway, 'query', {}, xml(NS.gateway, 'prompt', {}, typed));
      const refused = await nurse.asks(component(), 'set', serialize(query));
      expect(conditionOf(refused)).toBe('not-acceptable');
    }
  });

  test.each([
    ['wv:alice/hikers@wv.example', 'alice\\2fhikers', 'Ally'],
    ['wv:/lobby@wv.example', '\\2flobby', `A "b" & <c> 'd' : \\20 / @ e`],
  ])('the group %s is the room %s, and screen names are not escaped', async (group, local, nick) => {
    const room = `${local}@${rooms()}`;
    const enter = xml(NS.component, 'presence', { to: `${room}/${nick}` }, xml(NS.muc, 'x'));
    await nurse.send(serialize(enter));
    const join = await live.relay.next(
      'JoinGroupRequest',
      (request) => request.group === trusted<GroupAddress>(group),
    );
    expect(join).toMatchObject({ screenName: nick, meta: { user: nurseAddress() } });
  });
}
