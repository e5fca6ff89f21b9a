import { describe, expect, it } from 'vitest';
import { certificateNames } from '../../../src/access/ssp/certificate-names.ts';

const subject = (CN: string | string[]) =>
  ({ CN }) as { CN: string } & Record<'C' | 'ST' | 'L' | 'O' | 'OU', string>;

describe('the names of a certificate', () => {
  it.each([
    ['DNS:a.example, DNS:*.B.Example', ['a.example', '*.b.example']],
    ['IP Address:127.0.0.1, DNS:a.example, URI:http://b.example/, email:x@c.example', ['a.example']],
    ['IP Address:127.0.0.1', []],
    ['', []],
    // What somebody wrote into one entry to look like two.
    ['DNS:"a.example\\u002c DNS:victim.example"', []],
    ['DirName:"CN = x\\u002c DNS:victim.example", DNS:a.example', ['a.example']],
    ['URI:"http://x/, DNS:victim.example", DNS:a.example', ['a.example']],
    ['DNS:*, DNS:a..example, DNS:.example, DNS:*.*.example, DNS:a b', []],
  ])('are the DNS names of %j', (subjectaltname, names) => {
    expect(certificateNames({ subject: subject('cn.example'), subjectaltname })).toEqual(names);
  });

  it('are the common name only without any subjectAltName', () => {
    expect(certificateNames({ subject: subject('CN.example') })).toEqual(['cn.example']);
    expect(certificateNames({ subject: subject(['a.example', 'b.example']) })).toEqual([
      'a.example',
      'b.example',
    ]);
    expect(certificateNames({ subject: subject('Operator B Ltd.') })).toEqual([]);
    expect(certificateNames({})).toEqual([]);
  });
});
