// A call as a connectionless WAP push (csp-transport section 2, WAPSMS and WAPUDP; WSP 1.0 section 8.2.4.1).

import type { CspVersion } from '../../../wv/version.ts';
import { callText } from './channel.ts';

/** Where phones listen for connectionless pushes: the IANA port wap-push. */
export const WAP_PUSH_PORT = 2948;

const PUSH = 0x06;
/** `application/vnd.wv.csp.cir`, WSP content type 0x46, as a short integer. */
const CONTENT_TYPE = 0xc6;
/** X-Wap-Application-Id: `x-wap-application:wv.ua`, code 0x0A, as a short integer. */
const APPLICATION_ID = [0xaf, 0x8a] as const;

/** The PDU. `pushId`: one octet that tells repeats from new pushes. */
export function callPush(version: CspVersion, cookie: string, pushId: number): Uint8Array {
  const headers = [CONTENT_TYPE, ...APPLICATION_ID];
  const body = new TextEncoder().encode(callText(version, cookie));
  return Uint8Array.from([pushId & 0xff, PUSH, headers.length, ...headers, ...body]);
}
