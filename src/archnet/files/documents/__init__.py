"""JSON documents: values with line numbers, the schema validator, and names that become folders."""
