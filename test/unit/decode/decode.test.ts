// What `wvgate decode` says of octets: the tree, what is wrong with it, and as much as can be read of what is broken.
import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeWbxml } from '../../../src/access/csp/codec/wbxml.ts';
import { decodeOctets } from '../../../src/decode/decode.ts';
import { FORMATS } from '../../../src/decode/format.ts';
import { exitCode, type Report } from '../../../src/decode/report.ts';
import { coloured, plain, reportJson, reportText } from '../../../src/decode/text.ts';
import { message, octets, text, utf8, xml } from '../codec/documents.ts';

const GOOD =
  '<Login-Request><UserID>wv:ann@im.example</UserID><ClientID><URL>http://phone.example/ua</URL></ClientID>' +
  '<DigestSchema>SHA</DigestSchema><TimeToLive>3600</TimeToLive><SessionCookie>ck-1</SessionCookie></Login-Request>';

const look = (document: string | Uint8Array): Report =>
  decodeOctets('test', typeof document === 'string' ? utf8(document) : document);

/** The faults of a primitive, as `kind element: message`. */
const faults = (content: string, version: '1.1' | '1.2' | '1.3' = '1.2', mode = 'Request'): string[] =>
  look(message(version, content, mode)).faults.map(
    ({ kind, path, message: said }) => `${kind} ${path.split('/').at(-1) ?? ''}: ${said}`,
  );

describe('a good message', () => {
  it.each(['1.1', '1.2', '1.3'] as const)('of %s has nothing wrong, in any encoding', (version) => {
    const document = message(version, GOOD);
    const root = xml(document);
    for (const saved of [utf8(document), encodeWbxml(root, version)]) {
      const report = look(saved);
      expect(report.faults).toEqual([]);
      expect(exitCode(report)).toBe(0);
      expect(text(report.tree!)).toBe(text(root));
      expect(report.facts.join()).toContain(`CSP ${version}`);
    }
  });

  it('in PTS too', () => {
    const report = look('WV12PN7 SI=s-81f2c0 PR=(wv:bea@im.example,((UA,T,AV)))');
    expect([report.format, report.faults, exitCode(report)]).toEqual(['pts', [], 0]);
  });

  it('behind an HTTP head, as hexadecimal digits', () => {
    const bytes = encodeWbxml(xml(message('1.2', GOOD)), '1.2');
    const digits = Buffer.from(bytes).toString('hex');
    const report = look(`HTTP/1.1 200 OK\r\n\r\n${digits}`);
    expect([report.format, report.faults]).toEqual(['wbxml', []]);
    expect(report.facts).toContain('hexadecimal digits, read as octets');
  });
});

