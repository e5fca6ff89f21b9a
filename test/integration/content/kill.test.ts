// kill -9 in the middle of an upload: what was answered is there, what was not is gone without trace.

import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { userAddress } from '../../../src/wv/address.ts';
import { trusted, type Domain } from '../../../src/wv/ids.ts';
import { ask, basic, type ShownItem } from '../../support/content-http.ts';
import { startTestHouse, TEST_DOMAIN } from '../../support/house.ts';
import { eventually } from '../../support/eventually.ts';

const ANN = userAddress('ann', trusted<Domain>(TEST_DOMAIN));
const AUTH = basic(ANN, 'ann-secret');

let folder = '';
let server: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wvgate-kill-'));
});
afterEach(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function startServer() {
  const script = join(import.meta.dirname, '../../support/content-server.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  server = child;
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, port: Number(line) };
}

const incoming = () => readdirSync(join(folder, 'content', 'incoming'));

it('keeps what was answered and nothing of what was not', async () => {
  const { child, port } = await startServer();
  const answered: ShownItem[] = [];
  for (let n = 0; n < 5; n++) {
    const headers = { ...AUTH, 'Content-Type': 'audio/amr' };
    const body = randomBytes(50_000);
    const answer = await ask(port, `/content/upload/${n}.amr`, { method: 'PUT', headers, body });
    expect(answer.status).toBe(201);
    answered.push(answer.json<ShownItem>());
  }
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(
    `PUT /content/upload/half.amr HTTP/1.1\r\nHost: x\r\nAuthorization: ${AUTH['Authorization']}\r\n` +
      `Content-Type: audio/amr\r\nContent-Length: 5000000\r\n\r\n`,
  );
  socket.write(randomBytes(1_000_000));
  await eventually('the upload is under way', () => incoming().length === 1);
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
  expect(incoming()).toHaveLength(1);

  const again = await startTestHouse({ folder, users: ['ann'] });
  expect(incoming()).toEqual([]);
  const kept = await again.house.store.contentOf(ANN, undefined, 10);
  expect(kept.map(({ id }) => id).toSorted()).toEqual(answered.map(({ id }) => id).toSorted());
  for (const { id, sha256 } of kept) {
    const octets = readFileSync(join(folder, 'content', id.slice(0, 2), id));
    expect(createHash('sha256').update(octets).digest('hex')).toBe(sha256);
  }
  await again.stop();
}, 30_000);
