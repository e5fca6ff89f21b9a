// What a contact is doing (XEP-0108), as words for a StatusText that is empty (bridging 3.2). His availability stays
// what his presence says.

import { NS } from './namespaces.ts';
import { childOf, elementsOf, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Where the name of the element alone does not read well. */
const WORDS: Readonly<Record<string, string>> = {
  in_a_meeting: 'in a meeting',
  on_the_phone: 'on the phone',
  on_video_phone: 'on the video phone',
  having_appointment: 'has an appointment',
  doing_chores: 'doing chores',
};
const NAME = /^[a-z_]{1,40}$/;
/** Characters of the text a contact wrote to it. */
const MAX_TEXT = 100;

/** The contact's own words, else the name of what he does; '' = nothing. */
export function readActivity(item: XmlElement): string {
  const text = textOf(childOf(item, 'text')).trim();
  if (text !== '') return Array.from(text).slice(0, MAX_TEXT).join('');
  const general = elementsOf(item).find(({ name, ns }) => ns === NS.activity && name !== 'text');
  if (general === undefined) return '';
  const specific = elementsOf(general).find(({ ns, name }) => ns === NS.activity && name !== 'other');
  const { name } = specific ?? general;
  if (!NAME.test(name) || name === 'undefined') return '';
  return Object.hasOwn(WORDS, name) ? (WORDS[name] ?? '') : name.replaceAll('_', ' ');
}
