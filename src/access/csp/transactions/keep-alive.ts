// How long a session may be silent: wished by the client, granted within limits (csp-transactions 1.4).

import { OK, result } from '../../../wv/status.ts';
import { resultBody } from '../answers.ts';
import { buildElement } from '../codec/binding.ts';
import { inSession, type CspSettings } from '../transaction.ts';

/** Seconds. */
export function grantedKeepAlive({ keepAlive }: CspSettings, wished: number | undefined): number {
  return Math.min(Math.max(wished ?? keepAlive.default, keepAlive.min), keepAlive.max);
}

export const keepAlive = inSession('KeepAlive-Request', async ({ services, session, version }, body) => {
  const wished = body.TimeToLive;
  if (wished !== undefined)
    await services.sessions.setKeepAlive(session, grantedKeepAlive(services.settings, wished));
  // 605 tells that another value holds (csp-transactions 1.4).
  const accepted = wished === undefined || wished === session.keepAlive;
  return buildElement(
    'KeepAlive-Response',
    { Result: resultBody(accepted ? OK : result(605)), KeepAliveTime: session.keepAlive },
    version,
  );
});
