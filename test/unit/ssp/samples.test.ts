// What the one known peer writes, sample by sample (observed-peer.md sections 10 to 14). The samples are no part of
// this repository: without them the tests are skipped.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SspDocument } from '../../../src/access/ssp/document.ts';
import { decodeDocument } from '../../../src/access/ssp/codec/index.ts';
import { simple } from '../../../src/wv/presence.ts';
import { alice, ben, bob, hikers, NOW, OPTIONS, peerA, peerB, refusal, transactionsOf } from './documents.ts';

const SAMPLES = new URL('../../../../shared/reference/samples/', import.meta.url);
const present = existsSync(SAMPLES);

if (!present && process.env['WVGATE_REQUIRE_SAMPLES'] === '1') {
  it('finds the reference samples', () =>
    expect.fail('WVGATE_REQUIRE_SAMPLES=1, but ../shared/reference/samples is not there'));
}

const files = present ? readdirSync(SAMPLES).filter((file) => /^peer-ssp-\d\d.*\.xml$/.test(file)) : [];

function octets(number: number): Uint8Array {
  const file = files.find((name) => name.startsWith(`peer-ssp-${String(number).padStart(2, '0')}-`));
  return file === undefined ? expect.fail(`no sample ${number}`) : readFileSync(new URL(file, SAMPLES));
}

const document = (number: number): SspDocument => decodeDocument(octets(number), OPTIONS);

function step(number: number): unknown {
  const read = document(number);
  return read.kind === 'setup' ? read : expect.fail('is no set-up');
}

/** The primitives of a sample of one transaction. */
function primitives(number: number): readonly unknown[] {
  const [transaction] = transactionsOf(document(number));
  const content = transaction?.content;
  if (content?.kind !== 'relay') expect.fail(JSON.stringify(content));
  return 'requests' in content ? content.requests : [content.response];
}

const asked = { service: peerA, user: alice };
const askedByClient = { ...asked, clientId: 'alice-client' };
const OK = { code: 200 };
const status = (code: number, details: object = {}): object => ({
  primitive: 'Status',
  result: { code, ...details },
});
const sentAt = Date.UTC(2025, 11, 22, 10, 15);
const text = (data: string): object => ({ contentType: 'text/plain', encoding: 'none', data });
/** Ids of the peer are longer than ours and hexadecimal. */
const peersId = expect.stringMatching(/^[0-9a-f]{33,34}$/);
const clientInfo = {
  name: 'ClientID',
  text: '',
  children: [{ name: 'URL', text: 'bob-client', children: [] }],
};

