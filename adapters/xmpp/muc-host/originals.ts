// What XMPP users said in a room, kept until the group's home hands it out: phones get it told in words and in parts, the
// other occupants from XMPP as it was. In memory only; after a restart they get what phones get.

import type { MessageId } from '../../../src/wv/ids.ts';
import { BoundedMap } from '../bounded-map.ts';
import { fileReferenceOf } from '../files/links.ts';
import { NS } from '../namespaces.ts';
import { referenceOf } from '../references.ts';
import { elementsOf, serialize } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

/** Messages kept, and the characters of one; of what is larger XMPP gets what phones get. */
const KEPT = 500;
const MAX_LENGTH = 65_536;

/** What belongs to the words of a message; everything else, and what only a room may say, stays behind. */
const CARRIED: ReadonlySet<string> = new Set([
  `body ${NS.component}`,
  `thread ${NS.component}`,
  `replace ${NS.correction}`,
  `retract ${NS.retraction}`,
  `apply-to ${NS.fasten}`,
  `reactions ${NS.reactions}`,
  `reply ${NS.reply}`,
  `fallback ${NS.fallback}`,
  `fallback ${NS.fallbackOld}`,
  `x ${NS.oob}`,
  `file-sharing ${NS.fileSharing}`,
  `reference ${NS.reference}`,
]);

/** The children of a message that other occupants see. */
export function wordsOfOccupant(message: XmlElement): readonly XmlElement[] {
  return elementsOf(message).filter(({ name, ns }) => CARRIED.has(`${name} ${ns}`));
}

export class Originals {
  readonly #kept = new BoundedMap<MessageId, readonly XmlElement[]>(KEPT);

  /** @param copies the ids under which the home hands out what phones get, at least one */
  keep(message: XmlElement, copies: readonly MessageId[]): void {
    const isPlain = referenceOf(message) === undefined && fileReferenceOf(message) === undefined;
    if (isPlain && copies.length < 2) return;
    const children = wordsOfOccupant(message);
    if (children.reduce((length, child) => length + serialize(child).length, 0) > MAX_LENGTH) return;
    // With the first all is said.
    copies.forEach((id, index) => this.#kept.set(id, index === 0 ? children : []));
  }

  /** What XMPP gets for a copy; nothing for one whose words went with an earlier one; undefined = the copy itself. */
  of(id: MessageId): readonly XmlElement[] | undefined {
    return this.#kept.get(id);
  }
}
