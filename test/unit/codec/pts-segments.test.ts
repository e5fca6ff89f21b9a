// Long PTS messages in several SMS, and back.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../../../src/access/csp/codec/errors.ts';
import { PtsAssembly, splitPts } from '../../../src/access/csp/codec/pts.ts';
import { utf8 } from './documents.ts';

const characters = (octets: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(octets);

function split(message: string, capacity?: number): Uint8Array[] {
  const segments = splitPts(utf8(message), capacity);
  if (isCodecError(segments)) expect.fail(segments.message);
  return segments;
}

const long = (id: number, length = 300, letter = 'x'): string =>
  `WV12UP${id} SI=s-1 UV=((ST,T,${letter.repeat(length)}))`;

describe('splitting', () => {
  it('leaves alone what fits', () => {
    expect(split('WV12PO0 SI=s-1').map(characters)).toEqual(['WV12PO0 SI=s-1']);
  });

  it('numbers the parts with letters, the last one in each', () => {
    expect(split('WV12GP2 UI=(wv:bea,wv:cy)', 22).map(characters)).toEqual(
      ['WV12GP2ac UI=(wv:bea,w', 'WV12GP2bc v:cy)'].map((part) => part.replace(/([ab])c/, '$1b')),
    );
  });

  it('fills every SMS, and cuts no character in two', () => {
    const parts = split(long(1, 300, 'é'));
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(133);
    for (const part of parts.slice(0, -1)) expect(part.length).toBeGreaterThanOrEqual(130);
    expect(parts.map(characters).join('')).toContain('é');
  });

  it('puts no blank at an edge', () => {
    for (const part of split(`WV12UP1 UV=((ST,T,"${'four '.repeat(100)}"))`)) {
      expect(characters(part)).toMatch(/^WV12UP1[a-z]{2} \S.*\S$/);
    }
  });

  it('says when there is too much', () => {
    expect(split(long(1, 26 * 120)).length).toBeLessThanOrEqual(26);
    expect(splitPts(utf8(long(1, 26 * 130)))).toMatchObject({ kind: 'too-large' });
    expect(splitPts(utf8(`WV12GL1${'x'.repeat(500)}`))).toMatchObject({ kind: 'too-large' });
    expect(splitPts(utf8(long(1)), 15)).toMatchObject({ kind: 'too-large' });
  });
});

describe('putting together', () => {
  it(
    'takes the parts in any order, of several messages and senders, some of them twice',
    { timeout: 30_000 },
    () => {
      const parcel = fc.record({
        sender: fc.constantFrom('1', '2', '3'),
        id: fc.nat(3),
        text: fc.string({ minLength: 150, maxLength: 900, unit: fc.constantFrom(...'ab é€', '😀') }),
      });
      fc.assert(
        fc.property(
          fc.uniqueArray(parcel, { maxLength: 6, selector: ({ sender, id }) => `${sender}/${id}` }),
          fc.infiniteStream(fc.nat()),
          (parcels, chance) => {
            const assembly = new PtsAssembly();
            const all = parcels.flatMap(({ sender, id, text }) =>
              split(`WV12UP${id} UV=((ST,T,"${text.replaceAll('"', '')}"))`, 60 + id).flatMap((part) => [
                { sender, part },
                { sender, part },
              ]),
            );
            const shuffled = all
              .map((one) => [chance.next().value, one] as const)
              .toSorted(([a], [b]) => a - b);
            const whole: string[] = [];
            for (const [, { sender, part }] of shuffled) {
              const taken = assembly.take(sender, part, 0);
              if (isCodecError(taken)) expect.fail(taken.message);
              if (taken.kind === 'whole') whole.push(`${sender} ${characters(taken.message)}`);
            }
            const sent = parcels.map(
              ({ sender, id, text }) => `${sender} WV12UP${id} UV=((ST,T,"${text.replaceAll('"', '')}"))`,
            );
            expect(whole.toSorted()).toEqual(sent.toSorted());
            expect(assembly.waiting).toBe(0);
          },
        ),
        { numRuns: 100 },
      );
    },
  );

  it('joins characters that were cut in two', () => {
    const message = utf8('WV12UP1 UV=((ST,T,né))');
    const assembly = new PtsAssembly();
    const cut = message.indexOf(0xc3) + 1;
    assembly.take('1', Uint8Array.from([...utf8('WV12UP1ab '), ...message.slice(8, cut)]), 0);
    const taken = assembly.take('1', Uint8Array.from([...utf8('WV12UP1bb '), ...message.slice(cut)]), 0);
    expect(taken).toEqual({ kind: 'whole', message });
  });

  it('says what is missing, and what was there before', () => {
    const assembly = new PtsAssembly();
    const [a, b, c] = split(long(1)) as [Uint8Array, Uint8Array, Uint8Array];
    expect(assembly.take('1', c, 0)).toEqual({ kind: 'waiting', missing: 2 });
    expect(assembly.take('1', c, 0)).toEqual({ kind: 'repeated' });
    expect(assembly.take('1', a, 0)).toEqual({ kind: 'waiting', missing: 1 });
    expect(assembly.take('1', b, 0)).toMatchObject({ kind: 'whole' });
    expect(assembly.take('1', b, 0)).toEqual({ kind: 'repeated' });
    expect(assembly.expire(600_000)).toEqual([]);
  });

  it('gives up what lacks a part for too long', () => {
    const assembly = new PtsAssembly({ patience: 1000 });
    const [a, b] = split(long(1)) as [Uint8Array, Uint8Array];
    assembly.take('1', a, 0);
    expect(assembly.expire(999)).toEqual([]);
    expect(assembly.expire(1000)).toEqual([{ sender: '1', preamble: 'WV12UP1', missing: 2 }]);
    expect(assembly.take('1', b, 1001)).toEqual({ kind: 'waiting', missing: 2 });
  });

  it('begins anew when a TransactionID comes again with something else', () => {
    const assembly = new PtsAssembly();
    const [old] = split(long(1)) as [Uint8Array];
    assembly.take('1', old, 0);
    const parts = split(long(1, 300, 'y'));
    const kinds = parts
      .map((part) => assembly.take('1', part, 1))
      .map((taken) => ('kind' in taken ? taken.kind : ''));
    expect(kinds).toEqual(['waiting', 'waiting', 'whole']);
    expect(assembly.expire(1)).toEqual([{ sender: '1', preamble: 'WV12UP1', missing: 2 }]);
  });

  it('keeps a few messages of a sender, and a number of senders: the oldest makes room', () => {
    const assembly = new PtsAssembly({ messages: 2, senders: 3 });
    for (let id = 0; id < 5; id += 1) assembly.take('1', split(long(id))[0]!, id);
    expect(assembly.waiting).toBe(2);
    expect(assembly.expire(5).map(({ preamble }) => preamble)).toEqual(['WV12UP0', 'WV12UP1', 'WV12UP2']);
    for (let sender = 2; sender < 50; sender += 1) assembly.take(String(sender), split(long(1))[0]!, 6);
    expect(assembly.waiting).toBe(3);
  });

  it('refuses what is no segment', () => {
    const assembly = new PtsAssembly();
    expect(assembly.take('1', utf8('Hello'), 0)).toMatchObject({ kind: 'malformed' });
    expect(assembly.take('1', utf8('WV12UP1ba x'), 0)).toMatchObject({ kind: 'malformed' });
    expect(assembly.take('1', new Uint8Array(2000), 0)).toMatchObject({ kind: 'too-large' });
    expect(assembly.take('1', utf8('WV12PO0'), 0)).toMatchObject({ kind: 'whole' });
  });

  it('takes any octets', () => {
    const assembly = new PtsAssembly();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('', 'WV12UP1ab', 'WV12UP1aa '),
        (octets, head) => {
          assembly.take('1', Uint8Array.from([...utf8(head), ...octets]), 0);
        },
      ),
    );
  });
});
