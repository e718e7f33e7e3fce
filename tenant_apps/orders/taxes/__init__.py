"""Tax by rule: what a tenant charges where, and from when on."""
