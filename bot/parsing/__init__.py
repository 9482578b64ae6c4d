"""What people type and paste, as a command. Pure."""
