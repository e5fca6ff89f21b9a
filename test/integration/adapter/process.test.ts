// `wvgate adapter` as an operator starts it, and kills it.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { checkAdapterConfig, type AdapterConfigInput } from '../../../src/config/adapter.ts';
import { checkConfig } from '../../../src/config.ts';
import { eventually } from '../../support/eventually.ts';
import { ProgramFolder, wvgate, type Serving } from '../../support/program.ts';
import { coreEntry, gatewayEntry } from '../../support/ssp/adapter-scene.ts';
import { freePort, Side } from '../../support/ssp/two-houses.ts';
import { FakeXmppServer } from '../../support/xmpp-server.ts';

const XMPP = 'xmpp.test';
const COMPONENT = 'wv.xmpp.test';
const CORE = 'core.test';

let folder: ProgramFolder;
beforeAll(async () => {
  folder = await ProgramFolder.make();
});
afterAll(() => folder.remove());

async function file(config: unknown, name = 'adapter.yaml'): Promise<string> {
  const path = resolve(folder.path, name);
  await writeFile(path, stringify(config));
  return path;
}

const GOOD = {
  adapter: { core: CORE, url: 'http://127.0.0.1:8082/', allowPlain: true },
  listen: { ssp: { port: 0 }, ops: { port: 0 } },
  xmpp: { component: COMPONENT, secret: 'secret', domains: [XMPP] },
} satisfies AdapterConfigInput;

