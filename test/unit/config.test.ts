// The configuration file: what comes with the project is valid, what is wrong is told by file and key, and the
// reference says what the schema says.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configReference, isReferenceUpToDate } from '../../scripts/generate-config-reference.ts';
import { ConfigError, findConfigFile, readConfig } from '../../src/config.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wvgate-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const file = join(folder, 'wvgate.yaml');
  writeFileSync(file, text);
  return file;
}

/** What the operator is told about a file. */
function complaintAbout(text: string): string {
  try {
    readConfig(fileWith(text));
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('the files that come with the project', () => {
  it.each([
    'config/quickstart.yaml',
    'config/wvgate.sample.yaml',
    'config/compose/image.yaml',
    'config/compose/wvgate.yaml',
  ])('%s is valid', (file) => {
    expect(readConfig(resolve(ROOT, file)).domain).toMatch(/^wv\./);
  });

  it('are replaced by config/wvgate.yaml as soon as the operator writes one', () => {
    mkdirSync(join(folder, 'config'));
    expect(findConfigFile(folder)).toBe(join(folder, 'config/quickstart.yaml'));
    writeFileSync(join(folder, 'config/wvgate.yaml'), '');
    expect(findConfigFile(folder)).toBe(join(folder, 'config/wvgate.yaml'));
  });

  it('the reference in docs/configuration.md is up to date', () => {
    expect(isReferenceUpToDate(), 'run scripts/generate-config-reference.ts').toBe(true);
  });

  it('the reference explains every key', () => {
    const rows = configReference().match(/^\| `.*$/gm) ?? [];
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter((row) => row.endsWith('|  |'))).toEqual([]);
  });
});

describe('a good file', () => {
  it('may be empty: everything has a default', () => {
    const config = readConfig(fileWith(''));
    expect(config.domain).toBe('wv.localhost');
    expect(config.listen.csp).toMatchObject({ host: '127.0.0.1', port: 8080, path: '/csp' });
    expect(config.xmpp).toBeUndefined();
  });

  it('has paths relative to its own folder', () => {
    const config = readConfig(fileWith('data: ../elsewhere\n'));
    expect(config.data).toBe(resolve(folder, '../elsewhere'));
  });

  it('has no door for other servers unless it asks for one', () => {
    const { listen } = readConfig(fileWith(''));
    expect([listen.ssp, listen.csp.ssp]).toEqual([undefined, false]);
    expect(readConfig(fileWith('listen: { ssp: {} }')).listen.ssp).toMatchObject({
      host: '127.0.0.1',
      port: 8082,
      clientCertificates: 'none',
    });
  });

  it('names the files of that door relative to its own folder', () => {
    const tls = 'tls: { cert: a.pem, key: b.pem }';
    const config = readConfig(
      fileWith(`listen: { ssp: { ${tls}, clientCertificates: optional, clientCa: ca.pem } }`),
    );
    expect(config.listen.ssp).toMatchObject({
      tls: { cert: join(folder, 'a.pem'), key: join(folder, 'b.pem') },
      clientCa: join(folder, 'ca.pem'),
    });
  });
});

describe('a bad file', () => {
  it('with an unknown key is refused with the file and the key', () => {
    const complaint = complaintAbout('listen:\n  csp:\n    prot: 8080\n');
    expect(complaint).toContain(join(folder, 'wvgate.yaml'));
    expect(complaint).toContain('listen.csp');
    expect(complaint).toContain('prot');
  });

  it.each(['70000', '-1', '80.5', 'http'])('with port %s is refused with the key', (port) => {
    expect(complaintAbout(`listen: { csp: { port: ${port} } }`)).toContain('wvgate.yaml: listen.csp.port: ');
  });

  it.each(['"wv example"', 'wv_example', '"-wv.example"', '7'])('with domain %s is refused', (domain) => {
    expect(complaintAbout(`domain: ${domain}\n`)).toContain('wvgate.yaml: domain: ');
  });

  it('that is no YAML is refused with the line', () => {
    const complaint = complaintAbout('domain: wv.example\nlisten: { csp: [\n');
    expect(complaint).toContain('wvgate.yaml: ');
    expect(complaint).toMatch(/at line [23]/);
  });

  it('with several mistakes is refused with all of them', () => {
    const complaint = complaintAbout('domain: "no domain"\nmessages: { maxQueue: 0 }\n');
    expect(complaint.split('\n')).toHaveLength(2);
  });

  it('with limits that contradict each other is refused', () => {
    expect(complaintAbout('session: { keepAlive: { min: 600, max: 60 } }')).toContain('session.keepAlive');
  });

  it.each([
    ['clientCertificates: optional, clientCa: ca.pem', 'tls'],
    ['clientCertificates: required, tls: { cert: a, key: b }', 'clientCa'],
  ])('that asks other servers for certificates with %s lacks %s', (ssp, missing) => {
    expect(complaintAbout(`listen: { ssp: { ${ssp} } }`)).toContain(`wvgate.yaml: listen.ssp.${missing}: `);
  });

  it('that does not exist is refused with its name', () => {
    const file = join(folder, 'missing.yaml');
    expect(() => readConfig(file)).toThrow(new RegExp(`${file.replaceAll('.', '\\.')}.*cannot be read`));
  });

  it('never has its secrets in the complaint', () => {
    const complaint = complaintAbout('xmpp: { component: 7, secret: hush-hush, prot: 1 }');
    expect(complaint).toContain('xmpp');
    expect(complaint).not.toContain('hush-hush');
  });
});
