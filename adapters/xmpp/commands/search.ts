// Finding WV users, as far as they let themselves be found: for the command, and for searches by form (XEP-0055).

import type { FoundUser } from '../../../src/sap/port.ts';
import { isUnmappable } from '../addresses.ts';
import type { Bridge } from '../bridge.ts';
import { form, submitted } from '../muc-host/form.ts';
import type { BareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import type { Outcome } from './command.ts';
import { done, failed } from './command.ts';

/** Users of one answer, characters of a question. */
const MOST = 20;
const MAX_QUERY = 100;
const INSTRUCTIONS = 'A part of the name, or a phone number with its country code';

/** What was found, with the JIDs that they have here; those without one are left out. */
export async function foundUsers(
  { relay, codec }: Bridge,
  query: string,
): Promise<readonly (FoundUser & { readonly jid: BareJid })[]> {
  const found = await relay.findUsers(query.slice(0, MAX_QUERY), MOST);
  return found.flatMap((one) => {
    const jid = codec.localJid(one.user);
    return isUnmappable(jid) ? [] : [{ ...one, jid }];
  });
}

export async function runSearch(bridge: Bridge, query: string): Promise<Outcome> {
  const found = await foundUsers(bridge, query);
  if (found.length === 0) return failed('Nobody was found. Please give at least two letters of a name.');
  return { ...done(found.map(({ name, jid }) => `${name}: ${jid}`).join('\n')), found };
}

/** What can be asked. */
export function searchForm(): XmlElement {
  const query = { name: 'nick', type: 'text-single', label: INSTRUCTIONS, value: '' } as const;
  return xml(
    NS.search,
    'query',
    {},
    xml(NS.search, 'instructions', {}, INSTRUCTIONS),
    xml(NS.search, 'nick'),
    form('form', NS.search, [query]),
  );
}

/** The text of a search, plain or in a form; undefined = none. */
export function queryOf(payload: XmlElement): string | undefined {
  const fields = submitted(payload);
  const text = fields === undefined ? textOf(childOf(payload, 'nick')) : (fields.get('nick') ?? '');
  return text.trim() === '' ? undefined : text.trim();
}

/** What was found, in the form in which it was asked. */
export async function searchResult(bridge: Bridge, payload: XmlElement, query: string): Promise<XmlElement> {
  const found = await foundUsers(bridge, query);
  if (submitted(payload) === undefined) {
    const items = found.map(({ jid, name }) =>
      xml(NS.search, 'item', { jid }, xml(NS.search, 'nick', {}, name)),
    );
    return xml(NS.search, 'query', {}, ...items);
  }
  return xml(NS.search, 'query', {}, foundForm(found));
}

/** A table of users (XEP-0004 section 3.4). */
export function foundForm(found: readonly { readonly jid: BareJid; readonly name: string }[]): XmlElement {
  const field = (name: string, value: string): XmlElement =>
    xml(NS.dataForm, 'field', { var: name }, xml(NS.dataForm, 'value', {}, value));
  const column = (name: string, label: string, type: string): XmlElement =>
    xml(NS.dataForm, 'field', { var: name, label, type });
  return xml(
    NS.dataForm,
    'x',
    { type: 'result' },
    xml(
      NS.dataForm,
      'reported',
      {},
      column('jid', 'Address', 'jid-single'),
      column('nick', 'Name', 'text-single'),
    ),
    ...found.map(({ jid, name }) => xml(NS.dataForm, 'item', {}, field('jid', jid), field('nick', name))),
  );
}
