// Every request element of the schema, whole and maimed: no body, each child missing, doubled, absurd, by the thousand.
// There is always an answer with a code of the specification, never our own fault, and the house still stands.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encode, type Encoding } from '../../../src/access/csp/codec/codec.ts';
import { ELEMENTS } from '../../../src/access/csp/schema/elements.ts';
import { contentOf, type Particle, type Structure } from '../../../src/access/csp/schema/lookup.ts';
import type { Leaf } from '../../../src/access/csp/schema/model.ts';
import { leaf, node, type Element } from '../../../src/wv/element.ts';
import { STATUS } from '../../../src/wv/status.ts';
import { NAMESPACES, type CspVersion } from '../../../src/wv/version.ts';
import { RememberedLog, watchForUncaught } from '../../support/abuse.ts';
import { android } from '../../support/phone-messages.ts';
import { codeOf, drain, startScene, texts, type Scene } from '../../support/phone-scene.ts';
import { HABITS, type Phone } from '../../support/phone.ts';

/** Requests by their name, and what clients say without being asked for it in that form. */
const REQUESTS = Object.keys(ELEMENTS).filter(
  (name) =>
    (/-(?:Request|User)$/.test(name) && !name.includes('/')) ||
    [
      'Disconnect',
      'Status',
      'NewMessage',
      'MessageDelivered',
      'MessageNotification',
      'GroupChangeNotice',
    ].includes(name),
);

/** They end the session; each variant costs another log-in, which is slow on purpose. */
const ENDING: ReadonlySet<string> = new Set(['Logout-Request', 'Disconnect']);

const remembered = new RememberedLog();
let scene: Scene;
let checkUncaught: () => void;
let ann: string;
let bea: string;

beforeAll(async () => {
  checkUncaught = watchForUncaught();
  scene = await startScene({
    log: remembered.log,
    config: {
      // Bea's account takes the wrong passwords of all the log-ins that are tried here.
      login: { userBurst: 20, sourceBurst: 100_000 },
      listen: { csp: { port: 0, maxBody: 1_048_576 }, cir: { tcp: { port: 0 } }, ops: { port: 0 } },
    },
  });
  [ann, bea] = await scene.people('ann', 'bea');
});
afterAll(async () => {
  await scene.stop();
  checkUncaught();
});

// ---- what is sent

const PLAUSIBLE: Readonly<Record<Exclude<Leaf, 'tree' | 'empty'>, string>> = {
  token: 'T',
  text: 'x',
  free: 'Hello',
  int: '1',
  bool: 'T',
  date: '20080522T105626Z',
};

/** Values by name where `x` would be refused at the door. */
function plausible(name: string, kind: Leaf): Element {
  if (kind === 'empty') return node(name);
  if (kind === 'tree') return subList(name);
  if (name === 'UserID') return leaf(name, bea);
  if (name === 'ContactList') return leaf(name, ann.replace('@', '/friends@'));
  if (name === 'GroupID') return leaf(name, ann.replace('@', '/group@'));
  if (name === 'DeliveryMethod') return leaf(name, 'P');
  return leaf(name, PLAUSIBLE[kind]);
}

function subList(name: string): Element {
  if (name !== 'PresenceSubList') return node(name);
  const value = [leaf('Qualifier', 'T'), leaf('PresenceValue', 'AVAILABLE')];
  return node(name, [node('UserAvailability', value)], NAMESPACES['1.2'].presence);
}

const MAX_DEPTH = 5;

function whole(name: string, parent?: string, depth = 0): Element {
  const content = contentOf(name, parent);
  if (content === undefined || depth > MAX_DEPTH) return node(name);
  if (!isStructure(content)) return plausible(name, content.kind);
  return node(
    name,
    content.particles.map((particle) => whole(particle.name, name, depth + 1)),
  );
}

function isStructure(content: Particle['content'] | undefined): content is Structure {
  return content?.kind === 'structure';
}

type Variant = readonly [what: string, element: Element];

/** The element with one child, at any depth, put differently. */
function* maimed(element: Element, parent?: string, depth = 0): Generator<Variant> {
  const content = contentOf(element.name, parent);
  if (!isStructure(content) || depth > MAX_DEPTH) {
    for (const text of absurd(content?.kind)) yield [text.slice(0, 20), leaf(element.name, text)];
    return;
  }
  yield ['empty', node(element.name)];
  yield ['text', leaf(element.name, 'Hello')];
  for (const [index, inner] of element.children.entries()) {
    const others = element.children.toSpliced(index, 1);
    yield [`no ${inner.name}`, { ...element, children: others }];
    yield [`only ${inner.name}`, { ...element, children: [inner] }];
    yield [`double ${inner.name}`, { ...element, children: [...element.children, inner] }];
    for (const [what, other] of maimed(inner, element.name, depth + 1)) {
      yield [`${inner.name} ${what}`, { ...element, children: element.children.with(index, other) }];
    }
  }
}

const ADDRESSES = [
  'wv:a\u0007b@wv.test',
  'wv:\u202Eevil@wv.test',
  'wv:a%00b@wv.test',
  'wv:a%E2%80%AEb@wv.test',
  'wv:a%0D%0Ab',
  'a@b@c',
  '@',
  'wv:',
  'wv:/@',
  '%',
  'wv:bea@[::1]',
  `wv:${'ä'.repeat(390)}`,
  'wv:bea@elsewhere.test',
];

