// What a user's presence is at this moment: his own attributes, those of his clients, and what the server knows
// (presence-attributes.md: merge rule, "server practice", "behavioural facts").

import { userPartOf } from '../../wv/address.ts';
import { leaf, node } from '../../wv/element.ts';
import {
  PRESENCE_ATTRIBUTE_NAMES,
  PRESENCE_ATTRIBUTES,
  sameAttribute,
  simple,
  WITHDRAWN,
  type PresenceAttribute,
  type PresenceAttributeName,
  type PresenceAttributes,
} from '../../wv/presence.ts';
import type { Home } from '../home.ts';
import { maskOf, type AttributeMask } from './masks.ts';

type Draft = Partial<Record<PresenceAttributeName, PresenceAttribute>>;

/** Nokia's 1.1 phones show nothing of a contact without CommCap, and dislike an empty Note. */
function imOpen(home: Home): PresenceAttribute {
  return {
    valid: true,
    fields: [
      node('CommC', [
        leaf('Cap', 'IM'),
        leaf('Status', 'OPEN'),
        leaf('Contact', home.address),
        leaf('Note', 'IM online'),
      ]),
    ],
  };
}

/** The name a user is shown by: Alias, else profile name, else the user part of his address. */
export function shownName(home: Home): string {
  const alias = home.presence.Alias;
  if (alias?.valid === true && alias.value !== undefined && alias.value !== '') return alias.value;
  return home.user.displayName ?? userPartOf(home.address);
}

/** A client may hide itself by publishing OnlineStatus F; without a word it is online. */
function showsOnline(home: Home): boolean {
  for (const client of home.clients) if (client.ownPresence.OnlineStatus?.value !== 'F') return true;
  return false;
}

/** All attributes with a value. Client status comes from the newest client that has it. */
export function presenceOf(home: Home): PresenceAttributes {
  const online = showsOnline(home);
  const draft: Draft = { ...home.presence };
  if (online) {
    for (const client of home.clients) Object.assign(draft, client.ownPresence);
    draft.CommCap ??= imOpen(home);
    draft.UserAvailability ??= simple('AVAILABLE');
  } else {
    dropClientStatus(draft);
    // Phones that look at nothing else show a contact as away, at least (presence-attributes.md).
    draft.UserAvailability = simple('NOT_AVAILABLE');
  }
  draft.OnlineStatus = simple(online ? 'T' : 'F');
  if (draft.Alias?.valid !== true) draft.Alias = simple(shownName(home));
  return draft;
}

function dropClientStatus(draft: Draft): void {
  for (const name of PRESENCE_ATTRIBUTE_NAMES) {
    if (PRESENCE_ATTRIBUTES[name].scope === 'client') delete draft[name];
  }
}

/** The attributes that differ between two states. */
export function difference(before: PresenceAttributes, after: PresenceAttributes): AttributeMask {
  return maskOf(PRESENCE_ATTRIBUTE_NAMES.filter((name) => !sameAttribute(before[name], after[name])));
}

export { WITHDRAWN };
