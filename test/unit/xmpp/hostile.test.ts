// Bad input (RFC 6120 section 11, bridging section 14): bounded cost, the right error, nothing crosses, the link stays.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import { OK } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { RoomClient } from '../../support/xmpp-muc-guest.ts';
import { COMPONENT } from '../../support/xmpp-bridge.ts';
import { ADDRESSES, ALICE, GROUPS, HostileServer } from '../../support/xmpp-hostile.ts';
import { subscribe, textMessage } from '../../support/xmpp-requests.ts';
import { wv } from '../../support/xmpp-relay.ts';

/** Words that every object of JavaScript knows. */
const INHERITED = ['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty'];
const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const message = (inner: string, attrs = ''): string => `<message ${ADDRESSES} ${attrs}>${inner}</message>`;
const textsOf = ({ relay }: HostileServer): unknown[] => relay.inbox.map((each) => each.message.content.data);

// Work by the thousand, while other tests run.
vi.setConfig({ testTimeout: 30_000 });

let hostile: HostileServer;

beforeEach(async () => {
  hostile = await HostileServer.start();
});
afterEach(async () => {
  expect(hostile.failures).toEqual([]);
  await hostile.stop();
});

/** The link is the first one still, and carries messages. */
async function stillServes(): Promise<void> {
  await hostile.says(message('<body>still here</body>'));
  await eventually('a message', () => textsOf(hostile).includes('still here'));
  expect(hostile.server.handshakes).toBe(1);
}

describe('large stanzas', () => {
  test('at the limit are taken, above it are refused to their sender, and the link stays', async () => {
    const body = (octets: number) => `<body>${'x'.repeat(octets)}</body>`;
    await hostile.says(message(body(250_000), 'id="fits"'));
    await eventually('the long text', () => hostile.relay.inbox.length > 0);
    const written = hostile.listen();
    const before = hostile.relay.inbox.length;
    await hostile.says(message(body(300_000), 'id="large"'));
    await hostile.says(
      `<iq type="set" ${ADDRESSES} id="query"><query xmlns="x">${'y'.repeat(300_000)}</query></iq>`,
    );
    await hostile.says(`<presence ${ADDRESSES} id="news"><status>${'z'.repeat(300_000)}</status></presence>`);
    for (const id of ['large', 'query']) {
      expect(written()).toMatch(
        new RegExp(`type="error"[^>]* id="${id}"><error type="modify"><policy-violation `),
      );
    }
    expect(written()).not.toContain('id="news"');
    expect(hostile.dropped('too_large')).toBe(3);
    expect(hostile.relay.inbox).toHaveLength(before);
    await stillServes();
  });

  test('an error is not answered, however large', async () => {
    const written = hostile.listen();
    await hostile.says(message(`<body>${'x'.repeat(300_000)}</body>`, 'type="error" id="large"'));
    expect(written()).not.toContain('id="large"');
    await stillServes();
  });

  test('one that never ends is ended with the stream, and the next stream serves', async () => {
    hostile.server.send(`<message ${ADDRESSES}><body>${'x'.repeat(1_200_000)}`);
    await eventually('the refusal', () => hostile.server.text.includes('policy-violation'));
    await eventually('a new stream', () => hostile.server.handshakes === 2);
    await eventually('online', () => hostile.gateway.health() === 'up');
    await hostile.says(message('<body>after</body>'));
    await eventually('a message', () => textsOf(hostile).includes('after'));
  });

  test.each([
    ['one long text', `<body>${'x'.repeat(250_000)}</body>`],
    ['one long text of wide characters', `<body>${'ж'.repeat(120_000)}</body>`],
    ['one long attribute', `<a xmlns="x" b="${'x'.repeat(250_000)}"/>`],
    ['many elements', '<a/>'.repeat(60_000)],
    ['many attributes', `<a xmlns="x" ${Array.from({ length: 20_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`],
    ['many references', `<body>${'&amp;'.repeat(50_000)}</body>`],
    ['many languages', '<body xml:lang="x">t</body>'.repeat(9_000)],
    [
      'many namespaces, and more in each child',
      `<a ${Array.from({ length: 6_000 }, (_, n) => `xmlns:p${n}="u"`).join(' ')}>${'<b xmlns:q="u"/>'.repeat(8_000)}</a>`,
    ],
    [
      'forwards in forwards',
      `${'<forwarded xmlns="urn:xmpp:forward:0"><message xmlns="jabber:client">'.repeat(30)}<body>x</body>${'</message></forwarded>'.repeat(30)}`,
    ],
  ])('%s costs no more than a second', async (_what, inner) => {
    expect(await hostile.costOf(message(inner))).toBeLessThan(1_000);
    await stillServes();
  });
});

