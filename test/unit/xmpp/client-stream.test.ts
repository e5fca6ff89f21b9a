// The client stream of a linked account against servers that misbehave, on real sockets of loopback.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import tls from 'node:tls';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { ClientStream, ClientStreamError } from '../../../adapters/xmpp/linked/client-stream.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { isLoopback } from '../../../adapters/xmpp/linked/settings.ts';
import { eventually } from '../../support/eventually.ts';
import { createTestCa, pem } from '../../support/ssp/test-ca.ts';
import type { TestCertificate } from '../../support/ssp/test-ca.ts';

const HEADER = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='xmpp.example' version='1.0'>`;
const features = (inner: string): string => `${HEADER}<stream:features>${inner}</stream:features>`;
const mechanisms = (...names: string[]): string =>
  `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${names.map((name) => `<mechanism>${name}</mechanism>`).join('')}</mechanisms>`;
const BIND = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>";
const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';

/** What the server says to each thing that the client says; the first rule that fits, once each. */
type Rule = readonly [wanted: RegExp, answer: string | ((socket: Socket, said: string) => void)];

class ScriptedServer {
  said = '';
  sockets: Socket[] = [];
  readonly #server: Server;
  #rules: Rule[];

  private constructor(rules: readonly Rule[]) {
    this.#rules = [...rules];
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(...rules: readonly Rule[]): Promise<ScriptedServer> {
    const server = new ScriptedServer(rules);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }

  /** Goes on in TLS (RFC 6120 section 5.4). */
  secure(socket: Socket, certificate: TestCertificate): void {
    socket.removeAllListeners('data');
    socket.write("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    this.#accept(new tls.TLSSocket(socket, { isServer: true, ...pem(certificate) }));
  }

  #accept(socket: Socket): void {
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      const text = data.toString();
      this.said += text;
      const index = this.#rules.findIndex(([wanted]) => wanted.test(text));
      const [rule] = index < 0 ? [] : this.#rules.splice(index, 1);
      if (rule === undefined) return;
      if (typeof rule[1] === 'string') socket.write(rule[1]);
      else rule[1](socket, text);
    });
  }
}

const LOGIN: readonly Rule[] = [
  [/<stream:stream/, features(mechanisms('PLAIN'))],
  [/<auth/, `<success xmlns='${SASL}'/>`],
  [/<stream:stream/, features(BIND)],
  [
    /<iq/,
    (socket, said) =>
      socket.write(
        `<iq type='result' id='${/id="([^"]+)"/.exec(said)?.[1]}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>romeo@xmpp.example/r</jid></bind></iq>`,
      ),
  ],
];

let server: ScriptedServer;
let closed: ClientStreamError[] = [];
let stanzas: XmlElement[] = [];
let refused: [envelope: XmlElement, why: string][] = [];
afterEach(() => server.stop());

async function streamTo(host: string, ...rules: readonly Rule[]): Promise<ClientStream> {
  server = await ScriptedServer.start(...rules);
  closed = [];
  stanzas = [];
  refused = [];
  const options = {
    host,
    port: server.port,
    domain: 'xmpp.example',
    username: 'romeo',
    password: 'my-secret',
    resource: 'r',
    maxStanzaBytes: 10_000,
    timeoutMs: 2_000,
  };
  return new ClientStream(options, {
    stanza: (stanza) => void stanzas.push(stanza),
    refused: (envelope, why) => void refused.push([envelope, why]),
    closed: (reason) => void closed.push(reason),
  });
}

async function failureOf(stream: ClientStream): Promise<string> {
  const error = await stream.open().then(
    () => 'opened',
    (reason: unknown) => reason,
  );
  return error instanceof ClientStreamError ? error.failure : String(error);
}

describe('a log-in', () => {
  test('ends with the full JID; stream management is not asked for, though offered', async () => {
    const stream = await streamTo('127.0.0.1', ...LOGIN);
    expect(await stream.open()).toBe('romeo@xmpp.example/r');
    expect(server.said).not.toContain('urn:xmpp:sm:3');
    await stream.close();
    expect(closed.map(({ failure }) => failure)).toEqual(['lost']);
  });

  // 0.0.0.0 leads to this machine too, but says nothing of who listens on the way.
  test.each([['0.0.0.0', 'insecure']])(
    'at %s without TLS is %s, and no password is sent',
    async (host, failure) => {
      const stream = await streamTo(host, ...LOGIN);
      expect(await failureOf(stream)).toBe(failure);
      expect(server.said).not.toContain('<auth');
    },
  );

  test('with mechanisms we do not have is insecure', async () => {
    const stream = await streamTo('127.0.0.1', [
      /<stream:stream/,
      features(mechanisms('DIGEST-MD5', 'ANONYMOUS')),
    ]);
    expect(await failureOf(stream)).toBe('insecure');
  });

  test.each([
    ['not-authorized', 'refused'],
    ['account-disabled', 'refused'],
    ['temporary-auth-failure', 'unreachable'],
    ['constructor', 'unreachable'],
  ])('that fails with %s is %s', async (condition, failure) => {
    const stream = await streamTo(
      '127.0.0.1',
      [/<stream:stream/, features(mechanisms('PLAIN'))],
      [/<auth/, `<failure xmlns='${SASL}'><${condition}/></failure>`],
    );
    expect(await failureOf(stream)).toBe(failure);
  });

  test('does not follow a server that names another host', async () => {
    const other = await ScriptedServer.start();
    const error = `${HEADER}<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:${other.port}</see-other-host></stream:error>`;
    const stream = await streamTo('127.0.0.1', [/<stream:stream/, error]);
    expect(await failureOf(stream)).toBe('policy');
    expect(other.sockets).toHaveLength(0);
    other.stop();
  });

  test('is not waited for when it was given up', async () => {
    const stream = await streamTo('127.0.0.1');
    const failure = failureOf(stream);
    await eventually('the connection', () => server.said !== '');
    stream.destroy(new ClientStreamError('unreachable', 'no answer'));
    expect(await failure).toBe('unreachable');
  });

  test('where nothing listens, or something else does, is unreachable', async () => {
    const stream = await streamTo('127.0.0.1', [/./, 'HTTP/1.1 400 Bad Request\r\n\r\n']);
    expect(['unreachable', 'policy']).toContain(await failureOf(stream));
    server.stop();
    const again = await streamTo('127.0.0.1');
    server.stop();
    expect(await failureOf(again)).toBe('unreachable');
  });
});

