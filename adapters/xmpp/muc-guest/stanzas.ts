// Stanzas between an occupant of ours and a room (XEP-0045): how they are written and read.

import { hopMark } from '../hop.ts';
import type { BareJid, JidParts } from '../jid.ts';
import { parseJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { RESOURCE } from '../own-presence.ts';
import { childOf, elementsOf, stanza, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { TECHNICAL_CODES } from './codes.ts';

/** The full JID of a user of ours in a room: one for all his clients. */
export function puppetJid(userJid: BareJid): string {
  return `${userJid}/${RESOURCE}`;
}

export interface History {
  readonly maxstanzas?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
}

export function joinStanza(
  from: string,
  to: string,
  { maxstanzas, since }: History,
  password: string | undefined,
): XmlElement {
  const wanted = {
    maxstanzas: maxstanzas?.toString(),
    since: since === undefined ? undefined : new Date(since).toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  return stanza(
    'presence',
    { from, to },
    xml(
      NS.muc,
      'x',
      {},
      xml(NS.muc, 'history', wanted),
      password === undefined ? undefined : xml(NS.muc, 'password', {}, password),
    ),
    hopMark(),
  );
}

export function leaveStanza(from: string, to: string): XmlElement {
  return stanza('presence', { from, to, type: 'unavailable' });
}

/** A message to all, or with `to` an occupant to him alone. */
export function messageStanza(
  attrs: { readonly from: string; readonly to: string; readonly id: string },
  type: 'groupchat' | 'chat',
  ...content: readonly (XmlElement | undefined)[]
): XmlElement {
  return stanza(
    'message',
    { ...attrs, type },
    ...content,
    xml(NS.stanzaId, 'origin-id', { id: attrs.id }),
    type === 'chat' ? xml(NS.mucUser, 'x') : undefined,
    hopMark(),
  );
}

export interface RoomPresence {
  readonly nick: string;
  readonly available: boolean;
  readonly codes: ReadonlySet<string>;
  readonly affiliation: string;
  readonly role: string;
  /** Who it is, where the room tells us. */
  readonly jid: JidParts | undefined;
  readonly reason: string;
  /** The room ends. */
  readonly destroyed: boolean;
}

/** Longest reason handed on. */
const MAX_REASON = 200;

/** Reads presence of an occupant. */
export function readRoomPresence(presence: XmlElement, nick: string): RoomPresence {
  const x = childOf(presence, 'x', NS.mucUser);
  const item = x === undefined ? undefined : childOf(x, 'item');
  const destroy = x === undefined ? undefined : childOf(x, 'destroy');
  const reason = [item, destroy].map((part) => (part === undefined ? '' : textOf(childOf(part, 'reason'))));
  return {
    nick,
    available: presence.attrs['type'] !== 'unavailable',
    codes: statusCodes(x),
    affiliation: item?.attrs['affiliation'] ?? 'none',
    role: item?.attrs['role'] ?? 'none',
    jid: parseJid(item?.attrs['jid'] ?? ''),
    reason: reason.join('').slice(0, MAX_REASON),
    destroyed: destroy !== undefined,
  };
}

function statusCodes(x: XmlElement | undefined): ReadonlySet<string> {
  const found = x === undefined ? [] : elementsOf(x).filter(({ name }) => name === 'status');
  return new Set(found.map(({ attrs }) => attrs['code'] ?? ''));
}

export function isTechnicalEnd({ codes }: RoomPresence): boolean {
  return TECHNICAL_CODES.some((code) => codes.has(code));
}

/** The body without a language of its own, else the first. */
export function bodyOfRoom(message: XmlElement): string {
  const found = elementsOf(message).filter(({ name, ns }) => name === 'body' && ns === NS.component);
  return textOf(found.find((child) => child.attrs['xml:lang'] === undefined) ?? found[0]);
}

/** The subject, when the message is nothing but a change of it (XEP-0045 section 8.1). */
export function subjectOf(message: XmlElement): string | undefined {
  const subject = childOf(message, 'subject');
  if (subject === undefined || childOf(message, 'body') !== undefined) return undefined;
  return childOf(message, 'thread') === undefined ? textOf(subject) : undefined;
}

/**
 * When the room had the message first, if it comes from the room's history (XEP-0203). An author's client that was held
 * up says so in its own name, or in nobody's: that counts while the history is not over.
 */
export function heldSince(message: XmlElement, room: BareJid, synced: boolean): number | undefined {
  const isHistory = (from: string | undefined): boolean => (from === undefined ? !synced : isOf(from, room));
  const delay = elementsOf(message).find(
    ({ name, ns, attrs }) => name === 'delay' && ns === NS.delay && isHistory(attrs['from']),
  );
  const stamp = Date.parse(delay?.attrs['stamp'] ?? '');
  return Number.isNaN(stamp) ? undefined : stamp;
}

/** COMPAT(ejabberd, old Prosody): history carries the room's JID, an occupant's, or the service's. */
function isOf(text: string, room: BareJid): boolean {
  const jid = parseJid(text);
  return jid?.domain === room.slice(room.indexOf('@') + 1);
}

/** The id that a message keeps on all its ways (XEP-0359); undefined = it has none. */
export function lastingId(message: XmlElement): string | undefined {
  const ids = [
    childOf(message, 'origin-id', NS.stanzaId)?.attrs['id'],
    message.attrs['id'],
    childOf(message, 'stanza-id', NS.stanzaId)?.attrs['id'],
  ];
  return ids.find((id) => id !== undefined && id !== '');
}

/** The id that this very room gave a message (XEP-0359); others cannot speak for it. */
export function stampOf(message: XmlElement, room: BareJid): string | undefined {
  return elementsOf(message).find(
    ({ name, ns, attrs }) => name === 'stanza-id' && ns === NS.stanzaId && attrs['by'] === room,
  )?.attrs['id'];
}

/** The ids under which a message of ours may come back. */
export function echoIds(message: XmlElement): readonly string[] {
  const ids = [childOf(message, 'origin-id', NS.stanzaId)?.attrs['id'], message.attrs['id']];
  return ids.flatMap((id) => (id === undefined || id === '' ? [] : [id]));
}
