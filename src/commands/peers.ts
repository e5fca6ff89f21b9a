// `wvgate peers [DOMAIN]`, `wvgate peers retry DOMAIN`: how it stands with other WV servers, asked of the running one.

import { parseDomain } from '../wv/address.ts';
import type { Domain } from '../wv/ids.ts';
import { CONFIG_OPTION, loadConfig, parseCommandLine, UsageError, type Command } from './command.ts';
import { peerDetails, peersSchema, peerTable, type ToldPeer } from './peer-table.ts';
import { askRunningServer, RunningServerError, type Question } from './running-server.ts';

const OPTIONS = { ...CONFIG_OPTION, json: { type: 'boolean' } } as const;

type Ask = (question: Question) => Promise<unknown>;

export const peersCommand: Command = {
  usage: 'peers [--json] [DOMAIN]',
  summary: 'show other WV servers and try them again',
  details: `
  peers                   all servers of the section ssp, and others that are known at the moment
  peers DOMAIN            everything about one of them
  peers retry DOMAIN      look for it and try it at once, whatever waiting is due
    --json                for programs

Asks the running server on listen.ops with the secret of operator.tokenFile: both must be configured.

  SESSION    up, setting-up or down
  CIRCUIT    open: it could not be reached and is left alone until NEXT TRY; trying: that try is under way
  WAITING    requests for it in the outbox
  LISTED     no: it is known only because federation is open
`,
  async run(args, projectRoot) {
    const { values, positionals } = parseCommandLine(args, OPTIONS);
    const [domain, retried] = wanted(positionals);
    const { config, file } = loadConfig(values.config, projectRoot);
    const ask: Ask = (question) => askRunningServer(config, file, question);
    try {
      if (retried) return await retry(ask, domain);
      return await show(ask, domain, values.json === true);
    } catch (error) {
      if (!(error instanceof RunningServerError)) throw error;
      process.stderr.write(`wvgate: ${error.message}\n`);
      return 1;
    }
  },
};

type Wanted =
  readonly [domain: Domain | undefined, retried: false] | readonly [domain: Domain, retried: true];

/** A peer whose domain is `retry` is shown by the list. */
function wanted(positionals: readonly string[]): Wanted {
  const retried = positionals[0] === 'retry';
  const [name, ...more] = retried ? positionals.slice(1) : positionals;
  if (more.length > 0 || (retried && name === undefined)) {
    throw new UsageError('peers [DOMAIN], or peers retry DOMAIN; see wvgate peers --help');
  }
  if (name === undefined) return [undefined, false];
  const domain = parseDomain(name);
  if (domain === undefined) throw new UsageError(`${name} is no domain name`);
  return retried ? [domain, true] : [domain, false];
}

async function retry(ask: Ask, domain: Domain): Promise<number> {
  await ask({ method: 'POST', path: `/api/peers/${domain}/retry` });
  process.stdout.write(`${domain} is tried now; wvgate peers ${domain} shows what became of it\n`);
  return 0;
}

async function show(ask: Ask, domain: Domain | undefined, json: boolean): Promise<number> {
  const told = peersSchema.safeParse(await ask({ method: 'GET', path: '/api/peers' }));
  if (!told.success) throw new RunningServerError('the server answers something that is no list of peers');
  const { peers } = told.data;
  if (domain === undefined) {
    if (!json && peers.length === 0) process.stdout.write('no peers\n');
    else process.stdout.write(json ? asJson(peers) : peerTable(peers, look()));
    return 0;
  }
  const peer = peers.find((each) => each.domain === domain || each.domains.includes(domain));
  if (peer === undefined) throw new RunningServerError(`no peer ${domain}`);
  process.stdout.write(json ? asJson(peer) : peerDetails(peer, look()));
  return 0;
}

function asJson(value: ToldPeer | readonly ToldPeer[]): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function look(): { now: number; colours: boolean } {
  return { now: Date.now(), colours: process.stdout.isTTY === true && !process.env['NO_COLOR'] };
}
