// Entity capabilities (XEP-0115): what our users' one client is, and how the hash of a description is made.

import { createHash } from 'node:crypto';
import { CLIENT_TYPES } from './client-type.ts';
import type { ClientType } from './client-type.ts';
import { NS } from './namespaces.ts';
import { childOf, elementsOf, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Nodes of events (XEP-0163) that our users take from their contacts and have for them. */
export const PEP_NODES = [NS.mood, NS.nick, NS.avatarMetadata, NS.activity, NS.geoloc] as const;

/** What is understood in messages. Retractions are not among it: what a phone has, it keeps. */
const MESSAGE_FEATURES = [NS.attention, NS.correction, NS.oob, NS.oobQuery, NS.receipts, NS.reply] as const;
const FEATURES = [NS.discoInfo, NS.idle, NS.last, NS.ping, NS.time, NS.vcard] as const;

const NODE = 'https://wvgate.invalid/phone';
/** Features, identities and fields of one description that are looked at. */
const MAX_PARTS = 500;

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function formString(form: XmlElement): string {
  const fields = elementsOf(form).filter(({ name }) => name === 'field');
  const values = (field: XmlElement): string[] =>
    elementsOf(field)
      .filter(({ name }) => name === 'value')
      .map(textOf)
      .sort(compare);
  const isType = ({ attrs }: XmlElement): boolean => attrs['var'] === 'FORM_TYPE';
  const type = fields.filter(isType).flatMap(values)[0] ?? '';
  const rest = fields
    .filter((field) => !isType(field))
    .map((field) => [field.attrs['var'] ?? '', ...values(field)])
    .sort(([a = ''], [b = '']) => compare(a, b));
  return [type, ...rest.flat()].map((part) => `${part}<`).join('');
}

/** The verification string of a description (section 5.1), hashed; undefined: it is too large to be an honest one. */
export function verOf(info: XmlElement): string | undefined {
  if (info.children.length > MAX_PARTS) return undefined;
  const named = (name: string): XmlElement[] => elementsOf(info).filter((each) => each.name === name);
  const identities = named('identity').map(({ attrs }) =>
    [attrs['category'], attrs['type'], attrs['xml:lang'], attrs['name']].map((part) => part ?? '').join('/'),
  );
  const features = named('feature').map(({ attrs }) => attrs['var'] ?? '');
  const forms = elementsOf(info).filter(({ ns, name }) => ns === NS.dataForm && name === 'x');
  const parts = [...identities.sort(compare), ...features.sort(compare)].map((part) => `${part}<`);
  const text = [...parts, ...forms.map(formString).sort(compare)].join('');
  return createHash('sha1').update(text).digest('base64');
}

/** The one client of each of our users, and his account. */
export interface OwnClient {
  /** Of each available presence of our users. */
  readonly caps: XmlElement;
  /** The node under which the client's description can be asked for. */
  readonly node: string;
  /** What is behind the bare JID: the account, with what a personal event service would answer. */
  readonly accountFeatures: readonly string[];
  /** What is behind the full JID, as the answer to disco#info. */
  info(node: string | undefined): XmlElement;
}

function describe(reactions: boolean, type: ClientType): OwnClient {
  const messages = reactions ? [...MESSAGE_FEATURES, NS.reactions] : MESSAGE_FEATURES;
  const features = [...FEATURES, ...messages, ...PEP_NODES.map((node) => `${node}+notify`)];
  const info = (node: string | undefined): XmlElement =>
    xml(
      NS.discoInfo,
      'query',
      { node },
      xml(NS.discoInfo, 'identity', { category: 'client', type }),
      ...features.map((feature) => xml(NS.discoInfo, 'feature', { var: feature })),
    );
  const ver = verOf(info(undefined)) ?? '';
  return {
    caps: xml(NS.caps, 'c', { hash: 'sha-1', node: NODE, ver }),
    node: `${NODE}#${ver}`,
    accountFeatures: [...FEATURES, ...messages, NS.pubsub, NS.vcard4],
    info,
  };
}

function family(reactions: boolean): Readonly<Record<ClientType, OwnClient>> {
  return {
    phone: describe(reactions, 'phone'),
    pc: describe(reactions, 'pc'),
    handheld: describe(reactions, 'handheld'),
    sms: describe(reactions, 'sms'),
  };
}

const WITH_REACTIONS = family(true);
const WITHOUT_REACTIONS = family(false);

interface Features {
  readonly reactions: boolean;
}

/** What our users' client is, by what the operator switched on and what the user says of it. */
export function ownClient({ reactions }: Features, type: ClientType = 'phone'): OwnClient {
  return (reactions ? WITH_REACTIONS : WITHOUT_REACTIONS)[type];
}

/** The client whose description has this node. */
export function ownClientAt(features: Features, node: string): OwnClient | undefined {
  return CLIENT_TYPES.map((type) => ownClient(features, type)).find((client) => client.node === node);
}

/** Where a client's description is, and its hash. */
export interface Caps {
  readonly node: string;
  readonly ver: string;
}

/** Where a contact's client says that its description is; undefined: it does not, or not in a way to be checked. */
export function capsIn(presence: XmlElement): Caps | undefined {
  const { hash, node = '', ver = '' } = childOf(presence, 'c', NS.caps)?.attrs ?? {};
  return hash === 'sha-1' && node !== '' && /^[A-Za-z0-9+/]{27}=$/.test(ver) ? { node, ver } : undefined;
}

/** The nodes whose events this description asks for. */
export function nodesWanted(info: XmlElement): ReadonlySet<string> {
  const features = new Set(elementsOf(info).map(({ attrs }) => attrs['var']));
  return new Set(PEP_NODES.filter((node) => features.has(`${node}+notify`)));
}
