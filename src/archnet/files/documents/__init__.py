"""JSON documents: values with their lines, the schema validator, and names that become folders."""
