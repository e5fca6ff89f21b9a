// The program as an operator runs it: certificates, signals, two of them on the same data.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NAMESPACES } from '../../../src/wv/version.ts';
import { posted, Wire } from '../../support/abuse.ts';
import { android } from '../../support/phone-messages.ts';
import { HABITS, Phone } from '../../support/phone.ts';
import { ProgramFolder, wvgate } from '../../support/program.ts';

let folder: ProgramFolder;
const wires: Wire[] = [];
beforeEach(async () => {
  folder = await ProgramFolder.make();
});
afterEach(async () => {
  for (const wire of wires.splice(0)) wire.drop();
  await folder.remove();
});

const USERS = [{ name: 'ann', password: 'sesame' }];
const session = NAMESPACES['1.2'].session;

async function wireTo(port: number): Promise<Wire> {
  const wire = await Wire.open(port);
  wires.push(wire);
  return wire;
}

/** A self-signed certificate; returns the names of the files. */
function certificate(): { cert: string; key: string } {
  const [cert, key] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
  const about = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const making = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...about];
  execFileSync('openssl', making, { stdio: 'pipe' });
  return { cert, key };
}

function listen(tls: { cert: string; key: string }) {
  return { csp: { port: 0, tls }, ops: { port: 0 } };
}

describe('HTTPS', () => {
  it('serves phones with the certificate of the configuration, and shrugs off clients without TLS', async () => {
    const tls = certificate();
    const { ready } = await folder.serve(await folder.config({ users: USERS, listen: listen(tls) }));
    const plain = await wireTo(ready.csp.port);
    plain.send(posted('<a/>'));
    plain.finish();
    await plain.isClosed();
    const body = `<WV-CSP-Message xmlns="${session}"><Session><Transaction><TransactionContent><GetSPInfo-Request/></TransactionContent></Transaction></Session></WV-CSP-Message>`;
    const ca = readFileSync(tls.cert);
    const answer = await new Promise<{ text: string; fingerprint: string }>((done, failed) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port: ready.csp.port,
          path: '/csp',
          method: 'POST',
          ca,
          headers: { 'Content-Type': 'text/xml' },
        },
        (response) => {
          let text = '';
          const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
          response.on('data', (data: Buffer) => (text += data.toString()));
          response.on('end', () => done({ text, fingerprint: fingerprint256 }));
        },
      );
      asked.on('error', failed).end(body);
    });
    expect(answer.text).toContain('<Name>wvgate</Name>');
    expect(answer.fingerprint).toBe(new X509Certificate(ca).fingerprint256);
  });

  it.each(['cert', 'key'] as const)('a missing file for the %s is named with its key', async (which) => {
    const tls = { ...certificate(), [which]: join(folder.path, 'nowhere.pem') };
    const ran = await wvgate(['serve', '--config', await folder.config({ listen: listen(tls) })]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(new RegExp(`listen\\.csp\\.tls\\.${which}: .*nowhere\\.pem`));
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('a file that is no certificate is told in a line', async () => {
    const tls = certificate();
    writeFileSync(tls.cert, 'not a certificate');
    const ran = await wvgate(['serve', '--config', await folder.config({ listen: listen(tls) })]);
    expect([ran.code, ran.stderr.trim().split('\n').length]).toEqual([1, 1]);
    expect(ran.stderr).toContain('listen.csp.tls');
  });
});

describe('SIGTERM', () => {
  it('lets requests under way finish, also one that is still arriving, and ends with code 0', async () => {
    const { ready, signal, ended } = await folder.serve(await folder.config({ users: USERS }));
    const [busy, slow, idle] = [
      await wireTo(ready.csp.port),
      await wireTo(ready.csp.port),
      await wireTo(ready.csp.port),
    ];
    const phone = new Phone(ready.csp.port, HABITS.android);
    const login = posted(phone.document(android.login('ann', 'sesame', '<ClientID/>')));
    idle.send(login);
    await idle.answer();
    slow.send(login.subarray(0, login.length - 10));
    busy.send(login);
    signal('SIGTERM');
    expect((await busy.answer()).body.toString()).toContain('<Code>200</Code>');
    slow.send(login.subarray(login.length - 10));
    expect((await slow.answer()).body.toString()).toContain('<Code>200</Code>');
    for (const wire of [busy, slow, idle]) wire.finish();
    const begun = performance.now();
    expect((await ended).code).toBe(0);
    expect(performance.now() - begun).toBeLessThan(15_000);
    expect((await ended).stdout).toContain('stopped');
  });

  it('does not wait for ever for a request that never ends', async () => {
    const { ready, signal, ended } = await folder.serve(await folder.config({ users: USERS }));
    const [slow, known] = [await wireTo(ready.csp.port), await wireTo(ready.csp.port)];
    slow.send(posted('x').subarray(0, 60));
    known.send(posted('x'));
    await known.answer();
    signal('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});

describe('a second server on the same data', () => {
  it('refuses in a line that says why, and does not disturb the first', async () => {
    const config = await folder.config({ users: USERS });
    const { ready } = await folder.serve(config);
    const second = await wvgate(['serve', '--config', config]);
    expect(second.code).toBe(1);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toMatch(/in use|another|already/i);
    const phone = new Phone(ready.csp.port, HABITS.android);
    await phone.say(android.login('ann', 'sesame', '<ClientID/>'));
    phone.close();
    expect(phone.sessionId).not.toBe('');
  });

  it('is told when only the port is taken', async () => {
    const { ready } = await folder.serve(await folder.config({ users: USERS }));
    const other = { data: 'other', listen: { csp: { port: ready.csp.port }, ops: { port: 0 } } };
    const ran = await wvgate(['serve', '--config', await folder.config(other, 'other.yaml')]);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('another program listens there already');
  });
});