describe('XML that no server passes on', () => {
  test.each([
    ['a document type', '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'],
    ['a comment', '<!-- x -->'],
    ['a processing instruction', '<?php x ?>'],
    ['an entity of its own', message('<body>&b;</body>')],
  ])('%s ends the stream, by its name, and a new one begins', async (_what, text) => {
    hostile.server.send(text);
    await eventually('the refusal', () => /<(?:restricted-xml|not-well-formed) /.test(hostile.server.text));
    await eventually('a new stream', () => hostile.server.handshakes === 2);
    await eventually('online', () => hostile.gateway.health() === 'up');
    await hostile.says(message('<body>after</body>'));
    await eventually('a message', () => textsOf(hostile).includes('after'));
  });

  test('cut anywhere a comment is one still, and CDATA is text', async () => {
    for (const piece of ['<message ', `${ADDRESSES}><body><`, '!', '[CD', 'ATA[1 < 2]]></body></message>'])
      await new Promise<unknown>((resolve) => hostile.server.sockets.at(-1)?.write(piece, resolve));
    await eventually('the text', () => textsOf(hostile).includes('1 < 2'));
    for (const piece of ['<', '!', '-', '- x'])
      await new Promise<unknown>((resolve) => hostile.server.sockets.at(-1)?.write(piece, resolve));
    await eventually('the refusal', () => hostile.server.text.includes('restricted-xml'));
    await eventually('online', () => hostile.server.handshakes === 2 && hostile.gateway.health() === 'up');
  });

  test('octets that are no UTF-8 spoil the text they are in and nothing else', async () => {
    const [start, end] = [`<message ${ADDRESSES}><body>`, '</body></message>'];
    for (const octets of [[0xf0, 0x9f], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]]) {
      await hostile.says(
        Buffer.concat([Buffer.from(`${start}a`), Buffer.from(octets), Buffer.from(`b${end}`)]),
      );
    }
    await eventually('all of them', () => hostile.relay.inbox.length > 0);
    await stillServes();
    for (const text of textsOf(hostile).slice(0, -1)) expect(text).toMatch(/^a\uFFFD+b$/);
  });
});

describe('words that mean something to JavaScript', () => {
  test.each(INHERITED)('%s is no type, condition, namespace, node or method', async (word) => {
    const error = (type: string, condition: string) =>
      `<error type="${type}"><${condition} xmlns="${NS.stanzaError}"/></error>`;
    const report = hostile.gateway.request(textMessage(wv('alice'), BOB, 'x', { report: true, id: 'm1' }));
    await report;
    const id = /<message [^>]*id="([^"]+)"/.exec(hostile.server.text)?.[1] ?? '';
    await hostile.says(message(error(word, word), `type="error" id="${id}"`));
    const told = await hostile.relay.next('DeliveryStatusReport', () => true);
    expect(told.outcome.code).toBeTypeOf('number');
    await hostile.says(`<presence ${ADDRESSES} type="${word}"/>`);
    await hostile.says(`<presence ${ADDRESSES}><show>${word}</show></presence>`);
    await hostile.says(`<presence ${ADDRESSES} type="error">${error(word, word)}</presence>`);
    await hostile.says(message(`<${word}:x/>`));
    await hostile.says(message(`<x xmlns:${word}="urn:x"><${word}:y/></x>`));
    await hostile.says(message(`<encryption xmlns="${NS.encryption}" namespace="${word}"/><body>x</body>`));
    await hostile.says(`<iq type="get" ${ADDRESSES} id="1"><${word} xmlns="${word}"/></iq>`);
    await hostile.says(`<iq type="${word}" ${ADDRESSES} id="2"><x xmlns="y"/></iq>`);
    expect(hostile.server.text).not.toContain('native code');
    await stillServes();
  });
});

