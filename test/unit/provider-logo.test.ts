import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_LOGO, readLogo } from '../../src/provider-logo.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wvgate-logo-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(octets: Buffer): string {
  const path = join(folder, 'logo');
  writeFileSync(path, octets);
  return path;
}

describe('the logo of the provider', () => {
  it.each([
    ['image/png', Buffer.from('89504e470d0a1a0a00', 'hex')],
    ['image/gif', Buffer.from('GIF89a;')],
    ['image/gif', Buffer.from('GIF87a;')],
    ['image/jpeg', Buffer.from('ffd8ffe0', 'hex')],
  ])('is %s by its first octets', (contentType, octets) => {
    expect(readLogo(file(octets))).toEqual({
      contentType,
      size: octets.length,
      base64: octets.toString('base64'),
    });
  });

  it('is refused by name of the key when it is no picture, too large or not there', () => {
    expect(() => readLogo(file(Buffer.from('<svg/>')))).toThrow(/^provider\.logo: .* no PNG, GIF or JPEG/);
    const large = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(MAX_LOGO)]);
    expect(() => readLogo(file(large))).toThrow(/^provider\.logo: .* at most 16384/);
    expect(() => readLogo(join(folder, 'missing'))).toThrow(/^provider\.logo: .* cannot be read/);
  });
});
