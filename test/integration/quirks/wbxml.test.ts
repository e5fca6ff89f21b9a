// What real phones need of WBXML: client-quirks section 8, row by row. Octets are judged without the codec.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeXml } from '../../../src/access/csp/codec/xml.ts';
import { isCodecError } from '../../../src/access/csp/codec/codec.ts';
import { INTEGER_ELEMENTS } from '../../../src/access/csp/schema/tokens.ts';
import { childText } from '../../../src/wv/element.ts';
import { CSP_VERSIONS, NAMESPACES, type CspVersion } from '../../../src/wv/version.ts';
import { android, s60 } from '../../support/phone-messages.ts';
import { androidWbxml } from '../../support/phone-wbxml.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import { codeOf, drain, pollOnly, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { readTokens, tokensOf, type TokenDocument } from '../../support/wbxml-items.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

const PUBLIC_ID = { '1.1': 0x10, '1.2': 0x11, '1.3': 0x12 } as const;
const INTEGERS = new Set(INTEGER_ELEMENTS.trim().split(/\s+/));
const habitsOf = (version: CspVersion): Habits => ({ ...HABITS.androidWbxml, version });

/** The octets that a phone would post for this document. */
function octetsOf(xml: string, version: CspVersion): Buffer {
  const decoded = decodeXml(new TextEncoder().encode(xml));
  if (isCodecError(decoded)) throw decoded;
  return Buffer.from(androidWbxml(decoded.root, version));
}

/** Every kind of answer, as tokens. */
async function everything(version: CspVersion): Promise<TokenDocument[]> {
  const [ann, bea] = await scene.people('ann', 'bea');
  const friend = await scene.online(bea, HABITS.android);
  await friend.say(android.authorize(ann, true));
  const phone = await scene.online(ann, habitsOf(version));
  const list = ann.replace('@', '/~pep1.0_privatelist@');
  await phone.say(s60.capability(version === '1.1' ? HABITS.s60.clientId : ''));
  await phone.say(android.service());
  await phone.say(android.getBlockedList());
  await phone.say(android.block('wv:pest@wv.test'));
  await phone.say(android.getBlockedList());
  await phone.say(android.getList());
  await phone.say(android.addContact(list, bea, 'T'));
  await phone.say(android.subscribe(list));
  await friend.say(android.updateStatus('1.2', 'DISCREET', 'Open'));
  await phone.say(android.ownPresence(ann));
  await phone.say(android.sendMessage(ann, bea, 'hi'));
  const report = android.sendMessage(ann, bea, 'report').replace('Report>F<', 'Report>T<');
  await phone.say(report);
  await drain(friend);
  for (const text of ['T', 'Open', 'BASE64', 'text/plain', 'an ordinary one'])
    await friend.say(android.sendMessage(bea, ann, text));
  await drain(phone);
  await phone.say('<GetWatcherList-Request/>');
  await phone.say(android.keepAlive());
  return phone.heard.filter(({ body }) => body.length > 0).map(({ body }) => readTokens(body));
}

