// Messages through the whole gateway and a stream: what a server writes, and what it gets to read.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { createXmppGateway } from '../../../adapters/xmpp/gateway.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { serviceAddress } from '../../../src/wv/address.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { simple } from '../../../src/wv/presence.ts';
import { eventually } from '../../support/eventually.ts';
import { COMPONENT } from '../../support/xmpp-bridge.ts';
import { BOB } from '../../support/xmpp-chat.ts';
import { FakeRelay, HOME } from '../../support/xmpp-relay.ts';
import { notification, textMessage } from '../../support/xmpp-requests.ts';
import { FakeXmppServer } from '../../support/xmpp-server.ts';

let server: FakeXmppServer;
let gateway: Gateway;
const relay = new FakeRelay();
const alice = relay.account('alice', 'Alice');

beforeEach(async () => {
  relay.inbox.length = 0;
  server = await FakeXmppServer.start({ secret: 'secret' });
  gateway = createXmppGateway({
    host: '127.0.0.1',
    port: server.port,
    componentDomain: COMPONENT,
    secret: 'secret',
    domains: ['xmpp.example'],
    splitText: 60,
  });
  await gateway.start(relay);
});
afterEach(async () => {
  await gateway.stop();
  await server.stop();
});

const bobWrites = (id: string, children: string, from = 'bob@xmpp.example/desk') =>
  server.send(`<message type="chat" id="${id}" from="${from}" to="alice@${COMPONENT}">${children}</message>`);
const texts = async (count: number) => {
  await eventually(`${count} messages`, () => relay.inbox.length >= count);
  return relay.inbox.map(({ message }) => message.content.data);
};

test('a message in several languages is told in the one that the user shows', async () => {
  await gateway.request(notification(alice, BOB, { PreferredLanguage: simple('deu') }));
  bobWrites('1', '<body xml:lang="en">hello</body><body xml:lang="de">guten Tag</body>');
  expect(await texts(1)).toEqual(['guten Tag']);
});

test('a reply to what was sent quotes it, however the namespaces are written', async () => {
  await gateway.request(textMessage(alice, BOB, 'Shall we meet?'));
  const id = /<message type="chat" id="([^"]+)"/.exec(server.text)?.[1] ?? '';
  bobWrites('2', `<r:reply xmlns:r="${NS.reply}" id="${id}"/><body>Yes &amp; no</body>`);
  expect(await texts(1)).toEqual(['re Alice: Shall we meet? / Yes & no']);
});

test('a long text comes in parts, a correction of it in parts of its own', async () => {
  const words = 'one two three four five six seven eight nine ten eleven twelve';
  bobWrites('3', `<body>${words}</body>`);
  bobWrites('4', `<body>${words} thirteen</body><replace xmlns="${NS.correction}" id="3"/>`);
  expect((await texts(4)).map((text) => text.slice(0, 13))).toEqual([
    '(1/2) one two',
    expect.stringMatching(/^\(2\/2\) /),
    '(1/2) edited:',
    expect.stringMatching(/^\(2\/2\) /),
  ]);
});

test('shared content goes out as links', async () => {
  const invitation = {
    primitive: 'InviteRequest',
    meta: { service: serviceAddress(HOME), user: alice },
    inviteId: 'i1',
    inviteType: 'SC',
    inviting: { kind: 'user', user: alice },
    invited: { kind: 'user', user: BOB },
    urls: ['http://a.example/?a=1&b=2'],
  } as const;
  expect(gateway.capabilities.has('InviteRequest')).toBe(true);
  expect((await gateway.request(invitation)).result.code).toBe(200);
  expect(server.text).toContain(`<x xmlns="${NS.oob}"><url>http://a.example/?a=1&amp;b=2</url></x>`);
  expect((await gateway.request({ ...invitation, inviteType: 'EC' })).result.code).toBe(405);
});
