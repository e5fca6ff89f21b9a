// A linked Matrix account before a scripted homeserver: what /sync tells is what a test says it tells.

import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MatrixAddresses } from '../../adapters/matrix/addresses.ts';
import { resolveSettings } from '../../adapters/matrix/config.ts';
import type { MatrixUserId } from '../../adapters/matrix/ids.ts';
import { Account } from '../../adapters/matrix/linked/account.ts';
import { ownRelay } from '../../adapters/matrix/linked/own-relay.ts';
import { generateRegistration, parseRegistration } from '../../adapters/matrix/registration.ts';
import { NO_LINKED_ACCOUNTS } from '../../src/sap/port.ts';
import type { AccountGroup, LinkedAccountState, RelayPort } from '../../src/sap/port.ts';
import { parseDomain, userAddress } from '../../src/wv/address.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { eventually } from './eventually.ts';
import { HOME, TestRelay } from './matrix-relay.ts';

export const ALICE = userAddress('alice', HOME);
export const SELF = '@dave:hs.test';
export const ERIN_ID = '@erin:hs.test';
export const CHAT = '!chat:hs.test';
const PSEUDO = parseDomain('matrix.wv.example') as Domain;
export const ERIN = userAddress('erin@hs.test', PSEUDO);

interface Room {
  readonly members: readonly string[];
  readonly encrypted?: boolean;
  readonly create?: object;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly token: string | undefined;
}

type Answer = (asked: Asked) => object | number | undefined;

/** A homeserver with one account. An answer that is a number is an error of that status. */
export class AccountServer {
  readonly asked: Asked[] = [];
  readonly rooms = new Map<string, Room>([[CHAT, { members: [SELF, ERIN_ID] }]]);
  direct: Record<string, unknown> = { [ERIN_ID]: [CHAT] };
  password = 'sesame';
  tokens = new Set<string>();
  /** Pages of /messages, newest event first, by `from`. */
  readonly pages = new Map<string, { readonly chunk: readonly object[]; readonly end?: string }>();
  /** Statuses with which calls to come are refused, by the end of their path. */
  readonly failures = new Map<string, number[]>();
  /** Answers of syncs to come, by the token they go on from. */
  readonly #syncs = new Map<string, object>();
  #next = 0;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  all(end: string): Asked[] {
    return this.asked.filter(({ path }) => path.endsWith(end));
  }

  /** The next sync tells this; told again until the account goes on from its token. */
  tell(answer: object): void {
    this.#syncs.set(`s${this.#next}`, { ...answer, next_batch: `s${this.#next + 1}` });
    this.#next += 1;
  }

  /** Events in the chat. */
  tellEvents(events: readonly object[], timeline: object = {}): void {
    this.tell({ rooms: { join: { [CHAT]: { timeline: { events, ...timeline } } } } });
  }

  readonly #answers: readonly (readonly [RegExp, Answer])[] = [
    [/^POST .*\/login$/, (asked) => this.#login(asked)],
    [/^POST .*\/logout$/, ({ token = '' }) => (this.tokens.delete(token) ? {} : 401)],
    [/\/whoami$/, () => ({ user_id: SELF })],
    [/\/filter$/, () => ({ filter_id: 'f' })],
    [/\/messages$/, ({ query }) => this.pages.get(query.get('from') ?? '')],
    [/^GET .*\/m\.direct$/, () => this.direct],
    [/^PUT .*\/m\.direct$/, ({ body }) => (this.direct = body)],
    [/\/members$/, ({ path }) => this.#members(path.split('/').at(-2) ?? '')],
    [/\/m\.room\.encryption\/$/, ({ path }) => (this.#roomIn(path)?.encrypted === true ? {} : undefined)],
    [/\/m\.room\.create\/$/, ({ path }) => this.#roomIn(path)?.create ?? {}],
    [/\/joined_rooms$/, () => ({ joined_rooms: [...this.rooms.keys()] })],
    [/\/createRoom$/, ({ body }) => this.#create(body)],
    [/\/send\//, () => ({ event_id: `$sent${this.asked.length}` })],
    [/\/profile\//, () => ({ displayname: 'Erin' })],
    [/\/receipt\//, () => ({})],
  ];

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const url = new URL(request.url ?? '/', 'http://localhost');
    const text = Buffer.concat(chunks).toString('utf8');
    const asked: Asked = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
      token: request.headers.authorization?.slice('Bearer '.length),
    };
    this.asked.push(asked);
    if (!response.destroyed) await this.#answer(asked, response);
  }

  async #answer(asked: Asked, response: ServerResponse): Promise<void> {
    const failing = [...this.failures].find(([end]) => asked.path.endsWith(end))?.[1].shift();
    const isKnown = asked.path.endsWith('/login') || this.tokens.has(asked.token ?? '');
    const answer = failing ?? (isKnown ? await this.#answerOf(asked, response) : 401);
    const status = typeof answer === 'number' ? answer : answer === undefined ? 404 : 200;
    const errcode = status === 401 ? 'M_UNKNOWN_TOKEN' : 'M_FORBIDDEN';
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? answer : { errcode }));
  }

  async #answerOf(asked: Asked, response: ServerResponse): Promise<object | number | undefined> {
    if (asked.path.endsWith('/sync')) return await this.#sync(asked, response);
    return this.#answers.find(([pattern]) => pattern.test(`${asked.method} ${asked.path}`))?.[1](asked);
  }

  /** Waits, as a homeserver does, until there is something to say. */
  async #sync({ query }: Asked, response: ServerResponse): Promise<object> {
    const since = query.get('since');
    if (since === null) return { next_batch: `s${this.#next}` };
    return await eventually(
      'something to tell',
      () => this.#syncs.get(since) ?? (response.destroyed ? {} : undefined),
    );
  }

  #login({ body }: Asked): object | number {
    if (body['password'] !== this.password) return 403;
    const token = `token of ${String(body['device_id'])}`.replaceAll(' ', '-');
    this.tokens.add(token);
    return { access_token: token };
  }

  #roomIn(path: string): Room | undefined {
    return [...this.rooms].find(([id]) => path.includes(id))?.[1];
  }

  #members(room: string): object | number {
    const known = this.rooms.get(room);
    if (known === undefined) return 403;
    return {
      chunk: known.members.map((user) => ({ state_key: user, content: { membership: 'join' } })),
    };
  }

  #create({ invite, creation_content: create }: Asked['body']): object {
    const room = `!made${this.rooms.size}:hs.test`;
    this.rooms.set(room, { members: [SELF, ...(invite as string[])], create: create as object });
    return { room_id: room };
  }
}

