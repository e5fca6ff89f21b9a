// Prometheus metrics behind the Metrics port. Series are made when first used; label names of a metric are fixed
// by its first use.

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Metrics } from './ports.ts';

const PREFIX = 'wvgate_';
/** Combinations of label values of one metric; what comes after them counts as `other`. */
const MAX_SERIES = 5_000;
type Labels = Readonly<Record<string, string>>;

export interface MetricsRegistry extends Metrics {
  /** Runs before each exposition: for gauges that are read rather than kept. */
  onCollect(collect: () => void | Promise<void>): void;
  /** Text exposition format. */
  expose(): Promise<{ contentType: string; text: string }>;
}

export function createMetrics(): MetricsRegistry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const collectors: (() => void | Promise<void>)[] = [];

  function existing<T>(map: Map<string, T>, name: string, make: () => T): T {
    const known = map.get(name);
    if (known !== undefined) return known;
    const made = make();
    map.set(name, made);
    return made;
  }
  const seen = new Map<string, Set<string>>();
  /** Labels as they are while there are not too many: some name servers that strangers made up. */
  function bounded(name: string, labels: Labels): Labels {
    const values = Object.values(labels).join(' ');
    if (values === '') return labels;
    const known = existing(seen, name, () => new Set<string>());
    if (known.has(values)) return labels;
    if (known.size >= MAX_SERIES)
      return Object.fromEntries(Object.keys(labels).map((label) => [label, 'other']));
    known.add(values);
    return labels;
  }
  const definition = (name: string, labels: Labels) => ({
    name: PREFIX + name,
    help: name.replaceAll('_', ' '),
    labelNames: Object.keys(labels),
    registers: [registry],
  });

  return {
    count(name, labels = {}, by = 1) {
      existing(counters, name, () => new Counter(definition(name, labels))).inc(bounded(name, labels), by);
    },
    gauge(name, value, labels = {}) {
      existing(gauges, name, () => new Gauge(definition(name, labels))).set(bounded(name, labels), value);
    },
    observe(name, seconds, labels = {}) {
      existing(histograms, name, () => new Histogram(definition(name, labels))).observe(
        bounded(name, labels),
        seconds,
      );
    },
    onCollect(collect) {
      collectors.push(collect);
    },
    async expose() {
      for (const collect of collectors) await collect();
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
