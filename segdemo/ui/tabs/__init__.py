"""What the server answers to each tab: functions from a record and the visitor's arguments to JSON."""