/** Alice, who is dave. */
export class AccountScene {
  readonly server = new AccountServer();
  readonly states: LinkedAccountState[] = [];
  readonly shown: (readonly AccountGroup[])[] = [];
  readonly kept: string[] = [];
  relay = new TestRelay();
  #account: Account | undefined;

  get account(): Account {
    if (this.#account === undefined) throw new TypeError('no account was begun');
    return this.#account;
  }

  /** Starts an account before a relay; the one before must have been stopped. */
  begin(secret: { password: string } | { token: string } = { password: 'sesame' }, relay = this.relay): void {
    this.relay = relay;
    const registration = generateRegistration({ url: 'http://127.0.0.1:1', serverName: 'hs.test' });
    const settings = resolveSettings({
      homeserverUrl: this.server.url,
      serverName: 'hs.test',
      registration: parseRegistration(registration, 'test'),
      listen: { port: 1 },
      pseudoDomain: PSEUDO,
      retry: { tries: 1, baseDelayMs: 5, maxDelayMs: 50, timeoutMs: 5000 },
    });
    this.#account = new Account({
      owner: {
        user: ALICE,
        self: SELF as MatrixUserId,
        homeserver: { serverName: 'hs.test', url: this.server.url },
        secret,
      },
      settings,
      maxChats: 3,
      addresses: new MatrixAddresses({
        homeDomain: HOME,
        pseudoDomain: PSEUDO,
        serverName: 'hs.test',
        prefix: '_imps_',
        botLocalpart: '_imps_bot',
        refused: settings.bridgePatterns,
      }),
      relay: ownRelay(this.#port(relay), ALICE),
      onState: (state) => void this.states.push(state),
    });
    this.#account.start();
  }

  async online(): Promise<void> {
    await eventually('the account is online', () => this.states.at(-1)?.state === 'online');
  }

  /** What reached the phone, in order. */
  told(): string[] {
    return this.relay.all('SendMessageRequest').map(({ message: { content } }) => content.data);
  }

  #port(relay: TestRelay): RelayPort {
    const port = ownRelay(relay, 'nobody' as UserAddress);
    return {
      ...port,
      storage: relay.storage,
      linkedAccounts: {
        ...NO_LINKED_ACCOUNTS,
        keepToken: (_user, token) => Promise.resolve(void this.kept.push(token)),
        showContacts: (_user, groups) => {
          this.shown.push(groups);
          return Promise.resolve({ code: 200 });
        },
      },
    };
  }
}

let events = 0;

/** An event as a sync tells it. */
export function fromErin(body: string, more: object = {}): object {
  events += 1;
  return {
    type: 'm.room.message',
    event_id: `$l${events}`,
    sender: ERIN_ID,
    origin_server_ts: Date.now(),
    content: { msgtype: 'm.text', body },
    ...more,
  };
}
