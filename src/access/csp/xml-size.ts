// How large a message becomes, before it is written.

import type { Element } from '../../wv/element.ts';

/** Upper estimate of an element's size as XML, octets. */
export function xmlSize(element: Element): number {
  let size = element.name.length * 2 + 5 + (element.xmlns?.length ?? 0) + 10 + element.text.length * 3;
  for (const inner of element.children) size += xmlSize(inner);
  return size;
}
