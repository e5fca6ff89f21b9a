// In-band registration with the gateway (XEP-0077): the name that WV users are shown.

import type { StanzaError } from '../errors.ts';
import { form, submitted } from '../muc-host/form.ts';
import { NS } from '../namespaces.ts';
import { childOf, elementsOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import type { Answer } from './ad-hoc.ts';
import type { Asker, Desk } from './command.ts';
import { register, unregister } from './table.ts';

const INSTRUCTIONS = 'The name that users of Wireless Village are shown';
const MALFORMED: StanzaError = { condition: 'bad-request', type: 'modify' };

/** What is registered, and the form to change it. */
export function registrationOf({ people }: Desk, { jid }: Asker): XmlElement {
  const { registered, name } = people.get(jid);
  const field = { name: 'nick', type: 'text-single', label: INSTRUCTIONS, value: name } as const;
  return xml(
    NS.register,
    'query',
    {},
    registered ? xml(NS.register, 'registered') : undefined,
    xml(NS.register, 'instructions', {}, INSTRUCTIONS),
    xml(NS.register, 'nick', {}, name),
    form('form', NS.register, [field]),
  );
}

/** Registers, renames, or removes. */
export async function changeRegistration(desk: Desk, asker: Asker, payload: XmlElement): Promise<Answer> {
  if (childOf(payload, 'remove') !== undefined) {
    if (elementsOf(payload).length > 1) return { error: MALFORMED };
    if (!desk.people.get(asker.jid).registered)
      return { error: { condition: 'registration-required', type: 'auth' } };
    await unregister(desk, asker);
    return { payload: undefined };
  }
  const fields = submitted(payload);
  if (fields === undefined && childOf(payload, 'nick') === undefined) return { error: MALFORMED };
  const name = fields === undefined ? textOf(childOf(payload, 'nick')) : (fields.get('nick') ?? '');
  const { done, text } = await register(desk, asker, name.trim());
  return done ? { payload: undefined } : { error: { condition: 'not-acceptable', type: 'modify', text } };
}
