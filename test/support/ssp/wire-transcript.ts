// What went over the wire between a server of ours and the scripted Baraza, as a text to be read: test/transcripts/ssp.
// Ids, times and secrets are numbered placeholders, so that the next run must write the same.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../eventually.ts';
import type { BarazaPeer } from './baraza/peer.ts';
import type { WireEntry } from './baraza/wire.ts';

const FOLDER = resolve(import.meta.dirname, '../../transcripts/ssp');

/** Neither side answers these when they come from it. */
const UNANSWERED: Readonly<Record<WireEntry['direction'], ReadonlySet<string>>> = {
  in: new Set(['PresenceNotification', 'DeliveryStatusReport', 'GroupChangeNotice', 'LeaveGroupIndication']),
  out: new Set(),
};

export interface WireTransaction {
  readonly mode: string;
  readonly id: string;
  readonly primitive: string;
}

/** The transactions of a document; those of the set-up as well. */
export function transactionsOf({ body }: WireEntry): readonly WireTransaction[] {
  return [...body.matchAll(/<(?:Setup)?Transaction\s([^>]*)>\s*<(\w+)/g)].map(
    ([, attributes = '', primitive = '']) => ({
      mode: /mode="(\w+)"/.exec(attributes)?.[1] ?? '',
      id: /transactionID="([^"]*)"/.exec(attributes)?.[1] ?? '',
      primitive,
    }),
  );
}

/** Documents with a primitive, from the peer (`out`) or from us (`in`). */
export const documentsWith = (
  peer: BarazaPeer,
  direction: WireEntry['direction'],
  primitive: string,
): readonly WireEntry[] =>
  peer.log.filter(
    (entry) =>
      entry.direction === direction && transactionsOf(entry).some((each) => each.primitive === primitive),
  );

/** True when every request that was taken has its answer, and every POST ended. */
export function isQuiet(log: readonly WireEntry[]): boolean {
  if (log.some(({ outcome }) => outcome === 'pending')) return false;
  const answered = new Set(
    log.flatMap((entry) =>
      transactionsOf(entry)
        .filter(({ mode }) => mode === 'Response')
        .map(({ id }) => `${entry.direction} ${id}`),
    ),
  );
  return log.every((entry) => {
    if (entry.outcome !== 200 || entry.body.includes('<SetupTransaction')) return true;
    const back = entry.direction === 'in' ? 'out' : 'in';
    return transactionsOf(entry).every(
      ({ mode, id, primitive }) =>
        mode === 'Response' || UNANSWERED[entry.direction].has(primitive) || answered.has(`${back} ${id}`),
    );
  });
}

/** Resolves when nothing is under way that either side has to answer. */
export const quiet = (peer: BarazaPeer): Promise<unknown> =>
  eventually(
    () =>
      `quiet on the wire: ${peer.log
        .slice(-3)
        .map(({ body }) => body)
        .join('\n')}`,
    () => isQuiet(peer.log) && peer.waiting === 0,
  );

/** Values that differ from run to run, by what they are. */
const VOLATILE: readonly (readonly [string, RegExp])[] = [
  ['session', /(?<=\bsessionID="|x-wv-sessionid: )[^"\n]+/g],
  ['transaction', /(?<=\btransactionID="|x-wv-transactionid: )[^"\n]+/g],
  ['message', /(?<=\bmessageID=")[^"]+/g],
  ['token', /(?<=<SecretToken[^>]*>)[^<]+/g],
  ['digest', /(?<=<PasswordDigest[^>]*>)[^<]+/g],
];
/** What may be the same or another by chance: not numbered. */
const PASSING: readonly (readonly [string, RegExp])[] = [
  ['{time}', /(?<=<(?:DateTime|DeliveryTime)\b[^>]*>)[^<]+/g],
  ['{seconds}', /(?<=\bvalidity=")\d+/g],
];

/** One element a line; texts stay with their element. Also for what is not well formed. */
function indented(body: string): string {
  const parts =
    body
      .replaceAll(/>\s+/g, '>')
      .replaceAll(/\s+</g, '<')
      .match(/<[^>]*>|[^<]+/g) ?? [];
  const lines: string[] = [];
  let depth = 0;
  let open: 'start' | 'other' = 'other';
  for (const part of parts) {
    const isEnd = part.startsWith('</');
    if (isEnd) depth = Math.max(0, depth - 1);
    if (!part.startsWith('<') || (isEnd && open === 'start')) lines.push((lines.pop() ?? '') + part);
    else lines.push(`${'  '.repeat(depth)}${part.replaceAll(/\s+/g, ' ')}`);
    const isStart = part.startsWith('<') && !isEnd && !/^<\?|\/>$/.test(part);
    if (isStart) depth++;
    if (part.startsWith('<')) open = isStart ? 'start' : 'other';
  }
  return lines.join('\n');
}

function written(entry: WireEntry): string {
  const who = entry.direction === 'in' ? 'wvgate → Baraza' : 'Baraza → wvgate';
  const outcome = entry.outcome === 'closed' ? 'closed without an answer' : `HTTP ${entry.outcome}`;
  const headers = entry.headers
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => name.startsWith('x-wv-') || name === 'content-type')
    .map(([name, value]) => `${name}: ${value}`)
    .toSorted();
  return `${who}, ${outcome}\n${headers.join('\n')}\n\n${indented(entry.body)}\n`;
}

/**
 * Requests each with its answer behind it, in the order in which they were first seen: what goes on at the same time
 * may overtake by a millisecond.
 */
function byTransaction(entries: readonly WireEntry[]): readonly WireEntry[] {
  const groups = new Map<string, WireEntry[]>();
  for (const entry of entries) {
    const [first] = transactionsOf(entry);
    const isSetup = entry.body.includes('<SetupTransaction');
    const asker = (first?.mode === 'Response') === (entry.direction === 'in') ? 'Baraza' : 'wvgate';
    const key = isSetup ? 'set-up' : `${asker} ${first?.id ?? ''}`;
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.values()].flat();
}

/** One flow, act by act. */
export class WireTranscript {
  readonly #peer: BarazaPeer;
  readonly #flow: string;
  readonly #acts: string[] = [];
  #from: number;

  /** `flow`: the file is baraza-<flow>.txt. What was before is not part of it. */
  constructor(peer: BarazaPeer, flow: string) {
    this.#peer = peer;
    this.#flow = flow;
    this.#from = peer.log.length;
  }

  /** Does something, and waits until all of it was answered. */
  async act<T>(title: string, work: () => T | Promise<T>): Promise<T> {
    const value = await work();
    await quiet(this.#peer);
    const entries = byTransaction(this.#peer.log.slice(this.#from));
    this.#from = this.#peer.log.length;
    this.#acts.push(`# ${title}\n\n${entries.map(written).join('\n')}`);
    return value;
  }

  /** Compares with the file; with WVGATE_UPDATE=1 writes it before. */
  compare(): void {
    const file = resolve(FOLDER, `baraza-${this.#flow}.txt`);
    const text = stable(this.#acts.join('\n'));
    if (process.env['WVGATE_UPDATE'] === '1') {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    expect(text).toBe(readFileSync(file, 'utf8'));
  }
}

function stable(text: string): string {
  const passing = PASSING.reduce((before, [word, pattern]) => before.replaceAll(pattern, word), text);
  return VOLATILE.reduce((before, [kind, pattern]) => {
    const numbers = new Map<string, number>();
    return before.replaceAll(pattern, (value) => {
      const number = numbers.get(value) ?? numbers.size + 1;
      numbers.set(value, number);
      return `{${kind} ${number}}`;
    });
  }, passing);
}
