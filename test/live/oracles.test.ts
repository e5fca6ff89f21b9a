// What others make of our WBXML: libwbxml's wbxml2xml and Wireshark's dissector (Debian packages libwbxml2-utils and tshark).
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Element } from '../../src/wv/element.ts';
import type { CspVersion } from '../../src/wv/version.ts';
import { buildElement, writeMessage } from '../../src/access/csp/codec/binding.ts';
import type { Body, ElementName } from '../../src/access/csp/codec/binding.ts';
import { isCodecError } from '../../src/access/csp/codec/errors.ts';
import { encodeWbxml } from '../../src/access/csp/codec/wbxml.ts';
import { decodeXml } from '../../src/access/csp/codec/xml.ts';
import { leaf, node } from '../../src/wv/element.ts';

const run = promisify(execFile);
const installed = async (program: string, option: string): Promise<boolean> =>
  run(program, [option]).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
const haveLibrary = await installed('wbxml2xml', '-v');
const haveShark = (await installed('tshark', '-v')) && (await installed('text2pcap', '-v'));

interface Document {
  readonly title: string;
  readonly version: CspVersion;
  readonly root: Element;
}

function document<N extends ElementName>(version: CspVersion, primitive: N, body: Body<N>): Document {
  const content = buildElement(primitive, body, version);
  const transactions = [{ mode: 'Request', id: '17', primitive, content }] as const;
  const root = writeMessage({
    version,
    sessionType: 'Inband',
    sessionId: 's-81f2c0',
    poll: true,
    transactions,
  });
  return { title: `${primitive} of ${version}`, version, root };
}

const attribute = (name: string, value: string): Element =>
  node(name, [leaf('Qualifier', 'T'), leaf('PresenceValue', value)]);

const PRESENCE = node('PresenceSubList', [
  attribute('OnlineStatus', 'T'),
  node('ClientInfo', [leaf('Qualifier', 'T'), leaf('ClientType', 'MOBILE_PHONE'), leaf('Model', 'x-200')]),
  node('CommCap', [
    leaf('Qualifier', 'T'),
    node('CommC', [leaf('Cap', 'SMS'), leaf('Status', 'OPEN'), leaf('Note', 'T')]),
  ]),
  attribute('UserAvailability', 'DISCREET'),
  attribute('StatusText', 'HAPPY to be on the train'),
  attribute('StatusMood', 'IN_LOVE'),
]);

const INFO: Body<'MessageInfo'> = {
  MessageID: 'm-55',
  ContentType: 'text/plain',
  ContentEncoding: 'None',
  ContentSize: 65_536,
  Recipient: { Group: [{ ScreenName: { SName: 'Open', GroupID: 'wv:ann/rocket@im.example' } }] },
  Sender: { User: { UserID: 'wv:ann@im.example' } },
  DateTime: '20050612T101500Z',
  Validity: 0,
};

const DOCUMENTS: readonly Document[] = (['1.1', '1.2'] as const).flatMap((version) => [
  document(version, 'Polling-Request', true),
  document(version, 'Status', {
    Result: { Code: 201, DetailedResult: [{ Code: 531, UserID: ['wv:nobody@im.example'] }] },
  }),
  document(version, 'Login-Request', {
    UserID: 'wv:ann@im.example',
    ClientID: { URL: 'http://phone.example/ua' },
    DigestSchema: ['MD5'],
    TimeToLive: 3600,
    SessionCookie: 'ck-4711',
  }),
  document(version, 'NewMessage', { MessageInfo: INFO, ContentData: 'Zoë says: T & <b>' }),
  document(version, 'CreateGroup-Request', {
    GroupID: 'wv:ann/rocket@im.example',
    GroupProperties: {
      Property: [
        { Name: 'Accesstype', Value: 'Restricted' },
        { Name: 'Topic', Value: 'Open' },
        { Name: 'MaxActiveUsers', Value: '30' },
      ],
      WelcomeNote: { ContentType: 'text/plain', ContentData: 'Hi!' },
    },
    JoinGroup: true,
    SubscribeNotification: false,
  }),
  document(version, 'PresenceNotification-Request', {
    Presence: [{ UserID: 'wv:bea@im.example', PresenceSubList: [PRESENCE] }],
  }),
  document(version, 'Service-Request', {
    Functions: { WVCSPFeat: { IMFeat: { IMSendFunc: { MDELIV: true } } } },
    AllFunctionsRequest: true,
  }),
]);