function absurd(kind: Leaf | 'structure' | undefined): readonly string[] {
  if (kind === 'int') return ['-1', '4294967296', '4294967295', '0', '1e9', 'NaN', '', '9'.repeat(400)];
  if (kind === 'bool') return ['', 'maybe', 'TT'];
  if (kind === 'date') return ['', '00000000T000000Z', '99999999T999999Z', '20080522', 'x'.repeat(10_000)];
  if (kind === 'text') return ['', 'x'.repeat(100_000), ...ADDRESSES];
  return kind === undefined || kind === 'empty'
    ? ['Hello']
    : ['', '\u0000\u0001\u202e\ufffe', 'x'.repeat(100_000)];
}

/** The element with 2,000 of each thing of which there may be several. */
function* crowded(element: Element, depth = 0): Generator<Variant> {
  const content = contentOf(element.name);
  if (!isStructure(content) || depth > 2) return;
  for (const [index, inner] of element.children.entries()) {
    if (content.byName.get(inner.name)?.many === true) {
      const crowd = Array.from({ length: 2000 }, (_, n) => numbered(inner, n));
      yield [`2,000 ${inner.name}`, { ...element, children: element.children.toSpliced(index, 1, ...crowd) }];
    }
    for (const [what, other] of crowded(inner, depth + 1)) {
      yield [`${inner.name} with ${what}`, { ...element, children: element.children.with(index, other) }];
    }
  }
}

/** Different addresses, so that nothing is saved by their being the same. */
function numbered(element: Element, n: number): Element {
  const text = element.text.startsWith('wv:') ? element.text.replace('wv:', `wv:u${n}`) : element.text;
  const inner = element.children.slice(0, 1).map((each) => numbered(each, n));
  return { ...element, text, children: inner };
}

// ---- who sends it

/** Logs in again whenever the last request ended the session. */
class Sender {
  readonly #version: CspVersion;
  readonly #encoding: Encoding;
  #phone: Phone | undefined;

  constructor(version: CspVersion, encoding: Encoding) {
    this.#version = version;
    this.#encoding = encoding;
  }

  async send(what: string, content: Element): Promise<void> {
    const phone = await this.#online();
    const { sessionId } = phone;
    const { name } = content;
    const transactions = [{ mode: 'Request', id: 't', primitive: name, content }] as const;
    const begun = performance.now();
    const heard = await phone.post(
      encode(this.#encoding, { version: this.#version, sessionType: 'Inband', sessionId, transactions }),
    );
    expect(performance.now() - begun, what).toBeLessThan(10_000);
    expect(heard.status, what).toBe(200);
    if (name !== 'Polling-Request') expect(heard.content, what).toBeDefined();
    for (const code of texts(heard.root, 'Code')) {
      expect(Object.keys(STATUS), what).toContain(code);
      expect(code, what).not.toBe('500');
    }
    if (['600', '601', '604'].includes(String(codeOf(heard))) || ENDING.has(name)) {
      this.#phone?.close();
      this.#phone = undefined;
    }
  }

  async #online(): Promise<Phone> {
    if (this.#phone !== undefined) return this.#phone;
    const habits = { ...HABITS.android, version: this.#version, encoding: this.#encoding };
    const phone = await scene.online(ann, habits, {
      clientId: `<ClientID><URL>${this.#encoding}</URL></ClientID>`,
    });
    this.#phone = phone;
    return phone;
  }
}

describe.each([
  ['1.3', 'xml'],
  ['1.2', 'wbxml'],
] as const)('CSP %s in %s', (version, encoding) => {
  const sender = new Sender(version, encoding);

  it.each(REQUESTS)('%s', { timeout: 60_000 }, async (name) => {
    const complete = whole(name);
    await sender.send(`${name} whole`, complete);
    const variants = [...maimed(complete), ...crowded(complete)];
    const few = ENDING.has(name) ? variants.slice(0, 12) : variants;
    for (const [what, element] of few) await sender.send(`${name}: ${what}`, element);
    expect(remembered.errors()).toEqual([]);
    remembered.lines.length = 0;
  });
});

describe('afterwards', () => {
  it('others, and the one it came from, are served as ever, also after a restart', async () => {
    scene.clock.advance(3_600_000);
    const converse = async () => {
      const [a, b] = [await scene.online(ann, HABITS.s60), await scene.online(bea, HABITS.android)];
      await drain(b);
      for (const list of ['before', 'after']) {
        const heard = await b.say(android.createList(bea.replace('@', `/${list}${Date.now()}@`), ann, 'Ann'));
        expect([200, 201]).toContain(codeOf(heard));
      }
      await a.say(
        '<BlockEntity-Request><BlockList><InUse>F</InUse></BlockList><GrantList><InUse>F</InUse></GrantList></BlockEntity-Request>',
      );
      expect(codeOf(await b.say(android.sendMessage(bea, ann, 'still there?')))).toBe(200);
      expect(JSON.stringify(await drain(a))).toContain('still there?');
      expect(codeOf(await a.say(android.ownPresence(ann)))).toBe(200);
      expect(codeOf(await a.say(android.getList()))).toBe(0);
    };
    await converse();
    await scene.restart();
    await converse();
    expect(remembered.errors()).toEqual([]);
  });
});
