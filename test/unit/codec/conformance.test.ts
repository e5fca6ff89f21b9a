// The samples of the reference folder: the official 1.1 examples, what the open IMPS server of 2011 writes, and the WBXML vectors
// of the Android client. Without the folder (it is not part of this repository) they are skipped.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Element } from '../../../src/wv/element.ts';
import { buildElement, isBindError, readBody, readMessage } from '../../../src/access/csp/codec/binding.ts';
import type { Body, ElementName } from '../../../src/access/csp/codec/binding.ts';
import { canonicalName, contentOf } from '../../../src/access/csp/schema/lookup.ts';
import { decodeWbxml, encodeWbxml } from '../../../src/access/csp/codec/wbxml.ts';
import { decodeXml, encodeXml } from '../../../src/access/csp/codec/xml.ts';
import { expectDecoded, hex, octets, text, trimmed, utf8 } from './documents.ts';

const REFERENCE = new URL('../../../../shared/reference/', import.meta.url);
const SAMPLES = new URL('samples/', REFERENCE);
const present = existsSync(SAMPLES);

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly xml: string;
}

/** Vectors that our writer does not write octet by octet, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  simple: 'empty element with content bit and END',
  simple_csp12: 'empty element with content bit and END',
  simple2_csp11: 'empty element with content bit and END',
  simple_datetime: 'date as six octets, which phones drop',
  big_entity: 'character as ENTITY',
  sendmsgreq1: 'character as ENTITY, public identifier of another version',
  loginresponse: 'integer as text',
  literal: 'attribute value by reference to the string table',
};

/** What Baraza writes to 1.2 clients with elements of 1.3, which we do not write to them. */
const AHEAD_OF_ITS_VERSION: Readonly<Record<string, string>> = {
  'GetMessageList-Response': 'MessageInfoList',
  'InviteUser-Request': 'Recipient',
};

/** Tree with every name in the schema's spelling, as WBXML has it, and without blanks around values. */
const normal = (element: Element): Element => {
  const { name, children, ...rest } = trimmed(element);
  return { ...rest, name: canonicalName(name), children: children.map(normal) };
};

const read = (file: string): Uint8Array => readFileSync(new URL(file, SAMPLES));

if (!present && process.env['WVGATE_REQUIRE_SAMPLES'] === '1') {
  it('finds the reference samples', () =>
    expect.fail('WVGATE_REQUIRE_SAMPLES=1, but ../shared/reference/samples is not there'));
}

const files = present ? readdirSync(SAMPLES).filter((file) => /^(?:wv-|peer-csp).*\.xml$/.test(file)) : [];
const vectors: Vector[] = present
  ? JSON.parse(readFileSync(new URL('wbxml-vectors.json', SAMPLES), 'utf8')).vectors
  : [];

describe.skipIf(!present)('reference samples (skipped when ../shared/reference/samples is missing)', () => {
  it('are all there', () => {
    expect(files.length).toBeGreaterThanOrEqual(149);
    expect(vectors.length).toBeGreaterThanOrEqual(15);
  });

  // All of them decode. None of Baraza's is well formed by the letter: its DOCTYPE lacks the word PUBLIC.
  it.each(files)('%s decodes, binds, and survives XML and WBXML', (file) => {
    const decoded = expectDecoded(decodeXml(read(file)));
    const { root, version } = decoded;
    expect(version).toBe(
      /^peer-csp1(\d)/.exec(file)?.[1] === undefined ? '1.1' : `1.${/^peer-csp1(\d)/.exec(file)![1]}`,
    );
    expect(expectDecoded(decodeXml(encodeXml(root, { declaration: true }))).root).toEqual(root);

    const byWbxml = expectDecoded(decodeWbxml(encodeWbxml(root, version!)));
    expect(byWbxml.version).toBe(version);
    expect(normal(byWbxml.root)).toEqual(normal(root));

    const message = readMessage(decoded);
    if (isBindError(message)) expect.fail(`${message.code} ${message.element}`);
    for (const { primitive, content } of message.transactions) {
      expect(contentOf(primitive)).toBeDefined();
      const body = readBody(content);
      if (isBindError(body)) expect.fail(`${body.code} ${body.element} ${body.message}`);
      // Typed → tree → typed is the identity, in the message's own version.
      const name = primitive as ElementName;
      const again = readBody(buildElement(name, body as Body<typeof name>, message.version));
      const exact = !text(content).includes('<PresenceSubList') && !(primitive in AHEAD_OF_ITS_VERSION);
      if (exact) expect(again).toEqual(body);
    }
  });

  it.each(vectors)('vector $name decodes to its XML and is written back', ({ name, hex: vector, xml }) => {
    const decoded = expectDecoded(decodeWbxml(octets(vector)));
    expect(decoded.root).toEqual(expectDecoded(decodeXml(utf8(xml))).root);
    const written = encodeWbxml(decoded.root, decoded.version ?? '1.2');
    if (name in OTHERWISE) {
      expect(hex(written)).not.toBe(hex(octets(vector)));
      expect(expectDecoded(decodeWbxml(written)).root).toEqual(decoded.root);
    } else {
      expect(hex(written)).toBe(hex(octets(vector)));
    }
  });

  it('agree with the schema about booleans', () => {
    const { opaque } = JSON.parse(readFileSync(new URL('wbxml-tokens.json', REFERENCE), 'utf8')) as {
      opaque: { booleanElements: string[] };
    };
    expect(opaque.booleanElements.filter((name) => contentOf(name)?.kind !== 'bool')).toEqual([]);
  });

  it('hold every example of the syntax page', () => {
    const page = readFileSync(new URL('csp-xml.md', REFERENCE), 'utf8').split('## 7.')[1] ?? '';
    const examples = [...page.matchAll(/^<.*>$/gm)].map(([line]) => line);
    expect(examples.length).toBeGreaterThan(60);
    for (const example of examples) {
      const { root } = expectDecoded(decodeXml(utf8(example)));
      const body = readBody(root);
      if (isBindError(body)) expect.fail(`${example}: ${body.code} ${body.element} ${body.message}`);
      const name = canonicalName(root.name) as ElementName;
      const versions = ['1.1', '1.2'] as const;
      // Composed for 1.2, a few for 1.1: one of them writes the example exactly as it is printed.
      expect(
        versions.map((version) => text(buildElement(name, body as Body<typeof name>, version))),
      ).toContain(example);
    }
  });
});
