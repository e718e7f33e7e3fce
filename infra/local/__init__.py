"""What bin/dev and bin/test stand on: embedded servers, a supervisor, and the journey of --check."""
