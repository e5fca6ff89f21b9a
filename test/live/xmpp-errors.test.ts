// Status codes and stanza errors, both ways, through real servers: bridging section 12, row by row.

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../adapters/xmpp/xml.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import type { RequestPrimitive } from '../../src/wv/primitives.ts';
import { result } from '../../src/wv/status.ts';
import type { Result, StatusCode } from '../../src/wv/status.ts';
import { LiveGateway, liveServers } from '../support/xmpp-live.ts';
import type { XmppServerName } from '../support/xmpp-live.ts';
import { reportOn, textMessage } from '../support/xmpp-requests.ts';
import { conditionOf, XmppUser } from '../support/xmpp-user.ts';

/** What an XMPP user gets for what became of his message. */
const TO_XMPP: readonly (readonly [codes: readonly StatusCode[], error: string])[] = [
  [[400, 402], 'bad-request modify'],
  [[401], 'not-authorized auth'],
  [[403, 534, 816, 431, 809], 'forbidden auth'],
  [[404, 800], 'item-not-found cancel'],
  [[405, 501, 506], 'feature-not-implemented cancel'],
  [[408, 504], 'remote-server-timeout wait'],
  [[410, 533, 542], 'recipient-unavailable wait'],
  [[415], 'not-acceptable modify'],
  [[432], 'policy-violation modify'],
  [[500], 'internal-server-error cancel'],
  [[503, 817], 'service-unavailable wait'],
  [[507], 'resource-constraint wait'],
  [[516], 'remote-server-not-found cancel'],
  [[531, 532], 'service-unavailable cancel'],
  [[538], 'not-acceptable cancel'],
  [[600, 604], 'unexpected-request wait'],
  [[801, 811], 'conflict cancel'],
  [[808, 812, 813], 'not-allowed cancel'],
  [[810], 'registration-required auth'],
  [[901], 'jid-malformed modify'],
];

/** What a WV user is told of an error: by its condition, else by its type. */
const FROM_XMPP: readonly (readonly [error: string, code: StatusCode])[] = [
  ['bad-request modify', 400],
  ['not-authorized auth', 401],
  ['forbidden auth', 403],
  ['item-not-found cancel', 404],
  ['feature-not-implemented cancel', 405],
  ['remote-server-timeout wait', 408],
  ['recipient-unavailable wait', 410],
  ['gone cancel', 410],
  ['redirect modify', 410],
  ['not-acceptable modify', 415],
  ['not-acceptable cancel', 538],
  ['policy-violation modify', 432],
  ['policy-violation wait', 503],
  ['internal-server-error cancel', 500],
  ['service-unavailable wait', 503],
  ['service-unavailable cancel', 410],
  ['resource-constraint wait', 507],
  ['remote-server-not-found cancel', 516],
  ['unexpected-request wait', 600],
  ['conflict cancel', 801],
  ['not-allowed cancel', 808],
  ['registration-required auth', 810],
  ['jid-malformed modify', 901],
  ['undefined-condition wait', 503],
  ['undefined-condition auth', 403],
  ['undefined-condition modify', 402],
  ['undefined-condition cancel', 410],
];

for (const { name, server, missing } of await liveServers()) {
  describe.skipIf(server === undefined)(`errors through ${name}${missing}`, () =>
    suite(name, server as XmppServer),
  );
}

/** Servers of the test stack do not federate, and say so each in its way: not-allowed, forbidden. */
const UNFEDERATED = { prosody: 808, ejabberd: 403 } as const;

