// The stream against a server that misbehaves.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ComponentLink, ForeignSender, reconnectDelay } from '../../../adapters/xmpp/component-link.ts';
import type { Incoming } from '../../../adapters/xmpp/component-link.ts';
import { settingsOf } from '../../../adapters/xmpp/config.ts';
import type { XmppGatewayConfig } from '../../../adapters/xmpp/config.ts';
import { childOf, stanza, textOf } from '../../../adapters/xmpp/xml.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeRelay } from '../../support/xmpp-relay.ts';
import { FakeXmppServer } from '../../support/xmpp-server.ts';
import type { FakeServerOptions } from '../../support/xmpp-server.ts';

const DOMAIN = 'imps.xmpp.example';
const FROM = `from="bob@xmpp.example/desk" to="alice@${DOMAIN}"`;

interface Scene {
  readonly server: FakeXmppServer;
  readonly link: ComponentLink;
  readonly relay: FakeRelay;
  readonly seen: Incoming[];
}

const scenes: Scene[] = [];

async function scene(
  options: Partial<FakeServerOptions> = {},
  changes: Partial<XmppGatewayConfig> = {},
): Promise<Scene> {
  const server = await FakeXmppServer.start({ secret: 'secret', ...options });
  const relay = new FakeRelay();
  const seen: Incoming[] = [];
  const settings = settingsOf({
    host: '127.0.0.1',
    port: server.port,
    componentDomain: DOMAIN,
    secret: 'secret',
    domains: ['xmpp.example'],
    reconnect: { minDelayMs: 10, maxDelayMs: 40 },
    ...changes,
  });
  const handlers = {
    online: () => undefined,
    offline: () => undefined,
    stanza: (one: Incoming) => void seen.push(one),
  };
  const link = new ComponentLink(settings, relay, handlers);
  const made = { server, link, relay, seen };
  scenes.push(made);
  await link.start();
  return made;
}

afterEach(async () => {
  for (const { link, server } of scenes.splice(0)) {
    await link.stop();
    await server.stop();
  }
});

const body = (one: Incoming | undefined) =>
  one === undefined ? undefined : textOf(childOf(one.stanza, 'body'));