describe('the command line', () => {
  it('checks a file without starting anything', async () => {
    const { code, stdout } = await wvgate(['adapter', 'xmpp', '--check', '--config', await file(GOOD)]);
    expect(code).toBe(0);
    expect(stdout).toContain(`server      ${CORE} at http://127.0.0.1:8082/`);
  });

  it.each([
    ['no network', []],
    ['a network that there is not', ['icq', '--config', 'x.yaml']],
    ['no file', ['xmpp']],
  ])('wants to know more when there is %s', async (_, args) => {
    const { code, stderr } = await wvgate(['adapter', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain('wvgate: adapter xmpp');
  });

  it('tells an operator who takes it for a server’s file', async () => {
    const { code, stderr } = await wvgate(['serve', '--config', await file(GOOD)]);
    expect(code).toBe(1);
    expect(stderr).toContain('adapter');
  });
});

describe('mistakes in the file', () => {
  const complaint = (config: unknown, network: 'xmpp' | 'matrix' = 'xmpp'): string => {
    try {
      checkAdapterConfig(config, network, 'a.yaml', '/');
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  it.each([
    ['adapter', { ...GOOD, adapter: undefined }],
    ['adapter.core', { ...GOOD, adapter: { ...GOOD.adapter, core: 'not a domain' } }],
    ['adapter.url', { ...GOOD, adapter: { core: CORE } }],
    ['adapter.url', { ...GOOD, adapter: { ...GOOD.adapter, allowPlain: false } }],
    ['adapter.tls.key', { ...GOOD, adapter: { ...GOOD.adapter, tls: { cert: 'cert.pem' } } }],
    ['adapter.clientCertificate', { ...GOOD, adapter: { ...GOOD.adapter, clientCertificate: true } }],
    ['listen.ssp', { ...GOOD, listen: {} }],
    ['listen.ssp.tls', { ...GOOD, listen: { ssp: { clientCertificates: 'required' } } }],
    ['xmpp', { ...GOOD, xmpp: undefined }],
    ['xmpp.secret', { ...GOOD, xmpp: { component: COMPONENT, domains: [XMPP] } }],
    ['(top)', { ...GOOD, users: [] }],
  ])('are named: %s', (key, config) => {
    expect(complaint(config)).toContain(`a.yaml: ${key}: `);
  });

  it('of the other network are named', () => {
    expect(complaint(GOOD, 'matrix')).toBe(
      'a.yaml: xmpp: wvgate adapter matrix does not serve it: give it a file of its own\n' +
        'a.yaml: matrix: needed for wvgate adapter matrix',
    );
  });

  it('that make the server a part of the network stop it', async () => {
    const config = await file({ ...GOOD, adapter: { ...GOOD.adapter, core: XMPP } });
    const { code, stderr } = await wvgate(['adapter', 'xmpp', '--config', config]);
    expect(code).toBe(1);
    expect(stderr).toContain(`adapter.core: ${XMPP} is a domain of the gateway itself`);
  });
});

describe('the examples', () => {
  const read = (name: string): unknown =>
    parse(readFileSync(resolve(import.meta.dirname, '../../../config', name), 'utf8'));

  it.each(['xmpp', 'matrix'] as const)('for %s fit the example of the server', (network) => {
    const { adapter } = checkAdapterConfig(read(`adapter-${network}.sample.yaml`), network, 'sample', '/etc');
    const { domain, ssp } = checkConfig(read('core-of-adapters.sample.yaml'), 'sample', '/etc');
    expect(adapter.core).toBe(domain);
    expect(ssp?.peers.filter(({ gateway, collective }) => gateway || collective)).toHaveLength(2);
  });
});

describe('an adapter that is killed', () => {
  let core: Side;
  let server: FakeXmppServer;
  let adapter: Serving;
  afterEach(async () => {
    await core.close();
    await server.stop();
  });

  const wroteOnce = (text: string): boolean => server.text.split(`<body>${text}</body>`).length === 2;

  it('loses nothing and repeats nothing that was confirmed', async () => {
    const [corePort, port] = [await freePort(), await freePort()];
    server = await FakeXmppServer.start({ secret: 'secret' });
    const home = await ProgramFolder.make();
    core = new Side(CORE, corePort, home.path, {
      domain: CORE,
      data: home.path,
      listen: { csp: { port: 0 }, cir: { tcp: { port: 0 } }, ops: { port: 0 }, ssp: { port: corePort } },
      ssp: { discovery: { enabled: false }, peers: [gatewayEntry([XMPP], port)] },
    });
    await core.start();
    const config = await file({
      data: 'killed',
      adapter: coreEntry(CORE, corePort),
      listen: { ssp: { port }, ops: { port: 0 } },
      xmpp: { ...GOOD.xmpp, port: server.port },
    });
    adapter = await folder.adapter('xmpp', config);
    const { user: ann, client } = await core.somebody('ann');
    const juliet = `wv:juliet@${XMPP}`;
    await client.sendMessage({ to: { user: juliet }, content: 'first' });
    await eventually('the first', () => wroteOnce('first'));
    const emptied = async () => (await core.house.store.outboxDestinations()).length === 0;
    await eventually('it is confirmed', emptied);

    adapter.signal('SIGKILL');
    await adapter.ended;
    await client.sendMessage({ to: { user: juliet }, content: 'second' });
    adapter = await folder.adapter('xmpp', config);
    await eventually('the second', () => wroteOnce('second'), 30_000);
    await eventually('it is confirmed', emptied);

    const name = ann.slice(3, ann.indexOf('@'));
    const write = (id: string, text: string) =>
      server.send(
        `<message type="chat" id="${id}" from="juliet@${XMPP}/a" to="${name}@${COMPONENT}"><body>${text}</body></message>`,
      );
    const seen: string[] = [];
    client.on('message', ({ text }) => void seen.push(text ?? ''));
    write('m1', 'ay me');
    await eventually('her answer', () => seen.includes('ay me'));
    adapter.signal('SIGKILL');
    await adapter.ended;
    adapter = await folder.adapter('xmpp', config);
    await eventually('a stream', () => server.handshakes === 3);
    // An XMPP server that knows no better.
    write('m1', 'ay me');
    write('m2', 'speak again');
    await eventually('the next', () => seen.includes('speak again'));
    expect(seen).toEqual(['ay me', 'speak again']);
    expect(wroteOnce('first') && wroteOnce('second')).toBe(true);
    adapter.signal('SIGTERM');
    expect((await adapter.ended).code).toBe(0);
  }, 90_000);
});
