// The steps of the secret-token exchange (ssp.md sections 4 and 6.1, observed-peer.md section 11).

import type { Element } from '../../../wv/element.ts';
import type { DigestSchema, LoginRequest, LoginResponse, SendSecretToken, SetupStep } from '../document.ts';
import { OUTCOME } from './common.ts';
import {
  also,
  attribute,
  attributeOf,
  build,
  child,
  content,
  mapped,
  must,
  or,
  record,
  unless,
  Unreadable,
  type Part,
  type ReadContext,
  type Text,
  type WriteContext,
} from './parts.ts';
import { decodeBase64, ID, NUMBER, oneOf, SERVICE_DOMAIN } from './values.ts';

/** Seconds, where a peer does not say how long a session may be idle. */
const DEFAULT_TIME_TO_LIVE = 3600;

/** Octets: nobody needs more, and they are kept until the set-up ends. */
const LONGEST_TOKEN = 1_024;
/** Characters: it is told to the operator. */
const LONGEST_VERSION = 32;

const SERVICE = must(attribute('serviceID', SERVICE_DOMAIN), 'serviceID');
const TIME_TO_LIVE = or(attribute('timeToLive', NUMBER), DEFAULT_TIME_TO_LIVE);

/** COMPAT(Baraza): a token in plain text between line breaks; with any `encoding` it is BASE64. */
const TOKEN: Part<Buffer> = {
  read: (element) => {
    const text = element.text.trim();
    const octets = attributeOf(element, 'encoding') === undefined ? Buffer.from(text) : decodeBase64(text);
    if (octets.length === 0) throw new Unreadable(400, 'SecretToken is empty');
    if (octets.length > LONGEST_TOKEN) throw new Unreadable(402, 'SecretToken is too long');
    return octets;
  },
  write: (token, draft) => {
    draft.attributes.push(['encoding', 'base64']);
    draft.text = token.toString('base64');
  },
};

/** COMPAT(Baraza): misspells the attribute, and reads it misspelt only. */
const PROTOCOL_VERSION: Part<Pick<SendSecretToken, 'protocolVersion' | 'misspelt'>> = {
  read: (element) => {
    const right = attributeOf(element, 'protocolVersion');
    const misspelt = attributeOf(element, 'procotolVersion');
    const written = (right ?? misspelt ?? '').slice(0, LONGEST_VERSION).toWellFormed();
    if (right !== undefined || misspelt === undefined) return { protocolVersion: written };
    return { protocolVersion: written, misspelt: true };
  },
  write: ({ protocolVersion }, draft, { dialect }) => {
    draft.attributes.push(['protocol', 'WV-SSP'], ['protocolVersion', protocolVersion]);
    if (dialect.misspeltVersion) draft.attributes.push(['procotolVersion', protocolVersion]);
  },
};

const SCHEMAS = ['SHA256', 'MD5'] as const satisfies readonly DigestSchema[];

/** What we can check beside MD5: no source has it, and those who do not know it prove by MD5. */
const DIGEST_SCHEMAS: Part<readonly DigestSchema[] | undefined> = {
  read: (element) => {
    const named = attributeOf(element, 'digestSchemas')?.toUpperCase().split(/\s+/);
    return named && SCHEMAS.filter((schema) => named.includes(schema));
  },
  write: (schemas, draft, { dialect }) => {
    if (schemas !== undefined && dialect.extensions)
      draft.attributes.push(['digestSchemas', schemas.join(' ')]);
  },
};

const SEND_SECRET_TOKEN: Part<Omit<SendSecretToken, 'name'>> = mapped(
  record({
    service: SERVICE,
    version: PROTOCOL_VERSION,
    digestSchemas: DIGEST_SCHEMAS,
    token: must(child('SecretToken', TOKEN), 'SecretToken'),
  }),
  ({ version, digestSchemas, ...wire }) => ({
    ...wire,
    ...version,
    ...(digestSchemas === undefined ? {} : { digestSchemas }),
  }),
  ({ protocolVersion, digestSchemas, ...value }) => ({
    ...value,
    version: { protocolVersion },
    ...(digestSchemas === undefined ? {} : { digestSchemas }),
  }),
);

const SCHEMA = unless<DigestSchema>(attribute('schema', oneOf(['MD5', 'SHA256'])), 'MD5');

const DIGEST_TEXT: Text<Buffer> = {
  read: (text) => {
    const octets = decodeBase64(text);
    if (octets.length === 0) throw new Unreadable(400, 'PasswordDigest is empty');
    return octets;
  },
  write: (octets) => octets.toString('base64'),
};

const PASSWORD_DIGEST: Part<Pick<LoginRequest, 'digest' | 'schema'>> = also(
  record({ schema: SCHEMA, digest: content(DIGEST_TEXT) }),
  (draft) => draft.attributes.unshift(['encoding', 'base64']),
);

const LOGIN_REQUEST: Part<Omit<LoginRequest, 'name'>> = mapped(
  record({
    service: SERVICE,
    timeToLive: TIME_TO_LIVE,
    password: must(child('PasswordDigest', PASSWORD_DIGEST), 'PasswordDigest'),
  }),
  ({ password, ...wire }) => ({ ...wire, ...password }),
  ({ digest, schema, ...value }) => ({ ...value, password: { digest, schema } }),
);

const LOGIN_RESPONSE: Part<Omit<LoginResponse, 'name'>> = record({
  sessionId: unless(attribute('sessionID', ID), ''),
  timeToLive: TIME_TO_LIVE,
  result: OUTCOME,
});

/** Reads a step. Throws Unreadable for what is none, or misses what it cannot do without. */
export function readStep(element: Element, context: ReadContext): SetupStep {
  switch (element.name) {
    case 'SendSecretToken':
      return { name: 'SendSecretToken', ...SEND_SECRET_TOKEN.read(element, context) };
    case 'LoginRequest':
      return { name: 'LoginRequest', ...LOGIN_REQUEST.read(element, context) };
    case 'LoginResponse':
      return { name: 'LoginResponse', ...LOGIN_RESPONSE.read(element, context) };
    default:
      throw new Unreadable(405, 'unknown step of the set-up');
  }
}

export function writeStep(step: SetupStep, context: WriteContext): Element {
  switch (step.name) {
    case 'SendSecretToken':
      return build(step.name, SEND_SECRET_TOKEN, step, context);
    case 'LoginRequest':
      return build(step.name, LOGIN_REQUEST, step, context);
    case 'LoginResponse':
      return build(step.name, LOGIN_RESPONSE, step, context);
  }
}
