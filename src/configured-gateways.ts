// The gateways that a configuration names: in the server's process or, with `wvgate adapter`, in one of their own.

import { createMatrixGateway } from '../adapters/matrix/gateway.ts';
import { createXmppGateway } from '../adapters/xmpp/gateway.ts';
import type { Config } from './config.ts';
import type { Gateway } from './sap/port.ts';

/** The gateways of a configuration, not started. Throws for settings that cannot work. */
export function configuredGateways({ xmpp, matrix }: Pick<Config, 'xmpp' | 'matrix'>): Gateway[] {
  const gateways: Gateway[] = [];
  if (xmpp !== undefined) {
    const { host, port, component, secret, domains, pseudoDomain, groupsComponent, groupsSecret } = xmpp;
    const { groupDomains, resyncRate, createRooms, roomHistory, maxListedOccupants, maxRoomGuests } = xmpp;
    gateways.push(
      createXmppGateway({
        host,
        port,
        componentDomain: component,
        secret,
        domains,
        groupDomains,
        resyncRate,
        createRooms,
        roomHistory,
        maxListedOccupants,
        maxRoomGuests,
        ...(groupsComponent === undefined ? {} : { groupsComponent }),
        ...(groupsSecret === undefined ? {} : { groupsSecret }),
        ...(pseudoDomain === undefined ? {} : { pseudoDomain }),
      }),
    );
  }
  if (matrix !== undefined) {
    gateways.push(
      createMatrixGateway({
        homeserverUrl: matrix.homeserverUrl,
        serverName: matrix.serverName,
        registrationFile: matrix.registration,
        listen: matrix.listen,
        pseudoDomain: matrix.pseudoDomain,
        presence: { publish: matrix.publishPresence, maxPerSecond: matrix.presencePerSecond },
        receiptsFromDelivery: matrix.receiptsFromDelivery,
      }),
    );
  }
  return gateways;
}
