// Configuration of the listeners.

import { z } from 'zod';
import { addressPrefix } from './login.ts';
import { host, port, seconds } from './values.ts';

const tlsSchema = z.strictObject({
  cert: z.string().describe('File with the certificate chain, PEM.'),
  key: z.string().describe('File with the private key, PEM.'),
});

export const sspListenerSchema = z.strictObject({
  host: host.default('127.0.0.1').describe('Address to listen on for other servers.'),
  port: port.default(8082).describe('Port of SSP over HTTP (or HTTPS when `tls` is set).'),
  tls: tlsSchema
    .optional()
    .describe('Serve HTTPS (TLS 1.2 or later) with this certificate. Use it beyond networks you own.'),
  clientCertificates: z
    .enum(['none', 'optional', 'required'])
    .default('none')
    .describe(
      'Certificates of those who call: not asked for, looked at when shown, or needed for a connection. Needs `tls`.',
    ),
  clientCa: z
    .string()
    .optional()
    .describe(
      'File with the authorities that sign these certificates, PEM: these and no others. Needed unless `none`.',
    ),
  maxBody: z
    .int()
    .min(1024)
    .default(1_048_576)
    .describe('Largest document, bytes; more is answered HTTP 413.'),
  maxConnections: z.int().min(1).default(1_000).describe('Connections at once; more are closed.'),
  maxConnectionsPerAddress: z
    .int()
    .min(1)
    .default(100)
    .describe(
      'Connections at once from one IP address; more are closed. X-Forwarded-For is not believed: behind a proxy all peers are one address.',
    ),
  idleSeconds: seconds.default(300).describe('How long an idle connection stays open.'),
});

export const opsListenerSchema = z.strictObject({
  host: host.default('127.0.0.1').describe('Address of the operator endpoint.'),
  port: port.default(9090).describe('Port of /healthz, /readyz and /metrics.'),
});

export const listenSchema = z.strictObject({
  csp: z
    .strictObject({
      host: host
        .default('127.0.0.1')
        .describe('Address to listen on. Use 0.0.0.0 to serve phones of a network.'),
      port: port.default(8080).describe('Port of CSP over HTTP (or HTTPS when `tls` is set).'),
      path: z.string().startsWith('/').default('/csp').describe('Path of CSP; `/` is always served too.'),
      tls: tlsSchema.optional().describe('Serve HTTPS with this certificate.'),
      maxBody: z
        .int()
        .min(1024)
        .default(262_144)
        .describe('Largest request, bytes; more is answered HTTP 413.'),
      idleSeconds: seconds.default(300).describe('How long an idle connection stays open.'),
      maxConnections: z.int().min(1).default(20_000).describe('Connections at once; more are closed.'),
      trustedProxies: z
        .array(addressPrefix)
        .default([])
        .describe(
          'Addresses or prefixes of proxies in front: their X-Forwarded-For tells where a request comes from.',
        ),
      ssp: z
        .boolean()
        .default(false)
        .describe(
          'Serve SSP on the CSP port too, told apart by content type, with the limits of this port and no certificates of peers.',
        ),
    })
    .prefault({}),
  ssp: sspListenerSchema
    .optional()
    .describe(
      'Door for other servers (SSP over HTTP). Peers are told by their log-in, not by their address.',
    ),
  cir: z
    .strictObject({
      http: z
        .strictObject({
          url: z
            .url({ protocol: /^https?$/ })
            .refine((url) => url.endsWith('/'), 'must end with /')
            .describe(
              'Address under which clients reach `/cir/` of the CSP port, such as `http://im.example:8080/cir/`.',
            ),
        })
        .optional()
        .describe(
          'Let clients (1.2 and later) ask an address of their own whether something waits (SHTTP). Leave out to switch it off.',
        ),
      tcp: z
        .strictObject({
          host: host.default('127.0.0.1').describe('Address to listen on for standalone TCP CIR (STCP).'),
          port: port.default(3171).describe('Port for STCP. 3171 is what phones assume.'),
          address: z
            .string()
            .optional()
            .describe('Address told to phones (name or IP). Default: the listening address.'),
        })
        .optional()
        .describe('Call silent clients over a TCP connection they keep open. Leave out to switch STCP off.'),
      udp: z
        .boolean()
        .default(false)
        .describe('Call clients by UDP datagrams (SUDP) to the address they come from.'),
      wapUdp: z
        .boolean()
        .default(false)
        .describe('Call clients by WAP push over UDP (WAPUDP) to port 2948 of the address they come from.'),
    })
    .prefault({}),
  web: z
    .strictObject({
      host: host.default('127.0.0.1').describe('Address of the users’ HTTP API.'),
      port: port.default(8081).describe('Port of the users’ HTTP API.'),
      tls: tlsSchema
        .optional()
        .describe('Serve HTTPS with this certificate. Passwords travel here: use it beyond loopback.'),
      maxConnections: z.int().min(1).default(1_000).describe('Connections at once; more are closed.'),
    })
    .optional()
    .describe('HTTP API with which users read and change their profile.'),
  ops: opsListenerSchema.prefault({}),
});
