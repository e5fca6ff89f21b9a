// `wvgate peers` and the API behind it, as an operator meets them.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { peerDetails, peerTable, type ToldPeer } from '../../../src/commands/peer-table.ts';
import { startOpsEndpoint, type OpsEndpoint } from '../../../src/ops/endpoint.ts';
import { createMetrics } from '../../../src/ops/metrics.ts';
import { peersApi, type PeerOverview, type PeerState } from '../../../src/web/peers-api.ts';
import { trusted, type Domain } from '../../../src/wv/ids.ts';
import { ProgramFolder, wvgate } from '../../support/program.ts';
import { SILENT } from '../../support/silence.ts';

const TOKEN = 'a-secret-of-many-characters';
const B = trusted<Domain>('operator-b.example');
const C = trusted<Domain>('operator-c.example');
const HUB = trusted<Domain>('behind-c.example');

const UP: PeerState = {
  domain: B,
  domains: [],
  listed: true,
  session: 'up',
  circuit: 'closed',
  url: 'https://ssp.operator-b.example:8443/',
  version: '1.3',
  dialect: 'standard',
  waiting: 0,
  since: Date.UTC(2026, 0, 2, 3, 4, 5),
  messagesIn: 7,
  messagesOut: 9,
};
const AWAY: PeerState = {
  domain: C,
  domains: [HUB],
  listed: false,
  session: 'down',
  circuit: 'open',
  dialect: 'auto',
  waiting: 12_345,
  lastError: 'certificate of 192.0.2.1:8443 is not valid for operator-c.example',
  nextTryAt: Date.UTC(2100, 0, 1),
};

class FakePeers implements PeerOverview {
  peers: readonly PeerState[] = [UP, AWAY];
  readonly retried: Domain[] = [];

  list(): readonly PeerState[] {
    return this.peers;
  }

  retry(domain: Domain): boolean {
    this.retried.push(domain);
    return this.peers.some((peer) => peer.domain === domain);
  }
}

let folder: ProgramFolder;
let peers: FakePeers;
let ops: OpsEndpoint;
let config: string;

beforeAll(async () => {
  folder = await ProgramFolder.make();
  await writeFile(join(folder.path, 'token'), `${TOKEN}\n`);
});
afterAll(() => folder.remove());
beforeEach(async () => {
  peers = new FakePeers();
  ops = await serve(true);
  config = await configFor(ops.address.port);
});
afterEach(() => ops.close());

/** The operators' endpoint of a running server, with or without SSP. */
function serve(ssp: boolean): Promise<OpsEndpoint> {
  const router = peersApi({ token: TOKEN, peers, log: SILENT });
  return startOpsEndpoint({
    host: '127.0.0.1',
    port: 0,
    metrics: createMetrics(),
    readiness: () => ({ ready: true, parts: {} }),
    routers: ssp ? [{ path: '/api/peers', router }] : [],
    log: SILENT,
  });
}