describe('TLS', () => {
  const ca = createTestCa();
  const defaults = tls.getCACertificates('default');
  afterAll(() => {
    tls.setDefaultCACertificates(defaults);
    ca.remove();
  });

  const login = (certificate: TestCertificate): readonly Rule[] => [
    [/<stream:stream/, features("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>")],
    [/<starttls/, (socket) => server.secure(socket, certificate)],
    ...LOGIN,
  ];

  test('with a certificate that nobody vouches for is no way to send a password', async () => {
    const stream = await streamTo('0.0.0.0', ...login(ca.issue(['xmpp.example'])));
    expect(await failureOf(stream)).toBe('unreachable');
    expect(server.said).not.toContain('<auth');
  });

  test.each([
    [['xmpp.example'], {}, 'opened'],
    [['other.example'], {}, 'unreachable'],
    [['xmpp.example'], { expired: true }, 'unreachable'],
  ])('with a certificate for %j %j: %s', async (names, options, outcome) => {
    tls.setDefaultCACertificates([...defaults, readFileSync(ca.cert, 'utf8')]);
    const stream = await streamTo('0.0.0.0', ...login(ca.issue(names, options)));
    expect(await failureOf(stream)).toBe(outcome);
    expect(server.said.includes('<auth')).toBe(outcome === 'opened');
    await stream.close();
  });
});

describe('an open stream', () => {
  const opened = async (): Promise<{ readonly stream: ClientStream; readonly socket: Socket }> => {
    const stream = await streamTo('127.0.0.1', ...LOGIN);
    await stream.open();
    const socket = await eventually('the socket', () => server.sockets[0]);
    return { stream, socket };
  };

  test('reads characters cut in two, and calls no other client’s namespace its own', async () => {
    const { stream, socket } = await opened();
    const bytes = Buffer.from("<message xmlns='jabber:client'><body>ü😀</body></message>");
    for (const byte of bytes) socket.write(Buffer.from([byte]));
    await eventually('the message', () => stanzas.length === 1);
    expect(stanzas[0]).toMatchObject({ ns: 'jabber:component:accept', children: [{ children: ['ü😀'] }] });
    await stream.close();
  });

  test('goes on after a stanza that is too large, of which only the envelope comes', async () => {
    const { stream, socket } = await opened();
    socket.write(`<message from='eve@b.example'><body>${'x'.repeat(20_000)}</body></message><presence/>`);
    await eventually('what came after it', () => stanzas.length === 1);
    expect(refused).toMatchObject([
      [{ name: 'message', attrs: { from: 'eve@b.example' }, children: [] }, 'too_large'],
    ]);
    expect(closed).toEqual([]);
    await stream.close();
  });

  test('leaves requests to us', async () => {
    const { stream, socket } = await opened();
    const before = server.said.length;
    socket.write("<iq type='get' id='q' from='a@b.example'><ping xmlns='urn:xmpp:ping'/></iq>");
    await eventually('the request', () => stanzas.length === 1);
    expect(server.said.length).toBe(before);
    await stream.close();
  });

  test.each([
    ['a stanza without end', `<message><body>${'x'.repeat(50_000)}`, 'policy'],
    ['malformed XML', '<message></presence>', 'lost'],
    [
      'an error',
      "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
      'conflict',
    ],
    ['the end', '</stream:stream>', 'lost'],
  ])('ends with %s, once', async (_what, text, failure) => {
    const { stream, socket } = await opened();
    socket.write(text);
    await eventually('the end', () => closed.length > 0);
    stream.write('<presence/>');
    expect(closed.map((reason) => reason.failure)).toEqual([failure]);
  });

  test('ends when the connection does', async () => {
    const { socket } = await opened();
    socket.destroy();
    await eventually('the end', () => closed.length > 0);
    expect(closed[0]?.failure).toBe('lost');
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['localhost', true],
  ['127.0.0.1.example', false],
  ['10.0.0.1', false],
  ['localhost.example', false],
])('%s is loopback: %s', (host, is) => {
  expect(isLoopback(host)).toBe(is);
});