describe('what is wrong', () => {
  it.each([
    ['<Logon-Request/>', 'unknown Logon-Request: is no element of CSP'],
    [
      '<GetList-Request><UserID>x</UserID></GetList-Request>',
      'misplaced UserID: stands in GetList-Request, which holds no elements',
    ],
    ['<DeleteList-Request/>', 'missing DeleteList-Request: ContactList is missing'],
    [
      '<DeleteList-Request><ContactList>a</ContactList><ContactList>b</ContactList></DeleteList-Request>',
      'repeated ContactList: stands more than once',
    ],
    ['<SearchIt/><GetList-Request/>', 'repeated GetList-Request: is a second primitive'],
    [
      '<PresenceAuth-User><Acceptance>T</Acceptance><UserID>x</UserID></PresenceAuth-User>',
      'order UserID: stands behind Acceptance, against the order of the DTD',
    ],
    [
      '<KeepAlive-Request><TimeToLive>soon</TimeToLive></KeepAlive-Request>',
      'value TimeToLive: "soon" is no integer of 32 bits',
    ],
    [
      '<KeepAlive-Request><TimeToLive>4294967296</TimeToLive></KeepAlive-Request>',
      'value TimeToLive: "4294967296" is no integer of 32 bits',
    ],
    ['<KeepAlive-Request><TimeToLive/></KeepAlive-Request>', 'value TimeToLive: is empty'],
    [
      '<KeepAlive-Request><UserID>x</UserID></KeepAlive-Request>',
      'misplaced UserID: does not stand in KeepAlive-Request',
    ],
    ['<KeepAlive-Request>60</KeepAlive-Request>', 'misplaced KeepAlive-Request: text between elements'],
    [
      '<InviteUser-Response><InviteID>i</InviteID><Acceptance>yes</Acceptance></InviteUser-Response>',
      'value Acceptance: "yes" is neither T nor F',
    ],
    [
      `<DeleteList-Request><ContactList>${'x'.repeat(101)}</ContactList></DeleteList-Request>`,
      'length ContactList: 101 characters; phones keep 100',
    ],
    [
      '<SetDeliveryMethod-Request><DeliveryMethod>Q</DeliveryMethod></SetDeliveryMethod-Request>',
      'value DeliveryMethod: "Q" is none of the protocol\'s values',
    ],
    [
      '<DeliveryReport-Request><Result><Code>200</Code></Result><DeliveryTime>2005-06-12T10:15:00Z</DeliveryTime>' +
        '<MessageInfo/></DeliveryReport-Request>',
      'value DeliveryTime: "2005-06-12T10:15:00Z": clients read 20010925T134013Z best',
    ],
    [
      '<DeliveryReport-Request><Result><Code>200</Code></Result><DeliveryTime>yesterday</DeliveryTime>' +
        '<MessageInfo/></DeliveryReport-Request>',
      'value DeliveryTime: "yesterday" is no date',
    ],
    [
      '<DeleteList-Request><ContactList> a </ContactList></DeleteList-Request>',
      'value ContactList: has white space',
    ],
    [
      '<GetSPInfo-Request><ClientID>x</ClientID></GetSPInfo-Request>',
      'misplaced ClientID: bare text instead of URL',
    ],
    ['<BlockUser-Request/>', 'spelling BlockUser-Request: is usually written BlockEntity-Request'],
    ['<Search-Response/>', 'value TransactionMode: Search-Response as request'],
    [
      '<UpdatePresence-Request><PresenceSubList xmlns="http://www.wireless-village.org/PA1.1"/></UpdatePresence-Request>',
      'version PresenceSubList: namespace http://www.wireless-village.org/PA1.1',
    ],
    ['<GetWatcherList-Request/><x/>', 'unknown x: is no element of CSP'],
    [
      '<JoinGroup-Response><Joined/><UserMapList/></JoinGroup-Response>',
      'order UserMapList: stands behind Joined',
    ],
  ])('with %s', (content, fault) => {
    expect(faults(content).map((each) => each.slice(0, fault.length))).toContain(fault);
  });

  it('an element of another version', () => {
    const content = '<Status><Result><Code>200</Code></Result></Status>';
    expect(faults(content, '1.3', 'Response')).toEqual([]);
    const capability =
      '<ClientCapability-Response><AgreedCapabilityList><MultiTrans>1</MultiTrans></AgreedCapabilityList></ClientCapability-Response>';
    expect(faults(capability, '1.2', 'Response')).toContain('version MultiTrans: does not stand here in 1.2');
    expect(faults(capability, '1.3', 'Response')).toEqual([]);
  });

  it.each([
    ['<WV-CSP-Message/>', 'nothing says which version'],
    ['<WV-CSP-Message xmlns="http://www.openmobilealliance.org/DTD/WV-CSP2.0"/>', 'version 2.0 is none'],
    [
      '<WV-CSP-Message xmlns="http://www.openmobilealliance.org/WV-CSP1.2"/>',
      'namespace http://www.openmobile',
    ],
    ['WV12QQ1', 'the code QQ is not known'],
    ['WV12GL1 QQ=1', 'the code QQ is not known'],
    ['WV12ST1 ST=(200,OK,1)', 'a value that has no place here'],
    [
      '<WV-CSP-Message><Session><SessionDescriptor><SessionType>Inband</SessionType></SessionDescriptor></Session></WV-CSP-Message>',
      'Inband without SessionID',
    ],
  ])('with the document %s', (document, fault) => {
    const report = look(document);
    expect(report.faults.map(({ message: said }) => said.slice(0, fault.length))).toContain(fault);
    expect(exitCode(report)).toBe(1);
  });

  it('is told up to a number of faults', () => {
    expect(faults('<x/>'.repeat(5000)).length).toBeLessThan(300);
  });
});

