// The linked accounts of the gateway: who has one, how it stands with it, and which requests go through it.

import type {
  LinkedAccount,
  LinkedAccountNews,
  LinkedAccountState,
  RelayPort,
} from '../../../src/sap/port.ts';
import type { MessageId, UserAddress } from '../../../src/wv/ids.ts';
import type { RequestPrimitive, ResponsePrimitive, SendMessageRequest } from '../../../src/wv/primitives.ts';
import type { MatrixAddresses } from '../addresses.ts';
import type { MatrixSettings } from '../config.ts';
import { actingUserOf, countAccounts, tellRefusal } from '../../bridging/linked-accounts.ts';
import { isMatrixUserId } from '../ids.ts';
import type { MatrixUserId } from '../ids.ts';
import { reasonOf } from '../inbox.ts';
import type { Watching } from '../presence-in.ts';
import { Account } from './account.ts';
import type { AccountOwner } from './account.ts';
import type { Lane } from './lane.ts';
import { forgetOwn, ownRelay } from './own-relay.ts';
import { servedByAccount } from './requests.ts';
import type { LinkedSettings } from './settings.ts';

export interface AccountsOptions {
  readonly relay: RelayPort;
  readonly settings: MatrixSettings;
  readonly linked: LinkedSettings;
  readonly addresses: MatrixAddresses;
}

/** How a user speaks who has an account. */
export interface Speaking {
  readonly state: LinkedAccountState['state'];
  /** Undefined: he cannot, now or at all. */
  readonly lane: Lane | undefined;
}

interface Linked {
  readonly linkedAt: number;
  /** As the user gave it. */
  readonly self: string;
  readonly account: Account | undefined;
  readonly cancelStart: () => void;
  state: LinkedAccountState;
}

export class Accounts {
  readonly #options: AccountsOptions;
  /** Bounded by the server, which links no more than maxClients. */
  readonly #linked = new Map<UserAddress, Linked>();
  /** Accounts that are being ended, by user: one that follows waits. */
  readonly #ending = new Map<UserAddress, Promise<void>>();
  #unfollow: () => void = () => undefined;
  #nextStart = 0;

