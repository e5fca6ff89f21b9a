// What may happen to the two ends of a component stream, and to what is between them.

import { killServer, startServer } from '../../../scripts/stack/control.ts';
import type { Weather } from '../tcp-proxy.ts';
import type { Town } from './town.ts';

export interface Disaster {
  readonly what: string;
  strikes(town: Town): Promise<void>;
  /** Resolves when all that died is running again; the stream may take longer. */
  isOver(town: Town): Promise<void>;
  /** The gateway goes on, and with it the phones. */
  readonly phonesWork: boolean;
  /** Everybody gets an answer to what he wrote, apart from what crosses the closing of the stream. */
  readonly isOrderly: boolean;
}

/** How long the network is away, ms: less than it takes the gateway to notice silence. */
const WEATHER_MS = 2_000;

function network(what: string, weather: Weather): Disaster {
  return {
    what,
    phonesWork: true,
    isOrderly: false,
    strikes({ proxy }) {
      proxy.weather = weather;
      return Promise.resolve();
    },
    async isOver({ proxy }) {
      await new Promise((resolve) => setTimeout(resolve, WEATHER_MS));
      proxy.weather = 'open';
    },
  };
}

const ALL: readonly Disaster[] = [
  {
    what: 'a restart of wvgate',
    phonesWork: false,
    isOrderly: true,
    async strikes({ gateway, ledger }) {
      const how = await gateway.terminate();
      if (how !== '0') ledger.violation(`the gateway did not stop in order: ${how}`);
    },
    async isOver({ gateway }) {
      gateway.start();
      await Promise.resolve();
    },
  },
  {
    what: 'kill -9 of wvgate',
    phonesWork: false,
    isOrderly: false,
    strikes: ({ gateway }) => gateway.kill(),
    async isOver({ gateway }) {
      gateway.start();
      await Promise.resolve();
    },
  },
  {
    what: 'kill -9 of the XMPP server',
    phonesWork: true,
    isOrderly: false,
    strikes: ({ serverName }) => killServer(serverName),
    async isOver({ serverName }) {
      await startServer(serverName);
    },
  },
  network('a reset of the component link', 'cut'),
  network('a component link that swallows everything', 'black-hole'),
  network('a component link that carries one way only', 'half-open'),
];

/** The last one takes its time and differs little from the one before: WVGATE_LONG=1. */
export const DISASTERS = process.env['WVGATE_LONG'] === '1' ? ALL : ALL.slice(0, -1);
