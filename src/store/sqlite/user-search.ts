// The search over users: an index of all texts by trigrams (FTS5), which finds any part of a word of three characters
// and more. Words are written between two blanks each: so "  s" is a trigram that finds the words that begin
// with s, and "  smith  " finds the whole word.

import { msisdnOf, userPartOf } from '../../wv/address.ts';
import type { UserAddress } from '../../wv/ids.ts';
import type { PresenceAttributes } from '../../wv/presence.ts';
import type { FindableField } from '../../wv/profile.ts';
import {
  USER_SEARCH_FIELDS,
  type Profile,
  type ProfileStore,
  type TextMatch,
  type UserSearchField,
} from '../profiles.ts';
import { decodeJson } from './columns.ts';
import type { Database, Statement } from './database.ts';

export interface UserSearchArea extends Pick<ProfileStore, 'searchUsers'> {
  /** Inside a write, after whatever a user is found by changed. */
  readonly index: (user: UserAddress, profile: Profile) => void;
}

interface Known {
  readonly display_name: string | null;
  readonly attributes: string | null;
}

/** NULL where there is nothing to find. */
type Texts = Readonly<Record<UserSearchField, string | null>>;

export function userSearchArea(db: Database): UserSearchArea {
  const known = db.prepare<Known>(
    'SELECT display_name, attributes FROM users LEFT JOIN presence ON presence.user = address WHERE address = ?',
  );
  const columns = USER_SEARCH_FIELDS.join(', ');
  const put = db.prepare(
    `INSERT INTO user_search (user, age, ${columns}) VALUES (?, ?${', ?'.repeat(USER_SEARCH_FIELDS.length)})
     ON CONFLICT (user) DO UPDATE SET age = excluded.age,
       ${USER_SEARCH_FIELDS.map((field) => `${field} = excluded.${field}`).join(', ')}`,
  );

  // A statement for each shape of a search; there are few.
  const prepared = new Map<string, Statement<{ user: UserAddress }>>();
  function statement(shape: Shape): Statement<{ user: UserAddress }> {
    const sql = searchSql(shape);
    const existing = prepared.get(sql) ?? db.prepare<{ user: UserAddress }>(sql);
    prepared.set(sql, existing);
    return existing;
  }

  return {
    index(user, profile) {
      const row = known.get(user);
      if (row === undefined) return;
      const texts = textsOf(user, profile, row);
      const age = shown(profile, 'publicProfile', profile.publicProfile.PP_AGE);
      put.run(
        user,
        age === undefined ? null : Number(age),
        ...USER_SEARCH_FIELDS.map((field) => texts[field]),
      );
    },
    searchUsers: ({ texts, age, online }, limit) =>
      db.read(() => {
        if (texts.length === 0 && age === undefined) return [];
        const shape = { texts: texts.length > 0, age: age !== undefined, online: online?.is };
        const rows = statement(shape).all(
          ...(texts.length === 0 ? [] : [texts.map(matchOf).join(' AND ')]),
          ...(age === undefined ? [] : [age.min, age.max]),
          ...(online === undefined ? [] : [JSON.stringify(online.among)]),
          limit,
        );
        return rows.map(({ user }) => user);
      }),
  };
}

interface Shape {
  readonly texts: boolean;
  readonly age: boolean;
  readonly online: boolean | undefined;
}

function searchSql({ texts, age, online }: Shape): string {
  const conditions = [
    ...(texts ? ['user_search_text MATCH ?'] : []),
    ...(age ? ['s.age BETWEEN ? AND ?'] : []),
    ...(online === undefined
      ? []
      : [
          `EXISTS (SELECT 1 FROM attribute_lists a, json_each(a.attributes) shown
                   WHERE a.owner = s.user AND a.kind = 'default' AND a.subject = '' AND shown.value = 'OnlineStatus')`,
          `s.user ${online ? 'IN' : 'NOT IN'} (SELECT value FROM json_each(?))`,
        ]),
  ];
  return `SELECT s.user AS user FROM user_search s
          ${texts ? 'JOIN user_search_text ON user_search_text.rowid = s.id' : ''}
          JOIN users u ON u.address = s.user AND u.active = 1
          WHERE ${conditions.join(' AND ')} LIMIT ?`;
}

const BLANKS = /[\s\p{C}]+/gu;

/** Between two blanks each, and none at the ends. */
function words(text: string): string {
  return text.normalize('NFC').replace(BLANKS, ' ').trim().replaceAll(' ', '  ');
}

function indexed(text: string | null | undefined): string | null {
  return text === undefined || text === null || text === '' ? null : `  ${words(text)}  `;
}

/** One condition in the language of FTS5. The text stands in quotes, so that nothing in it is a word of that language. */
function matchOf({ fields, text, at }: TextMatch): string {
  const body = words(text);
  const short = [...body].length < 3;
  const start = short || at === 'start' || at === 'whole' ? '  ' : '';
  const end = at === 'end' || at === 'whole' ? '  ' : '';
  return `({${fields.join(' ')}} : "${`${start}${body}${end}`.replaceAll('"', '""')}")`;
}

/** The value unless its owner hides it. */
function shown<T>({ findable }: Profile, field: FindableField, value: T): T | undefined {
  return findable[field] === 'nobody' ? undefined : value;
}

function textsOf(user: UserAddress, profile: Profile, row: Known): Texts {
  const { publicProfile } = profile;
  const alias = row.attributes === null ? undefined : decodeJson<PresenceAttributes>(row.attributes).Alias;
  const show = (field: FindableField, text: string | null | undefined) =>
    indexed(shown(profile, field, text));
  return {
    name: show('id', userPartOf(user)),
    first_name: show('name', profile.firstName),
    last_name: show('name', profile.lastName),
    email: show('email', profile.email),
    mobile: show('mobileNumber', profile.mobileNumber ?? msisdnOf(user)?.slice(1)),
    alias: show('alias', row.display_name),
    published_alias: show('alias', alias?.valid === true ? alias.value : undefined),
    friendly_name: show('publicProfile', publicProfile.PP_FRIENDLY_NAME),
    city: show('publicProfile', publicProfile.PP_CITY),
    country: show('publicProfile', publicProfile.PP_COUNTRY),
    gender: show('publicProfile', publicProfile.PP_GENDER),
    intention: show('publicProfile', publicProfile.PP_INTENTION),
    interests: show('publicProfile', publicProfile.PP_INTERESTS),
    marital_status: show('publicProfile', publicProfile.PP_MARITAL_STATUS),
  };
}
