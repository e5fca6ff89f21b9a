// A certificate that cannot be used stops the start, with the key of the configuration in the error.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ConfigError } from '../../src/config.ts';
import { readAuthorities } from '../../src/tls-files.ts';
import { startTestHouse } from '../support/house.ts';
import { createTestCa } from '../support/ssp/test-ca.ts';

async function starting(files: Readonly<Record<string, string>>): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'wvgate-tls-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const tls = { cert: 'cert.pem', key: 'key.pem' };
    const listen = { csp: { port: 0, tls }, ops: { port: 0 } };
    const house = await startTestHouse({ folder, users: [], config: { listen } });
    await house.stop();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

it.each([
  [{}, 'listen.csp.tls.cert'],
  [{ 'cert.pem': 'nonsense' }, 'listen.csp.tls.key'],
  [{ 'cert.pem': 'nonsense', 'key.pem': 'nonsense' }, 'listen.csp.tls'],
])('with the files %j it names %s', async (files, key) => {
  const error = await starting(files);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).message).toContain(`${key}: `);
});

it('authorities of callers are read, and a file without any is refused by its key', () => {
  const ca = createTestCa();
  try {
    expect(readAuthorities(ca.cert, 'listen.ssp.clientCa').toString()).toContain('BEGIN CERTIFICATE');
    for (const file of [ca.issue(['x']).key, `${ca.cert}.missing`])
      expect(() => readAuthorities(file, 'listen.ssp.clientCa')).toThrow(/^listen\.ssp\.clientCa: /);
  } finally {
    ca.remove();
  }
});
