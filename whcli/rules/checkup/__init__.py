"""What `whcli doctor` thinks of what it found: a secret, a clock, a version; nothing here looks for itself."""
