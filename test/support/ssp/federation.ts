// Whole servers of several domains in this process that know each other by SSP over TLS, with a tap on their wires.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigInput } from '../../../src/config.ts';
import type { Clock } from '../../../src/ops/ports.ts';
import { createTestCa, type TestCa } from './test-ca.ts';
import { freePort, OPERATOR_TOKEN, Side } from './two-houses.ts';
import { WireTap } from './wire-tap.ts';

type SspInput = NonNullable<ConfigInput['ssp']>;
export type PeerInput = NonNullable<SspInput['peers']>[number];

export interface HouseOptions {
  /** Beside what every house has. */
  readonly config?: Partial<ConfigInput>;
  /** Of the section `ssp`. */
  readonly ssp?: Partial<SspInput>;
  /** What its entry of another house says more; `by DNS`: only its domain; `unlisted`: there is none. */
  readonly entries?: Readonly<Record<string, Partial<PeerInput> | 'by DNS' | 'unlisted'>>;
  readonly clock?: Clock;
  /** Its certificate ended yesterday, or is for other names. */
  readonly certificate?: { readonly expired?: boolean; readonly names?: readonly string[] };
  /** It shows a client certificate for these names, and looks at those of others. */
  readonly clientNames?: readonly string[];
  /** It looks at client certificates, and shows none. */
  readonly asksForCertificates?: boolean;
  /** Others find its own door, without the tap. */
  readonly untapped?: boolean;
}

export interface Federation<Name extends string> {
  /** `a` is the house of a.test. */
  readonly houses: Readonly<Record<Name, Side>>;
  readonly wire: WireTap;
  readonly ca: TestCa;
  /** Where a house finds another one. */
  portOf(from: Name, to: Name): number;
  close(): Promise<void>;
}

/** All houses are up. By their names. */
export async function federation<Name extends string>(
  options: Readonly<Record<Name, HouseOptions>>,
): Promise<Federation<Name>> {
  const ca = createTestCa();
  const wire = new WireTap(ca);
  const names = Object.keys(options) as Name[];
  const doors = new Map<Name, number>();
  for (const name of names) doors.set(name, await freePort());
  const routes = new Map<string, number>();
  for (const from of names)
    for (const to of names) {
      const door = doors.get(to) ?? 0;
      const tapped = from !== to && options[to].untapped !== true;
      routes.set(`${from} ${to}`, tapped ? await wire.between(domainOf(from), domainOf(to), door) : door);
    }
  const portOf = (from: Name, to: Name) => routes.get(`${from} ${to}`) ?? 0;
  const houses: [Name, Side][] = [];
  for (const name of names) {
    const own = options[name];
    const others = names.filter((other) => other !== name);
    const peers = others.flatMap((other) => entryOf(own, other, portOf(name, other)));
    const folder = await mkdtemp(join(tmpdir(), `wvgate-${name}-`));
    const config = await configOf(domainOf(name), { folder, port: doors.get(name) ?? 0, ca }, own);
    const ssp: SspInput = { ...config.ssp, peers, ...own.ssp };
    houses.push([
      name,
      new Side(
        domainOf(name),
        doors.get(name) ?? 0,
        folder,
        { ...config, ssp },
        own.clock === undefined ? {} : { clock: own.clock },
      ),
    ]);
  }
  for (const [, house] of houses) await house.start();
  return {
    houses: Object.fromEntries(houses) as Record<Name, Side>,
    wire,
    ca,
    portOf,
    async close() {
      for (const [, house] of houses) await house.close();
      await wire.close();
      ca.remove();
    },
  };
}

export function domainOf(name: string): string {
  return `${name}.test`;
}

function entryOf({ entries = {} }: HouseOptions, other: string, port: number): readonly PeerInput[] {
  const more = entries[other] ?? {};
  if (more === 'unlisted') return [];
  const domain = domainOf(other);
  if (more === 'by DNS') return [{ domain }];
  return [{ domain, url: `https://127.0.0.1:${port}/`, certificateNames: [domain], ...more }];
}

async function configOf(
  domain: string,
  { folder, port, ca }: { readonly folder: string; readonly port: number; readonly ca: TestCa },
  { config, certificate = {}, clientNames, asksForCertificates = clientNames !== undefined }: HouseOptions,
): Promise<ConfigInput> {
  const { names = [domain, 'localhost', '127.0.0.1'], expired = false } = certificate;
  await writeFile(join(folder, 'operator-token'), OPERATOR_TOKEN);
  return {
    domain,
    data: folder,
    login: { userBurst: 1000, sourceBurst: 1000 },
    operator: { tokenFile: join(folder, 'operator-token') },
    ...config,
    listen: {
      csp: { port: 0 },
      cir: { tcp: { port: 0 } },
      ops: { port: 0 },
      ssp: {
        port,
        tls: ca.issue(names, { expired }),
        ...(asksForCertificates ? { clientCertificates: 'optional', clientCa: ca.cert } : {}),
      },
      ...config?.listen,
    },
    ssp: {
      discovery: { enabled: false },
      tls: { ca: ca.cert, ...(clientNames === undefined ? {} : ca.issue(clientNames)) },
    },
  };
}
