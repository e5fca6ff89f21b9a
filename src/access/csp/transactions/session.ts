// Session and service access: logout, polling, service information, discovery; log-in and negotiations have files of
// their own (csp-transactions section 1).

import { OK } from '../../../wv/status.ts';
import { CSP_VERSIONS, NAMESPACES } from '../../../wv/version.ts';
import { resultBody, statusElement } from '../answers.ts';
import { buildElement, isBindError, readBody } from '../codec/binding.ts';
import { messageDelivered, statusReceived } from '../confirm.ts';
import { inSession, type Answer, type Exchange, type Handlers } from '../transaction.ts';
import { negotiateCapabilities } from './capability.ts';
import { keepAlive } from './keep-alive.ts';
import { login } from './login.ts';
import { serviceRequest } from './service.ts';

/** 1.1 answers with Disconnect, later versions with Status (csp-transactions 1.3). */
const logout = inSession('Logout-Request', async ({ services, session, version }) => {
  await services.sessions.end(session);
  return version === '1.1'
    ? buildElement('Disconnect', { Result: resultBody(OK) }, version)
    : statusElement(OK, version);
});

async function spInfo({ services, version, transaction }: Exchange): Promise<Answer> {
  const { name, description, url, logo } = services.settings.provider;
  const body = readBody(transaction.content, 'GetSPInfo-Request');
  return buildElement(
    'GetSPInfo-Response',
    {
      ...(isBindError(body) || body.ClientID === undefined ? {} : { ClientID: body.ClientID }),
      Name: name,
      Logo:
        logo === undefined
          ? undefined
          : {
              ContentType: logo.contentType,
              ContentSize: logo.size,
              ContentEncoding: 'BASE64',
              ContentData: logo.base64,
            },
      Description: description,
      URL: url,
    },
    version,
  );
}

/**
 * Which namespaces are spoken here (csp-transactions 1.9: shape is an assumption, see docs/protocol-notes.md). Sources
 * spell the name in two ways: the answer has the one that was asked with.
 */
async function versionDiscovery({ version, transaction }: Exchange): Promise<Answer> {
  const answer = buildElement(
    'WV-CSP-NSDiscovery-Response',
    {
      VersionList: {
        SessionNSName: CSP_VERSIONS.map((each) => NAMESPACES[each].session),
        TransactionNSName: CSP_VERSIONS.map((each) => NAMESPACES[each].transaction),
        PresenceAttributeNSName: CSP_VERSIONS.map((each) => NAMESPACES[each].presence),
      },
    },
    // 1.1 has no discovery of its own: a client that asks knows the one of 1.2.
    version === '1.1' ? '1.2' : version,
  );
  return { ...answer, name: transaction.content.name.replace(/Request$/, 'Response') };
}

export const sessionTransactions: Handlers = {
  'Login-Request': { outband: true, handle: login },
  'GetSPInfo-Request': { outband: true, handle: spInfo },
  'WV-CSP-NSDiscovery-Request': { outband: true, handle: versionDiscovery },
  'Logout-Request': logout,
  // Some word is owed to every request: Android takes an empty answer for a fault (client-quirks section 1).
  Disconnect: inSession('Disconnect', async ({ services, session, version, transaction }) => {
    await services.sessions.end(session);
    return transaction.mode === 'Request' ? statusElement(OK, version) : undefined;
  }),
  'KeepAlive-Request': keepAlive,
  'Polling-Request': { handle: async () => undefined },
  'Service-Request': serviceRequest,
  'ClientCapability-Request': inSession('ClientCapability-Request', negotiateCapabilities),
  Status: { handle: statusReceived },
  MessageDelivered: { handle: messageDelivered },
};
