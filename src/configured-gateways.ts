// The gateways that a configuration names: in the server's process or, with `wvgate adapter`, in one of their own.

import { createMatrixGateway } from '../adapters/matrix/gateway.ts';
import { createXmppGateway, XmppConfigError } from '../adapters/xmpp/gateway.ts';
import { ConfigError, type Config } from './config.ts';
import { sectionsOf, xmppDomains, type XmppSection } from './config/gateways.ts';
import type { Gateway } from './sap/port.ts';

/** The gateways of a configuration, not started. Throws for settings that cannot work. */
export function configuredGateways({ xmpp, matrix }: Pick<Config, 'xmpp' | 'matrix'>): Gateway[] {
  const gateways: Gateway[] = [];
  const sections = sectionsOf(xmpp);
  for (const [index, [key, section]] of sections.entries()) {
    const name = xmppName(index, section);
    const others = sections.filter(([other]) => other !== key);
    const elsewhere = others.flatMap(([, other]) => xmppDomains(other).map(([domain]) => domain));
    gateways.push(xmppGateway(key, section, { name, elsewhere }));
  }
  if (matrix !== undefined) {
    const { maxFile, ...limits } = matrix.files;
    gateways.push(
      createMatrixGateway({
        homeserverUrl: matrix.homeserverUrl,
        serverName: matrix.serverName,
        registrationFile: matrix.registration,
        listen: matrix.listen,
        pseudoDomain: matrix.pseudoDomain,
        presence: {
          publish: matrix.publishPresence,
          maxPerSecond: matrix.presencePerSecond,
          refreshSeconds: matrix.presenceRefreshSeconds,
        },
        receiptsFromDelivery: matrix.receiptsFromDelivery,
        reactions: matrix.reactions,
        splitText: matrix.splitText,
        files: { ...limits, maxBytes: maxFile },
        bot: withoutUndefined(matrix.bot),
        ...(matrix.linked === undefined ? {} : { linked: matrix.linked }),
        invitesPerMinute: matrix.invitesPerMinute,
        groups: matrix.groups,
      }),
    );
  }
  return gateways;
}

/** Networks whose accounts users may link, each with how many at most. */
export function linkableNetworks({
  xmpp,
  matrix,
}: Pick<Config, 'xmpp' | 'matrix'>): ReadonlyMap<string, number> {
  const onMatrix = matrix?.linked === undefined ? [] : [['matrix', matrix.linked.maxClients] as const];
  const networks = sectionsOf(xmpp).flatMap(([, section], index) =>
    section.linked === undefined ? [] : [[xmppName(index, section), section.linked.maxClients] as const],
  );
  return new Map([...networks, ...onMatrix]);
}

function xmppName(index: number, { component }: XmppSection): string {
  return index === 0 ? 'xmpp' : `xmpp:${component}`;
}

/** The name is that of its durable state: the first of several servers keeps what it had when it was the only one. */
function xmppGateway(
  key: string,
  { component, files: { maxFile, ...limits }, linked, ...settings }: XmppSection,
  place: { readonly name: string; readonly elsewhere: readonly string[] },
): Gateway {
  try {
    return createXmppGateway({
      ...withoutUndefined(settings),
      ...place,
      componentDomain: component,
      files: { ...withoutUndefined(limits), maxBytes: maxFile },
      ...(linked === undefined
        ? {}
        : { linked: { ...linked, servers: linked.servers.map((server) => withoutUndefined(server)) } }),
    });
  } catch (error) {
    if (error instanceof XmppConfigError) throw new ConfigError(`${key}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What is left out in the file has the gateway's own default. */
function withoutUndefined<T extends object>(settings: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const told = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(told) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
