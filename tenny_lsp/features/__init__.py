"""What the user gets: functions from plain values to plain values."""
