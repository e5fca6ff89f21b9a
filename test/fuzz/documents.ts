// The fuzzer's material: messages of every request that the schema has, and ways to spoil them.
import { writeMessage } from '../../src/access/csp/codec/binding.ts';
import type { CspTransaction } from '../../src/access/csp/codec/binding.ts';
import { ELEMENTS } from '../../src/access/csp/schema/elements.ts';
import { contentOf, versionDigit, type Particle } from '../../src/access/csp/schema/lookup.ts';
import type { Leaf } from '../../src/access/csp/schema/model.ts';
import { leaf, node, type Element } from '../../src/wv/element.ts';
import { NAMESPACES, type CspVersion } from '../../src/wv/version.ts';
import { Chance } from '../support/abuse.ts';

/** All that can be asked, and what clients say without being asked; the schema decides, so new ones are found. */
const PRIMITIVES: readonly string[] = Object.keys(ELEMENTS).filter(
  (name) =>
    !name.includes('/') &&
    (/-(?:Request|Response|User)$/.test(name) ||
      ['Disconnect', 'Status', 'NewMessage', 'MessageDelivered', 'MessageNotification'].includes(name)),
);

/** They end the session, and a log-in is slow on purpose: asked for once in a while only. */
const COSTLY: ReadonlySet<string> = new Set(['Logout-Request', 'Disconnect', 'Login-Request']);
const COSTLY_EVERY = 40;

export interface Names {
  readonly users: readonly string[];
  readonly version: CspVersion;
}

const MAX_DEPTH = 7;

export function primitive(chance: Chance, names: Names): Element {
  const name = chance.pick(PRIMITIVES);
  if (COSTLY.has(name) && chance.below(COSTLY_EVERY) > 0) return primitive(chance, names);
  return element(chance, names, name, '', 0);
}

function element(chance: Chance, names: Names, name: string, parent: string, depth: number): Element {
  const content = contentOf(name, parent);
  if (content === undefined || depth > MAX_DEPTH) return node(name);
  if (name === 'PresenceSubList') return presence(chance, names, depth);
  if (content.kind !== 'structure') return valueOf(chance, names, name, content.kind);
  const particles = content.particles.filter(({ versions }) =>
    versions.includes(versionDigit(names.version)),
  );
  return node(name, childrenOf(chance, names, particles, name, depth));
}

function childrenOf(
  chance: Chance,
  names: Names,
  particles: readonly Particle[],
  parent: string,
  depth: number,
): Element[] {
  return particles.flatMap(({ name, required, many }) => {
    const count = many ? chance.below(3) + (required ? 1 : 0) : required || chance.below(2) === 0 ? 1 : 0;
    return Array.from({ length: count }, () => element(chance, names, name, parent, depth + 1));
  });
}

function presence(chance: Chance, names: Names, depth: number): Element {
  const content = contentOf('*', 'PresenceSubList');
  const particles = content?.kind === 'structure' ? content.particles : [];
  const some = particles.filter(() => chance.below(4) === 0);
  const children = childrenOf(chance, names, some, '', depth);
  return node('PresenceSubList', children, NAMESPACES[names.version].presence);
}

const TOKENS = 'T F P N G S U GR IM AVAILABLE DISCREET Open Restricted Public User DisplayName Default'.split(
  ' ',
);
const CONTENTS = [
  'text/plain',
  'text/plain; charset=utf-8',
  'image/gif',
  'None',
  'BASE64',
  'USER_ID',
  'GROUP_NAME',
];

function valueOf(chance: Chance, names: Names, name: string, kind: Leaf): Element {
  const user = chance.pick(names.users);
  if (kind === 'empty') return node(name);
  if (kind === 'tree') return node(name, [leaf('Vendor', 'x')]);
  if (name === 'UserID') return leaf(name, user);
  if (name === 'ContactList' || name === 'DefaultContactList')
    return leaf(name, user.replace('@', `/list${chance.below(4)}@`));
  if (name === 'GroupID') return leaf(name, user.replace('@', `/group${chance.below(4)}@`));
  if (kind === 'int') return leaf(name, String(chance.pick([0, 1, 200, 600, 3600, 65_536, 4_294_967_295])));
  if (kind === 'bool') return leaf(name, chance.pick(['T', 'F']));
  if (kind === 'date') return leaf(name, '20260522T105626Z');
  if (kind === 'token') return leaf(name, chance.pick([...TOKENS, ...CONTENTS]));
  return leaf(name, chance.pick(['x', 'Zoë 😀', 'SGVsbG8=', `${chance.below(1000)}`, 'Hello <&">']));
}

// ── Spoiling trees ──────────────────────────────────────────────────────────────────────────────────────────

type Spoil = (element: Element, chance: Chance) => Element;

