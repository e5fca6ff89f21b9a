// What a search asks for (csp-transactions 2.1): the elements of CSP as data, and criteria made of pairs.

import { isAddressError, parseDomain, parseGroup, parseUser } from '../wv/address.ts';
import type { Domain, UserAddress } from '../wv/ids.ts';
import { result, type Result } from '../wv/status.ts';
import type { TextMatch, UserSearchField } from '../store/profiles.ts';
import type { GroupCriterion } from './group-finder.ts';

/** A pair of a request, as it came. */
export interface SearchPair {
  readonly element: string;
  readonly text: string;
}

type Meaning =
  | { readonly of: 'user'; readonly fields: readonly UserSearchField[]; readonly whole?: boolean }
  | { readonly of: 'user'; readonly special: 'id' | 'number' | 'alias' | 'online' | 'ageMin' | 'ageMax' }
  | { readonly of: 'group'; readonly by: GroupCriterion['by'] };

/** The search elements of 1.1 to 1.3. */
const ELEMENTS: Readonly<Record<string, Meaning>> = {
  USER_ID: { of: 'user', special: 'id' },
  USER_FIRST_NAME: { of: 'user', fields: ['first_name'] },
  USER_LAST_NAME: { of: 'user', fields: ['last_name'] },
  USER_EMAIL_ADDRESS: { of: 'user', fields: ['email'] },
  USER_ALIAS: { of: 'user', special: 'alias' },
  USER_ONLINE_STATUS: { of: 'user', special: 'online' },
  USER_MOBILE_NUMBER: { of: 'user', special: 'number' },
  USER_AGE_MIN: { of: 'user', special: 'ageMin' },
  USER_AGE_MAX: { of: 'user', special: 'ageMax' },
  USER_CITY: { of: 'user', fields: ['city'] },
  USER_COUNTRY: { of: 'user', fields: ['country'] },
  USER_FRIENDLY_NAME: { of: 'user', fields: ['friendly_name'] },
  USER_GENDER: { of: 'user', fields: ['gender'], whole: true },
  USER_INTENTION: { of: 'user', fields: ['intention'] },
  USER_INTERESTS_HOBBIES: { of: 'user', fields: ['interests'] },
  USER_MARITAL_STATUS: { of: 'user', fields: ['marital_status'], whole: true },
  GROUP_ID: { of: 'group', by: 'id' },
  GROUP_NAME: { of: 'group', by: 'name' },
  GROUP_TOPIC: { of: 'group', by: 'topic' },
  GROUP_USER_ID_JOINED: { of: 'group', by: 'joined' },
  GROUP_USER_ID_OWNER: { of: 'group', by: 'owner' },
  GROUP_USER_ID_AUTOJOIN: { of: 'group', by: 'autojoin' },
};

export interface UserCriteria {
  readonly kind: 'users';
  readonly texts: readonly TextMatch[];
  readonly age?: { readonly min: number; readonly max: number };
  /** USER_ONLINE_STATUS; undefined = either. */
  readonly online?: boolean;
}

export interface GroupCriteria {
  readonly kind: 'groups';
  readonly all: readonly GroupCriterion[];
}

/** 'nobody': well-formed, and nothing here can match (an id of another domain). */
export type Criteria = UserCriteria | GroupCriteria | 'nobody';

export interface Reading {
  readonly domain: Domain;
  /** Neighbours see each other's Alias unasked (presence.openAttributes): it may be searched then. */
  readonly openAlias: boolean;
}

/** Most pairs of one search, and most characters of a SearchString (csp-datatypes). */
const MAX_PAIRS = 16;
const MAX_STRING = 100;
const OLDEST = 150;

/** The criteria that pairs make together, or why they make none: 402, 537, 562. */
export function readCriteria(pairs: readonly SearchPair[], reading: Reading): Criteria | Result {
  if (pairs.length === 0) return result(562);
  if (pairs.length > MAX_PAIRS) return result(402, `More than ${MAX_PAIRS} search pairs`);
  const meant: (readonly [Meaning, string])[] = [];
  for (const { element, text } of pairs) {
    const meaning = Object.hasOwn(ELEMENTS, element) ? ELEMENTS[element] : undefined;
    if (meaning === undefined) return result(402, `SearchElement is not known: ${element.slice(0, 40)}`);
    if ([...text].length > MAX_STRING) return result(402, `SearchString of ${element} is too long`);
    meant.push([meaning, text.replace(/[\s\p{C}]+/gu, ' ').trim()]);
  }
  if (new Set(meant.map(([{ of }]) => of)).size > 1) return result(402, 'Users and groups in one search');
  return meant[0]?.[0].of === 'group' ? groupCriteria(meant, reading) : userCriteria(meant, reading);
}

export function isRefusal(criteria: Criteria | Result): criteria is Result {
  return typeof criteria === 'object' && 'code' in criteria;
}

interface Draft {
  readonly texts: TextMatch[];
  min?: number;
  max?: number;
  online?: boolean;
  nobody?: true;
}

