// Tells the server how it stands with the network behind an adapter: at once when it came back, soon when it changed,
// and now and then, for a server that was started anew does not know.

import type { Reply } from '../access/ssp/exchange.ts';
import type { GatewayState } from '../access/ssp/document.ts';
import type { Clock, Log } from '../ops/ports.ts';
import type { GatewayHealth } from '../sap/port.ts';
import { isSuccess } from '../wv/status.ts';

export interface StateNewsPorts {
  tell(state: GatewayState): Promise<Reply>;
  health(): GatewayHealth;
  /** Of this process. */
  readonly run: string;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_MS = 1_000;
const REPEAT_MS = 60_000;

export class StateNews {
  private readonly ports: StateNewsPorts;
  private told: { readonly health: GatewayHealth; readonly at: number } | undefined;
  /** The network came back, and the server does not know. */
  private returned = false;
  private telling = false;
  private stopped = false;
  private cancel = (): void => undefined;

  constructor(ports: StateNewsPorts) {
    this.ports = ports;
  }

  start(): void {
    this.look();
  }

  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** The network is usable again. */
  becameUsable(): void {
    this.returned = true;
    this.look();
  }

  /** The server is there again, perhaps another process than before. */
  coreReturned(): void {
    this.told = undefined;
    this.look();
  }

  private look(): void {
    if (this.stopped) return;
    this.cancel();
    this.cancel = this.ports.clock.after(LOOK_MS, () => this.look());
    if (this.telling || !this.isNews()) return;
    this.telling = true;
    this.tell()
      .catch((error: unknown) => this.ports.log.error({ err: error }, 'state could not be told'))
      .finally(() => {
        this.telling = false;
      });
  }

  private isNews(): boolean {
    const { told, returned, ports } = this;
    if (told === undefined || returned) return true;
    return told.health !== ports.health() || ports.clock.now() - told.at >= REPEAT_MS;
  }

  private async tell(): Promise<void> {
    const { clock, log, run } = this.ports;
    const health = this.ports.health();
    const usable = this.returned;
    this.returned = false;
    const reply = await this.ports.tell({ name: 'GatewayState', run, health, usable });
    if (reply.kind === 'relay' && isSuccess(reply.response.result)) {
      this.told = { health, at: clock.now() };
      return;
    }
    // At the next look.
    this.returned ||= usable;
    if (reply.kind === 'relay' && reply.response.result.code === 405)
      log.warn({}, 'the server does not take us for its gateway: ssp.peers[].gateway is false there');
  }
}
