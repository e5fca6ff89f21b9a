// The session of the client library: login, negotiation, repetition, loss.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readBody } from '../../../src/access/csp/codec/binding.ts';
import { isBindError } from '../../../src/access/csp/codec/errors.ts';
import type { WvClientEvents } from '../../../src/client/client.ts';
import { nodeDigest } from '../../../src/client/node-digest.ts';
import { child, childText } from '../../../src/wv/element.ts';
import type { CspVersion } from '../../../src/wv/version.ts';
import { eventually, SteppingClock } from '../cir/sockets.ts';
import { clientOf, connected, FakeServer } from './fake-server.ts';

const VARIANTS = (['1.1', '1.2', '1.3'] as const).flatMap((version) =>
  (['xml', 'wbxml'] as const).map((encoding): [CspVersion, 'xml' | 'wbxml'] => [version, encoding]),
);

/** A network that loses the answers to GetList-Request. */
function hanging(server: FakeServer): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await server.fetch(url, init);
    if (server.heard.at(-1)?.transaction.primitive !== 'GetList-Request') return response;
    return await new Promise<Response>((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
    });
  };
}

describe('connecting', () => {
  it.each(VARIANTS)('takes the steps of a phone, CSP %s in %s', async (version, encoding) => {
    const server = new FakeServer(version);
    const client = clientOf(server, { encoding });
    await client.connect();
    expect(client.state).toBe('online');
    expect(server.primitives).toEqual([
      'Login-Request',
      'ClientCapability-Request',
      'Service-Request',
      'GetPresence-Request',
      'UpdatePresence-Request',
    ]);
    const [login, capability] = server.heard;
    expect(login?.message).toMatchObject({ version, sessionType: 'Outband' });
    expect(capability?.message).toMatchObject({ version, sessionType: 'Inband', sessionId: 's-1' });
  });

  it.each(['MD5', 'SHA'] as const)(
    'answers a 4-way challenge with the %s digest under the same id',
    async (schema) => {
      const server = new FakeServer();
      const digest = createHash(schema === 'MD5' ? 'md5' : 'sha1')
        .update('n0ncesesame')
        .digest('base64');
      server.script = ({ primitive, content }) => {
        if (primitive !== 'Login-Request' || childText(content, 'DigestBytes') !== undefined)
          return undefined;
        return {
          content: server.element('Login-Response', {
            Result: { Code: 401 },
            Nonce: 'n0nce',
            DigestSchema: schema,
          }),
        };
      };
      await clientOf(server, { login: '4-way', digest: nodeDigest }).connect();
      const [first, second] = server.all('Login-Request');
      expect(first?.content.children.filter(({ name }) => name === 'DigestSchema')).toHaveLength(2);
      expect(childText(first?.content, 'Password')).toBeUndefined();
      expect(childText(second?.content, 'DigestBytes')).toBe(digest);
      expect(second?.id).toBe(first?.id);
    },
  );

  it('rejects a wrong password with its code and is offline again', async () => {
    const server = new FakeServer();
    server.script = () => ({ content: server.element('Login-Response', { Result: { Code: 409 } }) });
    const client = clientOf(server);
    await expect(client.connect()).rejects.toMatchObject({ name: 'WvError', code: 409 });
    expect(client.state).toBe('offline');
  });

  it('does not repeat a login whose POST failed', async () => {
    const server = new FakeServer();
    server.script = () => ({ broken: true });
    await expect(clientOf(server).connect()).rejects.toMatchObject({ failure: 'unreachable' });
    expect(server.heard).toHaveLength(1);
  });

  it('stops when the server disconnects it in the middle', async () => {
    const server = new FakeServer();
    server.script = ({ primitive }) =>
      primitive === 'ClientCapability-Request'
        ? {
            content: server.element('ClientCapability-Response', { AgreedCapabilityList: {} }),
            requests: [{ id: 'd', content: server.element('Disconnect', { Result: { Code: 601 } }) }],
          }
        : undefined;
    const client = clientOf(server);
    await expect(client.connect()).rejects.toMatchObject({ failure: 'closed' });
    expect(server.primitives).toEqual(['Login-Request', 'ClientCapability-Request']);
  });
});