/** What each sample with one transaction says to us. */
const MEANINGS: Readonly<Record<number, readonly object[]>> = {
  10: [
    {
      primitive: 'SendMessageRequest',
      repeatable: true,
      deliveryReport: true,
      meta: asked,
      message: {
        id: peersId,
        sender: { kind: 'user', user: alice },
        recipients: [{ kind: 'user', user: bob }],
        sentAt,
        expiresAt: NOW + 600_000,
        content: text('Hello'),
      },
    },
  ],
  11: [
    { primitive: 'SendMessageResponse', messageId: peersId, result: { code: 200, description: 'Success' } },
  ],
  12: [
    {
      primitive: 'DeliveryStatusReport',
      meta: { service: peerB, user: bob },
      messageId: peersId,
      sender: alice,
      recipient: { kind: 'user', user: bob },
      outcome: { code: 200, description: 'Fetched' },
      deliveredAt: Date.UTC(2027, 0, 22, 17, 12, 42),
    },
  ],
  14: [
    {
      primitive: 'SendMessageResponse',
      messageId: '',
      result: {
        code: 900,
        description: 'Errors',
        details: [
          {
            code: 427,
            description: 'invalid userid: nobody@peer-b.example',
            users: ['wv:nobody@peer-b.example'],
          },
        ],
      },
    },
  ],
  20: [
    {
      primitive: 'GetPresenceRequest',
      meta: askedByClient,
      watcher: alice,
      publishers: [bob],
      attributes: new Set(['OnlineStatus', 'UserAvailability', 'StatusText']),
    },
  ],
  21: [{ primitive: 'GetPresenceResponse', result: OK, values: [] }],
  22: [{ primitive: 'GetPresenceRequest', meta: askedByClient, watcher: alice, publishers: [bob] }],
  24: [
    {
      primitive: 'SubscribeRequest',
      meta: askedByClient,
      watcher: alice,
      publishers: [bob],
      attributes: new Set(['OnlineStatus', 'UserAvailability', 'StatusText']),
    },
  ],
  25: [status(200, { description: 'Complete' })],
  26: [],
  27: [
    {
      primitive: 'PresenceNotification',
      meta: { service: peerB },
      publisher: bob,
      watchers: [alice],
      attributes: {
        OnlineStatus: simple('T'),
        UserAvailability: simple('DISCREET'),
        StatusText: simple('Tea & cake'),
      },
    },
  ],
  28: [
    {
      primitive: 'PresenceNotification',
      meta: { service: peerB },
      publisher: bob,
      watchers: [alice],
      attributes: { OnlineStatus: simple('F') },
    },
  ],
  29: [
    { primitive: 'UnsubscribeRequest', meta: askedByClient, watcher: alice, publishers: [bob], final: false },
  ],
  30: [
    status(201, {
      description: 'Complete',
      details: [
        {
          code: 531,
          description: 'Unknown UserID: wv:nobody@peer-b.example',
          users: ['wv:nobody@peer-b.example'],
        },
      ],
    }),
  ],
  40: [
    {
      primitive: 'JoinGroupRequest',
      meta: askedByClient,
      group: hikers,
      screenName: 'Ally',
      wantsJoinedList: true,
      subscribe: true,
    },
  ],
  41: [
    { primitive: 'JoinGroupResponse', result: OK, joined: [{ screenName: 'Bobby' }, { screenName: 'Ally' }] },
  ],
  42: [
    {
      primitive: 'GroupChangeNotice',
      meta: { service: peerB },
      group: hikers,
      recipients: [alice],
      joined: [{ screenName: 'Ally' }],
      left: [],
    },
  ],
  47: [{ primitive: 'GetGroupPropsRequest', meta: askedByClient, group: hikers }],
  48: [{ primitive: 'GetGroupPropsResponse', result: OK, properties: [], ownProperties: [] }],
  49: [{ primitive: 'GetGroupMemberRequest', meta: askedByClient, group: hikers }],
  50: [{ primitive: 'GetJoinedUsersRequest', meta: askedByClient, group: hikers }],
  51: [
    {
      primitive: 'GetJoinedUsersResponse',
      result: OK,
      joined: [{ screenName: 'Bobby' }, { screenName: 'Ally' }, { screenName: 'Amy' }],
    },
  ],
  52: [
    {
      primitive: 'SetGroupPropsRequest',
      meta: askedByClient,
      group: hikers,
      properties: [{ name: 'Topic', value: 'T' }],
    },
  ],
  53: [{ primitive: 'RejectListRequest', meta: askedByClient, group: hikers, add: [], remove: [] }],
  54: [{ primitive: 'GetGroupSubStatusRequest', meta: askedByClient, group: hikers }],
  55: [{ primitive: 'GetGroupSubStatusResponse', result: OK, subscribed: true }],
  56: [{ primitive: 'LeaveGroupRequest', meta: askedByClient, group: hikers }],
  57: [status(200, { description: 'Complete' })],
  58: [
    {
      primitive: 'LeaveGroupIndication',
      meta: { service: peerB },
      group: hikers,
      users: [],
      result: { code: 800, description: 'Deleted' },
    },
  ],
  60: [
    {
      primitive: 'InviteRequest',
      meta: askedByClient,
      inviteId: 'inv-1',
      inviteType: 'PR',
      validity: 600,
      inviting: { kind: 'user', user: alice, clientId: 'alice-client' },
      invited: { kind: 'user', user: bob },
      attributes: ['OnlineStatus'],
      note: 'Look at me',
    },
  ],
};

