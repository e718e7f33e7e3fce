"""What bin/dev and bin/test stand on: embedded PostgreSQL and Valkey, a supervisor, and the journey of --check."""
