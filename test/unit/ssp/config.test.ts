// The section `ssp` of the configuration: defaults, limits, and what the operator is told about mistakes.

import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkConfig, ConfigError, type Config } from '../../../src/config.ts';
import { peerLimits, sspProblems, type SspConfig } from '../../../src/config/ssp.ts';
import { dnsResolver } from '../../../src/access/ssp/srv.ts';

const BASE = '/etc/wvgate';

function config(yaml: string): Config {
  const text: unknown = parse(yaml);
  // A door, where the text has none of its own.
  return checkConfig({ listen: { ssp: {} }, ...(text as object) }, 'wvgate.yaml', BASE);
}

function ssp(section: string): SspConfig {
  const found = config(`domain: wv.example\nssp: ${section}`).ssp;
  if (found === undefined) throw new Error('no section');
  return found;
}

/** What the operator is told, line by line. */
function complaints(yaml: string): string[] {
  try {
    config(yaml);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

it('needs a door for the posts of peers', () => {
  expect(complaints('domain: wv.example\nlisten: {}\nssp: {}')).toEqual([
    'wvgate.yaml: listen.ssp: needed with ssp (or listen.csp.ssp): peers answer by posts of their own',
  ]);
  expect(complaints('domain: wv.example\nlisten: { csp: { ssp: true } }\nssp: {}')).toEqual([]);
});

describe('the section', () => {
  it('is optional', () => {
    expect(config('{}').ssp).toBeUndefined();
  });

  it('has defaults for everything', () => {
    expect(ssp('{}')).toEqual({
      federation: 'listed',
      timeToLive: 86_400,
      tls: {},
      discovery: { enabled: true, servers: [], cacheSeconds: 300 },
      requestSeconds: 60,
      limits: { requestsPerSecond: 100, burst: 500, open: 256, unlistedPeers: 1_000 },
      peers: [],
    });
  });

  it('needs nothing of a peer but its domain', () => {
    expect(ssp('{ peers: [{ domain: Operator-B.example }] }').peers).toEqual([
      {
        domain: 'operator-b.example',
        domains: [],
        allowPlain: false,
        clientCertificate: false,
        services: ['im', 'presence', 'invitations', 'groups'],
        limits: {},
        dialect: 'auto',
        state: 'live',
        gateway: false,
        collective: false,
      },
    ]);
  });

  it('has paths relative to the file', () => {
    expect(ssp('{ tls: { ca: peers.pem, cert: ../tls/cert.pem, key: /run/key.pem } }').tls).toEqual({
      ca: resolve(BASE, 'peers.pem'),
      cert: '/etc/tls/cert.pem',
      key: '/run/key.pem',
    });
  });

  it('takes a peer without TLS when that is meant', () => {
    const section = ssp(
      '{ peers: [{ domain: b.example, url: "http://127.0.0.1:8082/", allowPlain: true }] }',
    );
    expect(section.peers[0]?.url).toBe('http://127.0.0.1:8082/');
  });

  it.each(['192.0.2.53', '192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]', '[2001:db8::53]:5353'])(
    'takes the resolver %s, and so does node',
    (server) => {
      expect(ssp(`{ discovery: { servers: ["${server}"] } }`).discovery.servers).toEqual([server]);
      expect(() => dnsResolver([server])).not.toThrow();
    },
  );
});

describe('limits', () => {
  const section = ssp(
    '{ limits: { burst: 50, messageBytes: 9000 }, peers: [{ domain: b.example, limits: { burst: 7, open: 3 } }] }',
  );

  it('of a peer are its own, else those of all, else the defaults', () => {
    expect(peerLimits(section, section.peers[0])).toEqual({
      requestsPerSecond: 100,
      burst: 7,
      open: 3,
      messageBytes: 9_000,
    });
  });

  it('of a server that is not listed are those of all', () => {
    expect(peerLimits(section)).toMatchObject({ burst: 50, open: 256 });
  });
});

describe('a mistake is told with its key', () => {
  it.each([
    ['{ federation: closed }', 'ssp.federation: '],
    ['{ timeToLive: 59 }', 'ssp.timeToLive: '],
    ['{ tls: { cert: a.pem } }', 'ssp.tls.key: '],
    ['{ tls: { key: a.pem } }', 'ssp.tls.cert: '],
    ['{ discovery: { servers: [dns.example] } }', 'ssp.discovery.servers.0: '],
    ['{ discovery: { servers: ["192.0.2.1:0"] } }', 'ssp.discovery.servers.0: '],
    ['{ discovery: { servers: ["192.0.2.1:70000"] } }', 'ssp.discovery.servers.0: '],
    ['{ discovery: { servers: ["192.0.2:53"] } }', 'ssp.discovery.servers.0: '],
    ['{ discovery: { enabled: false }, federation: open }', 'ssp.discovery.enabled: '],
    ['{ discovery: { enabled: false }, peers: [{ domain: b.example }] }', 'ssp.peers.0.url: '],
    ['{ limits: { burst: 0 } }', 'ssp.limits.burst: '],
    ['{ peers: [{ url: "https://b.example/" }] }', 'ssp.peers.0.domain: '],
    ['{ peers: [{ domain: "b example" }] }', 'ssp.peers.0.domain: '],
    ['{ peers: [{ domain: b.example, url: "ftp://b.example/" }] }', 'ssp.peers.0.url: '],
    ['{ peers: [{ domain: b.example, url: "https://me:pw@b.example/" }] }', 'ssp.peers.0.url: '],
    ['{ peers: [{ domain: b.example, url: "https://b.example/?a=b" }] }', 'ssp.peers.0.url: '],
    ['{ peers: [{ domain: b.example, url: "http://b.example/" }] }', 'ssp.peers.0.url: http: '],
    ['{ peers: [{ domain: b.example, url: "HTTP://b.example/" }] }', 'ssp.peers.0.url: http: '],
    ['{ peers: [{ domain: b.example, services: [] }] }', 'ssp.peers.0.services: '],
    ['{ peers: [{ domain: b.example, services: [mms] }] }', 'ssp.peers.0.services.0: '],
    ['{ peers: [{ domain: b.example, version: "1.4" }] }', 'ssp.peers.0.version: '],
    ['{ peers: [{ domain: b.example, dialect: klingon }] }', 'ssp.peers.0.dialect: '],
    ['{ peers: [{ domain: b.example, state: dead }] }', 'ssp.peers.0.state: '],
    ['{ peers: [{ domain: b.example, limits: { unlistedPeers: 3 } }] }', 'ssp.peers.0.limits: '],
    ['{ peers: [{ domain: b.example, certificateNames: ["*"] }] }', 'ssp.peers.0.certificateNames.0: '],
    ['{ peers: [{ domain: b.example, clientCertificate: true }] }', 'ssp.peers.0.clientCertificate: '],
    ['{ peers: [{ domain: b.example, serivces: [im] }] }', 'ssp.peers.0: '],
  ])('%s', (section, key) => {
    const lines = complaints(`domain: wv.example\nssp: ${section}`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`wvgate.yaml: ${key}`);
  });

  it.each([
    ['{ peers: [{ domain: WV.example }] }', 'ssp.peers.0.domain: wv.example is our own domain'],
    [
      '{ peers: [{ domain: b.example, domains: [wv.example] }] }',
      'ssp.peers.0.domains.0: wv.example is our own',
    ],
    [
      '{ peers: [{ domain: b.example }, { domain: B.example }] }',
      'ssp.peers.1.domain: b.example is also in ssp.peers.0.domain',
    ],
    [
      '{ peers: [{ domain: b.example }, { domain: c.example, domains: [d.example, b.example] }] }',
      'ssp.peers.1.domains.1: b.example is also in ssp.peers.0.domain',
    ],
    [
      '{ peers: [{ domain: b.example, domains: [b.example] }] }',
      'ssp.peers.0.domains.0: b.example is also in',
    ],
    ['{ peers: [{ domain: xmpp.example }] }', 'xmpp.example is also in xmpp.domains.0'],
    ['{ peers: [{ domain: imps.xmpp.example }] }', 'imps.xmpp.example is also in xmpp.component'],
    ['{ peers: [{ domain: others.wv.example }] }', 'others.wv.example is also in xmpp.pseudoDomain'],
    ['{ peers: [{ domain: matrix.wv.example }] }', 'matrix.wv.example is also in matrix.pseudoDomain'],
  ])('a domain that is taken: %s', (section, words) => {
    const around = `
domain: wv.example
xmpp: { component: imps.xmpp.example, secret: x, domains: [XMPP.example], pseudoDomain: others.wv.example }
matrix:
  homeserverUrl: http://127.0.0.1:8008
  serverName: hs.example
  registration: r.yaml
  listen: { port: 9099 }
  pseudoDomain: matrix.wv.example
`;
    const lines = complaints(`${around}ssp: ${section}`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(words);
  });

  it('several are all told', () => {
    const section = '{ tls: { cert: a.pem }, peers: [{ domain: wv.example, url: "http://b.example/" }] }';
    expect(complaints(`domain: wv.example\nssp: ${section}`)).toHaveLength(3);
  });
});

it('a client certificate may be wanted where the listener asks for one', () => {
  const section = ssp('{ peers: [{ domain: b.example }] }');
  const wanting: SspConfig = {
    ...section,
    peers: section.peers.map((peer) => ({ ...peer, clientCertificate: true })),
  };
  const around = { ownDomain: 'wv.example', gatewayDomains: [], hasDoor: true };
  expect(sspProblems(wanting, { ...around, asksForCertificates: true })).toEqual([]);
  expect(sspProblems(wanting, { ...around, asksForCertificates: false })).toHaveLength(1);
});
