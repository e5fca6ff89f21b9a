// What the descriptions of the two XMPP servers of the stack have in common.
import type { XmppServer } from './description.ts';
import { accountPassword, componentDomain, groupsDomain, HOST, XMPP_ACCOUNTS } from './layout.ts';
import type { ProcessRecord } from './process.ts';

interface XmppLayout {
  readonly domain: string;
  readonly c2sPort: number;
  readonly componentPort: number;
  readonly httpPort: number;
}

/** Larger than any message a handset may send: the limits under test are the gateway's own. */
export const STANZA_SIZE_LIMIT = 10 * 1024 * 1024;

/** @returns an XMPP server's part of the stack's description */
export function describeXmpp(
  layout: XmppLayout,
  boshPath: string,
  secrets: { main: string; test: string },
  record: ProcessRecord,
): XmppServer {
  const { domain } = layout;
  return {
    domain,
    host: HOST,
    c2sPort: layout.c2sPort,
    componentPort: layout.componentPort,
    boshUrl: `http://${HOST}:${layout.httpPort}${boshPath}`,
    components: {
      main: {
        domain: componentDomain('main', domain),
        groups: groupsDomain('main', domain),
        secret: secrets.main,
      },
      test: {
        domain: componentDomain('test', domain),
        groups: groupsDomain('test', domain),
        secret: secrets.test,
      },
    },
    users: Object.fromEntries(
      XMPP_ACCOUNTS.map((name) => [name, { jid: `${name}@${domain}`, password: accountPassword(name) }]),
    ),
    pid: record.pid,
    version: record.version,
  };
}
