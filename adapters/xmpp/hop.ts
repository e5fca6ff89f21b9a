// The hop marker (bridging section 11): what has come from a WV network through a gateway does not go through another
// one into a WV network. Two gateways that took each other's words for a user's would hand them on for ever.

import { NS } from './namespaces.ts';
import { childOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Goes with every message and every join that one of our users is the author of. */
export function hopMark(): XmlElement {
  return xml(NS.hop, 'hop');
}

/** True for what a gateway like this one wrote. Such a stanza is refused (516), unless it is an error. */
export function hasHopped(element: XmlElement): boolean {
  return element.attrs['type'] !== 'error' && childOf(element, 'hop', NS.hop) !== undefined;
}
