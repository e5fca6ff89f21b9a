// What every room may ask of the process around it: time, ids, logs, metrics. All injected.

/** Wall clock and timers, injected so that tests move time (design section 6). Milliseconds throughout. */
export interface Clock {
  now(): number;
  /** Runs `task` once after `delay` ms unless the returned function is called before. Never keeps the process alive. */
  after(delay: number, task: () => void): () => void;
}

/** Source of unguessable ids. */
export interface IdSource {
  /** `bytes` random octets as URL-safe text. */
  random(bytes: number): string;
}

/** The part of a pino logger that rooms use. First argument: fields; never bodies, passwords, tokens, digests. */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** Counters and gauges by name; names are prefixed `wvgate_` and documented in docs/operating.md. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  /** Observes a duration in seconds. */
  observe(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void;
}
