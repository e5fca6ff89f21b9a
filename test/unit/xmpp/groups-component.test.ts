// The second component: its stream, its health, and what becomes of invitations that are not about rooms.

import { afterEach, describe, expect, test } from 'vitest';
import { createXmppGateway, XmppConfigError } from '../../../adapters/xmpp/gateway.ts';
import { domainOf, serviceAddress } from '../../../src/wv/address.ts';
import type { Gateway } from '../../../src/sap/port.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { GroupAddress, UserAddress } from '../../../src/wv/ids.ts';
import type { InviteRequest, InviteType } from '../../../src/wv/primitives.ts';
import { result } from '../../../src/wv/status.ts';
import { eventually } from '../../support/eventually.ts';
import { COMPONENT } from '../../support/xmpp-bridge.ts';
import { FakeRelay, HOME, wv } from '../../support/xmpp-relay.ts';
import { FakeXmppServer } from '../../support/xmpp-server.ts';

const ROOMS = 'groups.imps.xmpp.example';
const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const GROUP = trusted<GroupAddress>(`wv:alice/hikers@${HOME}`);

let server: FakeXmppServer;
let gateway: Gateway;
afterEach(async () => {
  await gateway.stop();
  await server.stop();
});

async function start(groupsSecret?: string): Promise<void> {
  server = await FakeXmppServer.start({ secret: 'secret' });
  gateway = createXmppGateway({
    host: '127.0.0.1',
    port: server.port,
    componentDomain: COMPONENT,
    groupsComponent: ROOMS,
    secret: 'secret',
    domains: ['xmpp.example'],
    reconnect: { minDelayMs: 10, maxDelayMs: 40 },
    ...(groupsSecret === undefined ? {} : { groupsSecret }),
  });
  await gateway.start(new FakeRelay());
}

function invitation(inviteType: InviteType, group?: GroupAddress): InviteRequest {
  const alice = wv('alice');
  return {
    primitive: 'InviteRequest',
    meta: { service: serviceAddress(domainOf(alice)), user: alice },
    inviteId: 'i1',
    inviteType,
    inviting: { kind: 'user', user: alice },
    invited: { kind: 'user', user: BOB },
    note: 'Hello <you>',
    ...(group === undefined ? {} : { group }),
  };
}

describe('the second stream', () => {
  test('has a domain of its own; health is that of the worse of both', async () => {
    await start();
    await eventually('both are up', () => gateway.health() === 'up');
    expect(server.handshakes).toBe(2);
    expect(server.text).toContain(`to="${ROOMS}"`);
    server.sockets.at(-1)?.destroy();
    await eventually('one is down', () => gateway.health() === 'down');
    await eventually('it is back', () => gateway.health() === 'up');
  });

  test('with a wrong secret makes the gateway down', async () => {
    await start('other');
    expect(gateway.health()).toBe('down');
  });

  test('cannot have the domain of the first', async () => {
    await start();
    const config = { host: 'h', port: 1, componentDomain: COMPONENT, secret: 's', domains: ['xmpp.example'] };
    for (const groupsComponent of [COMPONENT, 'xmpp.example', 'Not.Lower']) {
      expect(() => createXmppGateway({ ...config, groupsComponent })).toThrow(XmppConfigError);
    }
  });
});

describe('an invitation', () => {
  test('to talk is a message with the note', async () => {
    await start();
    await eventually('both are up', () => gateway.health() === 'up');
    expect((await gateway.request(invitation('IM'))).result.code).toBe(200);
    expect(server.text).toContain(`from="alice@${COMPONENT}" to="bob@xmpp.example"`);
    expect(server.text).toContain('<body>Hello &lt;you&gt;</body>');
  });

  test('to watch each other is a subscription request and the note', async () => {
    await start();
    await eventually('both are up', () => gateway.health() === 'up');
    expect((await gateway.request(invitation('PR'))).result.code).toBe(200);
    expect(server.text).toContain('type="subscribe"');
    expect(server.text).toContain('<body>Hello &lt;you&gt;</body>');
  });

  test('into a group is one into its room', async () => {
    await start();
    await eventually('both are up', () => gateway.health() === 'up');
    expect((await gateway.request(invitation('GR', GROUP))).result.code).toBe(200);
    expect(server.text).toContain(`from="alice\\2fhikers@${ROOMS}" to="bob@xmpp.example"`);
  });

  test.each<InviteType>(['GM', 'AP', 'EC', 'EG'])('of kind %s has no counterpart', async (kind) => {
    await start();
    expect((await gateway.request(invitation(kind))).result.code).toBe(405);
  });
});

test('news of groups are refused where there is no component for them', async () => {
  await start();
  await gateway.stop();
  const config = { host: '127.0.0.1', port: server.port, componentDomain: COMPONENT, secret: 'secret', domains: ['xmpp.example'] }; // prettier-ignore
  gateway = createXmppGateway(config);
  await gateway.start(new FakeRelay());
  const meta = { service: serviceAddress(HOME) };
  const out = await gateway.request({
    primitive: 'LeaveGroupIndication',
    meta,
    group: GROUP,
    users: [BOB],
    result: result(809),
  });
  expect(out.result.code).toBe(405);
});
