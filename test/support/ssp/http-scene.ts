// Doors of SSP and posters for tests: started with settings of the test, ended together.

import type { HttpEndpoint } from '../../../src/access/http-listener.ts';
import { createPoster, type PosterOptions } from '../../../src/access/ssp/http-client.ts';
import { startSspHttp, type SspHttpOptions } from '../../../src/access/ssp/http-server.ts';
import type { Acceptance, Caller, Poster } from '../../../src/access/ssp/transport.ts';
import type { Metrics } from '../../../src/ops/ports.ts';
import { Wire } from '../abuse.ts';
import { SILENT } from '../silence.ts';
import { startRawPeer, type Answering, type RawPeer } from './raw-peer.ts';

export interface Door {
  readonly port: number;
  readonly endpoint: HttpEndpoint;
  /** What the sink was given. */
  readonly taken: { readonly document: string; readonly caller: Caller }[];
}

/** Metrics as `name{values}` → count. */
export class CountedMetrics implements Metrics {
  readonly counts = new Map<string, number>();

  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = `${name}{${Object.values(labels).join()}}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  gauge(): void {}

  observe(): void {}
}

export class HttpScene {
  readonly metrics = new CountedMetrics();
  readonly #ending: (() => Promise<void> | void)[] = [];

  async door(
    options: Partial<SspHttpOptions> = {},
    accept: (document: string) => Acceptance | Promise<Acceptance> = () => ({ status: 200 }),
  ): Promise<Door> {
    const taken: Door['taken'] = [];
    const endpoint = await startSspHttp({
      host: '127.0.0.1',
      port: 0,
      idleSeconds: 60,
      maxConnections: 100,
      maxBody: 10_000,
      log: SILENT,
      metrics: this.metrics,
      sink: async (octets, caller) => {
        const document = Buffer.from(octets).toString('utf8');
        taken.push({ document, caller });
        return accept(document);
      },
      ...options,
    });
    this.#ending.push(() => endpoint.close(0));
    return { port: endpoint.address.port, endpoint, taken };
  }

  async wire(port: number, localAddress?: string): Promise<Wire> {
    const wire = await Wire.open(port, localAddress);
    this.#ending.push(() => wire.drop());
    return wire;
  }

  async peer(answer: Answering, tls?: Parameters<typeof startRawPeer>[1]): Promise<RawPeer> {
    const peer = await startRawPeer(answer, tls);
    this.#ending.push(() => peer.close());
    return peer;
  }

  poster(options: Partial<PosterOptions> = {}): Poster {
    const poster = createPoster({ version: '1.2.3', metrics: this.metrics, ...options });
    this.#ending.push(() => poster.close());
    return poster;
  }

  async end(): Promise<void> {
    for (const each of this.#ending.splice(0).toReversed()) await each();
    this.metrics.counts.clear();
  }
}
