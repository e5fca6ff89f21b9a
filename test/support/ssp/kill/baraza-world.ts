// A server of ours as a process of its own and the scripted Baraza, each document between them passing a proxy that may
// kill either of them; ann here, bob there.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { eventually } from '../../eventually.ts';
import { freePorts, GatewayProcess, whole } from '../../kill/gateway-process.ts';
import { Ledger } from '../../kill/ledger.ts';
import { seeded } from '../../kill/random.ts';
import { startBarazaPeer, type BarazaPeer } from '../baraza/peer.ts';
import { SspProxy } from '../ssp-proxy.ts';
import { freePort } from '../two-houses.ts';
import { FederatedPerson, PASSWORD, type Addressee } from './person.ts';

const [OURS, THEIRS] = ['a.kill', 'b.kill'];
const ANN = 'ann';
export const BOB: Addressee = { name: 'bob', user: `wv:bob@${THEIRS}` };
/** Seconds a server of ours waits for an answer that may never come. */
const REQUEST_SECONDS = 2;

export class BarazaWorld {
  readonly ledger: Ledger;
  readonly process: GatewayProcess;
  readonly ann: FederatedPerson;
  readonly baraza: BarazaPeer;
  /** What it sends, and what we send. */
  readonly proxies: { readonly theirs: SspProxy; readonly ours: SspProxy };
  readonly folder: string;
  /** It may have taken something without our knowing: what bob gets twice now is its own doing. */
  isInDoubt = false;
  readonly #shown = new Set<string>();
  #kills = 0;
  #bobSent = 0;
  #harvested = 0;

  private constructor(
    made: Pick<BarazaWorld, 'ledger' | 'process' | 'baraza' | 'proxies' | 'folder' | 'ann'>,
  ) {
    this.ledger = made.ledger;
    this.process = made.process;
    this.baraza = made.baraza;
    this.proxies = made.proxies;
    this.folder = made.folder;
    this.ann = made.ann;
  }

  static async start(seed: number): Promise<BarazaWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'wvgate-baraza-kill-'));
    const asked = new Map<string, string>();
    const port = await freePort();
    const theirs = await SspProxy.start(port, asked);
    const baraza = await startBarazaPeer({
      domain: THEIRS,
      peer: { domain: OURS, url: `http://127.0.0.1:${theirs.port}/` },
      users: [BOB.name],
      firstId: 501,
      retryMs: 50,
    });
    const ours = await SspProxy.start(Number(new URL(baraza.url).port), asked);
    const process = new GatewayProcess(
      folder,
      whole({
        domain: OURS,
        users: [{ name: ANN, password: PASSWORD }],
        login: { userBurst: 1_000, sourceBurst: 1_000 },
        session: { pollMin: 1 },
        log: { level: 'debug' },
        listen: { ssp: { port } },
        ssp: {
          discovery: { enabled: false },
          requestSeconds: REQUEST_SECONDS,
          peers: [{ domain: THEIRS, url: `http://127.0.0.1:${ours.port}/`, allowPlain: true }],
        },
      }),
      await freePorts(),
    );
    process.start();
    await process.ready();
    let world: BarazaWorld | undefined;
    const ledger = new Ledger('baraza');
    const ann = await FederatedPerson.login({
      name: ANN,
      domain: OURS,
      url: process.url,
      encoding: 'wbxml',
      ledger,
      random: seeded(seed),
      kills: () => world?.kills ?? 0,
    });
    world = new BarazaWorld({ ledger, process, baraza, proxies: { theirs, ours }, folder, ann });
    process.onCrash = (how) => ledger.violation(`our server ended by itself: ${how}`);
    return world;
  }

  get kills(): number {
    return this.#kills;
  }

  /** kill -9 of ours, and a new start at once. */
  async killOurs(): Promise<void> {
    // Twice: what was on its way to ann arrives while it dies.
    this.#kills += 1;
    await this.process.kill();
    this.#kills += 1;
    this.process.start();
  }

  /** The same of theirs: it comes back with all that it knew, or with nothing. */
  async killTheirs(forget: boolean): Promise<void> {
    this.harvest();
    await this.baraza.kill();
    this.harvest();
    await this.baraza.restart({ forget });
    if (forget) this.#harvested = 0;
  }

  /** Resolves when it is on our disk that the other side took what it answers here. */
  async noted(body: string): Promise<void> {
    const id = /transactionID="([^"]*)"/.exec(body)?.[1] ?? '';
    const database = new DatabaseSync(join(this.folder, 'data', 'wvgate.sqlite'), { readOnly: true });
    const note = database.prepare('SELECT 1 FROM gateway_values WHERE key = ?');
    try {
      await eventually(
        () => `${id} noted as taken`,
        () => note.get(`taken ${id}`) !== undefined,
      );
    } finally {
      database.close();
    }
  }

  bobWrites(): void {
    const flow = { from: BOB.name, to: ANN };
    this.#bobSent += 1;
    this.baraza.sendMessage(BOB.name, [`wv:${ANN}@${OURS}`], this.ledger.text(flow, this.#bobSent));
    this.ledger.noteAccepted(flow);
  }

  /** Takes into the books what reached bob since the last time. */
  harvest(): void {
    const received = this.baraza.received(BOB.name);
    for (const { text } of received.slice(this.#harvested)) {
      if (!this.isInDoubt || !this.#shown.has(text)) this.ledger.noteArrived(BOB.name, text);
      this.#shown.add(text);
    }
    this.#harvested = received.length;
  }

  async stop(): Promise<readonly string[]> {
    await this.ann.close().catch((error: unknown) => this.ledger.violation(String(error)));
    const how = await this.process.stop();
    if (how !== '0') this.ledger.violation(`ours did not stop in order: ${how}`);
    for (const proxy of Object.values(this.proxies)) await proxy.stop();
    await this.baraza.stop();
    const violations = this.ledger.violations();
    if (violations.length === 0) await rm(this.folder, { recursive: true, force: true });
    return violations;
  }
}
