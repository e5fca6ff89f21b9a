// Fallback indication (XEP-0428): which part of a body is there only for clients that do not know an extension.
// Positions count code points (XEP-0426).

import { NS } from './namespaces.ts';
import { childOf, elementsOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** A body without its fallback, and the fallback. */
export interface WithoutFallback {
  readonly kept: string;
  readonly cut: string;
}

/** What we show in our own words, so that the fallback for it would say it twice. */
const HANDLED: ReadonlySet<string> = new Set([
  NS.reply,
  NS.reactions,
  NS.retraction,
  NS.retractionOld,
  NS.fasten,
  NS.receipts,
  NS.markers,
  NS.attention,
]);

type Range = readonly [start: number, end: number];
const EVERYTHING: Range = [0, Number.POSITIVE_INFINITY];

/** Cuts the ranges of extensions that the message carries and we handle; other fallback is text like any other. */
export function withoutFallback(body: string, message: XmlElement): WithoutFallback {
  const ranges = rangesOf(message);
  if (ranges.length === 0) return { kept: body, cut: '' };
  const points = Array.from(body);
  const isCut = (index: number): boolean => ranges.some(([start, end]) => index >= start && index < end);
  const kept = points.filter((_, index) => !isCut(index)).join('');
  const cut = points.filter((_, index) => isCut(index)).join('');
  return { kept: cut === '' ? kept : kept.trim(), cut };
}

/** Ranges of one message that are looked at. */
const MAX_RANGES = 16;

function rangesOf(message: XmlElement): readonly Range[] {
  const carried = new Set(elementsOf(message).map(({ ns }) => ns));
  const handled = (ns: string | undefined): boolean =>
    ns === undefined ? [...carried].some((one) => HANDLED.has(one)) : HANDLED.has(ns) && carried.has(ns);
  return elementsOf(message)
    .filter(({ name, ns }) => name === 'fallback' && (ns === NS.fallback || ns === NS.fallbackOld))
    .filter(({ attrs }) => handled(attrs['for']))
    .flatMap(rangesIn)
    .slice(0, MAX_RANGES);
}

/** Without a `body` child everything is fallback, unless only the subject is named. */
function rangesIn(fallback: XmlElement): readonly Range[] {
  const parts = elementsOf(fallback).filter(({ ns }) => ns === fallback.ns);
  const bodies = parts.filter(({ name }) => name === 'body');
  if (bodies.length > 0) return bodies.flatMap(({ attrs }) => rangeOf(attrs['start'], attrs['end']));
  return childOf(fallback, 'subject') === undefined ? [EVERYTHING] : [];
}

function rangeOf(start: string | undefined, end: string | undefined): readonly Range[] {
  if (start === undefined && end === undefined) return [EVERYTHING];
  const range = [positionOf(start ?? '0'), end === undefined ? EVERYTHING[1] : positionOf(end)] as const;
  return range[0] < range[1] ? [range] : [];
}

/** NaN, which is in no range, for what is no position. */
function positionOf(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
}
