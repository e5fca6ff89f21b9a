// Encrypted messages: each comes back, and once a day per chat, or room, its sender is told why (bridging section 4).
// What stands in their body is for people, not for phones.

import { trusted } from '../../src/wv/ids.ts';
import type { MessageId } from '../../src/wv/ids.ts';
import type { Bridge } from './bridge.ts';
import type { Incoming } from './component-link.ts';
import { isDelayed } from './delays.ts';
import { plainName } from './contact-names.ts';
import { fileReferenceOf, isEncryptedLink } from './files/links.ts';
import { bareJid } from './jid.ts';
import { received } from './message-ids.ts';
import { NS } from './namespaces.ts';
import { table } from './table.ts';
import { childOf, elementsOf, stanza, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

const DAY_MS = 86_400_000;
/** The conversation of the link table that holds which chats were told, by day. */
const EXPLAINED = 'explained';

const METHODS = table<string>({
  [NS.omemo]: 'OMEMO',
  [NS.omemoLegacy]: 'OMEMO',
  [NS.openpgp]: 'OpenPGP',
  [NS.pgpLegacy]: 'OpenPGP',
  [NS.otr]: 'OTR',
});
const WRAPPERS: ReadonlySet<string> = new Set([
  `encrypted ${NS.omemo}`,
  `encrypted ${NS.omemoLegacy}`,
  `openpgp ${NS.openpgp}`,
  `x ${NS.pgpLegacy}`,
]);

/** By what a message is encrypted: a name for people; undefined for one that is not. */
export function encryptionOf(message: XmlElement): string | undefined {
  const said = childOf(message, 'encryption', NS.encryption);
  if (said !== undefined) {
    return METHODS[said.attrs['namespace'] ?? ''] ?? (plainName(said.attrs['name'] ?? '') || 'some method');
  }
  const wrapper = elementsOf(message).find(({ name, ns }) => WRAPPERS.has(`${name} ${ns}`));
  if (wrapper !== undefined) return METHODS[wrapper.ns] ?? 'some method';
  // XEP-0420, whose content must never be seen outside of an encrypted element.
  if (elementsOf(message).some(({ ns }) => ns.startsWith('urn:xmpp:sce:'))) return 'some method';
  const body = textOf(childOf(message, 'body'));
  if (isEncryptedLink(body) || isEncryptedLink(fileReferenceOf(message)?.url ?? '')) return 'OMEMO';
  return body.startsWith('?OTR') ? 'OTR' : undefined;
}

/** True for an OMEMO message without words, which clients send to renew their keys. */
export function isKeyExchange(message: XmlElement): boolean {
  const encrypted = elementsOf(message).find(
    ({ name, ns }) => name === 'encrypted' && (ns === NS.omemo || ns === NS.omemoLegacy),
  );
  if (encrypted === undefined || childOf(encrypted, 'payload') !== undefined) return false;
  return textOf(childOf(message, 'body')) === '';
}

/** Not to be answered by a message of our own: written by a program, or not meant to be kept (bridging section 11). */
export function isUnanswerable(message: XmlElement): boolean {
  const hints = ['no-store', 'no-permanent-store', 'no-copy'];
  return (
    message.attrs['type'] === 'headline' ||
    hints.some((name) => childOf(message, name, NS.hints) !== undefined) ||
    isDelayed(message)
  );
}

/** Tells the sender why his messages come back, unless he was told within a day. */
export async function explain(bridge: Bridge, incoming: Incoming, method: string): Promise<void> {
  const { from, to } = incoming;
  if (!(await isDue(bridge, received(bareJid(to), bareJid(from))))) return;
  const text = `This contact cannot read messages encrypted with ${method}. Please turn encryption off for this chat.`;
  bridge.link.send(
    stanza(
      'message',
      { type: 'chat', from: bareJid(to), to: incoming.stanza.attrs['from'] },
      ...explanation(text),
    ),
  );
}

/** What an occupant of a room is told whose words some in it cannot read. */
export function roomExplanation(method: string): readonly XmlElement[] {
  return explanation(
    `Not everybody in this room can read messages encrypted with ${method}: yours was not passed on to phones. Please turn encryption off for this room.`,
  );
}

/** True once a day for each key; notes it. */
export async function isDue({ relay }: Bridge, key: string): Promise<boolean> {
  const now = relay.clock.now();
  const day = Math.floor(now / DAY_MS);
  const told = await Promise.all(
    [day, day - 1].map((at) => relay.storage.messageOf(EXPLAINED, `${at} ${key}`)),
  );
  if (told.some((noted) => noted !== undefined && now - Number.parseInt(noted, 36) < DAY_MS)) return false;
  return await relay.storage.link(EXPLAINED, `${day} ${key}`, trusted<MessageId>(now.toString(36)));
}

function explanation(text: string): readonly XmlElement[] {
  return [xml(NS.component, 'body', {}, text), xml(NS.hints, 'no-store'), xml(NS.hints, 'no-copy')];
}
