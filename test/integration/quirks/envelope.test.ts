// What real phones need of the envelope: client-quirks section 2, row by row.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { child, childText } from '../../../src/wv/element.ts';
import { CSP_VERSIONS, NAMESPACES } from '../../../src/wv/version.ts';
import { ANDROIDS } from '../../support/csp-variants.ts';
import { android, movistar, s60 } from '../../support/phone-messages.ts';
import { HABITS, type Habits, type Phone } from '../../support/phone.ts';
import {
  all,
  codeOf,
  detailsOf,
  drain,
  named,
  pollOnly,
  startScene,
  texts,
  type Scene,
} from '../../support/phone-scene.ts';
import { readTokens, tokensOf } from '../../support/wbxml-items.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await startScene();
});
afterEach(() => scene.closePhones());
afterAll(() => scene.stop());

/** Everything a client hears at its start, a message included. */
async function startOfSession(habits: Habits): Promise<Phone> {
  const [user, friend] = await scene.people('ann', 'bea');
  const phone = await scene.online(user, habits);
  await phone.say(android.capability());
  await phone.say(android.service());
  await phone.say(android.ownPresence(user));
  await phone.say(android.getBlockedList());
  await phone.say(android.getList());
  const list = user.replace('@', '/~pep1.0_privatelist@');
  await phone.say(android.addContact(list, friend, ''));
  await phone.say(android.sendMessage(user, user, 'to myself'));
  await phone.poll();
  await phone.say('<GetMap-Request/>');
  return phone;
}

