// The Matrix gateway behind the relay's `Gateway` port.

import type { Gateway, GatewayHealth, RelayPort } from '../../src/sap/port.ts';
import type { Domain, UserAddress } from '../../src/wv/ids.ts';
import { status } from '../../src/wv/primitives.ts';
import type {
  PresenceAuthResponse,
  RequestName,
  RequestPrimitive,
  ResponsePrimitive,
} from '../../src/wv/primitives.ts';
import { OK, result } from '../../src/wv/status.ts';
import { refusedByBlock } from './bot/refusals.ts';
import { pseudoWatcher, resolveSettings } from './config.ts';
import type { MatrixGatewayConfig, MatrixSettings } from './config.ts';
import { GROUP_REQUESTS } from './groups.ts';
import { buildHouse } from './house.ts';
import type { House } from './house.ts';
import { reasonOf } from './inbox.ts';

export type { MatrixGatewayConfig } from './config.ts';
export { pseudoWatcher } from './config.ts';

const CAPABILITIES: ReadonlySet<RequestName> = new Set<RequestName>([
  'SendMessageRequest',
  'DeliveryStatusReport',
  'SubscribeRequest',
  'UnsubscribeRequest',
  'PresenceNotification',
  'GetPresenceRequest',
  'PresenceAuthResponse',
  'InviteRequest',
  'InviteResponse',
  'CancelInviteRequest',
  'GroupChangeNotice',
  'LeaveGroupIndication',
  ...GROUP_REQUESTS,
]);

/**
 * The gateway to Matrix as an application service (bridging.md).
 * @throws MatrixConfigError for a configuration or registration that cannot work
 */
export function createMatrixGateway(config: MatrixGatewayConfig): Gateway {
  return new MatrixGateway(config);
}

class MatrixGateway implements Gateway {
  readonly name = 'matrix';
  readonly domains: readonly Domain[];
  readonly capabilities = CAPABILITIES;
  readonly #settings: MatrixSettings;
  readonly #watcher: UserAddress;
  #house: House | undefined;

  constructor(config: MatrixGatewayConfig) {
    this.#settings = resolveSettings(config);
    this.#watcher = pseudoWatcher(config);
    this.domains = [this.#settings.pseudoDomain];
  }

  health(): GatewayHealth {
    return this.#house?.link.health ?? 'down';
  }

  async request(request: RequestPrimitive): Promise<ResponsePrimitive> {
    const house = this.#house;
    if (house === undefined) return unavailable(request);
    try {
      const refused = refusedByBlock(request, house.addresses, house.blocks);
      if (refused !== undefined) return refused;
      const served = await house.accounts?.serve(request, house.watching);
      return served ?? (await this.#serve(house, request));
    } catch (error) {
      const fields = { primitive: request.primitive, error: reasonOf(error) };
      house.relay.log.error(fields, 'matrix: a request failed');
      return unavailable(request);
    }
  }

  async concluded(request: RequestPrimitive): Promise<void> {
    if (request.primitive !== 'SendMessageRequest') return;
    await this.#house?.outbound.concluded(request);
    await this.#house?.accounts?.concluded(request);
  }

  async start(relay: RelayPort): Promise<void> {
    const house = await buildHouse(this.#settings, this.#watcher, relay);
    this.#house = house;
    try {
      await house.open();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const house = this.#house;
    this.#house = undefined;
    await house?.close();
  }

  /** Authorisation is implicit in Matrix; only what was decided about the pseudo-watcher matters. */
  async #authorised(house: House, answer: PresenceAuthResponse): Promise<void> {
    if (answer.watcher !== this.#watcher) return;
    if (answer.state === 'GRANTED') await house.publishing.watch([answer.publisher]);
    else {
      house.publishing.withdrawn(answer.publisher);
      house.pictures.withdrawn(answer.publisher);
    }
  }

  async #serve(house: House, request: RequestPrimitive): Promise<ResponsePrimitive> {
    const ofGroups = await house.groups.serve(request);
    if (ofGroups !== undefined) return ofGroups;
    switch (request.primitive) {
      case 'SendMessageRequest':
        return await house.outbound.send(request);
      case 'DeliveryStatusReport':
        return status(await house.inbound.report(request));
      case 'SubscribeRequest':
        return status(await house.watching.subscribe(request));
      case 'UnsubscribeRequest':
        return status(await house.watching.unsubscribe(request));
      case 'GetPresenceRequest':
        return await house.watching.get(request);
      case 'PresenceNotification':
        house.publishing.notified(request);
        house.pictures.noticed(request);
        return status(OK);
      case 'PresenceAuthResponse':
        await this.#authorised(house, request);
        return status(OK);
      case 'InviteRequest':
        return await house.invitations.invite(request);
      case 'InviteResponse':
      case 'CancelInviteRequest':
        // Nothing of the kind is open.
        return status(result(423));
      default:
        return status(result(405));
    }
  }
}

/** "Not now", in the answer that fits the request. */
function unavailable(request: RequestPrimitive): ResponsePrimitive {
  const outcome = result(503);
  if (request.primitive === 'SendMessageRequest') {
    return { primitive: 'SendMessageResponse', messageId: request.message.id, result: outcome };
  }
  if (request.primitive === 'GetPresenceRequest') {
    return { primitive: 'GetPresenceResponse', result: outcome, values: [] };
  }
  return status(outcome);
}
