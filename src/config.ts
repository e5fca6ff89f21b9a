// The one configuration file: its schema with defaults and the text of the reference (docs/configuration.md is
// generated from it). Unknown keys are errors; every error names the file and the key.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { contentSchema } from './config/content.ts';
import { domainClashes, matrixSchema, xmppDomains, xmppSections } from './config/gateways.ts';
import { listenSchema } from './config/listen.ts';
import { loginSchema } from './config/login.ts';
import { profilesSchema, searchSchema } from './config/search.ts';
import { sspProblems, sspSchema, withSspPaths } from './config/ssp.ts';
import { domain, logSchema, seconds } from './config/values.ts';
import { parseMsisdn } from './wv/msisdn.ts';

const userSchema = z.strictObject({
  name: z.string().min(1).max(50).describe('User part of the address: `ann` is wv:ann@<domain>.'),
  password: z
    .string()
    .min(1)
    .refine((text) => text.trim() === text, 'must not begin or end with a blank: phones drop it')
    .describe('Password; taken over when the account is created, later changed with `wvgate user passwd`.'),
  displayName: z.string().max(100).optional().describe('Name shown to others.'),
  msisdn: z
    .string()
    .refine((text) => parseMsisdn(text) !== undefined, 'not a telephone number with country code')
    .optional()
    .describe('Telephone number with country code: whom `login.msisdn` logs in. Quote it.'),
});