const VERSION_1_3: readonly Document[] = [
  document('1.3', 'ClientCapability-Response', {
    AgreedCapabilityList: {
      MultiTransPerMessage: 1,
      SupportedCIRMethod: ['STCP'],
      CIRHTTPAddress: { URL: 'http://im.example/cir' },
    },
  }),
  document('1.3', 'GetBlockedList-Response', {
    BlockListInUse: true,
    BlockList: { EntityList: { UserID: ['wv:dan@im.example'] } },
  }),
  document('1.3', 'NewMessage', {
    MessageInfo: { ...INFO, Font: { Size: 'Big', Style: ['Bold'], Color: 'Teal' } },
    ContentData: 'Bold',
  }),
];

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wvgate-oracles-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.skipIf(!haveLibrary)('libwbxml (skipped without wbxml2xml)', () => {
  it.each(DOCUMENTS)('reads $title as we meant it', async ({ version, root }) => {
    const source = join(directory, 'document.wbxml');
    const target = join(directory, 'document.xml');
    await writeFile(source, encodeWbxml(root, version));
    await run('wbxml2xml', [
      '-m',
      '0',
      '-k',
      '-l',
      version === '1.1' ? 'CSP11' : 'CSP12',
      '-o',
      target,
      source,
    ]);
    const decoded = decodeXml(await readFile(target));
    if (isCodecError(decoded)) expect.fail(decoded.message);
    expect(decoded.root).toEqual(root);
  });
});

/** A packet of an HTTP request as text2pcap wants it. */
function packet(body: Uint8Array): string {
  const head = `POST / HTTP/1.1\r\nHost: im.example\r\nContent-Type: application/vnd.wv.csp.wbxml\r\nContent-Length: ${body.length}\r\n\r\n`;
  const octets = [...new TextEncoder().encode(head), ...body].map((octet) =>
    octet.toString(16).padStart(2, '0'),
  );
  return `000000 ${octets.join(' ')}\n\n`;
}

/** Names and texts in document order. */
const flat = (element: Element): string[] => [
  `<${element.name}`,
  ...(element.xmlns === undefined ? [] : [element.xmlns]),
  ...(element.text === '' ? [] : [element.text]),
  ...element.children.flatMap(flat),
];

/** The same from the rendering column of the dissector. */
function rendered(lines: readonly string[]): string[] {
  const parts: string[] = [];
  for (const line of lines) {
    const [, , , token = '', text = ''] = line.split('|').map((column) => column.trim());
    const tag = /^<([^/>\s]+)/.exec(text)?.[1];
    const value = /^(?:Common Value: )?'(.*)'$/.exec(text)?.[1] ?? /^WV-CSP Integer: (\d+)$/.exec(text)?.[1];
    // Wireshark's table has a slip in the one for TRC1.2: `xmlns http://…`.
    const namespace = /^xmlns[= ]'?(http.*)'$/.exec(text)?.[1];
    if (tag !== undefined && token.startsWith('Known Tag')) parts.push(`<${tag}`);
    else if (namespace !== undefined) parts.push(namespace);
    else if (value !== undefined && line.includes(' Attr ')) parts.push(`${parts.pop() ?? ''}${value}`);
    else if (value !== undefined) parts.push(value);
  }
  return parts;
}

describe.skipIf(!haveShark)('Wireshark (skipped without tshark)', () => {
  it('reads every document as we meant it', async () => {
    const documents = [...DOCUMENTS, ...VERSION_1_3];
    const dump = join(directory, 'dump.txt');
    const capture = join(directory, 'dump.pcap');
    await writeFile(dump, documents.map(({ root, version }) => packet(encodeWbxml(root, version))).join(''));
    await run('text2pcap', ['-q', '-4', '192.0.2.1,192.0.2.2', '-T', '40000,80', dump, capture]);
    const { stdout } = await run('tshark', ['-r', capture, '-V', '-O', 'wbxml'], { maxBuffer: 1 << 26 });
    expect(stdout).not.toMatch(/Malformed|undefined|unknown/i);
    const sections = stdout.split('WAP Binary XML, ').slice(1);
    expect(sections).toHaveLength(documents.length);
    for (const [index, { title, root, version }] of documents.entries()) {
      const lines = sections[index]!.split('\n');
      expect(lines[0], title).toContain(`CSP ${version}//EN`);
      // The dissector shows octets above ASCII as escapes; everything else has to be equal.
      const plain = (parts: readonly string[]): string[] =>
        parts.map((part) => part.replace(/ë|\\303\\253|Ã«/, 'e'));
      expect(plain(rendered(lines)), title).toEqual(plain(flat(root)));
    }
  });
});
