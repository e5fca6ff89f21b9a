// Messages about messages: corrections (XEP-0308), retractions (XEP-0424), reactions (XEP-0444), replies (XEP-0461).

import { NS } from './namespaces.ts';
import { childOf, elementsOf, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

export type Reference =
  | { readonly kind: 'correction'; readonly id: string }
  | { readonly kind: 'retraction'; readonly id: string }
  | { readonly kind: 'reactions'; readonly id: string; readonly reactions: readonly string[] }
  /** `to`: whose message it is about; '' = not said. */
  | { readonly kind: 'reply'; readonly id: string; readonly to: string };

/** Longer ids are not looked up. */
const MAX_ID = 256;
const MAX_REACTIONS = 8;
/** Code points; the longest emoji of today have ten. */
const MAX_REACTION_LENGTH = 16;

/** What message a message is about, and how. Of several only the first in this order counts. */
export function referenceOf(message: XmlElement): Reference | undefined {
  return retractionIn(message) ?? reactionsIn(message) ?? correctionIn(message) ?? replyIn(message);
}

function idOf(element: XmlElement | undefined): string | undefined {
  const id = element?.attrs['id'] ?? '';
  return id === '' || id.length > MAX_ID ? undefined : id;
}

function retractionIn(message: XmlElement): Reference | undefined {
  const wrapper = childOf(message, 'apply-to', NS.fasten);
  const old = wrapper !== undefined && childOf(wrapper, 'retract', NS.retractionOld) !== undefined;
  const id = idOf(childOf(message, 'retract', NS.retraction)) ?? (old ? idOf(wrapper) : undefined);
  return id === undefined ? undefined : { kind: 'retraction', id };
}

function reactionsIn(message: XmlElement): Reference | undefined {
  const element = childOf(message, 'reactions', NS.reactions);
  const id = idOf(element);
  if (element === undefined || id === undefined) return undefined;
  const given = elementsOf(element)
    .filter(({ name, ns }) => name === 'reaction' && ns === NS.reactions)
    .map((reaction) => textOf(reaction).trim())
    .filter((text) => text !== '' && !/\s/.test(text) && Array.from(text).length <= MAX_REACTION_LENGTH);
  return { kind: 'reactions', id, reactions: [...new Set(given)].slice(0, MAX_REACTIONS) };
}

function correctionIn(message: XmlElement): Reference | undefined {
  const id = idOf(childOf(message, 'replace', NS.correction));
  return id === undefined ? undefined : { kind: 'correction', id };
}

function replyIn(message: XmlElement): Reference | undefined {
  const reply = childOf(message, 'reply', NS.reply);
  const id = idOf(reply);
  return id === undefined ? undefined : { kind: 'reply', id, to: reply?.attrs['to'] ?? '' };
}
