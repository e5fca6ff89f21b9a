// A tap on the wire between servers: an HTTPS proxy in front of each door, with a certificate of the server behind it.
// Records every POST, lets tests meddle with it, and posts documents of its own.

import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { eventually } from '../eventually.ts';
import { pem, type TestCa } from './test-ca.ts';
import { transactionsOf, type Passed, type Transaction } from './transcript.ts';

interface Recorded extends Passed {
  outcome: number | 'closed' | 'pending';
}

/** What happens to a POST instead of passing on. */
export type Meddling =
  /** Another document arrives. */
  | { readonly kind: 'instead'; readonly body: string }
  /** It never arrives; this is answered, or the connection closed. */
  | { readonly kind: 'answer'; readonly status: number }
  | { readonly kind: 'close' }
  /** It arrives, and its HTTP answer is lost. */
  | { readonly kind: 'unanswered' }
  /** It arrives when that resolves. */
  | { readonly kind: 'later'; readonly when: Promise<void> };

export type Meddler = (passed: Passed) => Meddling | undefined;

/** One transaction on its way. */
export interface Seen extends Transaction {
  readonly from: string;
  readonly to: string;
  /** Of the whole document. */
  readonly body: string;
  readonly outcome: Passed['outcome'];
}

/** Their answers have steps of their own, or none, as when both sides begin at once. */
const SETUP: ReadonlySet<string> = new Set(['SendSecretToken', 'LoginRequest', 'LoginResponse']);
const SSP_TYPE = 'application/vnd.wv.ssp+xml';

export class WireTap {
  readonly log: Passed[] = [];
  meddler: Meddler | undefined;
  readonly #ca: TestCa;
  readonly #agent: Agent;
  readonly #doors: Server[] = [];
  readonly #ports = new Map<string, number>();

  constructor(ca: TestCa) {
    this.#ca = ca;
    this.#agent = new Agent({ keepAlive: true, ca: readFileSync(ca.cert) });
  }

  /** Where `from` finds `to`, whose door is at `port`. */
  async between(from: string, to: string, port: number): Promise<number> {
    this.#ports.set(to, port);
    const tls = pem(this.#ca.issue([to, 'localhost', '127.0.0.1']));
    const door = createServer(tls, (request, response) => {
      this.#pass({ from, to }, request, response).catch(() => response.destroy());
    });
    this.#doors.push(door);
    await new Promise<void>((resolve) => {
      door.listen(0, '127.0.0.1', resolve);
    });
    return (door.address() as AddressInfo).port;
  }

  /** Everything that passed since; `mark` is a length of `log`. */
  since(mark: number): readonly Passed[] {
    return this.log.slice(mark);
  }

  /** The transactions that passed since, one by one. */
  transactions(mark = 0): readonly Seen[] {
    return this.since(mark).flatMap(({ from, to, body, outcome }) =>
      transactionsOf(body).map((transaction) => ({ ...transaction, from, to, body, outcome })),
    );
  }

  /** The requests of a primitive that passed since. */
  requests(primitive: string, mark = 0): readonly Seen[] {
    return this.transactions(mark).filter((each) => each.mode === 'Request' && each.primitive === primitive);
  }

  /** The session in which `from` speaks to `to`. Throws when it has not spoken yet. */
  sessionOf(from: string, to: string): string {
    const spoke = this.log.findLast(
      (passed) => passed.from === from && passed.to === to && passed.body.includes('<Session '),
    );
    const id = /sessionID="([^"]+)"/.exec(spoke?.body ?? '')?.[1];
    if (id === undefined) throw new Error(`${from} has not spoken to ${to}`);
    return id;
  }

  /** Nothing is under way: each request that was taken in a session has its answer. */
  async settled(mark = 0): Promise<void> {
    const open = () => {
      const all = this.transactions(mark).filter(({ outcome }) => outcome === 'pending' || outcome === 200);
      const answered = new Set(
        all.filter(({ mode }) => mode === 'Response').map(({ to, id }) => `${to} ${id}`),
      );
      return all.filter(
        ({ mode, primitive, from, id, outcome }) =>
          outcome === 'pending' ||
          (mode === 'Request' && !SETUP.has(primitive) && !answered.has(`${from} ${id}`)),
      );
    };
    await eventually(
      () =>
        `still open: ${open()
          .map(({ primitive, id }) => `${primitive} ${id}`)
          .join()}`,
      () => open().length === 0,
    );
  }

  /** Posts a document to a door, as anybody could who has the address. Resolves with the HTTP status. */
  async post(to: string, body: string): Promise<number | 'closed'> {
    return this.#forward(to, body, { 'content-type': SSP_TYPE });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await Promise.all(
      this.#doors.splice(0).map((door) => {
        door.closeAllConnections();
        return new Promise<void>((resolve) => {
          door.close(() => resolve());
        });
      }),
    );
  }

  async #pass(
    route: Pick<Passed, 'from' | 'to'>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const passed: Recorded = {
      ...route,
      headers,
      body: Buffer.concat(parts).toString(),
      outcome: 'pending',
    };
    this.log.push(passed);
    passed.outcome = await this.#arrive(passed, this.meddler?.(passed));
    if (passed.outcome === 'closed') response.destroy();
    else response.writeHead(passed.outcome).end();
  }

  async #arrive(passed: Passed, meddling: Meddling | undefined): Promise<number | 'closed'> {
    if (meddling?.kind === 'answer') return meddling.status;
    if (meddling?.kind === 'close') return 'closed';
    if (meddling?.kind === 'later') await meddling.when;
    const body = meddling?.kind === 'instead' ? meddling.body : passed.body;
    const { 'content-length': _, host: __, ...headers } = passed.headers;
    const status = await this.#forward(passed.to, body, headers);
    return meddling?.kind === 'unanswered' ? 'closed' : status;
  }

  #forward(to: string, body: string, headers: Readonly<Record<string, string>>): Promise<number | 'closed'> {
    return new Promise((resolve) => {
      const options = {
        port: this.#ports.get(to),
        servername: to,
        method: 'POST',
        agent: this.#agent,
        headers,
      };
      const outgoing = httpsRequest({ host: '127.0.0.1', ...options }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 'closed'));
      });
      outgoing.once('error', () => resolve('closed'));
      outgoing.end(body);
    });
  }
}
