// The real XMPP servers of the test stack and a gateway attached to one of them.

import { randomBytes } from 'node:crypto';
import { createXmppGateway } from '../../adapters/xmpp/gateway.ts';
import type { XmppGatewayConfig } from '../../adapters/xmpp/config.ts';
import { stackUp } from '../../scripts/stack/control.ts';
import type { XmppServer } from '../../scripts/stack/description.ts';
import type { UserAddress } from '../../src/wv/ids.ts';
import { trusted } from '../../src/wv/ids.ts';
import type { Gateway } from '../../src/sap/port.ts';
import { FakeRelay } from './xmpp-relay.ts';
import { eventually } from './eventually.ts';

const NAMES = ['prosody', 'ejabberd'] as const;
export type XmppServerName = (typeof NAMES)[number];

export interface LiveServer {
  readonly name: XmppServerName;
  readonly server: XmppServer | undefined;
  /** For the name of the suite: why it is skipped, or ''. */
  readonly missing: string;
}

/** Both servers, brought up when they can be. With WVGATE_REQUIRE_LIVE=1 a missing one is an error. */
export async function liveServers(): Promise<readonly LiveServer[]> {
  const required = process.env['WVGATE_REQUIRE_LIVE'] === '1';
  const stack = await stackUp({ only: NAMES, consent: () => Promise.resolve(required) });
  return NAMES.map((name) => {
    const server = stack[name];
    const reason = stack.missing[name] ?? 'not running';
    if (server === undefined && required) throw new Error(`${name}: ${reason}`);
    return { name, server, missing: server === undefined ? ` (skipped: ${reason})` : '' };
  });
}

export class LiveGateway {
  readonly server: XmppServer;
  readonly relay: FakeRelay;
  readonly gateway: Gateway;

  private constructor(server: XmppServer, relay: FakeRelay, gateway: Gateway) {
    this.server = server;
    this.relay = relay;
    this.gateway = gateway;
  }

  /** Attaches a gateway as the `test` component and waits until it is online. */
  static async start(
    server: XmppServer,
    changes: Partial<XmppGatewayConfig> = {},
    relay: FakeRelay = new FakeRelay(),
  ): Promise<LiveGateway> {
    const { domain, secret } = server.components.test;
    const gateway = createXmppGateway({
      host: server.host,
      port: server.componentPort,
      componentDomain: domain,
      secret,
      domains: [server.domain],
      pseudoDomain: 'xmpp.wv.example',
      reconnect: { minDelayMs: 100, maxDelayMs: 500 },
      presenceCoalesceMs: 50,
      presenceWaitMs: 1_000,
      ...changes,
    });
    const live = new LiveGateway(server, relay, gateway);
    await gateway.start(relay);
    await eventually('the component is online', () => gateway.health() === 'up');
    return live;
  }

  /** A new account, with a name nobody had before: servers remember subscriptions from earlier runs. */
  newUser(name: string): { readonly user: UserAddress; readonly jid: string } {
    const unique = `${name}-${randomBytes(4).toString('hex')}`;
    return { user: this.relay.account(unique, name), jid: `${unique}@${this.server.components.test.domain}` };
  }

  /** The WV address of an account of the server. */
  contact(name: string): UserAddress {
    return trusted<UserAddress>(`wv:${name}@${this.server.domain}`);
  }
}
