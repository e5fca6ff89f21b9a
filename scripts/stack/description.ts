// data/stack/stack.json: what the running test stack offers, for the tests, the demo and the benchmarks.
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { DESCRIPTION_FILE } from './layout.ts';

const component = z.object({ domain: z.string(), groups: z.string(), secret: z.string() });

const xmppServer = z.object({
  domain: z.string(),
  host: z.string(),
  c2sPort: z.number(),
  componentPort: z.number(),
  boshUrl: z.string().optional(),
  components: z.object({ main: component, test: component }),
  users: z.record(z.string(), z.object({ jid: z.string(), password: z.string() })),
  pid: z.number(),
  version: z.string(),
});

const registration = z.object({
  file: z.string(),
  id: z.string(),
  url: z.string(),
  asToken: z.string(),
  hsToken: z.string(),
  prefix: z.string(),
});

const matrixServer = z.object({
  serverName: z.string(),
  baseUrl: z.string(),
  registrations: z.object({ main: registration, test: registration }),
  users: z.record(z.string(), z.object({ userId: z.string(), password: z.string() })),
  pid: z.number(),
  version: z.string(),
});

const stackDescription = z.object({
  prosody: xmppServer.optional(),
  ejabberd: xmppServer.optional(),
  synapse: matrixServer.optional(),
  missing: z.record(z.string(), z.string()),
});

/** One XMPP server: accounts by name, and the XEP-0114 components it accepts by role. */
export type XmppServer = z.infer<typeof xmppServer>;
/** One homeserver: accounts by name, and its application services by role. */
export type MatrixServer = z.infer<typeof matrixServer>;
/** The application service registration of one role, as the homeserver knows it. */
export type MatrixRegistration = z.infer<typeof registration>;
/** The stack: a server that is absent is not available, and `missing` says why. */
export type StackDescription = z.infer<typeof stackDescription>;

/**
 * Reads the description that the last `stack up` wrote. It is not checked that the servers still
 * run: `stackStatus` does that.
 *
 * @returns undefined when there is no stack
 * @throws when the file is there and is not a description
 */
export function readStack(): StackDescription | undefined {
  let text: string;
  try {
    text = readFileSync(DESCRIPTION_FILE, 'utf8');
  } catch {
    return undefined;
  }
  return stackDescription.parse(JSON.parse(text));
}

/** Replaces the description in one step, so that a reader never sees half of it (file mode 0600). */
export function writeStack(description: StackDescription): void {
  const draft = `${DESCRIPTION_FILE}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(description, null, 2)}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, DESCRIPTION_FILE);
}

/** Removes the description: from now on `readStack` says that there is no stack. */
export function removeStack(): void {
  rmSync(DESCRIPTION_FILE, { force: true });
}
