// Why a document did not reach a peer, in words that an operator can act on.

/** A condition of node:net, node:dns, node:tls or OpenSSL, by its code, and what is said of it; `at` is host:port. */
type Words = (at: string, error: NodeJS.ErrnoException) => string;

const UNTRUSTED: Words = (at, { code }) =>
  `certificate of ${at} is not signed by an authority trusted here (${code})`;

const WORDS: Readonly<Record<string, Words>> = {
  ECONNREFUSED: (at) => `connection to ${at} refused: nothing listens there`,
  EHOSTUNREACH: (at) => `no route to ${at}`,
  ENETUNREACH: (at) => `no route to ${at}`,
  ENOTFOUND: (at) => `no address known for ${at}`,
  EAI_AGAIN: (at) => `no address found for ${at}: the name servers do not answer`,
  ETIMEDOUT: (at) => `connection to ${at} timed out`,
  ECONNRESET: (at) => `connection closed by ${at}`,
  EPIPE: (at) => `connection closed by ${at}`,
  ERR_TLS_CERT_ALTNAME_INVALID: (at, error) => `certificate of ${at} is not valid for ${error.message}`,
  CERT_HAS_EXPIRED: (at) => `certificate of ${at} has expired, or one that signed it`,
  CERT_NOT_YET_VALID: (at) => `certificate of ${at} is not valid yet, or one that signed it`,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_SSL_WRONG_VERSION_NUMBER: (at) => `${at} does not speak TLS`,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: (at) => `${at} does not speak TLS`,
};

const MAX_LENGTH = 300;

/** One line. What the other side wrote is in it, cut and without control characters. */
export function failureReason(at: string, error: NodeJS.ErrnoException): string {
  const { code = '', message } = error;
  const text = WORDS[code]?.(at, error) ?? otherFailure(at, code, message);
  return text.replaceAll(/[\p{C}\s]+/gu, ' ').slice(0, MAX_LENGTH);
}

function otherFailure(at: string, code: string, message: string): string {
  if (refusesCertificate(code)) return `${at} refuses our certificate, or wants one (${code})`;
  if (code.endsWith('ALERT_HANDSHAKE_FAILURE'))
    return `${at} refuses our TLS: it may want a certificate, or knows none of our ciphers (${code})`;
  if (code.startsWith('HPE_')) return `the answer of ${at} is not HTTP (${code})`;
  return `${at}: ${message}${code === '' ? '' : ` (${code})`}`;
}

/** An alert in which the other side ends TLS because of our certificate: it has taken nothing of what we sent. */
export function refusesCertificate(code = ''): boolean {
  return /^ERR_SSL_[\w/]*ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)$/.test(code);
}

/** The peer closed a connection as if nothing had been asked on it. */
export function isHangUp({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}
