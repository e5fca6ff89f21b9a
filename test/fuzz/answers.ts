// What an answer of the server has to be, whatever it answers: readable by our codec, with codes of the protocol, in
// the shape of the DTD; and, for a sample of the WBXML, readable by libwbxml.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decode, isCodecError, type Encoding } from '../../src/access/csp/codec/codec.ts';
import { cspFaults } from '../../src/decode/csp-faults.ts';
import { STATUS } from '../../src/wv/status.ts';
import { texts } from '../support/phone-scene.ts';

export interface HeardAnswer {
  readonly status: number;
  readonly encoding: Encoding;
  readonly body: Uint8Array;
}

/** HTTP codes for what is no CSP request; everything else is answered 200. */
const HTTP_CODES: ReadonlySet<number> = new Set([200, 413, 415]);
/** Of faults in answers those of shape count: ids of ours, and what a sender's own text does to lengths, do not. */
const SHAPE: ReadonlySet<string> = new Set(['codec', 'unknown', 'misplaced', 'order', 'missing', 'repeated']);

/** Fields inside presence attributes are passed on as somebody published them (docs/protocol-notes.md). */
const OTHERS = /\/PresenceSubList\//;

/** What is wrong with an answer. */
export function wrongWith({ status, encoding, body }: HeardAnswer): string[] {
  if (!HTTP_CODES.has(status)) return [`HTTP ${status}`];
  if (status !== 200 || body.length === 0) return [];
  const decoded = decode(encoding, body, { maxBytes: 4_194_304, maxText: 4_194_304 });
  if (isCodecError(decoded)) return [`answer cannot be read: ${decoded.kind}: ${decoded.message}`];
  const codes = texts(decoded.root, 'Code').filter((code) => !(code in STATUS) || code === '500');
  const faults = cspFaults(decoded.root, decoded.version, true).filter(
    ({ kind, path }) => SHAPE.has(kind) && !OTHERS.test(path),
  );
  return [
    ...codes.map((code) => `status code ${code}`),
    ...faults.map(({ kind, path, message }) => `${kind} ${path}: ${message}`),
  ];
}

const run = promisify(execFile);

/** libwbxml's `wbxml2xml`; not there on every machine. It knows 1.1 and 1.2. */
export class Oracle {
  readonly #folder: string;
  judged = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Oracle | undefined> {
    const there = await run('wbxml2xml', ['-v']).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    );
    return there ? new Oracle(await mkdtemp(join(tmpdir(), 'wvgate-fuzz-'))) : undefined;
  }

  async judge(body: Uint8Array): Promise<string[]> {
    const language = { 0x10: 'CSP11', 0x11: 'CSP12' }[body[1] ?? 0];
    if (language === undefined) return [];
    this.judged += 1;
    const file = join(this.#folder, `${this.judged}.wbxml`);
    await writeFile(file, body);
    return run('wbxml2xml', ['-k', '-l', language, '-o', `${file}.xml`, file]).then(
      () => [],
      (error: Error) => [`wbxml2xml: ${error.message} (${Buffer.from(body).toString('hex')})`],
    );
  }

  close(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }
}
