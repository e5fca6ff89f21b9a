// The client library against the whole house, in every version and encoding: what two people with phones do.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WvClient, type WvClientOptions } from '../../src/client/client.ts';
import { nodeDigest } from '../../src/client/node-digest.ts';
import { stcp } from '../../src/client/stcp.ts';
import { configSchema } from '../../src/config.ts';
import { startHouse, type House } from '../../src/gateway.ts';
import { simple } from '../../src/wv/presence.ts';
import { HABITS, Phone } from '../support/phone.ts';
import { android, digestFor, movistar } from '../support/phone-messages.ts';
import { SILENT_LOG } from '../unit/cir/sockets.ts';
import { header } from '../support/phone-http.ts';

let house: House;
let data: string;
let numbered = 0;
const clients: WvClient[] = [];
const phones: Phone[] = [];

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), 'wvgate-client-'));
  const config = configSchema.parse({
    domain: 'im.example',
    data,
    listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 } },
    login: { userBurst: 1000, sourceBurst: 1000 },
  });
  house = await startHouse({ config, log: SILENT_LOG });
});

afterEach(async () => {
  for (const client of clients.splice(0)) await client.logout();
  for (const phone of phones.splice(0)) phone.close();
});

afterAll(async () => {
  await house.stop();
  rmSync(data, { recursive: true, force: true });
});

/** Two accounts that no other test has seen. */
async function people(): Promise<{ ann: string; bea: string }> {
  numbered += 1;
  const [ann, bea] = [`ann${numbered}`, `bea${numbered}`];
  for (const name of [ann, bea]) await house.accounts.create({ name, password: 'sesame' });
  return { ann: `wv:${ann}@im.example`, bea: `wv:${bea}@im.example` };
}

async function online(user: string, options: Partial<WvClientOptions> = {}): Promise<WvClient> {
  const client = new WvClient({
    url: `http://127.0.0.1:${house.addresses.csp.port}/csp`,
    user,
    password: 'sesame',
    pollSeconds: 0,
    cirPollSeconds: 0,
    cir: stcp(),
    ...options,
  });
  clients.push(client);
  await client.connect();
  return client;
}

const VARIANTS = (['1.1', '1.2', '1.3'] as const).flatMap((version) =>
  (['xml', 'wbxml'] as const).map((encoding) => ({ version, encoding })),
);

