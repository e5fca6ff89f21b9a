import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { pseudoWatcher, resolveSettings } from '../../../adapters/matrix/config.ts';
import type { MatrixGatewayConfig } from '../../../adapters/matrix/config.ts';
import {
  generateRegistration,
  MatrixConfigError,
  parseRegistration,
  prefixOfNamespace,
  readRegistration,
} from '../../../adapters/matrix/registration.ts';

const OPTIONS = { url: 'http://127.0.0.1:9099', serverName: 'hs.example' };

function config(more: Partial<MatrixGatewayConfig> = {}): MatrixGatewayConfig {
  return {
    homeserverUrl: 'http://127.0.0.1:8008/',
    serverName: 'hs.example',
    registration: parseRegistration(generateRegistration(OPTIONS), 'test'),
    listen: { port: 9099 },
    pseudoDomain: 'matrix.wv.example',
    ...more,
  };
}

describe('a generated registration', () => {
  it('holds everything that the homeserver and the gateway need', () => {
    const text = generateRegistration(OPTIONS);
    expect(parse(text)).toMatchObject({
      id: 'imps',
      sender_localpart: '_imps_bot',
      rate_limited: false,
      receive_ephemeral: true,
      'de.sorunome.msc2409.push_ephemeral': true,
      protocols: ['imps'],
      namespaces: {
        users: [{ exclusive: true, regex: String.raw`@_imps_.*:hs\.example` }],
        aliases: [{ exclusive: true, regex: String.raw`#_imps_.*:hs\.example` }],
        rooms: [],
      },
    });
    const registration = parseRegistration(text, 'test');
    expect(registration.receivesEphemeral).toBe(true);
    expect(prefixOfNamespace(registration.userNamespace)).toBe('_imps_');
  });

  it('has fresh tokens each time', () => {
    const tokens = [1, 2, 3].flatMap(() => {
      const { asToken, hsToken } = parseRegistration(generateRegistration(OPTIONS), 'test');
      return [asToken, hsToken];
    });
    expect(new Set(tokens).size).toBe(6);
    expect(Math.min(...tokens.map((token) => token.length))).toBeGreaterThanOrEqual(43);
  });

  it('is what the sample in the repository shows', () => {
    const sample = readRegistration(join(import.meta.dirname, '../../../registration.yaml'));
    expect(sample).toMatchObject({ id: 'imps', senderLocalpart: '_imps_bot', receivesEphemeral: true });
    expect(prefixOfNamespace(sample.userNamespace)).toBe('_imps_');
  });
});

describe('what works in part only', () => {
  it.each([
    ['receive_ephemeral: true', 'receive_ephemeral: false', 'receive_ephemeral: not true'],
    ['push_ephemeral: true', 'push_ephemeral: false', 'push_ephemeral: not true'],
    ['rate_limited: false', 'rate_limited: true', 'rate_limited'],
    ['- imps', '- irc', 'protocols: imps is missing'],
    ['exclusive: true', 'exclusive: false', 'namespaces.users: not exclusive'],
    [/as_token: .*/, 'as_token: CHANGE', 'too short'],
    [/url: .*/, 'url: here', 'url: not a URL'],
  ])('is said of a registration with %s changed', (right, wrong, words) => {
    const text = generateRegistration(OPTIONS);
    expect(parseRegistration(text, 'test').doubts).toEqual([]);
    expect(parseRegistration(text.replace(right, wrong), 'test').doubts).toEqual([
      expect.stringContaining(words),
    ]);
  });
});

describe('reading a registration', () => {
  it('names the file and the key that is wrong', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'wvgate-')), 'registration.yaml');
    expect(() => readRegistration(file)).toThrow(`${file}: cannot be read`);
    writeFileSync(file, generateRegistration(OPTIONS).replace('hs_token', 'hs_tocken'));
    expect(() => readRegistration(file)).toThrow(`${file}: hs_token: a text is needed`);
    writeFileSync(file, 'a: [');
    expect(() => readRegistration(file)).toThrow(`${file}: not YAML`);
  });

  it.each([
    ['namespaces: {users: []}', 'namespaces.users: one is needed'],
    ["namespaces: {users: [{regex: '@_(x'}]}", 'namespaces.users: not a regular expression'],
  ])('refuses %s', (namespaces, reason) => {
    const rest = 'id: a\nurl: b\nas_token: c\nhs_token: d\nsender_localpart: e\n';
    expect(() => parseRegistration(rest + namespaces, 'test')).toThrow(reason);
  });
});

describe('the configuration', () => {
  it('takes the prefix from the registration and fills in defaults', () => {
    expect(resolveSettings(config())).toMatchObject({
      homeserverUrl: 'http://127.0.0.1:8008',
      host: '127.0.0.1',
      prefix: '_imps_',
      publishPresence: true,
      presencePerSecond: 10,
    });
  });

  it.each([
    [{ serverName: 'other.example' }, 'does not cover @_imps_x:other.example'],
    [{ userPrefix: '_wv_' }, 'does not cover @_wv_x:hs.example'],
    [{ pseudoDomain: 'not a domain' }, 'matrix.pseudoDomain'],
    [{ homeserverUrl: 'hs.example' }, 'matrix.homeserverUrl'],
    [{ bridgePatterns: ['('] }, 'matrix.bridgePatterns'],
  ])('refuses %j', (wrong, reason) => {
    expect(() => resolveSettings(config(wrong))).toThrow(MatrixConfigError);
    expect(() => resolveSettings(config(wrong))).toThrow(reason);
  });

  it('names one watcher for all of Matrix', () => {
    expect(pseudoWatcher({ pseudoDomain: 'matrix.wv.example' })).toBe('wv:gateway@matrix.wv.example');
  });
});