function configFor(
  port: number,
  tokenFile: string | undefined = 'token',
  host = '127.0.0.1',
): Promise<string> {
  return folder.config({
    listen: { ops: { host, port } },
    operator: tokenFile === '' ? {} : { tokenFile },
  });
}

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${ops.address.port}/api/peers${path}`, {
    headers: { Authorization: `Bearer ${TOKEN}` },
    ...init,
  });
}

describe('GET /api/peers', () => {
  it('tells everything, times as text', async () => {
    const response = await ask('');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      peers: [
        { ...UP, since: '2026-01-02T03:04:05.000Z' },
        { ...AWAY, nextTryAt: '2100-01-01T00:00:00.000Z' },
      ],
    });
  });

  it.each([[{}], [{ Authorization: 'Bearer wrong' }], [{ Authorization: `Basic ${TOKEN}` }]])(
    'is 401 with %j',
    async (headers) => {
      expect((await ask('', { headers })).status).toBe(401);
      expect((await ask(`/${B}/retry`, { method: 'POST', headers })).status).toBe(401);
      expect(peers.retried).toEqual([]);
    },
  );
});

describe('POST /api/peers/:domain/retry', () => {
  const retry = (name: string) => ask(`/${encodeURIComponent(name)}/retry`, { method: 'POST' });

  it('tries the peer', async () => {
    const response = await retry('OPERATOR-C.example');
    expect([response.status, await response.json()]).toEqual([202, { domain: C }]);
    expect(peers.retried).toEqual([C]);
  });

  it('is 404 for a peer that is not known, and for other paths', async () => {
    const response = await retry('nobody.example');
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: { message: 'no peer nobody.example', field: 'domain' } },
    ]);
    expect((await ask('/x/y/z')).status).toBe(404);
    expect((await ask(`/${B}/retry`)).status).toBe(404);
  });

  it.each(['no domain', '../users', '%'])('is 400 for %j', async (name) => {
    expect((await retry(name)).status).toBe(400);
    expect(peers.retried).toEqual([]);
  });
});

describe('wvgate peers', () => {
  const run = (...args: string[]) => wvgate(['peers', ...args, '--config', config]);

  it('is a table without colours in a pipe', async () => {
    const { code, stdout, stderr } = await run();
    expect([code, stderr]).toEqual([0, '']);
    const [head, b, c, error] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^DOMAIN +SESSION +CIRCUIT +WAITING +NEXT TRY +LISTED$/);
    expect(b).toMatch(/^operator-b\.example +up +closed +0 +yes$/);
    expect(c).toMatch(/^operator-c\.example +down +open +12345 +in \d+ ?… +no$/);
    expect(error).toBe(`  ${AWAY.lastError}`);
  });

  it('says so when there is none', async () => {
    peers.peers = [];
    expect(await run()).toEqual({ code: 0, stdout: 'no peers\n', stderr: '' });
    expect(await run('--json')).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
  });

  it('is JSON for programs', async () => {
    const all = await run('--json');
    expect(JSON.parse(all.stdout)).toMatchObject([{ domain: B, messagesOut: 9 }, { domain: C }]);
    const one = await run('--json', B);
    expect(JSON.parse(one.stdout)).toMatchObject({ domain: B, since: '2026-01-02T03:04:05.000Z' });
  });

  it.each([B, 'Operator-B.Example'])('of %s is everything about it', async (name) => {
    const { code, stdout } = await run(name);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^session +up since 2026-01-02T03:04:05\.000Z$/m);
    expect(stdout).toMatch(/^URL +https:\/\/ssp\.operator-b\.example:8443\/$/m);
    expect(stdout).toMatch(/^messages +7 in, 9 out$/m);
  });

  it('finds a peer by a domain behind it', async () => {
    expect((await run(HUB)).stdout).toMatch(/^domain +operator-c\.example$/m);
  });

  it('of a server that is no peer says so', async () => {
    const { code, stderr } = await run('nobody.example');
    expect([code, stderr]).toEqual([1, 'wvgate: no peer nobody.example\n']);
  });

  it('retry tries a peer', async () => {
    const { code, stdout } = await run('retry', C);
    expect([code, peers.retried]).toEqual([0, [C]]);
    expect(stdout).toMatch(/^operator-c\.example is tried now/);
  });

  it('retry of a server that is no peer says so', async () => {
    const { code, stderr } = await run('retry', 'nobody.example');
    expect([code, stderr]).toEqual([1, 'wvgate: no peer nobody.example\n']);
  });

  it('reaches a server that listens on every interface', async () => {
    config = await configFor(ops.address.port, 'token', '0.0.0.0');
    expect((await run()).code).toBe(0);
  });

  it.each([
    [['retry'], /peers retry DOMAIN/],
    [['retry', 'no domain'], /no domain is no domain name/],
    [['a.example', 'b.example'], /peers \[DOMAIN\]/],
    [['--jason'], /--jason/],
  ])('%j ends with code 2 and a line that helps', async (args, words) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
  });
});

describe('wvgate peers says what to do', () => {
  const complaint = async () => {
    const { code, stdout, stderr } = await wvgate(['peers', '--config', config]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain(TOKEN);
    return stderr;
  };

  it('when no token is configured', async () => {
    config = await configFor(ops.address.port, '');
    expect(await complaint()).toMatch(/wvgate\.yaml: operator\.tokenFile: needed/);
  });

  it('when the token cannot be read', async () => {
    config = await configFor(ops.address.port, 'nowhere');
    expect(await complaint()).toMatch(/operator\.tokenFile: .*nowhere cannot be read/);
  });

  it('when the server has another token', async () => {
    await writeFile(join(folder.path, 'other'), 'another-secret-of-many-characters');
    config = await configFor(ops.address.port, 'other');
    expect(await complaint()).toMatch(/does not know the token of operator\.tokenFile.*restart/);
  });

  it('when the port is any', async () => {
    config = await configFor(0);
    expect(await complaint()).toMatch(/listen\.ops\.port: 0/);
  });

  it('when no server runs', async () => {
    await ops.close();
    expect(await complaint()).toMatch(
      /no server answers at http:\/\/127\.0\.0\.1:\d+ \(listen\.ops\).*wvgate serve/,
    );
  });

  it('when the server has no SSP', async () => {
    await ops.close();
    ops = await serve(false);
    config = await configFor(ops.address.port);
    expect(await complaint()).toMatch(/does not serve this: is the part configured/);
  });

  it.each([
    ['{"ok":true}', 200, /something that is no list of peers/],
    ['<html>', 200, /HTTP 200: is listen\.ops an address of wvgate/],
    ['', 500, /HTTP 500/],
    ['', 302, /no server answers/],
  ])('when something else answers %j, %d', async (body, status, words) => {
    const other: Server = createServer((_request, response) => {
      response.writeHead(status, status === 302 ? { Location: '/' } : {}).end(body);
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    config = await configFor((other.address() as AddressInfo).port);
    try {
      expect(await complaint()).toMatch(words);
    } finally {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    }
  });
});

describe('the text of peers', () => {
  const now = Date.UTC(2026, 0, 1);
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what must not come through
  const STEERING = /[\x1b\r\u202e]/;
  const peer: ToldPeer = {
    domain: `${'long-name.'.repeat(12)}example`,
    domains: [],
    listed: true,
    session: 'setting-up',
    circuit: 'trying',
    dialect: 'auto',
    waiting: 1_000_000,
    lastError: `\x1b[2J\r\nthe peer wrote \u202e${'x'.repeat(200)}`,
    nextTryAt: new Date(now + 90_500).toISOString(),
  };

  it('fits 80 columns, and nothing in it steers the terminal', () => {
    const text = peerTable([peer, { ...peer, nextTryAt: new Date(now - 1).toISOString() }], {
      now,
      colours: false,
    });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(text).not.toMatch(STEERING);
    expect(text).toMatch(/ in 91 s .*\n.*\n.* now /);
    expect(peerDetails(peer, { now, colours: false })).not.toMatch(STEERING);
  });

  it('has colours for a terminal, and the same columns', () => {
    const plain = peerTable([peer], { now, colours: false });
    const coloured = peerTable([peer], { now, colours: true });
    expect(coloured).toContain('\x1b[33msetting-up\x1b[39m');
    expect(stripVTControlCharacters(coloured)).toBe(plain);
    expect(peerDetails(peer, { now, colours: true })).toContain('\x1b[33msetting-up\x1b[39m');
  });

  it('does not repeat old errors of a peer that is up', () => {
    expect(
      peerTable([{ ...peer, session: 'up' }], { now, colours: false })
        .trimEnd()
        .split('\n'),
    ).toHaveLength(2);
  });
});
