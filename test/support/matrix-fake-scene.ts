// The scene of tests before the scripted homeserver: Alice behind a relay, Dave in a room with her ghost, the gateway
// between them.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect } from 'vitest';
import { createMatrixGateway } from '../../adapters/matrix/gateway.ts';
import type { MatrixGatewayConfig } from '../../adapters/matrix/gateway.ts';
import { generateRegistration, parseRegistration } from '../../adapters/matrix/registration.ts';
import type { Gateway } from '../../src/sap/port.ts';
import { parseDomain, serviceAddress, userAddress } from '../../src/wv/address.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { Domain, MessageId } from '../../src/wv/ids.ts';
import type { MessageContent } from '../../src/wv/message.ts';
import type { DeliveryStatusReport, SendMessageRequest } from '../../src/wv/primitives.ts';
import { OK } from '../../src/wv/status.ts';
import type { Result } from '../../src/wv/status.ts';
import { eventually } from './eventually.ts';
import { FakeHomeserver, SERVER_NAME } from './matrix-homeserver.ts';
import { HOME, TestRelay } from './matrix-relay.ts';

export const ALICE = userAddress('alice', HOME);
export const GHOST = `@_impst_alice:${SERVER_NAME}`;
export const DAVE = userAddress(`dave@${SERVER_NAME}`, parseDomain('matrix.wv.example') as Domain);
export const DAVE_ID = `@dave:${SERVER_NAME}`;
/** The room that is made by the first message. */
export const ROOM = '!room1:hs.test';

export const plain = (data: string): MessageContent => ({
  contentType: 'text/plain',
  encoding: 'none',
  data,
});

export const file = (contentType: string, octets: Buffer): MessageContent => ({
  contentType,
  encoding: 'base64',
  data: octets.toString('base64'),
});

export type PushedEvent = Readonly<Record<string, unknown>> & { readonly event_id: string };

/** New in every test. */
export class FakeScene {
  homeserver = new FakeHomeserver();
  relay = new TestRelay();
  #config: MatrixGatewayConfig | undefined;
  #gateway: Gateway | undefined;
  #events = 0;

  constructor(more: Partial<MatrixGatewayConfig> = {}) {
    beforeEach(async () => {
      this.homeserver = new FakeHomeserver();
      await this.homeserver.open();
      const port = await freePort();
      const options = { url: `http://127.0.0.1:${port}`, serverName: SERVER_NAME, prefix: '_impst_' };
      this.#config = {
        homeserverUrl: this.homeserver.url,
        serverName: SERVER_NAME,
        registration: parseRegistration(generateRegistration(options), 'test'),
        listen: { port },
        pseudoDomain: 'matrix.wv.example',
        retry: { tries: 2, baseDelayMs: 5, maxDelayMs: 200, timeoutMs: 1000 },
        ...more,
      };
      await this.begin(new TestRelay());
    });
    afterEach(async () => {
      await this.gateway.stop();
      await this.homeserver.close();
      expect(this.relay.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    });
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new TypeError('the scene is not set');
    return this.#gateway;
  }

  /** Starts a gateway before a relay; the one before must have been stopped. */
  async begin(relay: TestRelay, more: Partial<MatrixGatewayConfig> = {}): Promise<void> {
    this.relay = relay;
    relay.users.set(ALICE, 'Alice');
    this.#gateway = createMatrixGateway({ ...(this.#config as MatrixGatewayConfig), ...more });
    await this.gateway.start(relay);
  }

  message(id: string, content: MessageContent): SendMessageRequest {
    return {
      primitive: 'SendMessageRequest',
      meta: { service: serviceAddress(HOME), user: ALICE },
      deliveryReport: false,
      message: {
        id: trusted<MessageId>(id),
        sender: { kind: 'user', user: ALICE },
        recipients: [{ kind: 'user', user: DAVE }],
        sentAt: Date.now(),
        expiresAt: Date.now() + 60_000,
        content,
      },
    };
  }

  async send(id: string, content: MessageContent): Promise<Result> {
    const answer = await this.gateway.request(this.message(id, content));
    return 'result' in answer ? answer.result : OK;
  }

  /** What was sent into rooms, in order. */
  sent(): Readonly<Record<string, unknown>>[] {
    return [...this.homeserver.sent.values()].map(({ content }) => content);
  }

  /** What reached the relay, in order: texts, or types of files. */
  told(): string[] {
    return this.relay
      .all('SendMessageRequest')
      .map(({ message: { content } }) => (content.encoding === 'none' ? content.data : content.contentType));
  }

  /** An event of Dave's in the room. */
  fromDave(content: object, more: object = {}): PushedEvent {
    this.#events += 1;
    return {
      type: 'm.room.message',
      event_id: `$e${this.#events}`,
      room_id: ROOM,
      sender: DAVE_ID,
      origin_server_ts: Date.now(),
      content,
      ...more,
    };
  }

  /** Pushes events, one transaction, and waits until they are handled. */
  async push(...events: PushedEvent[]): Promise<void> {
    const { registration } = this.#config as MatrixGatewayConfig;
    for (const event of events) this.homeserver.events.set(event.event_id, event);
    const url = `${registration?.url}/_matrix/app/v1/transactions/t${Math.random()}`;
    const answer = await fetch(url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${registration?.hsToken}` },
      body: JSON.stringify({ events }),
    });
    expect(answer.status).toBe(200);
    await eventually('they are handled', async () => (await this.relay.storage.unhandled()).length === 0);
  }

  /** An answer of the gateway to a question of the homeserver. */
  async ask(path: string): Promise<unknown> {
    const { registration } = this.#config as MatrixGatewayConfig;
    const headers = { authorization: `Bearer ${registration?.hsToken}` };
    return await (await fetch(`${registration?.url}/_matrix/app/v1${path}`, { headers })).json();
  }

  report(id: MessageId, outcome: Result): DeliveryStatusReport {
    return {
      primitive: 'DeliveryStatusReport',
      meta: { service: serviceAddress(HOME), user: ALICE },
      messageId: id,
      sender: DAVE,
      recipient: { kind: 'user', user: ALICE },
      outcome,
      deliveredAt: Date.now(),
    };
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