export const configSchema = z.strictObject({
  domain: domain
    .default('wv.localhost')
    .describe('The WV domain served here: the part after @ of all addresses.'),
  data: z
    .string()
    .default('data')
    .describe('Folder for the database and generated keys, relative to this file’s folder or absolute.'),
  passwordKeyFile: z
    .string()
    .optional()
    .describe(
      'File with 32 random bytes in base64 that encrypt passwords kept for digest login. Default: made in the data folder.',
    ),
  digestLogin: z
    .boolean()
    .default(true)
    .describe(
      'Keep passwords encrypted so that phones can log in with digests (4-way). false: only hashes are kept.',
    ),
  listen: listenSchema.prefault({}),
  provider: z
    .strictObject({
      name: z.string().default('wvgate').describe('Name of the service shown by phones.'),
      description: z.string().max(200).optional().describe('One line about the service.'),
      url: z.url().optional().describe('Page about the service.'),
      logo: z
        .string()
        .optional()
        .describe('File with a small picture (GIF, JPEG or PNG, at most 16,384 bytes) that phones may show.'),
    })
    .prefault({})
    .describe('What GetSPInfo answers.'),
  operator: z
    .strictObject({
      tokenFile: z
        .string()
        .optional()
        .describe(
          'File with the secret (16 characters at least) that opens the user API on the operator endpoint. Default: no such API.',
        ),
    })
    .prefault({}),
  users: z.array(userSchema).default([]).describe('Accounts created at start when they do not exist yet.'),
  session: z
    .strictObject({
      keepAlive: z
        .strictObject({
          default: seconds
            .default(3_600)
            .describe('Idle time of a session when the client names none, seconds.'),
          min: seconds.default(60).describe('Shortest idle time granted, seconds.'),
          max: seconds.default(86_400).describe('Longest idle time granted, seconds.'),
        })
        .prefault({}),
      pollMin: seconds.default(5).describe('Seconds between polls that clients are asked to keep.'),
      sameUser: z
        .enum(['parallel', 'replace', 'refuse'])
        .default('parallel')
        .describe(
          'When another client of a user logs in: `parallel` = all stay, `replace` = the others end (601), `refuse` = it is refused (603). The same client always takes the place of its own session.',
        ),
      longPollSeconds: z
        .int()
        .min(0)
        .max(120)
        .default(0)
        .describe(
          'Longest time a poll is held open until something is there, for clients that ask for it (`Prefer: wait=SECONDS`) or are known to stand it. 0 = polls are answered at once.',
        ),
      heldPolls: z
        .int()
        .min(1)
        .default(5_000)
        .describe('Polls held open at once; more are answered at once.'),
      perUser: z.int().min(1).default(8).describe('Clients of one user at once; the oldest goes (601).'),
      maxGroups: z
        .int()
        .min(1)
        .default(50)
        .describe('Groups that one session may be joined to at once (814 beyond).'),
      max: z.int().min(1).default(100_000).describe('Sessions at once; more log-ins are answered 503.'),
    })
    .prefault({}),
  login: loginSchema.prefault({}),
  messages: z
    .strictObject({
      maxContent: z.int().min(1).default(131_072).describe('Largest message content, bytes (415 beyond).'),
      maxRecipients: z.int().min(1).default(100).describe('Recipients of one message (402 beyond).'),
      maxQueue: z.int().min(1).default(1_000).describe('Messages waiting for one user (507 beyond).'),
      defaultValidity: seconds
        .default(7 * 86_400)
        .describe('Seconds a message is kept when its sender names no validity.'),
      maxValidity: seconds.default(30 * 86_400).describe('Longest validity, seconds.'),
    })
    .prefault({}),
  invitations: z
    .strictObject({
      maxRecipients: z.int().min(1).default(100).describe('Recipients of one invitation (402 beyond).'),
      maxOpen: z
        .int()
        .min(1)
        .default(500)
        .describe('Open invitations of one inviter, and for one user (507 beyond).'),
      defaultValidity: seconds
        .default(86_400)
        .describe(
          'Seconds an invitation stays open when the inviter names no validity; answers wait as long.',
        ),
      maxValidity: seconds
        .max(30 * 86_400)
        .default(30 * 86_400)
        .describe('Longest validity of an invitation, seconds.'),
    })
    .prefault({}),
  content: contentSchema
    .prefault({})
    .describe('Files that users share by links, and pictures made to fit phones.'),
  contacts: z
    .strictObject({
      maxLists: z.int().min(1).default(50).describe('Contact lists of one user (753 beyond).'),
      maxContacts: z.int().min(1).default(1_000).describe('Contacts of one user in all lists (754 beyond).'),
    })
    .prefault({}),
  presence: z
    .strictObject({
      maxWatchers: z.int().min(1).default(20_000).describe('Watchers of one user (507 beyond).'),
      maxAttributeLists: z.int().min(1).default(1_000).describe('Attribute lists of one user (755 beyond).'),
      maxPending: z.int().min(1).default(500).describe('Unanswered requests to watch one user (507 beyond).'),
      maxHistory: z
        .int()
        .min(1)
        .default(100)
        .describe('Former watchers of one user that GetWatcherList can tell of; the oldest is forgotten.'),
      coalesceMs: z
        .int()
        .min(0)
        .max(60_000)
        .default(2_000)
        .describe(
          'Another domain hears of the first change of a user at once, of those that follow within so many milliseconds together; 0 = of each.',
        ),
      openAttributes: z
        .array(z.enum(['Alias']))
        .default(['Alias'])
        .describe(
          'Attributes that users of this server see of each other unasked: old phones name contacts by Alias.',
        ),
    })
    .prefault({}),
  groups: z
    .strictObject({
      perUser: z.int().min(0).default(20).describe('Groups one user may own (814 beyond).'),
      perServer: z.int().min(0).default(10_000).describe('Groups of this server (815 beyond).'),
      maxJoined: z.int().min(1).default(10_000).describe('Users joined to one group (817 beyond).'),
      maxMembers: z.int().min(1).default(10_000).describe('Members of one group (817 beyond).'),
      maxRejected: z
        .int()
        .min(1)
        .default(1_000)
        .describe('Users on the reject list of one group (507 beyond).'),
      history: z.int().min(1).default(100).describe('Messages kept of a group whose History property is T.'),
    })
    .prefault({}),
  search: searchSchema.prefault({}),
  profiles: profilesSchema.prefault({}),
  cache: z
    .strictObject({
      homes: z.int().min(100).default(20_000).describe('Users kept in memory beside those with a session.'),
      groups: z.int().min(10).default(2_000).describe('Groups kept in memory.'),
    })
    .prefault({}),
  log: logSchema.prefault({}),
  xmpp: xmppSections
    .optional()
    .describe('Gateway to an XMPP server, as its component. For several servers a list of such sections.'),
  matrix: matrixSchema.optional().describe('Gateway to a Matrix homeserver, as its application service.'),
  ssp: sspSchema.optional().describe('Other WV servers, reached by the server-server protocol (SSP).'),
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** What is wrong with a configuration file, in words for the operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

function withTlsPaths<T extends { tls?: { cert: string; key: string } | undefined }>(
  listener: T,
  at: (path: string) => string,
): T {
  const { tls } = listener;
  return tls === undefined ? listener : { ...listener, tls: { cert: at(tls.cert), key: at(tls.key) } };
}

type SspListener = NonNullable<Config['listen']['ssp']>;

export function withSspDoorPaths(ssp: SspListener, at: (path: string) => string): SspListener {
  const { clientCa } = ssp;
  return { ...withTlsPaths(ssp, at), ...(clientCa === undefined ? {} : { clientCa: at(clientCa) }) };
}

/** Paths in the configuration become absolute, from the folder of the file. */
function withPaths(config: Config, base: string): Config {
  const at = (path: string) => resolve(base, path);
  const { csp, ssp, web } = config.listen;
  return {
    ...config,
    data: at(config.data),
    ...(config.passwordKeyFile === undefined ? {} : { passwordKeyFile: at(config.passwordKeyFile) }),
    operator: config.operator.tokenFile === undefined ? {} : { tokenFile: at(config.operator.tokenFile) },
    listen: {
      ...config.listen,
      csp: withTlsPaths(csp, at),
      ...(ssp === undefined ? {} : { ssp: withSspDoorPaths(ssp, at) }),
      ...(web === undefined ? {} : { web: withTlsPaths(web, at) }),
    },
    ...(config.provider.logo === undefined
      ? {}
      : { provider: { ...config.provider, logo: at(config.provider.logo) } }),
    ...(config.matrix === undefined
      ? {}
      : { matrix: { ...config.matrix, registration: at(config.matrix.registration) } }),
    ...(config.ssp === undefined ? {} : { ssp: withSspPaths(config.ssp, at) }),
  };
}

/** Listening on these means every interface; nobody can connect to them. */
const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** The issues of what was meant, where a section may be one or a list of several. */
function branch(issue: z.core.$ZodIssue, input: unknown): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const given = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)[key],
    input,
  );
  const [one = [], several = []] = issue.errors;
  return (Array.isArray(given) ? several : one).map((each) => ({
    ...each,
    path: [...issue.path, ...each.path],
  }));
}

