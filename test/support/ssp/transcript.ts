// What passed between two servers as a text that people read and tests compare: test/transcripts/ssp/<flow>.txt,
// written with WVGATE_UPDATE=1. Whatever differs from run to run stands there as a placeholder.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';

/** One POST between servers. */
export interface Passed {
  /** Domains, or whatever else names the two. */
  readonly from: string;
  readonly to: string;
  /** Names in any case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The HTTP status; closed: no answer came. */
  readonly outcome: number | 'closed' | 'pending';
}

/** One transaction of a document, or one step of a set-up. */
export interface Transaction {
  readonly mode: string;
  readonly id: string;
  readonly primitive: string;
}

const FOLDER = resolve(import.meta.dirname, '../../transcripts/ssp');
/** Headers that mean something to a peer, as they are written. */
const HEADERS = ['Content-Type', 'x-wv-transactionid', 'x-wv-sessionid'];
const TRANSACTION = /<(?:Setup)?Transaction\b([^>]*)>\s*<([\w.-]+)/g;

/** What a document holds, in its order. */
export function transactionsOf(body: string): readonly Transaction[] {
  return Array.from(body.matchAll(TRANSACTION), ([, attributes = '', primitive = '']) => ({
    mode: attributeIn(attributes, 'mode'),
    id: attributeIn(attributes, 'transactionID'),
    primitive,
  }));
}

function attributeIn(attributes: string, name: string): string {
  return new RegExp(`\\b${name}\\s*=\\s*["']([^"']*)["']`).exec(attributes)?.[1] ?? '';
}

/** Fails when the transcript of that name tells something else; with WVGATE_UPDATE=1 it tells this from now on. */
export function expectTranscript(name: string, passed: readonly Passed[]): void {
  const file = join(FOLDER, `${name}.txt`);
  const text = transcript(passed);
  if (process.env['WVGATE_UPDATE'] === '1') {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, 'utf8'));
}

/** Each document as direction, headers, body and HTTP status; an answer stands right after what it answers. */
export function transcript(passed: readonly Passed[]): string {
  return withPlaceholders(answersAfterRequests(passed).map(written).join('\n'));
}

/** Answers and further requests race on the wire; what is read does not depend on who wins. */
function answersAfterRequests(passed: readonly Passed[]): readonly Passed[] {
  const left = [...passed];
  const ordered: Passed[] = [];
  for (let next = left.shift(); next !== undefined; next = left.shift()) {
    ordered.push(next);
    const asked = new Set(idsOf(next, 'Request'));
    const { from } = next;
    const at = left.findIndex(
      (other) => other.to === from && idsOf(other, 'Response').some((id) => asked.has(id)),
    );
    if (at > 0) left.unshift(...left.splice(at, 1));
  }
  return ordered;
}

function idsOf({ body }: Passed, wanted: string): readonly string[] {
  return transactionsOf(body).flatMap(({ mode, id }) => (mode === wanted ? [id] : []));
}

function written({ from, to, headers, body, outcome }: Passed): string {
  const own = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const lines = HEADERS.flatMap((name) => {
    const value = own.get(name.toLowerCase());
    return value === undefined ? [] : [`${name}: ${value}`];
  });
  return [`=== ${from} -> ${to}`, ...lines, '', indented(body), '', `HTTP ${outcome}`, ''].join('\n');
}

/** One element a line; those that hold nothing but text stay on theirs. */
function indented(xml: string): string {
  const tokens = xml.match(/<[^>]*>|[^<]+/g) ?? [];
  const lines: string[] = [];
  let depth = 0;
  /** The line that the last start tag stands on, while nothing but text followed it. */
  let open = false;
  for (const token of tokens) {
    if (!token.startsWith('<')) {
      if (token.trim() === '') continue;
      if (open) lines.push((lines.pop() ?? '') + token.trim());
      else lines.push('  '.repeat(depth) + token.trim());
    } else if (token.startsWith('</')) {
      depth -= 1;
      if (open) lines.push((lines.pop() ?? '') + token);
      else lines.push('  '.repeat(depth) + token);
      open = false;
    } else {
      lines.push('  '.repeat(depth) + token);
      open = !/^<[?!]|\/>$/.test(token);
      if (open) depth += 1;
    }
  }
  return lines.join('\n');
}

/** Numbers what differs from run to run, in the order in which it appears. */
class Names {
  readonly #known = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** `transaction-1`, the same for the same value. */
  of(kind: string, value: string): string {
    const key = `${kind} ${value}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const name = `{${kind}-${count}}`;
    this.#known.set(key, name);
    return name;
  }
}

/** What is replaced: `kind` is numbered, the text around it stays. */
const CHANGING: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['transaction', /(\btransactionID="|^x-wv-transactionid: )([^"\n]+)/gm],
  ['session', /(\bsessionID="|^x-wv-sessionid: )([^"@\n]+)/gm],
  ['message', /(\bmessageID="|\bMessageID=")([^"@]+)/g],
  ['token', /(<SecretToken\b[^>]*>)\s*([^<\s]+)\s*/g],
  ['digest', /(<PasswordDigest\b[^>]*>)\s*([^<\s]+)\s*/g],
  ['time', /(<(?:DateTime|DeliveryTime)\b[^>]*>)\s*([^<]+?)\s*(?=<)/g],
];

function withPlaceholders(text: string): string {
  const names = new Names();
  const numbered = CHANGING.reduce(
    (shown, [kind, pattern]) =>
      shown.replace(pattern, (_, before: string, value: string) =>
        kind === 'time' ? `${before}{time}` : before + names.of(kind, value),
      ),
    text,
  );
  // Messages are valid from when they go out; people are numbered by the tests that ran before.
  return numbered
    .replace(/(<MessageInfo\b[^>]*\bvalidity=")\d+/g, '$1{seconds}')
    .replace(/((?:wv:|ID=")[a-z]+)\d+(?=[/@])/g, '$1')
    .replace(/(127\.0\.0\.1|localhost):\d+/g, '$1:{port}');
}
