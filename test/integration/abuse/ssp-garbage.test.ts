// Octets that are no SSP document, or nearly one, inside and outside of a session, and every primitive with every part
// of it missing, empty, repeated, too long or of another type: a clear status each, and one line in the log.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Chance } from '../../support/abuse.ts';
import { HostileScene, latency, type Pair } from '../../support/ssp/hostile-scene.ts';
import {
  envelope,
  loginStep,
  sessionStep,
  setup,
  tokenStep,
  transaction,
  type Hostile,
} from '../../support/ssp/hostile.ts';
import { distorted } from '../../support/ssp/distorted.ts';
import { SSP_REQUESTS } from '../../support/ssp/ssp-requests.ts';
import { STATUS } from '../../../src/wv/status.ts';

let scene: HostileScene;
let mallory: Hostile;
let pair: Pair;

beforeAll(async () => {
  scene = await HostileScene.start({
    hostile: { 'mallory.test': { limits: { requestsPerSecond: 100_000, burst: 100_000, open: 10_000 } } },
  });
  mallory = scene.peer('mallory.test');
  pair = await scene.pair();
  await mallory.login();
}, 30_000);
afterEach(async () => {
  expect(await latency(pair)).toBeLessThan(10_000);
  scene.expectNoFaults();
  expect(Math.max(...scene.log.lines.map(({ length }) => length))).toBeLessThan(4_000);
});
afterAll(() => scene.stop());

/** The lines that a document brought, above level debug. */
async function linesOf(post: () => Promise<unknown>): Promise<number> {
  const before = loud();
  await post();
  return loud() - before;
}

const loud = (): number => scene.log.entries().filter(({ level }) => Number(level) > 20).length;

const session = (inside: string): string =>
  envelope(`<Session sessionID="${mallory.sessionId}">${inside}</Session>`);
const entities = (depth: number): string =>
  `<!DOCTYPE x [<!ENTITY e0 "ha">${Array.from({ length: depth }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')}]>`;
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');

describe('what is no document', () => {
  const cases: Record<string, () => string | Uint8Array> = {
    nothing: () => '',
    'a word': () => 'hello',
    'an unclosed root': () => session('').slice(0, -5),
    'two roots': () => session('') + session(''),
    'another root': () => session('').replaceAll('WV-SSP-Message', 'WV-CSP-Message'),
    'an entity bomb': () => `${entities(20)}${session('<a>&e20;</a>')}`,
    'a DTD with an external entity': () =>
      `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${session('<a>&f;</a>')}`,
    'a parameter entity': () => `<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>${session('')}`,
    'an entity that nobody defined': () => session('<a>&nbsp;</a>'),
    '100,000 levels': () => session('<a>'.repeat(100_000)),
    '65 levels': () => session(`${'<a>'.repeat(65)}${'</a>'.repeat(65)}`),
    '100,000 attributes': () =>
      session(`<a${Array.from({ length: 100_000 }, (_, n) => ` b${n}=""`).join('')}/>`),
    'an attribute twice': () => session('<a b="1" b="2"/>'),
    'invalid UTF-8': () => Buffer.concat([Buffer.from(session('<a>')), Buffer.from([0xc3, 0x28, 0xff])]),
    'UTF-16': () => utf16(session('')),
    'UTF-16 that says so': () => utf16(`<?xml version="1.0" encoding="UTF-16"?>${session('')}`),
    'another encoding': () => `<?xml version="1.0" encoding="ISO-8859-1"?>${session('')}`,
    'a NUL': () => session('<a>\u0000</a>'),
    'a NUL by number': () => session('<a>&#0;</a>'),
    'a lone surrogate by number': () => session('<a>&#xD800;</a>'),
    'a lone surrogate as octets': () =>
      Buffer.concat([Buffer.from(session('')), Buffer.from([0xed, 0xa0, 0x80])]),
    'CDATA that never ends': () => session('<a><![CDATA[x</a>'),
    'a comment that never ends': () => session('<!-- x'),
    'two sessions': () => envelope('<Session sessionID="a"/><Session sessionID="b"/>'),
    'a session and a set-up': () => envelope('<Session sessionID="a"/><SetupTransaction mode="Request"/>'),
    'no session': () => envelope(''),
    'a session without an id': () => envelope('<Session/>'),
    'a set-up without a step': () => setup('Request', '1', ''),
    'a set-up with two steps': () => setup('Request', '1', sessionStep('a') + sessionStep('b')),
    'a set-up of no mode': () => setup('Rekwest', '1', sessionStep('a')),
    'an unknown step': () => setup('Request', '1', '<RedirectRequest/>'),
    'a token that is empty': () => setup('Request', '1', tokenStep('mallory.test', ' ')),
    'a token of 10 kB': () => setup('Request', '1', tokenStep('mallory.test', 'A'.repeat(10_000))),
    'a token that is no BASE64': () => setup('Request', '1', tokenStep('mallory.test', '{}')),
    'a set-up id of 10 kB': () => setup('Request', 'x'.repeat(10_000), tokenStep('mallory.test', 'AAAA')),
    'a digest that is empty': () => setup('Request', '1', loginStep('mallory.test', '')),
    'a session id of 10 kB': () => setup('Request', '1', sessionStep('x'.repeat(10_000))),
    'no domain': () => setup('Request', '1', tokenStep('', 'AAAA')),
    'a domain of 10 kB': () => setup('Request', '1', tokenStep('x'.repeat(10_000), 'AAAA')),
    'a domain that is a path': () => setup('Request', '1', tokenStep('../../etc', 'AAAA')),
  };

  it.each(Object.entries(cases))('%s is answered 400, with one line', async (_what, document) => {
    expect(await linesOf(async () => expect(await mallory.post(document())).toBe(400))).toBe(1);
  });

  it('of another content type is answered 415; any path is as good as another', async () => {
    expect(await mallory.post(session(''), { type: 'application/octet-stream' })).toBe(415);
    expect(await mallory.post(session(''), { path: '/../../x?y=%00' })).toBe(200);
  });

  it('that is cut anywhere is answered 400', async () => {
    const whole = Buffer.from(session(transaction('Request', '1', '<KeepAliveRequest/>')));
    for (let length = 0; length < whole.length; length += 3)
      expect(await mallory.post(whole.subarray(0, length)), `${length} octets`).toBe(400);
  });

  it('that is damaged is answered, whatever it came to mean', async () => {
    const chance = new Chance(4);
    const them = claims();
    const whole = Object.values(SSP_REQUESTS).map((write, n) =>
      Buffer.from(session(transaction('Request', `d${n}`, write(them)))),
    );
    for (let n = 0; n < 600; n += 1)
      expect([200, 400, 403]).toContain(await mallory.post(chance.damaged(chance.pick(whole))));
  });
});

