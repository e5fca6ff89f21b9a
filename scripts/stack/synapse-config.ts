// homeserver.yaml and the application service registrations of the stack's Synapse:
// https://element-hq.github.io/synapse/latest/usage/configuration/config_documentation.html
import { stringify } from 'yaml';
import { HOST, type Role, SYNAPSE } from './layout.ts';
import type { StackSecrets } from './secrets.ts';

/** What the two application services are called and where Synapse finds them. */
export const APPLICATION_SERVICES = {
  main: { file: 'wvgate.yaml', id: 'imps', url: `http://${HOST}:19099`, prefix: '_imps_' },
  test: { file: 'wvgate-test.yaml', id: 'imps-test', url: `http://${HOST}:19199`, prefix: '_impst_' },
} as const satisfies Record<Role, { file: string; id: string; url: string; prefix: string }>;

/** The registration of an application service (Matrix, Application Service API). */
export function registrationYaml(role: Role, secrets: StackSecrets): string {
  const { id, url, prefix } = APPLICATION_SERVICES[role];
  const server = SYNAPSE.serverName.replaceAll('.', '\\.');
  return stringify({
    id,
    url,
    as_token: secrets.asTokens[role],
    hs_token: secrets.hsTokens[role],
    sender_localpart: `${prefix}bot`,
    namespaces: {
      users: [{ exclusive: true, regex: `@${prefix}.*:${server}` }],
      aliases: [{ exclusive: true, regex: `#${prefix}.*:${server}` }],
      rooms: [],
    },
    protocols: ['imps'],
    rate_limited: false,
    receive_ephemeral: true,
    'de.sorunome.msc2409.push_ephemeral': true,
  });
}

const UNLIMITED = { per_second: 1_000_000, burst_count: 1_000_000 };

const RATE_LIMITS = {
  rc_message: UNLIMITED,
  rc_registration: UNLIMITED,
  rc_registration_token_validity: UNLIMITED,
  rc_login: { address: UNLIMITED, account: UNLIMITED, failed_attempts: UNLIMITED },
  rc_admin_redaction: UNLIMITED,
  rc_joins: { local: UNLIMITED, remote: UNLIMITED },
  rc_joins_per_room: UNLIMITED,
  rc_3pid_validation: UNLIMITED,
  rc_invites: { per_room: UNLIMITED, per_user: UNLIMITED, per_issuer: UNLIMITED },
  rc_third_party_invite: UNLIMITED,
  rc_media_create: UNLIMITED,
  rc_room_creation: UNLIMITED,
  rc_presence: { per_user: UNLIMITED },
  rc_key_requests: UNLIMITED,
  rc_user_directory: UNLIMITED,
  rc_delayed_event_mgmt: UNLIMITED,
  rc_reports: UNLIMITED,
};

/**
 * @param configFolder where Synapse itself sees its configuration
 * @param dataFolder where Synapse itself sees its data
 */
export function homeserverYaml(secrets: StackSecrets, configFolder: string, dataFolder: string): string {
  return stringify({
    server_name: SYNAPSE.serverName,
    public_baseurl: `http://${HOST}:${SYNAPSE.port}/`,
    pid_file: `${dataFolder}/homeserver.pid`,
    listeners: [
      {
        port: SYNAPSE.port,
        bind_addresses: [HOST],
        type: 'http',
        tls: false,
        resources: [{ names: ['client'], compress: false }],
      },
    ],
    database: { name: 'sqlite3', args: { database: `${dataFolder}/homeserver.db` } },
    log_config: `${configFolder}/log.yaml`,
    media_store_path: `${dataFolder}/media`,
    signing_key_path: `${dataFolder}/signing.key`,
    registration_shared_secret: secrets.registrationSharedSecret,
    macaroon_secret_key: secrets.registrationSharedSecret.toUpperCase(),
    form_secret: `form-${secrets.registrationSharedSecret}`,
    enable_registration: false,
    report_stats: false,
    // No federation: nobody is asked for keys, and no server is spoken to.
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    federation_domain_whitelist: [],
    url_preview_enabled: false,
    presence: { enabled: true },
    encryption_enabled_by_default_for_room_type: 'off',
    room_list_publication_rules: [{ action: 'allow' }],
    max_upload_size: '50M',
    // Test accounts have no secrets worth a slow hash, and load tests log in often.
    bcrypt_rounds: 4,
    app_service_config_files: Object.values(APPLICATION_SERVICES).map(
      ({ file }) => `${configFolder}/${file}`,
    ),
    ...RATE_LIMITS,
  });
}

/** Python's logging, to the standard output, without a line for every request. */
export function logYaml(): string {
  return stringify({
    version: 1,
    formatters: { line: { format: '%(asctime)s %(levelname)s %(name)s: %(message)s' } },
    handlers: { console: { class: 'logging.StreamHandler', formatter: 'line' } },
    loggers: { 'synapse.app': { level: 'INFO' }, 'synapse.appservice': { level: 'INFO' } },
    root: { level: 'WARNING', handlers: ['console'] },
    disable_existing_loggers: false,
  });
}
