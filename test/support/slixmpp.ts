// A person at slixmpp, a client by other people in another language: Debian's python3-slixmpp as a child process.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { XmppServer } from '../../scripts/stack/description.ts';
import { eventually } from './eventually.ts';

const SCRIPT = new URL('slixmpp-client.py', import.meta.url).pathname;

/** The second is Debian's, where another one comes first in PATH. */
const PYTHONS = ['python3', '/usr/bin/python3'] as const;

/** An interpreter that has slixmpp; undefined: there is none. */
export function pythonWithSlixmpp(): string | undefined {
  return PYTHONS.find((python) => spawnSync(python, ['-c', 'import slixmpp']).status === 0);
}

/** One line of the script. */
export interface SlixmppEvent {
  readonly event: string;
  readonly from?: string;
  readonly id?: string;
  readonly body?: string;
  readonly show?: string;
  readonly status?: string;
  readonly condition?: string;
  readonly identities?: readonly string[];
  readonly features?: readonly string[];
  readonly name?: string;
  readonly at?: string;
}

export class SlixmppUser {
  readonly events: SlixmppEvent[] = [];
  readonly jid: string;
  readonly #process: ChildProcessWithoutNullStreams;
  #complaints = '';

  private constructor(process: ChildProcessWithoutNullStreams, jid: string) {
    this.#process = process;
    this.jid = jid;
    createInterface({ input: process.stdout }).on('line', (line) => {
      this.events.push(JSON.parse(line) as SlixmppEvent);
    });
    process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = `${this.#complaints}${text}`.slice(-4_000);
    });
  }

  /** Logs in, with the roster, and is available. */
  static async login(python: string, server: XmppServer, name: string): Promise<SlixmppUser> {
    const account = server.users[name];
    if (account === undefined) throw new Error(`no account ${name}`);
    const jid = `${account.jid}/slixmpp`;
    const child = spawn(python, [SCRIPT, server.host, String(server.c2sPort), jid, account.password]);
    const user = new SlixmppUser(child, account.jid);
    await user.sees({ event: 'started' });
    return user;
  }

  do(command: Readonly<Record<string, string>>): void {
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Waits for an event that says all of this. */
  async sees(wanted: SlixmppEvent): Promise<SlixmppEvent> {
    return await eventually(
      () => `slixmpp sees ${JSON.stringify(wanted)}; saw ${JSON.stringify(this.events)} ${this.#complaints}`,
      () => this.events.find((event) => says(event, wanted)),
    );
  }

  /** How often that happened. */
  count(wanted: SlixmppEvent): number {
    return this.events.filter((event) => says(event, wanted)).length;
  }

  /** Writes, and gives the id of the message. */
  async say(to: string, body: string): Promise<string> {
    this.do({ do: 'say', to, body });
    return (await this.sees({ event: 'said', body })).id ?? '';
  }

  async logout(): Promise<void> {
    this.do({ do: 'quit' });
    this.#process.stdin.end();
    await eventually(
      'slixmpp ends',
      () => this.#process.exitCode !== null || this.#process.signalCode !== null,
    );
  }
}

function says(event: SlixmppEvent, wanted: SlixmppEvent): boolean {
  return Object.entries(wanted).every(([key, value]) => event[key as keyof SlixmppEvent] === value);
}
