// Group properties and own properties as data (csp-transactions section 8, csp-datatypes section 5): their names,
// values, defaults, and who sets them.

import type { GroupProfile, OwnSettings } from '../../store/store.ts';
import type { GroupProperty } from '../../wv/primitives.ts';
import { result, type Result } from '../../wv/status.ts';

interface Rule {
  readonly kind: 'text' | 'flag' | 'number' | 'choice';
  /** The value while nobody set one; absent = the property is left out. */
  readonly initial?: string;
  readonly choices?: readonly string[];
  /** The server says how it is. Saying the same back is no error: clients return what they read. */
  readonly readOnly?: true;
}

export const GROUP_PROPERTIES: Readonly<Record<string, Rule>> = {
  Name: { kind: 'text' },
  Accesstype: { kind: 'choice', choices: ['Open', 'Restricted'], initial: 'Open' },
  Type: { kind: 'choice', choices: ['Public', 'Private'], readOnly: true },
  PrivateMessaging: { kind: 'flag', initial: 'T' },
  Searchable: { kind: 'flag', initial: 'F' },
  Topic: { kind: 'text' },
  ActiveUsers: { kind: 'number', readOnly: true },
  MaxActiveUsers: { kind: 'number' },
  AutoDelete: { kind: 'flag', initial: 'F' },
  Validity: { kind: 'number' },
  History: { kind: 'flag', initial: 'F' },
  RequireInvitation: { kind: 'flag', initial: 'F' },
};

export const OWN_PROPERTIES: Readonly<Record<string, Rule>> = {
  IsMember: { kind: 'flag', readOnly: true },
  PrivilegeLevel: { kind: 'choice', choices: ['User', 'Mod', 'Admin'], readOnly: true },
  AutoJoin: { kind: 'flag', initial: 'F' },
  PrivateMessaging: { kind: 'flag', initial: 'T' },
  ShowID: { kind: 'flag', initial: 'F' },
};

export const INITIAL_SETTINGS: OwnSettings = { autoJoin: false, privateMessaging: true, showId: false };

/** Longest Name or Topic, characters, and longest WelcomeNote. */
const MAX_TEXT = 200;
const MAX_NOTE = 2_000;
/** Largest number: as seconds, 30 years. */
const MAX_NUMBER = 1_000_000_000;

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is refused
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** The canonical value, or undefined for one that the rule does not allow. '' unsets a text or number. */
function canonicalValue(rule: Rule, text: string): string | undefined {
  const value = text.trim();
  switch (rule.kind) {
    case 'text':
      return value.length <= MAX_TEXT && !CONTROL.test(value) ? value : undefined;
    case 'flag':
      return /^[tf]$/i.test(value) ? value.toUpperCase() : undefined;
    case 'number':
      if (value === '') return value;
      return /^\d{1,10}$/.test(value) && Number(value) <= MAX_NUMBER ? String(Number(value)) : undefined;
    case 'choice':
      return rule.choices?.find((choice) => choice.toLowerCase() === value.toLowerCase());
  }
}

/** Properties that passed the table, by canonical name; or 806 that names the first that did not. */
function checked(
  rules: Readonly<Record<string, Rule>>,
  properties: readonly GroupProperty[],
  current: (name: string) => string | undefined,
): ReadonlyMap<string, string> | Result {
  const values = new Map<string, string>();
  for (const property of properties) {
    const wanted = property.name.trim().toLowerCase();
    const [name, rule] = Object.entries(rules).find(([known]) => known.toLowerCase() === wanted) ?? [];
    if (name === undefined || rule === undefined) return result(806, 'Unknown property');
    const value = canonicalValue(rule, property.value);
    if (value === undefined) return result(806, `${name}: invalid value`);
    if (rule.readOnly !== true) values.set(name, value);
    else if (value !== current(name)) return result(806, `${name} cannot be set`);
  }
  return values;
}

export function isRefusal<T extends object>(value: T | Result): value is Result {
  return 'code' in value;
}

/** What of a group the server knows by itself. */
export interface GroupFacts {
  readonly isPublic: boolean;
  readonly activeUsers: number;
}

function factOf(facts: GroupFacts, name: string): string | undefined {
  if (name === 'Type') return facts.isPublic ? 'Public' : 'Private';
  return name === 'ActiveUsers' ? String(facts.activeUsers) : undefined;
}