describe('a request', () => {
  it('is repeated under a new TransactionID when its POST failed', async () => {
    const server = new FakeServer();
    const clock = new SteppingClock();
    const client = await connected(server, { clock });
    let failures = 2;
    server.script = () => (failures-- > 0 ? { http: 503 } : undefined);
    const done = client.unsubscribe({ lists: ['wv:ann/pals@im.example'] });
    await eventually(() => server.heard.length === 1, 'first try');
    clock.advance(1000);
    await eventually(() => server.heard.length === 2, 'second try');
    clock.advance(2000);
    expect((await done).code).toBe(200);
    expect(new Set(server.all('UnsubscribePresence-Request').map(({ id }) => id)).size).toBe(3);
  });

  it('that sends a repeatable message is repeated with the same TransactionID and DateTime', async () => {
    const server = new FakeServer();
    const clock = new SteppingClock();
    const client = await connected(server, { clock });
    let failures = 1;
    server.script = ({ primitive }) => {
      if (primitive !== 'SendMessage-Request') return undefined;
      if (failures-- > 0) return { broken: true };
      return { content: server.element('SendMessage-Response', { Result: { Code: 200 }, MessageID: 'm-1' }) };
    };
    const sent = client.sendMessage({
      to: { user: 'wv:bea@im.example' },
      content: 'hi',
      repeatable: true,
    });
    await eventually(() => server.all('SendMessage-Request').length === 1, 'first try');
    clock.advance(1000);
    expect((await sent).outcome.code).toBe(200);
    const [first, second] = server.all('SendMessage-Request');
    expect(second).toEqual(first);
    expect(childText(child(first?.content, 'MessageInfo'), 'DateTime')).toMatch(/^\d{8}T\d{6}Z$/);
  });

  it('that waits for its next try holds up no poll, but the requests behind it', async () => {
    const server = new FakeServer();
    const clock = new SteppingClock();
    const client = await connected(server, { clock });
    let failures = 1;
    server.script = ({ primitive }) => {
      if (primitive !== 'SendMessage-Request') return undefined;
      if (failures-- > 0) return { broken: true };
      return { content: server.element('SendMessage-Response', { Result: { Code: 200 }, MessageID: 'm-1' }) };
    };
    const message = { to: { user: 'wv:bea@im.example' }, content: 'one', repeatable: true };
    const first = client.sendMessage(message);
    const second = client.sendMessage({ ...message, content: 'two' });
    await eventually(() => server.all('SendMessage-Request').length === 1, 'first try');
    await client.poll();
    expect(server.primitives.at(-1)).toBe('Polling-Request');
    clock.advance(1000);
    await Promise.all([first, second]);
    const bodies = server.all('SendMessage-Request').map(({ content }) => childText(content, 'ContentData'));
    expect(bodies).toEqual(['one', 'one', 'two']);
    expect(server.mostConcurrent).toBe(1);
  });

  it('is given up after the last try', async () => {
    const server = new FakeServer();
    const client = await connected(server, { retries: 0 });
    server.script = () => ({ http: 500 });
    await expect(client.getLists()).rejects.toMatchObject({ failure: 'http', status: 500 });
  });

  it('that sends a message is not repeated unless the caller says so', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = () => ({ broken: true });
    const sent = client.sendMessage({ to: { user: 'wv:bea@im.example' }, content: 'hi' });
    await expect(sent).rejects.toMatchObject({ failure: 'unreachable' });
    expect(server.all('SendMessage-Request')).toHaveLength(1);
  });

  it.each(['createList', 'deleteList'] as const)(
    '%s is not repeated: the second would contradict',
    async (method) => {
      const server = new FakeServer();
      const client = await connected(server);
      server.script = () => ({ broken: true });
      await expect(client[method]('wv:ann/pals@im.example')).rejects.toMatchObject({
        failure: 'unreachable',
      });
      expect(server.heard).toHaveLength(1);
    },
  );

  it('is not repeated when HTTP says that it never will work', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = () => ({ http: 413 });
    await expect(client.getLists()).rejects.toMatchObject({ status: 413 });
    expect(server.heard).toHaveLength(1);
  });

  it('is given up when no answer comes in time', async () => {
    const clock = new SteppingClock();
    const server = new FakeServer();
    const client = await connected(server, { clock, retries: 0, fetch: hanging(server) });
    const answer = client.getLists();
    await eventually(() => server.heard.length === 1, 'asked');
    clock.advance(45_000);
    await expect(answer).rejects.toMatchObject({ failure: 'timeout' });
  });

  it('under way, or waiting for another try, ends with the session', async () => {
    const server = new FakeServer();
    const client = await connected(server, { fetch: hanging(server) });
    const hung = client.getLists();
    await eventually(() => server.heard.length === 1, 'asked');
    client.abandon();
    await expect(hung).rejects.toMatchObject({ failure: 'closed' });
    server.script = ({ primitive }) => (primitive === 'GetList-Request' ? { broken: true } : undefined);
    await client.connect();
    const retrying = client.getLists();
    await eventually(() => server.all('GetList-Request').length === 2, 'failed once');
    client.abandon();
    await expect(retrying).rejects.toMatchObject({ failure: 'closed' });
  });

  it('without an answer is an error', async () => {
    const server = new FakeServer();
    const client = await connected(server, { retries: 0 });
    server.script = () => ({});
    await expect(client.getLists()).rejects.toMatchObject({ failure: 'empty' });
  });

  it('waits for the one before it', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    await Promise.all(['a', 'b', 'c'].map((name) => client.deleteList(`wv:ann/${name}@im.example`)));
    expect(server.mostConcurrent).toBe(1);
    const ids = server.all('DeleteList-Request').map(({ id }) => Number(id));
    expect(ids).toEqual([ids[0], (ids[0] ?? 0) + 1, (ids[0] ?? 0) + 2]);
  });

  it('that partly succeeds tells what did not', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = () => ({
      content: server.element('Status', {
        Result: { Code: 201, DetailedResult: [{ Code: 531, UserID: ['wv:nobody@im.example'] }] },
      }),
    });
    const outcome = await client.subscribe({ users: ['wv:nobody@im.example', 'wv:bea@im.example'] });
    expect(outcome).toMatchObject({ code: 201, details: [{ code: 531, users: ['wv:nobody@im.example'] }] });
  });
});

