// The link to the homeserver: whether it answers, knows us and reaches us; tried again with back-off until it does.

import type { GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import type { HomeserverClient } from './client.ts';
import type { MatrixSettings } from './config.ts';
import { HomeserverError } from './errors.ts';
import type { MatrixUserId } from './ids.ts';
import { reasonOf } from './inbox.ts';

/** Of the client-server API: the first with /v3 paths. */
const LEAST_VERSION = [1, 1] as const;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/**
 * COMPAT(Synapse): a push that it began before we listened fails up to 300 ms later, and it keeps back everything for
 * 2 s (presence is dropped); a ping ends that. Times after the connection, in ms.
 */
const SECOND_PINGS_MS = [500, 1500] as const;
const SETTLED_MS = 2000;

export interface LinkOptions {
  readonly relay: RelayPort;
  readonly client: HomeserverClient;
  readonly settings: MatrixSettings;
  readonly bot: MatrixUserId;
  /** Told each time the homeserver became usable. */
  readonly onUsable: () => void;
  /** Told a little later: whatever the homeserver held back until then has come, or will not come. */
  readonly onSettled: () => void;
}

/** A reason for the operator, in one line. */
class Trouble extends Error {
  override readonly name = 'Trouble';
}

export class HomeserverLink {
  readonly #options: LinkOptions;
  #health: GatewayHealth = 'down';
  #probing = false;
  #isUsable = false;
  #stopped = false;
  #cancelRetry: (() => void) | undefined;
  #lastComplaint = '';

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get health(): GatewayHealth {
    return this.#health;
  }

  /** Returns after the first check; it goes on in the background when that failed. */
  async start(): Promise<void> {
    await this.#probe(1);
  }

  stop(): void {
    this.#stopped = true;
    this.#health = 'down';
    this.#cancelRetry?.();
  }

  /** What each call to the homeserver tells. */
  observed(reachable: boolean): void {
    if (reachable || this.#probing || this.#health === 'down') return;
    this.#health = 'down';
    this.#isUsable = false;
    this.#retry(1);
  }

  async #probe(attempt: number): Promise<void> {
    if (this.#stopped) return;
    this.#probing = true;
    const trouble = await this.#check();
    this.#probing = false;
    if (this.#stopped) return;
    if (trouble === undefined) this.#connected();
    else this.#complain(trouble);
    if (this.#health === 'down') this.#isUsable = false;
    else this.#usable();
    if (this.#health !== 'up') this.#retry(attempt);
  }

  #retry(attempt: number): void {
    const pause =
      Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * (0.75 + Math.random() / 4);
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.relay.clock.after(pause, () => void this.#probe(attempt + 1));
  }

  #connected(): void {
    const { relay, settings } = this.#options;
    this.#health = 'up';
    this.#lastComplaint = '';
    relay.log.info({ homeserver: settings.homeserverUrl }, 'matrix: connected to the homeserver');
    relay.metrics.gauge('matrix_up', 1);
  }

  /** Degraded is usable: what waits in the relay can be sent. */
  #usable(): void {
    if (this.#isUsable) return;
    this.#isUsable = true;
    this.#options.onUsable();
    if (this.#health === 'up') this.#pingAgain();
  }

  #pingAgain(): void {
    const { client, settings, bot, relay, onSettled } = this.#options;
    relay.clock.after(SETTLED_MS, () => {
      if (!this.#stopped) onSettled();
    });
    for (const delay of SECOND_PINGS_MS) {
      relay.clock.after(delay, () => {
        if (this.#stopped) return;
        const { id } = settings.registration;
        client.ping(bot, id, relay.ids.random(12)).catch((error: unknown) => {
          relay.log.debug({ error: reasonOf(error) }, 'matrix: a second ping failed');
        });
      });
    }
  }

  /** The same complaint is not repeated at every try. */
  #complain(trouble: string): void {
    const { relay, settings } = this.#options;
    relay.metrics.gauge('matrix_up', 0);
    const fields = { homeserver: settings.homeserverUrl };
    if (trouble === this.#lastComplaint) relay.log.debug(fields, `matrix: still ${trouble}`);
    else relay.log.warn(fields, `matrix: ${trouble}`);
    this.#lastComplaint = trouble;
  }

  /** Undefined when all is well, else what is wrong. Never rejects. */
  async #check(): Promise<string | undefined> {
    try {
      await this.#checkHomeserver();
    } catch (error) {
      this.#health = 'down';
      return error instanceof Trouble ? error.message : `the check failed: ${reasonOf(error)}`;
    }
    try {
      await this.#checkWayBack();
      return undefined;
    } catch (error) {
      // Sending works, receiving does not.
      this.#health = 'degraded';
      return error instanceof Trouble ? error.message : `the check failed: ${reasonOf(error)}`;
    }
  }

  async #checkHomeserver(): Promise<void> {
    const { client, settings, bot } = this.#options;
    const url = settings.homeserverUrl;
    const versions = await client.versions(bot).catch((error: unknown) => {
      if (!(error instanceof HomeserverError) || error.status !== 0) {
        throw new Trouble(`${url} is not the client-server API of a homeserver: wrong homeserverUrl?`);
      }
      throw new Trouble(`${url} cannot be reached (${error.errcode})`);
    });
    if (!versions.some(isEnough)) {
      throw new Trouble(`${url} is too old: it speaks ${versions.at(-1) ?? 'no version'}, v1.1 is needed`);
    }
    const self = await client.whoami(bot).catch((error: unknown) => {
      if (!(error instanceof HomeserverError)) throw error;
      if (error.status === 401) {
        throw new Trouble('the homeserver refuses our as_token: has it read this registration file?');
      }
      if (error.status === 403)
        throw new Trouble(`the homeserver does not let us be ${bot}: sender_localpart?`);
      throw new Trouble(`whoami failed (${error.status} ${error.errcode})`);
    });
    if (self !== bot)
      throw new Trouble(`the homeserver says that we are ${self}, not ${bot}: wrong serverName?`);
    await this.#registerBot();
    await this.#checkNamespace();
  }

  /**
   * COMPAT(Synapse): only the words tell whether a ghost is not there yet, which is as good, or is not ours to use.
   */
  async #checkNamespace(): Promise<void> {
    const { client, settings } = this.#options;
    const ghost = `@${settings.prefix}:${settings.serverName}` as MatrixUserId;
    await client.whoami(ghost).catch((error: unknown) => {
      if (!(error instanceof HomeserverError)) throw error;
      if (error.status === 403 && /cannot masquerade/i.test(error.message)) {
        throw new Trouble(
          `${ghost} is not ours, says the homeserver: old registration file, or the namespace of another service?`,
        );
      }
    });
  }

  async #registerBot(): Promise<void> {
    const { client, bot } = this.#options;
    await client.register(bot, bot).catch((error: unknown) => {
      if (!(error instanceof HomeserverError)) throw error;
      if (error.errcode === 'M_EXCLUSIVE') {
        throw new Trouble(
          `${bot} lies outside the namespace that the homeserver knows: old registration file?`,
        );
      }
      throw new Trouble(`the bot could not be registered (${error.status} ${error.errcode})`);
    });
  }

  async #checkWayBack(): Promise<void> {
    const { client, settings, bot, relay } = this.#options;
    const { id, url } = settings.registration;
    await client.ping(bot, id, relay.ids.random(12)).catch((error: unknown) => {
      if (!(error instanceof HomeserverError)) throw error;
      // COMPAT(Matrix < 1.7): no ping.
      if (error.errcode === 'M_UNRECOGNIZED') return;
      if (error.errcode === 'M_BAD_STATUS') {
        throw new Trouble(
          `the homeserver reaches ${url}, but is refused: another hs_token, or another program?`,
        );
      }
      throw new Trouble(
        `the homeserver does not reach us at ${url} (${error.errcode}): url of the registration?`,
      );
    });
  }
}

/** `v1.11`; the `r0.…` of before 2021 is not enough. */
function isEnough(version: string): boolean {
  const [, major, minor] = /^v(\d+)\.(\d+)$/.exec(version) ?? [];
  const [leastMajor, leastMinor] = LEAST_VERSION;
  return Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor);
}
