// The registration file of the application service (Matrix Application Service API, "Registration"): written for the
// homeserver's administrator, read back by the gateway. The one place where the two tokens live.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

/** What the gateway needs of a registration. */
export interface Registration {
  readonly id: string;
  /** Where the homeserver reaches us. */
  readonly url: string;
  /** Ours towards the homeserver. Secret. */
  readonly asToken: string;
  /** The homeserver's towards us. Secret. */
  readonly hsToken: string;
  /** Localpart of the bot. */
  readonly senderLocalpart: string;
  /** Regular expression of the users we own. */
  readonly userNamespace: string;
  readonly receivesEphemeral: boolean;
  /** What works in part only, or invites trouble: one line each. */
  readonly doubts: readonly string[];
}

/** A configuration that cannot work; the message names the file or section, and the key. */
export class MatrixConfigError extends Error {
  override readonly name = 'MatrixConfigError';
}

export interface RegistrationOptions {
  /** Default `imps`. Unique on the homeserver. */
  readonly id?: string;
  /** Where the homeserver will reach the gateway. */
  readonly url: string;
  /** The homeserver's `server_name`. */
  readonly serverName: string;
  /** Default `_imps_`. Localparts of ghosts and aliases start with it. */
  readonly prefix?: string;
}

/** Octets of a fresh token. */
const TOKEN_BYTES = 32;

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** The YAML text of a new registration with fresh tokens. To be kept secret, and given to the homeserver. */
export function generateRegistration(options: RegistrationOptions): string {
  const prefix = options.prefix ?? '_imps_';
  const server = escapeRegExp(options.serverName);
  const token = (): string => randomBytes(TOKEN_BYTES).toString('base64url');
  return stringify({
    id: options.id ?? 'imps',
    url: options.url,
    as_token: token(),
    hs_token: token(),
    sender_localpart: `${prefix}bot`,
    rate_limited: false,
    receive_ephemeral: true,
    // COMPAT(Synapse): the name of receive_ephemeral before Matrix 1.13.
    'de.sorunome.msc2409.push_ephemeral': true,
    protocols: ['imps'],
    namespaces: {
      users: [{ exclusive: true, regex: `@${escapeRegExp(prefix)}.*:${server}` }],
      aliases: [{ exclusive: true, regex: `#${escapeRegExp(prefix)}.*:${server}` }],
      rooms: [],
    },
  });
}

/**
 * Reads a registration file.
 * @throws MatrixConfigError that names the file and the key
 */
export function readRegistration(file: string): Registration {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new MatrixConfigError(`${file}: cannot be read`, { cause: error });
  }
  return parseRegistration(text, file);
}

/**
 * Checks the text of a registration.
 * @param source what to call it in errors
 */
export function parseRegistration(text: string, source: string): Registration {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new MatrixConfigError(`${source}: not YAML`, { cause: error });
  }
  if (!isRecord(document)) throw new MatrixConfigError(`${source}: not a registration`);
  const fields = document;
  const needed = (key: string): string => neededText(fields, key, source);
  return {
    id: needed('id'),
    url: needed('url'),
    asToken: needed('as_token'),
    hsToken: needed('hs_token'),
    senderLocalpart: needed('sender_localpart'),
    userNamespace: userNamespace(fields, source),
    receivesEphemeral: EPHEMERAL.some((key) => fields[key] === true),
    doubts: doubtsAbout(fields),
  };
}

/** Shorter tokens can be guessed, or are those of a sample, in characters. */
const LEAST_TOKEN = 20;
/** COMPAT(Synapse): the second is the name of the first before Matrix 1.13; both together suit all versions. */
const EPHEMERAL = ['receive_ephemeral', 'de.sorunome.msc2409.push_ephemeral'] as const;

type Doubt = readonly [isDoubtful: (fields: Readonly<Record<string, unknown>>) => boolean, words: string];

const DOUBTS: readonly Doubt[] = [
  [
    (fields) => fields[EPHEMERAL[0]] !== true,
    'receive_ephemeral: not true, so no presence and no read receipts come from homeservers of today',
  ],
  [
    (fields) => fields[EPHEMERAL[1]] !== true,
    'de.sorunome.msc2409.push_ephemeral: not true, so no presence and no read receipts come from older homeservers',
  ],
  [
    (fields) => fields['rate_limited'] !== false,
    'rate_limited: not false, so the homeserver slows ghosts down',
  ],
  [
    (fields) => !listOf(fields['protocols']).includes('imps'),
    'protocols: imps is missing, so Matrix clients cannot look WV users up',
  ],
  [
    (fields) => !areExclusive(fields, 'users'),
    'namespaces.users: not exclusive, so anybody may register as a WV user',
  ],
  [
    (fields) => !areExclusive(fields, 'aliases'),
    'namespaces.aliases: none that is exclusive, so anybody may take the names of groups',
  ],
  [
    (fields) => [fields['as_token'], fields['hs_token']].some((token) => isWeak(String(token))),
    'as_token, hs_token: too short, or those of a sample; write a new registration',
  ],
  [(fields) => fields['as_token'] === fields['hs_token'], 'as_token, hs_token: the same; they must differ'],
  [(fields) => !URL.canParse(String(fields['url'])), 'url: not a URL, so the homeserver cannot reach wvgate'],
];

function isWeak(token: string): boolean {
  return token.length < LEAST_TOKEN || token.startsWith('CHANGE');
}

function doubtsAbout(fields: Readonly<Record<string, unknown>>): readonly string[] {
  return DOUBTS.filter(([isDoubtful]) => isDoubtful(fields)).map(([, words]) => words);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function areExclusive(fields: Readonly<Record<string, unknown>>, kind: 'users' | 'aliases'): boolean {
  const namespaces = fields['namespaces'];
  const spaces = isRecord(namespaces) ? listOf(namespaces[kind]) : [];
  return spaces.length > 0 && spaces.every((space) => isRecord(space) && space['exclusive'] === true);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function neededText(fields: Readonly<Record<string, unknown>>, key: string, source: string): string {
  const value = fields[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new MatrixConfigError(`${source}: ${key}: a text is needed`);
}

function userNamespace(fields: Readonly<Record<string, unknown>>, source: string): string {
  const namespaces = fields['namespaces'];
  const users = isRecord(namespaces) ? namespaces['users'] : undefined;
  const first: unknown = Array.isArray(users) ? users[0] : undefined;
  const regex = isRecord(first) ? first['regex'] : undefined;
  if (typeof regex !== 'string') throw new MatrixConfigError(`${source}: namespaces.users: one is needed`);
  try {
    RegExp(regex);
  } catch (error) {
    throw new MatrixConfigError(`${source}: namespaces.users: not a regular expression`, { cause: error });
  }
  return regex;
}

/**
 * The fixed start of the localparts in a user namespace: `@_imps_.*:hs\.example` gives `_imps_`.
 * Undefined when the expression has another form.
 */
export function prefixOfNamespace(regex: string): string | undefined {
  const match = /^\^?@((?:[a-z0-9_\-=/+]|\\.)+)(?:\.|\[[^\]]*\])[*+]/.exec(regex);
  return match?.[1]?.replaceAll('\\', '');
}
