// Nicknames: Alias and XEP-0172, both ways.

import { simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttribute } from '../../src/wv/presence.ts';
import { NS } from './namespaces.ts';
import { childOf, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Characters of a nickname that come in. */
const MAX_NICK = 64;

/** `<nick/>` of a name; empty: there is none (any more). */
export function nickItem(name: string | undefined): XmlElement {
  return xml(NS.nick, 'nick', {}, name);
}

export function aliasOf(alias: PresenceAttribute | undefined): string | undefined {
  return alias?.valid === true && alias.value !== '' ? alias.value : undefined;
}

/** The nickname inside a presence stanza; undefined: it says nothing of it. */
export function nickIn(stanza: XmlElement): string | undefined {
  const name = cleaned(textOf(childOf(stanza, 'nick', NS.nick)));
  return name === '' ? undefined : name;
}

/** Alias of an item. */
export function readNick(item: XmlElement): PresenceAttribute {
  const name = cleaned(textOf(item));
  return name === '' ? WITHDRAWN : simple(name);
}

/** The name in a vCard (XEP-0054): FN, else NICKNAME; '' when there is none. */
export function nameInCard(card: XmlElement): string {
  return cleaned(textOf(childOf(card, 'FN'))) || cleaned(textOf(childOf(card, 'NICKNAME')));
}

function cleaned(text: string): string {
  return Array.from(text.trim()).slice(0, MAX_NICK).join('');
}
