// Calls by SMS (csp-transport section 2): SSMS, a text to a port of the phone, and WAPSMS, a WAP push. Both are one
// short message with application port addressing (3GPP TS 23.040 section 9.2.3.24.4). Nothing here sends: SmsSender is
// the port to whatever carries short messages.

import type { Msisdn } from '../../../wv/msisdn.ts';
import type { CspVersion } from '../../../wv/version.ts';
import { callText, isCallableCookie } from './channel.ts';
import { packed, septets } from './gsm7.ts';
import { callPush, WAP_PUSH_PORT } from './wap-push.ts';

/** Where phones listen for calls by text: the IANA port wv-csp-sms-cir. */
export const SSMS_PORT = 3716;
/** Source port of pushes by SMS: the IANA port wap-wsp. */
const WSP_PORT = 9200;

/** Octets of user data in one short message, its header included. */
const MAX_OCTETS = 140;

/** One short message, ready for SUBMIT: the user data header stands in front of the user data. */
export interface ShortMessage {
  /** Of the user data: packed septets or octets (the data coding scheme 0x00 or 0x04). */
  readonly alphabet: 'gsm7' | 'octets';
  /** User data header with its length octet. */
  readonly header: Uint8Array;
  readonly data: Uint8Array;
  /** The TP-User-Data-Length: septets or octets, the header and its fill bits counted. */
  readonly length: number;
}

/** Carries short messages to phones. Implemented by the network side; no implementation = the methods are not offered. */
export interface SmsSender {
  /** 'taken' = it is the network's now; 'refused' = this number cannot be reached; 'failed' = try again later. */
  send(to: Msisdn, message: ShortMessage): Promise<'taken' | 'refused' | 'failed'>;
}

/** Application port addressing, 16 bit: 06 05 04, destination, source. */
function portAddressing(destination: number, source: number): Uint8Array {
  const ports = [destination >> 8, destination & 0xff, source >> 8, source & 0xff];
  return Uint8Array.from([0x06, 0x05, 0x04, ...ports]);
}

/** A call as plain text. undefined = the cookie does not fit into one message of the GSM alphabet. */
export function textCall(version: CspVersion, cookie: string): ShortMessage | undefined {
  const values = isCallableCookie(cookie) ? septets(callText(version, cookie)) : undefined;
  if (values === undefined) return undefined;
  const header = portAddressing(SSMS_PORT, SSMS_PORT);
  // The header's seven octets are eight septets exactly, so the text begins without fill bits.
  const length = (header.length * 8) / 7 + values.length;
  if (length > (MAX_OCTETS * 8) / 7) return undefined;
  return { alphabet: 'gsm7', header, data: packed(values), length };
}

/** A call as a WAP push. undefined = the cookie does not fit. */
export function pushCall(version: CspVersion, cookie: string, pushId: number): ShortMessage | undefined {
  if (!isCallableCookie(cookie)) return undefined;
  const header = portAddressing(WAP_PUSH_PORT, WSP_PORT);
  const data = callPush(version, cookie, pushId);
  const length = header.length + data.length;
  return length > MAX_OCTETS ? undefined : { alphabet: 'octets', header, data, length };
}
