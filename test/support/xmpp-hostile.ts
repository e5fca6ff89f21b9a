// The whole XMPP gateway on a stream whose other end says whatever a test wants.

import { createXmppGateway } from '../../adapters/xmpp/gateway.ts';
import type { XmppGatewayConfig } from '../../adapters/xmpp/config.ts';
import type { Gateway } from '../../src/sap/port.ts';
import { cpuTime } from './cpu-time.ts';
import { eventually } from './eventually.ts';
import { COMPONENT } from './xmpp-bridge.ts';
import { FakeRelay } from './xmpp-relay.ts';
import { FakeXmppServer } from './xmpp-server.ts';

export const GROUPS = 'groups.imps.xmpp.example';
export const ALICE = `alice@${COMPONENT}`;

/** From bob to alice. */
export const ADDRESSES = `from="bob@xmpp.example/desk" to="${ALICE}"`;

export class HostileServer {
  readonly server: FakeXmppServer;
  readonly relay: FakeRelay;
  readonly gateway: Gateway;
  #serial = 0;

  private constructor(server: FakeXmppServer, relay: FakeRelay, gateway: Gateway) {
    this.server = server;
    this.relay = relay;
    this.gateway = gateway;
  }

  /** Alice has an account. */
  static async start(changes: Partial<XmppGatewayConfig> = {}): Promise<HostileServer> {
    const server = await FakeXmppServer.start({ secret: 'secret' });
    const relay = new FakeRelay();
    relay.account('alice');
    const gateway = createXmppGateway({
      host: '127.0.0.1',
      port: server.port,
      componentDomain: COMPONENT,
      secret: 'secret',
      domains: ['xmpp.example'],
      groupDomains: ['muc.xmpp.example'],
      pseudoDomain: 'xmpp.wv.example',
      reconnect: { minDelayMs: 10, maxDelayMs: 40 },
      ...changes,
    });
    await gateway.start(relay);
    return new HostileServer(server, relay, gateway);
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.server.stop();
  }

  /** Sends text, then a version request, and waits for its answer: all before it has been read then. */
  async says(text: string | Buffer): Promise<void> {
    this.server.sockets.at(-1)?.write(text);
    await this.settled();
  }

  /** Everything sent until now has been read. */
  async settled(): Promise<void> {
    this.#serial += 1;
    const id = `settled-${this.#serial}`;
    this.server.send(
      `<iq type="get" id="${id}" from="eve@xmpp.example/x" to="${COMPONENT}"><query xmlns="jabber:iq:version"/></iq>`,
    );
    await eventually('what was sent has been read', () => this.server.text.includes(`id="${id}"`), 30_000);
  }

  /** The processor time that it takes us to read a text, ms: this thread's, which also writes it. */
  async costOf(text: string | Buffer): Promise<number> {
    await this.settled();
    const before = cpuTime();
    await this.says(text);
    return cpuTime() - before;
  }

  /** What the gateway wrote from now on, asked for later. */
  listen(): () => string {
    const from = this.server.text.length;
    return () => this.server.text.slice(from);
  }

  /** Failures that are bugs, by what the gateway logged and counted. */
  get failures(): readonly string[] {
    return this.relay.lines.filter(({ level }) => level === 'error').map(({ text }) => text);
  }

  dropped(reason: string): number {
    return this.relay.counts.get(`xmpp_stanzas_dropped_total ${reason}`) ?? 0;
  }
}
