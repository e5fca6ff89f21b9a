// The gateways that a configuration names: in the server's process or, with `wvgate adapter`, in one of their own.

import { createMatrixGateway } from '../adapters/matrix/gateway.ts';
import { createXmppGateway } from '../adapters/xmpp/gateway.ts';
import type { Config } from './config.ts';
import type { Gateway } from './sap/port.ts';

/** The gateways of a configuration, not started. Throws for settings that cannot work. */
export function configuredGateways({ xmpp, matrix }: Pick<Config, 'xmpp' | 'matrix'>): Gateway[] {
  const gateways: Gateway[] = [];
  if (xmpp !== undefined) {
    const { component, files, ...settings } = xmpp;
    const { maxFile, ...limits } = files;
    gateways.push(
      createXmppGateway({
        componentDomain: component,
        ...withoutUndefined(settings),
        files: { ...withoutUndefined(limits), maxBytes: maxFile },
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

/** What is left out in the file has the gateway's own default. */
function withoutUndefined<T extends object>(settings: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const told = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
