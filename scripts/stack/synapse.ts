// Synapse, the Matrix homeserver of the test stack.
import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { requestJson } from './answer.ts';
import { runCommand } from './command.ts';
import type { MatrixRegistration } from './description.ts';
import {
  accountPassword,
  createFolders,
  HOST,
  MATRIX_ACCOUNTS,
  ROLES,
  type Role,
  serverFolders,
  SYNAPSE,
} from './layout.ts';
import type { Launch } from './process.ts';
import type { StackSecrets } from './secrets.ts';
import { fingerprintOf, giveTo, plainEnvironment, type Server, Unavailable } from './server.ts';
import { APPLICATION_SERVICES, homeserverYaml, logYaml, registrationYaml } from './synapse-config.ts';
import {
  findSynapse,
  obtainSynapse,
  OWN_MOUNTS,
  type SynapseProgram,
  userInTree,
} from './synapse-program.ts';

const folders = serverFolders('synapse');
const baseUrl = `http://${HOST}:${SYNAPSE.port}`;
const registerUrl = `${baseUrl}/_synapse/admin/v1/register`;

/** Where Synapse sees its configuration and its data: as they are, or bound into its tree. */
function seenFolders(program: SynapseProgram): { config: string; data: string } {
  return program.kind === 'python' ? folders : { config: '/wvgate/config', data: '/wvgate/data' };
}

/**
 * Runs a program in the tree, with our folders bound into it. Each `exec` keeps the process id, so
 * the id that we know is in the end Synapse's own.
 */
const ENTER_TREE = [
  'mount -t proc proc "$1/proc"',
  'mount --bind "$2" "$1/wvgate/config"',
  'mount --bind "$3" "$1/wvgate/data"',
  'root="$1"; user="$4"; shift 4',
  'exec chroot --userspec="$user" "$root" "$@"',
].join(' && ');

/** The command line of `python3 -m synapse.app.homeserver`. */
function commandLine(program: SynapseProgram, args: readonly string[]): { program: string; args: string[] } {
  const module = ['-m', 'synapse.app.homeserver', ...args];
  if (program.kind === 'python') return { program: program.python, args: module };
  const { root } = program;
  for (const folder of ['config', 'data']) mkdirSync(join(root, 'wvgate', folder), { recursive: true });
  const user = userInTree(root, 'matrix-synapse');
  const userspec = user === undefined ? '0:0' : `${user.uid}:${user.gid}`;
  const enter = ['sh', '-c', ENTER_TREE, 'sh', root, folders.config, folders.data, userspec];
  return { program: 'unshare', args: [...OWN_MOUNTS, ...enter, 'python3', ...module] };
}

async function prepare(secrets: StackSecrets): Promise<Launch> {
  const program = await findSynapse();
  if (program === undefined) throw new Unavailable('not installed', 'npm run stack up');
  createFolders(folders);
  const seen = seenFolders(program);
  const files = new Map([
    ['homeserver.yaml', homeserverYaml(secrets, seen.config, seen.data)],
    ['log.yaml', logYaml()],
    ...ROLES.map((role): [string, string] => [
      APPLICATION_SERVICES[role].file,
      registrationYaml(role, secrets),
    ]),
  ]);
  const user = program.kind === 'tree' ? userInTree(program.root, 'matrix-synapse') : undefined;
  giveTo(user, folders.data);
  for (const [name, text] of files) {
    writeFileSync(join(folders.config, name), text, { mode: 0o600 });
    giveTo(user, join(folders.config, name));
  }
  const env = { ...plainEnvironment(seen.data), SYNAPSE_CACHE_FACTOR: '1' };
  const homeserver = ['-c', `${seen.config}/homeserver.yaml`];
  if (!existsSync(join(folders.data, 'signing.key'))) {
    const keys = commandLine(program, [...homeserver, '--generate-keys']);
    await runCommand(keys.program, keys.args, { env, cwd: folders.data });
  }
  return {
    ...commandLine(program, homeserver),
    cwd: folders.data,
    env,
    logFile: folders.logFile,
    marker: 'synapse.app.homeserver',
    fingerprint: fingerprintOf(program.kind, ...files.values()),
  };
}

const nonceAnswer = z.object({ nonce: z.string() });
const errorAnswer = z.object({ errcode: z.string() });

/** Registers an account with the shared secret (Synapse admin API, "Shared-secret registration"). */
async function createAccount(account: string, secrets: StackSecrets): Promise<void> {
  const { nonce } = nonceAnswer.parse((await requestJson(registerUrl, { timeoutMs: 10_000 })).body);
  const password = accountPassword(account);
  const mac = createHmac('sha1', secrets.registrationSharedSecret)
    .update([nonce, account, password, 'notadmin'].join('\0'))
    .digest('hex');
  const body = { nonce, username: account, password, admin: false, mac };
  const answer = await requestJson(registerUrl, { method: 'POST', body, timeoutMs: 10_000 });
  if (answer.status === 200) return;
  const error = errorAnswer.safeParse(answer.body);
  if (error.success && error.data.errcode === 'M_USER_IN_USE') return;
  throw new Error(`Synapse did not register ${account}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

function registration(role: Role, secrets: StackSecrets): MatrixRegistration {
  const { file, id, url, prefix } = APPLICATION_SERVICES[role];
  return {
    file: join(folders.config, file),
    id,
    url,
    asToken: secrets.asTokens[role],
    hsToken: secrets.hsTokens[role],
    prefix,
  };
}

const versionAnswer = z.object({ server_version: z.string() });

/** Synapse as a server of the stack. */
export const synapse: Server = {
  name: 'synapse',
  ports: [SYNAPSE.port],
  startDeadlineMs: 90_000,
  obtain: obtainSynapse,
  prepare,

  async answers() {
    return (await requestJson(`${baseUrl}/_matrix/client/versions`)).status === 200;
  },

  async createAccounts(secrets) {
    for (const account of MATRIX_ACCOUNTS) await createAccount(account, secrets);
  },

  async version() {
    const answer = versionAnswer.safeParse(
      (await requestJson(`${baseUrl}/_synapse/admin/v1/server_version`, { timeoutMs: 10_000 })).body,
    );
    return answer.success ? answer.data.server_version : 'unknown';
  },

  describe: (record, secrets) => ({
    synapse: {
      serverName: SYNAPSE.serverName,
      baseUrl,
      registrations: { main: registration('main', secrets), test: registration('test', secrets) },
      users: Object.fromEntries(
        MATRIX_ACCOUNTS.map((name) => [
          name,
          { userId: `@${name}:${SYNAPSE.serverName}`, password: accountPassword(name) },
        ]),
      ),
      pid: record.pid,
      version: record.version,
    },
  }),
};