describe('what is XML, and odd', () => {
  const keepAlive = '<KeepAliveRequest/>';
  const cases: Record<string, (id: string) => string> = {
    'prefixes everywhere': (id) =>
      `<s:WV-SSP-Message xmlns:s="http://x/WV-SSP1.3"><s:Session sessionID="${mallory.sessionId}"><s:Transaction mode="Request" transactionID="${id}"><s:KeepAliveRequest/></s:Transaction></s:Session></s:WV-SSP-Message>`,
    'another namespace inside': (id) =>
      session(transaction('Request', id, '<KeepAliveRequest xmlns="urn:other"/>')),
    'attributes of another vocabulary': (id) =>
      session(
        `<Transaction xmlns:e="urn:e" e:mode="Response" e:transactionID="other" mode="Request" transactionID="${id}">${keepAlive}</Transaction>`,
      ),
    'comments and instructions': (id) =>
      `<?xml version="1.0"?><!-- <Session sessionID="x"> -->${session(`<!-- x --><?y z?>${transaction('Request', id, `<!-- -->${keepAlive}<?p?>`)}`)}`,
    'a DOCTYPE that says nothing': (id) =>
      `<!DOCTYPE WV-SSP-Message>${session(transaction('Request', id, keepAlive))}`,
    'attributes by number': (id) =>
      session(transaction('Request', id, keepAlive)).replace('mode="Request"', 'mode="&#82;equest"'),
    'names of JavaScript': (id) =>
      session(
        `<Transaction __proto__="1" constructor="2" mode="Request" transactionID="${id}">${keepAlive.replace('/>', ' __proto__="x"><__proto__/><constructor/></KeepAliveRequest>')}</Transaction>`,
      ),
    'elements of others around it': (id) =>
      session(`<Other/>text${transaction('Request', id, keepAlive)}<Other/>`),
  };

  it.each(Object.entries(cases))('%s: understood', async (what, write) => {
    const id = `odd-${what.replaceAll(/\W/g, '')}`;
    expect(await mallory.post(write(id))).toBe(200);
    expect(await mallory.codeFor(id)).toBe(200);
  });

  it('a message keeps its text through CDATA, comments and characters by number', async () => {
    const message = SSP_REQUESTS.SendMessageRequest?.(claims()) ?? '';
    const content =
      '<ContentData contentType="text/plain">a<!-- no -->b<![CDATA[<c>&amp;]]>&#x1F600;</ContentData>';
    const arrived = pair.receiver.next('message', ({ text }) => text?.startsWith('ab') ?? false);
    expect(await mallory.ask(message.replace(/<ContentData.*<\/ContentData>/, content))).toBe(200);
    expect((await arrived).text).toBe('ab<c>&amp;😀');
  });
});

function claims() {
  return {
    service: 'wv:@mallory.test',
    user: 'wv:eve@mallory.test',
    other: pair.receiverAddress,
    theirGroup: 'wv:eve/club@mallory.test',
    ourGroup: `${pair.receiverAddress.replace('@', '/club@')}`,
  };
}

describe('every part of every primitive, spoilt', () => {
  it.each(Object.entries(SSP_REQUESTS))(
    '%s is answered with a status that means something',
    async (name, write) => {
      let count = 0;
      for (const [what, primitive] of distorted(write(claims()))) {
        const id = `${name}-${(count += 1)}`;
        expect(await mallory.say(transaction('Request', id, primitive)), what).toBe(200);
        const code = await mallory.codeFor(id, mallory.received.length - 200);
        expect(STATUS, what).toHaveProperty(String(code));
        expect(code, what).not.toBe(500);
      }
      expect(count).toBeGreaterThan(10);
    },
  );
});