describe('errors', () => {
  test('are never answered with errors, whoever they are for', async () => {
    const written = hostile.listen();
    const [error, content] = [
      `<error type="cancel"><gone xmlns="${NS.stanzaError}"/></error>`,
      '<body>x</body>',
    ];
    const stanzas: string[] = [];
    for (const to of [ALICE, `nobody@${COMPONENT}`, COMPONENT, `a\\@b@${COMPONENT}`, `${ALICE}/imps`]) {
      for (const from of [
        'bob@xmpp.example/desk',
        'room@muc.xmpp.example/Nick',
        'muc.xmpp.example',
        'x.example',
      ]) {
        const attributes = `from="${from}" to="${to}" id="loop"`;
        for (const name of ['message', 'presence', 'iq', 'nonsense'])
          stanzas.push(`<${name} ${attributes} type="error">${content}${error}</${name}>`);
        stanzas.push(`<iq ${attributes} type="result"><x xmlns="y"/></iq>`);
      }
    }
    await hostile.says(stanzas.join(''));
    expect(written()).not.toContain('id="loop"');
    expect(hostile.relay.inbox).toEqual([]);
    await stillServes();
  });
});

describe('addresses', () => {
  const tooLong = 'x'.repeat(1_100);
  test.each([
    '@xmpp.example',
    'a@',
    '/x',
    'a@b@c',
    '',
    ' ',
    `${tooLong}@xmpp.example`,
    `bob@xmpp.example/${tooLong}`,
    'bob@-x.example',
    'bob@x..example',
    'b\u202eob@xmpp.example',
    'bob@xmpp.example/',
    `alice@${COMPONENT}`,
    `alice@${GROUPS}`,
  ])('nothing crosses from %j, and the link stays', async (from) => {
    const attributes = `from="${from}" to="${ALICE}" id="odd"`;
    await hostile.says(
      `<message ${attributes}><body>crossed</body></message><presence ${attributes} type="subscribe"/>` +
        `<iq ${attributes} type="get"><query xmlns="jabber:iq:version"/></iq>`,
    );
    await stillServes();
    expect(textsOf(hostile)).not.toContain('crossed');
    expect(hostile.relay.all('SubscribeRequest')).toEqual([]);
  });
});