/** What a schema makes of a configuration. Throws a ConfigError that names every key that is wrong. */
export function parsed<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  source: string,
): z.output<Schema> {
  const checked = schema.safeParse(input ?? {});
  if (checked.success) return checked.data;
  const problems = checked.error.issues
    .flatMap((issue) => branch(issue, input))
    .map((issue) => `${source}: ${issue.path.join('.') || '(top)'}: ${issue.message}`);
  throw new ConfigError(problems.join('\n'));
}

/** Checks a configuration given as an object. `source` names it in errors. */
export function checkConfig(input: unknown, source: string, base: string): Config {
  const config = parsed(configSchema, input, source);
  const { keepAlive } = config.session;
  if (keepAlive.min > keepAlive.default || keepAlive.default > keepAlive.max) {
    throw new ConfigError(`${source}: session.keepAlive: default must lie between min and max`);
  }
  const { tcp } = config.listen.cir;
  if (tcp !== undefined && tcp.address === undefined && ANY_ADDRESS.has(tcp.host)) {
    throw new ConfigError(
      `${source}: listen.cir.tcp.address: needed with host ${tcp.host}: phones are told this address to connect to`,
    );
  }
  checkSspDoor(config, source);
  checkNumbers(config, source);
  checkPeers(config, source);
  return withPaths(config, base);
}

/** Throws a ConfigError when the door of SSP wants certificates and misses what that takes. */
export function checkSspDoor(
  { listen: { ssp } }: { readonly listen: Pick<Config['listen'], 'ssp'> },
  source: string,
): void {
  if (ssp === undefined || ssp.clientCertificates === 'none') return;
  for (const key of ['tls', 'clientCa'] as const) {
    if (ssp[key] !== undefined) continue;
    throw new ConfigError(
      `${source}: listen.ssp.${key}: needed with clientCertificates ${ssp.clientCertificates}`,
    );
  }
}

function checkNumbers({ users }: Config, source: string): void {
  const seen = new Map<string, string>();
  for (const { name, msisdn } of users) {
    const number = msisdn === undefined ? undefined : parseMsisdn(msisdn);
    if (number === undefined) continue;
    const other = seen.get(number);
    if (other !== undefined)
      throw new ConfigError(`${source}: users: ${other} and ${name} have the same msisdn ${number}`);
    seen.set(number, name);
  }
}

/** Domains of gateways, each with its key. Throws a ConfigError when two of them are the same. */
function gatewayDomainsOf(
  { domain, xmpp, matrix }: Config,
  source: string,
): readonly (readonly [string, string])[] {
  const pseudo = matrix?.pseudoDomain;
  const domains = [
    ...xmppDomains(xmpp),
    ...(pseudo === undefined ? [] : [[pseudo, 'matrix.pseudoDomain'] as const]),
  ];
  const problems = domainClashes([[domain, 'domain'], ...domains]);
  if (problems.length > 0)
    throw new ConfigError(problems.map((problem) => `${source}: ${problem}`).join('\n'));
  return domains;
}

function checkPeers(config: Config, source: string): void {
  const { ssp, listen, domain: ownDomain } = config;
  const gatewayDomains = gatewayDomainsOf(config, source);
  if (ssp === undefined) return;
  const problems = sspProblems(ssp, {
    ownDomain,
    gatewayDomains,
    asksForCertificates: listen.ssp !== undefined && listen.ssp.clientCertificates !== 'none',
    hasDoor: listen.ssp !== undefined || listen.csp.ssp,
  });
  if (problems.length > 0)
    throw new ConfigError(problems.map((problem) => `${source}: ${problem}`).join('\n'));
}

/** Reads and checks a configuration file. */
export function readConfig(file: string): Config {
  return checkConfig(readYaml(file), file, dirname(resolve(file)));
}

/** What a configuration file says, unchecked. Throws a ConfigError. */
export function readYaml(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return parseYaml(text);
  } catch (error) {
    if (error instanceof YAMLParseError) throw new ConfigError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The operator's file if it is there, else the quickstart one that comes with the project. */
export function findConfigFile(projectRoot: string): string {
  const own = resolve(projectRoot, 'config/wvgate.yaml');
  return existsSync(own) ? own : resolve(projectRoot, 'config/quickstart.yaml');
}