describe('WBXML', () => {
  const good = encodeWbxml(xml(message('1.2', GOOD)), '1.2');

  it('shows header and tokens', () => {
    const shown = reportText(look(good), plain);
    expect(shown).toContain(
      'public identifier 0x11 (CSP 1.2), character set 106 (UTF-8), string table of 0 octets',
    );
    expect(shown).toContain('Login-Request [1/1d]');
  });

  it('of another character set, public identifier, version is told', () => {
    expect(look(good.with(2, 4)).faults).toMatchObject([{ kind: 'charset', offset: 2 }]);
    expect(look(good.with(1, 0x10)).faults.map(({ message: said }) => said)).toContain(
      'public identifier of 1.1, namespace of 1.2',
    );
    expect(look(good.with(1, 0x0f)).faults).toContainEqual(
      expect.objectContaining({ message: 'the public identifier is none of CSP' }),
    );
  });

  it('with octets behind its end is told', () => {
    const report = look(Uint8Array.from([...good, 1, 2, 3]));
    expect(report.faults).toMatchObject([{ message: '3 octets behind the end', offset: good.length }]);
  });

  it('with an unknown token: what was read before it is shown', () => {
    const report = look(octets('03 11 6a 00 49 6d 6e 70 03 49 6e 62 61 6e 64 00 01 01 7f 01'));
    expect(report.complete).toBe(false);
    expect(text(report.tree!)).toContain('<SessionType>Inband</SessionType>');
    expect(report.faults[0]).toMatchObject({ kind: 'unknown', message: 'unknown-token: tag 63 of page 0' });
    expect(report.faults[0]?.context?.join('\n')).toContain('^^');
    expect(exitCode(report)).toBe(1);
  });

  it('that ends anywhere is shown as far as it goes', () => {
    for (let end = 6; end < good.length; end += 1) {
      const report = look(good.subarray(0, end));
      expect(report.complete).toBe(false);
      expect(report.faults[0]?.offset).toBeLessThanOrEqual(end);
      if (end > 60) expect(report.tree?.name).toBe('WV-CSP-Message');
    }
  });
});

describe('what is broken', () => {
  it.each([
    ['XML', message('1.2', GOOD).slice(0, -60), 'UserID'],
    ['XML with a stray &', message('1.2', GOOD.replace('3600', '&')), 'UserID'],
    ['PTS', 'WV12LR1 UI=wv:ann PW="', 'UserID'],
    ['SSP', '<WV-SSP-Message><Session sessionID="1"><Transaction></Session>', 'sessionID'],
  ])('%s is shown as far as it goes', (_, document, shown) => {
    const report = look(document);
    expect([report.complete, exitCode(report)]).toEqual([false, 1]);
    expect(reportText(report, plain)).toContain(shown);
    expect(reportText(report, plain)).toContain('the rest could not be read');
    expect(report.faults.filter(({ kind }) => kind === 'missing')).toEqual([]);
  });

  it('has its place told in octets', () => {
    const document = message('1.2', '<Search-Request>Zoë &</Search-Request>');
    const { offset = 0 } = look(document).faults[0] ?? {};
    expect(Buffer.from(document).subarray(0, offset).toString()).toContain('Zoë &');
  });

  it.each(['', 'hello', '<', '\u0001\u0002\u0003'])('%j is unreadable', (document) => {
    const report = look(document);
    expect([report.tree, exitCode(report)]).toEqual([undefined, 2]);
    expect(report.faults).toHaveLength(1);
  });
});

