// A log and metrics that say nothing.

import type { Log, Metrics } from '../../src/ops/ports.ts';

const nothing = () => {};

export const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
export const NO_METRICS: Metrics = { count: nothing, gauge: nothing, observe: nothing };
