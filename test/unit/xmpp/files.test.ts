// Files between phones and XMPP users, with an upload service that says what tests tell it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ChatMemory } from '../../../adapters/xmpp/chat-memory.ts';
import { IncomingFiles } from '../../../adapters/xmpp/files/incoming-files.ts';
import { fileElements, fileReferenceOf } from '../../../adapters/xmpp/files/links.ts';
import { OutgoingFiles } from '../../../adapters/xmpp/files/outgoing-files.ts';
import { Partners } from '../../../adapters/xmpp/files/partners.ts';
import { createXmppGateway, XmppConfigError } from '../../../adapters/xmpp/gateway.ts';
import { IqRequests } from '../../../adapters/xmpp/iq-requests.ts';
import { IncomingMessages } from '../../../adapters/xmpp/messages-in.ts';
import { OutgoingMessages } from '../../../adapters/xmpp/messages-out.ts';
import { NS } from '../../../adapters/xmpp/namespaces.ts';
import { Receipts } from '../../../adapters/xmpp/receipts.ts';
import { childOf, elementsOf, stanza, textOf, xml } from '../../../adapters/xmpp/xml.ts';
import type { XmlElement } from '../../../adapters/xmpp/xml.ts';
import { trusted } from '../../../src/wv/ids.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import { eventually } from '../../support/eventually.ts';
import { FileServer, gives, PNG, sendsTo } from '../../support/file-server.ts';
import { COMPONENT, incoming, testBridge } from '../../support/xmpp-bridge.ts';
import type { TestBridge } from '../../support/xmpp-bridge.ts';
import { textMessage } from '../../support/xmpp-requests.ts';
import { bodyText, conditionOf } from '../../support/xmpp-user.ts';

const BOB = trusted<UserAddress>('wv:bob@xmpp.example');
const ALICE_JID = `alice@${COMPONENT}`;
const UPLOAD = 'upload.xmpp.example';
const PICTURE = { contentType: 'image/png', encoding: 'base64', data: PNG.toString('base64') } as const;

let server: FileServer;
let bridge: TestBridge;
let alice: UserAddress;
let requests: IqRequests;
let outgoing: OutgoingMessages;
let files: OutgoingFiles;
let incomingMessages: IncomingMessages;

beforeAll(async () => {
  server = await FileServer.start();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.paths.clear();
  server.stored.clear();
  server.requests.length = 0;
  begin();
});

/** A gateway, with the storage of the one before if it is given. */
function begin(config: Parameters<typeof testBridge>[0] = {}): void {
  const allow = { insecure: true, allow: ['127.0.0.1'] };
  bridge = testBridge({ files: allow, ...config });
  alice = bridge.relay.account('alice');
  assemble();
}

function assemble(): void {
  requests = new IqRequests(bridge.link, bridge.relay.clock, 8_000);
  const partners = new Partners(bridge.relay.storage);
  files = new OutgoingFiles(bridge, requests);
  const memory = new ChatMemory(bridge.settings);
  outgoing = new OutgoingMessages(bridge, memory, { files, partners });
  incomingMessages = new IncomingMessages(
    bridge,
    new Receipts(bridge),
    memory,
    new IncomingFiles(bridge, partners),
  );
}

const picture = (id = 'm-1') =>
  textMessage(alice, BOB, '', { id, content: PICTURE, sentAt: bridge.clock.now(), report: true });

interface ServiceOptions {
  readonly maxBytes?: number;
  readonly put?: string;
  readonly get?: string;
  readonly headers?: readonly XmlElement[];
  readonly refuses?: boolean;
}

const header = (name: string, value: string) => xml(NS.upload, 'header', { name }, value);

function answerTo(iq: XmlElement, options: ServiceOptions): XmlElement | undefined {
  const [payload] = elementsOf(iq);
  const to = iq.attrs['to'];
  if (payload?.ns === NS.discoItems)
    return xml(NS.discoItems, 'query', {}, xml(NS.discoItems, 'item', { jid: UPLOAD }));
  if (payload?.ns === NS.discoInfo) {
    const limit = xml(
      NS.dataForm,
      'x',
      { type: 'result' },
      xml(NS.dataForm, 'field', { var: 'FORM_TYPE' }, xml(NS.dataForm, 'value', {}, NS.upload)),
      xml(
        NS.dataForm,
        'field',
        { var: 'max-file-size' },
        xml(NS.dataForm, 'value', {}, String(options.maxBytes ?? 1_000)),
      ),
    );
    const feature = xml(NS.discoInfo, 'feature', { var: NS.upload });
    return to === UPLOAD ? xml(NS.discoInfo, 'query', {}, feature, limit) : xml(NS.discoInfo, 'query');
  }
  if (options.refuses === true) return undefined;
  const put = options.put ?? server.url('/slot/a.png');
  const get = options.get ?? server.url('/slot/a.png');
  return xml(
    NS.upload,
    'slot',
    {},
    xml(NS.upload, 'put', { url: put }, ...(options.headers ?? [])),
    xml(NS.upload, 'get', { url: get }),
  );
}