function userCriteria(meant: readonly (readonly [Meaning, string])[], reading: Reading): Criteria | Result {
  const draft: Draft = { texts: [] };
  for (const [meaning, text] of meant) {
    if (meaning.of !== 'user') continue;
    if (text === '') continue;
    const wrong =
      'fields' in meaning ? plain(draft, meaning, text) : SPECIAL[meaning.special](draft, text, reading);
    if (wrong !== undefined) return result(402, wrong);
  }
  const { texts, min, max, online, nobody } = draft;
  if (nobody === true) return 'nobody';
  const age = min === undefined && max === undefined ? undefined : { min: min ?? 0, max: max ?? OLDEST };
  if (texts.length === 0 && age === undefined && online === undefined) return result(562);
  if (age === undefined && !texts.some(narrows)) return result(537);
  return {
    kind: 'users',
    texts,
    ...(age === undefined ? {} : { age }),
    ...(online === undefined ? {} : { online }),
  };
}

/** One letter names too many, and so does online status alone. */
function narrows({ text, at }: TextMatch): boolean {
  return [...text].length > 1 || at === 'whole';
}

function plain(
  draft: Draft,
  { fields, whole }: Extract<Meaning, { fields: unknown }>,
  text: string,
): undefined {
  draft.texts.push(whole === true ? { fields, text, at: 'whole' } : { fields, text });
}

type Reader = (draft: Draft, text: string, reading: Reading) => string | undefined;
type Special = Extract<Meaning, { special: unknown }>['special'];

/** What is more than a text in one field. Each says what is wrong with its text, if anything. */
const SPECIAL: Readonly<Record<Special, Reader>> = {
  id: idPart,
  number: mobileNumber,
  alias: (draft, text, { openAlias }) => {
    const fields = ['alias', 'friendly_name', ...(openAlias ? (['published_alias'] as const) : [])] as const;
    draft.texts.push({ fields, text });
    return undefined;
  },
  online: (draft, text) => {
    const wanted = /^[TF]$/i.test(text) ? text.toUpperCase() === 'T' : undefined;
    if (wanted === undefined) return 'USER_ONLINE_STATUS is neither T nor F';
    // Asked for both, none can match.
    if (draft.online !== undefined && draft.online !== wanted) draft.nobody = true;
    draft.online = wanted;
    return undefined;
  },
  ageMin: (draft, text) => {
    if (!/^\d{1,3}$/.test(text)) return 'USER_AGE_MIN is not an age';
    draft.min = Math.max(draft.min ?? 0, Number(text));
    return undefined;
  },
  ageMax: (draft, text) => {
    if (!/^\d{1,3}$/.test(text)) return 'USER_AGE_MAX is not an age';
    draft.max = Math.min(draft.max ?? OLDEST, Number(text));
    return undefined;
  },
};

/** Any part of an id: of the user part, from `wv:` on, or up to (some of) our domain. */
function idPart(draft: Draft, text: string, { domain }: Reading): undefined {
  const atStart = /^wv:/i.test(text);
  const rest = atStart ? text.slice(3) : text;
  const sign = rest.lastIndexOf('@');
  const user = sign < 0 ? rest : rest.slice(0, sign);
  if (sign >= 0 && !domain.startsWith(rest.slice(sign + 1).toLowerCase())) draft.nobody = true;
  const at = atStart ? (sign < 0 ? 'start' : 'whole') : sign < 0 ? undefined : 'end';
  if (user === '') return;
  draft.texts.push({ fields: ['name'], text: user, ...(at === undefined ? {} : { at }) });
}

/**
 * A number as people write it: blanks and signs do not count; `+` and `00` stand before a country code, a single 0 is
 * the trunk prefix that is not part of E.164. COMPAT(Movistar C#): the bare national number.
 */
function mobileNumber(draft: Draft, text: string): string | undefined {
  const digits = text.replace(/^(?:wv:|tel:)/i, '').replace(/[^\d]/g, '');
  const international = /^\s*(?:wv:|tel:)?(?:\+|00)/i.test(text);
  const number = digits.replace(/^00?/, '');
  if (number === '') return 'USER_MOBILE_NUMBER is not a number';
  draft.texts.push({ fields: ['mobile'], text: number, ...(international ? { at: 'start' as const } : {}) });
  return undefined;
}

function groupCriteria(
  meant: readonly (readonly [Meaning, string])[],
  { domain }: Reading,
): Criteria | Result {
  const all: GroupCriterion[] = [];
  for (const [meaning, text] of meant) {
    if (meaning.of !== 'group' || text === '') continue;
    const { by } = meaning;
    if (by === 'name' || by === 'topic') all.push({ by, text });
    else if (by === 'id') all.push({ by, text: groupId(text, domain) });
    else {
      const user = parseUser(text, domain);
      if (isAddressError(user)) return result(402, `Not the id of a user: ${user.reason}`);
      all.push({ by, user: user satisfies UserAddress });
    }
  }
  if (all.length === 0) return result(562);
  if (all.every((one) => 'text' in one && [...one.text].length < 2)) return result(537);
  return { kind: 'groups', all };
}

/** A complete address in its canonical form; a part of one as it is. */
function groupId(text: string, domain: Domain): string {
  const sign = text.lastIndexOf('@');
  const complete = /^wv:/i.test(text) && sign >= 0 && parseDomain(text.slice(sign + 1)) !== undefined;
  const group = complete ? parseGroup(text, domain) : text;
  return isAddressError(group) ? text : group;
}