  constructor(options: AccountsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#unfollow = this.#options.relay.linkedAccounts.follow({
      changed: (news) => this.#heard(news),
      listsChanged: (user) => this.#linked.get(user)?.account?.showSoon(),
    });
  }

  async stop(): Promise<void> {
    this.#unfollow();
    const linked = [...this.#linked.values()];
    for (const { cancelStart } of linked) cancelStart();
    await Promise.all([...linked.map(({ account }) => account?.stop()), ...this.#ending.values()]);
    this.#linked.clear();
  }

  /** The account of the user of ours whom a request is about; undefined when he has none. */
  speaking(request: RequestPrimitive): Speaking | undefined {
    if (this.#linked.size === 0) return undefined;
    const user = actingUserOf(request);
    const linked = user === undefined ? undefined : this.#linked.get(user);
    return linked === undefined ? undefined : { state: linked.state.state, lane: linked.account?.lane };
  }

  /** The WV users who linked an account. */
  linkedBy(account: MatrixUserId): readonly UserAddress[] {
    return [...this.#linked].filter(([, { self }]) => self === account).map(([user]) => user);
  }

  /** Serves a request of a user who has an account; undefined for what is not the account's business. */
  async serve(
    request: RequestPrimitive,
    ghosts: Pick<Watching, 'unsubscribe'>,
  ): Promise<ResponsePrimitive | undefined> {
    const speaking = this.speaking(request);
    if (speaking === undefined) return undefined;
    const cameThrough = (user: UserAddress, id: MessageId) => this.#cameThrough(user, id);
    return await servedByAccount(speaking, request, { ghosts, cameThrough });
  }

  /** The relay has done with a message, whatever became of it. */
  async concluded(request: SendMessageRequest): Promise<void> {
    await this.speaking(request)?.lane?.outbound.concluded(request);
  }

  async #cameThrough(user: UserAddress, id: MessageId): Promise<boolean> {
    return (await ownRelay(this.#options.relay, user).storage.remoteOf(id)) !== undefined;
  }

  #heard({ user, account }: LinkedAccountNews): void {
    const before = this.#linked.get(user);
    this.#linked.delete(user);
    before?.cancelStart();
    if (account === undefined) this.#end(user, before?.account);
    else this.#begin(account, before?.account);
    this.#count();
  }

  #begin(linked: LinkedAccount, before: Account | undefined): void {
    const { relay, settings, addresses, linked: limits } = this.#options;
    const { user, linkedAt } = linked;
    const owner = this.#ownerOf(linked);
    const isWrong = 'reason' in owner;
    const account: Account | undefined = isWrong
      ? undefined
      : new Account({
          owner,
          settings,
          maxChats: limits.maxChats,
          addresses,
          relay: ownRelay(relay, user),
          onState: (state) => {
            if (this.#linked.get(user)?.account === account) this.#stateChanged(user, state);
          },
        });
    const begin = async (): Promise<void> => {
      await before?.stop();
      await this.#ending.get(user);
      if (this.#linked.get(user)?.account === account) account?.start();
    };
    const cancelStart = relay.clock.after(this.#startDelay(), () => this.#guarded('start', begin()));
    this.#linked.set(user, {
      account,
      self: linked.account,
      linkedAt,
      cancelStart,
      state: { state: 'connecting' },
    });
    if (isWrong) this.#stateChanged(user, { state: 'refused', reason: owner.reason });
  }

  /** After the account nothing of it is left, and the user speaks as his ghost again. */
  #end(user: UserAddress, account: Account | undefined): void {
    const { relay } = this.#options;
    const ending = async (): Promise<void> => {
      await account?.end();
      await forgetOwn(relay.storage, user);
      await relay.storage.delete(toldKey(user));
      relay.linkedAccounts.becameUsable(user);
    };
    const ended = ending().finally(() => this.#ending.delete(user));
    this.#ending.set(user, ended);
    this.#guarded('unlinking', ended);
  }

  #ownerOf({ user, account, password, token }: LinkedAccount): AccountOwner | { readonly reason: string } {
    const { addresses, linked } = this.#options;
    if (!isMatrixUserId(account)) return { reason: `${account} is not a Matrix user id` };
    if (addresses.isRefused(account)) return { reason: `${account} belongs to a bridge` };
    const server = account.slice(account.indexOf(':') + 1);
    const homeserver = linked.homeservers.find(({ serverName }) => serverName === server);
    if (homeserver === undefined) return { reason: `accounts of ${server} cannot be linked here` };
    const secret = token === undefined ? password : token;
    if (secret === undefined) return { reason: 'its password cannot be read any more' };
    return {
      user,
      self: account,
      homeserver,
      secret: token === undefined ? { password: secret } : { token: secret },
    };
  }

  #stateChanged(user: UserAddress, state: LinkedAccountState): void {
    const linked = this.#linked.get(user);
    if (linked === undefined) return;
    linked.state = state;
    this.#options.relay.linkedAccounts.report(user, state);
    this.#count();
    if (state.state === 'refused') this.#guarded('telling', this.#tell(user, linked.linkedAt, state.reason));
  }

  /** Spreads what starts at the same time, in ms. */
  #startDelay(): number {
    const { relay, linked } = this.#options;
    const now = relay.clock.now();
    const at = Math.max(now, this.#nextStart);
    this.#nextStart = at + 1_000 / linked.startsPerSecond;
    return at - now;
  }

  #guarded(what: string, task: Promise<void>): void {
    task.catch((error: unknown) => {
      this.#options.relay.log.error({ what, error: reasonOf(error) }, 'matrix: a linked account failed');
    });
  }

  #tell(user: UserAddress, linkedAt: number, reason: string | undefined): Promise<void> {
    return tellRefusal(this.#options.relay, toldKey(user), { user, network: 'Matrix', linkedAt, reason });
  }

  #count(): void {
    countAccounts(this.#options.relay.metrics, 'matrix_linked_accounts', this.#linked.values());
  }
}

function toldKey(user: UserAddress): string {
  return `refused ${user}`;
}
