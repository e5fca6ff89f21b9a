// What holds for every SSP document: nothing is lost on the way, what is written is well formed, and no octets do harm.

import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { DIALECTS } from '../../../src/access/ssp/dialects.ts';
import { SspSyntaxError, type SspDocument } from '../../../src/access/ssp/document.ts';
import { decodeDocument, encodeDocument } from '../../../src/access/ssp/codec/index.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../../../src/wv/primitives.ts';
import {
  invitedByName,
  REQUEST_NAMES,
  requestOf,
  RESPONSE_NAMES,
  responseOf,
  sessionDocument,
  setupDocument,
} from './arbitraries.ts';
import { decode, OPTIONS, utf8 } from './documents.ts';

/** Another parser, strict, which we did not write. */
function judge(text: string): void {
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(text).close();
}

function survives(document: SspDocument): void {
  const text = encodeDocument(document, DIALECTS.standard);
  judge(text);
  expect(decode(text)).toEqual(document);
}

const session = { kind: 'session', version: '1.3', sessionId: '12@wv.example' } as const;

const asked = (primitive: RequestPrimitive): SspDocument => ({
  ...session,
  transactions: [
    { mode: 'Request', transactionId: '12-44', content: { kind: 'relay', requests: [primitive] } },
  ],
});

const answered = (primitive: ResponsePrimitive): SspDocument => ({
  ...session,
  transactions: [
    { mode: 'Response', transactionId: '12-44', content: { kind: 'relay', response: primitive } },
  ],
});

describe('every primitive is read as it was written', () => {
  it.each(REQUEST_NAMES)('%s', (name) => {
    fc.assert(fc.property(requestOf(name), (primitive) => survives(asked(primitive))));
  });

  it.each(RESPONSE_NAMES)('%s', (name) => {
    fc.assert(fc.property(responseOf(name), (primitive) => survives(answered(primitive))));
  });

  it('an invitation of a screen name', () => {
    fc.assert(fc.property(invitedByName, (primitive) => survives(asked(primitive))));
  });

  it('documents of several transactions, of every version, and steps of the set-up', () => {
    fc.assert(fc.property(fc.oneof(sessionDocument, setupDocument), survives));
  });
});

describe('the dialect of the known peer', () => {
  it('is well formed and understood', () => {
    fc.assert(
      fc.property(fc.oneof(sessionDocument, setupDocument), (document) => {
        const text = encodeDocument(document, DIALECTS.baraza);
        judge(text);
        const read = decode(text);
        expect(read.kind).toBe(document.kind);
        const contents = read.kind === 'session' ? read.transactions.map(({ content }) => content.kind) : [];
        expect(contents).not.toContain('unreadable');
      }),
    );
  });
});

/** Milliseconds: far more than linear work takes on a busy machine, far less than quadratic work does. */
const ample = 1_000;

/** Decodes whatever it is; gives how long it took, ms. */
function survivesOctets(octets: Uint8Array): number {
  const start = performance.now();
  try {
    decodeDocument(octets, OPTIONS);
  } catch (error) {
    if (!(error instanceof SspSyntaxError)) throw error;
  }
  return performance.now() - start;
}

const written = fc
  .oneof(sessionDocument, setupDocument)
  .map((document) => encodeDocument(document, DIALECTS.standard));

describe('no octets do harm', () => {
  it('cut, changed and doubled documents are refused or read, quickly', () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat({ max: 40 }),
      put: fc.oneof(
        fc.string({ maxLength: 8 }),
        fc.constantFrom('<', '>', '"', '&', ']]>', '<!--', '<a>', ''),
      ),
    });
    fc.assert(
      fc.property(written, fc.array(change, { minLength: 1, maxLength: 4 }), (text, changes) => {
        let mutated = text;
        for (const { at, length, put } of changes) {
          const from = Math.floor(at * mutated.length);
          mutated = mutated.slice(0, from) + put + mutated.slice(from + length);
        }
        expect(survivesOctets(utf8(mutated))).toBeLessThan(ample);
      }),
      { numRuns: 400 },
    );
  });

  it('values of attributes and texts may be anything', () => {
    fc.assert(
      fc.property(written, fc.nat(), fc.string({ maxLength: 12 }), (text, which, put) => {
        const values = [...text.matchAll(/"[^"]*"|>[^<]+</g)];
        const { 0: value = '', index } = values[which % values.length] ?? { index: 0 };
        const inside = put.replace(/[<&"]/g, '');
        const mutated = `${text.slice(0, index + 1)}${inside}${text.slice(index + value.length - 1)}`;
        expect(survivesOctets(utf8(mutated))).toBeLessThan(ample);
      }),
      { numRuns: 400 },
    );
  });

  it('random octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(survivesOctets(octets)).toBeLessThan(ample);
      }),
    );
  });

  it.each([
    ['a megabyte of open tags', '<a>'.repeat(340_000)],
    ['of attributes', `<a ${'b="c" '.repeat(170_000)}/>`],
    ['of white space in a tag', `<a${' '.repeat(1_000_000)}`],
    ['of white space behind an attribute', `<a b${' '.repeat(1_000_000)}`],
    ['of ampersands', `<a>${'&'.repeat(1_000_000)}</a>`],
    ['of references', `<a>${'&amp;'.repeat(200_000)}</a>`],
    ['of comments that begin', '<!--'.repeat(250_000)],
    ['of processing instructions that begin', '<?a '.repeat(250_000)],
    ['of CDATA that begins', `<a>${'<![CDATA['.repeat(110_000)}</a>`],
    ['of an entity', `<a>&${'x'.repeat(1_000_000)};</a>`],
    ['of digits', `<a>&#${'9'.repeat(1_000_000)};</a>`],
    ['of one name', `<${'a'.repeat(1_000_000)}/>`],
    ['of DOCTYPE', `<!DOCTYPE ${'a '.repeat(500_000)}`],
  ])('%s is refused in time', (_, text) => {
    expect(survivesOctets(utf8(text))).toBeLessThan(ample);
  });

  it('a description of a megabyte without an address is read in time', () => {
    const answer = `<Status code="900"><DetailedResult code="427"><StatusDescription>${'a@'.repeat(500_000)}</StatusDescription></DetailedResult></Status>`;
    const text = `<WV-SSP-Message><Session sessionID="1"><Transaction mode="Response" transactionID="1">${answer}</Transaction></Session></WV-SSP-Message>`;
    expect(survivesOctets(utf8(text))).toBeLessThan(ample);
  });
});