describe.each(VARIANTS)('CSP $version in $encoding', (variant) => {
  it('carries a message to a client that is called over TCP, with a report', async () => {
    const { ann, bea } = await people();
    const [a, b] = [await online(ann, variant), await online(bea, variant)];
    const [message, report] = [b.next('message'), a.next('report')];
    const sent = await a.sendMessage({ to: { user: bea }, content: ' Grüße <&> 😀\n', deliveryReport: true });
    expect(await message).toMatchObject({ id: sent.id, from: { user: ann }, text: ' Grüße <&> 😀\n' });
    expect(await report).toMatchObject({ outcome: { code: 200 }, message: { id: sent.id } });
  });

  it('shows presence after the watched user agreed', async () => {
    const { ann, bea } = await people();
    const [a, b] = [await online(ann, variant), await online(bea, variant)];
    const asked = b.next('authorization');
    await a.subscribe({ users: [bea], attributes: ['OnlineStatus', 'StatusText'] });
    if (variant.version !== '1.3') expect((await asked).user).toBe(ann);
    const seen = a.next('presence', ({ attributes }) => attributes.StatusText?.value === 'on the train');
    if (variant.version === '1.3')
      await b.createAttributeList(['OnlineStatus', 'StatusText'], { users: [ann] });
    else await b.answerAuthorization(ann, true);
    await b.updatePresence({ StatusText: simple('on the train') });
    expect(await seen).toMatchObject({ user: bea });
    expect((await b.getWatchers()).map(({ user }) => user)).toContain(ann);
    await a.unsubscribe({ users: [bea] });
  });

  it('keeps lists, attribute lists and blocks', async () => {
    const { ann, bea } = await people();
    const [a, b] = [await online(ann, variant), await online(bea, variant)];
    const list = ann.replace('@', '/pals@');
    expect(
      (await a.createList(list, { contacts: [{ user: bea, name: 'Bea' }], displayName: 'Pals' })).code,
    ).toBe(200);
    expect((await a.getLists()).lists).toContain(list);
    expect((await a.manageList(list)).contacts).toEqual([{ user: bea, name: 'Bea' }]);
    expect((await a.manageList(list, { remove: [bea] })).contacts).toEqual([]);
    await expect(a.createList(list)).rejects.toMatchObject({ code: 701 });
    await a.createAttributeList(['OnlineStatus'], { users: [bea] });
    expect((await a.getAttributeLists()).lists).toContainEqual({ user: bea, attributes: ['OnlineStatus'] });
    await a.deleteAttributeList({ users: [bea] });
    await a.deleteList(list);
    await a.block(bea);
    expect((await a.getBlocked()).block).toMatchObject({ inUse: true, users: [bea] });
    await expect(b.sendMessage({ to: { user: ann }, content: 'hi' })).rejects.toMatchObject({ code: 532 });
    await a.unblock(bea);
    expect((await b.sendMessage({ to: { user: ann }, content: 'hi' })).outcome.code).toBe(200);
  });

  it('invites, answers and cancels', async () => {
    const { ann, bea } = await people();
    const [a, b] = [await online(ann, variant), await online(bea, variant)];
    const asked = b.next('invitation');
    const offer = { type: 'PR', attributes: ['StatusText'], note: 'Look at me', validity: 60 } as const;
    expect((await a.invitations.invite('i1', { user: bea }, offer)).code).toBe(200);
    const invitation = await asked;
    const seen = {
      id: 'i1',
      type: 'PR',
      from: { user: ann },
      attributes: ['StatusText'],
      note: 'Look at me',
    };
    expect(invitation).toMatchObject(seen);
    const answered = a.next('invitationAnswer');
    await b.invitations.answer(invitation, true, 'Gladly');
    expect(await answered).toMatchObject({ id: 'i1', accepted: true, from: { user: bea }, note: 'Gladly' });
    await expect(b.invitations.answer(invitation, true)).rejects.toMatchObject({ code: 423 });
    const again = b.next('invitation');
    await a.invitations.invite('i2', { user: bea }, { type: 'IM' });
    await again;
    const cancelled = b.next('invitationCancelled');
    await a.invitations.cancel('i2', [], 'Too late');
    expect(await cancelled).toMatchObject({ id: 'i2', from: { user: ann }, note: 'Too late' });
    await expect(a.invitations.cancel('i2')).rejects.toMatchObject({ code: 423 });
  });

  it('delivers a message once whose first answer was lost', async () => {
    const { ann, bea } = await people();
    let lose = true;
    const fetch: typeof globalThis.fetch = async (url, init) => {
      const response = await globalThis.fetch(url, init);
      const text = Buffer.from(await response.clone().arrayBuffer()).toString('latin1');
      const lost = lose && text.includes('lost-marker');
      if (!lost) return response;
      lose = false;
      throw new TypeError('the answer was lost');
    };
    // Only the answer to the message names who does not exist.
    const a = await online(ann, { ...variant, fetch });
    const b = await online(bea, variant);
    const texts: string[] = [];
    b.on('message', ({ text }) => texts.push(text));
    const last = b.next('message', ({ text }) => text === 'end');
    const to = [{ user: bea }, { user: 'wv:lost-marker@im.example' }];
    const sent = await a.sendMessage({ to, content: 'once', repeatable: true });
    expect(lose).toBe(false);
    expect(sent.outcome.code).toBe(201);
    await a.sendMessage({ to: { user: bea }, content: 'end' });
    await last;
    expect(texts).toEqual(['once', 'end']);
  });

  it('announces messages to a client that fetches them', async () => {
    const { ann, bea } = await people();
    const [a, b] = [await online(ann, variant), await online(bea, { ...variant, deliveryMethod: 'N' })];
    const note = b.next('notification');
    const sent = await a.sendMessage({ to: { user: bea }, content: 'fetch me' });
    expect((await note).id).toBe(sent.id);
    expect((await b.getMessages()).map(({ id }) => id)).toEqual([sent.id]);
    expect((await b.getMessage(sent.id ?? '')).text).toBe('fetch me');
    expect(await b.getMessages()).toEqual([]);
  });

  it('logs in by digest, says who the provider is, keeps alive', async () => {
    const { ann } = await people();
    const a = await online(ann, { ...variant, login: '4-way', digest: nodeDigest });
    expect((await a.getSPInfo()).name).toBe('wvgate');
    expect(await a.keepAlive(600)).toBe(600);
    const wrong = online(ann, { ...variant, login: '4-way', password: 'wrong' });
    await expect(wrong).rejects.toMatchObject({ code: 409 });
  });
});