describe('the component link', () => {
  test('what comes in one packet with the end of the handshake is taken', async () => {
    const greeting = `<message ${FROM}><body>one</body></message><message ${FROM}><body>two</body></message>`;
    const { server, seen } = await scene({ greeting });
    expect(seen.map(body)).toEqual(['one', 'two']);
    server.send(`<message ${FROM}><body>three</body></message>`);
    await eventually('the third', () => body(seen[2]) === 'three');
  });

  test('a server that talks without end before the handshake is left', async () => {
    const { link, relay } = await scene({ greeting: '<presence/>'.repeat(1_001) });
    expect(link.online).toBe(false);
    expect(relay.lines.some(({ text }) => text === 'XMPP server cannot be reached')).toBe(true);
  });

  test('a character cut between two chunks arrives whole', async () => {
    let client: Socket | undefined;
    const remember = (message: unknown): void => {
      client = (message as { socket: Socket }).socket;
    };
    subscribe('net.client.socket', remember);
    const { server, seen } = await scene();
    unsubscribe('net.client.socket', remember);
    for (const byte of Buffer.from(`<message ${FROM}><body>😀</body></message>`)) {
      const read = client?.bytesRead ?? 0;
      server.sockets[0]?.write(Buffer.from([byte]));
      await eventually('the octet is read by itself', () => (client?.bytesRead ?? 0) > read);
    }
    await eventually('the message', () => seen.length === 1);
    expect(body(seen[0])).toBe('😀');
  });

  test('a stanza far above the limit ends the stream with a policy violation, and a new one begins', async () => {
    const { server, link, relay, seen } = await scene({}, { maxStanzaBytes: 1_000 });
    server.send(`<message ${FROM}><body>${'x'.repeat(20_000)}`);
    await eventually('the refusal', () => server.text.includes('policy-violation'));
    await eventually('a new stream', () => server.handshakes === 2 && link.online);
    expect(relay.lines.some(({ fields }) => JSON.stringify(fields).includes('more than 4000 octets'))).toBe(
      true,
    );
    expect(seen).toHaveLength(0);
  });

  test('many small stanzas are not one large one', async () => {
    const { server, link, seen } = await scene({}, { maxStanzaBytes: 1_000 });
    for (let n = 0; n < 50; n++) {
      server.send(`<message ${FROM}><body>${'x'.repeat(100)}</body></message>`);
      await eventually('taken', () => seen.length === n + 1);
    }
    expect(link.online).toBe(true);
    expect(server.handshakes).toBe(1);
  });

  test.each(['<message><body></message>', '<message a="&bad;"/>', '<message><body>&#0;</body></message>'])(
    'malformed XML ends the stream, not the process: %s',
    async (text) => {
      const { server, link } = await scene();
      server.send(text);
      await eventually('a new stream', () => server.handshakes === 2 && link.online);
    },
  );

  test('a stanza nested too deep is refused', async () => {
    const { server, relay, seen } = await scene();
    server.send(`<message ${FROM}>${'<a>'.repeat(5_000)}${'</a>'.repeat(5_000)}</message>`);
    server.send(`<message ${FROM}><body>next</body></message>`);
    await eventually('the next', () => seen.length === 1);
    expect(relay.counts.get('xmpp_stanzas_dropped_total too_deep')).toBe(1);
    expect(server.text).toContain('<policy-violation ');
  });

  test('prefixes are resolved', async () => {
    const { server, seen } = await scene();
    server.send(`<message ${FROM}><r:received xmlns:r="urn:xmpp:receipts" id="1"/></message>`);
    await eventually('the message', () => seen.length === 1);
    expect(
      seen[0] === undefined ? undefined : childOf(seen[0].stanza, 'received', 'urn:xmpp:receipts'),
    ).toBeDefined();
  });

  test('stanzas to others, from nobody, or from ourselves are dropped', async () => {
    const { server, relay, seen } = await scene();
    server.send('<message from="bob@xmpp.example" to="carol@other.example"><body>1</body></message>');
    server.send(`<message to="alice@${DOMAIN}"><body>2</body></message>`);
    server.send(`<message from="eve@${DOMAIN}" to="alice@${DOMAIN}"><body>3</body></message>`);
    server.send(`<message ${FROM}><body>4</body></message>`);
    await eventually('the last', () => seen.length === 1);
    expect(body(seen[0])).toBe('4');
    for (const reason of ['not_ours', 'no_sender', 'own_echo']) {
      expect(relay.counts.get(`xmpp_stanzas_dropped_total ${reason}`)).toBe(1);
    }
  });

  test('speaking as somebody else is a bug', async () => {
    const { link } = await scene();
    expect(() => link.send(stanza('message', { from: 'bob@xmpp.example', to: 'x@y' }))).toThrow(
      ForeignSender,
    );
  });

  test('a refused secret is said so, and tried again', async () => {
    const { server, link, relay } = await scene({ secret: 'another' });
    expect(link.online).toBe(false);
    expect(relay.lines.find(({ level }) => level === 'warn')?.text).toContain('secret refused');
    expect(JSON.stringify(relay.lines)).not.toContain('"secret"');
    await eventually('another try', () => server.handshakes >= 2);
  });

  test('a server that is not there yet is not fatal', async () => {
    const first = await scene();
    const { port } = first.server;
    await first.link.stop();
    await first.server.stop();
    scenes.length = 0;
    const relay = new FakeRelay();
    const settings = settingsOf({
      host: '127.0.0.1',
      port,
      componentDomain: DOMAIN,
      secret: 'secret',
      domains: ['xmpp.example'],
      reconnect: { minDelayMs: 10, maxDelayMs: 40 },
    });
    const handlers = { online: () => undefined, offline: () => undefined, stanza: () => undefined };
    const link = new ComponentLink(settings, relay, handlers);
    await link.start();
    expect(link.online).toBe(false);
    await first.server.listen(port);
    scenes.push({ ...first, link, relay });
    await eventually('online', () => link.online);
  });

  test('a server that hangs up before it greets is tried again at once, not after the time for greetings', async () => {
    const { server, link, relay } = await scene({ hangsUp: true });
    await eventually('some attempts', () => server.sockets.length >= 3, 2_000);
    expect(link.online).toBe(false);
    // Said once, not with every attempt.
    expect(relay.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test.each([
    ['a refused secret', { secret: 'another' }, ''],
    [
      'a stream that another program of our name has taken',
      {},
      '<stream:error><conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error></stream:stream>',
    ],
  ])('%s is a matter of minutes', async (_, options, farewell) => {
    const reconnect = { minDelayMs: 1, maxDelayMs: 2, refusedDelayMs: 400 };
    const { server, link } = await scene(options, { reconnect });
    const started = performance.now();
    if (farewell !== '') server.send(farewell);
    await eventually('another try', () => server.handshakes >= 2);
    expect(performance.now() - started).toBeGreaterThan(195);
    await link.stop();
  });

  test('a server that returns no pings is left', async () => {
    const { server, link } = await scene(
      { returnsPings: false },
      { pingIntervalMs: 20, confirmTimeoutMs: 20 },
    );
    await eventually('a second stream', () => server.handshakes >= 2);
    await link.stop();
  });

  test('a closed stream confirms nothing and is opened again', async () => {
    const { server, link } = await scene({ returnsPings: false });
    const waiting = link.confirmed();
    server.send('</stream:stream>');
    expect(await waiting).toBe(false);
    await eventually('a second stream', () => server.handshakes === 2 && link.online);
    server.sockets.at(-1)?.destroy();
  });
});

test('delays double, have jitter, and stop at the limit', () => {
  const delays = { minDelayMs: 500, maxDelayMs: 60_000 };
  expect(reconnectDelay(delays, 0, 1)).toBe(500);
  expect(reconnectDelay(delays, 0, 0)).toBe(250);
  expect(reconnectDelay(delays, 3, 1)).toBe(4_000);
  expect(reconnectDelay(delays, 1_000, 1)).toBe(60_000);
});
