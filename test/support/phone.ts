// Test support: scripted phones. Each family is a row of habits (client-quirks.md): how it wraps, numbers and posts its
// messages. What a phone says is written by hand in phone-messages.ts; what it hears is kept to the octet.

import { decodeXml, encodeXml } from '../../src/access/csp/codec/xml.ts';
import { decode, isCodecError } from '../../src/access/csp/codec/codec.ts';
import { child, childText, type Element } from '../../src/wv/element.ts';
import { NAMESPACES, type CspVersion } from '../../src/wv/version.ts';
import { header, RawConnection, type RawResponse } from './phone-http.ts';
import { androidWbxml } from './phone-wbxml.ts';

export interface Habits {
  readonly version: CspVersion;
  readonly encoding: 'xml' | 'wbxml';
  readonly path: string;
  /** Beside Host, Content-Type and Content-Length. */
  readonly headers: readonly (readonly [string, string])[];
  /** Sends `Expect: 100-continue`: and waits for it, or does not care. */
  readonly expect: 'no' | 'sends' | 'waits';
  readonly declaration: boolean;
  /** Extra attributes of the root. */
  readonly rootAttributes: string;
  /** Between elements of the envelope. */
  readonly lineBreak: string;
  /** The TransactionID of a Polling-Request. */
  readonly pollId: 'absent' | 'empty';
  /** The number after which TransactionIDs begin again at 1. */
  readonly lastId: number;
  readonly acknowledges: boolean;
  readonly clientId: string;
}

const ANDROID: Habits = {
  version: '1.2',
  encoding: 'xml',
  path: '/',
  headers: [['User-Agent', 'Android-Imps/0.1']],
  expect: 'no',
  declaration: false,
  rootAttributes: '',
  lineBreak: '',
  pollId: 'absent',
  lastId: 999,
  acknowledges: true,
  clientId: '<ClientID><URL>Android-Imps</URL></ClientID>',
};

const MOVISTAR: Habits = {
  ...ANDROID,
  headers: [['Accept-Encoding', 'identity']],
  expect: 'sends',
  declaration: true,
  pollId: 'empty',
  lastId: 9,
  acknowledges: false,
  clientId: '<ClientID><URL>WV:InstantMessenger-1.0.2309.16485@COLIBRIA.PC-CLIENT</URL></ClientID>',
};

/** The families, by the letters of client-quirks.md. */
export const HABITS = {
  /** [A] Android 2007–2010. */
  android: ANDROID,
  androidWbxml: { ...ANDROID, encoding: 'wbxml' },
  /** [S] Nokia S60. */
  s60: {
    ...ANDROID,
    encoding: 'wbxml',
    version: '1.1',
    headers: [['User-Agent', 'Nokia-S60-IMPS']],
    clientId: '<ClientID><URL>wv:nokia.s60</URL></ClientID>',
  },
  /** [P] */
  movistarPython: MOVISTAR,
  /** [H]: waits for 100 Continue, and splits the raw answer at it. */
  movistarPhp: { ...MOVISTAR, expect: 'waits' },
  /** [C] .NET: indents, and leaks connections. */
  movistarCsharp: {
    ...MOVISTAR,
    expect: 'waits',
    headers: [
      ['Accept', 'image/gif, image/x-xbitmap, image/jpeg, image/pjpeg, */*'],
      ['Accept-Encoding', 'gzip, deflate'],
    ],
    rootAttributes:
      ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    lineBreak: '\r\n  ',
  },
  /** [J] J2ME. */
  movistarJ2me: MOVISTAR,
  /** [I] a Motorola RAZR V3. */
  razr: {
    ...ANDROID,
    encoding: 'wbxml',
    version: '1.1',
    path: '/csp',
    headers: [['User-Agent', 'MOT-V3']],
    clientId: '<ClientID><MSISDN>34600000000</MSISDN></ClientID>',
  },
} as const satisfies Record<string, Habits>;

export interface Heard extends RawResponse {
  /** The answer's tree; undefined when the body is empty. */
  readonly root: Element | undefined;
  /** The answer as XML text: the body itself, or what the WBXML says. */
  readonly xml: string;
  /** The first thing in TransactionContent of the first transaction. */
  readonly content: Element | undefined;
  /** All transactions, ours and the server's. */
  readonly transactions: readonly {
    readonly mode: string;
    readonly id: string;
    readonly content: Element | undefined;
  }[];
  readonly poll: boolean;
}

/** How one message differs from the phone's habits. */
export interface Wrapping {
  readonly mode?: 'Request' | 'Response';
  readonly id?: string;
  /** '' = Outband, also in a session. */
  readonly sessionId?: string;
  /** Of HTTP, beside those of the family. */
  readonly headers?: Readonly<Record<string, string>>;
}

export class Phone {
  readonly habits: Habits;
  readonly connection: RawConnection;
  /** Everything heard, in order. */
  readonly heard: Heard[] = [];
  sessionId = '';
  #lastId = 0;

  constructor(port: number, habits: Habits) {
    this.habits = habits;
    this.connection = new RawConnection(port);
  }

  close(): void {
    this.connection.close();
  }

  /** Posts a primitive, given as XML text. A SessionID in the answer to a login is taken over. */
  async say(primitive: string, wrapping: Wrapping = {}): Promise<Heard> {
    const { headers = {} } = wrapping;
    const heard = await this.post(this.document(primitive, wrapping), { headers });
    if (primitive.startsWith('<Login-Request')) this.sessionId = childText(heard.content, 'SessionID') ?? '';
    return heard;
  }