function suite(name: XmppServerName, server: XmppServer): void {
  let live: LiveGateway;
  let nurse: XmppUser;
  let user: UserAddress;
  let jid: string;
  /** What the relay says to a message, by its text. */
  const outcomes = new Map<string, Result>();

  beforeAll(async () => {
    live = await LiveGateway.start(server);
    live.relay.answer = (request: RequestPrimitive) =>
      request.primitive === 'SendMessageRequest' ? outcomes.get(request.message.content.data) : undefined;
    nurse = await XmppUser.login(server, 'nurse', 'desk', '');
    ({ user, jid } = live.newUser('alice'));
  });
  afterAll(async () => {
    await nurse.logout();
    await live.gateway.stop();
  });

  const write = async (text: string): Promise<void> =>
    nurse.send(`<message type="chat" id="${text}" to="${jid}"><body>${text}</body></message>`);
  const errorFor = (id: string): Promise<XmlElement> =>
    nurse.sees(`an error for ${id}`, ({ attrs }) => attrs['id'] === id && attrs['type'] === 'error');
  /** The error that nurse gets when her message has this outcome. */
  const bounced = async (outcome: Result): Promise<XmlElement> => {
    const text = randomUUID();
    outcomes.set(text, outcome);
    await write(text);
    return await errorFor(text);
  };
  const errorIn = (stanza: XmlElement): string =>
    `${conditionOf(stanza)} ${childOf(stanza, 'error')?.attrs['type']}`;
  const wordsIn = (stanza: XmlElement): string => {
    const error = childOf(stanza, 'error');
    return error === undefined ? '' : textOf(childOf(error, 'text', NS.stanzaError));
  };
  /** What alice is told when nurse's client answers her message by this. */
  const reported = async (error: string): Promise<Result> => {
    const request = textMessage(user, live.contact('nurse'), randomUUID(), { report: true });
    expect((await live.gateway.request(request)).result.code).toBe(200);
    const { attrs } = await nurse.seesMessage(request.message.content.data);
    await nurse.send(`<message type="error" id="${attrs['id']}" to="${jid}">${error}</message>`);
    const report = await live.relay.next(
      'DeliveryStatusReport',
      ({ messageId }) => messageId === request.message.id,
    );
    expect(report).toMatchObject({ sender: user, recipient: { user: live.contact('nurse') } });
    return report.outcome;
  };
  const element = (error: string, inside = '', attributes = ''): string => {
    const [condition, type] = error.split(' ');
    return `<error type="${type}"${attributes}><${condition} xmlns="${NS.stanzaError}"/>${inside}</error>`;
  };

  test.each(TO_XMPP)('a message answered %j comes back as %s', async (codes, error) => {
    for (const code of codes) expect(errorIn(await bounced({ code }))).toBe(error);
  });

  test.each([200, 202] as const)('a message answered %i does not come back', async (code) => {
    const text = randomUUID();
    outcomes.set(text, { code });
    await write(text);
    await bounced(result(404));
    expect(nurse.received.filter(({ attrs }) => attrs['id'] === text)).toEqual([]);
  });

  test.each([201, 900] as const)(
    'a message answered %i comes back for what its one recipient got',
    async (code) => {
      expect(errorIn(await bounced({ code, details: [{ code: 507, users: [user] }] }))).toBe(
        'resource-constraint wait',
      );
    },
  );

  test('a limit that will pass says so', async () => {
    expect(errorIn(await bounced({ code: 503, tryAgainAfter: 5 }))).toBe('resource-constraint wait');
  });

  test('the words of an error go with it, but not those that would tell a block from absence', async () => {
    expect(wordsIn(await bounced(result(432, 'smaller, please')))).toBe('smaller, please');
    expect(wordsIn(await bounced(result(532, 'she blocked you')))).toBe('');
  });

  test.each([542, 410, 507] as const)('a message that fails with %i later comes back then', async (code) => {
    const text = randomUUID();
    await write(text);
    const request = await live.relay.next(
      'SendMessageRequest',
      ({ message }) => message.content.data === text,
    );
    expect((await live.gateway.request(reportOn(request, code))).result.code).toBe(200);
    const wanted = TO_XMPP.find(([codes]) => codes.includes(code));
    expect(errorIn(await errorFor(text))).toBe(wanted?.[1]);
  });

  test.each(FROM_XMPP)('%s is reported as %i', async (error, code) => {
    expect((await reported(element(error))).code).toBe(code);
  });

  test('of several recipients each that cannot be reached has its own code', async () => {
    const nowhere = trusted<UserAddress>('wv:romeo@elsewhere.example');
    const request = textMessage(user, live.contact('nurse'), randomUUID());
    const recipients = [...request.message.recipients, { kind: 'user', user: nowhere } as const];
    const message = { ...request.message, recipients };
    expect((await live.gateway.request({ ...request, message })).result).toMatchObject({
      code: 201,
      details: [{ code: 516, users: [nowhere] }],
    });
    await nurse.seesMessage(message.content.data);
  });

  test('of an error its words are told, and the legacy code is not believed', async () => {
    const words = `<text xmlns="${NS.stanzaError}">no room left</text>`;
    expect(await reported(element('undefined-condition cancel', words, ' code="503"'))).toEqual({
      code: 410,
      description: 'no room left',
    });
  });

  test('who is gone is reported with his new address', async () => {
    const moved = `<error type="cancel"><gone xmlns="${NS.stanzaError}">xmpp:angelica@${server.domain}</gone></error>`;
    expect(await reported(moved)).toEqual({
      code: 410,
      description: `moved to wv:angelica@${server.domain}`,
    });
  });

  test('what the server itself says of a user who is not there, and of a domain it does not reach, is reported', async () => {
    const outcomeOf = async (to: UserAddress): Promise<StatusCode> => {
      const request = textMessage(user, to, 'hello?');
      expect((await live.gateway.request(request)).result.code).toBe(200);
      const { outcome } = await live.relay.next(
        'DeliveryStatusReport',
        ({ messageId }) => messageId === request.message.id,
      );
      return outcome.code;
    };
    expect(await outcomeOf(live.contact('no-such-person'))).toBe(410);
    const far = trusted<UserAddress>('wv:romeo%40nowhere.invalid@xmpp.wv.example');
    expect(await outcomeOf(far)).toBe(UNFEDERATED[name]);
  });
}
