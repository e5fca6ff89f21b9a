// A WV client reduced to what a load needs: CSP 1.2 in WBXML over one HTTP connection, messages made from templates,
// answers read by looking for the few octets that matter. What Android's client sends, in its order of elements.

import { isCodecError } from '../../src/access/csp/codec/errors.ts';
import { decodeWbxml } from '../../src/access/csp/codec/wbxml.ts';
import { child, childText, type Element } from '../../src/wv/element.ts';
import { HttpPost } from './http-post.ts';
import { CLIENT_ID, DOMAIN, HELD_SECONDS, PASSWORD, userAddress } from './tasks.ts';
import { Template, wbxmlOf } from './template.ts';

const CONTENT_TYPE = 'application/vnd.wv.csp.wbxml';
const STR_I = 0x03;
/** Tags of code page 0 with content, each followed by an inline string. */
const TRANSACTION_ID = Buffer.from([0x75, STR_I]);
const MESSAGE_ID = Buffer.from([0x5b, STR_I]);
const CONTENT_DATA = Buffer.from([0x4d, STR_I]);

/** Longer than any of ours, so that nothing else in the octets looks like it. */
const ID_HOLE = 'ID%%%%%%';
const TEXT_HOLE = 'TEXT%%%%';
const DATE = '20261122T120000Z';
const FILLER =
  ' It is a quarter past ten, the train is late again, and the bells of the old town ring. See you?';
/** Length of what makes each message different. */
export const MARK_LENGTH = TEXT_HOLE.length;

export interface Received {
  readonly transactionId: Buffer;
  readonly messageId: Buffer;
  /** The first MARK_LENGTH characters of the text. */
  readonly mark: string;
}

const mark = (count: number): string => String(count % 10 ** MARK_LENGTH).padStart(MARK_LENGTH, '0');

export class Phone {
  readonly #connection: HttpPost;
  readonly #sessionId: string;
  readonly #domain: string;
  #send: Template | undefined;
  #delivered: Template | undefined;
  #keepAlive: Buffer | undefined;
  #polling: Buffer | undefined;
  #count = 0;

  private constructor(connection: HttpPost, sessionId: string, domain: string) {
    this.#connection = connection;
    this.#sessionId = sessionId;
    this.#domain = domain;
  }

  static connect(port: number): Promise<HttpPost> {
    return HttpPost.open('127.0.0.1', port, '/', CONTENT_TYPE);
  }

  /** A connection whose polls may be held until there is something. The server must be told so, too. */
  static connectPatient(port: number): Promise<HttpPost> {
    return HttpPost.open('127.0.0.1', port, '/', CONTENT_TYPE, `Prefer: wait=${HELD_SECONDS}\r\n`);
  }

  /** Logs user `index` in, with a password in plain. Several phones may share a connection if they take turns. */
  static async login(connection: HttpPost, index: number, domain?: string): Promise<Phone> {
    const primitive =
      `<Login-Request><UserID>${userAddress(index, domain)}</UserID><ClientID><URL>${CLIENT_ID}</URL></ClientID>` +
      `<TimeToLive>7205</TimeToLive><SessionCookie>cookie_4</SessionCookie><Password>${PASSWORD}</Password>` +
      '</Login-Request>';
    const answer = await connection.post(wbxmlOf(primitive, { mode: 'Request', id: '1' }));
    const sessionId = childText(contentOf(answer), 'SessionID');
    if (sessionId === undefined) throw new Error(`u${index} cannot log in`);
    return new Phone(connection, sessionId, domain ?? DOMAIN);
  }

  /** From now on `send` sends to this address. */
  writeTo(sender: number, recipient: string, dated = false): void {
    this.#write(sender, `<User><UserID>${recipient}</UserID></User>`, dated);
  }

  /** `octets`: the length of its messages. */
  writeToGroup(sender: number, group: string, octets: number): void {
    const text = (TEXT_HOLE + FILLER.repeat(Math.ceil(octets / FILLER.length))).slice(0, octets);
    this.#write(sender, `<Group><GroupID>${group}</GroupID></Group>`, false, text);
  }

