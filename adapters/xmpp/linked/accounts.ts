// The linked accounts of one XMPP server's gateway: who has one, and through which stream he speaks.

import type { LinkedAccount, LinkedAccountNews, LinkedAccountState } from '../../../src/sap/port.ts';
import type { UserAddress } from '../../../src/wv/ids.ts';
import type { RequestPrimitive } from '../../../src/wv/primitives.ts';
import { actingUserOf, countAccounts, tellRefusal } from '../../bridging/linked-accounts.ts';
import { isUnmappable } from '../addresses.ts';
import { guarded } from '../bridge.ts';
import type { Bridge } from '../bridge.ts';
import type { ChatMemory } from '../chat-memory.ts';
import type { Incoming } from '../component-link.ts';
import { Inbox } from '../inbox.ts';
import { parseJid } from '../jid.ts';
import { Pacer } from '../pacer.ts';
import { Account } from './account.ts';
import type { AccountOwner } from './account.ts';
import { openClientStream } from './account-link.ts';
import type { OpenAccountStream } from './account-link.ts';
import type { LinkedSettings } from './settings.ts';

export interface AccountsHandlers {
  /** A user speaks through his account from now on, or no longer. */
  changed(user: UserAddress): void;
  inRoom(incoming: Incoming): boolean;
  /** The account can be used. */
  online(user: UserAddress): void;
  /** The account's stream is gone. */
  offline(user: UserAddress): void;
}

export interface Linked {
  readonly linkedAt: number;
  readonly account: Account | undefined;
  state: LinkedAccountState;
}

export class Accounts {
  readonly #bridge: Bridge;
  readonly #settings: LinkedSettings;
  readonly #memory: ChatMemory;
  readonly #handlers: AccountsHandlers;
  readonly #open: OpenAccountStream;
  readonly #starts: Pacer;
  /** Bounded by the server, which links no more than maxClients. */
  readonly #linked = new Map<UserAddress, Linked>();
  #unfollow: () => void = () => undefined;

  constructor(
    bridge: Bridge,
    settings: LinkedSettings,
    memory: ChatMemory,
    handlers: AccountsHandlers,
    open: OpenAccountStream = openClientStream,
  ) {
    this.#bridge = bridge;
    this.#settings = settings;
    this.#memory = memory;
    this.#handlers = handlers;
    this.#open = open;
    this.#starts = new Pacer(bridge.relay.clock, settings.startsPerSecond, settings.maxClients);
  }

  start(): void {
    this.#unfollow = this.#bridge.relay.linkedAccounts.follow({
      changed: (news) => this.#heard(news),
      listsChanged: (user, groups) => this.#linked.get(user)?.account?.listsChanged(groups),
    });
  }

  async stop(): Promise<void> {
    this.#unfollow();
    this.#starts.clear();
    await Promise.all([...this.#linked.values()].flatMap(({ account }) => account?.stop() ?? []));
    this.#linked.clear();
  }

  /** Undefined: the user speaks as himself, below the component. */
  of(user: UserAddress): Linked | undefined {
    return this.#linked.get(user);
  }

  /** The account of the user of ours that a request comes from. */
  speaking(request: RequestPrimitive): Linked | undefined {
    if (this.#linked.size === 0) return undefined;
    const user = ourUserOf(request);
    return user === undefined ? undefined : this.#linked.get(user);
  }

  #heard({ user, account }: LinkedAccountNews): void {
    const before = this.#linked.get(user);
    this.#linked.delete(user);
    // Another account may follow it: what this one had read is not for that one.
    if (before?.account !== undefined) guarded(this.#bridge, 'unlinking', before.account.end());
    if (account !== undefined) this.#begin(account);
    else guarded(this.#bridge, 'unlinking', this.#forget(user));
    this.#handlers.changed(user);
    this.#count();
  }

  /** Also what an account of an earlier run left. */
  async #forget(user: UserAddress): Promise<void> {
    const { relay, settings } = this.#bridge;
    await new Inbox(relay, settings, user).clear();
    await relay.storage.delete(toldKey(user));
  }

  #begin(linked: LinkedAccount): void {
    const { user, linkedAt } = linked;
    const owner = this.#ownerOf(linked);
    if ('reason' in owner) {
      this.#linked.set(user, { account: undefined, linkedAt, state: { state: 'connecting' } });
      return this.#stateChanged(user, { state: 'refused', reason: owner.reason });
    }
    const account: Account = new Account(
      owner,
      this.#bridge,
      this.#settings,
      this.#memory,
      {
        state: (state) => {
          if (this.#linked.get(user)?.account === account) this.#stateChanged(user, state);
        },
        inRoom: (incoming) => this.#handlers.inRoom(incoming),
        offline: () => this.#handlers.offline(user),
      },
      this.#open,
    );
    this.#linked.set(user, { account, linkedAt, state: { state: 'connecting' } });
    this.#starts.run(user, () => {
      if (this.#linked.get(user)?.account === account)
        guarded(this.#bridge, 'linked account', account.start());
    });
    return undefined;
  }

  #ownerOf({ user, account, password, token }: LinkedAccount): AccountOwner | { readonly reason: string } {
    const jid = parseJid(account);
    if (jid === undefined || jid.local === '')
      return { reason: `${account} is not the address of an account` };
    const server = this.#settings.servers.find(({ domain }) => domain === jid.domain);
    if (server === undefined) return { reason: `accounts of ${jid.domain} cannot be linked here` };
    if (token !== undefined) return { reason: 'XMPP knows no tokens, but passwords' };
    if (password === undefined) return { reason: 'its password cannot be read any more' };
    const address = this.#bridge.codec.foreignUser(jid);
    const userJid = this.#bridge.codec.localJid(user);
    if (isUnmappable(address)) return { reason: address.reason };
    if (isUnmappable(userJid)) return { reason: userJid.reason };
    return { user, userJid, account: { ...jid, resource: '' }, password, server, address };
  }

  #stateChanged(user: UserAddress, state: LinkedAccountState): void {
    const linked = this.#linked.get(user);
    if (linked === undefined) return;
    linked.state = state;
    if (state.state === 'online') this.#handlers.online(user);
    const { linkedAccounts } = this.#bridge.relay;
    linkedAccounts.report(user, state);
    this.#count();
    if (state.state === 'refused')
      guarded(this.#bridge, 'telling about an account', this.#tell(user, linked.linkedAt, state.reason));
  }

  #tell(user: UserAddress, linkedAt: number, reason: string | undefined): Promise<void> {
    return tellRefusal(this.#bridge.relay, toldKey(user), { user, network: 'XMPP', linkedAt, reason });
  }

  #count(): void {
    countAccounts(this.#bridge.relay.metrics, 'xmpp_linked_accounts', this.#linked.values());
  }
}

function toldKey(user: UserAddress): string {
  return `linked refused ${user}`;
}

/** The user of ours on whose behalf a request between two users is made: an account shows its presence itself. */
function ourUserOf(request: RequestPrimitive): UserAddress | undefined {
  const shows = request.primitive === 'PresenceNotification' || request.primitive === 'PresenceAuthResponse';
  return shows ? request.publisher : actingUserOf(request);
}
