// Prosody in the test stack: https://prosody.im/doc/configure
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isPortTaken, opensStream } from './answer.ts';
import { runCommand, tryCommand } from './command.ts';
import {
  accountPassword,
  componentDomain,
  createFolders,
  groupsDomain,
  HOST,
  mucDomain,
  PROSODY,
  ROLES,
  serverFolders,
  STACK_DIR,
  uploadDomain,
  XMPP_ACCOUNTS,
} from './layout.ts';
import { needPackages } from './packages.ts';
import type { StackSecrets } from './secrets.ts';
import { fingerprintOf, giveTo, plainEnvironment, type Server, serviceUser, Unavailable } from './server.ts';
import { describeXmpp, STANZA_SIZE_LIMIT } from './xmpp.ts';

const folders = serverFolders('prosody');

/** Where Debian's prosody-modules has XEP-0356. */
const PRIVILEGE_MODULE = '/usr/lib/prosody/modules/mod_privilege';

/** @returns whether Prosody lets the `test` component write rosters: its package has no such module */
export function prosodyHasPrivilege(): boolean {
  return existsSync(PRIVILEGE_MODULE);
}
const configFile = join(folders.config, 'prosody.cfg.lua');

/** Lua's quoted strings agree with JSON's for everything that is written here. */
const lua = (text: string): string => JSON.stringify(text);

function configuration(secrets: StackSecrets): string {
  const component = (role: (typeof ROLES)[number]): string => `
Component ${lua(componentDomain(role, PROSODY.domain))}
  component_secret = ${lua(secrets.prosodyComponents[role])}
  ${role === 'test' && prosodyHasPrivilege() ? 'modules_enabled = { "privilege" }' : ''}

Component ${lua(groupsDomain(role, PROSODY.domain))}
  component_secret = ${lua(secrets.prosodyComponents[role])}
`;
  // Not `main`, so that both a gateway with and one without the privilege can be tried.
  const privilege = `  modules_enabled = { "privilege" }
  privileged_entities = { [${lua(componentDomain('test', PROSODY.domain))}] = { roster = "both" } }
`;
  return `-- Written by scripts/stack/prosody.ts at every start.
run_as_root = true -- only when the checkout is in a folder that no other user can reach
data_path = ${lua(folders.data)}
pidfile = ${lua(join(folders.data, 'prosody.pid'))}
log = { info = "*console" }

modules_enabled = {
  "roster", "saslauth", "disco", "ping", "vcard_legacy", "pep", "private", "blocklist", "carbons",
  -- Without stream management: @xmpp/client 0.14 sometimes counts one stanza too many, which ends its stream.
  "bosh", "time", "version",
}
-- No server-to-server connections, and no rate limits (mod_limits is not loaded either).
modules_disabled = { "s2s" }
allow_registration = false
authentication = "internal_hashed"
default_iteration_count = 4096 -- the least that RFC 5802 allows: test accounts log in often
storage = "internal"

-- Loopback only: no TLS, and passwords may go unencrypted.
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
consider_bosh_secure = true

interfaces = { ${lua(HOST)} }
c2s_ports = { ${PROSODY.c2sPort} }
c2s_direct_tls_ports = {}
component_interfaces = { ${lua(HOST)} }
component_ports = { ${PROSODY.componentPort} }
http_interfaces = { ${lua(HOST)} }
http_ports = { ${PROSODY.httpPort} }
https_ports = {}
http_default_host = ${lua(PROSODY.domain)}

c2s_stanza_size_limit = ${STANZA_SIZE_LIMIT}
component_stanza_size_limit = ${STANZA_SIZE_LIMIT}

VirtualHost ${lua(PROSODY.domain)}
${prosodyHasPrivilege() ? privilege : ''}
Component ${lua(mucDomain(PROSODY.domain))} "muc"
  -- Rooms are open for whoever makes them, and gone with their last occupant.
  muc_room_locking = true

Component ${lua(uploadDomain(PROSODY.domain))} "http_file_share"
  -- Its addresses name no host that would have to be looked up.
  http_host = ${lua(PROSODY.domain)}
  http_external_url = ${lua(`http://${HOST}:${PROSODY.httpPort}/`)}
  http_file_share_access = { ${[PROSODY.domain, ...ROLES.map((role) => componentDomain(role, PROSODY.domain))].map(lua).join(', ')} }
${ROLES.map(component).join('')}`;
}

const runAs = () => serviceUser('prosody', STACK_DIR);

function accountFile(account: string): string {
  return join(folders.data, PROSODY.domain.replaceAll('.', '%2e'), 'accounts', `${account}.dat`);
}

/** Prosody as a server of the stack. */
export const prosody: Server = {
  name: 'prosody',
  ports: [PROSODY.c2sPort, PROSODY.componentPort, PROSODY.httpPort],
  startDeadlineMs: 20_000,

  async obtain(progress, consent) {
    const installed = await tryCommand('sh', ['-c', 'command -v prosody']);
    if (installed.status !== 0) await needPackages(['prosody'], progress, consent);
    if (prosodyHasPrivilege()) return;
    // What needs it is skipped; the rest does not.
    await needPackages(['prosody-modules'], progress, consent).catch((error: unknown) => {
      if (!(error instanceof Unavailable)) throw error;
    });
  },

  async prepare(secrets) {
    createFolders(folders);
    // Prosody looks for certificates beside its configuration and complains if there is no folder.
    mkdirSync(join(folders.config, 'certs'), { recursive: true });
    const text = configuration(secrets);
    writeFileSync(configFile, text, { mode: 0o600 });
    const user = await runAs();
    giveTo(user, folders.data, configFile);
    return {
      program: 'prosody',
      args: ['--config', configFile, '-F'],
      cwd: folders.data,
      env: plainEnvironment(folders.data),
      ...user,
      logFile: folders.logFile,
      marker: configFile,
      fingerprint: fingerprintOf(text),
    };
  },

  async answers() {
    return (
      (await opensStream(PROSODY.c2sPort, 'jabber:client', PROSODY.domain)) &&
      (await opensStream(
        PROSODY.componentPort,
        'jabber:component:accept',
        componentDomain('main', PROSODY.domain),
      )) &&
      (await isPortTaken(PROSODY.httpPort))
    );
  },

  async createAccounts() {
    const user = await runAs();
    const absent = XMPP_ACCOUNTS.filter((account) => !existsSync(accountFile(account)));
    await Promise.all(
      absent.map((account) =>
        runCommand(
          'prosodyctl',
          ['--config', configFile, 'register', account, PROSODY.domain, accountPassword(account)],
          { ...user, cwd: folders.data, env: plainEnvironment(folders.data) },
        ),
      ),
    );
  },

  async version() {
    const user = await runAs();
    const about = await tryCommand('prosodyctl', ['--config', configFile, 'about'], {
      ...user,
      cwd: folders.data,
      env: plainEnvironment(folders.data),
    });
    return /^Prosody (\d\S*)/mu.exec(about.stdout)?.[1] ?? 'unknown';
  },

  describe: (record, secrets) => ({
    prosody: describeXmpp(PROSODY, '/http-bind', secrets.prosodyComponents, record),
  }),
};