describe('scripted phones', () => {
  it.each(['android', 'androidWbxml', 's60', 'razr'] as const)(
    '%s logs in by digest and talks',
    async (family) => {
      const { ann, bea } = await people();
      const a = await online(ann);
      const phone = new Phone(house.addresses.csp.port, HABITS[family]);
      phones.push(phone);
      const { clientId, version } = phone.habits;
      const challenge = await phone.say(android.loginChallenge(bea.toUpperCase(), clientId), { id: '1' });
      const digest = digestFor(challenge.content, 'sesame');
      await phone.say(android.loginDigest(bea, clientId, digest), { id: '1' });
      expect(phone.sessionId).not.toBe('');
      await phone.say(android.capability());
      expect((await phone.say(android.service())).xml).toContain('WVCSPFeat');
      expect((await phone.say(android.ownPresence(bea))).xml).toContain('PresenceSubList');
      await phone.say(android.updateClientInfo(version));
      const told = a.next('message');
      await phone.say(android.sendMessage(bea, ann, 'Open 😀'));
      expect((await told).text).toBe('Open 😀');
      await a.sendMessage({ to: { user: bea }, content: 'T' });
      const heard = await phone.poll();
      expect(heard.xml).toContain('<ContentData>T</ContentData>');
      expect(heard.chunked).toBe(false);
      const empty = await phone.poll();
      expect(header(empty, 'content-length')).toBe('0');
      expect(phone.connection.opened).toBe(1);
    },
  );

  it.each(['movistarPython', 'movistarPhp', 'movistarCsharp', 'movistarJ2me'] as const)(
    '%s talks and survives its own broken request',
    async (family) => {
      const { ann, bea } = await people();
      const a = await online(ann);
      const phone = new Phone(house.addresses.csp.port, HABITS[family]);
      phones.push(phone);
      const { clientId, version } = phone.habits;
      const list = bea.replace('@', '/~pep1.0_subscriptions@');
      await phone.say(movistar.login(bea, 'sesame', clientId));
      await phone.say(movistar.capability(clientId));
      await phone.say(movistar.service(clientId));
      expect((await phone.say(movistar.ownPresence(bea))).xml).toContain('<Alias>');
      await phone.say(movistar.updatePresence(version));
      await phone.say(movistar.createList(list));
      await phone.say(movistar.subscribe(list, version));
      expect((await phone.say(movistar.getList())).xml).toContain(list);
      const broken = await phone.post(movistar.broken(phone.document(movistar.addContact(list, ann, 'Ann'))));
      expect(broken.status).toBe(200);
      const told = a.next('message');
      await phone.say(movistar.sendMessage(bea, ann, '<b>hi</b>'));
      expect(await told).toMatchObject({ text: '<b>hi</b>', contentType: 'text/html', from: { user: bea } });
      await a.sendMessage({ to: { user: bea }, content: 'one' });
      expect((await phone.poll()).xml).toContain('<ContentData>one</ContentData>');
    },
  );
});