  #write(sender: number, recipient: string, dated: boolean, text = TEXT_HOLE + FILLER): void {
    const primitive =
      '<SendMessage-Request><DeliveryReport>F</DeliveryReport><MessageInfo>' +
      `<Recipient>${recipient}</Recipient>` +
      `<Sender><User><UserID>${userAddress(sender, this.#domain)}</UserID></User></Sender><ContentType>text/plain</ContentType>` +
      `<ContentSize>${text.length}</ContentSize>${dated ? `<DateTime>${DATE}</DateTime>` : ''}` +
      `</MessageInfo><ContentData>${text}</ContentData></SendMessage-Request>`;
    this.#send = new Template(this.#wrap(primitive, ID_HOLE), [ID_HOLE, TEXT_HOLE]);
  }

  /** SendMessage; the mark that its text begins with. @throws when the server does not take it */
  async send(): Promise<string> {
    this.#count += 1;
    const own = mark(this.#count);
    const answer = await this.#connection.post(this.#send?.filled(own, own) ?? Buffer.alloc(0));
    // Only an accepted message has an id.
    if (answer.indexOf(MESSAGE_ID) < 0) throw new Error(`a message was refused: ${explain(answer)}`);
    return own;
  }

  async poll(): Promise<Received | undefined> {
    this.#polling ??= this.#wrap('<Polling-Request/>', '');
    return received(await this.#connection.post(this.#polling));
  }

  /** MessageDelivered for what was received; the answer brings what comes next. */
  async acknowledge({ transactionId, messageId }: Received): Promise<Received | undefined> {
    this.#delivered ??= this.#deliveredTemplate(transactionId.length, messageId.length);
    return received(await this.#connection.post(this.#delivered.filled(transactionId, messageId)));
  }

  /** Any request. @throws unless the answer is Status 200 */
  async say(primitive: string): Promise<void> {
    const answer = await this.#connection.post(this.#wrap(primitive, '7'));
    const code = childText(child(contentOf(answer), 'Result'), 'Code');
    if (code !== '200') throw new Error(`a request was refused: ${explain(answer)}`);
  }

  /** JoinGroup, without wishing to hear who comes and goes. @throws when it may not join */
  async join(group: string): Promise<void> {
    const primitive =
      `<JoinGroup-Request><GroupID>${group}</GroupID><JoinedRequest>F</JoinedRequest>` +
      '<SubscribeNotification>F</SubscribeNotification></JoinGroup-Request>';
    const answer = await this.#connection.post(this.#wrap(primitive, '7'));
    if (contentOf(answer)?.name !== 'JoinGroup-Response') throw new Error(`not joined: ${explain(answer)}`);
  }

  /** The smallest request there is. */
  async keepAlive(): Promise<void> {
    this.#keepAlive ??= this.#wrap('<KeepAlive-Request/>', '7');
    await this.#connection.post(this.#keepAlive);
  }

  /** Polls, and confirms with Status 200 what came. True when something came. */
  async collect(): Promise<boolean> {
    const answer = await this.#connection.post(this.#wrap('<Polling-Request/>', ''));
    if (answer.length === 0) return false;
    const id = textAfter(answer, TRANSACTION_ID)?.toString('latin1') ?? '';
    const status = '<Status><Result><Code>200</Code></Result></Status>';
    await this.#connection.post(wbxmlOf(status, { mode: 'Response', id, sessionId: this.#sessionId }));
    return true;
  }

  #deliveredTemplate(idLength: number, messageIdLength: number): Template {
    const id = 'T'.repeat(idLength);
    const messageId = 'M'.repeat(messageIdLength);
    const primitive = `<MessageDelivered><MessageID>${messageId}</MessageID></MessageDelivered>`;
    const octets = wbxmlOf(primitive, { mode: 'Response', id, sessionId: this.#sessionId });
    return new Template(octets, [id, messageId]);
  }

  #wrap(primitive: string, id: string): Buffer {
    return wbxmlOf(primitive, { mode: 'Request', id, sessionId: this.#sessionId });
  }
}

function received(answer: Buffer): Received | undefined {
  const transactionId = textAfter(answer, TRANSACTION_ID);
  const messageId = textAfter(answer, MESSAGE_ID);
  const text = textAfter(answer, CONTENT_DATA);
  if (transactionId === undefined || messageId === undefined || text === undefined) return undefined;
  return { transactionId, messageId, mark: text.toString('latin1', 0, MARK_LENGTH) };
}

function textAfter(answer: Buffer, tag: Buffer): Buffer | undefined {
  const at = answer.indexOf(tag);
  if (at < 0) return undefined;
  const start = at + tag.length;
  return answer.subarray(start, answer.indexOf(0, start));
}

function contentOf(answer: Buffer): Element | undefined {
  const decoded = decodeWbxml(answer);
  if (isCodecError(decoded)) throw decoded;
  const transaction = child(child(decoded.root, 'Session'), 'Transaction');
  return child(transaction, 'TransactionContent')?.children[0];
}

/** The primitive and its code, without anything of the message. */
function explain(answer: Buffer): string {
  if (answer.length === 0) return 'no answer';
  const content = contentOf(answer);
  const result = child(content, 'Result');
  return `${content?.name ?? ''} ${childText(result, 'Code') ?? ''} ${childText(result, 'Description') ?? ''}`;
}
