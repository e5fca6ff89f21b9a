// ejabberd in the test stack: https://docs.ejabberd.im/admin/configuration/
//
// It is started by `erl` and not by `ejabberdctl`: as an Erlang node without a name it needs no
// epmd, the daemon that all Erlang programs of a machine share and that would outlive it. Accounts
// are made through its HTTP API on loopback instead.
import { existsSync, globSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { opensStream, requestJson } from './answer.ts';
import { tryCommand } from './command.ts';
import {
  accountPassword,
  componentDomain,
  createFolders,
  EJABBERD,
  groupsDomain,
  HOST,
  mucDomain,
  serverFolders,
  STACK_DIR,
  uploadDomain,
  XMPP_ACCOUNTS,
} from './layout.ts';
import { needPackages } from './packages.ts';
import type { StackSecrets } from './secrets.ts';
import { fingerprintOf, giveTo, plainEnvironment, type Server, serviceUser, Unavailable } from './server.ts';
import { describeXmpp, STANZA_SIZE_LIMIT } from './xmpp.ts';

const folders = serverFolders('ejabberd');
const configFile = join(folders.config, 'ejabberd.yml');
const apiUrl = `http://${HOST}:${EJABBERD.httpPort}/api`;

function configuration(secrets: StackSecrets): string {
  const listener = { ip: HOST, backlog: 511, max_fsm_queue: 100_000 };
  const components = (role: 'main' | 'test'): Record<string, { password: string }> => {
    const password = secrets.ejabberdComponents[role];
    return {
      [componentDomain(role, EJABBERD.domain)]: { password },
      [groupsDomain(role, EJABBERD.domain)]: { password },
    };
  };
  return stringify({
    hosts: [EJABBERD.domain],
    loglevel: 'info',
    log_rotate_count: 1,
    acme: { auto: false },
    // No server-to-server connections.
    s2s_access: 'none',
    listen: [
      {
        ...listener,
        port: EJABBERD.c2sPort,
        module: 'ejabberd_c2s',
        max_stanza_size: STANZA_SIZE_LIMIT,
        access: 'all',
        shaper: 'none',
      },
      {
        ...listener,
        port: EJABBERD.componentPort,
        module: 'ejabberd_service',
        max_stanza_size: STANZA_SIZE_LIMIT,
        access: 'all',
        shaper: 'none',
        // Else each connection takes its share of the stanzas for all of these domains.
        global_routes: false,
        hosts: { ...components('main'), ...components('test') },
      },
      {
        ip: HOST,
        port: EJABBERD.httpPort,
        module: 'ejabberd_http',
        request_handlers: { '/api': 'mod_http_api', '/bosh': 'mod_bosh', '/upload': 'mod_http_upload' },
      },
    ],
    api_permissions: {
      'accounts from loopback': {
        from: ['mod_http_api'],
        who: { access: { allow: [{ ip: `${HOST}/8` }] } },
        what: ['register', 'status'],
      },
    },
    acl: {
      gateway: {
        server: [componentDomain('main', EJABBERD.domain), componentDomain('test', EJABBERD.domain)],
      },
      local: { user_regexp: '' },
      // Not `main`, so that both a gateway with and one without the privilege can be tried.
      privileged: { server: componentDomain('test', EJABBERD.domain) },
    },
    access_rules: {
      upload: [{ allow: 'local' }, { allow: 'gateway' }],
      privileged: [{ allow: 'privileged' }],
    },
    shaper_rules: { max_user_sessions: 100, max_user_offline_messages: 100_000 },
    modules: {
      mod_blocking: {},
      mod_bosh: {},
      mod_caps: {},
      mod_carboncopy: {},
      mod_disco: {},
      mod_http_api: {},
      mod_http_upload: {
        host: uploadDomain(EJABBERD.domain),
        access: 'upload',
        docroot: join(folders.data, 'upload'),
        put_url: `http://${HOST}:${EJABBERD.httpPort}/upload`,
      },
      mod_last: {},
      mod_muc: { host: mucDomain(EJABBERD.domain), min_presence_interval: 0, min_message_interval: 0 },
      mod_offline: { access_max_user_messages: 'max_user_offline_messages' },
      mod_ping: {},
      mod_privacy: {},
      mod_private: {},
      mod_privilege: { roster: { both: 'privileged' } },
      mod_pubsub: { plugins: ['flat', 'pep'] },
      mod_roster: {},
      // COMPAT(@xmpp/client 0.14): without mod_stream_mgmt. That client now and then counts a stanza of before the
      // stream was managed, and ejabberd then closes its stream ("acknowledged 2 stanzas, but only 1 were sent").
      mod_time: {},
      mod_vcard: {},
      mod_version: {},
    },
  });
}

/** The folder in which Erlang finds ejabberd; it differs with the processor. */
function libraryFolder(): string | undefined {
  const found = globSync('/usr/lib{,/*}/ejabberd-*/ebin').toSorted().at(-1);
  return found === undefined ? undefined : dirname(dirname(found));
}

/** ejabberd as a server of the stack. */
export const ejabberd: Server = {
  name: 'ejabberd',
  ports: [EJABBERD.c2sPort, EJABBERD.componentPort, EJABBERD.httpPort],
  startDeadlineMs: 60_000,

  async obtain(progress, consent) {
    const erl = await tryCommand('sh', ['-c', 'command -v erl']);
    if (erl.status === 0 && libraryFolder() !== undefined) return;
    await needPackages(['ejabberd'], progress, consent);
    if (libraryFolder() !== undefined) return;
    throw new Unavailable('ejabberd is installed, but not where Debian puts it', "install Debian's ejabberd");
  },

  async prepare(secrets) {
    createFolders(folders);
    const text = configuration(secrets);
    writeFileSync(configFile, text, { mode: 0o600 });
    const user = await serviceUser('ejabberd', STACK_DIR);
    giveTo(user, folders.data, folders.log, configFile);
    const inetrc = '/etc/ejabberd/inetrc';
    return {
      program: 'erl',
      args: [
        '-noinput',
        '+K',
        'true',
        '+P',
        '250000',
        '-mnesia',
        'dir',
        JSON.stringify(join(folders.data, 'mnesia')),
        '-s',
        'ejabberd',
      ],
      cwd: folders.data,
      env: {
        ...plainEnvironment(folders.data),
        EJABBERD_CONFIG_PATH: configFile,
        EJABBERD_LOG_PATH: join(folders.log, 'ejabberd.log'),
        ERL_CRASH_DUMP: join(folders.log, 'erl_crash.dump'),
        ERL_LIBS: libraryFolder() ?? '',
        ...(existsSync(inetrc) && user === undefined ? { ERL_INETRC: inetrc } : {}),
      },
      ...user,
      logFile: folders.logFile,
      marker: join(folders.data, 'mnesia'),
      fingerprint: fingerprintOf(text),
    };
  },

  async answers() {
    const component = componentDomain('main', EJABBERD.domain);
    return (
      (await opensStream(EJABBERD.c2sPort, 'jabber:client', EJABBERD.domain)) &&
      (await opensStream(EJABBERD.componentPort, 'jabber:component:accept', component)) &&
      (await requestJson(`${apiUrl}/status`, { method: 'POST', body: {} })).status === 200
    );
  },

  async createAccounts() {
    for (const account of XMPP_ACCOUNTS) {
      const body = { user: account, host: EJABBERD.domain, password: accountPassword(account) };
      const { status, body: answer } = await requestJson(`${apiUrl}/register`, { method: 'POST', body });
      // 409: there already
      if (status !== 200 && status !== 409) {
        throw new Error(`ejabberd did not register ${account}: ${status} ${JSON.stringify(answer)}`);
      }
    }
  },

  async version() {
    const { body } = await requestJson(`${apiUrl}/status`, { method: 'POST', body: {} });
    return /ejabberd (\d\S*)/u.exec(JSON.stringify(body))?.[1] ?? 'unknown';
  },

  describe: (record, secrets) => ({
    ejabberd: describeXmpp(EJABBERD, '/bosh', secrets.ejabberdComponents, record),
  }),
};