/** Answers every iq of ours while the task runs; the messages sent meanwhile stay in `bridge.link.sent`. */
async function served<T>(task: Promise<T>, options: ServiceOptions = {}): Promise<T> {
  let done = false;
  const finished = task.finally(() => (done = true));
  await eventually('the request is answered', () => {
    for (const iq of bridge.link.sent.filter(({ name }) => name === 'iq')) {
      bridge.link.sent.splice(bridge.link.sent.indexOf(iq), 1);
      const { id = '', from = '', to = '' } = iq.attrs;
      const payload = answerTo(iq, options);
      const refusal = xml(NS.component, 'error', { type: 'auth' }, xml(NS.stanzaError, 'forbidden'));
      requests.received(
        incoming(
          'iq',
          { type: payload === undefined ? 'error' : 'result', id, from: to, to: from },
          payload ?? refusal,
        ),
      );
    }
    return done;
  });
  return await finished;
}

function sentMessage(): XmlElement {
  const [message] = bridge.link.sent.splice(0);
  if (message === undefined) throw new Error('nothing was sent');
  return message;
}

describe('a picture of a phone', () => {
  test('is uploaded, and goes out as its address, for clients of any age', async () => {
    const response = await served(outgoing.send(picture()), {
      headers: [header('authorization', 'Bearer x\r\n y'), header('Host', 'evil.example')],
    });
    expect(response.result.code).toBe(200);
    const stored = server.stored.get('/slot/a.png');
    expect(stored?.body.equals(PNG)).toBe(true);
    expect(stored?.headers).toMatchObject({ authorization: 'Bearer x y', host: `127.0.0.1:${server.port}` });
    const message = sentMessage();
    const url = server.url('/slot/a.png');
    expect(bodyText(message)).toBe(url);
    expect(fileReferenceOf(message)).toMatchObject({ url, description: '' });
    const oob = childOf(message, 'x', NS.oob);
    expect(textOf(oob && childOf(oob, 'url'))).toBe(url);
    expect(childOf(message, 'request', NS.receipts)).toBeDefined();
  });

  test('is uploaded once, also when the gateway was killed before the message was confirmed', async () => {
    bridge.link.confirms = false;
    expect((await served(outgoing.send(picture()))).result.code).toBe(503);
    const first = sentMessage();
    bridge.link.confirms = true;
    assemble();
    expect((await served(outgoing.send(picture()), { get: 'http://127.0.0.1/other' })).result.code).toBe(200);
    const second = sentMessage();
    expect(second.attrs['id']).toBe(first.attrs['id']);
    expect(bodyText(second)).toBe(bodyText(first));
    expect(server.requests).toEqual(['PUT /slot/a.png']);
    await files.concluded(picture().message);
    expect([...bridge.relay.storage.values.keys()].filter((key) => key.startsWith('file '))).toEqual([]);
  });

  test('is forgotten at the start when its message is over, though nobody concluded it', async () => {
    await served(outgoing.send(picture()));
    const kept = () => [...bridge.relay.storage.values.keys()].filter((key) => key.startsWith('file '));
    await files.forgetOld();
    expect(kept()).toHaveLength(1);
    bridge.clock.advance(2 * 86_400_000);
    await files.forgetOld();
    expect(kept()).toEqual([]);
  });

  test('that takes longer than a request may is sent by the retry', async () => {
    let finish: () => void = () => undefined;
    server.paths.set('/slot/a.png', (_request, response) => {
      finish = () => void response.writeHead(201).end();
    });
    const first = served(outgoing.send(picture()));
    await eventually('the upload runs', () => server.requests.length === 1);
    bridge.clock.advance(8_000);
    expect((await first).result.code).toBe(503);
    finish();
    expect((await served(outgoing.send(picture()))).result.code).toBe(200);
    expect(bodyText(sentMessage())).toBe(server.url('/slot/a.png'));
    expect(server.requests).toHaveLength(1);
  });

  test.each<[string, ServiceOptions]>([
    ['the service refuses', { refuses: true }],
    ['it is larger than the service takes', { maxBytes: 10 }],
    ['the slot is at a private address', { put: 'http://10.0.0.1/a.png' }],
    ['the slot is no web address', { put: 'file:///tmp/a.png' }],
    ['the address for others is none', { get: 'javascript:alert(1)' }],
    ['the upload is sent elsewhere', { put: '/moved' }],
    ['the server of the slot fails', { put: '/broken' }],
  ])('goes out as a link to our own server when %s, and without one as a line', async (_why, options) => {
    server.paths.set('/moved', sendsTo('/slot/a.png'));
    server.paths.set('/broken', gives('', {}, 500));
    const put = options.put?.startsWith('/') === true ? server.url(options.put) : options.put;
    const slots = { ...options, ...(put === undefined ? {} : { put }) };
    bridge.relay.offer = 'https://wv.example/c/1/a.png';
    expect((await served(outgoing.send(picture()), slots)).result.code).toBe(200);
    expect(bodyText(sentMessage())).toBe('https://wv.example/c/1/a.png');
    bridge.relay.offer = undefined;
    expect((await served(outgoing.send(picture('m-2')), slots)).result.code).toBe(200);
    const line = sentMessage();
    expect(bodyText(line)).toMatch(/^\[image\/png, \d+ bytes/);
    expect(childOf(line, 'x', NS.oob)).toBeUndefined();
    expect(bridge.relay.all('DeliveryStatusReport')).toEqual([]);
    expect(server.stored.size).toBe(0);
  });

  test('waits when too many others are on their way', async () => {
    server.paths.set('/slot/a.png', () => undefined);
    const first = Array.from({ length: 8 }, (_, n) => outgoing.send(picture(`m-${n}`)));
    const all = served(Promise.all(first));
    await eventually('eight uploads run', () => server.requests.length === 8);
    expect((await outgoing.send(picture('m-9'))).result.code).toBe(503);
    bridge.clock.advance(8_000);
    expect((await all).map(({ result }) => result.code)).toEqual(Array(8).fill(503));
  });
});

describe('a file of an XMPP user', () => {
  const text = (body: string) => xml(NS.component, 'body', {}, body);
  const oob = (url: string) => xml(NS.oob, 'x', {}, xml(NS.oob, 'url', {}, url));
  const said = () => bridge.relay.all('SendMessageRequest').map(({ message }) => message.content);
  const known = () => bridge.relay.storage.put(`subscription ${ALICE_JID} bob@xmpp.example`, 'yes none');

  async function write(...children: readonly XmlElement[]): Promise<void> {
    const attrs = { type: 'chat', id: 'i-1', from: 'bob@xmpp.example/desk', to: ALICE_JID };
    incomingMessages.received(incoming('message', attrs, ...children));
    await eventually('all queues are empty', () => bridge.queues.busy + bridge.inbox.size === 0);
  }

  beforeEach(async () => {
    server.paths.set('/a.png', gives(PNG));
    await known();
  });

  test('comes as content', async () => {
    const url = server.url('/a.png');
    await write(text(url), oob(url));
    expect(said()).toEqual([PICTURE]);
  });

  test('is followed by what was written beside it, in every form, with ids that repeat', async () => {
    const url = server.url('/a.png');
    const shared = fileElements({ url, name: 'a.png', type: 'image/png', size: 1 }).slice(1);
    const source = xml(NS.reference, 'reference', { type: 'data', uri: url });
    const media = xml(NS.sims, 'media-sharing', {}, xml(NS.sims, 'sources', {}, source));
    const sims = xml(NS.reference, 'reference', { type: 'data', begin: '0', end: '1' }, media);
    for (const elements of [shared, [sims], [oob(url)]]) {
      bridge.relay.emitted.length = 0;
      await write(text(`look ${url}`), ...elements);
      expect(said().map(({ data }) => data)).toEqual([PICTURE.data, 'look']);
    }
    expect(bridge.relay.inbox).toHaveLength(2);
  });

  test('without a body comes too; a link alone in a body is text', async () => {
    await write(oob(server.url('/a.png')));
    await write(text(server.url('/a.png')));
    expect(said().map(({ contentType }) => contentType)).toEqual(['image/png', 'text/plain']);
  });

  test('of an iq is answered when it is taken, or refused', async () => {
    const query = (url: string) =>
      xml(NS.oobQuery, 'query', {}, xml(NS.oobQuery, 'url', {}, url), xml(NS.oobQuery, 'desc', {}, 'mine'));
    const attrs = { type: 'set', id: 'q-1', from: 'bob@xmpp.example/desk', to: ALICE_JID };
    expect(incomingMessages.receivedQuery(incoming('iq', attrs, query(server.url('/a.png'))))).toBe(true);
    await eventually('it is answered', () => bridge.link.sent.length === 1);
    expect(bridge.link.sent.splice(0)[0]).toEqual(
      stanza('iq', { type: 'result', id: 'q-1', from: ALICE_JID, to: 'bob@xmpp.example/desk' }),
    );
    expect(said().map(({ data }) => data)).toEqual([PICTURE.data, 'mine']);
    incomingMessages.receivedQuery(incoming('iq', attrs, query('')));
    expect(bridge.link.sent[0]?.attrs['type']).toBe('error');
    expect(incomingMessages.receivedQuery(incoming('iq', { ...attrs, type: 'get' }))).toBe(false);
  });

  test.each<[string, () => string]>([
    ['is not there', () => server.url('/b.png')],
    ['is a page', () => (server.paths.set('/page', gives('<html></html>')), server.url('/page'))],
    ['is at a private address', () => 'http://10.0.0.1/a.png'],
    ['is no web address', () => 'xmpp:bob@xmpp.example'],
  ])('that %s stays a link', async (_what, address) => {
    const url = address();
    await write(text(url), oob(url));
    expect(said()).toEqual([{ contentType: 'text/plain', encoding: 'none', data: url }]);
    expect(bridge.link.sent).toEqual([]);
  });

  test('of a stranger is not fetched, until our user has written to him', async () => {
    await bridge.relay.storage.delete(`subscription ${ALICE_JID} bob@xmpp.example`);
    await bridge.relay.storage.put(`subscription ${ALICE_JID} bob@xmpp.example`, 'none pending');
    const url = server.url('/a.png');
    await write(text(url), oob(url));
    expect(said().at(-1)?.contentType).toBe('text/plain');
    expect(server.requests).toEqual([]);
    await outgoing.send(textMessage(alice, BOB, 'hello', { sentAt: bridge.clock.now() }));
    await write(text(url), oob(url));
    expect(said().at(-1)?.contentType).toBe('image/png');
  });

  test.each([
    ['nobody', 'text/plain'],
    ['everybody', 'image/png'],
  ] as const)('with fetchFrom %s comes as %s', async (fetchFrom, type) => {
    begin({ files: { insecure: true, allow: ['127.0.0.1'], fetchFrom } });
    if (fetchFrom === 'nobody') await known();
    const url = server.url('/a.png');
    await write(text(url), oob(url));
    expect(said().map(({ contentType }) => contentType)).toEqual([type]);
  });

  test('10,000 in a minute: twenty are fetched, the others that fit are links, the rest is refused', async () => {
    const url = server.url('/a.png');
    const attrs = { type: 'chat', from: 'bob@xmpp.example/desk', to: ALICE_JID };
    for (let n = 0; n < 10_000; n += 1) {
      incomingMessages.received(incoming('message', { ...attrs, id: `n-${n}` }, text(url), oob(url)));
    }
    await eventually('all queues are empty', () => bridge.queues.busy + bridge.inbox.size === 0, 30_000);
    const types = said().map(({ contentType }) => contentType);
    expect(types.filter((type) => type === 'image/png')).toHaveLength(20);
    expect(types).toHaveLength(5_000);
    expect(bridge.link.sent).toHaveLength(5_000);
    expect(server.requests).toHaveLength(20);
  }, 40_000);

  test('that OMEMO encrypted is refused, and why is said once', async () => {
    const url = 'aesgcm://files.example/a#00ff';
    await write(text(url));
    await write(text(url), oob(url));
    expect(said()).toEqual([]);
    const sent = bridge.link.sent.splice(0);
    expect(sent.filter(({ attrs }) => attrs['type'] === 'error').map(conditionOf)).toHaveLength(2);
    expect(sent.filter(({ attrs }) => attrs['type'] === 'chat')).toHaveLength(1);
  });
});

test('an allow list of nonsense is an error of the configuration', () => {
  const config = {
    host: '127.0.0.1',
    port: 1,
    componentDomain: COMPONENT,
    secret: 's',
    domains: ['xmpp.example'],
  };
  expect(() => createXmppGateway({ ...config, files: { allow: ['10.0.0.0/99'] } })).toThrow(XmppConfigError);
});
