// A relay for the XMPP gateway's tests: accounts by name, storage in memory, everything emitted kept.

import { randomBytes } from 'node:crypto';
import type { ClientId, Domain, GroupAddress, MessageId, UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { PresenceAttributes } from '../../src/wv/presence.ts';
import type { RequestName, RequestPrimitive, ResponsePrimitive } from '../../src/wv/primitives.ts';
import { status } from '../../src/wv/primitives.ts';
import { OK, result } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import type {
  Clock,
  FoundUser,
  GatewayStorage,
  InboxEvent,
  LinkedAccountsPort,
  Log,
  Metrics,
  RelayPort,
} from '../../src/sap/port.ts';
import { NO_LINKED_ACCOUNTS } from '../../src/sap/port.ts';
import { eventually } from './eventually.ts';
import { systemClock } from './system-clock.ts';

type Named<Name extends RequestName> = Extract<RequestPrimitive, { primitive: Name }>;

export const HOME = trusted<Domain>('wv.example');

/** A user of ours. */
export function wv(name: string): UserAddress {
  return trusted<UserAddress>(`wv:${name}@${HOME}`);
}

/** The semantics of the real store: link ids unique per conversation, the first link of a message counts. */
export class MemoryStorage implements GatewayStorage {
  readonly values = new Map<string, string>();
  readonly links: {
    readonly conversation: string;
    readonly remoteId: string;
    readonly messageId: MessageId;
  }[] = [];
  readonly #linked = new Map<string, MessageId>();

  async get(key: string): Promise<string | undefined> {
    await Promise.resolve();
    return this.values.get(key);
  }

  async put(key: string, value: string): Promise<void> {
    await Promise.resolve();
    this.values.set(key, value);
  }

  async delete(key: string): Promise<void> {
    await Promise.resolve();
    this.values.delete(key);
  }

  async list(prefix: string): Promise<readonly (readonly [string, string])[]> {
    await Promise.resolve();
    return [...this.values].filter(([key]) => key.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  async link(conversation: string, remoteId: string, messageId: MessageId): Promise<boolean> {
    await Promise.resolve();
    const key = JSON.stringify([conversation, remoteId]);
    if (this.#linked.has(key)) return false;
    this.#linked.set(key, messageId);
    this.links.push({ conversation, remoteId, messageId });
    return true;
  }

  async messageOf(conversation: string, remoteId: string): Promise<MessageId | undefined> {
    await Promise.resolve();
    return this.#linked.get(JSON.stringify([conversation, remoteId]));
  }

  async remoteOf(messageId: MessageId): ReturnType<GatewayStorage['remoteOf']> {
    await Promise.resolve();
    return this.links.find((link) => link.messageId === messageId);
  }

  receive(): Promise<readonly InboxEvent[]> {
    return Promise.reject(new Error('the XMPP gateway has no inbox'));
  }

  unhandled(): Promise<readonly InboxEvent[]> {
    return Promise.resolve([]);
  }

  handled(): Promise<void> {
    return Promise.resolve();
  }
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly text: string;
}

export class FakeRelay implements RelayPort {
  readonly homeDomain = HOME;
  readonly storage: MemoryStorage;
  readonly clock: Clock;
  readonly emitted: RequestPrimitive[] = [];
  readonly lines: LogLine[] = [];
  readonly counts = new Map<string, number>();
  readonly users = new Map<UserAddress, string>();
  /** Messages taken, as a recipient would see them: repeats of an id left out. */
  readonly inbox: Named<'SendMessageRequest'>[] = [];
  /** Groups that anybody may find, in order. */
  searchable: readonly GroupAddress[] = [];
  usable = 0;
  /** What GetPresence tells of a user, whoever asks. */
  readonly presence = new Map<UserAddress, PresenceAttributes>();
  /** Overrides the answer to what is emitted. */
  answer: (request: RequestPrimitive) => Result | undefined | Promise<Result | undefined> = () => undefined;

  constructor(clock: Clock = systemClock, storage: MemoryStorage = new MemoryStorage()) {
    this.clock = clock;
    this.storage = storage;
  }

  readonly ids = { random: (bytes: number) => randomBytes(bytes).toString('base64url') };

  readonly log: Log = {
    debug: (fields, text) => this.lines.push({ level: 'debug', fields, text }),
    info: (fields, text) => this.lines.push({ level: 'info', fields, text }),
    warn: (fields, text) => this.lines.push({ level: 'warn', fields, text }),
    error: (fields, text) => this.lines.push({ level: 'error', fields, text }),
  };

  readonly metrics: Metrics = {
    count: (name, labels = {}, by = 1) => {
      for (const key of [name, ...Object.values(labels).map((label) => `${name} ${label}`)]) {
        this.counts.set(key, (this.counts.get(key) ?? 0) + by);
      }
    },
    gauge: () => undefined,
    observe: () => undefined,
  };

  /** Creates an account; `show` is its display name. */
  account(name: string, show: string = name): UserAddress {
    this.users.set(wv(name), show);
    return wv(name);
  }

  async emit(request: RequestPrimitive): Promise<ResponsePrimitive> {
    this.emitted.push(request);
    const outcome = (await this.answer(request)) ?? this.#outcome(request);
    if (request.primitive === 'GetPresenceRequest') {
      const values = request.publishers.map((user) => ({ user, attributes: this.presence.get(user) ?? {} }));
      return { primitive: 'GetPresenceResponse', result: outcome, values };
    }
    if (request.primitive !== 'SendMessageRequest') return status(outcome);
    if (outcome.code === 200 && !this.#isRepeat(request)) this.inbox.push(request);
    return { primitive: 'SendMessageResponse', messageId: request.message.id, result: outcome };
  }

  userExists(user: UserAddress): Promise<boolean> {
    return Promise.resolve(this.users.has(user));
  }

  publicGroups(after: GroupAddress | undefined, limit: number): Promise<readonly GroupAddress[]> {
    const groups = this.searchable.filter((group) => after === undefined || group > after);
    return Promise.resolve(groups.slice(0, limit));
  }

  findUsers(query: string, limit: number): Promise<readonly FoundUser[]> {
    const found = [...this.users].filter(([user, name]) => `${user} ${name}`.includes(query));
    return Promise.resolve(found.slice(0, limit).map(([user, name]) => ({ user, name })));
  }

  displayName(user: UserAddress): Promise<string | undefined> {
    return Promise.resolve(this.users.get(user));
  }

  /** What the core says about a client and a group after a restart. */
  joined: (user: UserAddress, clientId: ClientId | undefined, group: GroupAddress) => boolean = () => true;

  hasJoined(user: UserAddress, clientId: ClientId | undefined, group: GroupAddress): boolean {
    return this.joined(user, clientId, group);
  }

  linkedAccounts: LinkedAccountsPort = NO_LINKED_ACCOUNTS;

  /** What the content service answers. */
  offer: string | undefined;

  fileLink(): Promise<string | undefined> {
    return Promise.resolve(this.offer);
  }

  becameUsable(): void {
    this.usable += 1;
  }

  /** Everything emitted of one kind. */
  all<Name extends RequestName>(name: Name): Named<Name>[] {
    return this.emitted.filter((request): request is Named<Name> => request.primitive === name);
  }

  /** Waits for a primitive of that kind. */
  async next<Name extends RequestName>(
    name: Name,
    matches: (request: Named<Name>) => boolean = () => true,
  ): Promise<Named<Name>> {
    return await eventually(`${name} emitted`, () => this.all(name).find(matches));
  }

  /** All its recipients have a message of that id. */
  #isRepeat({ message: { id, recipients } }: Named<'SendMessageRequest'>): boolean {
    const had = this.inbox.flatMap(({ message }) => (message.id === id ? message.recipients : []));
    const names = new Set(had.map((party) => (party.kind === 'user' ? party.user : party.group)));
    return (
      had.length > 0 &&
      recipients.every((party) => names.has(party.kind === 'user' ? party.user : party.group))
    );
  }

  #outcome(request: RequestPrimitive): Result {
    const wanted =
      request.primitive === 'SendMessageRequest'
        ? request.message.recipients.map((party) => (party.kind === 'user' ? party.user : undefined))
        : request.primitive === 'SubscribeRequest'
          ? request.publishers
          : [];
    return wanted.every((user) => user !== undefined && this.users.has(user)) ? OK : result(531);
  }
}
