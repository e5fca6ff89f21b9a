// A gateway whose far side is the test: it records requests and answers what it is told to.

import type { Gateway, GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import type { Domain } from '../../src/wv/ids.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type ResponsePrimitive,
} from '../../src/wv/primitives.ts';
import { OK } from '../../src/wv/status.ts';

type Reply = (request: RequestPrimitive) => ResponsePrimitive | Promise<ResponsePrimitive>;

export class FakeGateway implements Gateway {
  readonly name: string;
  readonly domains: readonly Domain[];
  readonly capabilities: ReadonlySet<RequestName>;
  readonly requests: RequestPrimitive[] = [];
  reply: Reply = () => status(OK);
  port: RelayPort | undefined;

  constructor(domain: string, capabilities: readonly RequestName[], name = 'fake') {
    this.name = name;
    this.domains = [domain as Domain];
    this.capabilities = new Set(capabilities);
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    this.requests.push(request);
    return this.reply(request);
  }

  async start(relay: RelayPort): Promise<void> {
    this.port = relay;
  }

  async stop(): Promise<void> {}

  health(): GatewayHealth {
    return 'up';
  }
}
