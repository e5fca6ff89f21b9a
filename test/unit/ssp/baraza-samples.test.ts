// What the scripted peer writes has the shape of what the real one wrote: the samples of the reference folder, which
// is not part of this repository. Elements, attributes and blanks are compared; values are not.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import type { BarazaPeer } from '../../support/ssp/baraza/peer.ts';
import type { Sent } from '../../support/ssp/baraza/state.ts';
import { startScene } from './baraza-scene.ts';

const SAMPLES = new URL('../../../../shared/reference/samples/', import.meta.url);
const present = existsSync(SAMPLES);

if (!present && process.env['WVGATE_REQUIRE_SAMPLES'] === '1') {
  it('finds the reference samples', () =>
    expect.fail('WVGATE_REQUIRE_SAMPLES=1, but ../shared/reference/samples is not there'));
}

/** The text with all values made equal: names, nesting, order of attributes and line breaks remain. */
const shape = (body: string): string =>
  body
    .replaceAll(/="[^"]*"/g, '="…"')
    .replaceAll(/>([^<]+)/g, (_all, text: string) => `>${text.replace(/\S(?:[^<]*\S)?/, '…')}`)
    .trimEnd();

const BOB = 'wv:bob@peer-b.example';
const NOBODY = 'wv:nobody@peer-b.example';
const HIKERS = 'wv:bob/hikers@peer-b.example';
const ATTRIBUTES = ['OnlineStatus', 'UserAvailability', 'StatusText'];
const GIF = { octets: Buffer.from('GIF89a'), contentType: 'image/gif' };

/** Sample → the document written in the same scene. */
const written = new Map<string, string>();
const peers: BarazaPeer[] = [];

const bodies = (peer: BarazaPeer, element: string): string[] =>
  peer.log
    .filter(({ direction, body }) => direction === 'out' && body.includes(`<${element}`))
    .map(({ body }) => body);

/** Notes a request and the answer to it, once both are there. */
async function note(asker: BarazaPeer, other: BarazaPeer, sent: Sent, ask: string, reply?: string) {
  await eventually(ask, () => sent.answers.length > 0 || sent.state === 'sent');
  if (ask !== '') written.set(ask, bodies(asker, sent.primitive).at(-1) ?? '');
  if (reply === undefined) return;
  const id = `transactionID="${sent.transactionId}"`;
  await eventually(reply, () => sent.answers[0]);
  written.set(
    reply,
    other.log.findLast((one) => one.direction === 'out' && one.body.includes(id))?.body ?? '',
  );
}

/** Notes the next document of a kind that the side writes by itself. */
async function noteNext(peer: BarazaPeer, element: string, index: number, sample: string) {
  written.set(sample, await eventually(sample, () => bodies(peer, element)[index]));
}

async function play(a: BarazaPeer, b: BarazaPeer): Promise<void> {
  const ask = (sent: Sent, request: string, reply?: string) => note(a, b, sent, request, reply);

  await ask(a.sendMessage('alice', [BOB], 'Hello', { report: true }), '10', '11');
  const setup = [a, b].map((peer) => bodies(peer, 'SetupTransaction'));
  for (const step of [0, 1, 2]) {
    written.set(`0${step * 2 + 1}`, setup[0]?.[step] ?? '');
    written.set(`0${step * 2 + 2}`, setup[1]?.[step] ?? '');
  }
  await noteNext(b, 'DeliveryStatusReport', 0, '12');
  await ask(a.sendMessage('alice', [BOB, 'wv:ben@peer-b.example'], 'to three'), '13');
  await ask(a.sendMessage('alice', [NOBODY], 'x'), '', '14');
  await ask(a.sendMessage('alice', [BOB, NOBODY], 'x'), '', '15');
  await ask(a.sendMessage('alice', [BOB], GIF), '16');
  await ask(a.sendMessage('alice', ['wv:ben@peer-b.example'], 'reject me', { report: true }), '');
  await noteNext(b, 'DeliveryStatusReport', 1, '17');

  await ask(a.getPresence('alice', [BOB], ATTRIBUTES), '20', '21');
  await ask(a.subscribe('alice', [BOB], ATTRIBUTES), '24', '25');
  await noteNext(b, 'PresenceNotification', 0, '26');
  b.logIn('bob');
  b.publish('bob', { UserAvailability: 'DISCREET' });
  b.authorise('bob', '*', 'all');
  b.publish('bob', { StatusText: 'Tea & cake' });
  await noteNext(b, 'PresenceNotification', 1, '27');
  await ask(a.getPresence('alice', [BOB]), '22', '23');
  b.logOut('bob');
  await noteNext(b, 'PresenceNotification', 2, '28');
  await ask(a.unsubscribe('alice', [BOB]), '29');
  await ask(a.subscribe('alice', [NOBODY]), '', '30');

  await ask(a.join('alice', HIKERS, { screenName: 'Ally' }), '40', '41');
  await noteNext(b, 'GroupChangeNotice', 0, '42');
  const fromHome = b.postToGroup('bob', 'bob/hikers', 'Welcome');
  if (fromHome !== undefined) await note(b, a, fromHome, '45');
  await ask(a.join('amy', HIKERS, { screenName: 'Amy' }), '');
  await ask(a.sendMessage('alice', [{ groupId: HIKERS }], 'Hello hikers', { report: true }), '43', '44');
  await ask(a.sendMessage('alice', [{ groupId: HIKERS, screenName: 'Bobby' }], 'psst2'), '46');
  await ask(a.groupProps('alice', HIKERS), '47', '48');
  await ask(a.groupMembers('alice', HIKERS), '49');
  await ask(a.joinedUsers('alice', HIKERS), '50', '51');
  await ask(a.setGroupProps('alice', HIKERS, { Topic: 'T' }), '52');
  await ask(a.rejectList('alice', HIKERS), '53');
  await ask(a.groupSubStatus('alice', HIKERS), '54', '55');
  await ask(a.leave('alice', HIKERS), '56', '57');
  const [deleted] = b.deleteGroup('bob/hikers');
  if (deleted !== undefined) await note(b, a, deleted, '58');

  const invitation = { inviteId: 'inv-1', type: 'PR', invited: BOB, attributes: ['OnlineStatus'] } as const;
  await ask(a.invite('alice', { ...invitation, note: 'Look at me' }), '60');
  a.cancelInvite('alice', { inviteId: 'inv-2', type: 'IM', invited: BOB, note: 'too late' });
  await noteNext(a, 'CancelInviteRequest', 0, '61');
}

const files = present ? readdirSync(SAMPLES).filter((file) => file.startsWith('peer-ssp-')) : [];

describe.skipIf(!present)('the samples of SSP (skipped when ../shared/reference/samples is missing)', () => {
  beforeAll(async () => {
    const { a, b } = await startScene({}, { users: ['bob', { name: 'ben', client: 'rejects' }] });
    peers.push(a, b);
    await play(a, b);
  });

  afterAll(async () => {
    for (const peer of peers) await peer.stop();
  });

  it('are all there', () => expect(files.length).toBeGreaterThanOrEqual(46));

  it.each(files)('%s has the shape of what is written here', (file) => {
    const number = /^peer-ssp-(\d+)/.exec(file)?.[1] ?? '';
    const sample = readFileSync(new URL(file, SAMPLES), 'utf8');
    expect(shape(written.get(number) ?? 'nothing')).toBe(shape(sample));
  });
});