describe.each(CSP_VERSIONS)('wbxml of CSP %s', (version) => {
  it('MUST [A] header 03, one-octet public id of the request, UTF-8, empty string table', async () => {
    for (const { header } of await everything(version)) {
      expect(header).toEqual([0x03, PUBLIC_ID[version], 0x6a, 0x00]);
    }
  });

  it('MUST [A] the version suffix of every xmlns is one STR_I', async () => {
    const attributes = (await everything(version)).flatMap(({ elements }) =>
      elements.flatMap((element) => element.attributes),
    );
    expect(attributes.length).toBeGreaterThan(10);
    for (const [start, value] of attributes) {
      expect(start).toBeGreaterThanOrEqual(0x05);
      expect(start).toBeLessThanOrEqual(0x0d);
      expect(value.kind).toBe('STR_I');
      expect(value.octets.toString()).toBe(version);
    }
  });

  it('MUST [A] text is one STR_I or one value token; OPAQUE stands in integers only, without leading zeros', async () => {
    for (const { elements } of await everything(version)) {
      for (const { names, items } of elements) {
        expect(items.length, names.join()).toBeLessThanOrEqual(1);
        const [item] = items;
        if (item === undefined) continue;
        expect(['STR_I', 'EXT_T_0', 'OPAQUE'], names.join()).toContain(item.kind);
        const isInteger = names.some((name) => INTEGERS.has(name));
        expect(item.kind === 'OPAQUE', names.join()).toBe(isInteger);
        if (isInteger && item.octets.length !== 1) expect(item.octets[0], names.join()).not.toBe(0);
        if (isInteger) expect(item.octets.length, names.join()).toBeGreaterThan(0);
      }
    }
  });

  it('MUST [A] user text that equals a token stays text: no token in ContentData, Name, UserID or a StatusText', async () => {
    const documents = await everything(version);
    const kinds = (name: string) =>
      documents.flatMap((document) => tokensOf(document, name)).flatMap(({ items }) => items);
    const bodies = kinds('ContentData');
    expect(bodies.map(({ octets }) => octets.toString())).toEqual([
      'T',
      'Open',
      'BASE64',
      'text/plain',
      'an ordinary one',
    ]);
    for (const name of ['ContentData', 'UserID', 'SessionID', 'MessageID', 'TransactionID'])
      for (const { kind } of kinds(name)) expect(kind, name).toBe('STR_I');
    const nicknames = documents
      .flatMap((document) => tokensOf(document, 'Name'))
      .flatMap(({ items }) => items);
    expect(nicknames[0]).toMatchObject({ kind: 'STR_I' });
    expect(nicknames[0]?.octets.toString()).toBe('T');
  });

  it('MUST [A] DateTime is text in the basic form', async () => {
    const dates = (await everything(version)).flatMap((document) => [
      ...tokensOf(document, 'DateTime'),
      ...tokensOf(document, 'DeliveryTime'),
    ]);
    expect(dates.length).toBeGreaterThan(5);
    for (const { items } of dates) {
      expect(items[0]?.kind).toBe('STR_I');
      expect(items[0]?.octets.toString()).toMatch(/^\d{8}T\d{6}Z$/);
    }
  });

  it('[A] avoids the tags of 1.2 that its table lacks', async () => {
    const lacking = ['1:9', '2:10', '2:14', '2:19', '9:12', '9:13'];
    const sent = (await everything(version)).flatMap(({ elements }) =>
      elements.map(({ page, token }) => `${page}:${token}`),
    );
    for (const tag of lacking) expect(sent).not.toContain(tag);
  });

  it.each([
    ['as STR_I', (octets: string) => octets.replace('c3021c25', '033732303500')],
    ['as OPAQUE with leading zeros', (octets: string) => octets.replace('c3021c25', 'c30400001c25')],
    ['as OPAQUE', (octets: string) => octets],
  ])('TOLERATE an integer %s', async (_form, rewritten) => {
    const user = await scene.person();
    const phone = scene.phone(habitsOf(version));
    const login = phone.document(android.login(user, 'sesame', ''));
    const sent = octetsOf(login, version).toString('hex');
    expect(sent).toContain('c3021c25');
    const octets = rewritten(sent);
    const heard = await phone.post(Buffer.from(octets, 'hex'));
    expect(codeOf(heard)).toBe(200);
    expect(childText(heard.content, 'KeepAliveTime')).toBe('7205');
  });

  it.each([
    ['one zero octet', 'c30100'],
    ['no octet at all', 'c300'],
    ['text', '033000'],
  ])('TOLERATE zero as %s', async (_form, zero) => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habitsOf(version));
    const receiver = await scene.online(bea, HABITS.android);
    const document = phone.document(android.sendMessage(ann, bea, ''));
    const hex = octetsOf(document, version).toString('hex');
    expect(hex).toContain('c30100');
    expect(codeOf(await phone.post(Buffer.from(hex.replace('c30100', zero), 'hex')))).toBe(200);
    expect(texts((await drain(receiver))[0], 'ContentSize')).toEqual(['0']);
  });

  it('TOLERATE booleans as inline strings, elements without the content bit, and unknown LITERAL tags', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habitsOf(version));
    const receiver = await scene.online(bea, HABITS.android);
    const document = phone.document(android.sendMessage(ann, bea, 'plain'));
    const hex = octetsOf(document, version).toString('hex');
    // DeliveryReport (6:48) with the token F becomes an inline F.
    expect(hex).toContain('48800b01');
    const inline = hex.replace('48800b01', '4803460001');
    expect(codeOf(await phone.post(Buffer.from(inline, 'hex')))).toBe(200);
    // An unknown element `X` before DeliveryReport, its name in the string table.
    const literal = hex.replace(/^(.{6})00/, '$1025800').replace('48800b01', '4400033100014880' + '0b01');
    expect(codeOf(await phone.post(Buffer.from(literal, 'hex')))).toBe(200);
    expect(await drain(receiver)).toHaveLength(2);
    // Polling-Request (page 1, 0x22) as start with content and END, and without content at all.
    const poll = octetsOf(phone.document('<Polling-Request/>'), version).toString('hex');
    expect(poll).toMatch(/62010101/);
    const bare = poll.replace(/6201(?=0101)/, '22');
    expect(bare).not.toBe(poll);
    for (const octets of [poll, bare])
      expect((await phone.post(Buffer.from(octets, 'hex'))).body).toHaveLength(0);
  });

  it('TOLERATE DateTime as six OPAQUE octets', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habitsOf(version));
    const receiver = await scene.online(bea, HABITS.android);
    const dated = android
      .sendMessage(ann, bea, 'dated')
      .replace('</MessageInfo>', '<DateTime>20080522T105500Z</DateTime></MessageInfo>');
    const hex = octetsOf(phone.document(dated), version).toString('hex');
    const text = `03${Buffer.from('20080522T105500Z').toString('hex')}00`;
    expect(hex).toContain(text);
    // 2008-05-22 10:55:00 Z: year 12 bits, month 4, day 5, hour 5, minute 6, second 6, zone letter.
    const bits = [2008, 5, 22, 10, 55, 0].map((value, at) =>
      value.toString(2).padStart([14, 4, 5, 5, 6, 6][at] ?? 0, '0'),
    );
    const octets = (bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
    const opaque = Buffer.from([0xc3, 6, ...octets, 0x5a]).toString('hex');
    expect(codeOf(await phone.post(Buffer.from(hex.replace(text, opaque), 'hex')))).toBe(200);
    expect(texts((await drain(receiver))[0], 'DateTime')).toEqual(['20080522T105500Z']);
  });

  it("MUST TOLERATE [A]'s modified UTF-8: surrogates become real characters, and go out as proper UTF-8", async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const phone = await scene.online(ann, habitsOf(version));
    const receiver = await scene.online(bea, habitsOf(version));
    const document = phone.document(android.sendMessage(ann, bea, 'smile 😀'));
    expect(octetsOf(document, version).toString('hex')).toContain('eda0bdedb880');
    expect(codeOf(await phone.post(octetsOf(document, version)))).toBe(200);
    const heard = await pollOnly(receiver);
    const [body] = tokensOf(readTokens(heard.body), 'ContentData');
    expect(body?.items[0]?.octets).toEqual(Buffer.from('smile 😀', 'utf8'));
  });

  it("TOLERATE libwbxml's public id in the string table, and answers with the one-octet one", async () => {
    const phone = scene.phone(habitsOf(version));
    const name = { '1.1': '-//OMA//DTD WV-CSP 1.1//EN', '1.2': '-//OMA//DTD WV-CSP 1.2//EN' };
    const publicId = version === '1.3' ? '-//OMA//DTD IMPS-CSP 1.3//EN' : name[version];
    const table = Buffer.from(`${publicId}\0`);
    const login = octetsOf(phone.document(android.login(await scene.person(), 'sesame', '')), version);
    const heard = await phone.post(
      Buffer.concat([Buffer.from([0x03, 0x00, 0x00, 0x6a, table.length]), table, login.subarray(4)]),
    );
    expect(codeOf(heard)).toBe(200);
    expect(readTokens(heard.body).header).toEqual([0x03, PUBLIC_ID[version], 0x6a, 0x00]);
  });

  it('[S] takes a value token that begins a text, with the rest inline', async () => {
    const phone = await scene.online(await scene.person(), habitsOf(version));
    const document = phone.document(s60.capability('<ClientID><URL>PLACE</URL></ClientID>'));
    const hex = octetsOf(document, version).toString('hex');
    const place = `03${Buffer.from('PLACE').toString('hex')}00`;
    expect(hex).toContain(place);
    const split = `800e03${Buffer.from('im.example/').toString('hex')}00`;
    const heard = await phone.post(Buffer.from(hex.replace(place, split), 'hex'));
    expect(heard.content?.name).toBe('ClientCapability-Response');
    if (version === '1.1') expect(texts(heard.content, 'URL')).toEqual(['http://im.example/']);
  });
});

describe('wbxml', () => {
  it('[A] the namespace decides where the public id says something else', async () => {
    const phone: Phone = scene.phone(habitsOf('1.2'));
    const login = phone.document(android.login(await scene.person(), 'sesame', ''));
    const octets = octetsOf(login, '1.2');
    octets[1] = 0x10;
    const heard = await phone.post(octets);
    expect(codeOf(heard)).toBe(200);
    expect(heard.root?.xmlns).toBe(NAMESPACES['1.2'].session);
  });
});