/** The value of a group property that can be set. */
export function groupValue(profile: GroupProfile, name: string): string | undefined {
  return profile.properties[name] ?? GROUP_PROPERTIES[name]?.initial;
}

/** A flag of the group. */
export function groupFlag(profile: GroupProfile, name: string): boolean {
  return groupValue(profile, name) === 'T';
}

/** A number of the group; undefined = not set. */
export function groupNumber(profile: GroupProfile, name: string): number | undefined {
  const value = groupValue(profile, name);
  return value === undefined ? undefined : Number(value);
}

/** All properties of a group, in the order of the table. */
export function groupProperties(profile: GroupProfile, facts: GroupFacts): readonly GroupProperty[] {
  return Object.keys(GROUP_PROPERTIES).flatMap((name) => {
    const value = factOf(facts, name) ?? groupValue(profile, name);
    return value === undefined ? [] : [{ name, value }];
  });
}

/**
 * A profile with some properties changed. 806 for an unknown property or value, 822 for a searchable group without
 * Name and Topic. `now`: a Validity (seconds) counts from it.
 */
export function changedProfile(
  profile: GroupProfile,
  change: { readonly properties: readonly GroupProperty[]; readonly welcomeNote?: string },
  facts: GroupFacts,
  now: number,
): GroupProfile | Result {
  const values = checked(GROUP_PROPERTIES, change.properties, (name) => factOf(facts, name));
  if (isRefusal(values)) return values;
  const note = change.welcomeNote ?? profile.welcomeNote;
  if (note !== undefined && note.length > MAX_NOTE) return result(806, 'WelcomeNote: too long');
  const properties = { ...profile.properties };
  for (const [name, value] of values) {
    if (value === '') delete properties[name];
    else properties[name] = value;
  }
  const { Name = '', Topic = '' } = properties;
  const searchable = properties['Searchable'] === 'T';
  if (searchable && Name === '' && Topic === '') return result(822);
  const renewed = values.has('Validity') || values.has('AutoDelete');
  const expiresAt = renewed ? expiryOf(properties, now) : profile.expiresAt;
  return {
    properties,
    ...(note === undefined || note === '' ? {} : { welcomeNote: note }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(searchable ? { search: { name: Name.toLowerCase(), topic: Topic.toLowerCase() } } : {}),
  };
}

/** AutoDelete groups end with their Validity; the others never do by themselves. */
function expiryOf(properties: Readonly<Record<string, string>>, now: number): number | undefined {
  const { AutoDelete, Validity } = properties;
  return AutoDelete === 'T' && Validity !== undefined ? now + Number(Validity) * 1000 : undefined;
}

/** What of a user's own properties the server knows by itself. */
export interface OwnFacts {
  readonly isMember: boolean;
  readonly privilege: string;
}

function flag(value: boolean): 'T' | 'F' {
  return value ? 'T' : 'F';
}

function ownFactOf(facts: OwnFacts, name: string): string | undefined {
  if (name === 'IsMember') return flag(facts.isMember);
  return name === 'PrivilegeLevel' ? facts.privilege : undefined;
}

export function ownProperties(settings: OwnSettings, facts: OwnFacts): readonly GroupProperty[] {
  return [
    { name: 'IsMember', value: flag(facts.isMember) },
    { name: 'PrivilegeLevel', value: facts.privilege },
    { name: 'AutoJoin', value: flag(settings.autoJoin) },
    { name: 'PrivateMessaging', value: flag(settings.privateMessaging) },
    { name: 'ShowID', value: flag(settings.showId) },
  ];
}

/** Settings with some changed; 806 for an unknown property or value. */
export function changedSettings(
  settings: OwnSettings,
  properties: readonly GroupProperty[],
  facts: OwnFacts,
): OwnSettings | Result {
  const values = checked(OWN_PROPERTIES, properties, (name) => ownFactOf(facts, name));
  if (isRefusal(values)) return values;
  const read = (name: string, before: boolean) => (values.has(name) ? values.get(name) === 'T' : before);
  return {
    autoJoin: read('AutoJoin', settings.autoJoin),
    privateMessaging: read('PrivateMessaging', settings.privateMessaging),
    showId: read('ShowID', settings.showId),
  };
}
