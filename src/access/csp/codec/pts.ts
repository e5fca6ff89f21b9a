// CSP messages as plain text (PTS, application/vnd.wv.csp.sms): text ⇄ element tree, and the segments of long ones.
export { decodePts } from './pts-reader.ts';
export { encodePts } from './pts-writer.ts';
export type { PtsOutput } from './pts-writer.ts';
export { PtsAssembly, splitPts } from './pts-segments.ts';
export type { AssemblyLimits, Taken } from './pts-segments.ts';