  /** Polls in the manner of the family; with what it got acknowledged, when the family does that. */
  async poll(): Promise<Heard> {
    const heard = await this.post(this.document('<Polling-Request/>'));
    if (this.habits.acknowledges) await this.acknowledge(heard);
    return heard;
  }

  /** MessageDelivered for messages, Status 200 for everything else, each in a POST of its own. */
  async acknowledge(heard: Heard): Promise<Heard[]> {
    const answers: Heard[] = [];
    for (const { mode, id, content } of heard.transactions) {
      if (mode !== 'Request') continue;
      const messageId = childText(child(content, 'MessageInfo'), 'MessageID');
      const isMessage = content?.name === 'NewMessage' && messageId !== undefined;
      const answer = isMessage
        ? `<MessageDelivered><MessageID>${messageId}</MessageID></MessageDelivered>`
        : '<Status><Result><Code>200</Code></Result></Status>';
      answers.push(await this.say(answer, { mode: 'Response', id }));
    }
    return answers;
  }

  /** The whole message as XML text, also for phones that send WBXML. */
  document(primitive: string, wrapping: Wrapping = {}): string {
    return this.documentOf([primitive], wrapping);
  }

  /** A message with several transactions. */
  documentOf(
    primitives: readonly string[],
    { mode = 'Request', id, sessionId = this.sessionId }: Wrapping = {},
  ): string {
    const { version, declaration, rootAttributes, lineBreak } = this.habits;
    const { session, transaction } = NAMESPACES[version];
    const parts = [
      `<WV-CSP-Message${rootAttributes} xmlns="${session}">`,
      '<Session>',
      `<SessionDescriptor>${descriptor(sessionId)}</SessionDescriptor>`,
      ...primitives.flatMap((primitive) => [
        '<Transaction>',
        `<TransactionDescriptor><TransactionMode>${mode}</TransactionMode>${this.#id(primitive, id)}</TransactionDescriptor>`,
        `<TransactionContent xmlns="${transaction}">${primitive}</TransactionContent>`,
        '</Transaction>',
      ]),
      '</Session>',
      '</WV-CSP-Message>',
    ];
    return (declaration ? '<?xml version="1.0" encoding="utf-8"?>' : '') + parts.join(lineBreak);
  }

  #id(primitive: string, id: string | undefined): string {
    if (id !== undefined) return `<TransactionID>${id}</TransactionID>`;
    if (primitive.startsWith('<Polling-Request'))
      return this.habits.pollId === 'empty' ? '<TransactionID/>' : '';
    this.#lastId = (this.#lastId % this.habits.lastId) + 1;
    return `<TransactionID>${this.#lastId}</TransactionID>`;
  }

  /** Posts a document: XML text goes out as it is, or as the WBXML of the family; octets go out as they are. */
  async post(
    document: string | Uint8Array,
    how: { readonly contentType?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Heard> {
    const body = typeof document === 'string' ? this.#encode(document) : document;
    const { path, expect, headers, encoding, version } = this.habits;
    const response = await this.connection.post({
      path,
      body,
      waitForContinue: expect === 'waits',
      headers: [
        ['Host', 'im.example'],
        [
          'Content-Type',
          how.contentType ?? `application/vnd.wv.csp${version === '1.3' ? '+' : '.'}${encoding}`,
        ],
        ...headers,
        ...Object.entries(how.headers ?? {}),
        ['Content-Length', String(body.length)],
        ...(expect === 'no' ? [] : ([['Expect', '100-continue']] as const)),
      ],
    });
    const heard = understand(response, encoding);
    this.heard.push(heard);
    return heard;
  }

  #encode(text: string): Uint8Array {
    const octets = new TextEncoder().encode(text);
    if (this.habits.encoding === 'xml') return octets;
    const decoded = decodeXml(octets);
    if (isCodecError(decoded)) throw new Error(`the script is not well formed: ${decoded.message}`);
    return androidWbxml(decoded.root, this.habits.version);
  }
}

function descriptor(sessionId: string): string {
  return sessionId === ''
    ? '<SessionType>Outband</SessionType>'
    : `<SessionType>Inband</SessionType><SessionID>${sessionId}</SessionID>`;
}

/** Of the phone's own parser: an original of several megabytes may come. */
const LIMITS = { maxBytes: 16_777_216, maxText: 16_777_216 };

function understand(response: RawResponse, encoding: 'xml' | 'wbxml'): Heard {
  if (response.body.length === 0) {
    return { ...response, root: undefined, xml: '', content: undefined, transactions: [], poll: false };
  }
  const decoded = decode(encoding, response.body, LIMITS);
  if (isCodecError(decoded)) {
    throw new Error(`${header(response, 'content-type') ?? ''} answer: ${decoded.message}`);
  }
  const { root } = decoded;
  const xml =
    encoding === 'xml' ? response.body.toString('utf8') : text(encodeXml(root, { declaration: false }));
  const transactions = (child(root, 'Session')?.children ?? [])
    .filter(({ name }) => name === 'Transaction')
    .map((transaction) => {
      const about = child(transaction, 'TransactionDescriptor');
      return {
        mode: childText(about, 'TransactionMode') ?? '',
        id: childText(about, 'TransactionID') ?? '',
        content: child(transaction, 'TransactionContent')?.children[0],
      };
    });
  return {
    ...response,
    root,
    xml,
    transactions,
    content: transactions[0]?.content,
    poll: /<Poll>T</.test(xml),
  };
}

const text = (octets: Uint8Array): string => new TextDecoder().decode(octets);