describe('CIR', () => {
  it('shows lines and what is wrong with them', () => {
    const report = look('HELO s-1\r\nOK\r\nPING \r\nWVCI 1.2 ck-1\r\n');
    expect(report.faults).toEqual([]);
    expect(text(report.tree!)).toBe(
      '<CIR><HELO><SessionID>s-1</SessionID></HELO><OK/><PING/><WVCI><Version>1.2</Version>' +
        '<SessionCookie>ck-1</SessionCookie></WVCI></CIR>',
    );
  });

  it.each([
    ['WVCI 2.0 ck', 'version "2.0" is none of 1.1, 1.2 and 1.3'],
    ['WVCI 1.2', 'the SessionCookie is missing'],
    ['WVCI 1.2 a b', 'phones split at blanks'],
    ['HELO', 'HELO is followed by the SessionID'],
    ['OK then', 'OK is followed by nothing'],
    ['OK\nhello', 'is no line of the protocol'],
  ])('%j', (document, fault) => {
    expect(look(document).faults.map(({ message: said }) => said.slice(0, fault.length))).toContain(fault);
  });

  it('takes a WAP push apart', () => {
    const call = Buffer.from('WVCI 1.1 ck-1').toString('hex');
    expect(look(octets(`05 06 03 c6 af 8a ${call}`))).toMatchObject({
      format: 'cir',
      facts: ['WAP push 5, headers c6 af 8a'],
      faults: [],
    });
  });
});

describe('the report', () => {
  it('for people keeps control characters off the terminal', () => {
    const shown = reportText(
      look(message('1.2', '<Search-Request>\u009b31m \u202e</Search-Request>')),
      plain,
    );
    expect(shown).toContain('\\u009b31m \\u202e');
  });

  it('has colours only when asked for', () => {
    const report = look(message('1.2', GOOD));
    expect(reportText(report, plain)).not.toContain('\x1b');
    expect(reportText(report, coloured)).toContain('\x1b[36mLogin-Request\x1b[39m');
  });

  it('for programs is a line of JSON', () => {
    const line = reportJson(look('WV12GL2 SI=s-1'));
    expect(line.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(line)).toMatchObject({
      format: 'pts',
      complete: true,
      faults: [],
      tree: { name: 'WV-CSP-Message' },
    });
  });

  it('cuts long values', () => {
    const shown = reportText(
      look(message('1.2', `<Search-Request>${'x'.repeat(5000)}</Search-Request>`)),
      plain,
    );
    expect(shown).toContain('(5000 characters)');
    expect(shown.length).toBeLessThan(3000);
  });

  it('comes of any octets, in any format', { timeout: 30_000 }, () => {
    const head = fc.constantFrom(
      '',
      '<a>',
      'WV12UP1 UV=',
      '\u0003\u0011j\u0000',
      'WVCI ',
      'GET / HTTP/1.1\n\n',
      '00 01 ',
    );
    fc.assert(
      fc.property(
        head,
        fc.uint8Array({ maxLength: 120 }),
        fc.option(fc.constantFrom(...FORMATS)),
        (start, rest, format) => {
          const report = decodeOctets('any', Uint8Array.from([...utf8(start), ...rest]), format ?? undefined);
          reportText(report, coloured);
          reportJson(report);
          expect([0, 1, 2]).toContain(exitCode(report));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const SAMPLES = new URL('../../../../shared/reference/samples/', import.meta.url);

describe.skipIf(!existsSync(SAMPLES))('the reference samples (skipped when they are missing)', () => {
  it('of the official set have their known blemishes, and no others', () => {
    const wrong = new Set<string>();
    for (const file of readdirSync(SAMPLES).filter((name) => /^wv-0\d\d|^wv-10[0-5]/.test(name))) {
      const report = decodeOctets(file, readFileSync(new URL(file, SAMPLES)));
      expect([file, report.complete]).toEqual([file, true]);
      if (report.faults.some(({ message: said }) => !said.includes('white space'))) wrong.add(file);
    }
    expect([...wrong].toSorted()).toEqual([
      'wv-002.xml',
      'wv-005.xml',
      'wv-040.xml',
      'wv-047.xml',
      'wv-078.xml',
      'wv-099.xml',
    ]);
  });
});