describe('a session', () => {
  it.each([600, 601, 604])('is over with an answer of %d', async (code) => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = () => ({ content: server.status(code) });
    const over = client.next('disconnect');
    await expect(client.getLists()).rejects.toMatchObject({ code });
    expect((await over).code).toBe(code);
    expect(client.state).toBe('offline');
    expect(client.sessionId).toBeUndefined();
  });

  it('is over with Disconnect, and what waits for its turn is refused', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = () => ({
      requests: [{ id: 'd', content: server.element('Disconnect', { Result: { Code: 601 } }) }],
    });
    const poll = client.poll();
    const waiting = client.getLists();
    expect((await client.next('disconnect')).code).toBe(601);
    await poll;
    await expect(waiting).rejects.toMatchObject({ failure: 'closed' });
  });

  it('comes back by itself when asked to', async () => {
    const server = new FakeServer();
    const clock = new SteppingClock();
    const client = await connected(server, { relogin: true, clock });
    server.script = ({ primitive }) =>
      primitive === 'GetList-Request' ? { content: server.status(604) } : undefined;
    const back = client.next('connect');
    await expect(client.getLists()).rejects.toMatchObject({ code: 604 });
    clock.advance(1000);
    await back;
    expect(client.state).toBe('online');
  });

  it('does not try for ever with a password that became wrong', async () => {
    const server = new FakeServer();
    const clock = new SteppingClock();
    const client = await connected(server, { relogin: true, clock });
    server.script = ({ primitive }) => ({
      content:
        primitive === 'Login-Request'
          ? server.element('Login-Response', { Result: { Code: 409 } })
          : server.status(600),
    });
    const failed = client.next('error');
    await expect(client.getLists()).rejects.toMatchObject({ code: 600 });
    clock.advance(1000);
    expect((await failed).error).toMatchObject({ code: 409 });
    clock.advance(1_000_000);
    expect(server.all('Login-Request')).toHaveLength(1);
  });

  it.each(['1.1', '1.2'] as const)('ends with logout without a disconnect event (%s)', async (version) => {
    const server = new FakeServer(version);
    const client = await connected(server);
    const lost: WvClientEvents['disconnect'][] = [];
    client.on('disconnect', (outcome) => lost.push(outcome));
    server.script = () => ({
      content:
        version === '1.1' ? server.element('Disconnect', { Result: { Code: 601 } }) : server.status(200),
    });
    await client.logout();
    expect(client.state).toBe('offline');
    expect(lost).toEqual([]);
    await client.logout();
    expect(server.all('Logout-Request')).toHaveLength(1);
  });

  it('is kept alive five seconds before its end, and only when nothing else was said', async () => {
    const server = new FakeServer();
    const clock = new SteppingClock();
    const client = await connected(server, { clock });
    server.script = ({ primitive }) =>
      primitive === 'KeepAlive-Request'
        ? { content: server.element('KeepAlive-Response', { Result: { Code: 200 } }) }
        : undefined;
    clock.advance(3000_000);
    await client.deleteList('wv:ann/x@im.example');
    clock.advance(3000_000);
    await Promise.resolve();
    expect(server.all('KeepAlive-Request')).toHaveLength(0);
    clock.advance(600_000);
    await eventually(() => server.all('KeepAlive-Request').length === 1, 'a keep-alive');
  });

  it('polls at the interval the server wants', async () => {
    const server = new FakeServer();
    server.script = ({ primitive }) =>
      primitive === 'ClientCapability-Request'
        ? {
            content: server.element('ClientCapability-Response', {
              AgreedCapabilityList: { ServerPollMin: 30 },
            }),
          }
        : undefined;
    const clock = new SteppingClock();
    await connected(server, { clock, pollSeconds: 5 });
    clock.advance(29_000);
    expect(server.heard).toHaveLength(0);
    clock.advance(1000);
    await eventually(() => server.all('Polling-Request').length === 1, 'a poll');
  });

  it('reports a keep-alive wish the server does not grant', async () => {
    const server = new FakeServer();
    const client = await connected(server);
    server.script = () => ({
      content: server.element('KeepAlive-Response', { Result: { Code: 605 }, KeepAliveTime: 900 }),
    });
    expect(await client.keepAlive(86_400)).toBe(900);
  });
});

describe('capabilities', () => {
  it('name STCP only when there is a connector, and the connector gets what was agreed', async () => {
    const server = new FakeServer();
    const targets: unknown[] = [];
    server.script = ({ primitive, content }) => {
      if (primitive !== 'ClientCapability-Request') return undefined;
      const body = readBody(content, 'ClientCapability-Request');
      const SupportedCIRMethod = isBindError(body) ? [] : (body.CapabilityList?.SupportedCIRMethod ?? []);
      return {
        content: server.element('ClientCapability-Response', {
          AgreedCapabilityList: { SupportedCIRMethod, TCPAddress: '127.0.0.1', TCPPort: 3171 },
        }),
      };
    };
    await clientOf(server).connect();
    const cir = {
      method: 'STCP' as const,
      open: (target: unknown) => {
        targets.push(target);
        return { close: () => {} };
      },
    };
    await clientOf(server, { cir }).connect();
    expect(targets).toEqual([{ host: '127.0.0.1', port: 3171, sessionId: 's-1' }]);
  });
});
