"""Words: typed records, configs, label sets and errors; no behaviour beyond validation."""
