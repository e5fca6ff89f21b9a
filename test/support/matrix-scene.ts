// The scene of the live tests: Alice behind a relay, Dave and Erin at the real homeserver, the gateway between them.

import { randomBytes } from 'node:crypto';
import type { Preset } from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMatrixGateway } from '../../adapters/matrix/gateway.ts';
import type { MatrixGatewayConfig } from '../../adapters/matrix/gateway.ts';
import type { MatrixServer } from '../../scripts/stack/description.ts';
import type { Gateway } from '../../src/sap/port.ts';
import { parseDomain, serviceAddress, userAddress } from '../../src/wv/address.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { Domain, MessageId, UserAddress } from '../../src/wv/ids.ts';
import type { SendMessageRequest } from '../../src/wv/primitives.ts';
import { eventually } from './eventually.ts';
import { LiveUser, liveConfig, liveHomeserver } from './matrix-live.ts';
import { HOME, TestRelay } from './matrix-relay.ts';

export const PSEUDO_DOMAIN = parseDomain('matrix.wv.example') as Domain;

const found = await liveHomeserver();

/** A suite that needs the homeserver: skipped without it, unless WVGATE_REQUIRE_LIVE=1 says that it must be there. */
export function onSynapse(name: string, tests: (scene: Scene) => void): void {
  if (typeof found !== 'string') {
    describe(`${name}, on Synapse ${found.version}`, () => tests(new Scene(found)));
  } else if (process.env['WVGATE_REQUIRE_LIVE'] === '1') {
    it('has a homeserver to run against', () => expect.fail(`Synapse is missing: ${found}`));
  } else {
    describe.skip(`${name} (${found})`, () => it('runs', () => undefined));
  }
}

/** New in every test, but for the users. */
export class Scene {
  readonly server: MatrixServer;
  readonly daveAddress: UserAddress;
  #dave: LiveUser | undefined;
  #erin: LiveUser | undefined;
  #gateway: Gateway | undefined;
  relay = new TestRelay();
  /** A user without history. */
  alice = userAddress('alice', HOME);
  /** Her Matrix id. */
  ghost = '';

  constructor(server: MatrixServer) {
    this.server = server;
    this.daveAddress = userAddress(`dave@${server.serverName}`, PSEUDO_DOMAIN);
    beforeAll(async () => {
      [this.#dave, this.#erin] = await Promise.all([
        LiveUser.login(server, 'dave'),
        LiveUser.login(server, 'erin'),
      ]);
    });
    afterAll(async () => {
      await Promise.all([this.dave.logout(), this.erin.logout()]);
    });
    beforeEach(async () => {
      const name = `alice${randomBytes(4).toString('hex')}`;
      this.alice = userAddress(name, HOME);
      this.ghost = `@${server.registrations.test.prefix}${name}:${server.serverName}`;
      await this.begin(new TestRelay());
    });
    afterEach(async () => {
      await this.gateway.stop();
      expect(this.relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    });
  }

  get dave(): LiveUser {
    return present(this.#dave);
  }

  get erin(): LiveUser {
    return present(this.#erin);
  }

  get gateway(): Gateway {
    return present(this.#gateway);
  }

  config(more: Partial<MatrixGatewayConfig> = {}): MatrixGatewayConfig {
    return liveConfig(this.server, more);
  }

  /** Starts a gateway before a relay; the one before must have been stopped. */
  async begin(relay: TestRelay): Promise<void> {
    this.relay = relay;
    relay.users.set(this.alice, 'Alice in Wonderland');
    this.#gateway = createMatrixGateway(this.config());
    await this.gateway.start(relay);
    // Synapse may still hold a connection to the gateway before: its ping is then answered at the second try.
    await eventually('the link', () => this.gateway.health() === 'up');
  }

  /** A message of Alice to Dave, as the relay's outbox hands it over. */
  message(text: string, more: Partial<SendMessageRequest> = {}): SendMessageRequest {
    return {
      primitive: 'SendMessageRequest',
      meta: { service: serviceAddress(HOME), user: this.alice },
      deliveryReport: false,
      message: {
        id: trusted<MessageId>(randomBytes(9).toString('hex')),
        sender: { kind: 'user', user: this.alice },
        recipients: [{ kind: 'user', user: this.daveAddress }],
        sentAt: Date.now(),
        expiresAt: Date.now() + 60_000,
        content: { contentType: 'text/plain', encoding: 'none', data: text },
      },
      ...more,
    };
  }

  /** The code of the answer. */
  async send(request: SendMessageRequest): Promise<number> {
    const answer = await this.gateway.request(request);
    return 'result' in answer ? answer.result.code : 0;
  }

  /** Dave invites Alice's ghost to a direct chat, and she comes. Returns the room. */
  async daveStartsChat(): Promise<string> {
    const { room_id: room } = await this.dave.client.createRoom({
      is_direct: true,
      invite: [this.ghost],
      preset: 'private_chat' as Preset,
    });
    await eventually('the ghost joined', () => this.ghostMembership(room) === 'join');
    return room;
  }

  /** Dave follows the ghost's invitation. Returns the room. */
  async daveJoins(): Promise<string> {
    const room = await this.dave.invitedBy(this.ghost);
    await this.dave.client.joinRoom(room);
    await eventually('Dave is in', () => this.dave.client.getRoom(room)?.getMyMembership() === 'join');
    return room;
  }

  /** How the ghost stands in a room, as Dave sees it. */
  ghostMembership(room: string, ghost: string = this.ghost): string | undefined {
    return this.dave.client.getRoom(room)?.getMember(ghost)?.membership;
  }

  /** What the gateway wrote down about Alice's portal. */
  async portalState(): Promise<string | undefined> {
    const [row] = await this.relay.storage.list(`portal ${this.alice} `);
    return row === undefined ? undefined : (JSON.parse(row[1]) as { state: string }).state;
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('the scene is not set');
  return value;
}

/** For `eventually`: an empty list is not yet an answer. */
export function nonEmpty<T>(list: readonly T[]): readonly [T, ...T[]] | undefined {
  return list.length > 0 ? (list as readonly [T, ...T[]]) : undefined;
}
