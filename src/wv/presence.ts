// Presence attributes (presence-attributes.md): names, order, who sets them, and their values.

import type { Element } from './element.ts';

/**
 * `simple` attributes hold one PresenceValue; `structured` ones hold named fields. `scope` says whose fact it is:
 * the client status of one client, or the user's own status. `settable`: what UpdatePresence may change.
 */
interface AttributeDefinition {
  readonly shape: 'simple' | 'structured';
  readonly scope: 'client' | 'user';
  readonly since: '1.1' | '1.2';
  /** Permitted values, compared without regard to case; absent = free text. */
  readonly values?: readonly string[];
}

/** In the order in which a PresenceSubList lists them. */
export const PRESENCE_ATTRIBUTES = {
  OnlineStatus: { shape: 'simple', scope: 'client', since: '1.1', values: ['T', 'F'] },
  Registration: { shape: 'simple', scope: 'client', since: '1.1', values: ['T', 'F'] },
  ClientInfo: { shape: 'structured', scope: 'client', since: '1.1' },
  TimeZone: { shape: 'structured', scope: 'client', since: '1.1' },
  GeoLocation: { shape: 'structured', scope: 'client', since: '1.1' },
  Address: { shape: 'structured', scope: 'client', since: '1.1' },
  FreeTextLocation: { shape: 'simple', scope: 'client', since: '1.1' },
  PLMN: { shape: 'simple', scope: 'client', since: '1.1' },
  CommCap: { shape: 'structured', scope: 'client', since: '1.1' },
  UserAvailability: {
    shape: 'simple',
    scope: 'user',
    since: '1.1',
    values: ['AVAILABLE', 'NOT_AVAILABLE', 'DISCREET'],
  },
  PreferredContacts: { shape: 'structured', scope: 'user', since: '1.1' },
  PreferredLanguage: { shape: 'simple', scope: 'user', since: '1.1' },
  StatusText: { shape: 'simple', scope: 'user', since: '1.1' },
  StatusMood: {
    shape: 'simple',
    scope: 'user',
    since: '1.1',
    values: [
      'HAPPY',
      'SAD',
      'ANGRY',
      'JEALOUS',
      'ASHAMED',
      'INVINCIBLE',
      'IN_LOVE',
      'SLEEPY',
      'BORED',
      'EXCITED',
      'ANXIOUS',
    ],
  },
  Alias: { shape: 'simple', scope: 'user', since: '1.1' },
  StatusContent: { shape: 'structured', scope: 'user', since: '1.1' },
  ContactInfo: { shape: 'structured', scope: 'user', since: '1.1' },
  InfoLink: { shape: 'structured', scope: 'user', since: '1.2' },
} as const satisfies Record<string, AttributeDefinition>;

export type PresenceAttributeName = keyof typeof PRESENCE_ATTRIBUTES;

export const PRESENCE_ATTRIBUTE_NAMES = Object.keys(PRESENCE_ATTRIBUTES) as readonly PresenceAttributeName[];

export function isPresenceAttribute(name: string): name is PresenceAttributeName {
  return Object.hasOwn(PRESENCE_ATTRIBUTES, name);
}

/**
 * One attribute's value. `valid` is the Qualifier: false = no longer valid or withheld (fields then empty).
 * `value` is the PresenceValue of a simple attribute, `fields` the content of a structured one, extended
 * (vendor) elements included.
 */
export interface PresenceAttribute {
  readonly valid: boolean;
  readonly value?: string;
  readonly fields?: readonly Element[];
}

/** Values of some attributes of one user. */
export type PresenceAttributes = { readonly [Name in PresenceAttributeName]?: PresenceAttribute };

/** A set of attribute names; undefined where a type says `AttributeFilter | undefined` means "all". */
export type AttributeFilter = ReadonlySet<PresenceAttributeName>;

export type UserAvailability = (typeof PRESENCE_ATTRIBUTES.UserAvailability.values)[number];
export type StatusMood = (typeof PRESENCE_ATTRIBUTES.StatusMood.values)[number];

/** A valid simple attribute. */
export function simple(value: string): PresenceAttribute {
  return { valid: true, value };
}

/** The attribute that says "nothing (any more)". */
export const WITHDRAWN: PresenceAttribute = Object.freeze({ valid: false });

export function sameAttribute(a: PresenceAttribute | undefined, b: PresenceAttribute | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    a.valid === b.valid &&
    a.value === b.value &&
    (a.fields === b.fields || JSON.stringify(a.fields ?? []) === JSON.stringify(b.fields ?? []))
  );
}

/** The attributes of `values` that `filter` names (undefined = all), in the standard's order. */
export function select(values: PresenceAttributes, filter: AttributeFilter | undefined): PresenceAttributes {
  const chosen: Partial<Record<PresenceAttributeName, PresenceAttribute>> = {};
  for (const name of PRESENCE_ATTRIBUTE_NAMES) {
    const attribute = values[name];
    if (attribute !== undefined && (filter === undefined || filter.has(name))) chosen[name] = attribute;
  }
  return chosen;
}

export function isEmptyPresence(values: PresenceAttributes): boolean {
  for (const _ in values) return false;
  return true;
}

/** True when OnlineStatus is valid and T. */
export function isOnline(values: PresenceAttributes): boolean {
  return values.OnlineStatus?.valid === true && values.OnlineStatus.value === 'T';
}