describe.each(ANDROIDS)('envelope of CSP %s in %s', (version, _encoding, habits) => {
  it('MUST [C] has the exact namespaces of the version on their three elements, and on no other', async () => {
    const phone = await startOfSession(habits);
    const { session, transaction, presence } = NAMESPACES[version];
    const places = { 'WV-CSP-Message': session, TransactionContent: transaction, PresenceSubList: presence };
    for (const heard of phone.heard) {
      for (const [name, namespace] of Object.entries(places)) {
        for (const element of all(heard.root, name)) expect(element.xmlns).toBe(namespace);
      }
      const walk = [heard.root].flatMap(function every(element): NonNullable<typeof element>[] {
        return element === undefined ? [] : [element, ...element.children.flatMap(every)];
      });
      for (const element of walk) {
        expect(element.attributes).toBeUndefined();
        if (!(element.name in places)) expect(element.xmlns, element.name).toBeUndefined();
      }
    }
  });

  it('[S] is Outband without SessionID before login, Inband with exactly its SessionID after', async () => {
    const phone = await startOfSession(habits);
    const [login, ...others] = phone.heard.filter(({ root }) => root !== undefined);
    const descriptor = (root: Parameters<typeof child>[0]) =>
      child(child(root, 'Session'), 'SessionDescriptor');
    expect(childText(descriptor(login?.root), 'SessionType')).toBe('Outband');
    expect(child(descriptor(login?.root), 'SessionID')).toBeUndefined();
    for (const { root } of others) {
      expect(childText(descriptor(root), 'SessionType')).toBe('Inband');
      expect(childText(descriptor(root), 'SessionID')).toBe(phone.sessionId);
    }
  });

  it('[S] keeps ids within 50 characters', async () => {
    const phone = await startOfSession(habits);
    for (const { root } of phone.heard) {
      for (const name of ['SessionID', 'TransactionID', 'UserID', 'MessageID']) {
        for (const id of texts(root, name)) expect(id.length).toBeLessThanOrEqual(50);
      }
    }
  });

  it('says Request in its own transactions, Response in answers, with ids that share no space', async () => {
    const phone = await startOfSession(habits);
    const came = phone.heard.flatMap(({ transactions }) => transactions);
    const own = came.filter(({ mode }) => mode === 'Request');
    expect(own.map(({ content }) => content?.name)).toEqual(['NewMessage']);
    for (const { id } of own) expect(id).not.toMatch(/^\d{1,3}$/);
    expect(came.filter(({ mode }) => mode !== 'Request').every(({ mode }) => mode === 'Response')).toBe(true);
  });

  it('MUST [A,S] says exactly 200 for success, with a Description, never 201 or 202', async () => {
    const phone = await startOfSession(habits);
    const codes = phone.heard.flatMap(({ root }) => all(root, 'Result').map((it) => childText(it, 'Code')));
    expect(new Set(codes)).toEqual(new Set(['200', '501']));
    const described = phone.heard.flatMap(({ root }) => all(root, 'Result'));
    for (const result of described) expect(childText(result, 'Description')).not.toBe('');
  });

  it('MUST [A] never says CIR, whose F tears its channel down', async () => {
    const phone = await startOfSession(habits);
    expect(phone.heard.flatMap(({ root }) => all(root, 'CIR'))).toEqual([]);
  });

  it('MUST [A] sends one transaction a message to who asked MultiTrans 1', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, habits);
    const phone = await scene.online(bea, habits, { capability: android.capability() });
    for (const text of ['one', 'two', 'three']) await sender.say(android.sendMessage(ann, bea, text));
    const came = await drain(phone);
    expect(came.map((message) => childText(message, 'ContentData'))).toEqual(['one', 'two', 'three']);
    expect(phone.heard.every(({ transactions }) => transactions.length <= 1)).toBe(true);
  });

  it('[S] sends several transactions to who asked MultiTrans 3', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, habits);
    // Not as the Android it would be by its names: that gets one a message, whatever it asks.
    const plain = { ...habits, headers: [], clientId: '<ClientID><URL>plain</URL></ClientID>' };
    const phone = await scene.online(bea, plain, { capability: s60.capability('') });
    for (const text of ['one', 'two', 'three', 'four']) await sender.say(android.sendMessage(ann, bea, text));
    const heard = await pollOnly(phone);
    expect(heard.transactions.map(({ content }) => childText(content, 'ContentData'))).toEqual([
      'one',
      'two',
      'three',
    ]);
    expect(heard.poll).toBe(true);
  });

  it('MUST [A,S] Poll is T on any answer while something is queued, F when nothing is', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, habits);
    const phone = await scene.online(bea, habits);
    expect(texts((await phone.say(android.capability())).root, 'Poll')).toEqual(['F']);
    await sender.say(android.sendMessage(ann, bea, 'one'));
    await sender.say(android.sendMessage(ann, bea, 'two'));
    expect((await phone.say(android.service())).poll).toBe(true);
    expect((await phone.say(android.keepAlive())).poll).toBe(true);
    const first = await pollOnly(phone);
    expect(first.content?.name).toBe('NewMessage');
    expect(first.poll).toBe(true);
    const [second] = await phone.acknowledge(first);
    expect(second?.content?.name).toBe('NewMessage');
    expect(texts(second?.root, 'Poll')).toEqual(['F']);
    if (second !== undefined) await phone.acknowledge(second);
    expect(texts((await phone.say(android.keepAlive())).root, 'Poll')).toEqual(['F']);
  });

  it('[A] takes a TransactionID again after 999, without dropping what it carries', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, habits);
    const phone = await scene.online(bea, habits);
    for (const text of ['first', 'again']) {
      const heard = await sender.say(android.sendMessage(ann, bea, text), { id: '1' });
      expect(codeOf(heard)).toBe(200);
      expect(heard.transactions[0]?.id).toBe('1');
    }
    expect((await drain(phone)).map((message) => childText(message, 'ContentData'))).toEqual([
      'first',
      'again',
    ]);
  });

  it('[P,H,J] takes the same series of ids again on each connect', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    for (const text of ['one', 'two']) {
      const sender = await scene.online(ann, habits);
      expect(codeOf(await sender.say(android.sendMessage(ann, bea, text), { id: '2' }))).toBe(200);
    }
    const phone = await scene.online(bea, habits);
    expect(await drain(phone)).toHaveLength(2);
  });

  it('[S] echoes a TransactionID letter by letter', async () => {
    const phone = await scene.online(await scene.person(), habits);
    for (const id of ['aB-1', 'Ab-1', '0017'])
      expect((await phone.say(android.keepAlive(), { id })).transactions[0]?.id).toBe(id);
  });

  it('TOLERATE [A] a missing TransactionMode is a request', async () => {
    const phone = await scene.online(await scene.person(), habits);
    const document = phone.document(android.keepAlive());
    const heard = await phone.post(document.replace('<TransactionMode>Request</TransactionMode>', ''));
    expect(heard.transactions[0]).toMatchObject({ mode: 'Response' });
    expect(codeOf(heard)).toBe(200);
  });

  it('TOLERATE indentation and CRLF between elements', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, { ...habits, lineBreak: '\r\n    ' });
    expect(codeOf(await phone.say(android.ownPresence(user).replaceAll('><', '>\r\n\t<')))).toBe(200);
  });
});