const ODD = [
  '',
  ' ',
  '\u0000',
  '\u202e',
  'T',
  '-1',
  '4294967296',
  '1e9',
  '%',
  'wv:',
  '@',
  'wv:%E0%A4%A',
  '../..',
  '__proto__',
];
const NAMES = [
  'Vendor',
  'constructor',
  '__proto__',
  'Code',
  'UserID',
  'Result',
  'PresenceSubList',
  'WV-CSP-Message',
];

const withChildren = (element: Element, children: readonly Element[]): Element => ({ ...element, children });

const SPOILS: Readonly<Record<string, Spoil>> = {
  missing: (element, chance) =>
    withChildren(element, element.children.toSpliced(chance.below(element.children.length || 1), 1)),
  repeated: (element, chance) => {
    const [one] = element.children.slice(chance.below(element.children.length || 1));
    const times = chance.pick([1, 2, 40, 400]);
    return one === undefined
      ? element
      : withChildren(element, [...element.children, ...Array.from({ length: times }, () => one)]);
  },
  disordered: (element) => withChildren(element, element.children.toReversed()),
  renamed: (element, chance) => ({ ...element, name: chance.pick(NAMES) }),
  emptied: ({ name }) => node(name),
  overlong: (element, chance) => ({ ...element, text: 'x'.repeat(chance.pick([300, 3000, 30_000])) }),
  'of another type': (element, chance) => ({ ...element, text: chance.pick(ODD) }),
  'text for structure': ({ name }, chance) => leaf(name, chance.pick(ODD)),
  'structure for text': (element) => withChildren(element, [leaf(element.name, element.text)]),
  deep: (element, chance) => {
    let inner = element;
    for (let depth = chance.pick([3, 20, 31, 300]); depth > 0; depth -= 1)
      inner = node(element.name, [inner]);
    return inner;
  },
  'in another namespace': (element, chance) => ({
    ...element,
    xmlns: chance.pick(['', 'urn:x', 'http://x/CSP9.9']),
  }),
  'with attributes': (element) => ({ ...element, attributes: { id: 'x', class: '"<&' } }),
};

export const SPOIL_NAMES: readonly string[] = Object.keys(SPOILS);

/** The tree with one element in it, wherever it is, put otherwise. */
export function spoiled(element: Element, chance: Chance): Element {
  const { children } = element;
  if (children.length > 0 && chance.below(4) > 0) {
    const index = chance.below(children.length);
    const inner = children[index];
    if (inner !== undefined) return withChildren(element, children.with(index, spoiled(inner, chance)));
  }
  return (SPOILS[chance.pick(SPOIL_NAMES)] ?? ((same) => same))(element, chance);
}

// ── Messages ────────────────────────────────────────────────────────────────────────────────────────────────

export interface Message extends Names {
  readonly sessionId: string;
}

const SESSIONS = ['', 'nobody', '__proto__', 'x'.repeat(500)];
const IDS = ['', '0', '17', 'IMApp01#12345@NOK5110', 'x'.repeat(300), '__proto__'];

/** A message with its envelope; one in four is right in every way. */
export function message(chance: Chance, { sessionId, ...names }: Message): Element {
  const many = chance.below(12) === 0 ? chance.pick([2, 3, 20]) : 1;
  const transactions = Array.from({ length: many }, (_, index): CspTransaction => {
    const content = primitive(chance, names);
    const mode = content.name.endsWith('-Response') && chance.below(2) === 0 ? 'Response' : 'Request';
    const id = chance.below(8) === 0 ? chance.pick(IDS) : String(index + chance.below(900));
    return { mode, id, primitive: content.name, content };
  });
  const wrong = chance.below(10) === 0;
  const root = writeMessage({
    version: names.version,
    sessionType: wrong && chance.below(2) === 0 ? 'Outband' : 'Inband',
    sessionId: wrong ? chance.pick(SESSIONS) : sessionId,
    transactions,
  });
  let result = root;
  for (let times = chance.below(4); times > 0; times -= 1) result = spoiled(result, chance);
  return result;
}

/** Octets that are not quite those. */
export function damaged(octets: Uint8Array, chance: Chance): Uint8Array {
  switch (chance.below(8)) {
    case 0:
      return octets.subarray(0, chance.below(octets.length));
    case 1:
      return chance.damaged(octets);
    case 2: {
      const at = chance.below(octets.length);
      return Buffer.concat([
        octets.subarray(0, at),
        chance.octets(1 + chance.below(20)),
        octets.subarray(at),
      ]);
    }
    case 3: {
      const [at, length] = [chance.below(octets.length), chance.below(60)];
      return Buffer.concat([octets.subarray(0, at), octets.subarray(at + length)]);
    }
    default:
      return octets;
  }
}
