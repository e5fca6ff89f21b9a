// The service relay (design section 1): every request between two users passes here, also between neighbours.
// Local homes, gateways and (later) peers are destinations that take a request primitive and give one back.

import type { Clock, Log, Metrics } from '../ops/ports.ts';
import type { Domain } from '../wv/ids.ts';
import {
  status,
  type RequestName,
  type RequestPrimitive,
  type ResponsePrimitive,
  type SendMessageRequest,
} from '../wv/primitives.ts';
import { combine, isSuccess, OK, result, type Result } from '../wv/status.ts';
import type { Outgoing } from '../services/outgoing.ts';
import { failureOf, partitionByDomain } from '../services/recipients.ts';
import { isDurable } from './durable.ts';
import type { Outbox } from './outbox.ts';
import type { Gateway } from './port.ts';
import { claimedDomains, targetDomains } from './routing.ts';

/** How long a gateway may take over a request that somebody waits for (ssp section 17). */
const REQUEST_DEADLINE_MS = 10_000;
/** Shorter ones: what a client looks at meanwhile is worth no longer wait (ssp section 7). */
const DEADLINES_MS: Partial<Record<RequestName, number>> = { GetPresenceRequest: 5_000 };

export interface RelayDependencies {
  readonly homeDomain: Domain;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /**
   * Looks for the destination of a domain that nobody owns, and adds it to the table. A Result says why there is
   * none: 516 nobody serves it, 503 not known now.
   */
  readonly find?: (domain: Domain) => Promise<Gateway | Result>;
  /** Serves requests for our own users. */
  readonly local: (request: RequestPrimitive) => Promise<ResponsePrimitive>;
}

export class Relay implements Outgoing {
  private readonly deps: RelayDependencies;
  private readonly routes = new Map<Domain, Gateway>();

  constructor(deps: RelayDependencies) {
    this.deps = deps;
  }

  /** Adds a gateway's domains to the routing table. Throws when a domain is taken: a configuration error. */
  addGateway(gateway: Gateway): void {
    for (const domain of gateway.domains) {
      const owner = domain === this.deps.homeDomain ? 'this server' : this.routes.get(domain)?.name;
      if (owner !== undefined)
        throw new Error(`domain ${domain} of gateway ${gateway.name} belongs to ${owner}`);
      this.routes.set(domain, gateway);
    }
  }

  /** The gateway's domains are nobody's any more. */
  removeGateway(gateway: Gateway): void {
    for (const domain of gateway.domains) if (this.routes.get(domain) === gateway) this.routes.delete(domain);
  }

  /** True for our own domain, and for those with a destination in the table. */
  owns(domain: Domain): boolean {
    return domain === this.deps.homeDomain || this.routes.has(domain);
  }

  /** False when users of this domain cannot be reached at all. */
  reaches(domain: Domain): boolean {
    return domain === this.deps.homeDomain || this.routes.has(domain) || this.deps.find !== undefined;
  }

  /** A request of one of our own homes. */
  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const [target, another] = targetDomains(request);
    if (target === undefined) return status(result(402, 'No addressee'));
    if (another !== undefined) return status(result(400, 'Addressees in more than one domain'));
    if (target === this.deps.homeDomain) return this.serve('local', () => this.deps.local(request), request);
    const gateway = this.routes.get(target) ?? (await this.deps.find?.(target)) ?? result(516);
    if ('code' in gateway) return status(gateway);
    if (!gateway.capabilities.has(request.primitive)) return status(unsupported(request));
    if (isDurable(request)) {
      await this.deps.outbox.add(gateway, request);
      return accepted(request);
    }
    return this.serve(gateway.name, () => this.withDeadline(gateway, request), request);
  }

  /** A request that a gateway hands in. It may speak only for its own domains, and only to ours (no transit). */
  async emit(gateway: Gateway, request: RequestPrimitive): Promise<ResponsePrimitive> {
    for (const domain of claimedDomains(request)) {
      if (!gateway.domains.includes(domain))
        return status(result(901, `${domain} is not behind ${gateway.name}`));
    }
    const targets = targetDomains(request);
    const mixed = targets.size > 1 && targets.has(this.deps.homeDomain);
    if (mixed && request.primitive === 'SendMessageRequest') return this.emitMixed(request);
    // None at all: an indication about a group names nobody and is for all of ours.
    for (const domain of targets) if (domain !== this.deps.homeDomain) return status(result(516));
    return this.serve('local', () => this.deps.local(request), request);
  }

  /** A message for our users and for others: ours get it, and the answer names those who need not wait for it. */
  private async emitMixed(request: SendMessageRequest): Promise<ResponsePrimitive> {
    const { message } = request;
    const [ours, others] = partitionByDomain(message.recipients, this.deps.homeDomain);
    const own = { ...request, message: { ...message, recipients: ours } };
    const { result: outcome } = await this.serve('local', () => this.deps.local(own), own);
    const failures = outcome.details ?? (isSuccess(outcome) ? [] : [failureOf(outcome.code, ours)]);
    const combined = combine(isSuccess(outcome) ? 1 : 0, [...failures, failureOf(516, others)]);
    return { primitive: 'SendMessageResponse', messageId: message.id, result: combined };
  }

  private async serve(
    destination: string,
    work: () => Promise<ResponsePrimitive>,
    request: RequestPrimitive,
  ): Promise<ResponsePrimitive> {
    const { log, metrics } = this.deps;
    try {
      const response = await work();
      metrics.count('relay_requests_total', {
        destination,
        primitive: request.primitive,
        code: String(response.result.code),
      });
      return response;
    } catch (error) {
      log.error({ err: error, destination, primitive: request.primitive }, 'request failed');
      metrics.count('relay_requests_total', { destination, primitive: request.primitive, code: '500' });
      return status(result(500));
    }
  }

  private withDeadline(gateway: Gateway, request: RequestPrimitive): Promise<ResponsePrimitive> {
    return new Promise((resolve, reject) => {
      const deadline = DEADLINES_MS[request.primitive] ?? REQUEST_DEADLINE_MS;
      const cancel = this.deps.clock.after(deadline, () => resolve(status(result(504))));
      gateway.request(request).then(resolve, reject).finally(cancel);
    });
  }
}

function accepted(request: RequestPrimitive): ResponsePrimitive {
  return request.primitive === 'SendMessageRequest'
    ? { primitive: 'SendMessageResponse', messageId: request.message.id, result: OK }
    : status(OK);
}

/** A notice that a network has no word for is no failure of the one who sends it. */
function unsupported(request: RequestPrimitive): Result {
  return request.primitive === 'PresenceAuthResponse' ? OK : result(506);
}
