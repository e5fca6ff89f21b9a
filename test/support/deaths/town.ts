// Four WV users and four users of an XMPP server who all see each other, two of each write to each other all the time,
// while one of the two servers dies, or what is between them. The gateway is a process, and a proxy stands between it
// and the XMPP server.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { XmppServer } from '../../../scripts/stack/description.ts';
import { mucDomain } from '../../../scripts/stack/layout.ts';
import type { ConfigInput } from '../../../src/config.ts';
import { eventually } from '../eventually.ts';
import { freePorts, GatewayProcess, whole } from '../kill/gateway-process.ts';
import { Ledger } from '../kill/ledger.ts';
import type { Flow } from '../kill/ledger.ts';
import type { Names } from '../kill/person.ts';
import { seeded } from '../kill/random.ts';
import { TcpProxy } from '../tcp-proxy.ts';
import type { XmppServerName } from '../xmpp-live.ts';
import { Friend } from './friend.ts';
import { Phone } from './phone.ts';
import { mistakes, OFFLINE } from './views.ts';

const DOMAIN = 'wv.deaths';
const PASSWORD = 'deaths-secret';
/** In this order: two who write, one who goes while nobody can be told, one who comes. */
const WV = ['ann', 'bea', 'cy', 'dee'] as const;
const XMPP = ['nurse', 'mercutio', 'juliet', 'romeo'] as const;
type WvName = (typeof WV)[number];
type XmppName = (typeof XMPP)[number];
/** Messages of one friend to one phone that wait for their receipts. */
const WINDOW = 20;
/** A run that hangs ends, ms. */
const LIFETIME_MS = 600_000;

export class Town {
  readonly serverName: XmppServerName;
  readonly gateway: GatewayProcess;
  readonly proxy: TcpProxy;
  readonly ledger: Ledger;
  readonly phones: ReadonlyMap<WvName, Phone>;
  readonly friends: ReadonlyMap<XmppName, Friend>;
  readonly #folder: string;
  /** How everybody is to be seen, by WV address and by JID. */
  readonly #shown = new Map<WvName | XmppName, string>();
  readonly #numbers = new Map<string, number>();
  /** Messages accepted since `settles`. */
  #said = { phones: 0, friends: 0 };

  private constructor(
    parts: Pick<Town, 'serverName' | 'gateway' | 'proxy' | 'ledger' | 'phones' | 'friends'>,
    folder: string,
  ) {
    this.serverName = parts.serverName;
    this.gateway = parts.gateway;
    this.proxy = parts.proxy;
    this.ledger = parts.ledger;
    this.phones = parts.phones;
    this.friends = parts.friends;
    this.#folder = folder;
  }

  /** Everybody is there, and sees everybody on the other side. */
  static async found(serverName: XmppServerName, server: XmppServer): Promise<Town> {
    const run = `d${Date.now().toString(36)}`;
    const folder = await mkdtemp(join(tmpdir(), 'wvgate-deaths-'));
    const proxy = await TcpProxy.start(server.componentPort);
    const wv = WV.map((name) => citizen(`${name}${run}`, server));
    const gateway = new GatewayProcess(
      folder,
      whole(configuration(server, proxy.port, wv)),
      await freePorts(),
    );
    const ledger = new Ledger(run);
    gateway.onCrash = (how) => ledger.violation(`the gateway ended by itself: ${how}`);
    gateway.start();
    await gateway.ready();
    const friends = new Map(XMPP.map((name) => [name, new Friend(stranger(name, server), server, ledger)]));
    await Promise.all([...friends.values()].map((friend) => friend.comesOnline('<status>here</status>')));
    const surroundings = {
      ledger,
      random: seeded(1),
      ghosts: new Set<string>(),
      over: AbortSignal.timeout(LIFETIME_MS),
    };
    const watched = [...friends.values()].map(({ names }) => names.wv);
    const phones = new Map<WvName, Phone>();
    for (const [at, name] of WV.entries()) {
      const login = { url: gateway.url, password: PASSWORD };
      phones.set(name, await Phone.on(wv[at] as Names, login, surroundings, watched));
    }
    for (const friend of friends.values()) for (const { jid } of wv) await friend.subscribesTo(jid);
    const town = new Town({ serverName, gateway, proxy, ledger, phones, friends }, folder);
    for (const name of [...WV, ...XMPP]) town.#shown.set(name, 'AVAILABLE here');
    await town.seenRightly(20_000);
    return town;
  }

  phone(name: WvName): Phone {
    return this.phones.get(name) as Phone;
  }

  friend(name: XmppName): Friend {
    return this.friends.get(name) as Friend;
  }

  /** Before a disaster: one of each side is away, everybody else is there. */
  async settles(): Promise<void> {
    this.#said = { phones: 0, friends: 0 };
    await this.phone('ann').shows('AVAILABLE', 'before');
    await this.phone('cy').switchedOn();
    await this.phone('dee').switchedOff();
    await this.friend('nurse').shows('<status>before</status>');
    if (!this.friend('juliet').online) await this.friend('juliet').comesOnline('<status>here</status>');
    await this.friend('romeo').goesOffline();
    for (const name of ['bea', 'cy', 'mercutio', 'juliet'] as const) this.#shown.set(name, 'AVAILABLE here');
    for (const name of ['ann', 'nurse'] as const) this.#shown.set(name, 'AVAILABLE before');
    for (const name of ['dee', 'romeo'] as const) this.#shown.set(name, OFFLINE);
    await this.seenRightly(20_000);
  }