describe('envelope in XML', () => {
  it.each(CSP_VERSIONS)(
    'MUST [J,M] CSP %s has no prefixes, no other attributes and no white space between elements',
    async (version) => {
      const phone = await startOfSession({ ...HABITS.android, version });
      for (const { body } of phone.heard) {
        if (body.length === 0) continue;
        const text = body.toString('utf8').replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>/, '');
        expect(text).not.toMatch(/>\s+</);
        expect(text).not.toMatch(/<\/?[\w.-]+:/);
        expect(text).not.toMatch(/xmlns:/);
        const attributed = [...text.matchAll(/<([\w.-]+) ([^>]*)>/g)].map(([, name, rest]) => [name, rest]);
        for (const [name, rest] of attributed) {
          expect(['WV-CSP-Message', 'TransactionContent', 'PresenceSubList']).toContain(name);
          expect(rest).toMatch(/^xmlns="[^" ]+"$/);
        }
      }
    },
  );

  it('MUST [C,H,J] has every tag as the literal clients search for', async () => {
    const phone = await scene.online(await scene.person(), HABITS.android);
    expect(phone.heard[0]?.body.toString('utf8')).toMatch(/<SessionID>[^<]+<\/SessionID>/);
    const heard = await phone.say(android.getList());
    expect(heard.body.toString('utf8')).toContain('<TransactionMode>Response</TransactionMode>');
    expect(heard.body.toString('utf8')).toContain(
      `<TransactionContent xmlns="${NAMESPACES['1.2'].transaction}">`,
    );
  });

  it('MUST [J,M] escapes only & and < in text', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.android);
    const phone = await scene.online(bea, HABITS.movistarJ2me);
    await sender.say(android.sendMessage(ann, bea, `<b>"5 > 3" & it's</b>`));
    expect((await pollOnly(phone)).body.toString('utf8')).toContain(
      `<ContentData>&lt;b>"5 > 3" &amp; it's&lt;/b></ContentData>`,
    );
  });

  it('MUST [A] has no mixed content', async () => {
    const phone = await startOfSession(HABITS.android);
    for (const { root } of phone.heard) {
      const mixed = [root].flatMap(function every(element): string[] {
        if (element === undefined) return [];
        const own = element.text !== '' && element.children.length > 0 ? [element.name] : [];
        return [...own, ...element.children.flatMap(every)];
      });
      expect(mixed).toEqual([]);
    }
  });

  it.each([
    ['an XML declaration', { declaration: true }],
    ['no XML declaration [A]', { declaration: false }],
    ['xmlns:xsd and xmlns:xsi on the root [C]', { rootAttributes: HABITS.movistarCsharp.rootAttributes }],
    ['line breaks and indentation [C]', { lineBreak: HABITS.movistarCsharp.lineBreak }],
  ] as const)('TOLERATE %s', async (_what, oddity) => {
    const user = await scene.person();
    const phone = await scene.online(user, { ...HABITS.android, ...oddity });
    expect(codeOf(await phone.say(android.ownPresence(user)))).toBe(200);
  });

  it('TOLERATE an element of another namespace in ClientInfo, and ColibriaExtensions', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, HABITS.movistarCsharp);
    const agreed = await phone.say(movistar.capability(phone.habits.clientId));
    expect(agreed.content?.children[0]?.name).toBe('AgreedCapabilityList');
    expect(agreed.xml).not.toContain('Colibria');
    expect(codeOf(await phone.say(movistar.updatePresence('1.2')))).toBe(200);
  });

  it('[C] puts Result into the response, or into Status, and details beside it', async () => {
    const user = await scene.person();
    const phone = await scene.online(user, HABITS.android);
    const sent = await phone.say(android.sendMessage(user, 'wv:nobody@wv.test', 'hi'));
    expect(sent.content?.name).toBe('SendMessage-Response');
    expect(detailsOf(sent)).toEqual(['531 wv:nobody@wv.test']);
    expect((await phone.say(android.block('wv:x@wv.test'))).content?.name).toBe('Status');
  });
});

describe('envelope in WBXML', () => {
  it('TOLERATE [A] the Poll flag wherever it stands outside TransactionContent', async () => {
    const phone = await startOfSession({ ...HABITS.androidWbxml, version: '1.1' });
    const last = phone.heard.at(-1);
    const names = readTokens(last?.body ?? new Uint8Array()).elements.map((element) => element.names[0]);
    // 1.1: inside TransactionDescriptor. Later versions: behind the transactions.
    expect(names.indexOf('Poll')).toBe(names.indexOf('TransactionID') + 1);
    const later = await startOfSession({ ...HABITS.androidWbxml, version: '1.2' });
    const document = readTokens(later.heard.at(-1)?.body ?? new Uint8Array());
    expect(document.elements.at(-1)?.names).toContain('Poll');
    expect(tokensOf(document, 'CIR')).toEqual([]);
  });

  it('delivers the message that a poll brings with its ids', async () => {
    const [ann, bea] = await scene.people('ann', 'bea');
    const sender = await scene.online(ann, HABITS.androidWbxml);
    const phone = await scene.online(bea, HABITS.androidWbxml);
    const sent = await sender.say(android.sendMessage(ann, bea, 'hi'));
    const message = named(await drain(phone), 'NewMessage');
    expect(texts(message, 'MessageID')).toEqual(texts(sent.content, 'MessageID'));
  });
});
