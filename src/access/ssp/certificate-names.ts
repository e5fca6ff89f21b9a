// Whose certificate a caller showed: the DNS names in it (RFC 6125 section 6.4).

import type { PeerCertificate, TLSSocket } from 'node:tls';

const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z0-9_](?:[a-z0-9_-]{0,62})$/;
/** node:tls puts into quotes what could be taken for several entries. */
const ALT_NAME = /(?:[^",]|"(?:[^"\\]|\\.)*")+/g;

/** What an authority that we trust says of the other side; undefined = it showed no certificate, or another one. */
export function authorizedNames(socket: TLSSocket): readonly string[] | undefined {
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerCertificate() as Partial<PeerCertificate> | null;
  // A TLS 1.3 session that was resumed counts as authorized, also where nobody ever showed a certificate.
  return certificate?.subject === undefined ? undefined : certificateNames(certificate);
}

/**
 * The subjectAltName's DNS names in lower case, wildcards as they are; the common name only where there is no
 * subjectAltName at all. What is no DNS name is left out.
 */
export function certificateNames(
  certificate: Pick<Partial<PeerCertificate>, 'subject' | 'subjectaltname'>,
): readonly string[] {
  const { subject, subjectaltname } = certificate;
  const names =
    subjectaltname === undefined
      ? [subject?.CN ?? []].flat()
      : (subjectaltname.match(ALT_NAME) ?? []).map((entry) => /^DNS:(.*)$/.exec(entry.trim())?.[1] ?? '');
  return names.map((name) => name.toLowerCase()).filter((name) => DNS_NAME.test(name));
}