describe('floods', () => {
  test('10,000 presences of somebody whom nobody asked cost little, and nobody is told', async () => {
    const many = Array.from(
      { length: 10_000 },
      (_, n) => `<presence from="bob@xmpp.example/${n}" to="${ALICE}"/>`,
    );
    expect(await hostile.costOf(many.join(''))).toBeLessThan(5_000);
    await eventually('all of them dropped', () => hostile.dropped('unasked_presence') === 10_000);
    expect(hostile.relay.emitted).toEqual([]);
    await stillServes();
  });

  test('10,000 presences of a contact are told as a few', async () => {
    await hostile.gateway.request(subscribe(wv('alice'), BOB));
    await hostile.says(`<presence from="bob@xmpp.example" to="${ALICE}" type="subscribed"/>`);
    const many = Array.from(
      { length: 10_000 },
      (_, n) => `<presence from="bob@xmpp.example/${n}" to="${ALICE}"><status>${n}</status></presence>`,
    );
    expect(await hostile.costOf(many.join(''))).toBeLessThan(5_000);
    await eventually('the last one', () =>
      hostile.relay
        .all('PresenceNotification')
        .some(({ attributes }) => attributes.StatusText?.value === '9999'),
    );
    expect(hostile.relay.all('PresenceNotification').length).toBeLessThan(50);
    await stillServes();
  });

  test('10,000 requests to subscribe by as many strangers are each answered or asked once', async () => {
    const many = Array.from(
      { length: 10_000 },
      (_, n) => `<presence from="s${n}@xmpp.example" to="${ALICE}" type="subscribe" id="s"/>`,
    );
    hostile.relay.answer = ({ primitive }) => (primitive === 'SubscribeRequest' ? OK : undefined);
    expect(await hostile.costOf(many.join(''))).toBeLessThan(10_000);
    await eventually('asked', () => hostile.relay.all('SubscribeRequest').length === 10_000);
    await stillServes();
  });

  test('who floods is refused at a limit, and another is served meanwhile', async () => {
    await hostile.stop();
    hostile = await HostileServer.start({ maxConversationQueue: 500 });
    let release = (): void => undefined;
    const gate = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    // The flooder's recipient is slow, as a home with a full disk queue is.
    hostile.relay.answer = (request) =>
      request.primitive === 'SendMessageRequest' && request.meta.user === BOB ? gate : undefined;
    const written = hostile.listen();
    const flood = Array.from({ length: 2_000 }, (_, n) => message(`<body>${n}</body>`, `id="f${n}"`));
    hostile.server.send(flood.join(''));
    await hostile.says(`<message from="carol@xmpp.example/x" to="${ALICE}"><body>hello</body></message>`);
    await eventually('carol is heard', () => textsOf(hostile).includes('hello'));
    expect(written().match(/<error type="wait"><resource-constraint /g)?.length).toBe(1_500);
    release();
    hostile.relay.answer = () => undefined;
    await eventually('the others are taken', () => hostile.relay.all('SendMessageRequest').length === 501);
  });

  test('presence that cannot be handled as fast as it comes is dropped, without a line in the log for each', async () => {
    let release = (): void => undefined;
    const slow = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    hostile.relay.storage.get = () => slow;
    const many = Array.from(
      { length: 8_000 },
      (_, n) => `<presence from="bob@xmpp.example/${n}" to="${ALICE}"/>`,
    );
    await hostile.says(many.join(''));
    expect(hostile.dropped('queue_full')).toBe(3_000);
    release();
    await eventually('the others', () => hostile.dropped('unasked_presence') === 5_000);
  });

  test('many strangers together cannot fill the memory', async () => {
    await hostile.stop();
    hostile = await HostileServer.start({ maxQueued: 1_000 });
    let release = (): void => undefined;
    const gate = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined);
    });
    hostile.relay.answer = ({ primitive }) => (primitive === 'SendMessageRequest' ? gate : undefined);
    const written = hostile.listen();
    const many = Array.from(
      { length: 3_000 },
      (_, n) => `<message from="s${n}@xmpp.example/x" to="${ALICE}" id="s${n}"><body>x</body></message>`,
    );
    await hostile.says(many.join(''));
    expect(written().match(/<error type="wait"><resource-constraint /g)?.length).toBe(2_000);
    release();
    await eventually('the others', () => hostile.relay.inbox.length === 1_000);
    await stillServes();
  });

  test('a room of 5,000 occupants who come, change and go costs what it says, and is listed to a limit', async () => {
    const room = 'huge@muc.xmpp.example';
    const group = trusted<GroupAddress>('wv:/huge@muc.xmpp.example');
    const joining = new RoomClient(hostile.gateway, wv('alice'), group).join('Ally');
    await eventually('the join', () => hostile.server.text.includes(`to="${room}/Ally"`));
    const to = /<presence from="([^"]+)" to="huge@/.exec(hostile.server.text)?.[1] ?? '';
    const x = (role: string, status = '') =>
      `<x xmlns="${NS.mucUser}"><item affiliation="none" role="${role}"/>${status}</x>`;
    const everybody = (attributes: string, role: string) =>
      Array.from(
        { length: 5_000 },
        (_, n) => `<presence from="${room}/n${n}" to="${to}" ${attributes}>${x(role)}</presence>`,
      ).join('');
    const self = `<presence from="${room}/Ally" to="${to}">${x('participant', '<status code="110"/>')}</presence>`;
    expect(await hostile.costOf(everybody('', 'participant') + self)).toBeLessThan(5_000);
    const joined = await joining;
    expect(joined.primitive === 'JoinGroupResponse' && (joined.joined?.length ?? 0)).toBe(2_001);
    expect(await hostile.costOf(everybody('', 'visitor'))).toBeLessThan(5_000);
    expect(await hostile.costOf(everybody('type="unavailable"', 'none'))).toBeLessThan(5_000);
    await stillServes();
  });
});
