-- Prosody in compose.yaml: one host for people, and wvgate as its component (docs/xmpp.md).
log = { info = "*console" }
data_path = "/var/lib/prosody"
pidfile = "/var/run/prosody/prosody.pid"

modules_enabled = {
  "roster", "saslauth", "disco", "ping", "vcard_legacy", "pep", "private", "blocklist", "carbons", "smacks",
}
-- No other XMPP servers in this trial.
modules_disabled = { "s2s" }
authentication = "internal_hashed"

-- Loopback only (see the ports in compose.yaml): no TLS. Remove these two lines for anything else.
c2s_require_encryption = false
allow_unencrypted_plain_auth = true

-- wvgate connects from another container.
component_interfaces = { "*" }
component_ports = { 5347 }

VirtualHost "xmpp.localhost"

Component "imps.xmpp.localhost"
  component_secret = "change-me" -- the same as xmpp.secret in wvgate.yaml