  /** While the other side cannot be told: one changes, one goes, one comes. */
  async phonesMove(): Promise<void> {
    await this.phone('ann').shows('DISCREET', 'meanwhile');
    await this.phone('cy').switchedOff();
    await this.phone('dee').switchedOn();
    this.#shown.set('ann', 'DISCREET meanwhile').set('cy', OFFLINE).set('dee', 'AVAILABLE here');
  }

  async friendsMove(): Promise<void> {
    await this.friend('nurse').shows('<show>dnd</show><status>meanwhile</status>');
    await this.friend('juliet').goesOffline();
    // Not waited for: perhaps the server is away.
    void this.friend('romeo').comesOnline('<status>here</status>');
    this.#shown.set('nurse', 'DISCREET meanwhile').set('juliet', OFFLINE).set('romeo', 'AVAILABLE here');
  }

  /** Resolves when everybody who is there sees everybody as he is. */
  async seenRightly(withinMs: number): Promise<void> {
    await eventually(
      () => `everybody is seen rightly: ${this.#mistakes().join('; ')}`,
      () => this.#mistakes().length === 0,
      withinMs,
    );
  }

  /** All friends who are to be there have their connections. */
  async friendsAreBack(): Promise<void> {
    const friends = [...this.friends.values()];
    await eventually('the friends are back', () => friends.every(({ wanted, online }) => wanted === online));
  }

  /** The writers write to each other, `messages` in all directions together. */
  async converse(messages: number): Promise<void> {
    const phones = [this.phone('ann'), this.phone('bea')];
    const friends = [this.friend('nurse'), this.friend('mercutio')];
    const pairs = phones.flatMap((phone) => friends.map((friend) => ({ phone, friend })));
    const each = Math.ceil(messages / (2 * pairs.length));
    await Promise.all(
      pairs.flatMap(({ phone, friend }) => [
        this.#writes(phone.names, friend.names, each, 1, (to, flow, number) =>
          phone.person.send(to, this.ledger.text(flow, number)),
        ),
        this.#writes(friend.names, phone.names, each, WINDOW, (to, flow, number) =>
          friend.send(to, flow, number),
        ),
      ]),
    );
  }

  /** Resolves when all that was accepted has arrived, and nothing waits at the gateway. */
  async drained(withinMs: number): Promise<void> {
    let waiting: number | undefined;
    await eventually(
      () => `all arrived (${this.ledger.arrived} of ${this.ledger.accepted}; ${waiting ?? '?'} wait)`,
      async () => {
        waiting = await this.gateway.waiting();
        return (waiting === 0 && this.ledger.arrived >= this.ledger.accepted) || undefined;
      },
      withinMs,
    );
  }

  /** Messages accepted since `settles`, of the side that is further. */
  get said(): number {
    return Math.max(this.#said.phones, this.#said.friends);
  }

  /** Where the gateway's log and data are; kept when something was wrong. */
  async close(): Promise<string> {
    for (const friend of this.friends.values()) await friend.close();
    for (const phone of this.phones.values()) if (phone.online) await phone.person.close();
    const how = await this.gateway.stop();
    if (how !== '0') this.ledger.violation(`the gateway did not stop in order: ${how}`);
    await this.proxy.stop();
    if (this.ledger.violations().length === 0) await rm(this.#folder, { recursive: true, force: true });
    return this.#folder;
  }

  async #writes(
    from: Names,
    to: Names,
    count: number,
    window: number,
    send: (to: Names, flow: Flow, number: number) => Promise<void>,
  ): Promise<void> {
    const flow = { from: from.name, to: to.name };
    const key = `${flow.from}>${flow.to}`;
    const first = (this.#numbers.get(key) ?? 0) + 1;
    this.#numbers.set(key, first + count - 1);
    const open = new Set<Promise<void>>();
    const side = from.wv.endsWith(DOMAIN) ? 'phones' : 'friends';
    for (let number = first; number < first + count; number++) {
      const sent: Promise<void> = send(to, flow, number).then(() => {
        this.ledger.noteAccepted(flow);
        this.#said[side] += 1;
        open.delete(sent);
      });
      open.add(sent);
      if (open.size >= window) await Promise.race(open);
    }
    await Promise.all(open);
  }

  #mistakes(): string[] {
    const jids = new Map(WV.map((name) => [this.phone(name).names.jid, this.#shown.get(name) ?? '']));
    const users = new Map(XMPP.map((name) => [this.friend(name).names.wv, this.#shown.get(name) ?? '']));
    const friends = XMPP.filter((name) => this.friend(name).wanted);
    const phones = WV.filter((name) => this.phone(name).online);
    return [
      ...friends.flatMap((name) => mistakes(name, this.friend(name).views, jids)),
      ...phones.flatMap((name) => mistakes(name, this.phone(name).views, users)),
    ];
  }
}

function citizen(name: string, server: XmppServer): Names {
  const jid = `${name}@${server.components.test.domain}`;
  return { name, wv: `wv:${name}@${DOMAIN}`, jid, matrix: '' };
}

function stranger(name: string, server: XmppServer): Names {
  const jid = `${name}@${server.domain}`;
  return { name, wv: `wv:${jid}`, jid, matrix: '' };
}

function configuration(server: XmppServer, port: number, wv: readonly Names[]): ConfigInput {
  const { domain, groups, secret } = server.components.test;
  return {
    domain: DOMAIN,
    users: wv.map(({ name }) => ({ name, password: PASSWORD })),
    session: { pollMin: 1 },
    login: { userBurst: 100, sourceBurst: 100 },
    xmpp: {
      host: '127.0.0.1',
      port,
      component: domain,
      groupsComponent: groups,
      secret,
      domains: [server.domain],
      groupDomains: [mucDomain(server.domain)],
    },
  };
}
