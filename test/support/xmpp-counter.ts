// A gateway on a server that does as it is told, and a user of XMPP who talks with the gateway itself.

import { createXmppGateway } from '../../adapters/xmpp/gateway.ts';
import type { XmppGatewayConfig } from '../../adapters/xmpp/config.ts';
import type { Gateway } from '../../src/sap/port.ts';
import { eventually } from './eventually.ts';
import { COMPONENT } from './xmpp-bridge.ts';
import { FakeRelay } from './xmpp-relay.ts';
import { FakeXmppServer } from './xmpp-server.ts';

export class CounterScene {
  readonly server: FakeXmppServer;
  readonly relay: FakeRelay;
  readonly gateway: Gateway;
  #serial = 0;

  private constructor(server: FakeXmppServer, relay: FakeRelay, gateway: Gateway) {
    this.server = server;
    this.relay = relay;
    this.gateway = gateway;
  }

  static async start(
    changes: Partial<XmppGatewayConfig> = {},
    relay: FakeRelay = new FakeRelay(),
  ): Promise<CounterScene> {
    const server = await FakeXmppServer.start({ secret: 'secret' });
    const gateway = createXmppGateway({
      host: '127.0.0.1',
      port: server.port,
      componentDomain: COMPONENT,
      secret: 'secret',
      domains: ['xmpp.example'],
      ...changes,
    });
    await gateway.start(relay);
    await eventually('online', () => gateway.health() === 'up');
    return new CounterScene(server, relay, gateway);
  }

  /** Sends an IQ request to the gateway and waits for the text of its answer. */
  async asks(
    type: 'get' | 'set',
    payload: string,
    from = 'bob@xmpp.example/desk',
    to = COMPONENT,
  ): Promise<string> {
    this.#serial += 1;
    const id = `iq-${this.#serial}-`;
    this.server.send(`<iq type="${type}" id="${id}" from="${from}" to="${to}">${payload}</iq>`);
    return await this.sees(new RegExp(`<iq [^>]*id="${id}".*?(?:</iq>|/>(?=<iq|<message|<presence|$))`, 's'));
  }

  /** Says a line to the gateway and waits for what it says next. */
  async says(line: string, from = 'bob@xmpp.example/desk'): Promise<string> {
    const before = this.server.text.length;
    this.server.send(`<message type="chat" from="${from}" to="${COMPONENT}"><body>${line}</body></message>`);
    const match = await eventually(`an answer to ${line}`, () =>
      /<message [^>]*><body>(.*?)<\/body>/s.exec(this.server.text.slice(before)),
    );
    return match[1] ?? '';
  }

  /** Waits until the server received it. */
  async sees(pattern: RegExp): Promise<string> {
    return (await eventually(String(pattern), () => pattern.exec(this.server.text)))[0];
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.server.stop();
  }
}