describe.skipIf(!present)(
  'samples of the known peer (skipped when ../shared/reference/samples is missing)',
  () => {
    it('are all there', () => expect(files.length).toBeGreaterThanOrEqual(46));

    it('set up a session with misspelt version and line breaks in the tokens', () => {
      const token = expect.toSatisfy((octets: Buffer) => /^[0-9a-f]{32}$/.test(octets.toString()));
      const domain = 'peer-a.example';
      expect(step(1)).toEqual({
        kind: 'setup',
        version: '1.3',
        mode: 'Request',
        transactionId: '101',
        step: { name: 'SendSecretToken', service: domain, protocolVersion: '1.3', token, misspelt: true },
      });
      expect(step(2)).toMatchObject({ mode: 'Response', transactionId: '501' });
      const digest = expect.toSatisfy((octets: Buffer) => octets.length === 16);
      expect(step(3)).toMatchObject({
        step: { name: 'LoginRequest', service: domain, timeToLive: 86_400, digest, schema: 'MD5' },
      });
      expect(step(4)).toMatchObject({
        mode: 'Response',
        step: { name: 'LoginRequest', service: 'peer-b.example' },
      });
      expect(step(5)).toMatchObject({
        step: { name: 'LoginResponse', sessionId: '101@peer-a.example', timeToLive: 86_400, result: OK },
      });
      expect(step(6)).toMatchObject({ mode: 'Response', step: { sessionId: '501@peer-b.example' } });
    });

    it.each(Object.keys(MEANINGS).map(Number))('%i is read as what it means', (number) => {
      expect(primitives(number)).toEqual(MEANINGS[number]);
    });

    it('13 goes to two recipients', () => {
      expect(primitives(13)).toMatchObject([
        { message: { recipients: [{ user: bob }, { user: ben }], content: text('to three') } },
      ]);
    });

    it('15 failed in part', () => {
      expect(primitives(15)).toMatchObject([
        { result: { code: 201, details: [{ code: 427, users: ['wv:nobody@peer-b.example'] }] } },
      ]);
    });

    it('16 is a picture and stays one', () => {
      const data = expect.stringMatching(/^R0lGOD.*==$/);
      expect(primitives(16)).toMatchObject([
        { message: { content: { contentType: 'image/gif', encoding: 'base64', data } } },
      ]);
    });

    it('17 was rejected', () => {
      expect(primitives(17)).toMatchObject([{ outcome: { code: 538, description: 'Rejected' } }]);
    });

    it('23 says who is there and how he is reached', () => {
      const [answer] = primitives(23);
      expect(answer).toMatchObject({
        primitive: 'GetPresenceResponse',
        result: OK,
        values: [{ user: bob, attributes: { OnlineStatus: simple('T'), StatusText: simple('Tea & cake') } }],
      });
      expect(JSON.stringify(answer)).toContain('IM online');
      expect(JSON.stringify(answer)).not.toContain(JSON.stringify(clientInfo));
    });

    it('43 goes to a group, 45 comes from one, 46 is whispered in it', () => {
      expect(primitives(43)).toMatchObject([{ message: { recipients: [{ kind: 'group', group: hikers }] } }]);
      expect(primitives(45)).toMatchObject([
        {
          meta: { service: peerB },
          message: {
            sender: { kind: 'group', group: hikers, screenName: 'Bobby' },
            recipients: [{ kind: 'user', user: alice }],
            addressedTo: { kind: 'group', group: hikers },
          },
        },
      ]);
      expect(primitives(46)).toMatchObject([
        { message: { recipients: [{ kind: 'group', group: hikers, screenName: 'Bobby' }] } },
      ]);
    });

    it('44 names the domain it does not forward to', () => {
      expect(primitives(44)).toMatchObject([
        { result: { code: 201, details: [{ code: 516, domains: ['peer-a.example'] }] } },
      ]);
    });

    it('61 is not well formed', () => {
      expect(refusal(octets(61))).toBe('end tag that closes nothing');
    });
  },
);
