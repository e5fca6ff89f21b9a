// CSP messages as WBXML (WAP-192 binary XML; OMA-WV-CSP_WBXML, OMA-TS-IMPS_CSP_WBXML): octets ⇄ element tree.
export { decodeWbxml } from './wbxml-reader.ts';
export { encodeWbxml } from './wbxml-writer.ts';
